"""Scores that are times: a program's seconds as a share of a reference's, on train and, measured afresh, elsewhere.

`timing` says how two programs are compared; here is which two, on what, and what a verdict keeps of it. No seconds are
kept, which days and machines do not share. Every comparison has a seed of its own, drawn from the texts of both
programs and from what it is for: nothing that selected a program is measured again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluators.feedback import settled
from evaluators.guilt import fault_place_of
from evaluators.metrics import mean_metrics
from evaluators.stage import Run, Stage
from evaluators.timed_runs import LEAST_SECONDS, ReferenceFailed, TimedRuns
from evaluators.timing import Comparison, Decision, Plan, compare
from evaluators.timing_noise import Noise, measure_noise
from evolve.core.rng import derive_seed
from evolve.core.types import Instance, Result, Source, Split, Status

RATIO, LOW, HIGH = "time_ratio", "time_ratio_low", "time_ratio_high"
"""The metrics of a verdict: the ratio, and its 95 % interval."""
ITSELF: Mapping[str, float] = {RATIO: 1.0, LOW: 1.0, HIGH: 1.0}
"""Those of the reference, by definition."""
WORST, MOST_WORDS = 3, 2000
"""Instances that feedback tells of, and characters of what a failure says."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What a problem says of its times: the reference, and the plan of a comparison on train.

    `instances` is how many of a split are timed, its first ones; 0 for all. `faithful`: answers are scored too, so what
    is timed must be what is scored.
    """

    reference: Source
    plan: Plan
    instances: int = 0
    faithful: bool = False


@dataclass(frozen=True, slots=True)
class Timed:
    """What the times of a program came to. Where `status` is not ok there is no metric.

    `ratios` holds its time as a share of the reference's on each instance, the geometric mean over pairs.
    """

    status: Status
    metrics: Mapping[str, float]
    feedback: str
    ratios: tuple[float, ...] = ()

    def scored(self, results: Sequence[Result]) -> tuple[Result, ...]:
        """The results of all instances with their ratios as scores."""
        return tuple(replace(one, score=ratio) for one, ratio in zip(results, self.ratios, strict=True))


@dataclass(frozen=True, slots=True)
class Duel:
    """A would-be champion against its rival on hidden instances.

    `ratio` is its time as a share of the rival's, None where one of both failed; `needed` what it had to be below,
    `pairs` how many pairs of processes were compared.
    """

    accepted: bool
    reason: str
    needed: float
    ratio: float | None = None
    pairs: int = 0


class TimedVerdicts:
    """Times programs of one problem. Not thread-safe; where the score is a time, nothing else of a run should be at
    work while it measures.

    Raises InfrastructureError where this machine's speed changes too much, ProblemError where the reference fails.
    """

    def __init__(self, stage: Stage, timing: Timing) -> None:
        self.stage = stage
        self.reference, self.plan, self.timed = timing.reference, timing.plan, timing.instances
        self.faithful = timing.faithful

    def on_train(self, source: Source) -> Timed:
        """A program against the reference, until that is decided."""
        return self._timed(source, Split.TRAIN, to_the_end=False)

    def on_final(self, source: Source, split: Split = Split.FINAL) -> Timed:
        """A program on final, or on report: what the verifier says, and all pairs, as nothing may select there."""
        scores = []
        for run in self.stage.runs(source, split, self.stage.verifier.instances(split)):
            if run.score is None:
                return Timed(run.result.status, {}, run.feedback)
            scores.append(run.score)
        timed = self._timed(source, split, to_the_end=True)
        return replace(timed, metrics=mean_metrics(scores, (), **timed.metrics)) if timed.status.scored else timed

    def ratio(self, source: Source, split: Split) -> Timed:
        """The times of a program on a split, whose scores are known: all pairs, measured afresh."""
        return self._timed(source, split, to_the_end=True)

    def duel(self, source: Source, rival: Source, number: int, level: float, effect: float) -> Duel:
        """The `number`-th question to the gate: is the program faster than its rival by this effect, at this level?

        The instances are those that are drawn; all pairs are measured. A program that fails there is refused; one
        whose rival fails, and it does not, is accepted. The rival may be quicker than a reference must be: what a
        call costs pulls the ratio towards 1, which accepts nothing that is no faster.

        Raises ValueError where the pairs can decide nothing at this level.
        """
        plan = replace(self.plan, level=level, minimum_effect=effect)
        needed = math.exp(-plan.threshold)
        failed = self.failed(source, Split.GATE)
        if failed is not None:
            return Duel(False, "an instance of the gate failed", needed)
        try:
            found = self._compared(plan, Split.GATE, source, rival, to_the_end=True, number=number)
        except ReferenceFailed:
            return Duel(True, "the champion failed on an instance of the gate", needed)
        if found.ratio is None:
            return Duel(False, "an instance of the gate failed", needed)
        accepted = found.decision is Decision.FASTER
        return Duel(accepted, "faster" if accepted else "not shown to be faster", needed, found.ratio, found.pairs)

    def noise(self) -> Noise:
        """The reference against itself on train, with all pairs: what lies within can be noise."""
        with self._runs(Split.TRAIN, self.reference, self.reference, derive_seed("noise", "sessions")) as runs:
            return measure_noise(self.plan, runs, self._count(Split.TRAIN), derive_seed("noise"))

    def failed(self, source: Source, split: Split) -> Run | None:
        """The first instance of a split on which a program is wrong, without its times; None where there is none."""
        runs = self.stage.runs(source, split, self.stage.verifier.instances(split))
        return next((run for run in runs if run.score is None), None)

    def _timed(self, source: Source, split: Split, to_the_end: bool) -> Timed:
        if source == self.reference:
            return Timed(Status.OK, ITSELF, "the reference itself", (1.0,) * self._count(split))
        found = self._compared(self.plan, split, source, self.reference, to_the_end)
        if found.log_ratio is None or found.interval is None:
            return Timed(found.status, {}, _failure(found.feedback))
        low, high = map(math.exp, found.interval)
        metrics = {RATIO: math.exp(found.log_ratio), LOW: low, HIGH: high}
        columns = zip(*found.log_ratios, strict=True)
        ratios = tuple(math.exp(math.fsum(column) / found.pairs) for column in columns)
        return Timed(Status.OK, metrics, feedback(found, ratios, self._instances(split)), ratios)

    def _compared(
        self, plan: Plan, split: Split, source: Source, other: Source, to_the_end: bool, number: int = 0
    ) -> Comparison:
        key = split.value, number, *(part for one in (source, other) for item in one.files.items() for part in item)
        least = LEAST_SECONDS if other == self.reference else 0.0
        with self._runs(split, other, source, derive_seed("sessions", *key), least) as runs:
            return compare(plan, runs, self._count(split), derive_seed("coins", *key), to_the_end=to_the_end)

    def _runs(
        self, split: Split, reference: Source, candidate: Source, seed: int, least: float = LEAST_SECONDS
    ) -> TimedRuns:
        warm_up = self.stage.verifier.instances(Split.PROBE)[0]
        instances = self._instances(split)
        return TimedRuns(self.stage, split, reference, candidate, instances, warm_up, seed, least, self.faithful)

    def _instances(self, split: Split) -> tuple[Instance, ...]:
        return self.stage.verifier.instances(split)[: self.timed or None]

    def _count(self, split: Split) -> int:
        return len(self._instances(split))


def _failure(words: str) -> str:
    """Only a fault of the verifier's own stands without a prefix: no program can claim one by its words."""
    return words if fault_place_of(words) is not None else f"while it was timed: {settled(words[:MOST_WORDS])}"


def feedback(found: Comparison, ratios: Sequence[float], instances: Sequence[Instance]) -> str:
    """Ratio and interval in words, and of up to three instances those where it is largest."""
    assert found.log_ratio is not None and found.interval is not None
    low, high = map(math.exp, found.interval)
    words = f"takes {math.exp(found.log_ratio):.3g} of the reference's time (95 %: {low:.3g} to {high:.3g}"
    lines = [f"{words}; {found.pairs} pairs, {found.decision})"]
    order = sorted(range(len(ratios)), key=lambda place: -ratios[place])[:WORST] if len(ratios) > 1 else []
    return "\n".join([*lines, *(f"worst on {instances[place].id}: {ratios[place]:.3g}" for place in order)])
