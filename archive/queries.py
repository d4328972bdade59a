"""Questions about runs and programs. Each takes a connection and gives frozen rows."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, Subquery, Table, and_, distinct, func, select

from archive import lease, reading, schema
from archive.codec import NOTHING_NEW
from archive.reading import AnyRow
from archive.rows import ProgramRow, RunRow, RunStatus, RunSummary
from archive.standing import standing
from evolve.core.errors import UsageError

_SHOWN = 8
"""The most ids that a message lists."""


def record_count(connection: Connection, run_id: str) -> int:
    """The number of a run's next record: records are numbered from 0 without gaps."""
    highest = select(func.max(schema.records.c.number)).where(schema.records.c.run_id == run_id)
    last = connection.scalar(highest)
    return 0 if last is None else int(last) + 1


def order(connection: Connection, run_id: str) -> array[int]:
    """See `Archive.order`."""
    record = schema.records.c
    rows = connection.execute(select(record.ticket_number).where(record.run_id == run_id).order_by(record.number))
    return array("q", rows.scalars())


def _status(row: AnyRow) -> RunStatus:
    if row.lease_owner is None and row.ended_at is not None:
        return RunStatus.ENDED
    return RunStatus.RUNNING if lease.is_live(row) else RunStatus.INTERRUPTED


def run(connection: Connection, name: str) -> RunRow:
    """See `Archive.run`."""
    table = schema.runs
    row = connection.execute(select(table).where(table.c.run_id == full_id(connection, name))).one()
    return _run_row(row)


def runs_of(connection: Connection, problem_version: str) -> list[RunRow]:
    """See `Archive.runs_of`."""
    table = schema.runs
    query = select(table).where(table.c.problem_version == problem_version).order_by(table.c.ordinal, table.c.run_id)
    return [_run_row(row) for row in connection.execute(query)]


def runs_of_problem(connection: Connection, problem: str) -> list[RunRow]:
    """See `Archive.runs_of_problem`."""
    table = schema.runs
    query = select(table).where(table.c.problem == problem).order_by(table.c.ordinal, table.c.run_id)
    return [_run_row(row) for row in connection.execute(query)]


def tagged(connection: Connection, key: str) -> list[RunRow]:
    """See `Archive.tagged`."""
    table = schema.runs
    query = select(table).where(table.c.config.contains(f'"{key}":', autoescape=True))
    rows = [_run_row(row) for row in connection.execute(query.order_by(table.c.ordinal, table.c.run_id))]
    return [row for row in rows if row.config.get(key) is not None]


def _run_row(row: AnyRow) -> RunRow:
    return RunRow(
        row.run_id,
        row.problem,
        row.problem_version,
        json.loads(row.config),
        row.run_seed,
        row.started_at,
        row.ended_at,
        row.stop_reason,
        row.seconds,
        _status(row),
    )


def full_id(connection: Connection, name: str) -> str:
    """The id of the run that `Archive.run` knows by this name. Raises `UsageError`."""
    ids, ordinal = schema.runs.c.run_id, schema.runs.c.ordinal
    if name == "last":
        last = connection.scalar(select(ids).order_by(ordinal.desc(), ids).limit(1))
        if last is None:
            raise UsageError("the archive holds no run yet", "Start one: evolve run PROBLEM.")
        return str(last)
    if connection.scalar(select(ids).where(ids == name)) is not None:
        return name  # by key, which a search for beginnings is not
    matches = connection.scalars(select(ids).where(ids.startswith(name, autoescape=True)).order_by(ordinal))
    found = [known for known in matches if known.startswith(name)] if name else []
    if len(found) != 1:
        raise _no_run(connection, name, found)
    return str(found[0])


def _no_run(connection: Connection, name: str, found: Sequence[str]) -> UsageError:
    """The error for a name that is no run's or more than one's."""
    if found:
        return UsageError(f"{len(found)} runs begin with {name!r}", f"Give more of the id: {_list(found)}.")
    known = list(connection.scalars(select(schema.runs.c.run_id).order_by(schema.runs.c.ordinal.desc())))
    return UsageError(f"no run {name!r} in the archive", _nearest(name, known, "run"))


