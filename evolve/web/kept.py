"""What is dear to make of a run, kept while the run stands still, and for a while when it goes on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import BoundedSemaphore, Lock
from typing import Generic, TypeVar

from archive.rows import RunRow
from archive.store import Archive
from evolve.core.clock import monotonic_seconds
from evolve.core.errors import ArchiveError

Made = TypeVar("Made")
Stamp = tuple[int, str | None]
SHARE = 4.0
"""What took a second is good for so many seconds: so readers of a run that goes on take up a fifth of one core."""
MOST_WAITING = 8


class Kept(Generic[Made]):
    """Makes values of runs with `make`, and keeps those of the `most` runs that were made last.

    Thread-safe. One value is made at a time; a few may wait for theirs, and who comes then is told to come again: the
    threads of the application are for everybody.
    """

    def __init__(self, archive: Archive, make: Callable[[RunRow], Made], most: int) -> None:
        self._archive = archive
        self._make = make
        self._most = most
        self._making = Lock()
        self._queue = BoundedSemaphore(MOST_WAITING)
        self._values: OrderedDict[str, tuple[Stamp, float, float, Made]] = OrderedDict()

    def of(self, run: RunRow) -> Made:
        """The value of a run. Raises ArchiveError where too many wait."""
        stamp = sum(self._archive.statuses(run.id).values()), run.ended_at
        if (found := self._fresh(run.id, stamp)) is not None:
            return found[0]
        if not self._queue.acquire(blocking=False):
            raise ArchiveError("this run is being read for others", "Try again in a moment.")
        try:
            with self._making:
                found = self._fresh(run.id, stamp) or (self._made(run, stamp),)
                return found[0]
        finally:
            self._queue.release()

    def _fresh(self, run_id: str, stamp: Stamp) -> tuple[Made] | None:
        kept = self._values.get(run_id)
        if kept is None:
            return None
        known, made_at, took, value = kept
        return (value,) if known == stamp or monotonic_seconds() - made_at < SHARE * took else None

    def _made(self, run: RunRow, stamp: Stamp) -> Made:
        begin = monotonic_seconds()
        value = self._make(run)
        end = monotonic_seconds()
        self._values[run.id] = stamp, end, end - begin, value
        self._values.move_to_end(run.id)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
        return value
