"""A confidence sequence for a median: intervals that hold at every look at once, however the looks are chosen.

Let m be the median, and let each observation lie below or above it with equal chance, whatever came before. A gambler
who stakes on one side of m by the mixture of all stakes with the prior Beta(1/2, 1/2) has, after n observations of
which k lie above, the capital

    e(n, k) = 2**n * B(k + 1/2, n - k + 1/2) / B(1/2, 1/2).

That is a nonnegative martingale that starts at 1, so with probability at most `level` it reaches 1 / level, ever (Ville
1939). What is not yet ruled out as m is an interval between two order statistics. Confidence sequences for the median
are from Darling and Robbins 1967 (PNAS 58:66), the mixture from Robbins 1970 (Ann. Math. Stat. 41:1397), its prior from
Krichevsky and Trofimov 1981 (IEEE Trans. Inf. Theory 27:199); Howard and Ramdas 2022 (Bernoulli 28:1704) go on.

Nothing is assumed of tails or of scale: an observation counts by its side alone. Where several equal m the interval is
only wider than it need be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache


def log_capital(count: int, above: int) -> float:
    """The natural logarithm of e(n, k): evidence that the tested value is not the median."""
    return count * math.log(2.0) + _log_beta(above + 0.5, count - above + 0.5) - _log_beta(0.5, 0.5)


@lru_cache(maxsize=1024)
def rank(count: int, level: float) -> int:
    """The interval after `count` observations goes from the rank-th smallest to the rank-th largest; 0: no bound yet.

    Raises ValueError where `level` is not between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"a level of {level}")
    found = 0
    while 2 * found < count and log_capital(count, found) >= -math.log(level):
        found += 1
    return found


def median_bounds(values: Sequence[float], level: float) -> tuple[float, float]:
    """The interval for the median after these observations; infinite where there are too few.

    Over all lengths of `values` together it misses the median with probability at most `level`.
    """
    place = rank(len(values), level)
    if not place:
        return -math.inf, math.inf
    ordered = sorted(values)
    return ordered[place - 1], ordered[-place]


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
