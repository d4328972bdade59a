"""Does a driven program look ahead? Its driver's process holds the whole workload, so scores alone can not tell.

Two tests. One runs the program on a workload that shares a random-length prefix with a training instance and then
goes on as another one: what it decides within the prefix must be the same. The other replays an instance one question
at a time across the process border, where nothing but the past exists: the score must be the one on record.
"""

from __future__ import annotations

from collections.abc import Mapping

from evaluators.guilt import fault_feedback
from evaluators.stage import MAX_DEATHS, Run, Stage
from evaluators.verifier_process import DEATH, TIME_OUT, ProgramStopped, VerifierFault
from evaluators.verifier_worker import output_digest
from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Score, Source, Split, Status, Verdict
from sandbox.base import Reply

STAGE = "anticipation"
SPLICES, MIN_SHARE, MAX_SHARE = 2, 0.03, 0.98
UNREPEATABLE = (
    "the same input did not give the same result again: fix the state of every random choice, and use no clock"
)
LOOKED_AHEAD = "decisions depend on requests that had not come yet: another future after the same past changed them"
NOT_STRICT = "decisions differ when requests are handed over one at a time: the program knows more than it is told"


class _Found(Exception):
    """A verdict that ends the check."""

    def __init__(self, status: Status, feedback: str) -> None:
        super().__init__(feedback)
        self.status = status


class AnticipationCheck:
    """Checks programs of one problem. Not thread-safe; `stage` is that of its evaluations."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def check(self, source: Source, seed: int, strictly: bool, recorded: Mapping[str, float]) -> Verdict | None:
        """None where nothing is found; else a verdict, `FORBIDDEN` or `INVALID` (not repeatable, or it fails).

        `recorded` holds the program's scores on training instances, by id: what is found now must be the same.
        `strictly` replays all of these instances one question at a time, as a would-be champion's; without it the
        probe is replayed, and some training instances go on as others: `seed` chooses which, and where they are cut.
        """
        try:
            if strictly:
                for instance in self.stage.verifier.instances(Split.TRAIN):
                    self._replay_on_record(source, instance, recorded.get(instance.id))
            else:
                self._check_quickly(source, seed, recorded)
        except _Found as found:
            return Verdict(found.status, feedback=str(found), stage=STAGE, evaluation_set=self._evaluation_set)
        except VerifierFault as fault:
            feedback = fault_feedback(fault.place, str(fault))
            return Verdict(Status.INVALID, feedback=feedback, stage=STAGE, evaluation_set=self._evaluation_set)
        return None

    def score_strictly(
        self, source: Source, split: Split, instance: Instance
    ) -> tuple[Status, Mapping[str, float], str]:
        """Status, metrics and feedback of an instance that is played one question at a time and in no other way."""
        try:
            score, _ = self._play(source, split, instance)
        except _Found as found:
            return found.status, {}, str(found)
        except VerifierFault as fault:
            return Status.INVALID, {}, fault_feedback(fault.place, str(fault))
        return Status.OK, score.metrics, score.feedback

    @property
    def _evaluation_set(self) -> str:
        return self.stage.verifier.evaluation_set(Split.TRAIN)

    def _check_quickly(self, source: Source, seed: int, recorded: Mapping[str, float]) -> None:
        for probe in self.stage.verifier.instances(Split.PROBE):
            fast = self._output(source, Split.PROBE, probe)
            _, digest = self._play(source, Split.PROBE, probe)
            if output_digest(fast.output) != digest:
                self._must_repeat(source, Split.PROBE, probe, fast)
                raise _Found(Status.FORBIDDEN, f"{probe.id}: {NOT_STRICT}")
        rng = generator(seed, STAGE)
        instances = self.stage.verifier.instances(Split.TRAIN)
        order = [instances[int(place)] for place in rng.permutation(len(instances))]
        for place, instance in enumerate(order[:SPLICES]):
            share = float(rng.uniform(MIN_SHARE, MAX_SHARE))
            # The one before in the order, the last for the first: another instance wherever there are two.
            self._splice(source, instance, order[place - 1], share, recorded.get(instance.id))

    def _replay_on_record(self, source: Source, instance: Instance, recorded: float | None) -> None:
        score, _ = self._play(source, Split.TRAIN, instance)
        if recorded is None:
            recorded = self._output(source, Split.TRAIN, instance).result.score
        if score.value != recorded:
            # It may be that the record was luck, or of another hour: then it is no look ahead that differs.
            if self._output(source, Split.TRAIN, instance).result.score != recorded:
                raise _Found(Status.INVALID, f"{instance.id}: {UNREPEATABLE}")
            raise _Found(Status.FORBIDDEN, f"{instance.id}: {NOT_STRICT}")

    def _splice(
        self, source: Source, instance: Instance, other: Instance, share: float, recorded: float | None
    ) -> None:
        verifier, split = self.stage.verifier, Split.TRAIN
        first = self._output(source, split, instance)
        if recorded is not None and first.result.score != recorded:
            raise _Found(Status.INVALID, f"{instance.id}: {UNREPEATABLE}")
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

    def _play(self, source: Source, split: Split, instance: Instance) -> tuple[Score, bytes]:
        for attempt in range(MAX_DEATHS):
            try:
                return self._play_once(source, split, instance)
            except ProgramStopped as stopped:
                if stopped.died and attempt + 1 < MAX_DEATHS:
                    self.stage.canary()  # once more, because a machine may have ended it
                    continue
                feedback = f"{instance.id}: replayed strictly it is {stopped.status}: {stopped}"
                raise _Found(Status.FORBIDDEN, feedback) from None
        raise _Found(Status.FORBIDDEN, f"{instance.id}: replayed strictly it dies")

    def _play_once(self, source: Source, split: Split, instance: Instance) -> tuple[Score, bytes]:
        seat = self.stage.seat
        try:
            return self.stage.verifier.play(split, instance.id, source, seat.driver, seat.limits)
        except Invalid as error:
            raise _Found(Status.FORBIDDEN, f"{instance.id}: replayed strictly: {error}") from None
        except VerifierFault as fault:
            if fault.place == DEATH:
                raise ProgramStopped(Reply(Status.CRASHED, error=str(fault), died=True)) from None
            if fault.place != TIME_OUT:
                raise
            # The verifier waits for the program alone: no program can make it look as if the verifier had failed.
            raise _Found(Status.FORBIDDEN, f"{instance.id}: replayed strictly it does not end: {fault}") from None

    def _must_repeat(self, source: Source, split: Split, instance: Instance, first: Run) -> None:
        """A program that does not even repeat itself has not been shown to look ahead: it is invalid instead."""
        again = self._output(source, split, instance)
        if output_digest(again.output) != output_digest(first.output):
            raise _Found(Status.INVALID, f"{instance.id}: {UNREPEATABLE}")
