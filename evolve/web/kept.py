"""What is dear to make of a run, kept while the run stands still, and for a while when it goes on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

from archive.store import Archive
from evolve.core.clock import monotonic_seconds

Made = TypeVar("Made")
SHARE = 4.0
"""What took a second is good for so many seconds: so readers of a run that goes on take up a fifth of one core."""


class Kept(Generic[Made]):
    """Makes values of runs with `make`, and keeps those of the `most` runs that were asked for last.

    Thread-safe; one value is made at a time, and whoever asks meanwhile waits for it.
    """

    def __init__(self, archive: Archive, make: Callable[..., Made], most: int) -> None:
        self._archive = archive
        self._make = make
        self._most = most
        self._lock = Lock()
        self._values: OrderedDict[str, tuple[int, float, float, Made]] = OrderedDict()

    def of(self, run_id: str, *arguments: Any) -> Made:
        """The value of a run, by its full id; `arguments` are for `make`, behind the run's id."""
        records = sum(self._archive.statuses(run_id).values())
        with self._lock:
            begin = monotonic_seconds()
            if run_id in self._values:
                self._values.move_to_end(run_id)
                old_records, made_at, took, value = self._values[run_id]
                if old_records == records or begin - made_at < SHARE * took:
                    return value
            value = self._make(run_id, *arguments)
            end = monotonic_seconds()
            self._values[run_id] = records, end, end - begin, value
            self._values.move_to_end(run_id)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
            return value
