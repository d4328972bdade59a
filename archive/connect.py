"""From a path or URL to an open, checked database: connections, their settings, and the schema's version."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, insert, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from archive import schema
from archive.errors import reported
from archive.migrations import migrate
from archive.mounts import network_type
from evolve.core.clock import monotonic_seconds
from evolve.core.errors import ArchiveError

_SQLITE_HEADER = b"SQLite format 3\0"
_POSTGRES = "postgresql+psycopg"


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. `where` names it without its password; `owner` marks the leases of this opening.

    `writing` begins transactions that hold SQLite's write lock from their start, so that none fails half way.
    """

    where: str
    reading: Engine
    writing: Engine
    owner: str = field(default_factory=lambda: secrets.token_hex(8))

    def close(self) -> None:
        """Close all connections."""
        self.reading.dispose()


def connect(where: str | Path, *, create: bool, busy_seconds: float) -> Database:
    """Open `where`, make what is missing if `create`, and check the schema; an older one is brought up to date.

    Raises `ArchiveError`.
    """
    url = _url(where)
    name, fresh = shown(where), False
    if url.get_backend_name() == "sqlite":
        check_place(Path(name))
        fresh = _check_file(Path(name), create=create)
    engine = _engine(url, name, busy_seconds)
    try:
        with reported(name):
            made = not fresh and _has_tables(engine, name, create=create)
            _settle(engine, busy_seconds)
            if not made:
                _make_tables(engine)
                _has_tables(engine, name, create=False)
            migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Database(name, engine, engine.execution_options(evolve_write=True))


def shown(where: str | Path) -> str:
    """A place for people to read: without its password."""
    url = _url(where)
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _url(where: str | Path) -> URL:
    """The URL with its driver. A text without `://` is a path."""
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite+pysqlite", database=str(Path(where).expanduser().absolute()))
    known = "Give a path, sqlite:///FILE or postgresql://USER@HOST/NAME."
    try:
        url = make_url(where)
    except (ArgumentError, ValueError) as error:
        raise ArchiveError(f"archive {where.split('://')[0]}://...: not a URL", known) from error
    scheme = url.drivername.split("+")[0]
    if scheme == "sqlite":
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise ArchiveError(f"archive {where}: names no file", known)
        return URL.create("sqlite+pysqlite", database=str(Path(url.database).expanduser().absolute()))
    if scheme in ("postgresql", "postgres"):
        return url.set(drivername=_POSTGRES)
    raise ArchiveError(f"archive {scheme}://...: no archive is kept in {scheme!r}", known)


def check_place(path: Path) -> None:
    """Raise `ArchiveError` where a file lies, or would lie, on a network file system."""
    if (kind := network_type(path)) is not None:
        raise ArchiveError(
            f"archive {path} lies on a network file system ({kind}), where SQLite can lose records",
            "Keep it on a disk of this machine: --archive PATH, or export EVOLVE_ARCHIVE=PATH; for one archive of many"
            " machines take PostgreSQL: --archive postgresql://USER@HOST/NAME.",
        )


def _check_file(path: Path, *, create: bool) -> bool:
    """Refuse what is not an SQLite file without touching it; make the folders of a new one. True for a new one."""
    try:
        if path.is_dir():
            raise ArchiveError(f"archive {path} is a folder", f"Name a file in it, such as {path / 'archive.db'}.")
        if not path.exists():
            if not create:
                raise ArchiveError(f"there is no archive at {path}", "Start a run, or name another with --archive.")
            path.parent.mkdir(parents=True, exist_ok=True)
            return True
        with path.open("rb") as file:
            start = file.read(len(_SQLITE_HEADER))
    except OSError as error:
        raise ArchiveError(
            f"archive {path} can not be opened ({error.strerror})",
            "Make its folder exist and be writable, or name another with --archive.",
        ) from error
    if start and start != _SQLITE_HEADER:
        raise ArchiveError(
            f"archive {path} is not an SQLite database", "Name another file with --archive; this one was left as it is."
        )
    return not start


def _engine(url: URL, name: str, busy_seconds: float) -> Engine:
    """An engine whose transactions begin and whose connections are set as the archive needs them."""
    if url.get_backend_name() == "sqlite":
        # The driver must not begin transactions by itself: it would begin without the write lock.
        engine = sqlalchemy.create_engine(url, connect_args={"isolation_level": None, "timeout": busy_seconds})
        event.listen(engine, "connect", _set_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return sqlalchemy.create_engine(url, connect_args={"connect_timeout": 10}, pool_pre_ping=True)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise ArchiveError(
            f"archive {name}: the PostgreSQL driver is not installed ({error})",
            'Install it: pip install "psycopg[binary]".',
        ) from error


def _set_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # The log is worked into the file every 16,000 pages (64 MiB): by then a page of an index has changed many times.
    cursor.execute("PRAGMA wal_autocheckpoint=16000")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("evolve_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _settle(engine: Engine, busy_seconds: float) -> None:
    """Give an SQLite file its write-ahead log. Done once the file is known for ours: it changes the header.

    SQLite does not wait for others that change the journal at this moment, whatever its time-out says.
    """
    if engine.dialect.name != "sqlite":
        return
    deadline = monotonic_seconds() + busy_seconds
    pause = threading.Event()
    raw = engine.raw_connection()
    try:
        while True:
            try:
                raw.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError:
                if monotonic_seconds() > deadline:
                    raise
                pause.wait(0.05)
    finally:
        raw.close()


def _has_tables(engine: Engine, name: str, *, create: bool) -> bool:
    """False for an empty database that may become an archive.

    Raises `ArchiveError` for one that is something else, or an archive of a schema that this program does not know.
    """
    with engine.connect() as connection:
        tables = set(sqlalchemy.inspect(connection).get_table_names())
        ours = {table.name for table in schema.metadata.sorted_tables}
        empty = not tables if engine.dialect.name == "sqlite" else not tables & ours
        if empty and create:
            return False
        stored = None
        if schema.meta.name in tables:
            stored = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == "schema_version"))
    if stored is None:
        raise ArchiveError(
            f"{name} is a database, but not an archive of Evolve", "Name another with --archive; it was left as it is."
        )
    if not stored.isdigit() or int(stored) > schema.VERSION:
        raise ArchiveError(
            f"archive {name} has schema version {stored}; this program knows versions up to {schema.VERSION}",
            "Upgrade Evolve, or name another archive with --archive.",
        )
    return True


def _make_tables(engine: Engine) -> None:
    """Make missing tables in one transaction. Two processes may do so at once: the later finds them made."""
    for last in (False, True):
        try:
            with engine.execution_options(evolve_write=True).begin() as connection:
                schema.metadata.create_all(connection)
                known = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == "schema_version"))
                if known is None:
                    connection.execute(insert(schema.meta).values(key="schema_version", value=str(schema.VERSION)))
            return
        except DBAPIError:
            # PostgreSQL checks names at the end of the other's transaction; once that is done, all is there.
            if last or engine.dialect.name == "sqlite":
                raise
