"""Intervals for means over independent groups."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95
LEAST_GROUPS, LEAST_DEVIATIONS = 10, 3.0
"""With fewer groups nothing is gated; and no gain passes that is less than three standard errors from zero."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over groups with the bounds of its confidence interval; infinite with fewer than two groups."""

    mean: float
    low: float
    high: float
    groups: int


def group_means(groups: Sequence[str], values: Sequence[float]) -> list[float]:
    """The mean of each group's values, groups in order of first appearance: what is independent is the group."""
    by_group: dict[str, list[float]] = defaultdict(list)
    for group, value in zip(groups, values, strict=True):
        by_group[group].append(value)
    return [math.fsum(found) / len(found) for found in by_group.values()]


def mean_interval(groups: Sequence[str], values: Sequence[float], level: float = LEVEL) -> Interval:
    """Student's t interval of the mean over groups, with groups - 1 degrees of freedom (Student 1908).

    Paired differences go in as values. Raises ValueError where there is no value.
    """
    from scipy.stats import t

    means = group_means(groups, values)
    if not means:
        raise ValueError("no values to take a mean of")
    mean = float(np.mean(means))
    if len(means) < 2:
        return Interval(mean, -math.inf, math.inf, len(means))
    error = float(np.std(means, ddof=1)) / math.sqrt(len(means))
    reach = float(t.ppf(0.5 + level / 2.0, len(means) - 1)) * error
    return Interval(mean, mean - reach, mean + reach, len(means))


def gate_level(query: int) -> float:
    """The error allowed to the `query`-th question, counted from 1: .05 * 6 / (pi k)**2, which add up to .05."""
    return 0.05 * 6.0 / (math.pi * query) ** 2


def smallest_gain(deviation: float, groups: int, query: int = 1, power: float = 0.8) -> float:
    """The mean paired difference that a one-sided t test over `groups` finds with probability `power`.

    `deviation` is the standard deviation of the paired difference from group to group, in the unit of the score. The
    usual approximation of the noncentral t distribution by a shifted central one: (t_a + t_p) * deviation / sqrt(n),
    where t_a is the quantile of the gate's level at that query, at least three (J. Cohen, Statistical Power Analysis,
    1988, chapter 2). Raises ValueError with fewer than two groups.
    """
    from scipy.stats import t

    if groups < 2:
        raise ValueError(f"{groups} groups have no deviation")
    level = max(float(t.ppf(1.0 - gate_level(query), groups - 1)), LEAST_DEVIATIONS)
    return (level + float(t.ppf(power, groups - 1))) * deviation / math.sqrt(groups)
