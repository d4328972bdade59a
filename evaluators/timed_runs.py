"""Seconds of real programs: each process a fresh sandbox, its answers read by the verifier, its time the host's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal

from evaluators.command_runs import CommandRuns
from evaluators.outage import of_the_sandbox
from evaluators.stage import MAX_DEATHS, Stage
from evaluators.timing import CandidateFailed, Which
from evaluators.verifier_process import VerifierFault
from evaluators.verifier_worker import output_digest
from evolve.core.errors import ProblemError
from evolve.core.types import Instance, Source, Split, Status
from sandbox import wire
from sandbox.base import Reply, Session

LEAST_SECONDS = 5e-3
"""A call costs the host some tenths of a millisecond; of less than this it would be more than a tenth."""

UNFAITHFUL = "timed, it gives another answer than when it is scored: fix the state of every random choice"


class ReferenceFailed(ProblemError):
    """The reference did not answer, or wrongly."""


class TimedRuns:
    """A `Measure` (see `timing`) of two programs of one problem. Not thread-safe; to be closed, or opened by `with`.

    A process loads its program, answers one call that is not timed, on `warm_up`, then one call for each instance, and
    is gone before the next one starts: no program can slow the other. A time is the larger of wall time and of the
    processor time since the reply before, by the host's clocks; every answer goes to the verifier, and a wrong one has
    no time. Both processes of a pair get the same seed, every pair another one, from `seed` on: the order of sets and,
    where servers fork, the layout of memory are then noise that intervals know of, and no constant favour (Mytkowicz
    and others 2009, "Producing wrong data without doing anything obviously wrong").

    Programs of a command are built once each; then every call is a process of its own, the one on `warm_up` as well.
    An instance of an interactive problem is played in a process of its own, and all of its calls count.

    Where answers are worth more or less, a program could answer well where it is scored, and soon where it is timed. So
    a `faithful` candidate must answer what it answers when it is scored, and gets the same random state: nothing tells
    it which it is.
    What dies or times out is run again in a fresh process, three times in all, with a canary in between.

    Raises ProblemError where two of the instances and the warm-up are the same: a program could remember an answer.
    Calls raise CandidateFailed where the candidate fails; ReferenceFailed where the reference does; ProblemError where
    that takes less than `least_seconds`; UnavailableError where the sandbox is away.

    Example::

        with TimedRuns(stage, Split.TRAIN, reference, candidate, instances[1:], warm_up=instances[0]) as runs:
            comparison = compare(Plan(), runs, len(instances) - 1, seed=1)
    """

    def __init__(
        self,
        stage: Stage,
        split: Split,
        reference: Source,
        candidate: Source,
        instances: Sequence[Instance],
        warm_up: Instance,
        seed: int = 0,
        least_seconds: float = LEAST_SECONDS,
        faithful: bool = False,
    ) -> None:
        if len({wire.encode(one.args) for one in (warm_up, *instances)}) <= len(instances):
            raise ProblemError(
                f"two of the {len(instances)} instances and their warm-up have the same arguments",
                "Let instances() yield different arguments each time: an answer given before could be remembered.",
            )
        self._stage, self._split, self._seed = stage, split, seed
        self._least_seconds, self._faithful = least_seconds, faithful
        self._scored: dict[int, bytes] = {}
        self._sources: dict[Which, Source] = {"reference": reference, "candidate": candidate}
        self._instances, self._warm_up = tuple(instances), warm_up
        self._session: Session | None = None
        # One for each program, as it remembers a single build.
        self._commands = {which: self._command_runs() for which in self._sources} if stage.seat.command else {}

    def __enter__(self) -> TimedRuns:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        self.close()
        return False

    def close(self) -> None:
        """Ends the process that is left, if any. May be repeated; the stage stays open."""
        session, self._session = self._session, None
        if session is not None:
            with of_the_sandbox():
                session.close()

    def __call__(self, which: Which, process: int, instance: int) -> float:
        """Seconds of one call; see `timing.Measure` for the order of calls."""
        if instance == 0:
            self.close()
        ask = self._converse if self._stage.seat.interactive else self._reply
        reply = ask(which, process, instance)
        status, feedback = reply.status, f"{self._instances[instance].id}: {reply.error}"
        if status is Status.OK:
            status, _, feedback = self._stage.score(self._split, self._instances[instance], reply.value)
        if status is Status.OK and self._faithful and which == "candidate" and not self._is_scored(instance, reply):
            status, feedback = Status.INVALID, f"{self._instances[instance].id}: {UNFAITHFUL}"
        if status is not Status.OK:
            raise self._failed(which, status, feedback)
        seconds = max(reply.wall_seconds, reply.cpu_seconds)
        if which == "reference" and seconds < self._least_seconds:
            raise ProblemError(
                f"{self._instances[instance].id} takes the reference {1e3 * seconds:.2f} ms: too little to be timed",
                f"Let the instance hold more work, for {1e3 * self._least_seconds:g} ms or longer.",
            )
        return seconds

    def _converse(self, which: Which, process: int, instance: int) -> Reply:
        """An instance of an interactive problem in a process of its own."""
        source, seed = self._sources[which], self._random_state(process)

        def once() -> Reply:
            try:
                return self._stage.converse(source, self._split, self._instances[instance], seed, timed=True)
            except VerifierFault as fault:  # it had none when the program was scored
                return Reply(Status.INVALID, error=str(fault))

        return self._survivor(once)

    def _reply(self, which: Which, process: int, instance: int) -> Reply:
        args = self._instances[instance].args
        if not self._commands:
            return self._survivor(lambda: self._call(which, process, args))
        runs, source = self._commands[which], self._sources[which]
        reply = runs.reply(source, self._warm_up.args) if instance == 0 else None
        return runs.reply(source, args) if reply is None or reply.status is Status.OK else reply

    def _call(self, which: Which, process: int, args: tuple[Any, ...]) -> Reply:
        """What the running process answers; where there is none, a fresh one that has been warmed up."""
        seat = self._stage.seat
        if self._session is None:
            seed = self._random_state(process)
            self._session = seat.sandbox.open(self._sources[which], seat.limits, driver=seat.driver, seed=seed)
            reply = self._session.call(seat.function, *self._warm_up.args)
            if reply.status is not Status.OK:
                return reply
        return self._session.call(seat.function, *args)

    def _random_state(self, process: int) -> int:
        return 0 if self._faithful else self._seed + process // 2

    def _is_scored(self, instance: int, reply: Reply) -> bool:
        """Whether the candidate answers what it answers where it is scored."""
        if instance not in self._scored:
            run = self._stage.run(self._sources["candidate"], self._split, self._instances[instance])
            self._scored[instance] = output_digest(run.output)
        return output_digest(reply.value) == self._scored[instance]

    def _survivor(self, once: Callable[[], Reply]) -> Reply:
        for _ in range(MAX_DEATHS):
            with of_the_sandbox():
                reply = once()
            if not (reply.died or reply.status is Status.TIMED_OUT):
                break
            self.close()
            self._stage.canary()
        return reply

    def _command_runs(self) -> CommandRuns:
        seat = self._stage.seat
        assert seat.command is not None
        once = replace(seat.command, repeats=1)
        return CommandRuns(once, seat.builder or seat.sandbox, seat.sandbox, seat.limits, self._survivor)

    def _failed(self, which: Which, status: Status, feedback: str) -> Exception:
        if which == "candidate":
            return CandidateFailed(status, feedback)
        return ReferenceFailed(f"the reference failed: {status}, {feedback}", "Mend the reference program.")
