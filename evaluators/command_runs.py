"""Programs that a command runs: built once, then run in fresh processes, and measured by the host.

Nothing survives from one run to another but the files of the build, which are plain bytes here: the build and every run
has a sandbox of its own, so that no run knows which of several it is. What a program prints must be the same each
time, else it could do its work in one run and be measured in another. What was fast only because the machine had seen
the run before (its caches are not per sandbox) is measured at the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evolve.core.types import Score, Source, Status
from sandbox.base import Reply, Sandbox, Session
from sandbox.command import BUILD, PREPARE, RUN, Command, wrap
from sandbox.limits import MEBIBYTE, Limits

UNREPEATABLE = (
    "the same input did not give the same output again: fix the state of every random choice, and print no time"
)
KEPT_SHARE, KEPT_SECONDS = 0.5, 5e-3
"""Who needs less than this share of the first run's processor time, and more than so many seconds less, kept something.
"""
_RAISED = "RuntimeError: "


class CommandRuns:
    """Builds and runs programs of one command, one at a time; remembers what the last one's build left.

    `retried` calls again what died or timed out, as the stage does with every program.
    """

    def __init__(
        self,
        command: Command,
        builder: Sandbox,
        sandbox: Sandbox,
        limits: Limits,
        retried: Callable[[Callable[[], Reply]], Reply],
    ) -> None:
        self.command = command
        self._builder = builder
        self._sandbox = sandbox
        self._limits = limits
        self._retried = retried
        self._built: tuple[Source, Source, Reply] | None = None

    def reply(self, source: Source, args: tuple[Any, ...]) -> Reply:
        """What the program printed, measured as `of_repeats` says; or how it failed."""
        wrapped, built = self._build(source)
        if built.status is not Status.OK:
            return built
        first = self._retried(lambda: self._run(wrapped, built.value, args))
        replies = [first]
        for _ in range(1, self.command.repeats if first.status is Status.OK else 1):
            again = self._retried(lambda: self._run(wrapped, built.value, args))
            if again.status is not Status.OK:
                return again
            if again.value != first.value:
                return replace(again, status=Status.INVALID, value=None, error=UNREPEATABLE)
            replies.append(again)
        return of_repeats(replies)

    def failed_build(self, source: Source) -> Reply | None:
        """How the program's build failed; None where it did not."""
        _, built = self._build(source)
        return None if built.status is Status.OK else built

    def _build(self, source: Source) -> tuple[Source, Reply]:
        """The program to load, and the answer of its build."""
        if self._built is None or self._built[0] != source:
            wrapped = wrap(self.command, source) if source.language == "command" else source
            self._built = source, wrapped, self._retried(lambda: self._build_once(wrapped))
        return self._built[1:]

    def _build_once(self, wrapped: Source) -> Reply:
        session = self._builder.open(wrapped, self._limits)
        try:
            reply = session.call(BUILD)
        finally:
            session.close()
        if reply.status is not Status.OK:
            return replace(reply, error=f"the build failed: {_said(reply.error)}")
        if not _is_files(reply.value):
            return replace(reply, status=Status.INVALID, value=None, error="the build did not return files")
        return reply

    def _run(self, wrapped: Source, products: Mapping[str, tuple[int, bytes]], args: tuple[Any, ...]) -> Reply:
        session = self._sandbox.open(wrapped, self._limits)
        try:
            reply = session.call(PREPARE, products)
            if reply.status is Status.OK:
                reply = _last_call(session)(RUN, *args)
        finally:
            session.close()
        if reply.status is Status.OK and type(reply.value) is not str:
            return replace(reply, status=Status.INVALID, value=None, error="the output is no text")
        return replace(reply, error=_said(reply.error)) if reply.error else reply


def of_repeats(replies: Sequence[Reply]) -> Reply:
    """The first reply with the least seconds of all, as other work on the machine only adds, and the largest peak.

    A peak is seen at moments, so the least one is luck. Where the least processor time is far below the first one's
    (`KEPT_SHARE`, `KEPT_SECONDS`), the seconds of the first count.
    """
    first = replies[0]
    cpu_seconds = min(reply.cpu_seconds for reply in replies)
    wall_seconds = min(reply.wall_seconds for reply in replies)
    if cpu_seconds < KEPT_SHARE * first.cpu_seconds and first.cpu_seconds - cpu_seconds > KEPT_SECONDS:
        cpu_seconds, wall_seconds = first.cpu_seconds, first.wall_seconds
    peak_bytes = max(reply.peak_bytes for reply in replies)
    return replace(first, cpu_seconds=cpu_seconds, wall_seconds=wall_seconds, peak_bytes=peak_bytes)


def measured(score: Score, reply: Reply) -> Score:
    """The score with what the host measured, which no verifier can say otherwise.

    Wall time is that of the run alone, processor time that of the command and of the process that starts it, all their
    descendants included, and memory the most that was seen, every few milliseconds, in one process, or in all
    together with the files in /tmp; it is never less than the 15 MiB or so of the interpreter that starts the command.
    """
    host = {
        "wall_seconds": reply.wall_seconds,
        "cpu_seconds": reply.cpu_seconds,
        "peak_mebibytes": reply.peak_bytes / MEBIBYTE,
    }
    return replace(score, metrics={**score.metrics, **host})


def _last_call(session: Session) -> Callable[..., Reply]:
    """Exact where the kernel's last account of the session can be had."""
    call: Callable[..., Reply] = getattr(session, "last_call", session.call)
    return call


def _said(error: str) -> str:
    """What a wrapped program raised, without the lines of its own that raised it."""
    before, found, said = error.partition(_RAISED)
    return said if found and (not before or before.endswith("\n")) else error


def _is_files(value: Any) -> bool:
    """Whether it is names with mode bits and content; everything below is then plain enough to be sent back."""
    return type(value) is dict and all(
        type(name) is str
        and type(about) is tuple
        and len(about) == 2
        and type(about[0]) is int
        and type(about[1]) is bytes
        for name, about in value.items()
    )
