"""How likely a run is to improve in what is left of it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

LOWEST_RATE = 1e-6
"""Improvements per evaluation below which no run is taken to be; the highest is 1."""
_CELLS = 4_096


def chance_of_improvement(since: int, left: int) -> float:
    """The chance of at least one improvement in `left` evaluations after `since` evaluations without any.

    Improvements are taken to come at a constant rate of p per evaluation, independently. We do not know even the order
    of magnitude of p, so its prior is log-uniform (Jeffreys, Theory of Probability, 1939, section 3.1), cut off at
    a = 1e-6 and 1. Given `since` evaluations without an improvement::

        chance = 1 - I(since + left) / I(since),    I(m) = integral from a to 1 of (1 - p)^m / p dp

    The integrals are midpoint sums over 4,096 equal cells of log p. Raises ValueError for negative counts.
    """
    if since < 0 or left < 0:
        raise ValueError(f"{since} evaluations without an improvement and {left} left")
    log_none = _log_no_improvement()
    # The least negative exponent is taken out, or all weights would underflow for huge `since`.
    weights = np.exp(since * (log_none - log_none[0]))
    return float(weights @ -np.expm1(left * log_none) / weights.sum())


def sentence(since: int, left: int) -> str:
    """Why a run without an improvement for `since` evaluations ends although `left` remain."""
    percent = 100.0 * chance_of_improvement(since, left)
    shown = f"{percent:.0f}" if percent >= 1.0 else f"{percent:.2g}"
    return f"no improvement for {since:,} evaluations; chance of one in the {left:,} left: {shown} %"


@cache
def _log_no_improvement() -> NDArray[np.float64]:
    """log(1 - p) at the middle of each cell, from the lowest rate to the highest."""
    middles = (np.arange(_CELLS) + 0.5) / _CELLS
    log_none: NDArray[np.float64] = np.log1p(-np.exp(np.log(LOWEST_RATE) * (1.0 - middles)))
    return log_none
