"""Whole archives: checked, written to a file and read from one, put together, and copied to another database.

Each takes places (a path or an SQLAlchemy URL) and leaves what it reads from as it is. What is written is written in
one transaction: all of it or nothing. While it is written to an SQLite file nobody else can write there, so that it is
refused where a run is going on.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select

from archive import contents, integrity, lease, merging, portable, schema, totals
from archive.connect import Database, connect, shown
from archive.contents import Address, Progress, Row
from archive.errors import reported
from archive.integrity import Finding
from archive.merging import Merged
from evolve.core.errors import ArchiveError, UsageError

BUSY_SECONDS = 5.0
"""How long a write waits for another process."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an archive holds: `where` it is, and how many of each."""

    where: str
    runs: int
    records: int
    programs: int

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"archive": self.where, "runs": self.runs, "records": self.records, "programs": self.programs}


def check(where: str | Path, progress: Progress, address: Address | None = None) -> tuple[Held, list[Finding]]:
    """What an archive holds, and all that is wrong with it: see `archive.integrity`. Raises `ArchiveError`."""
    with _reading(where) as (database, connection):
        found = integrity.findings(connection, progress, address)
        damaged = any(one.check == "file" for one in found)
        return Held(database.where, 0, 0, 0) if damaged else _held(database, connection), found


def export(where: str | Path, path: Path, progress: Progress) -> Held:
    """Write an archive, as it is now, to a file. Raises `ArchiveError`."""
    with _reading(where) as (database, connection):
        portable.write(connection, path, progress)
        return _held(database, connection)


def bring_in(path: Path, where: str | Path, progress: Progress, address: Address | None = None) -> Merged:
    """Put the runs of a file into an archive, which is made if it is missing.

    The file is read twice: it is known for whole before the archive is opened. `address` recomputes the ids of its
    programs; without it they are believed. Raises `ArchiveError` for a file that is
    not whole or not sound, and where a run in it differs from the one of the archive; that stays as it was then.
    """
    total = 0
    for table, rows in portable.read(path):
        total += len(rows)
        progress(f"reading {table.name}", total, total)
    return _put(where, portable.read(path), str(path), total, progress, address)


def merge(source: str | Path, where: str | Path, progress: Progress, address: Address | None = None) -> Merged:
    """Put the runs of one archive into another. Raises as `bring_in` does."""
    with _reading(source) as (database, connection):
        _refuse_same(database, where)
        return _put(where, _rows(connection), database.where, contents.count(connection), progress, address)


def copy(source: str | Path, target: str | Path, progress: Progress) -> Merged:
    """Put an archive into another database that holds no run yet. Raises as `bring_in` does, and `UsageError`."""
    with _reading(source) as (database, connection):
        _refuse_same(database, target)
        other = connect(target, create=True, busy_seconds=BUSY_SECONDS)
        try:
            with reported(other.where), other.reading.connect() as looking:
                if looking.scalar(select(func.count()).select_from(schema.runs)):
                    raise UsageError(
                        f"archive {other.where} holds runs already",
                        f"Put the other's runs beside them: evolve archive merge {database.where} --archive THERE",
                    )
        finally:
            other.close()
        return _put(target, _rows(connection), database.where, contents.count(connection), progress)


def _rows(connection: Connection) -> Generator[tuple[Table, list[Row]], None, None]:
    for table in contents.tables():
        with closing(contents.blocks(connection, table)) as blocks:
            for rows in blocks:
                yield table, rows


def _put(
    where: str | Path,
    given: Generator[tuple[Table, list[Row]], None, None],
    source: str,
    total: int,
    progress: Progress,
    address: Address | None = None,
) -> Merged:
    """Merge rows into an archive, look whether what came is sound, and only then let it stand."""
    database = connect(where, create=True, busy_seconds=BUSY_SECONDS)
    try:
        with reported(database.where), closing(given), database.writing.begin() as connection:
            _refuse_live(database, connection)
            merged = merging.merge(connection, given, source, total, progress, address)
            with closing(integrity.of_new(connection, merged.new, progress)) as wrong:
                if (found := next(wrong, None)) is not None:
                    raise ArchiveError(
                        f"{source} can not be taken in: {found.where}: {found.says}",
                        "Nothing was changed. What else is wrong with it: evolve archive check --archive THERE",
                    )
            for run_id in merged.new:
                progress("totals", 0, 0)
                totals.rebuild(connection, run_id)
        return merged
    finally:
        database.close()


@contextmanager
def _reading(where: str | Path) -> Iterator[tuple[Database, Connection]]:
    """An archive and a connection that sees it as it is now, whatever is written meanwhile."""
    database = connect(where, create=False, busy_seconds=BUSY_SECONDS)
    try:
        with reported(database.where), database.reading.connect() as connection:
            if connection.dialect.name != "sqlite":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield database, connection
    finally:
        database.close()


def _held(database: Database, connection: Connection) -> Held:
    counts = (
        connection.scalar(select(func.count()).select_from(table)) or 0
        for table in (schema.runs, schema.records, schema.programs)
    )
    return Held(database.where, *counts)


def _refuse_same(database: Database, target: str | Path) -> None:
    here, there = database.where, shown(target)
    same = here == there or ("://" not in here + there and Path(there).exists() and Path(here).samefile(there))
    if same:
        raise UsageError(f"archive {database.where} is both source and target", "Name two archives.")


def _refuse_live(database: Database, connection: Connection) -> None:
    """A long transaction would stop the runs of an SQLite file; a server's rows are written side by side."""
    if connection.dialect.name != "sqlite":
        return
    for row in connection.execute(select(schema.runs).where(schema.runs.c.lease_owner.is_not(None))):
        if lease.is_live(row):
            raise ArchiveError(
                f"run {row.run_id} in archive {database.where} is being written by process {row.lease_pid}"
                f" on {row.lease_host}, and would have to wait",
                f"Wait until it ends, or end it there: kill {row.lease_pid}.",
            )
