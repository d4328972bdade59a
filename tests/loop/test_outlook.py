"""The chance of an improvement in what is left of a run."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from evolve import run
from evolve.core.rng import generator
from evolve.outlook import LOWEST_RATE, chance_of_improvement, sentence


def exact(since: int, left: int) -> float:
    """By I(m) = -log a - sum of (1 - a)^k / k for k = 1 ... m, which follows from I(m) - I(m - 1)."""

    def integral(m: int) -> float:
        return -math.log(LOWEST_RATE) - math.fsum((1.0 - LOWEST_RATE) ** k / k for k in range(1, m + 1))

    return 1.0 - integral(since + left) / integral(since)


@pytest.mark.parametrize(("since", "left"), [(0, 1), (0, 1_000), (20, 5), (400, 100), (1, 1), (20_000, 50_000)])
def test_the_chance_is_the_exact_one(since: int, left: int) -> None:
    assert chance_of_improvement(since, left) == pytest.approx(exact(since, left), rel=1e-6)


def test_the_chance_is_that_of_simulated_runs() -> None:
    rng, since, left = generator("outlook"), 30, 60
    rates = np.exp(rng.uniform(math.log(LOWEST_RATE), 0.0, 1_000_000))
    first = rng.geometric(rates)
    waiting = first[first > since]
    found = float((waiting <= since + left).mean())
    assert chance_of_improvement(since, left) == pytest.approx(found, abs=5.0 * math.sqrt(found / len(waiting)))


def test_waiting_lowers_the_chance_and_what_is_left_raises_it() -> None:
    counts = [0, 1, 5, 20, 100, 1_000, 10_000, 1_000_000]
    by_since = [chance_of_improvement(since, 100) for since in counts]
    by_left = [chance_of_improvement(100, left) for left in counts]
    assert all(later < earlier for earlier, later in pairwise(by_since))
    assert all(more > less for less, more in pairwise(by_left))


def test_nothing_left_has_no_chance_and_endless_tries_nearly_all() -> None:
    assert chance_of_improvement(0, 0) == chance_of_improvement(10**9, 0) == 0.0
    assert chance_of_improvement(0, 10**9) == pytest.approx(1.0)
    # So long without any: the rate is next to the lowest, and one in a million evaluations is what is left to hope for.
    assert chance_of_improvement(10**12, 10**6) == pytest.approx(1.0 - math.exp(-1.0), rel=0.01)


def test_negative_counts_are_refused() -> None:
    for since, left in ((-1, 5), (5, -1)):
        with pytest.raises(ValueError, match="left"):
            chance_of_improvement(since, left)


def test_the_sentence_gives_the_counts_and_the_chance() -> None:
    assert sentence(400, 100) == "no improvement for 400 evaluations; chance of one in the 100 left: 3 %"
    assert sentence(2_000, 1) == "no improvement for 2,000 evaluations; chance of one in the 1 left: 0.0088 %"


def test_patience_ends_a_whole_run_and_the_run_says_why(tmp_path: Path) -> None:
    given = {"archive": tmp_path / "a.db", "final_check": False, "seed": 1}
    result = run("float32-exp2", patience=0.9, evaluations=3_000, **given)
    assert result.stop_reason == "patience" and result.evaluations < 3_000
    assert "no improvement for" in result.note and "left" in result.note
    assert run("float32-exp2", evaluations=60, **given).note == ""