def _nearest(name: str, known: Sequence[str], noun: str) -> str:
    if near := get_close_matches(name, known, n=3, cutoff=0.5):
        return f"Did you mean {' or '.join(near)}?"
    if known:
        return f"The latest: {_list(known)}."
    return f"The archive holds no {noun} yet. Start a run: evolve run PROBLEM."


def _list(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")


def runs(connection: Connection, problem: str | None = None) -> list[RunSummary]:
    """See `Archive.runs`."""
    table = schema.runs
    counts = _summed(schema.totals, "proposals", "programs", "evaluations")
    paid = _summed(schema.spendings, "replies", "prompt_tokens", "completion_tokens", "usd", "unpriced")
    columns = [column for found in (counts, paid) for column in found.c if column.name != "run_id"]
    query = (
        select(table, *columns)
        .outerjoin(counts, counts.c.run_id == table.c.run_id)
        .outerjoin(paid, paid.c.run_id == table.c.run_id)
        .order_by(table.c.ordinal, table.c.run_id)
    )
    changed = _sandbox_changes(connection)
    return [
        RunSummary(
            row.run_id,
            row.problem,
            row.started_at,
            row.ended_at,
            row.stop_reason,
            _status(row),
            int(row.proposals or 0),
            row.evaluations or 0.0,
            int(row.programs or 0),
            row.seconds if row.seconds is not None else _seconds_between(row.started_at, row.lease_at),
            tuple(filter(None, (json.loads(row.config).get("sandbox"), *changed.get(row.run_id, ())))),
            int(row.replies or 0),
            int(row.prompt_tokens or 0) + int(row.completion_tokens or 0),
            row.usd or 0.0,
            int(row.unpriced or 0),
        )
        for row in connection.execute(query if problem is None else query.where(table.c.problem == problem))
    ]


def _summed(table: Table, *names: str) -> Subquery:
    """These columns of a table that is kept up with the records, added up by run."""
    sums = (func.sum(table.c[name]).label(name) for name in names)
    return select(table.c.run_id, *sums).group_by(table.c.run_id).subquery()


def answered(connection: Connection, run_id: str) -> set[tuple[int, int]]:
    """Ticket and attempt of every reply of a run."""
    reply = schema.replies.c
    rows = connection.execute(select(reply.ticket_number, reply.attempt).where(reply.run_id == run_id))
    return {(row.ticket_number, row.attempt) for row in rows}


def _sandbox_changes(connection: Connection) -> dict[str, list[str]]:
    """By run, the sandboxes in which it went on, in the order of their events."""
    table = schema.events
    query = select(table.c.run_id, table.c.payload).where(table.c.kind == "sandbox").order_by(table.c.event_id)
    found: dict[str, list[str]] = {}
    for run_id, payload in connection.execute(query):
        said = json.loads(payload)
        # An event may come from another archive: what names no sandbox is none.
        if isinstance(said, dict) and isinstance(said.get("sandbox"), str):
            found.setdefault(run_id, []).append(said["sandbox"])
    return found


def _seconds_between(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def program(connection: Connection, name: str, run_id: str | None = None) -> ProgramRow:
    """See `Archive.program`."""
    program_id = _program_id(connection, name)
    record, run_table = schema.records, schema.runs
    query = (
        select(record.c.run_id, record.c.number, record.c.status)
        .join(run_table, run_table.c.run_id == record.c.run_id)
        .where(record.c.program_id == program_id)
        .order_by(run_table.c.ordinal.desc(), record.c.run_id, record.c.number)
    )
    rows: Sequence[AnyRow] = connection.execute(
        query if run_id is None else query.where(record.c.run_id == run_id)
    ).all()
    if not rows:
        raise UsageError(f"run {run_id} has no program {name!r}", "List its programs: evolve show RUN.")
    first_run = rows[0].run_id
    return _program_row(connection, program_id, [row for row in rows if row.run_id == first_run])


def _program_id(connection: Connection, name: str) -> str:
    """The id that `name` is or begins. Raises `UsageError`."""
    ids = schema.programs.c.program_id
    if name and connection.scalar(select(ids).where(ids == name)) is not None:
        return name
    query = select(ids).where(ids.startswith(name, autoescape=True)).order_by(ids).limit(100)
    found = [str(known) for known in connection.scalars(query) if known.startswith(name)] if name else []
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} programs begin with {name!r}", f"Give more of the id: {_list(found)}.")
    # Comparing a name with every program of a large archive would take minutes: with some of the last runs then.
    record, run_table = schema.records.c, schema.runs.c
    last = connection.scalars(select(run_table.run_id).order_by(run_table.ordinal.desc()).limit(5)).all()
    known: dict[str, None] = {}
    for run_id in last:
        ok = select(record.program_id).where(record.run_id == run_id, record.status == "ok")
        rows = connection.scalars(ok.order_by(record.number.desc()).limit(100))
        known |= dict.fromkeys(one for one in rows if one is not None)
    raise UsageError(f"no program {name!r} in the archive", _nearest(name, [*known], "program"))


def _program_row(connection: Connection, program_id: str, rows: Sequence[AnyRow]) -> ProgramRow:
    """The program from its records in one run, in order of number."""
    made = next((row for row in rows if row.status not in NOTHING_NEW), rows[0])
    # Of a program's many duplicates none has a say; its few measurements and what supersedes it have.
    said = [made, *(row for row in rows if row.number > made.number and row.status not in NOTHING_NEW)]
    words = [record for row in said for record in reading.records(connection, made.run_id, row.number, 1)]
    record = words[0]
    last = next((word for word in standing(words) if word.number == made.number), record)
    edge = schema.edges
    # SQLite would go through all edges of the run, if it were told of the run in a way that a key answers.
    in_run = (edge.c.run_id + "") == made.run_id
    children = select(func.count(distinct(edge.c.child_id))).where(
        and_(edge.c.parent_id == program_id, in_run, edge.c.role == "parent")
    )
    text = connection.scalar(select(schema.programs.c.source).where(schema.programs.c.program_id == program_id))
    return ProgramRow(
        program_id,
        record.skeleton_id,
        record.candidate.source if record.candidate else reading.source(text or ""),
        record.candidate.idea if record.candidate else "",
        made.run_id,
        made.number,
        last.verdict,
        record.ticket,
        last.promotion,
        record.ticket.parents,
        connection.scalar(children) or 0,
    )


def lineage(connection: Connection, program_id: str, run_id: str) -> list[ProgramRow]:
    """See `Archive.lineage`."""
    line = [program(connection, program_id, run_id)]
    seen = {line[0].program_id}
    while line[-1].parents and line[-1].parents[0] not in seen:
        seen.add(line[-1].parents[0])
        line.append(program(connection, line[-1].parents[0], run_id))
    return line[::-1]


def final_results(connection: Connection, run_id: str) -> dict[str, dict[str, float]]:
    """See `Archive.final_results`."""
    table = schema.final_openings
    rows = connection.execute(
        select(table.c.program_id, table.c.metrics)
        .where(table.c.run_id == run_id)
        .order_by(table.c.opened_at, table.c.opening, table.c.program_id)
    )
    return {program_id: reading.metrics(text) for program_id, text in rows}


def final_openings(connection: Connection, problem_version: str) -> int:
    """See `Archive.final_openings`."""
    table = schema.final_openings
    return connection.scalar(select(func.max(table.c.opening)).where(table.c.problem_version == problem_version)) or 0


def events(connection: Connection, run_id: str) -> list[tuple[str, dict[str, Any]]]:
    """See `Archive.events`."""
    table = schema.events
    query = select(table.c.kind, table.c.payload).where(table.c.run_id == run_id).order_by(table.c.event_id)
    return [(kind, json.loads(payload)) for kind, payload in connection.execute(query)]
