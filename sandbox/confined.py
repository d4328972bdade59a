"""What a bubblewrap session is bounded by, in words for the record of a run."""

from __future__ import annotations

import os
import resource

from sandbox import cgroup
from sandbox.base import Confinement
from sandbox.cgroup_place import place
from sandbox.limits import Limits

STARTS = {"fork": "fork server", "pool": "pool of processes", "process": "one process at a time"}


def describe(way: str, limits: Limits, tools: bool) -> Confinement:
    """The strictest of what was asked for and of what this process itself was given (getrlimit(2)), and by what."""
    group, several = _group(), limits.processes > 1
    bound = several or way == "fork" or limits.gpus > 0
    processes = "count by the host" if several else "filter of system calls"
    memory, by = _strictest(limits.memory_bytes, resource.RLIMIT_AS, "address space of each process")
    outer = cgroup.outer_memory_bytes()
    if outer is not None and outer < memory:
        memory, by = outer, "the control group that Evolve is in, for all together"
    elif group and bound:
        whole = limits.memory_bytes + limits.file_bytes
        by += f"; {group}, {whole} for all of a program" if way != "fork" or several else f"; {group} for the server's"
    bounds: dict[str, tuple[float, str]] = {
        "wall_seconds": (limits.wall_seconds, "the host's clock"),
        "cpu_seconds": (limits.cpu_seconds, "the kernel's clock of the process, read by the host"),
        "memory_bytes": (memory, by),
        "file_bytes": _strictest(limits.file_bytes, resource.RLIMIT_FSIZE, "size of the private /tmp"),
        "processes": (limits.processes, f"{processes}, {group}" if group and several else processes),
        "output_bytes": (limits.output_bytes, "count by the host"),
        "reply_bytes": (limits.reply_bytes, "count by the host"),
    }
    details = {"kernel": f"{os.uname().release} {os.uname().machine}"}
    details |= {"tools": "the system's programs"} if tools else {}
    return Confinement("bubblewrap", STARTS[way], "process", bounds, details)


def _group() -> str:
    """The version of control groups where one can be made here, else nothing."""
    return "" if cgroup.unavailable() else place().version


def _strictest(asked: int, kind: int, by: str) -> tuple[float, str]:
    own = resource.getrlimit(kind)[1]
    if own == resource.RLIM_INFINITY or own >= asked:
        return asked, by
    return own, f"{by}; the host's own limit is stricter"
