"""Stages of one evaluation: probe, then train; and the gate for would-be champions of exact problems.

Straight-line programs run in place. Whatever the trusted verifier computes, it computes from the outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.feedback import failure_feedback, worst_feedback
from evaluators.functional_hash import Hashing
from evaluators.judged import Judged, Known
from evaluators.metrics import mean_metrics
from evaluators.verifier import Verifier
from evolve.core.clock import cpu_seconds, monotonic_seconds
from evolve.core.errors import InfrastructureError, Invalid, ProblemError
from evolve.core.keys import Keys
from evolve.core.types import Instance, Objective, Promotion, Result, Score, Split, Status, Verdict
from sandbox.straight_line import StraightLine


@dataclass(frozen=True)
class SmoothTarget:
    """Points [M] and values [M] whose relative residuals a compiled optimiser may form itself.

    `fraction` is the share of an evaluation that one vector costs on these points.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    fraction: float


class Evaluator:
    """Turns programs of one problem into verdicts. Not thread-safe; one per process."""

    def __init__(
        self,
        verifier: Verifier,
        objectives: tuple[Objective, ...],
        version: str,
        split_seed: Callable[[Split], int],
        hashing: Hashing | None = None,
    ) -> None:
        self.verifier = verifier
        self.objectives = objectives
        self.version = version
        self.split_seed = split_seed
        self.hashing = hashing
        self.smooth_targets: dict[int, SmoothTarget] = {}

    @cached_property
    def probe(self) -> tuple[Instance, ...]:
        """Instances of the probe split."""
        return self._instances(Split.PROBE)

    @cached_property
    def train(self) -> tuple[Instance, ...]:
        """Instances of the train split."""
        return self._instances(Split.TRAIN)

    @cached_property
    def evaluation_set(self) -> str:
        """BLAKE2b-128 of problem version, split, seed and the content of args and truth (train)."""
        digest = blake2b(digest_size=16)
        digest.update(f"{self.version}|train|{self.split_seed(Split.TRAIN)}".encode())
        for instance in self.train:
            digest.update(instance.id.encode())
            for part in (*instance.args, instance.truth):
                array = np.asarray(part)
                # Objects have no bytes of their own, only addresses.
                content = repr(part).encode() if array.dtype.hasobject else array.tobytes()
                digest.update(f"|{array.dtype.str}{array.shape}|".encode() + content)
        return digest.hexdigest()

    @property
    def gate_set(self) -> str:
        """Name of the exhaustive check: it depends on the problem version alone."""
        return blake2b(f"{self.version}|gate|exhaustive".encode(), digest_size=16).hexdigest()

    def evaluate(self, program: StraightLine) -> Verdict:
        """The verdict of a program that is evaluated in full: see `judge`."""
        verdict = self.judge(program).verdict
        if verdict is None:
            raise InfrastructureError("a full evaluation gave no verdict", "This is a fault of Evolve.")
        return verdict

    def judge(self, program: StraightLine, known: Known | None = None) -> Judged:
        """Probe first: most broken programs end there. Then train; the verdict's value is train's.

        What passed the probe and is `known` is not run on train. Without a `known` no keys are made.
        """
        outputs: list[Any] = []
        for instance in self.probe:
            run, score = self._run(program, instance)
            outputs.append(run.output)
            if score is None:
                # What could not even be run has no output, and so no keys.
                keys = self._keys(program, outputs) if known and run.output is not None else None
                return Judged(self._failed(run, (run.result,), "probe"), keys)
        keys = self._keys(program, outputs) if known else None
        if keys is not None and known is not None and known(keys):
            return Judged(None, keys)
        return Judged(self._on_train(program), keys)

    def _keys(self, program: StraightLine, outputs: list[Any]) -> Keys | None:
        """The number of operations is a metric, and no output tells it."""
        if self.hashing is None:
            return None
        return self.hashing.keys(outputs, self.evaluation_set, program.operations)

    def _on_train(self, program: StraightLine) -> Verdict:
        runs = [self._run(program, instance) for instance in self.train]
        results = tuple(run.result for run, _ in runs)
        failed = [run for run, score in runs if score is None]
        if failed:
            return self._failed(failed[0], results, "train")
        scores = [score for _, score in runs if score is not None]
        metrics = mean_metrics(scores, self.objectives, operations=float(program.operations))
        first = self.objectives[0]
        several = len(scores) > 1
        words = worst_feedback([one.id for one in self.train], scores, first) if several else scores[0].feedback
        return Verdict(Status.OK, metrics[first.metric], metrics, words, results, "train", self.evaluation_set)

    def _failed(self, run: _Run, results: tuple[Result, ...], stage: str) -> Verdict:
        return Verdict(
            run.status, feedback=run.feedback, results=results, stage=stage, evaluation_set=self.evaluation_set
        )

    def report(self, program: StraightLine) -> tuple[Status, Mapping[str, float], str]:
        """Status, metrics and feedback on all of report, where policies of search are compared."""
        scores = []
        for instance in self._instances(Split.REPORT):
            run, score = self._run(program, instance)
            if score is None:
                return run.status, {}, run.feedback
            scores.append(score)
        return Status.OK, mean_metrics(scores, self.objectives, operations=float(program.operations)), ""

    def prove(self, program: StraightLine) -> Promotion:
        """The exhaustive check of an exact problem. A refusal says why; only accept or reject reaches the search."""
        try:
            score = self.verifier.prove(program)
        except Invalid as error:
            return Promotion(False, {}, self.gate_set, str(error))
        return Promotion(True, {**score.metrics, "operations": float(program.operations)}, self.gate_set)

    def _instances(self, split: Split) -> tuple[Instance, ...]:
        instances = tuple(self.verifier.instances(split, self.split_seed(split)))
        if not instances:
            raise ProblemError(f"the verifier yields no instance for {split.value}", "Make instances() yield some.")
        return instances

    def _run(self, program: StraightLine, instance: Instance) -> tuple[_Run, Score | None]:
        cpu, wall = cpu_seconds(), monotonic_seconds()
        score: Score | None = None
        status, feedback, output = Status.INVALID, "", None
        try:
            output = program.evaluate(*instance.args)
            given = self.verifier.score(instance, output)
            if np.isfinite(given.value):
                score, status = given, Status.OK
            else:
                feedback = failure_feedback(instance, f"the score is {given.value}")
        except Invalid as error:
            feedback = failure_feedback(instance, str(error))
        value = None if score is None else score.value
        result = Result(instance.id, status, value, cpu_seconds() - cpu, monotonic_seconds() - wall)
        return _Run(result, status, feedback, output), score


class _Run:
    """One instance's result with the verifier's words, and what the program returned."""

    __slots__ = ("feedback", "output", "result", "status")

    def __init__(self, result: Result, status: Status, feedback: str, output: Any) -> None:
        self.result, self.status, self.feedback, self.output = result, status, feedback, output
