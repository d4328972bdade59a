"""The kernel's account of one container, read from its control group (cgroups(7)) where the host can see that."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field

from sandbox import procfs

ROOT = "/sys/fs/cgroup"
# What is asked: the file in version 1, below the folder of its controller, and in version 2.
_FILES = {
    "cpu": ("cpuacct/cpuacct.usage", "cpu.stat"),
    "peak": ("memory/memory.max_usage_in_bytes", "memory.peak"),
    "memory": ("memory/memory.usage_in_bytes", "memory.current"),
    "tasks": ("pids/pids.current", "pids.current"),
    "processes": ("pids/cgroup.procs", "cgroup.procs"),
}
_PER_SECOND = {1: 1e9, 2: 1e6}


@dataclass(slots=True)
class Meter:
    """Open files of the group. They can be read until the engine removes it, some time after the last process is gone;
    then what was read last stands.
    """

    version: int
    files: dict[str, int]
    _last: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, pid: int, container: str) -> Meter | None:
        """The account of the container whose process this is; None where it can not be read here."""
        paths = {}
        for line in procfs.read(f"/proc/{pid}/cgroup").decode().splitlines():
            _, controllers, path = line.split(":", 2)
            if container in path:
                paths.update(dict.fromkeys(controllers.split(","), path))
        version = 1 if "cpuacct" in paths else 2
        files = {}
        for name, (first, second) in _FILES.items():
            controller, _, file = first.partition("/")
            path = f"/{controller}{paths.get(controller)}/{file}" if version == 1 else f"{paths.get('')}/{second}"
            with suppress(OSError):
                files[name] = os.open(ROOT + path, os.O_RDONLY | os.O_CLOEXEC)
        meter = cls(version, files)
        if "cpu" in files:
            return meter
        meter.close()
        return None

    def cpu_seconds(self) -> float:
        """Processor seconds of all that ever was in the container, from before its program began."""
        return self._number("cpu") / _PER_SECOND[self.version]

    def memory_bytes(self) -> int:
        """What is held now, files in memory and what the kernel holds for it included; 0 where unknown."""
        return self._number("memory")

    def peak_bytes(self) -> int:
        """The most that was held; where the kernel does not say, the most that was seen."""
        return max(self._number("peak"), self._number("memory"))

    def tasks(self) -> int:
        """Threads of all processes; 0 where unknown."""
        return self._number("tasks")

    def processes(self) -> int:
        """How many there are; 0 where unknown."""
        with suppress(OSError, KeyError):
            return os.pread(self.files["processes"], 65536, 0).count(b"\n")
        return 0

    def close(self) -> None:
        """Once."""
        for number in self.files.values():
            os.close(number)
        self.files = {}

    def _number(self, name: str) -> int:
        with suppress(OSError, KeyError, ValueError, IndexError):
            words = os.pread(self.files[name], 4096, 0).split()
            # cpu.stat has names before its numbers, the total first.
            self._last[name] = max(int(words[-1 if len(words) == 1 else 1]), self._last.get(name, 0) * (name == "cpu"))
        return self._last.get(name, 0)
