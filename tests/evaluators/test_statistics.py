"""Intervals over groups."""

from __future__ import annotations

import math

import pytest

from evaluators.statistics import LEAST_DEVIATIONS, gate_level, group_means, mean_interval, smallest_gain
from evolve.core.rng import generator


def test_a_known_interval() -> None:
    """Mean 3, standard error sqrt(2.5 / 5), t = 2.776445 with 4 degrees of freedom."""
    found = mean_interval(list("abcde"), [1.0, 2.0, 3.0, 4.0, 5.0])
    reach = 2.776445 * math.sqrt(2.5 / 5)
    assert (found.mean, found.groups) == (3.0, 5)
    assert found.low == pytest.approx(3.0 - reach, abs=1e-5) and found.high == pytest.approx(3.0 + reach, abs=1e-5)


def test_what_is_independent_is_the_group() -> None:
    assert group_means(["a", "b", "a"], [1.0, 5.0, 3.0]) == [2.0, 5.0]
    one = mean_interval(["a", "b"], [1.0, 2.0])
    many = mean_interval(["a"] * 100 + ["b"], [1.0] * 100 + [2.0])
    assert (one.low, one.high, one.groups) == (many.low, many.high, many.groups)


def test_one_group_has_no_interval_and_none_no_mean() -> None:
    found = mean_interval(["a", "a"], [1.0, 3.0])
    assert (found.mean, found.low, found.high) == (2.0, -math.inf, math.inf)
    with pytest.raises(ValueError, match="no values"):
        mean_interval([], [])


def test_it_covers_as_often_as_it_says() -> None:
    rng = generator(7, "coverage")
    hits = 0
    for _ in range(1000):
        found = mean_interval([str(i) for i in range(8)], list(rng.normal(1.0, 2.0, 8)))
        hits += found.low <= 1.0 <= found.high
    # 950 expected, standard deviation 6.9
    assert abs(hits - 950) < 30


def test_what_the_gate_spends_in_all_is_five_percent() -> None:
    assert sum(gate_level(query) for query in range(1, 100_000)) == pytest.approx(0.05, abs=1e-6)
    assert gate_level(1) > gate_level(2)


@pytest.mark.parametrize("groups", [10, 40])
def test_the_smallest_gain_is_found_four_times_in_five(groups: int) -> None:
    gain = smallest_gain(2.0, groups)
    differences = generator(11, "power", groups).normal(gain, 2.0, (4000, groups))
    errors = differences.std(axis=1, ddof=1) / math.sqrt(groups)
    found = (differences.mean(axis=1) / errors > LEAST_DEVIATIONS).mean()
    assert found == pytest.approx(0.8, abs=0.06)  # a shifted central t for a noncentral one


def test_more_queries_and_fewer_groups_need_more() -> None:
    assert smallest_gain(1.0, 20, query=50) > smallest_gain(1.0, 20) > smallest_gain(1.0, 200)
    assert smallest_gain(2.0, 20) == pytest.approx(2 * smallest_gain(1.0, 20))
    with pytest.raises(ValueError, match="no deviation"):
        smallest_gain(1.0, 1)
