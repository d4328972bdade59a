"""Control groups of the kernel: one bound for all processes of a program together, and one account of them.

Limits of a process (setrlimit(2)) bound each process alone, and leave out what the kernel holds for it: page tables,
pipes, descriptors. A group bounds and counts all of that. Where no group can be made, the limits of each process and
the host's counting remain.
"""

from __future__ import annotations

import atexit
import os
import re
import select
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from itertools import count

from evolve.core.clock import monotonic_seconds
from sandbox import procfs
from sandbox.cgroup_place import FIRST, SECOND, Place, hand_on, place
from sandbox.process import kill

PARENT = "evolve"
CLOSE_SECONDS = 2.0
UNBOUNDED_BYTES = 1 << 60
"""Version 1 says so much, or somewhat more, where there is no limit."""

_PAUSE_SECONDS = 0.001
_ATTEMPTS = 10
_NAME = re.compile(r"(\d+)-(\d+)-(\d+)-")
_MEMORY, _WITH_SWAP = "memory.limit_in_bytes", "memory.memsw.limit_in_bytes"
_NEAR = 0.9
_numbers = count()


class Group:
    """A control group of ours. Processes that one in it starts are in it too. Not thread-safe.

    Made by `create`, below a folder `evolve` in the group of this process; its name tells whose it is, so that what a
    crashed process left is found and removed by the next one. The first process that is added after a pause costs
    milliseconds, in which the kernel waits for itself; everything else takes microseconds. Memory that a process held
    before it was added is not counted.

    Example::

        group = Group.create("build")
        if group is not None:
            group.limit(memory_bytes=2**30, tasks=64)
            group.add(pid)
    """

    def __init__(self, version: str, folders: Mapping[str, str]) -> None:
        self.version = version
        self._folders = dict(folders)

    @classmethod
    def create(cls, hint: str = "") -> Group | None:
        """A new group, with `hint` in its name; None where no group can be made: `unavailable` says why."""
        try:
            return make(hint)
        except OSError:
            return None

    @property
    def controllers(self) -> frozenset[str]:
        """What it bounds or counts: `memory`, `pids`, in version 1 also `cpuacct`."""
        return frozenset(self._folders)

    def add(self, pid: int) -> None:
        """Puts a process in, with its threads. Raises OSError, ProcessLookupError where it is gone."""
        for folder in self._distinct():
            _write(f"{folder}/cgroup.procs", str(pid))

    def limit(self, *, memory_bytes: int | None = None, tasks: int | None = None) -> None:
        """Bounds all processes together: memory with the kernel's own and swap in bytes, threads. May be repeated.

        Raises OSError, e.g. where more memory is in use.
        """
        if memory_bytes is not None and (folder := self._folders.get("memory")):
            self._limit_memory(folder, memory_bytes)
        if tasks is not None and (folder := self._folders.get("pids")):
            _write(f"{folder}/pids.max", str(tasks))

    def memory_peak_bytes(self) -> int | None:
        """The most that was held at once, cached files and the kernel's part included; None where it is not told."""
        return self._number("memory", "memory.max_usage_in_bytes" if self.version == FIRST else "memory.peak")

    def out_of_memory_kills(self) -> int:
        """How many processes the kernel killed, where the group ever was at its limit; 0 where it never was.

        The kernel's own count holds those too that died because the whole machine was short of memory.
        """
        if self.version == SECOND:
            reached = self._field("memory", "memory.events", "oom") > 0
            return self._field("memory", "memory.events", "oom_kill") if reached else 0
        kills = self._field("memory", "memory.oom_control", "oom_kill")
        # memory.failcnt would tell, but stays 0 in some kernels.
        reached = kills > 0 and (self.memory_peak_bytes() or 0) > _NEAR * (self._number("memory", _MEMORY) or 0)
        return kills if reached else 0

    def cpu_seconds(self) -> float | None:
        """Processor seconds of all that ever were in it, since they were added; None where it is not told."""
        if self.version == FIRST:
            nanoseconds = self._number("cpuacct", "cpuacct.usage")
            return None if nanoseconds is None else nanoseconds / 1e9
        return self._field("memory", "cpu.stat", "usage_usec") / 1e6

    def tasks(self) -> int:
        """Threads in it now."""
        found = self._number("pids", "pids.current")
        if found is not None:
            return found
        folder = self._distinct()[0]
        return len(procfs.read(f"{folder}/{'tasks' if self.version == FIRST else 'cgroup.threads'}").split())

    def kill(self) -> None:
        """Kills every process in it, once each; those that end meanwhile are no error."""
        for folder in self._distinct():
            try:
                _write(f"{folder}/cgroup.kill", "1")
            except OSError:
                _kill_each(folder)

    def close(self) -> None:
        """Ends what is left in it and removes it. May be repeated. What resists is left to the next process's start."""
        deadline = monotonic_seconds() + CLOSE_SECONDS
        for folder in self._distinct():
            while not _removed(folder) and monotonic_seconds() < deadline:
                self.kill()
                select.select((), (), (), _PAUSE_SECONDS)
            if self.version == FIRST:
                _removed(os.path.dirname(folder))

    def _distinct(self) -> list[str]:
        return list(dict.fromkeys(self._folders.values()))

    def _limit_memory(self, folder: str, memory_bytes: int) -> None:
        if self.version == SECOND:
            _write(f"{folder}/memory.max", str(memory_bytes))
            with suppress(FileNotFoundError):
                _write(f"{folder}/memory.swap.max", "0")
            return
        names = [_MEMORY, _WITH_SWAP] if os.path.exists(f"{folder}/{_WITH_SWAP}") else [_MEMORY]
        if len(names) == 1:
            _write(f"{folder}/memory.swappiness", "0")
        # The second is never below the first, so what is raised is raised from the end.
        if memory_bytes > (self._number("memory", _MEMORY) or 0):
            names.reverse()
        for name in names:
            _write(f"{folder}/{name}", str(memory_bytes))

    def _number(self, controller: str, name: str) -> int | None:
        folder = self._folders.get(controller)
        text = procfs.read(f"{folder}/{name}").strip() if folder else b""
        return int(text) if text.isdigit() else None

    def _field(self, controller: str, name: str, key: str) -> int:
        """A number of a file with a key and a number on each line; 0 where it is not told."""
        folder = self._folders.get(controller)
        words = procfs.read(f"{folder}/{name}").split() if folder else []
        found = dict(zip(words[::2], words[1::2], strict=False)).get(key.encode())
        return int(found) if found else 0


