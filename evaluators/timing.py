"""Which of two programs is faster, by how much, and whether that may be believed.

Seconds by themselves compare nothing: they differ from machine to machine and from minute to minute. So a candidate is
timed against a reference, in pairs of fresh processes on the same instances, one directly after the other, a coin
deciding which comes first. Their log ratio is the observation; 0 means equally fast and below 0 that the candidate is
faster. Pairs come in batches. A batch during which the reference itself got slower or faster is thrown away. After each
batch a confidence sequence says whether the matter is decided, which such looks do not bias.

`measure` is a parameter: `timed_runs.TimedRuns` for programs in sandboxes, `simulated_clock.SimulatedClock` for trials
of the rules themselves. docs/statistics.md gives formulas, sources and how each rule can fail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

import numpy as np

from evaluators.drift import drifts
from evaluators.sequential import median_bounds, rank
from evolve.core.errors import InfrastructureError
from evolve.core.rng import Generator, generator
from evolve.core.types import Status

Which = Literal["reference", "candidate"]
INTERVAL_LEVEL, RESAMPLES = 0.95, 2000
Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class Measure(Protocol):
    """Seconds that one program takes on one instance, in a process that does nothing else.

    Each `process` number is a fresh process; its instances are asked for in order, 0 first, and no other process is
    asked for before it has done all of them. Raises CandidateFailed where the candidate gives no valid answer.
    """

    def __call__(self, which: Which, process: int, instance: int) -> float: ...


class CandidateFailed(Exception):
    """The candidate did not answer, or wrongly: it has a status and no time."""

    def __init__(self, status: Status, feedback: str) -> None:
        super().__init__(feedback)
        self.status = status
        self.feedback = feedback


class Decision(StrEnum):
    """What a comparison came to. `ALIKE`: no difference that would matter; `OPEN`: the pairs did not suffice."""

    FASTER = "faster"
    SLOWER = "slower"
    ALIKE = "alike"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a comparison is made. `minimum_effect` is relative: .03 is 3 %; `level` bounds the chance of a false verdict.

    A batch has `batch_pairs` pairs of processes, and at most `most_pairs` count. A batch without drift is thrown away
    with a chance of `drift_level` at most; after more than `most_discarded` batches the machine is no place to measure.
    Raises ValueError where a number makes no sense, or the pairs are too few for any decision.
    """

    minimum_effect: float = 0.03
    level: float = 0.01
    batch_pairs: int = 10
    most_pairs: int = 40
    drift_level: float = 0.05
    most_discarded: int = 8

    def __post_init__(self) -> None:
        if self.minimum_effect <= 0.0 or not 0.0 < self.level < 1.0 or not 0.0 <= self.drift_level < 1.0:
            raise ValueError(f"minimum_effect must be above 0, levels between 0 and 1: {self}")
        if self.batch_pairs < 2 or self.most_pairs < 1 or self.most_pairs % self.batch_pairs:
            raise ValueError(f"most_pairs must be a multiple of batch_pairs, of 2 at least: {self}")
        if not self.decides(self.level):
            raise ValueError(f"{self.most_pairs} pairs can decide nothing at a level of {self.level}")

    @property
    def threshold(self) -> float:
        """The minimum effect as a log ratio."""
        return math.log1p(self.minimum_effect)

    @property
    def spent_level(self) -> float:
        """The level left to the confidence sequence."""
        return self._spent(self.level)

    def decides(self, level: float) -> bool:
        """Whether so many pairs can decide anything at a level."""
        return rank(self.most_pairs, self._spent(level)) > 0

    def _spent(self, level: float) -> float:
        """What is left of a level after the choice of batches.

        Batches are kept because of what the reference's times looked like, so the pairs that count are not drawn as
        freely as the sequence assumes. P(error | all kept) <= P(error) / P(all kept), and the latter is at least
        (1 - drift_level) ** batches.
        """
        return level * float((1.0 - self.drift_level) ** (self.most_pairs // self.batch_pairs))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the pairs said. Where `status` is not ok there is no decision and no number.

    `log_ratio` is ln(candidate's seconds / reference's): per pair the mean over instances, then the median over pairs.
    `interval` is a 95 % bootstrap interval of it, to be read; `bounds` the confidence sequence, which decides.
    `log_ratios` has a row for each pair that counted and a column for each instance.
    """

    status: Status
    seed: int
    decision: Decision | None = None
    log_ratio: float | None = None
    interval: tuple[float, float] | None = None
    bounds: tuple[float, float] | None = None
    log_ratios: tuple[tuple[float, ...], ...] = ()
    discarded: int = 0
    feedback: str = ""

    @property
    def pairs(self) -> int:
        """How many pairs counted."""
        return len(self.log_ratios)

    @property
    def ratio(self) -> float | None:
        """The candidate's seconds as a share of the reference's: what is stored, and what machines and days share."""
        return None if self.log_ratio is None else math.exp(self.log_ratio)


def compare(plan: Plan, measure: Measure, instances: int, seed: int, *, to_the_end: bool = False) -> Comparison:
    """Times the candidate against the reference on instances 0 to `instances` - 1, batch after batch.

    It stops as soon as the matter is decided; with `to_the_end` it measures `most_pairs` whatever they say. `seed`
    names the coins of this comparison and must be another one each time.

    Raises:
        InfrastructureError: the machine's own speed changed in too many batches.
        ValueError: a time is not a positive number.
    And what `measure` raises, but for CandidateFailed: that becomes the status.
    """
    pairing = _Pairing(measure, instances, generator(seed, "timing", "order"))
    rows: list[Array] = []
    discarded = 0
    while True:
        try:
            log_times = np.array([pairing.next() for _ in range(plan.batch_pairs)])
        except CandidateFailed as failed:
            return Comparison(failed.status, seed, discarded=discarded, feedback=failed.feedback)
        reference, candidate = log_times[:, 0], log_times[:, 1]
        if drifts(reference.mean(axis=1).tolist(), plan.drift_level, plan.threshold / 2.0):
            discarded += 1
            if discarded > plan.most_discarded:
                raise _unsteady(plan, discarded)
            continue
        rows.extend(candidate - reference)
        log_ratio, bounds, decision = decide(plan, np.array(rows))
        if len(rows) >= plan.most_pairs or (decision is not Decision.OPEN and not to_the_end):
            break
    interval = bootstrap(np.array(rows), generator(seed, "timing", "bootstrap"))
    kept = tuple(tuple(row.tolist()) for row in rows)
    return Comparison(Status.OK, seed, decision, log_ratio, interval, bounds, kept, discarded)


def remeasure(plan: Plan, measure: Measure, instances: int, selected: Comparison, seed: int) -> Comparison:
    """Measures a champion again: other processes, other coins, and nothing of what selected it.

    The best of many candidates is chosen for its worth and for its luck, so the measurement that chose it is too good
    on average, the more so the more candidates there were (the winner's curse: Capen, Clapp and Campbell 1971). A mean
    of both would keep a part of the luck. What stopped a comparison early selected as well, so here all of `most_pairs`
    are measured. Raises ValueError where `seed` is the one of `selected`, and what `compare` raises.
    """
    if seed == selected.seed:
        raise ValueError(f"seed {seed} is that of the measurement that selected the champion")
    return compare(plan, measure, instances, seed, to_the_end=True)


def decide(plan: Plan, log_ratios: Array) -> tuple[float, tuple[float, float], Decision]:
    """Log ratio, confidence sequence and decision after pairs x instances log ratios.

    A difference needs both: 0 lies outside the sequence, and the ratio exceeds the minimum effect. Without a difference
    two programs are alike as soon as the sequence lies within the minimum effect on both sides.
    """
    per_pair = log_ratios.mean(axis=1)
    log_ratio = float(np.median(per_pair))
    low, high = median_bounds(per_pair.tolist(), plan.spent_level)
    decision = Decision.OPEN
    if -plan.threshold < low and high < plan.threshold:
        decision = Decision.ALIKE
    elif high < 0.0 and log_ratio < -plan.threshold:
        decision = Decision.FASTER
    elif low > 0.0 and log_ratio > plan.threshold:
        decision = Decision.SLOWER
    return log_ratio, (low, high), decision


def bootstrap(log_ratios: Array, rng: Generator, level: float = INTERVAL_LEVEL) -> tuple[float, float]:
    """The percentile interval of the log ratio (Efron 1979) over pairs x instances, resampling whole pairs.

    Instances of a pair share two processes and are not independent, so they stay together: a cluster bootstrap.
    """
    per_pair = log_ratios.mean(axis=1)
    drawn = per_pair[rng.integers(len(per_pair), size=(RESAMPLES, len(per_pair)))]
    low, high = np.quantile(np.median(drawn, axis=1), [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


class _Pairing:
    """Pairs of processes, numbered on and on: those of a batch that was thrown away are not used again."""

    def __init__(self, measure: Measure, instances: int, rng: Generator) -> None:
        if instances < 1:
            raise ValueError("no instances to time")
        self._measure, self._instances, self._rng = measure, instances, rng
        self._processes = 0

    def next(self) -> tuple[list[float], list[float]]:
        """Natural logarithms of seconds on each instance: the reference's, the candidate's."""
        # A coin for each pair, not a balanced plan: only then is every pair's sign fair whatever came before.
        order: tuple[Which, Which] = ("reference", "candidate")
        if self._rng.random() < 0.5:
            order = ("candidate", "reference")
        found = {which: self._log_times(which) for which in order}
        return found["reference"], found["candidate"]

    def _log_times(self, which: Which) -> list[float]:
        process, self._processes = self._processes, self._processes + 1
        times = [self._measure(which, process, instance) for instance in range(self._instances)]
        if not all(0.0 < seconds < math.inf for seconds in times):
            raise ValueError(f"a time of the {which} is not a positive number of seconds: {times}")
        return [math.log(seconds) for seconds in times]


def _unsteady(plan: Plan, discarded: int) -> InfrastructureError:
    return InfrastructureError(
        f"this machine's speed changed by more than {plan.minimum_effect / 2.0:.1%} within {discarded} batches of "
        f"{plan.batch_pairs} pairs: no time that it gives can be trusted",
        "End other work on it, fix the processor's frequency (cpupower frequency-set -g performance), or raise "
        "minimum_effect.",
    )
