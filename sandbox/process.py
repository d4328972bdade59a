"""One sandboxed process as the host sees it: its pipes, the kernel's account of it, and how it is made to end.

The process is the first of its own pid namespace, and a launcher (bwrap) waits for it. Linux only.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from evolve.core.clock import monotonic_seconds, process_cpu_seconds
from evolve.core.errors import InfrastructureError
from sandbox import procfs

AT_ONCE_SECONDS = 0.005
KILL_SECONDS = 10.0
LAUNCHER_SECONDS = 0.1
START_TEXT_BYTES = 16384

_CHILD_PID = re.compile(rb'"child-pid"\s*:\s*(\d+)')


class StartError(Exception):
    """The launcher did not start the process; the text is what it said."""


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

    `pid` is the process itself, `launcher` the bwrap that waits for it. Nothing here is thread-safe but for
    distinct children. `stop` fills in what the kernel says at the end: the launcher's exit code, and the processor
    seconds of it and of all that was waited for below it. (It also says the largest resident size, but as the launcher
    begins as a copy of this process, that may be this process's own.)
    """

    launcher: subprocess.Popen[bytes]
    pid: int
    pidfd: int
    status_fd: int
    call_fd: int
    reply_fd: int
    output_fd: int
    exit_code: int | None = None
    total_cpu_seconds: float = 0.0
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

        The kernel forgets children that nobody waits for (SIGCHLD ignored); what was last seen of them is kept.
        """
        now = {pid: procfs.cpu_or_none(pid) for pid in self.descendants()}
        living = {pid: seconds for pid, seconds in now.items() if seconds is not None}
        self._vanished += sum(seconds for pid, seconds in self._seen.items() if pid not in living)
        self._seen = living
        waited_for = sum(procfs.waited_seconds(pid) for pid in (self.pid, *living))
        return self.cpu_seconds() + sum(living.values()) + max(waited_for, self._vanished)

    def spent_cpu_seconds(self) -> float:
        """What will have its part in `total_cpu_seconds`, so far: never too much.

        Launcher and process to the nanosecond, children that they waited for down to the tick of the kernel.
        """
        own = (procfs.cpu_or_none(pid) or 0.0 for pid in (self.launcher.pid, self.pid))
        return sum(own) + procfs.waited_seconds(self.pid)

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

    def unread(self) -> bool:
        """Whether bytes wait in the pipe of replies; the end of the pipe is none."""
        try:
            return bool(os.read(self.reply_fd, 1))
        except BlockingIOError:
            return False

    def ended(self, seconds: float) -> bool:
        """Whether the process, and with it its whole pid namespace, is gone within `seconds`."""
        return _readable(self.pidfd, seconds)

    def stop(self) -> int:
        """Kills what is left, waits until it is gone, and returns the launcher's exit code. May be repeated.

        Raises InfrastructureError where the kernel does not end it.
        """
        if self.exit_code is None:
            if self.pidfd >= 0:
                _signal(self.pidfd)
                if not self.ended(AT_ONCE_SECONDS):
                    self._hurry()
                if not self.ended(KILL_SECONDS):
                    raise InfrastructureError(
                        f"process {self.pid} does not end within {KILL_SECONDS:g} s of being killed",
                        "See whether this machine's disks or memory are in trouble.",
                    )
            self.exit_code, self.total_cpu_seconds = _reap(self.launcher)
        return self.exit_code

    def _hurry(self) -> None:
        """Lets the killed process die before those that it forked get the processor again, where we may."""
        with suppress(OSError):
            for task in procfs.tasks(self.pid):
                os.sched_setscheduler(task, os.SCHED_FIFO, os.sched_param(1))

    def close(self) -> None:
        """Closes this side's descriptors, once. `stop` comes first."""
        for name in ("call_fd", "reply_fd", "output_fd", "pidfd", "status_fd"):
            number = getattr(self, name)
            if number >= 0:
                setattr(self, name, -1)
                os.close(number)


def start(command: Callable[[int, int, int], list[str]], passed: Sequence[int], seconds: float) -> Child:
    """Starts what `command(calls, replies, info)` names, with those descriptors (and `passed`) open in it.

    Standard input is empty; standard output and error share one pipe. Raises StartError.
    """
    calls, call_fd, reply_fd, replies, output_fd, output, info_fd, info = numbers = _pipes(4)
    try:
        launcher = subprocess.Popen(
            command(calls, replies, info),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={},
            pass_fds=(calls, replies, info, *passed),
            start_new_session=True,
        )
    except BaseException as error:
        _close(*numbers)
        if isinstance(error, OSError):
            raise StartError(str(error)) from None
        raise
    _close(calls, replies, output, info)
    for number in (call_fd, reply_fd, output_fd):
        os.set_blocking(number, False)
    child = Child(launcher, 0, -1, -1, call_fd, reply_fd, output_fd)
    try:
        _attach(child, info_fd, seconds)
    except BaseException:
        child.stop()
        child.close()
        raise
    finally:
        os.close(info_fd)
    return child


def _pipes(count: int) -> list[int]:
    numbers: list[int] = []
    try:
        for _ in range(count):
            numbers += os.pipe()
    except OSError as error:
        _close(*numbers)
        raise StartError(str(error)) from None
    return numbers


def _close(*numbers: int) -> None:
    for number in numbers:
        os.close(number)


def _attach(child: Child, info_fd: int, seconds: float) -> None:
    """Learns the process's identifier from bwrap and takes hold of it before it can be another's."""
    data = b""
    deadline = monotonic_seconds() + seconds
    while not (found := _CHILD_PID.search(data + b" ")) or b"}" not in data:
        part = os.read(info_fd, 4096) if _readable(info_fd, deadline - monotonic_seconds()) else b""
        if not part:
            raise StartError(said(child))
        data += part
    child.pid = int(found[1])
    try:
        child.pidfd = os.pidfd_open(child.pid)
        child.status_fd = os.open(f"/proc/{child.pid}/status", os.O_RDONLY | os.O_CLOEXEC)
        if procfs.status(os.pread(child.status_fd, 8192, 0)).get("PPid") != child.launcher.pid:
            raise StartError(said(child))
    except OSError:
        raise StartError(said(child)) from None
    _offer_to_the_oom_killer(child.pid)


def _offer_to_the_oom_killer(pid: int) -> None:
    """Where the machine itself runs out of memory, the program goes before anything of the user's."""
    try:
        number = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return
    with open(number, "wb", buffering=0) as file, suppress(OSError):
        file.write(b"900")


def said(child: Child) -> str:
    """What stands in the output pipe now or comes until it is closed, e.g. bwrap's complaint."""
    data = b""
    while len(data) < START_TEXT_BYTES and _readable(child.output_fd, LAUNCHER_SECONDS):
        part = os.read(child.output_fd, START_TEXT_BYTES)
        if not part:
            break
        data += part
    return data.decode("utf-8", "replace").strip()


def _reap(launcher: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Exit code and processor seconds of the launcher and all that it waited for."""
    pidfd = os.pidfd_open(launcher.pid)
    try:
        if not _readable(pidfd, LAUNCHER_SECONDS):
            _signal(pidfd)
    finally:
        os.close(pidfd)
    _, status, usage = os.wait4(launcher.pid, 0)
    launcher.returncode = os.waitstatus_to_exitcode(status)
    return launcher.returncode, usage.ru_utime + usage.ru_stime


def _signal(pidfd: int) -> None:
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except ProcessLookupError:
        return


def _readable(number: int, seconds: float) -> bool:
    poller = select.poll()
    poller.register(number, select.POLLIN)
    return bool(poller.poll(max(0.0, seconds) * 1e3))