def unavailable() -> str | None:
    """Why no group can be made here; None where one can. One is made and removed."""
    if place().reason:
        return place().reason
    try:
        make("look").close()
    except OSError as error:
        return f"{error.strerror}: {error.filename}"
    return None


def outer_memory_bytes() -> int | None:
    """The least memory that the group of this process, or one above it, may hold; None where none is bounded."""
    where = place()
    folder = where.folders.get("memory")
    if folder is None:
        return None
    if where.version == FIRST:
        words = procfs.read(f"{folder}/memory.stat").split()
        least = dict(zip(words[::2], words[1::2], strict=False)).get(b"hierarchical_memory_limit", b"")
        return int(least) if least.isdigit() and int(least) < UNBOUNDED_BYTES else None
    found = []
    while os.path.exists(f"{folder}/cgroup.controllers"):
        text = procfs.read(f"{folder}/memory.max").strip()
        found += [int(text)] if text.isdigit() else []
        folder = os.path.dirname(folder)
    return min(found, default=None)


def make(hint: str = "") -> Group:
    """As `Group.create`. Raises OSError where it can not be made."""
    where = place()
    if not where.folders:
        raise PermissionError(where.reason)
    for folder in dict.fromkeys(where.folders.values()):
        _sweep(f"{folder}/{PARENT}", where.version)
    name = f"{_namespace()}-{os.getpid()}-{_started(os.getpid())}-{hint}{next(_numbers)}"
    return _made(where, name)


def _made(where: Place, name: str) -> Group:
    group = Group(where.version, {one: f"{folder}/{PARENT}/{name}" for one, folder in where.folders.items()})
    try:
        for folder in group._distinct():
            for attempt in range(_ATTEMPTS):
                try:
                    _make_parent(os.path.dirname(folder), where.version)
                    os.mkdir(folder)
                    break
                except FileNotFoundError:
                    # Another process has just removed the folder, which was empty.
                    if attempt == _ATTEMPTS - 1:
                        raise
    except OSError:
        group.close()
        raise
    return group


def _make_parent(folder: str, version: str) -> None:
    try:
        os.mkdir(folder)
    except FileExistsError:
        return
    if version == SECOND:
        hand_on(folder)


@cache
def _sweep(parent: str, version: str) -> None:
    """Removes the groups of processes that are no more, once; and the folder at the end, where it is dear to make."""
    if version == SECOND:
        atexit.register(_removed, parent)
    with suppress(OSError):
        for name in os.listdir(parent):
            found = _NAME.match(name)
            if found and found[1] == _namespace() and _started(int(found[2])) != found[3]:
                Group(version, {"memory": f"{parent}/{name}"}).close()


def _namespace() -> str:
    """Of process identifiers, which mean nothing in another one."""
    return str(os.stat("/proc/self/ns/pid").st_ino)


def _started(pid: int) -> str:
    """When a process started, in ticks: field 22 of proc_pid_stat(5). Empty where there is none."""
    fields = procfs.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return fields[19].decode() if len(fields) > 19 else ""


def _kill_each(folder: str) -> None:
    held: dict[int, int] = {}
    try:
        for pid in _pids(folder):
            with suppress(ProcessLookupError):
                held[pid] = os.pidfd_open(pid)
        # Who is still there under its number is the one that we hold.
        for pid in set(_pids(folder)) & set(held):
            kill(held[pid])
    finally:
        for number in held.values():
            os.close(number)


def _pids(folder: str) -> list[int]:
    """Of the processes in it; those outside of our namespace have the number 0, and are left out."""
    return [int(pid) for pid in procfs.read(f"{folder}/cgroup.procs").split() if int(pid) > 0]


def _removed(folder: str) -> bool:
    """Removes a group without processes and without groups in it. Whether it is gone."""
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _write(path: str, text: str) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(number, text.encode())
    except OSError as error:
        raise type(error)(error.errno, error.strerror, path) from None
    finally:
        os.close(number)
