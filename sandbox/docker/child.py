"""The first process of a container as the host sees it: itself, the kernel of gVisor around it, or not at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import ClassVar, Literal

from evolve.core.errors import InfrastructureError
from evolve.core.types import Status
from sandbox.docker.engine import LEFT_REMEDY, Engine
from sandbox.docker.meter import Meter
from sandbox.docker.stream import Relay
from sandbox.monitor import Stopped
from sandbox.process import AT_ONCE_SECONDS, KILL_SECONDS, Child, Usage, kill

KILLED = 128 + signal.SIGKILL
_EXIT_SECONDS = 10.0

Clock = Literal["process", "container", "wall"]


class ContainerChild(Child):
    """A `Child` in a container, whose own process the host sees.

    `started_seconds` is what the process said of its own processor time when nothing untrusted was in it yet: where the
    clock is another one, it goes on from there with `hand_out`, so that what it took to come up is nobody's.
    The kernel's account of the container counts every process, also those that nobody waited for. An end that was the
    engine's doing, and not the program's, is an InfrastructureError of the first `stop`. `release` is
    called with the container's identifier when all is over, however often it is closed.
    """

    clock: ClassVar[Clock] = "process"

    def __init__(
        self,
        engine: Engine,
        number: str,
        relay: Relay,
        started_seconds: float,
        pid: int = -1,
        pidfd: int = -1,
        meter: Meter | None = None,
    ) -> None:
        super().__init__(self, pid, pidfd, -1, relay.call_fd, relay.reply_fd, relay.output_fd)
        self.number, self.relay, self.meter = number, relay, meter
        self.release: Callable[[str], object] = engine.remove
        self._engine = engine
        self._started_seconds = started_seconds
        self._base_seconds = self._metered_base = self._last_seconds = 0.0
        self._is_closed = False
        if pid >= 0:
            self.status_fd = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)

    def hand_out(self) -> None:
        """From now on it has a session. Raises ProcessLookupError where it is gone."""
        if self.ended(0.0) or self.relay.has_ended(0.0):
            raise ProcessLookupError(self.pid)
        self._base_seconds = self._foreign_seconds()
        self._metered_base = (self.meter.cpu_seconds() if self.meter else 0.0) - self.cpu_seconds()

    def cpu_seconds(self) -> float:
        """See `Child`."""
        self._last_seconds = max(self._last_seconds, self._seconds() - self._base_seconds)
        return self._last_seconds

    def tree_cpu_seconds(self) -> float:
        """See `Child`."""
        if self.meter is None:
            return super().tree_cpu_seconds()
        if self.ended(0.0):
            raise ProcessLookupError(self.pid)
        return self.spent_cpu_seconds()

    def spent_cpu_seconds(self) -> float:
        """See `Child`. The account is still there when the process is gone."""
        return max(self._last_seconds, self.meter.cpu_seconds() - self._metered_base if self.meter else 0.0)

    def reap(self) -> tuple[int, float]:
        """As a `Launcher`: the engine waits for the process and knows its exit code. Raises InfrastructureError."""
        with self._engine.asking("say how a container ended"):
            code = int(self._engine.api.wait(self.number, timeout=_EXIT_SECONDS)["StatusCode"])
        return code, self.spent_cpu_seconds()

    def stop(self) -> int:
        """See `Child`. Raises InfrastructureError, once, also where the end was the engine's doing."""
        if self.exit_code is not None:
            return self.exit_code
        self.exit_code = KILLED
        by_itself = self.ended(0.0)
        # A program can not end the connection and live: the engine, or what lies before it, has let it go.
        let_go = self.relay.broken and not by_itself
        if not by_itself:
            self.relay.expected = True
            self._kill()
        self.total_cpu_seconds = self.spent_cpu_seconds()
        silent = self.relay.unanswered and not by_itself and not self._engine.answers()
        if self.relay.lost or let_go or silent:
            raise InfrastructureError(
                f"the Docker engine went away while container {self.number[:12]} worked; its program is not to blame",
                LEFT_REMEDY,
            )
        if by_itself:
            self.exit_code, self.total_cpu_seconds = self.reap()
        return self.exit_code

    def close(self) -> None:
        """See `Child`; and lets the engine remove the container. May be repeated."""
        if self._is_closed:
            return
        self._is_closed = True
        super().close()
        if self.meter:
            self.meter.close()
        self.release(self.number)

    def _seconds(self) -> float:
        return super().cpu_seconds()

    def _foreign_seconds(self) -> float:
        """What others than the process have on its clock."""
        return 0.0

    def _kill(self) -> None:
        """By the kernel where we may, else by the engine."""
        try:
            if self.pidfd < 0:
                raise PermissionError
            kill(self.pidfd)
        except PermissionError:
            self._kill_by_engine()
        if not self.ended(AT_ONCE_SECONDS):
            self._hurry()
        if not self.ended(KILL_SECONDS):
            raise InfrastructureError(
                f"container {self.number[:12]} does not end within {KILL_SECONDS:g} s of being killed",
                "See whether this machine's disks or memory are in trouble.",
            )

    def _kill_by_engine(self) -> None:
        from docker.errors import APIError

        with self._engine.asking("kill a container"), suppress(APIError):  # that is how it says that it has ended
            self._engine.api.kill(self.number)


