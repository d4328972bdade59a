"""How quickly a run came on: with which record it had taken how long.

Records themselves keep no time, as the course of a run depends on none. So this is said beside them, now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

PACE_EVENT = "pace"
"""The event of a run's archive that holds a record's number and the seconds of search until then, breaks left out."""
LEAST_SECONDS, SHARE = 1.0, 0.01
"""Not said more often than this; and no sooner than after so large a part of the run, so that a day has 1,000."""


class Pace:
    """Says it at the run's first record, at improvements, and every few seconds."""

    def __init__(self, first: int, earlier_seconds: float, say: Callable[[Mapping[str, Any]], None]) -> None:
        """Records before number `first` were told in earlier sittings, which took `earlier_seconds`."""
        self._first = first
        self._earlier = earlier_seconds
        self._say = say
        self._said = -LEAST_SECONDS

    def told(self, number: int, seconds: float, improved: bool) -> None:
        """A record was told, `seconds` after this sitting began."""
        if number < self._first:
            return
        whole = self._earlier + seconds
        pause = max(LEAST_SECONDS if improved else 5.0 * LEAST_SECONDS, SHARE * whole)
        if number == self._first or whole - self._said >= pause:
            self._said = whole
            self._say({"record": number, "seconds": round(whole, 3)})


def seconds_at(events: Sequence[tuple[str, Mapping[str, Any]]], numbers: Sequence[int]) -> list[float]:
    """Seconds with each of these records, between what was said in proportion; empty where nothing was said.

    What is no pair of numbers, as events of an imported archive may be, says nothing.
    """
    import numpy as np

    said = [pair for kind, one in events if kind == PACE_EVENT and (pair := _pair(one)) is not None]
    if not said:
        return []
    records, seconds = zip(*sorted(said), strict=True)
    return [float(one) for one in np.interp(numbers, records, np.maximum.accumulate(seconds))]


def _pair(payload: object) -> tuple[float, float] | None:
    if not isinstance(payload, Mapping):
        return None
    record, seconds = payload.get("record"), payload.get("seconds")
    if isinstance(record, int | float) and isinstance(seconds, int | float) and abs(seconds) < float("inf"):
        return record, seconds
    return None
