"""The one thread that writes. Whatever queued up while a commit was under way becomes the next one.

A commit costs one fsync however many rows it holds, so under load groups grow by themselves and alone a
record waits for nothing but its own fsync. Nothing is delayed to gather company, which keeps the wait under
the 20 ms of the design wherever an fsync is.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from archive import lease
from archive.batch import Batch, write
from archive.connect import Database
from archive.errors import translate
from evolve.core import clock
from evolve.core.errors import ArchiveError

T = TypeVar("T")

GROUP_ITEMS = 2048
"""The most items of one transaction: 1,024 records, each with its ticket."""
CACHE_KIBIBYTES = 128 * 1024
"""Pages that the writer of an SQLite file keeps in memory at most."""
RENEW_SECONDS = 5.0
"""A lease is renewed with the first commit after so long."""
IDLE_RENEW_SECONDS = 15.0
"""Without commits leases are renewed this often; well within `lease.SILENT_SECONDS`."""


@dataclass(slots=True, eq=False)
class Item:
    """Rows to write, and the future that reports them. `value` is what the future gives, `ends` the run that ends."""

    batch: Batch | None
    value: Any = None
    ends: str | None = None
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
        self._kept: Connection | None = None
        # Held while putting, so that nothing can be queued behind the end of the queue.
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="archive-writer", daemon=True)
        self._thread.start()

    def put(self, batch: Batch, value: T) -> Future[T]:
        """Queue rows; the future gives `value`."""
        return self._put(Item(batch, value))

    def end(self, run_id: str, batch: Batch) -> Future[None]:
        """Queue the end of a run."""
        return self._put(Item(batch, ends=run_id))

    def barrier(self) -> Future[None]:
        """A future that is done when everything queued before it is durable."""
        return self._put(Item(None))

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
        if self._kept is not None:
            self._kept.close()

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
        batches = [item.batch for item in group if item.batch is not None]
        if not due and not batches:
            return
        whole = Batch()
        for batch in batches:
            whole.join(batch)
        with self._transaction() as connection:
            self._renew(connection, due)
            write(connection, self._database.owner, whole)
        for run_id in due:
            self._leases[run_id] = now
        for item in group:
            if item.ends is not None:
                self._leases.pop(item.ends, None)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction. SQLite's connection is kept for the next one: taking one anew costs more than a small write.

        A server may have gone and come back since the last one, so that its connections are asked for anew.
        """
        writing = self._database.writing
        if writing.dialect.name != "sqlite":
            with writing.begin() as connection:
                yield connection
            return
        if self._kept is None:
            self._kept = writing.connect()
            # Ids have no order, so that each record touches pages all over the indexes: of a million records these take
            # 300 MB, and with SQLite's usual 2 MB nearly each page would be asked for again.
            self._kept.connection.cursor().execute(f"PRAGMA cache_size=-{CACHE_KIBIBYTES}")
        with self._kept.begin():
            yield self._kept

    def _renew(self, connection: Connection, due: list[str]) -> None:
        for run_id in due:
            lease.renew(connection, self._database, run_id)
