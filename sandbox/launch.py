"""How a sandboxed process is started by bwrap: with pipes of its own, and known by the kernel's word alone."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evolve.core.clock import monotonic_seconds
from sandbox import procfs
from sandbox.cgroup import Group
from sandbox.limits import Limits
from sandbox.monitor import MAX_THREADS
from sandbox.process import Child, kill, offer_to_the_oom_killer, readable

LAUNCHER_SECONDS = 0.1
START_TEXT_BYTES = 16384

_CHILD_PID = re.compile(rb'"child-pid"\s*:\s*(\d+)')


class StartError(Exception):
    """The launcher did not start the process; the text is what it said."""


class Bwrap:
    """A running bwrap as the `Launcher` of its child."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen
        self.pid = popen.pid

    def spent_cpu_seconds(self) -> float:
        """Of bwrap itself."""
        return procfs.cpu_or_none(self.pid) or 0.0

    def reap(self) -> tuple[int, float]:
        """Of bwrap and all that it waited for. One that does not end after its child is killed."""
        pidfd = os.pidfd_open(self.pid)
        try:
            if not readable(pidfd, LAUNCHER_SECONDS):
                kill(pidfd)
        finally:
            os.close(pidfd)
        _, status, usage = os.wait4(self.pid, 0)
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        return self.popen.returncode, usage.ru_utime + usage.ru_stime


@dataclass(slots=True)
class Starting:
    """A bwrap that was started and whose process is not known yet."""

    child: Child
    launcher: int
    info_fd: int

    def attach(self, seconds: float) -> Child:
        """The process, once bwrap has told of it. Called once. Raises StartError where it takes longer."""
        try:
            _attach(self.child, self.launcher, self.info_fd, seconds)
        except BaseException:
            self.child.stop()
            self.child.close()
            raise
        finally:
            os.close(self.info_fd)
        return self.child


def begin(command: Callable[[int, int, int], list[str]], passed: Sequence[int]) -> Starting:
    """Starts what `command(calls, replies, info)` names, with those descriptors (and `passed`) open in it.

    Standard input is empty; standard output and error share one pipe. Raises StartError.
    """
    calls, call_fd, reply_fd, replies, output_fd, output, info_fd, info = numbers = pipes(4)
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
    return Starting(Child(Bwrap(launcher), 0, -1, -1, call_fd, reply_fd, output_fd), launcher.pid, info_fd)


def bound_together(child: Child, limits: Limits) -> Child:
    """Puts the process into a control group, where one can be had, before it starts others or speaks to a GPU.

    The kernel then bounds what all of them hold together, the files in /tmp and its own part included; and how many
    threads there are, at a number that the host's count does not let them reach.
    """
    group = Group.create() if limits.processes > 1 or limits.gpus else None
    if group is not None:
        child.group = group
        try:
            group.limit(memory_bytes=limits.memory_bytes + limits.file_bytes, tasks=MAX_THREADS + limits.processes)
            group.add(child.pid)
        except OSError as error:
            child.stop()
            child.close()
            raise StartError(str(error)) from None
    return child


def pipes(count: int) -> list[int]:
    """The two ends of so many pipes. Raises StartError."""
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


def _attach(child: Child, launcher: int, info_fd: int, seconds: float) -> None:
    """Learns the process's identifier from bwrap and takes hold of it before it can be another's."""
    data = b""
    deadline = monotonic_seconds() + seconds
    while not (found := _CHILD_PID.search(data + b" ")) or b"}" not in data:
        part = os.read(info_fd, 4096) if readable(info_fd, deadline - monotonic_seconds()) else b""
        if not part:
            raise StartError(said(child))
        data += part
    child.pid = int(found[1])
    try:
        child.pidfd = os.pidfd_open(child.pid)
        child.status_fd = os.open(f"/proc/{child.pid}/status", os.O_RDONLY | os.O_CLOEXEC)
        if procfs.status(os.pread(child.status_fd, 8192, 0)).get("PPid") != launcher:
            raise StartError(said(child))
    except OSError:
        raise StartError(said(child)) from None
    offer_to_the_oom_killer(child.pid)


def said(child: Child) -> str:
    """What stands in the output pipe now or comes until it is closed, e.g. bwrap's complaint."""
    data = b""
    while len(data) < START_TEXT_BYTES and readable(child.output_fd, LAUNCHER_SECONDS):
        part = os.read(child.output_fd, START_TEXT_BYTES)
        if not part:
            break
        data += part
    return data.decode("utf-8", "replace").strip()
