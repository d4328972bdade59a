"""A stage of the cascade: one program on the instances of one split, in a sandbox, read by the verifier.

What the program does is a verdict. What our machines do is an exception, and the canary tells them apart: a
trivial program that must answer in a sandbox of the same kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from evaluators.command_runs import CommandRuns, measured
from evaluators.feedback import failure_feedback
from evaluators.guilt import fault_feedback, fault_place_of
from evaluators.outage import of_the_sandbox
from evaluators.verifier_process import DEATH, TIME_OUT, ProgramStopped, VerifierFault, VerifierProcess
from evolve.core.errors import Invalid, UnavailableError
from evolve.core.types import Instance, Result, Score, Source, Split, Status
from sandbox.base import Reply, Sandbox, Session
from sandbox.command import Command
from sandbox.limits import Limits

CANARY = Source({"canary.py": "def sing():\n    return 42\n"}, "sing")
MAX_DEATHS = 3
PUT_AWAY_SECONDS = 2.0
"""How long the verifier's process may take to give back a sandbox of its own."""
# CPU time is noisy: what came this near to its limit, or reached it, is run once more before it counts.
NEAR_LIMIT = 0.8
_CLASS = re.compile(r"^([^\s:]+)", re.MULTILINE)
# Of these alone what was printed is told: how far a program came that was stopped is another thing each time.
_PRINTED = (Status.CRASHED, Status.INVALID, Status.OUTPUT_FLOOD)


@dataclass(frozen=True)
class Seat:
    """Where and how programs of a problem run: everything about it but the program and the instance.

    `isolation` is "instance" (a fresh process for each) or "stage" (one process for all instances of a split).
    `function` is what is called: a function of the driver where there is one, else the program's entry. `command` is
    what runs programs of any language; they are built in `builder`, or in `sandbox` where there is none. Where the
    problem is `interactive` the verifier's own process asks the questions, and opens the sandboxes for it.
    """

    sandbox: Sandbox
    limits: Limits
    isolation: str
    driver: str | None
    function: str
    command: Command | None = None
    builder: Sandbox | None = None
    interactive: bool = False

    @property
    def driven(self) -> bool:
        """True where a driver holds the whole of an instance, and so its future."""
        return self.driver is not None and not self.interactive


@dataclass(frozen=True)
class Run:
    """One instance's result with what the program returned and the verifier's words.

    `in_full` is, of a program that failed, the feedback with all that may help to mend it. `answered`: it returned a
    value; `raised` is the class of the exception with which it ended instead. Where there is neither, the program was
    stopped.
    """

    result: Result
    output: Any
    score: Score | None
    feedback: str
    in_full: str = ""
    answered: bool = True
    raised: str = ""


