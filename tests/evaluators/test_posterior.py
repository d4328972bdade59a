"""What a selected score is worth, against worlds whose truth is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluators.posterior import LEAST_PROGRAMS, against_field, curse, left_out, lower_quantile, posterior
from evolve.core.rng import Generator, generator

WORLDS = 400
PROGRAMS = 200
Floats = NDArray[np.float64]


def world(rng: Generator, errors: Floats, spread: float, poor: float = 0.0) -> tuple[Floats, Floats]:
    """True means and scores; a share `poor` of the programs is far below the rest."""
    truth = rng.normal(0.0, spread, len(errors))
    truth -= rng.exponential(3.0, len(errors)) * (rng.random(len(errors)) < poor)
    return truth, truth + errors * rng.normal(size=len(errors))


@pytest.mark.parametrize("spread", [1.0, 0.5])
def test_the_best_score_is_too_high_and_its_posterior_is_not(spread: float) -> None:
    rng, errors = generator("curse", str(spread)), np.ones(PROGRAMS)
    naive, shrunken, covered = [], [], 0
    for _ in range(WORLDS):
        truth, scores = world(rng, errors, spread)
        best = int(scores.argmax())
        found = curse(scores, errors)
        naive.append(scores[best] - truth[best])
        shrunken.append(scores[best] - found.expected - truth[best])
        covered += found.low <= scores[best] - truth[best] <= found.high
    assert np.mean(naive) > 1.5, "the score of the best of 200 is too high by more than its own error"
    assert abs(np.mean(shrunken)) < 3.0 * np.std(shrunken) / math.sqrt(WORLDS)
    assert 0.9 < covered / WORLDS < 0.98


def test_a_tail_of_poor_programs_leaves_little_of_the_curse() -> None:
    rng, errors = generator("tail"), np.ones(PROGRAMS)
    naive, shrunken = [], []
    for _ in range(WORLDS):
        truth, scores = world(rng, errors, 1.0, poor=1 / 3)
        best = int(scores.argmax())
        naive.append(scores[best] - truth[best])
        shrunken.append(naive[-1] - curse(scores, errors).expected)
    assert abs(np.mean(shrunken)) < 0.2 * np.mean(naive)


def test_choosing_by_the_lower_quantile_is_better_where_some_were_measured_less() -> None:
    rng = generator("choice")
    by_score, by_quantile = [], []
    for _ in range(WORLDS):
        errors = np.where(rng.random(PROGRAMS) < 0.5, 0.3, 2.0)
        truth, scores = world(rng, errors, 1.0)
        by_score.append(truth[scores.argmax()])
        by_quantile.append(truth[lower_quantile(scores, errors).argmax()])
    assert np.mean(by_quantile) > np.mean(by_score) + 0.5


def test_equal_errors_leave_the_order_as_it_is() -> None:
    scores = generator("order").normal(size=50)
    for error in (0.1, 1.0, 5.0):
        quantiles = lower_quantile(scores, np.full(50, error))
        assert list(quantiles.argsort()) == list(scores.argsort()) or np.ptp(quantiles) < 1e-9


def test_without_noise_nothing_is_shrunk_and_with_noise_alone_nearly_everything() -> None:
    scores = np.linspace(-1.0, 1.0, 41)
    exact = posterior(scores, np.zeros(41))
    assert exact.means == pytest.approx(scores) and exact.deviations == pytest.approx(0.0)
    noise = posterior(scores, np.full(41, 10.0))
    assert np.ptp(noise.means) < 0.25 * np.ptp(scores)
    same = posterior(np.full(20, 3.0), np.full(20, 1.0))
    assert same.means == pytest.approx(3.0) and np.isfinite(same.deviations).all()


def test_a_chosen_program_has_its_own_curse() -> None:
    rng = generator("chosen")
    errors = np.ones(60)
    scores = rng.normal(0.0, 1.5, 60)
    worst = int(scores.argmin())
    assert curse(scores, errors).expected > 0.0 > curse(scores, errors, worst).expected


def test_what_the_instances_are_worth_to_everyone_is_no_error() -> None:
    rng = generator("field")
    truth, luck, everyone = rng.normal(0.0, 1.0, 80), rng.normal(0.0, 0.5, (80, 25)), rng.normal(0.0, 20.0, 25)
    table = truth[:, None] + luck
    means, errors = against_field(table + everyone)
    alone, _ = against_field(table)
    assert means == pytest.approx(alone)
    assert np.median(errors) == pytest.approx(0.5 / 5.0, rel=0.15)
    assert np.corrcoef(means, truth)[0, 1] > 0.99


def test_a_poor_program_moves_nobody() -> None:
    rng = generator("poor")
    table = rng.normal(0.0, 1.0, (40, 12))
    spoilt = table.copy()
    worst = int(table.mean(axis=1).argmin())
    spoilt[worst] = np.minimum(spoilt[worst], np.median(table, axis=0)) - 1e6
    before, after = against_field(table)[0], against_field(spoilt)[0]
    others = np.arange(40) != worst
    assert np.abs(before - after)[others].max() < 0.2


@pytest.mark.parametrize("family", [False, True])
def test_what_is_left_out_shows_how_lucky_the_best_was(family: bool) -> None:
    """In a family nearly all luck is shared: scores are as noisy as without, and less of it is selected."""
    rng, groups = generator("left out", str(family)), 12
    lucky, expected, model = [], [], []
    for _ in range(WORLDS):
        truth = rng.normal(0.0, 0.2, 60)
        luck = rng.normal(size=(60, groups))
        if family:
            luck = 0.1 * luck + rng.normal(size=(4, groups))[rng.integers(0, 4, 60)]
        table = truth[:, None] + luck
        means, errors = against_field(table)
        best = int(means.argmax())
        lucky.append(luck[best].mean() - np.median(luck, axis=0).mean())
        expected.append(left_out(table).expected)
        model.append(curse(means, errors).expected)
    error = np.std(np.subtract(expected, lucky)) / math.sqrt(WORLDS)
    assert abs(np.mean(expected) - np.mean(lucky)) < 0.15 * np.mean(lucky) + 3.0 * error
    assert np.mean(lucky) > 0.1
    assert not family or np.mean(model) > 1.2 * np.mean(lucky), "the normal model takes shared luck for everyone's own"


def test_kinds_that_never_change_are_no_luck() -> None:
    """One program is best by far, not alike on each kind: new instances of these kinds say the same."""
    rng = generator("kinds")
    table = rng.normal(0.0, 0.01, (40, 8))
    table[7] += 1.0 + rng.normal(0.0, 0.3, 8)
    assert left_out(table).expected == 0.0
    errors = against_field(table)[1]
    assert errors[7] > 0.05


@pytest.mark.parametrize(
    ("means", "errors", "words"),
    [
        (np.zeros(LEAST_PROGRAMS - 1), np.ones(LEAST_PROGRAMS - 1), "10 or more"),
        (np.zeros(12), np.ones(11), "11"),
        (np.full(12, math.nan), np.ones(12), "not finite"),
        (np.zeros(12), np.full(12, -1.0), "below zero"),
    ],
)
def test_what_says_nothing_is_refused(means: Any, errors: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        posterior(means, errors)


def test_one_group_has_no_error() -> None:
    with pytest.raises(ValueError, match="1 groups"):
        against_field(np.zeros((20, 1)))
    with pytest.raises(ValueError, match="2 groups"):
        left_out(np.zeros((20, 2)))
