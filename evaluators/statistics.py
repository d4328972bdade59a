"""Intervals for means over independent groups."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95


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
    return [float(np.mean(found)) for found in by_group.values()]


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
