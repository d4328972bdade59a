"""What a database says, turned into an `ArchiveError` that says what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from evolve.core.errors import ArchiveError

# SQLite's error name, or PostgreSQL's SQLSTATE, by its beginning: what happened, and the remedy.
_KNOWN: tuple[tuple[str, str, str], ...] = (
    ("SQLITE_NOTADB", "is not an SQLite database", "Name another file with --archive; this one was left as it is."),
    (
        "SQLITE_CORRUPT",
        "is damaged",
        "Copy FILE and FILE-wal away, then restore a backup or save what can be read: sqlite3 FILE .recover",
    ),
    (
        "SQLITE_BUSY",
        "is locked by another process",
        "Wait for that process or end it (`fuser FILE` names it), then resume the run.",
    ),
    ("SQLITE_LOCKED", "is locked by another process", "Wait for that process or end it, then resume the run."),
    ("SQLITE_FULL", "has no room left on its disk", "Free disk space, then resume the run; no earlier record is lost."),
    (
        "SQLITE_READONLY",
        "can not be written",
        "Make the file and its folder writable, or copy it to a folder that is.",
    ),
    ("SQLITE_PERM", "can not be written", "Make the file and its folder writable, or copy it to a folder that is."),
    (
        "SQLITE_CANTOPEN",
        "can not be opened",
        "Make its folder exist and be writable (SQLite keeps two files beside it).",
    ),
    ("SQLITE_IOERR", "failed at input or output", "Check the disk, and keep the archive off network folders."),
    ("SQLITE_TOOBIG", "was given a text too large for SQLite", "Bound the size of programs and feedback."),
    ("53100", "has no room left on its disk", "Free disk space on the server, then resume the run."),
    ("55P03", "is locked by another process", "Wait for that process or end it, then resume the run."),
    ("42501", "may not be written by this user", "Grant the user rights on the schema, or use another user."),
    ("25006", "can not be written", "Connect to the primary server, not to a read-only one."),
    ("SQLITE_CONSTRAINT", "refused a row", "Its rows refer to each other: commit a parent before its child."),
    ("23", "refused a row", "Its rows refer to each other: commit a parent before its child."),
)


def translate(error: Exception, where: str) -> ArchiveError:
    """The `ArchiveError` for what SQLAlchemy or its driver raised at the archive `where`."""
    if isinstance(error, ArchiveError):
        return error
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    text = " ".join(str(cause).split())
    for beginning, what, remedy in _KNOWN:
        if code.startswith(beginning):
            return ArchiveError(f"archive {where} {what} ({text})", remedy)
    if isinstance(error, DBAPIError):
        return ArchiveError(f"archive {where} failed: {text}", "Check that the database runs and can be reached.")
    return ArchiveError(f"archive {where} failed: {type(cause).__name__}: {text}", "Resume the run.")


@contextmanager
def reported(where: str) -> Iterator[None]:
    """Turn errors of the database inside the block into `ArchiveError`."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise translate(error, where) from error
