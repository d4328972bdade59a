"""What as many evaluations again would bring a run, and what they would cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evolve.core.rng import Generator, generator

LEAST_IMPROVEMENTS, LEAST_EVALUATIONS = 3, 20
"""With less than that a curve says nothing of how it goes on."""
LEVEL = 0.8
RECENCY = 2.0
"""An improvement at evaluation t of n counts as (t / n)**2: three quarters of the weight are on the last half."""
PRIOR_RECORDS, PRIOR_EXPOSURE = 0.5, 0.25
"""What is known of the rate beforehand: two improvements for each unit of log n, where independent draws have one."""
LOG_SIZE_VARIANCE = math.pi**2 / 6.0
"""Variance of the logarithm of an exponential size."""
_DRAWS = 4_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gain:
    """An expected improvement with the bounds of its 80 % interval, in the unit of the curve."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Prospect:
    """What `evaluations` more would bring and cost, if all goes on as it did.

    `figure` is what the run's curve shows; `gain` is None where its `improvements` are too few to tell. `seconds` is
    wall time. `usd` is None where a price is unknown, and, like `tokens`, 0 where no model was asked.
    """

    figure: str
    evaluations: float
    improvements: int
    gain: Gain | None
    seconds: float
    tokens: int = 0
    usd: float | None = 0.0


def gain_ahead(points: Sequence[tuple[float, float]], spent: float) -> Gain | None:
    """The improvement to expect in `spent` evaluations more, after as many; None where the curve says too little.

    `points` are (evaluations, best value) at the start and at each improvement, more is better. Improvements of a best
    value are records. Among n independent draws the k-th is one with probability 1/k (A. Renyi, 1962), so records come
    at a constant rate in log n, whatever is drawn; and their sizes go as a power of n, whose exponent is the shape of
    the tail (J. Pickands, Statistical inference using extreme order statistics, Ann. Statist. 3, 1975; B. Arnold,
    N. Balakrishnan and H. Nagaraja, Records, 1998). A search draws nothing independently, so both are taken from its
    own curve, and more of the last half than of the first:

    * The number of improvements up to 2 n is Poisson. Its rate in log n has a gamma prior, worth half an improvement in
      a quarter of a unit; each past improvement counts as (t / n)^2, against an exposure of the same weight.
    * Sizes are drawn from the past ones with that weight (D. Rubin, The Bayesian bootstrap, Ann. Statist. 9, 1981),
      each scaled by (t' / t)^g to where it would fall. The exponent g is that of a regression of log size on log t with
      prior N(0, 1), not above 0: that improvements grow is never extrapolated.

    The draws are the same for the same curve. Raises ValueError where a point lies beyond `spent`.
    """
    if points and points[-1][0] > spent:
        raise ValueError(f"an improvement at {points[-1][0]:g} of {spent:g} evaluations")
    if len(points) <= LEAST_IMPROVEMENTS or spent < LEAST_EVALUATIONS:
        return None
    times = np.maximum(1.0, np.array([point[0] for point in points[1:]]))
    sizes = np.abs(np.diff([point[1] for point in points]))
    rng = generator("prospect")
    counts = _counts(times, spent, rng)
    gains = np.zeros(_DRAWS)
    exponents = _exponents(times, sizes, rng)
    shares = rng.gamma((times / spent) ** RECENCY, size=(_DRAWS, len(sizes))).cumsum(axis=1)
    for number in range(int(counts.max())):
        picked = (rng.random((_DRAWS, 1)) * shares[:, -1:] > shares).sum(axis=1).clip(max=len(sizes) - 1)
        scale = (spent * 2.0 ** rng.random(_DRAWS) / times[picked]) ** exponents
        gains += np.where(counts > number, sizes[picked] * scale, 0.0)
    low, high = np.quantile(gains, [0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0])
    return Gain(float(gains.mean()), float(low), float(high))


def _counts(times: Floats, spent: float, rng: Generator) -> NDArray[np.int64]:
    weights = (times / spent) ** RECENCY
    exposure = (1.0 - spent**-RECENCY) / RECENCY
    rates = rng.gamma(weights.sum() + PRIOR_RECORDS, 1.0 / (exposure + PRIOR_EXPOSURE), _DRAWS)
    return rng.poisson(rates * math.log(2.0))


def _exponents(times: Floats, sizes: Floats, rng: Generator) -> Floats:
    """Draws of the power of t by which sizes go, from its posterior cut off above 0."""
    known = sizes > 0.0
    along, logs = np.log(times[known]), np.log(sizes[known])
    along = along - along.mean()
    precision = float(along @ along) / LOG_SIZE_VARIANCE + 1.0
    mean = float(along @ logs) / LOG_SIZE_VARIANCE / precision
    return np.minimum(0.0, rng.normal(mean, precision**-0.5, _DRAWS))
