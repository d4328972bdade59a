"""What the kernel says of processes, read from /proc. A process that is gone has no answer, and is no error."""

from __future__ import annotations

import os
import re

from evolve.core.clock import process_cpu_seconds

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_STATUS = re.compile(rb"^(VmHWM|VmRSS|VmPeak|Threads|PPid):\s+(\d+)( kB)?", re.MULTILINE)
_HELD = re.compile(rb"^(Pss|Pss_Shmem):\s+(\d+) kB", re.MULTILINE)


def read(path: str) -> bytes:
    """The file, empty where it can not be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(65536)
    except OSError:
        return b""


def status(data: bytes) -> dict[str, int]:
    """The lines of proc_pid_status(5) that are asked for here; sizes in bytes."""
    return {name.decode(): int(value) * (1024 if unit else 1) for name, value, unit in _STATUS.findall(data)}


def tasks(pid: int) -> list[int]:
    """Identifiers of the threads of a process."""
    try:
        return [int(task) for task in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def children(pid: int) -> list[int]:
    """Identifiers of the processes that any thread of this one started, zombies included."""
    return [int(child) for task in tasks(pid) for child in read(f"/proc/{pid}/task/{task}/children").split()]


def cpu_or_none(pid: int) -> float | None:
    """Processor seconds of the process, all threads; None where it is gone."""
    try:
        return process_cpu_seconds(pid)
    except OSError:
        return None


def waited_seconds(pid: int) -> float:
    """Processor seconds of the children that the process has waited for: fields 16 and 17 of proc_pid_stat(5)."""
    fields = _stat(f"/proc/{pid}/stat")
    return (int(fields[13]) + int(fields[14])) / _TICKS_PER_SECOND if fields else 0.0


def sizes(pid: int, data: bytes | None = None) -> dict[str, int]:
    """`status` of a process, from `data` where that was read already; without sizes where its memory is gone.

    The first thread may end before the others. /proc/PID then shows a zombie without memory, and the sizes are those
    that any other thread shows.
    """
    found = status(read(f"/proc/{pid}/status") if data is None else data)
    if "VmRSS" not in found:
        for task in tasks(pid):
            other = status(read(f"/proc/{pid}/task/{task}/status"))
            if "VmRSS" in other:
                return {**other, **found}
    return found


def held_bytes(pid: int) -> tuple[int, int]:
    """Resident bytes of the process, those that it shares divided by their users, and its part of them in a tmpfs.

    Undivided where that is not told, with nothing in a tmpfs.
    """
    places = (f"/proc/{pid}", *(f"/proc/{pid}/task/{task}" for task in tasks(pid)))
    for place in places:
        found = {name: 1024 * int(value) for name, value in _HELD.findall(read(f"{place}/smaps_rollup"))}
        if found:
            return found[b"Pss"], found.get(b"Pss_Shmem", 0)
    return sizes(pid).get("VmRSS", 0), 0


def forget_peak(pid: int) -> None:
    """Makes the largest resident size of the process its present one, where it can (proc_pid_clear_refs(5))."""
    try:
        with open(f"/proc/{pid}/clear_refs", "wb", buffering=0) as file:
            file.write(b"5")
    except OSError:
        return


def sockets(pid: int) -> int:
    """Sockets in the network namespace of the process: the first line of its net/sockstat."""
    words = read(f"/proc/{pid}/net/sockstat").split()
    return int(words[2]) if len(words) > 2 else 0


def processor() -> int:
    """The number of the processor that the calling thread runs on, field 39; -1 where unknown."""
    fields = _stat("/proc/thread-self/stat")
    return int(fields[36]) if fields else -1


def _stat(path: str) -> list[bytes]:
    """Fields from the third on: the second, the name of the program, is the program's to choose."""
    return read(path).rpartition(b")")[2].split()
