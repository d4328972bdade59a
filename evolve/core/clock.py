"""The only place that reads time. Deadlines use the monotonic clock, dates the wall clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path


def monotonic_seconds() -> float:
    """Seconds from an arbitrary start; never runs backwards."""
    return time.monotonic()


def cpu_seconds() -> float:
    """Processor seconds used by this process."""
    return time.process_time()


def thread_cpu_seconds() -> float:
    """Processor seconds used by the calling thread."""
    return time.thread_time()


def process_cpu_seconds(pid: int) -> float:
    """Processor seconds used by another process, all its threads included, by the kernel's clock of that process.

    The identifier of that clock is what clock_getcpuclockid(3) gives on Linux: the complement of the process
    identifier, shifted by three, with 2 for the scheduler's count. Nanoseconds; any process may be asked for.
    Raises OSError where there is no such process.
    """
    return time.clock_gettime((~pid << 3) | 2)


def utc_now() -> str:
    """The date and time in ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def file_age_seconds(path: Path) -> float:
    """Seconds since a file was changed, or said to be, by the wall clock. Raises OSError where it is gone."""
    return time.time() - path.stat().st_mtime
