"""One writer per run. A lease names its holder; a dead or silent holder has lost it."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from archive import bounds, schema
from archive.codec import packed
from archive.connect import Database
from archive.errors import reported
from evolve.core import clock
from evolve.core.errors import ArchiveError, UsageError

SILENT_SECONDS = 60.0
"""A holder on another machine that did not renew its lease for so long has lost it."""

# Owners of the archives that are open in this process: their leases are live though the process asks itself.
_open_here: set[str] = set()


def process_start(pid: int) -> str | None:
    """When a process started, in the kernel's ticks since boot; None where that can not be read.

    Together with the process id it names one process: ids are used again, starts are not.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # Field 22; the second field is the name in parentheses, which may hold blanks.
    return text.rpartition(")")[2].split()[19]


def _process_lives(pid: int, start: str | None) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return start is None or process_start(pid) in (None, start)


def is_live(row: Any) -> bool:
    """True where the process that leased a run (a row of `runs`) still holds it."""
    if row.lease_owner is None:
        return False
    if row.lease_host == platform.node():
        if row.lease_pid == os.getpid() and row.lease_start == process_start(os.getpid()):
            return row.lease_owner in _open_here
        return _process_lives(row.lease_pid, row.lease_start)
    age = datetime.fromisoformat(clock.utc_now()) - datetime.fromisoformat(row.lease_at)
    return age.total_seconds() < SILENT_SECONDS


def _lease(database: Database) -> dict[str, Any]:
    """The columns of a lease of this process."""
    _open_here.add(database.owner)
    return {
        "lease_owner": database.owner,
        "lease_host": platform.node(),
        "lease_pid": os.getpid(),
        "lease_start": process_start(os.getpid()),
        "lease_at": clock.utc_now(),
    }


def begin(database: Database, *, problem: str, problem_version: str, config: Mapping[str, Any], run_seed: int) -> str:
    """Insert a run, leased to this process, and give its id. Raises `UsageError` where `config` is not JSON."""
    try:
        text = packed(config)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the run's configuration can not be stored: {error}", "Use JSON values only.") from error
    now, run_id = clock.utc_now(), secrets.token_hex(4)
    problems, runs = schema.problems, schema.runs
    with bounds.alone(f"the run of {problem!r}"):
        bounds.check(
            runs, {"problem_version": problem_version, "problem": problem, "config": text, "run_seed": run_seed}
        )
    with reported(database.where), database.writing.begin() as connection:
        if connection.scalar(select(problems).where(problems.c.problem_version == problem_version)) is None:
            row = {"problem_version": problem_version, "problem": problem, "first_seen_at": now}
            connection.execute(schema.insert_or_ignore(connection.dialect.name, problems), row)
        ordinal = connection.scalar(select(func.coalesce(func.max(runs.c.ordinal), 0))) or 0
        connection.execute(
            insert(runs).values(
                run_id=run_id,
                ordinal=ordinal + 1,
                problem_version=problem_version,
                problem=problem,
                config=text,
                run_seed=run_seed,
                started_at=now,
                **_lease(database),
            )
        )
    return run_id


def take(database: Database, run_id: str) -> None:
    """Lease a run to this process. Raises `ArchiveError` where a live process holds it."""
    runs = schema.runs
    with reported(database.where), database.writing.begin() as connection:
        row = connection.execute(select(runs).where(runs.c.run_id == run_id).with_for_update()).one()
        if is_live(row):
            raise ArchiveError(
                f"run {run_id} in archive {database.where} is being written by process {row.lease_pid}"
                f" on {row.lease_host}",
                f"Wait until it ends, or end it there: kill {row.lease_pid}.",
            )
        taken = update(runs).where(runs.c.run_id == run_id)
        connection.execute(taken.values(ended_at=None, stop_reason=None, seconds=None, **_lease(database)))


def renew(connection: Connection, database: Database, run_id: str) -> None:
    """Show that the holder lives. Raises `ArchiveError` where another process has taken the run."""
    runs = schema.runs
    mine = (runs.c.run_id == run_id) & (runs.c.lease_owner == database.owner)
    if connection.execute(update(runs).where(mine).values(lease_at=clock.utc_now())).rowcount != 1:
        raise ArchiveError(
            f"run {run_id} in archive {database.where} was taken over by another process after"
            f" {SILENT_SECONDS:.0f} s without a sign of life",
            "Let that process go on; nothing that it was told is lost.",
        )


def give_back(database: Database) -> None:
    """Free every lease of this opening, and leave it at that where the database no longer answers."""
    if database.owner not in _open_here:
        return
    _open_here.discard(database.owner)
    runs = schema.runs
    free = update(runs).where(runs.c.lease_owner == database.owner).values(lease_owner=None)
    try:
        with reported(database.where), database.writing.begin() as connection:
            connection.execute(free)
    except ArchiveError:
        # A lease whose opening is gone counts as free (see `is_live`), so that nothing hangs on this.
        return
