"""A program that a verifier asks one question at a time: nothing but the past is ever in its process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from evaluators.outage import of_the_sandbox
from evolve.core.types import Status
from sandbox.base import Reply, Session
from sandbox.limits import Limits

# All questions together may cost a few times what one may; the way across the border, some microseconds, is free.
ALLOWANCE, FREE_SECONDS = 3.0, 1e-3


class Stopped(Exception):
    """The program did something that ends the conversation; carries the reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.error)
        self.reply = reply


@dataclass(slots=True)
class Usage:
    """What a program used so far: seconds of all calls together, and the most resident bytes.

    `busy_seconds` adds up the larger of wall and CPU time of each call.
    """

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    busy_seconds: float = 0.0
    peak_bytes: int = 0

    def add(self, reply: Reply) -> None:
        """Count a call."""
        self.cpu_seconds += reply.cpu_seconds
        self.wall_seconds += reply.wall_seconds
        self.busy_seconds += max(reply.cpu_seconds, reply.wall_seconds)
        self.peak_bytes = max(self.peak_bytes, reply.peak_bytes)

    def of(self, reply: Reply) -> Reply:
        """The last reply as that to everything that was asked."""
        cpu, wall = self.cpu_seconds, self.wall_seconds
        return replace(reply, cpu_seconds=cpu, wall_seconds=wall, peak_bytes=self.peak_bytes)


class LiveSession:
    """What `play` gets: `call` gives the value, and the verifier need not look at statuses.

    `renew` kills the process and starts a fresh one: nothing is carried from one part of an instance to another.
    """

    def __init__(self, open_session: Callable[[], Session], limits: Limits) -> None:
        self.usage = Usage()
        self._open = open_session
        self._session: Session | None = None
        self._wall_seconds_left = ALLOWANCE * limits.wall_seconds
        self._cpu_seconds_left = ALLOWANCE * limits.cpu_seconds

    def renew(self) -> None:
        """From the next call on a fresh process with the same program, which remembers nothing."""
        self.close()

    def close(self) -> None:
        """Kill the process."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def call(self, entry: str, *args: Any) -> Any:
        """The program's answer. Raises Stopped where there is none."""
        with of_the_sandbox():
            self._session = self._session or self._open()
            reply = self._session.call(entry, *args)
        self.usage.add(reply)
        self._wall_seconds_left -= max(0.0, reply.wall_seconds - FREE_SECONDS)
        self._cpu_seconds_left -= reply.cpu_seconds
        if min(self._wall_seconds_left, self._cpu_seconds_left) < 0:
            late = "all questions together take too long"
            raise Stopped(self.usage.of(replace(reply, status=Status.TIMED_OUT, value=None, error=late)))
        if not reply.status.scored:
            raise Stopped(self.usage.of(reply))
        return reply.value
