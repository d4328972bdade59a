"""The one thread that writes. Whatever queued up while a commit was under way becomes the next one.

A commit costs one fsync however many rows it holds, so under load groups grow by themselves and alone a
record waits for nothing but its own fsync. Nothing is delayed to gather company, which keeps the wait under
the 20 ms of the design wherever an fsync is.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from archive import lease
from archive.batch import Batch, write
from archive.connect import Database
from archive.errors import translate
from evolve.core import clock
from evolve.core.errors import ArchiveError
from evolve.core.types import Record, Ticket

GROUP_ITEMS = 256
"""The most items of one transaction."""
RENEW_SECONDS = 5.0
"""A lease is renewed with the first commit after so long."""
IDLE_RENEW_SECONDS = 15.0
"""Without commits leases are renewed this often; well within `lease.SILENT_SECONDS`."""


@dataclass(slots=True, eq=False)
class Item:
    """Something to write, and the future that reports it. `value` is what the future gives."""

    kind: str
    run_id: str
    content: Any
    value: Any = None
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Queue and thread. All methods may be called from any thread; items become durable in order of call.

    After a failed transaction its items and all later ones fail with `ArchiveError`: the archive never holds
    a record without those before it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._failure: ArchiveError | None = None
        self._leases: dict[str, float] = {}
        self._closed = False
        # Held while putting, so that nothing can be queued behind the end of the queue.
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="archive-writer", daemon=True)
        self._thread.start()

    def ticket(self, run_id: str, ticket: Ticket) -> Future[None]:
        """Queue a ticket."""
        return self._put(Item("ticket", run_id, ticket))

    def record(self, run_id: str, record: Record) -> Future[Record]:
        """Queue a record; the future gives it back."""
        return self._put(Item("record", run_id, record, record))

    def event(self, run_id: str, kind: str, payload: Mapping[str, Any]) -> Future[None]:
        """Queue an event."""
        return self._put(Item("event", run_id, (kind, payload)))

    def final(self, run_id: str, problem_version: str, results: Mapping[str, Mapping[str, float]]) -> Future[None]:
        """Queue an opening of the final set."""
        return self._put(Item("final", run_id, (problem_version, results)))

    def end(self, run_id: str, stop_reason: str, seconds: float) -> Future[None]:
        """Queue the end of a run."""
        return self._put(Item("end", run_id, (stop_reason, seconds)))

    def barrier(self) -> Future[None]:
        """A future that is done when everything queued before it is durable."""
        return self._put(Item("barrier", "", None))

    def keep_lease(self, run_id: str) -> None:
        """Renew the lease of a run from now on, until its end is written."""
        self._leases[run_id] = clock.monotonic_seconds()

    def close(self) -> None:
        """Write what is queued and end the thread. Later items fail."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _put(self, item: Item) -> Future[Any]:
        # A future that runs can not be cancelled: what is queued will be written.
        item.future.set_running_or_notify_cancel()
        with self._lock:
            if self._closed:
                raise ArchiveError(f"archive {self._database.where} is closed", "Open it again with Archive.open.")
            self._queue.put(item)
        return item.future

    def _work(self) -> None:
        group: list[Item] = []
        while group or not self._closed or not self._queue.empty():
            try:
                item = self._queue.get_nowait() if group else self._queue.get(timeout=IDLE_RENEW_SECONDS)
            except queue.Empty:
                item = None
            if item is not None:
                group.append(item)
            if item is None or len(group) == GROUP_ITEMS:
                self._finish(group)
                group = []

    def _finish(self, group: list[Item]) -> None:
        """Write a group and report to its futures, in order. An empty group renews the leases of idle runs."""
        if self._failure is None:
            try:
                self._transact(group)
            except Exception as error:  # whatever it is, no later item may be written
                self._failure = translate(error, self._database.where)
        for item in group:
            if self._failure is None:
                item.future.set_result(item.value)
            else:
                # Each future has its own exception: one raised in several threads would grow its traceback.
                failure = ArchiveError(self._failure.message, self._failure.remedy)
                failure.__cause__ = self._failure
                item.future.set_exception(failure)

    def _transact(self, group: list[Item]) -> None:
        now = clock.monotonic_seconds()
        due = [run_id for run_id, renewed in list(self._leases.items()) if now - renewed >= RENEW_SECONDS]
        if not due and all(item.kind == "barrier" for item in group):
            return
        batch = Batch(self._database)
        for item in group:
            batch.add(item.kind, item.run_id, item.content)
        with self._database.writing.begin() as connection:
            self._renew(connection, due)
            write(connection, batch)
        for run_id in due:
            self._leases[run_id] = now
        for item in group:
            if item.kind == "end":
                self._leases.pop(item.run_id, None)

    def _renew(self, connection: Connection, due: list[str]) -> None:
        for run_id in due:
            lease.renew(connection, self._database, run_id)