class GVisorChild(ContainerChild):
    """A program in a kernel of its own, which is the process that the host sees.

    The account of the container, and the clock, are of both; threads and processes of the program can
    only be estimated.
    """

    clock: ClassVar[Clock] = "container"
    most_processes = 1
    _base_tasks = _base_processes = 0

    def hand_out(self) -> None:
        """See `ContainerChild`."""
        super().hand_out()
        if self.meter:
            self._base_tasks, self._base_processes = self.meter.tasks(), self.meter.processes()

    def descendants(self) -> list[int]:
        """None that the host knows."""
        return []

    def tree_cpu_seconds(self) -> float:
        """All of the container, as always."""
        return self.cpu_seconds()

    def usage(self, descendants: Sequence[int] = ()) -> Usage:
        """What the container holds; threads are those that came since its clock began.

        Raises Stopped where it has far too many processes: gVisor has one of its own for each, and keeps it for the
        next; while a program is started there are two.
        """
        if self.ended(0.0):
            raise ProcessLookupError(self.pid)
        if self.meter is None:
            return Usage()
        if self.meter.processes() - self._base_processes > 2 * self.most_processes:
            raise Stopped(Status.FORBIDDEN, f"it started more than {self.most_processes} processes")
        # With several processes they are those of the kernel, which keeps some for each.
        threads = max(1, self.meter.tasks() - self._base_tasks) if self.most_processes == 1 else 1
        return Usage(threads, self.meter.memory_bytes(), self.meter.peak_bytes(), 0)

    def held_bytes(self) -> tuple[int, int]:
        """What the container holds."""
        return self.meter.memory_bytes() if self.meter else 0, 0

    def sockets(self) -> int:
        """Unknown."""
        return 0

    def files(self, folder: str) -> tuple[int, int]:
        """Unknown."""
        return 0, 0

    def _foreign_seconds(self) -> float:
        return self._seconds() - self._started_seconds

    def _seconds(self) -> float:
        if self.meter is None or self.ended(0.0):
            raise ProcessLookupError(self.pid)
        return self.meter.cpu_seconds()


class HiddenChild(GVisorChild):
    """A process that the host does not see, e.g. in a virtual machine. The engine kills it.

    Its clock is the wall's, and runs only while the host waits for an answer: what the host does meanwhile is not the
    program's.
    """

    clock: ClassVar[Clock] = "wall"
    _awaited_seconds = 0.0

    def awaited(self, seconds: float) -> None:
        """See `Child`."""
        self._awaited_seconds += seconds

    def _seconds(self) -> float:
        if self.ended(0.0):
            raise ProcessLookupError(self.pid)
        return self._awaited_seconds

    def ended(self, seconds: float) -> bool:
        """Whether the engine has ended the connection."""
        return self.relay.has_ended(seconds)
