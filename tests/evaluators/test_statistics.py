"""Intervals over groups."""

from __future__ import annotations

import math

import pytest

from evaluators.statistics import group_means, mean_interval
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
