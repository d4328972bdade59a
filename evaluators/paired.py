"""What two methods do with the same seeds: paired differences, an exact test of them, and many tests at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.statistics import LEVEL
from evolve.core.rng import generator

RESAMPLES = 9_999
LEAST_PAIRS = 6
"""With fewer, all pairs agree by chance more often than once in twenty, and no interval of 95 % is one."""
_BATCH = 250
_TOP = 2.0
"""Twice a probability of one side."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """How far one method is ahead of another over pairs; positive is better.

    `middle` is the median of the means of all pairs of differences (Hodges and Lehmann 1963), `low` and `high` bound
    its bootstrap interval, infinite with fewer than six pairs. `better`, `worse` and `pairs` are counts. `effect` is
    by how much the ranks of the better pairs outweigh those of the worse ones, from -1 to 1 (the rank-biserial
    correlation, Kerby 2014); its sign is the direction of the test also where most pairs are equal and `middle` is 0.
    `p` is the exact two-sided probability of the signed ranks where there is no difference, before any correction.
    """

    middle: float
    low: float
    high: float
    better: int
    worse: int
    pairs: int
    effect: float
    p: float


def paired_difference(ahead: Sequence[float], level: float = LEVEL) -> PairedDifference:
    """The summary of differences, one for each pair; infinite ones rank beyond all others.

    The interval is the percentile bootstrap over pairs (Efron 1979), with a fixed seed: the same differences give
    the same bounds. Raises ValueError where there is no pair, or a difference is no number.
    """
    differences = np.asarray(ahead, dtype=float)
    if not differences.size or np.isnan(differences).any():
        raise ValueError("no differences, or one that is no number")
    middle = float(_middles(differences[None])[0])
    low, high = _bounds(differences, level)
    better, worse = int((differences > 0).sum()), int((differences < 0).sum())
    effect, p = signed_ranks(differences)
    return PairedDifference(middle, low, high, better, worse, len(differences), effect, p)


def signed_ranks(ahead: Sequence[float] | Floats) -> tuple[float, float]:
    """Effect and p of Wilcoxon's signed-rank test, two-sided (Wilcoxon 1945).

    Zeros are left out and equal differences share their mean rank. The distribution is exact for the very ranks that
    there are: all 2**n signs are counted, by adding one rank after another. It needs no table and no normal limit.
    """
    from scipy.stats import rankdata

    differences = np.asarray(ahead, dtype=float)
    differences = differences[differences != 0.0]
    if not differences.size:
        return 0.0, 1.0
    ranks = np.rint(2.0 * rankdata(np.abs(differences))).astype(int)  # twice the ranks are whole numbers
    chance = np.zeros(int(ranks.sum()) + 1)
    chance[0] = 1.0
    for rank in ranks:
        moved = np.zeros_like(chance)
        moved[rank:] = chance[:-rank]
        chance = (chance + moved) / 2.0
    observed = int(ranks[differences > 0].sum())
    p = min(1.0, _TOP * min(chance[: observed + 1].sum(), chance[observed:].sum()))
    return float(2.0 * observed / ranks.sum() - 1.0), float(p)


def holm(probabilities: Sequence[float]) -> list[float]:
    """Each p-value after Holm's step-down correction (Holm 1979): all tests together err at most at the level of one.

    The k-th smallest of m is multiplied by m - k + 1, and none may be smaller than one before it.
    """
    corrected = [0.0] * len(probabilities)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(probabilities)), key=lambda one: probabilities[one])):
        largest = max(largest, min(1.0, (len(probabilities) - place) * probabilities[index]))
        corrected[index] = largest
    return corrected


def pairs_needed(tests: int, level: float = 1.0 - LEVEL) -> int:
    """The fewest pairs, all decided alike, that show a difference where `tests` are corrected by Holm's method."""
    return math.ceil(math.log2(_TOP * tests / level))


def _middles(samples: Floats) -> Floats:
    """The Hodges-Lehmann median of each row of `samples` [rows, pairs]."""
    first, second = np.triu_indices(samples.shape[-1])
    with np.errstate(invalid="ignore"):
        means = (samples[..., first] + samples[..., second]) / 2.0
    middles: Floats = np.median(np.nan_to_num(means, nan=0.0, posinf=np.inf, neginf=-np.inf), axis=-1)
    return middles


def _bounds(differences: Floats, level: float) -> tuple[float, float]:
    if len(differences) < LEAST_PAIRS:
        return -math.inf, math.inf
    draws = generator("paired bootstrap", len(differences))
    middles: list[Any] = []
    for done in range(0, RESAMPLES, _BATCH):
        rows = min(_BATCH, RESAMPLES - done)
        middles.append(_middles(differences[draws.integers(len(differences), size=(rows, len(differences)))]))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(np.concatenate(middles), (tail, 1.0 - tail), method="inverted_cdf")
    return float(low), float(high)
