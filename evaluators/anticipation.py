"""Does a driven program look ahead? Its driver's process holds the whole workload, so scores alone can not tell.

Two tests. The first runs the program on a workload that shares a random-length prefix with a training instance and
then goes on as another one: what it decides within the prefix must be the same. The second replays instances one
question at a time across the process border, where nothing but the past exists, and wants the same output.
"""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.guilt import fault_feedback
from evaluators.stage import Run, Stage
from evaluators.verifier_process import ProgramStopped, VerifierFault
from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Source, Split, Status, Verdict
from sandbox import wire

STAGE = "anticipation"
MIN_SHARE, MAX_SHARE = 0.3, 0.9
UNREPEATABLE = "the same input gave other decisions the second time: fix the state of every random choice"
LOOKED_AHEAD = "decisions depend on requests that had not come yet: another future after the same past changed them"
NOT_STRICT = "decisions differ when requests are handed over one at a time: the program knows more than it is told"


class _Found(Exception):
    """A verdict that ends the check."""

    def __init__(self, status: Status, feedback: str) -> None:
        super().__init__(feedback)
        self.status = status


class AnticipationCheck:
    """Checks programs of one problem. Not thread-safe; `stage` is that of its evaluations."""

    def __init__(self, stage: Stage, packages: tuple[str, ...]) -> None:
        self.stage = stage
        self.packages = packages

    def check(self, source: Source, seed: int, strictly: int) -> Verdict | None:
        """None where nothing is found; else a verdict, `FORBIDDEN` or `INVALID` (not repeatable, or it fails).

        `seed` chooses instances and where they are cut; `strictly` is how many training instances are replayed
        one question at a time as well.
        """
        rng = generator(seed, STAGE)
        instances = self.stage.verifier.instances(Split.TRAIN)
        order = [instances[int(place)] for place in rng.permutation(len(instances))]
        try:
            self._splice(source, order[0], order[-1], float(rng.uniform(MIN_SHARE, MAX_SHARE)))
            for instance in order[:strictly]:
                self._replay(source, Split.TRAIN, instance)
        except _Found as found:
            return Verdict(found.status, feedback=str(found), stage=STAGE, evaluation_set=self._evaluation_set)
        except VerifierFault as fault:
            feedback = fault_feedback(fault.place, str(fault))
            return Verdict(Status.INVALID, feedback=feedback, stage=STAGE, evaluation_set=self._evaluation_set)
        return None

    def score_strictly(
        self, source: Source, split: Split, instance: Instance
    ) -> tuple[Status, Mapping[str, float], str]:
        """Status, metrics and feedback of an instance that a strict replay has confirmed."""
        try:
            run = self._replay(source, split, instance)
        except _Found as found:
            return found.status, {}, str(found)
        except VerifierFault as fault:
            return Status.INVALID, {}, fault_feedback(fault.place, str(fault))
        return Status.OK, run.score.metrics if run.score else {}, run.feedback

    def _replay(self, source: Source, split: Split, instance: Instance) -> Run:
        fast = self._output(source, split, instance)
        slow = self._play(source, split, instance)
        if wire.encode(fast.output) != wire.encode(slow):
            self._must_repeat(source, split, instance, fast)
            raise _Found(Status.FORBIDDEN, f"{instance.id}: {NOT_STRICT}")
        return fast

    @property
    def _evaluation_set(self) -> str:
        return self.stage.verifier.evaluation_set(Split.TRAIN)

    def _splice(self, source: Source, instance: Instance, other: Instance, share: float) -> None:
        verifier, split = self.stage.verifier, Split.TRAIN
        first = self._output(source, split, instance)
        reply = self.stage.reply(source, verifier.spliced(split, instance.id, other.id, share))
        if reply.status is not Status.OK:
            raise _Found(reply.status, f"{instance.id} continued as {other.id}: {reply.error}")
        try:
            same = verifier.same_decisions(split, instance.id, other.id, share, [first.output, reply.value])
        except Invalid as error:
            raise _Found(Status.INVALID, f"{instance.id} continued as {other.id}: {error}") from None
        if not same:
            self._must_repeat(source, split, instance, first)
            raise _Found(Status.FORBIDDEN, f"{instance.id}: {LOOKED_AHEAD}")

    def _output(self, source: Source, split: Split, instance: Instance) -> Run:
        run = self.stage.run(source, split, instance)
        if run.score is None:
            raise _Found(run.result.status, run.feedback)
        return run

    def _play(self, source: Source, split: Split, instance: Instance) -> object:
        try:
            return self._play_once(source, split, instance)
        except ProgramStopped:
            self.stage.canary()
        try:  # once more, because a machine may have stopped it
            return self._play_once(source, split, instance)
        except ProgramStopped as stopped:
            raise _Found(
                Status.FORBIDDEN, f"{instance.id}: replayed strictly it is {stopped.status}: {stopped}"
            ) from None

    def _play_once(self, source: Source, split: Split, instance: Instance) -> object:
        seat = self.stage.seat
        try:
            return self.stage.verifier.play(split, instance.id, source, seat.driver, seat.limits, self.packages, 0)
        except Invalid as error:
            raise _Found(Status.FORBIDDEN, f"{instance.id}: replayed strictly: {error}") from None

    def _must_repeat(self, source: Source, split: Split, instance: Instance, first: Run) -> None:
        """A program that does not even repeat itself has not been shown to look ahead: it is invalid instead."""
        again = self._output(source, split, instance)
        if wire.encode(again.output) != wire.encode(first.output):
            raise _Found(Status.INVALID, f"{instance.id}: {UNREPEATABLE}")
