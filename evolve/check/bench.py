"""Where a check runs programs: as a search would, one at a time, with the same sandbox, verifier and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evaluators.metrics import mean_metrics
from evaluators.stage import Run, Seat, Stage
from evaluators.timed_verdicts import TimedVerdicts
from evaluators.verifier_process import DEATH, TIME_OUT, VerifierFault, VerifierProcess, VerifierSettings
from evolve.core.clock import cpu_seconds, monotonic_seconds
from evolve.core.errors import Forbidden, InfrastructureError
from evolve.core.types import Instance, Score, Source, Split, Status
from evolve.evaluation import make_stage, sandbox_config, verifier_settings
from evolve.problem import Problem
from evolve.problem_file import MEASURED
from evolve.timing_table import TIME_RATIO
from sandbox import straight_line
from sandbox.base import Confinement, Reply
from sandbox.config import SandboxConfig
from sandbox.limits import Limits

PATIENCE_SECONDS = 60.0
"""No answer of the verifier is waited for longer than this, whatever the problem allows."""


@dataclass(frozen=True)
class Evaluated:
    """One program on instances of a split: a run each up to the first failure, and the wall seconds of all.

    `value` is the mean of the first objective's metric; None where an instance failed. `probed` are its outputs on the
    probe, where that was run before. `timed_seconds` is what it took besides to compare its time with the reference's.
    """

    name: str
    source: Source
    runs: tuple[Run, ...]
    seconds: float
    value: float | None
    probed: tuple[Any, ...] = ()
    timed_seconds: float = 0.0

    @property
    def failure(self) -> str:
        """Status and feedback of the instance that failed; empty where none did."""
        last = self.runs[-1]
        return "" if last.score is not None else f"{last.result.status}: {last.feedback}"


class MeteredVerifier(VerifierProcess):
    """A verifier whose costs are noted: the slowest score, the most memory, and how often it had to be ended."""

    def __init__(self, settings: VerifierSettings) -> None:
        super().__init__(settings)
        self.slowest_seconds = 0.0
        self.most_bytes = 0
        self.deaths = 0

    def score(self, split: Split, instance_id: str, output: Any) -> Score:
        """See `VerifierProcess`."""
        self.instances(split)  # the process is up and its instances are made: that is no part of a score
        began = monotonic_seconds()
        try:
            return super().score(split, instance_id, output)
        except VerifierFault as fault:
            self.deaths += fault.place in (TIME_OUT, DEATH)
            raise
        finally:
            self.slowest_seconds = max(self.slowest_seconds, monotonic_seconds() - began)
            self.most_bytes = max(self.most_bytes, self.peak_bytes())


class Bench:
    """One problem's seat and verifier. Not thread-safe. `close` ends the verifier's process and what sandboxes keep.

    Programs run where `config` says (None: in the sandbox of this system). Raises UsageError where that is not there.
    """

    def __init__(self, problem: Problem, config: SandboxConfig | None = None) -> None:
        self.problem = problem
        self.config = config or sandbox_config()
        self.objective = problem.objectives[0]
        self.in_place = problem.sandbox == "straight_line"
        self.measured = self.objective.metric in (*MEASURED, TIME_RATIO)
        self.verifier = MeteredVerifier(self._settings(0))
        self.stage = self._stage()
        self.times = TimedVerdicts(self.stage, problem.timing) if problem.timing and problem.is_timed else None

    def close(self) -> None:
        """End the verifier's process, and give back what sandboxes keep."""
        self.stage.close()

    def another_verifier(self) -> VerifierProcess:
        """A second process of the same verifier, with another hash seed: sets and dicts of it are ordered anew."""
        return VerifierProcess(self._settings(1))

    def evaluate(
        self, name: str, source: Source, split: Split, instances: Sequence[Instance], seed: int = 0
    ) -> Evaluated:
        """Run a program on instances of a split, up to the first that fails. `seed` fixes its random state."""
        began = monotonic_seconds()
        runs: list[Run] = []
        for run in self.stage.runs(source, split, instances, seed):
            runs.append(run)
            if run.score is None:
                break
        seconds = monotonic_seconds() - began
        return Evaluated(name, source, tuple(runs), seconds, self._mean(runs))

    def value(self, run: Run) -> float:
        """The first objective's metric of a run that has a score; its seconds, where times are compared.

        Raises ProblemError where there is no such metric.
        """
        if run.score is None:
            raise InfrastructureError("a failed run has no value", "This is a fault of Evolve.")
        if self.times:
            return max(run.result.wall_seconds, run.result.cpu_seconds)
        return mean_metrics([run.score], [self.objective])[self.objective.metric]

    def is_better(self, value: float, other: float, margin: float = 0.0) -> bool:
        """True where `value` is better than `other` by more than `margin`."""
        return self.objective.cost(value) < self.objective.cost(other) - margin

    def _mean(self, runs: Sequence[Run]) -> float | None:
        if any(run.score is None for run in runs):
            return None
        return sum(map(self.value, runs)) / len(runs)

    def _stage(self) -> Stage:
        if self.in_place:
            seat = Seat(InPlace(), Limits(), "stage", None, self.problem.seed.entry)
            return Stage(seat, self.verifier)
        stage = make_stage(self.problem, self.config)
        stage.verifier.close()
        stage.verifier = self.verifier
        return stage

    def _settings(self, hash_seed: int) -> VerifierSettings:
        settings = verifier_settings(self.problem, self.config)
        patience_seconds = min(settings.wall_seconds, PATIENCE_SECONDS)
        return replace(settings, wall_seconds=patience_seconds, hash_seed=hash_seed)


class InPlace:
    """Straight-line programs behind the seam of a sandbox: what the whitelist refuses is never run."""

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> InPlaceSession:
        """See `sandbox.base.Sandbox`. Limits have no meaning: size and depth of a program are bounded."""
        return InPlaceSession(source)

    def confinement(self, limits: Limits) -> Confinement:
        """See `sandbox.base.Sandbox`."""
        return Confinement("in place", "nothing starts", "process", {})

    def close(self) -> None:
        """Nothing is kept."""


class InPlaceSession:
    """See `sandbox.base.Session`."""

    def __init__(self, source: Source) -> None:
        self._refusal: Reply | None = None
        try:
            self._program = straight_line.parse(source.main, source.entry)
        except (Forbidden, ValueError) as error:  # ValueError: more than one file
            self._refusal = Reply(Status.FORBIDDEN, error=str(error))

    def call(self, entry: str, *args: Any) -> Reply:
        """The program's values, vectorised."""
        if self._refusal is not None:
            return self._refusal
        cpu, wall = cpu_seconds(), monotonic_seconds()
        value = self._program.evaluate(*args)
        reply = Reply(Status.OK, value)
        return replace(reply, cpu_seconds=cpu_seconds() - cpu, wall_seconds=monotonic_seconds() - wall)

    def close(self) -> None:
        """Nothing is open."""
