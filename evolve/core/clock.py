"""The only place that reads time. Deadlines use the monotonic clock, dates the wall clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def monotonic_seconds() -> float:
    """Seconds from an arbitrary start; never runs backwards."""
    return time.monotonic()


def cpu_seconds() -> float:
    """Processor seconds used by this process."""
    return time.process_time()


def utc_now() -> str:
    """The date and time in ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
