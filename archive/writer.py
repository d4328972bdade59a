"""The one thread that writes. Whatever queued up while a commit was under way becomes the next one.

A commit costs one fsync however many rows it holds, so under load groups grow by themselves and alone a
record waits for nothing but its own fsync. Nothing is delayed to gather company, which keeps the wait under
the 20 ms of the design wherever an fsync is.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

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


class Durable(Generic[T]):
    """What is queued to be written, as a future: `result` waits until it is durable, and so does `await`.

    All items of a transaction share its future. One each would be two dozen objects, and the collector would go through
    those of all that is queued.
    """

    __slots__ = ("_failure", "_value")

    def __init__(self, failure: Future[ArchiveError | None], value: T) -> None:
        self._failure, self._value = failure, value

    def result(self, timeout_seconds: float | None = None) -> T:
        """What was queued, once it is durable. Raises `ArchiveError` where it could not be, and TimeoutError."""
        return self._outcome(self._failure.result(timeout_seconds))

    def done(self) -> bool:
        """Whether it is durable, or never will be."""
        return self._failure.done()

    def exception(self, timeout_seconds: float | None = None) -> ArchiveError | None:
        """Why it is not durable; None once it is. Raises TimeoutError."""
        return self._failure.result(timeout_seconds)

    def add_done_callback(self, call: Callable[[Durable[T]], object]) -> None:
        """Call with this once it is done; on the writer's thread, unless it is done already."""
        self._failure.add_done_callback(lambda _: call(self))

    def __await__(self) -> Generator[Any, None, T]:
        return self._outcome((yield from asyncio.wrap_future(self._failure)))

    def _outcome(self, failure: ArchiveError | None) -> T:
        if failure is None:
            return self._value
        # Each has its own exception: one raised in several threads would grow its traceback.
        raise ArchiveError(failure.message, failure.remedy) from failure


class _Group:
    """What one transaction writes: rows, and the runs that end with it. `failure` is None once they are durable."""

    __slots__ = ("batch", "ends", "failure", "items")

    def __init__(self) -> None:
        self.batch = Batch()
        self.ends: list[str] = []
        self.items = 0
        self.failure: Future[ArchiveError | None] = Future()
        # A future that runs can not be cancelled: what is queued will be written.
        self.failure.set_running_or_notify_cancel()


class Writer:
    """Queue and thread. All methods may be called from any thread; items become durable in order of call.

    After a failed transaction its items and all later ones fail with `ArchiveError`: the archive never holds
    a record without those before it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._failure: ArchiveError | None = None
        self._leases: dict[str, float] = {}
        self._kept: Connection | None = None
        # The last one takes in what is put. Those before it are full.
        self._groups: deque[_Group] = deque()
        self._closed = False
        # Of the two above; notified when there is something to do.
        self._work_to_do = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="archive-writer", daemon=True)
        self._thread.start()

    def put(self, batch: Batch, value: T) -> Durable[T]:
        """Queue rows; the future gives `value`."""
        return self._put(batch, value)

    def end(self, run_id: str, batch: Batch) -> Durable[None]:
        """Queue the end of a run."""
        return self._put(batch, None, ends=run_id)

    def barrier(self) -> Durable[None]:
        """A future that is done when everything queued before it is durable."""
        return self._put(None, None)

    def keep_lease(self, run_id: str) -> None:
        """Renew the lease of a run from now on, until its end is written."""
        self._leases[run_id] = clock.monotonic_seconds()

    def close(self) -> None:
        """Write what is queued and end the thread. Later items fail."""
        with self._work_to_do:
            self._closed = True
            self._work_to_do.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _put(self, batch: Batch | None, value: T, ends: str | None = None) -> Durable[T]:
        with self._work_to_do:
            if self._closed:
                raise ArchiveError(f"archive {self._database.where} is closed", "Open it again with Archive.open.")
            if not self._groups or self._groups[-1].items == GROUP_ITEMS:
                self._groups.append(_Group())
            group = self._groups[-1]
            group.items += 1
            if batch is not None:
                group.batch.join(batch)
            if ends is not None:
                group.ends.append(ends)
            self._work_to_do.notify()
        return Durable(group.failure, value)

    def _work(self) -> None:
        while (group := self._next()) is not None:
            self._finish(group)
        if self._kept is not None:
            self._kept.close()

    def _next(self) -> _Group | None:
        """The next group; an empty one where none came for a while, None at the end."""
        with self._work_to_do:
            if not self._groups and not self._closed:
                self._work_to_do.wait(IDLE_RENEW_SECONDS)
            if self._groups:
                return self._groups.popleft()
            return None if self._closed else _Group()

    def _finish(self, group: _Group) -> None:
        """Write a group and say how that went. An empty group renews the leases of idle runs."""
        if self._failure is None:
            try:
                self._transact(group)
            except Exception as error:  # whatever it is, no later item may be written
                self._failure = translate(error, self._database.where)
        group.failure.set_result(self._failure)

    def _transact(self, group: _Group) -> None:
        now = clock.monotonic_seconds()
        due = [run_id for run_id, renewed in list(self._leases.items()) if now - renewed >= RENEW_SECONDS]
        if not due and not group.batch:
            return
        with self._transaction() as connection:
            self._renew(connection, due)
            write(connection, self._database.owner, group.batch)
        for run_id in due:
            self._leases[run_id] = now
        for run_id in group.ends:
            self._leases.pop(run_id, None)

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
