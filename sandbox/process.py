"""One sandboxed process as the host sees it: its pipes, the kernel's account of it, and how it is made to end.

The process is the first of its own pid namespace, and a launcher (bwrap, a fork server) waits for it. Linux only.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from evolve.core.clock import process_cpu_seconds
from evolve.core.errors import InfrastructureError
from sandbox import procfs

if TYPE_CHECKING:
    from sandbox.cgroup import Group
    from sandbox.gpu.leases import Lease

AT_ONCE_SECONDS = 0.005
KILL_SECONDS = 60.0


class Launcher(Protocol):
    """What started a process and waits for it."""

    def spent_cpu_seconds(self) -> float:
        """Its own processor seconds so far, as far as `reap` will count them."""

    def reap(self) -> tuple[int, float]:
        """Exit code (128 + n after signal n) and processor seconds of the process and all that it waited for.

        Called once, after the process is gone; until then its last state can be read.
        """


@dataclass(slots=True)
class Usage:
    """What the kernel says of a tree now: threads, resident bytes, the most of one process; the first one's space."""

    threads: int = 1
    resident_bytes: int = 0
    peak_bytes: int = 0
    space_bytes: int = 0


@dataclass(slots=True)
class Child:
    """A running process. `call_fd`, `reply_fd` and `output_fd` are this side's ends, all non-blocking.

    `pid` is the process itself. Nothing here is thread-safe but for
    distinct children. `stop` fills in what the kernel says at the end: the launcher's exit code, and the processor
    seconds of it and of all that was waited for below it. (It also says the largest resident size, but as the launcher
    begins as a copy of this process, that may be this process's own.) `group` is closed with it.
    """

    launcher: Launcher
    pid: int
    pidfd: int
    status_fd: int
    call_fd: int
    reply_fd: int
    output_fd: int
    exit_code: int | None = None
    total_cpu_seconds: float = 0.0
    group: Group | None = None
    lease: Lease | None = None
    _seen: dict[int, float] = field(default_factory=dict)
    _vanished: float = 0.0

    def cpu_seconds(self) -> float:
        """Processor seconds of the process, all threads. Raises ProcessLookupError where it is gone."""
        try:
            return process_cpu_seconds(self.pid)
        except OSError:
            raise ProcessLookupError(self.pid) from None

    def tree_cpu_seconds(self) -> float:
        """The same with descendants, living and waited for. Raises ProcessLookupError.

        The kernel forgets children that nobody waits for (SIGCHLD ignored): a control group has counted them all the
        same; where there is none, what was last seen of them is kept.
        """
        now = {pid: procfs.cpu_or_none(pid) for pid in self.descendants()}
        living = {pid: seconds for pid, seconds in now.items() if seconds is not None}
        self._vanished += sum(seconds for pid, seconds in self._seen.items() if pid not in living)
        self._seen = living
        waited_for = sum(procfs.waited_seconds(pid) for pid in (self.pid, *living))
        seen = self.cpu_seconds() + sum(living.values()) + max(waited_for, self._vanished)
        return max(seen, self._group_cpu_seconds())

    def _group_cpu_seconds(self) -> float:
        """Since the process was put in its group, before it had anything to do; 0 where there is none."""
        return (self.group.cpu_seconds() or 0.0) if self.group is not None else 0.0

    def spent_cpu_seconds(self) -> float:
        """What will have its part in `total_cpu_seconds`, so far: never too much.

        Launcher and process to the nanosecond, children that they waited for down to the tick of the kernel.
        """
        own = procfs.cpu_or_none(self.pid) or 0.0
        return self.launcher.spent_cpu_seconds() + own + procfs.waited_seconds(self.pid)

    def awaited(self, seconds: float) -> None:
        """So long, by its own clock, the host has just waited for the process. Of use where it sees no other clock."""

    def descendants(self) -> list[int]:
        """Identifiers of all processes below the first, zombies included."""
        found: list[int] = []
        todo = [self.pid]
        while todo:
            children = procfs.children(todo.pop())
            found += children
            todo += children
        return found

    def usage(self, descendants: Sequence[int] = ()) -> Usage:
        """Sizes and counts. Raises ProcessLookupError where the process is gone."""
        numbers = procfs.sizes(self.pid, os.pread(self.status_fd, 8192, 0))
        if "VmHWM" not in numbers:
            raise ProcessLookupError(self.pid)
        usage = Usage(numbers["Threads"], numbers["VmRSS"], numbers["VmHWM"], numbers["VmPeak"])
        for pid in descendants:
            numbers = procfs.sizes(pid)
            usage.threads += numbers.get("Threads", 0)
            usage.resident_bytes += numbers.get("VmRSS", 0)
            usage.peak_bytes = max(usage.peak_bytes, numbers.get("VmHWM", 0))
        return usage

    def held_bytes(self) -> tuple[int, int]:
        """Resident bytes of the whole tree, each page divided among those that share it; and those in a tmpfs."""
        held = [procfs.held_bytes(pid) for pid in (self.pid, *self.descendants())]
        return sum(resident for resident, _ in held), sum(filed for _, filed in held)

    def device_bytes(self) -> int:
        """Memory of the leased GPU that the tree holds, 0 without one. Raises InfrastructureError."""
        return 0 if self.lease is None else self.lease.held_bytes((self.pid, *self.descendants()))

    def sockets(self) -> int:
        """Sockets in the process's network namespace, which is its own; 0 where unknown."""
        return procfs.sockets(self.pid)

    def files(self, folder: str) -> tuple[int, int]:
        """Number and bytes of files in a file system of its own that the process sees at `folder`; 0 where unknown."""
        try:
            found = os.statvfs(f"/proc/{self.pid}/root{folder}")
        except OSError:
            return 0, 0
        return found.f_files - found.f_ffree, (found.f_blocks - found.f_bfree) * found.f_frsize

    def out_of_memory(self) -> bool:
        """Whether the kernel has killed one of the tree that held too much together."""
        return self.group is not None and self.group.out_of_memory_kills() > 0

    def unread(self) -> bool:
        """Whether bytes wait in the pipe of replies; the end of the pipe is none."""
        try:
            return bool(os.read(self.reply_fd, 1))
        except BlockingIOError:
            return False

    def ended(self, seconds: float) -> bool:
        """Whether the process, and with it its whole pid namespace, is gone within `seconds`."""
        return readable(self.pidfd, seconds)

    def stop(self) -> int:
        """Kills what is left, waits until it is gone, and returns the launcher's exit code. May be repeated.

        Raises InfrastructureError where the kernel does not end it.
        """
        if self.exit_code is None:
            if self.pidfd >= 0:
                kill(self.pidfd)
                if not self.ended(AT_ONCE_SECONDS):
                    self._hurry()
                if not self.ended(KILL_SECONDS):
                    raise InfrastructureError(
                        f"process {self.pid} does not end within {KILL_SECONDS:g} s of being killed",
                        "See whether this machine's disks or memory are in trouble.",
                    )
            self.exit_code, total = self.launcher.reap()
            self.total_cpu_seconds = max(total, self._group_cpu_seconds())
        return self.exit_code

    def _hurry(self) -> None:
        """Lets the killed process die before those that it forked get the processor again, where we may."""
        with suppress(OSError):
            for task in procfs.tasks(self.pid):
                os.sched_setscheduler(task, os.SCHED_FIFO, os.sched_param(1))

    def close(self) -> None:
        """Closes this side's descriptors, once. `stop` comes first."""
        if self.group is not None:
            self.group.close()
            self.group = None
        for name in ("call_fd", "reply_fd", "output_fd", "pidfd", "status_fd"):
            number = getattr(self, name)
            if number >= 0:
                setattr(self, name, -1)
                os.close(number)


def offer_to_the_oom_killer(pid: int) -> None:
    """Where the machine itself runs out of memory, the program goes before anything of the user's."""
    try:
        number = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    with open(number, "wb", buffering=0) as file, suppress(OSError):
        file.write(b"900")


def kill(pidfd: int) -> None:
    """Kills the process; one that is gone is no error."""
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return


def readable(number: int, seconds: float) -> bool:
    """Whether the descriptor has something to read, or its end, within `seconds`."""
    poller = select.poll()
    poller.register(number, select.POLLIN)
    return bool(poller.poll(max(0.0, seconds) * 1e3))
