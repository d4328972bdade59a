"""Stages of one evaluation for programs that run in a sandbox: probe, train (at once or in batches), and times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from evaluators.feedback import worst_feedback
from evaluators.functional_hash import Hashing, Raised
from evaluators.judged import Judged, Known, unknown
from evaluators.metrics import mean_metrics
from evaluators.stage import Run, Stage
from evaluators.timed_verdicts import RATIO, Timed, TimedVerdicts, Timing
from evaluators.train_order import Batch, Plan, batches
from evolve.core.errors import InfrastructureError
from evolve.core.extent import Extent, extended, together
from evolve.core.keys import Keys
from evolve.core.types import Objective, Result, Score, Source, Split, Status, Verdict


@dataclass
class _Tried:
    """A program on some instances, up to the first that fails: `failed` is that one. `outputs` are what it answered,
    and None where it was stopped."""

    results: list[Result] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    failed: Run | None = None
    outputs: list[Any] | None = field(default_factory=list)


class ProcessEvaluator:
    """Turns programs of one problem into verdicts. Not thread-safe; one per process.

    Programs have keys where there is a `hashing`.
    """

    def __init__(
        self,
        stage: Stage,
        objectives: tuple[Objective, ...],
        plan: Plan | None = None,
        timing: Timing | None = None,
        hashing: Hashing | None = None,
    ) -> None:
        self.stage = stage
        self.objectives = objectives
        self.plan = plan or Plan()
        self.times = TimedVerdicts(stage, timing) if timing else None
        self.hashing = hashing

    @property
    def evaluation_set(self) -> str:
        """The name of train: scores are compared within it alone."""
        return self.stage.verifier.evaluation_set(Split.TRAIN)

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        """Train in its batches; empty where it is measured at once."""
        return batches(self.stage.verifier.instances(Split.TRAIN), self.evaluation_set, self.plan)

    def order(self) -> list[list[tuple[str, str]]]:
        """Name and independent unit of each run of train, in batches; empty where it is measured at once.

        The unit is the instance's group; where there is but one, and scores are stochastic, it is the repeat.
        """
        groups = {place.instance.group for batch in self.batches for place in batch}
        repeated = len(groups) == 1 and self.plan.repeats > 1
        return [
            [(place.name, f"run {place.repeat + 1}" if repeated else place.instance.group) for place in batch]
            for batch in self.batches
        ]

    def evaluate(self, source: Source, whole: bool = True) -> Verdict:
        """The verdict of a program that is evaluated in full: see `judge`, which raises the same."""
        verdict = self.judge(source, whole).verdict
        if verdict is None:
            raise InfrastructureError("a full evaluation gave no verdict", "This is a fault of Evolve.")
        return verdict

    def judge(self, source: Source, whole: bool = True, known: Known = unknown) -> Judged:
        """Probe first: most broken programs end there. Then train, up to the first instance that fails.

        A program that does not even build has reached no probe: its verdict is of the screen, and costs no evaluation.
        What passed the probe and is `known` is not run on train. Where train is measured in batches, only the first one
        is tried unless the `whole` is wanted. Where the score is a time, what is right everywhere is timed on train at
        last.

        Raises:
            InfrastructureError: the sandbox does not run even a trivial program, or this machine can not time any.
            ProblemError: the verifier yields no instances, or an objective is missing.
        """
        failed = self.stage.failed_build(source)
        if failed is not None:
            return Judged(Verdict(failed.status, feedback=failed.error))
        probed = self._tried(self.stage.runs(source, Split.PROBE, self.stage.verifier.instances(Split.PROBE)))
        keys = self._keys(probed)
        if probed.failed is not None:
            extent = Extent(0, sum(map(len, self.batches)), len(self.batches[0])) if self.batches else None
            return Judged(replace(self._failed(probed.failed, Split.PROBE, probed.results), extent=extent), keys)
        if keys is not None and known(keys):
            return Judged(None, keys)
        return Judged(self._on_train(source, whole), keys)

    def _keys(self, probed: _Tried) -> Keys | None:
        if self.hashing is None or probed.outputs is None:
            return None
        return self.hashing.keys(probed.outputs, self.evaluation_set)

    def _on_train(self, source: Source, whole: bool) -> Verdict:
        if not self.batches:
            train = self.stage.runs(source, Split.TRAIN, self.stage.verifier.instances(Split.TRAIN))
            return self._verdict(self._tried(train), source)
        verdict = self._batch(source, 0)
        for number in range(1, len(self.batches) if whole else 1):
            if not verdict.status.scored:
                break
            verdict = together(verdict, extended(verdict, self._batch(source, number)))
        return verdict

    def measure(self, source: Source, recorded: Mapping[str, float]) -> Verdict:
        """A program on the next batch of train, of which none is among the `recorded` results, by name.

        Raises InfrastructureError where there is no such batch.
        """
        for number, batch in enumerate(self.batches):
            if batch[0].name not in recorded:
                return self._batch(source, number)
        raise InfrastructureError("a program was to be measured on more than train has", "This is a fault of Evolve.")

    def _batch(self, source: Source, number: int) -> Verdict:
        """The verdict of one batch alone."""
        batch = self.batches[number]
        tried = _Tried()
        for repeat in sorted({place.repeat for place in batch}):
            some = [place for place in batch if place.repeat == repeat]
            runs = self.stage.runs(source, Split.TRAIN, [place.instance for place in some], seed=repeat)
            self._tried(runs, tried, [place.name for place in some])
            if tried.failed is not None:
                break
        verdict = self._verdict(tried)
        done = len(batch) if verdict.status.scored else 0
        first = verdict.metrics if number == 0 else {}
        return replace(verdict, extent=Extent(done, sum(map(len, self.batches)), len(batch), first))

    def _tried(self, runs: Iterable[Run], tried: _Tried | None = None, names: list[str] | None = None) -> _Tried:
        tried = _Tried() if tried is None else tried
        for place, run in enumerate(runs):
            self._note(run, tried)
            tried.results.append(run.result if names is None else self._named(run, names[place]))
            if run.score is None:
                tried.failed = run
                break
            tried.scores.append(run.score)
        return tried

    def _note(self, run: Run, tried: _Tried) -> None:
        if self.hashing is None or not (run.answered or run.raised):
            tried.outputs = None
        elif tried.outputs is not None:
            tried.outputs.append(run.output if run.answered else Raised(run.raised))

    def _named(self, run: Run, name: str) -> Result:
        """A result of a batch: programs are compared by such ones in pairs, so it is the objective that must stand
        there. What a driver drives is replayed, and compared with the verifier's value."""
        score = run.result.score
        if run.score is not None and not self.stage.seat.driven:
            score = run.score.metrics.get(self.objectives[0].metric, score)
        return replace(run.result, instance_id=name, score=score)

    def _verdict(self, tried: _Tried, source: Source | None = None) -> Verdict:
        """What was tried, and the times of `source` where these are its score."""
        if tried.failed is not None:
            return self._failed(tried.failed, Split.TRAIN, tried.results)
        timed = self.times.on_train(source) if self.times and source else Timed(Status.OK, {}, "")
        if not timed.status.scored:
            verdict = partial(Verdict, timed.status, feedback=timed.feedback, results=tuple(tried.results))
            return verdict(stage="train", evaluation_set=self.evaluation_set)
        metrics = mean_metrics(tried.scores, self.objectives, **timed.metrics)
        first = self.objectives[0]
        names = [result.instance_id for result in tried.results]
        results, feedback = tuple(tried.results), worst_feedback(names, tried.scores, first)
        if timed.metrics and first.metric == RATIO:
            results, feedback = timed.scored(tried.results), timed.feedback
        elif timed.metrics:
            feedback = f"{feedback}\n{timed.feedback}"
        return Verdict(Status.OK, metrics[first.metric], metrics, feedback, results, "train", self.evaluation_set)

    def _failed(self, run: Run, split: Split, results: list[Result]) -> Verdict:
        verdict = partial(Verdict, run.result.status, feedback=run.in_full, results=tuple(results))
        return verdict(stage=split.value, evaluation_set=self.evaluation_set)
