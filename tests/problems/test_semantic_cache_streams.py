"""Generated workloads of semantic-cache show the laws that they are asked for."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from semantic_policies import categories, streams

from evolve.core.rng import Generator, generator

DAY = 86_400.0
SOME = categories.Category(
    weight=1.0,
    meanings=200,
    alpha=1.0,
    within=0.9,
    between=0.8,
    half_life=DAY,
    model_seconds=2.0,
    model_money=6.0,
    ratio=5.0,
)
STEADY = categories.Kind(("code",), drift=0.0)


def _rng(name: str) -> Generator:
    return generator("test", name)


@pytest.mark.parametrize("kind", sorted(categories.KINDS))
def test_a_workload_is_a_function_of_kind_and_seed(kind: str) -> None:
    one, same, other = (streams.workload(kind, seed, 3, 60) for seed in (5, 5, 6))
    assert len(one["categories"]) == len(categories.KINDS[kind].archetypes)
    for a, b in zip(one["categories"], same["categories"], strict=True):
        assert a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)
    assert not np.array_equal(one["categories"][0]["times"], other["categories"][0]["times"])
    assert (one["capacity"], one["windows"], one["window_seconds"]) == (9, 3, 21_600.0)


@pytest.mark.parametrize("name", sorted(categories.ARCHETYPES))
def test_categories_are_drawn_from_the_whole_of_their_ranges(name: str) -> None:
    rng, sort = _rng(name), categories.ARCHETYPES[name]
    drawn = [asdict(sort.draw(rng)) for _ in range(400)]
    for key, (low, high) in asdict(sort).items():
        values = np.array([one[key] for one in drawn], dtype=float)
        if key in ("meanings", "half_life", "model_seconds", "model_money", "ratio"):
            low, high, values = np.log(low), np.log(high), np.log(values)
        edge = 0.03 * (high - low)
        assert low - edge <= values.min() < low + edge and high - edge < values.max() <= high + edge
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))


def test_times_are_uniform_within_each_window_and_ascend() -> None:
    data = streams.stream(_rng("times"), SOME, [4_000, 0, 3_000], STEADY)
    assert data["starts"].tolist() == [0, 4_000, 4_000, 7_000] and (np.diff(data["times"]) >= 0).all()
    for start, stop, at in ((0, 4_000, 0), (4_000, 7_000, 2)):
        place = data["times"][start:stop] / streams.WINDOW_SECONDS - at
        assert place.min() >= 0.0 and place.max() < 1.0
        assert np.abs(np.quantile(place, [0.1, 0.5, 0.9]) - [0.1, 0.5, 0.9]).max() < 0.03
    assert data["audited"].mean() == pytest.approx(streams.AUDITED, abs=0.02)
    assert (data["model_seconds"], data["model_money"], data["penalty"]) == (2.0, 6.0, 40.0)


@pytest.mark.parametrize("alpha", [0.3, 0.9, 1.4])
def test_repetition_is_zipfian(alpha: float) -> None:
    names = streams.popular(_rng("zipf"), replace(SOME, alpha=alpha), [400_000], STEADY)
    shares = np.sort(np.bincount(names))[::-1][:60] / len(names)
    slope = np.polyfit(np.log(np.arange(1, 61)), np.log(shares), 1)[0]
    assert -slope == pytest.approx(alpha, abs=0.05)


def test_bursts_repeat_the_meaning_before() -> None:
    flat = replace(SOME, alpha=0.0, meanings=1_000)
    for burst in (0.0, 0.3):
        names = streams.popular(_rng("burst"), flat, [50_000], replace(STEADY, burst=burst))
        assert np.mean(names[1:] == names[:-1]) == pytest.approx(burst, abs=0.01)


@pytest.mark.parametrize("churn", [0.0, 0.3, 1.0])
def test_churn_moves_a_share_of_the_meanings(churn: float) -> None:
    steep, moved = replace(SOME, alpha=1.2, meanings=60), 0
    for number in range(20):
        law = replace(STEADY, churn=churn)
        first, then = np.split(streams.popular(_rng(f"churn{number}"), steep, [20_000] * 2, law), 2)
        moved += np.sum(np.argsort(-np.bincount(first))[:8] != np.argsort(-np.bincount(then))[:8])
    assert moved / 160 == pytest.approx(churn, abs=0.1)


@pytest.mark.parametrize("life", [600.0, 7_200.0, 5 * DAY])
def test_answers_stay_for_half_lives(life: float) -> None:
    rng = _rng("versions")
    times = np.sort(rng.random(60_000)) * 50 * life
    meanings = (rng.random(60_000) * 300).astype(np.int64)
    found = streams.versions(rng, times, meanings, life)
    ages, same = [], []
    for meaning in range(300):
        own = np.flatnonzero(meanings == meaning)
        assert (np.diff(found[own]) >= 0).all()
        for gap in (1, 3, 8):
            ages.append(times[own[gap:]] - times[own[:-gap]])
            same.append(found[own[gap:]] == found[own[:-gap]])
    age, stays = np.concatenate(ages), np.concatenate(same)
    for low in (0.0, 0.5, 1.0, 1.5):
        chosen = (age >= low * life) & (age < (low + 0.5) * life)
        assert stays[chosen].mean() == pytest.approx(np.mean(2.0 ** (-age[chosen] / life)), abs=0.03)


@pytest.mark.parametrize(("within", "between"), [(0.95, 0.9), (0.8, 0.5), (0.7, 0.3)])
def test_mean_cosines_are_those_of_the_docstring(within: float, between: float) -> None:
    some = replace(SOME, within=within, between=between, meanings=400)
    rng = _rng(f"geometry{within}")
    meanings = (rng.random(3_000) * 400).astype(np.int64)
    vectors = streams.embedded(rng, some, meanings)
    assert vectors.shape == (3_000, streams.DIMENSIONS)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1.0).max() < 1e-7
    cosines = vectors @ vectors.T
    apart = ~np.eye(3_000, dtype=bool)
    same = (meanings[:, None] == meanings) & apart
    theme = (meanings % 40)[:, None] == meanings % 40
    assert cosines[same].mean() == pytest.approx(within, abs=0.01)
    assert cosines[theme & ~same & apart].mean() == pytest.approx(within * between, abs=0.02)
    assert cosines[~theme].mean() == pytest.approx(0.0, abs=0.02)
    # Themes have THEME meanings, and nearness says nothing for certain: the two kinds of pairs overlap.
    assert len(set(meanings[theme[0]].tolist())) <= streams.THEME
    assert cosines[same].min() < cosines[theme & ~same & apart].max()


def test_traffic_goes_by_weight_and_drifts_as_a_random_walk() -> None:
    weights = [replace(SOME, weight=weight) for weight in (1.0, 2.0, 5.0)]
    counts = streams.traffic(_rng("steady"), weights, 40, 1_000, 0.0)
    assert (counts.sum(axis=0) == 1_000).all()
    assert counts.mean(axis=1) == pytest.approx([125.0, 250.0, 625.0], rel=0.06)
    many = [replace(SOME, weight=1.0) for _ in range(60)]
    counts = streams.traffic(_rng("drift"), many, 4, 400_000, 0.5)
    assert counts[:, 0] == pytest.approx(np.full(60, 400_000 / 60), rel=0.06)
    logs = np.log(counts)
    for lag in (1, 2):
        steps = logs[:, lag:] - logs[:, :-lag]
        assert np.std(steps - steps.mean(axis=0)) == pytest.approx(0.5 * np.sqrt(lag), rel=0.2)


def test_a_surge_multiplies_the_latency_of_a_window() -> None:
    def loads(kind: str) -> Any:
        found = [streams.workload(kind, seed, 8, 60)["categories"] for seed in range(10)]
        return np.concatenate([data["loads"] for one in found for data in one])

    assert (loads("mixed") == 1.0).all()
    assert np.std(np.log(loads("surge"))) == pytest.approx(categories.KINDS["surge"].surge, rel=0.12)
