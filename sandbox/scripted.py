"""The published fake: a sandbox that starts nothing and answers what it was told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from evolve.core.errors import CallOrderError
from evolve.core.types import Source, Status
from sandbox.base import Confinement, Reply
from sandbox.limits import Limits

Script = Callable[..., Any]
"""Called with (source, entry, *args); gives a Reply, or a value that becomes one. What it raises is `CRASHED`."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a session was opened with."""

    source: Source
    limits: Limits
    driver: str | None
    seed: int


@dataclass(frozen=True, slots=True)
class Call:
    """What a session was asked."""

    opening: Opening
    entry: str
    args: tuple[Any, ...]


class ScriptedSandbox:
    """A `Sandbox` (see `sandbox.base`) for tests. `script` is a function, or replies that are given in order.

    `openings` and `calls` list what was asked of it, `closed` counts the sessions that were closed. Not thread-safe.

    Example::

        sandbox = ScriptedSandbox(lambda source, entry, *args: sorted(args[0]))
        assert sandbox.open(source, Limits()).call("solve", [2, 1]).value == [1, 2]
    """

    def __init__(self, script: Script | Iterable[Reply]) -> None:
        self._function = script if callable(script) else None
        self._replies: Iterator[Reply] = iter(()) if callable(script) else iter(script)
        self.openings: list[Opening] = []
        self.calls: list[Call] = []
        self.closed = 0

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> ScriptedSession:
        """See `Sandbox`. Raises nothing."""
        self.openings.append(Opening(source, limits, driver, seed))
        return ScriptedSession(self, self.openings[-1])

    def confinement(self, limits: Limits) -> Confinement:
        """See `Sandbox`. Nothing is bounded, as nothing runs."""
        return Confinement("scripted", "nothing starts", "process", {})

    def close(self) -> None:
        """See `Sandbox`. Nothing is kept."""

    def answer(self, call: Call) -> Reply:
        """The next reply. Raises CallOrderError where the list of replies is used up."""
        self.calls.append(call)
        if self._function is None:
            reply = next(self._replies, None)
            if reply is None:
                raise CallOrderError(
                    f"call {len(self.calls)} of a script of {len(self.calls) - 1} replies", "Script more replies."
                )
            return reply
        try:
            value = self._function(call.opening.source, call.entry, *call.args)
        except Exception as error:
            return Reply(Status.CRASHED, error=f"{type(error).__name__}: {error}")
        return value if isinstance(value, Reply) else Reply(Status.OK, value)


class ScriptedSession:
    """A session that starts nothing."""

    def __init__(self, sandbox: ScriptedSandbox, opening: Opening) -> None:
        self._sandbox = sandbox
        self._opening = opening
        self._over: Reply | None = None
        self._closed = False

    def call(self, entry: str, *args: Any) -> Reply:
        """See `Session`. Raises CallOrderError after `close`."""
        if self._closed:
            raise CallOrderError("a call to a session that is closed", "This is a fault of the caller.")
        if self._over is not None:
            return self._over
        reply = self._sandbox.answer(Call(self._opening, entry, args))
        if reply.status not in (Status.OK, Status.CRASHED) or reply.died:
            self._over = reply
        return reply

    def close(self) -> None:
        """May be repeated."""
        if not self._closed:
            self._closed = True
            self._sandbox.closed += 1