class Stage:
    """Runs one program at a time. Not thread-safe; `close` is for the thread that ran programs.

    A sandbox that can not be had when a program is to run is UnavailableError, whatever the reason.
    """

    def __init__(self, seat: Seat, verifier: VerifierProcess) -> None:
        self.seat = seat
        self.verifier = verifier
        self._commands: CommandRuns | None = None
        if seat.command is not None:
            builder = seat.builder or seat.sandbox
            self._commands = CommandRuns(seat.command, builder, seat.sandbox, seat.limits, self._retried)

    def close(self) -> None:
        """Ends the verifier's process and gives back what the sandboxes keep."""
        self.verifier.close(PUT_AWAY_SECONDS)
        for sandbox in filter(None, (self.seat.sandbox, self.seat.builder)):
            sandbox.close()

    def runs(self, source: Source, split: Split, instances: Iterable[Instance], seed: int = 0) -> Iterator[Run]:
        """Results in the order of the instances. With isolation by stage a death ends the shared process alone.

        `seed` fixes the program's random state; that of a command is its own affair.
        """
        if self.seat.interactive:
            yield from (self.run(source, split, instance, seed) for instance in instances)
            return
        with _Shared(self, source, seed) as shared:
            for instance in instances:
                yield self._read(split, instance, shared.reply(instance.args))

    def run(self, source: Source, split: Split, instance: Instance, seed: int = 0) -> Run:
        """One instance in a process of its own."""
        if not self.seat.interactive:
            return self._read(split, instance, self.reply(source, instance.args, seed))
        try:
            return self._read(split, instance, self._conversation(source, split, instance, seed))
        except VerifierFault as fault:
            feedback = fault_feedback(fault.place, str(fault))
            return Run(Result(instance.id, Status.INVALID, None), None, None, feedback, feedback, answered=False)

    def failed_build(self, source: Source) -> Reply | None:
        """How the build of a command's program failed; None where it did not, or nothing is built."""
        return None if self._commands is None else self._commands.failed_build(source)

    def reply(self, source: Source, args: tuple[Any, ...], seed: int = 0) -> Reply:
        """What a fresh process answers; where it came near its CPU limit, what a second one answers."""
        if self._commands is not None:
            return self._commands.reply(source, args)
        return self._retried(lambda: self._once(source, args, seed))

    def converse(self, source: Source, split: Split, instance: Instance, seed: int, timed: bool = False) -> Reply:
        """An instance of an interactive problem, played once; the value is what the verifier's `play` returned.

        Seconds are those of all calls together; where it is `timed` the larger of wall and CPU time of each call
        counts. Raises VerifierFault where `play` itself fails.
        """
        seat = self.seat
        try:
            played = self.verifier.interact(split, instance.id, source, seat.driver, seat.limits, seed)
        except Invalid as error:
            return Reply(Status.INVALID, error=str(error))
        except ProgramStopped as stopped:
            return stopped.reply
        except VerifierFault as fault:
            if fault.place == DEATH:
                return Reply(Status.CRASHED, error=str(fault), died=True)
            if fault.place != TIME_OUT:
                raise
            # The verifier waits for the program alone: no program can make it look as if the verifier had failed.
            return Reply(Status.TIMED_OUT, error=str(fault))
        cpu, wall = (played.busy_seconds,) * 2 if timed else (played.cpu_seconds, played.wall_seconds)
        return Reply(Status.OK, played.output, cpu_seconds=cpu, wall_seconds=wall, peak_bytes=played.peak_bytes)

    def _conversation(self, source: Source, split: Split, instance: Instance, seed: int) -> Reply:
        """How an instance is played; whom a noisy clock may have stopped is asked again.

        What only came near a limit is not, as it is of other programs: most questions of most plays are far from it.
        """

        def once() -> Reply:
            return self.converse(source, split, instance, seed)

        reply = self._survivor(once)
        return self._survivor(once) if reply.status is Status.TIMED_OUT else reply

    def canary(self) -> None:
        """Raises UnavailableError where a trivial program gets no answer: then nothing is any program's fault."""
        limits = replace(self.seat.limits, cpu_seconds=30.0, wall_seconds=60.0)
        with of_the_sandbox(), closing(self.seat.sandbox.open(CANARY, limits)) as session:
            reply = session.call(CANARY.entry)
        if reply.value != 42:
            message = f"a trivial program got no answer from the sandbox: {reply.status}, {reply.error}"
            raise UnavailableError(message, "Look for memory pressure or full disks on this machine.")

    def score(self, split: Split, instance: Instance, output: Any) -> tuple[Status, Score | None, str]:
        """The verifier's reading: status, score where there is one, and feedback."""
        try:
            score = self.verifier.score(split, instance.id, output)
        except Invalid as error:
            return Status.INVALID, None, f"{instance.id}: {error}"
        except VerifierFault as error:
            return Status.INVALID, None, fault_feedback(error.place, str(error))
        if not _is_finite(score):
            return Status.INVALID, None, f"{instance.id}: the score is not finite"
        return Status.OK, score, score.feedback

    def _read(self, split: Split, instance: Instance, reply: Reply) -> Run:
        # Only a fault of the verifier's own stands without a prefix: no program can claim one by its words.
        status, score, feedback = reply.status, None, f"{instance.id}: {reply.error}"
        if reply.status is Status.OK:
            status, score, feedback = self.score(split, instance, reply.value)
        value = None if score is None else score.value
        if score is not None and self._commands is not None:
            score = measured(score, reply)
        result = Result(instance.id, status, value, reply.cpu_seconds, reply.wall_seconds, reply.peak_bytes)
        in_full = "" if score is not None else _in_full(instance, status, feedback, reply.output)
        return Run(result, reply.value, score, feedback, in_full, reply.status is Status.OK, _raised(reply))

    def _once(self, source: Source, args: tuple[Any, ...], seed: int) -> Reply:
        with self.session(source, seed) as session:
            return session.call(self.seat.function, *args)

    def _retried(self, once: Callable[[], Reply]) -> Reply:
        """What it gives; where that came near the CPU limit, what it gives the second time."""
        reply = self._survivor(once)
        near = reply.cpu_seconds > NEAR_LIMIT * self.seat.limits.cpu_seconds
        return self._survivor(once) if near or reply.status is Status.TIMED_OUT else reply

    def _survivor(self, once: Callable[[], Reply]) -> Reply:
        """The first answer, or the last of three deaths, each followed by a canary that lived."""
        for _ in range(MAX_DEATHS):
            with of_the_sandbox():
                reply = once()
            if not reply.died:
                break
            self.canary()
        return reply

    def session(self, source: Source, seed: int = 0) -> closing[Session]:
        """A fresh process with the program in it, to be opened and closed by `with`."""
        return closing(self.seat.sandbox.open(source, self.seat.limits, driver=self.seat.driver, seed=seed))


class _Shared:
    """The process of a whole stage; with isolation by instance, of none."""

    def __init__(self, stage: Stage, source: Source, seed: int) -> None:
        self.stage, self.source, self.seed = stage, source, seed
        self.session: Session | None = None

    def __enter__(self) -> _Shared:
        return self

    def __exit__(self, *error: object) -> None:
        if self.session is not None:
            with of_the_sandbox():
                self.session.close()

    def reply(self, args: tuple[Any, ...]) -> Reply:
        seat = self.stage.seat
        if seat.isolation == "instance":
            return self.stage.reply(self.source, args, self.seed)
        with of_the_sandbox():
            if self.session is None:
                self.session = seat.sandbox.open(self.source, seat.limits, driver=seat.driver, seed=self.seed)
            reply = self.session.call(seat.function, *args)
        if reply.died or reply.status is Status.TIMED_OUT:
            # Once more, alone: neither a machine's fault nor a noisy clock is the program's.
            with of_the_sandbox():
                self.session.close()
            self.session = None
            return self.stage.reply(self.source, args, self.seed)
        return reply


def _raised(reply: Reply) -> str:
    """The class of the exception that a program says it raised; empty where its process just ended, or was ended.

    Lines of the traceback, which are indented, come first.
    """
    if reply.status is not Status.CRASHED or reply.died:
        return ""
    found = _CLASS.search(reply.error)
    return found.group(1) if found else ""


def _in_full(instance: Instance, status: Status, feedback: str, printed: str) -> str:
    if fault_place_of(feedback) is not None:
        return feedback
    words = feedback.removeprefix(f"{instance.id}: ")
    return failure_feedback(instance, words, printed if status in _PRINTED else "")


def _is_finite(score: Score) -> bool:
    return all(abs(value) < float("inf") for value in (score.value, *score.metrics.values()))
