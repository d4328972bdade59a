"""Questions of pages that show an archive: each is answered by a key or an index, however large the archive is.

Each takes a connection and gives frozen rows; `tree` alone reads a whole run, and of that no texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, func, select, true

from archive import codec, reading, schema
from archive.equivalence import Kind
from archive.rows import STATUSES, Equivalent, FinalRow, Improvement, ProgramLine, Pulse, Spending, Tree
from evolve.core.types import Status

_NOTHING_NEW = tuple(status.value for status in codec.NOTHING_NEW)
_SCORED = tuple(status.value for status in Status if status.scored)
_PLACES = {status.value: place for place, status in enumerate(STATUSES)}
_SAME = tuple(kind.value for kind in Kind if kind not in (Kind.AGAIN, Kind.REFUTED))
"""Of the kinds of rows that give keys, those whose keys are the program's and were not retired."""


def statuses(connection: Connection, run_id: str) -> dict[Status, int]:
    """See `Archive.statuses`."""
    total = schema.totals.c
    query = select(total.status, total.records).where(total.run_id == run_id)
    found = {row.status: row.records for row in connection.execute(query)}
    return {status: found[status.value] for status in STATUSES if status.value in found}


def improvements(connection: Connection, run_id: str) -> list[Improvement]:
    """See `Archive.improvements`."""
    one = schema.improvements.c
    query = select(one.number, one.program_id, one.evaluations, one.value).where(one.run_id == run_id)
    return [Improvement(*row) for row in connection.execute(query.order_by(one.number))]


def spent(connection: Connection, run_id: str, number: int) -> float:
    """See `Archive.spent`."""
    record, one = schema.records.c, schema.improvements.c
    before = select(one.number, one.evaluations).where(one.run_id == run_id, one.number <= number)
    last = connection.execute(before.where(one.evaluations.is_not(None)).order_by(one.number.desc()).limit(1)).first()
    since, charged = (-1, 0.0) if last is None else last
    more = select(func.coalesce(func.sum(record.evaluations), 0.0))
    return charged + float(
        connection.scalar(more.where(record.run_id == run_id, record.number > since, record.number <= number)) or 0.0
    )


def spendings(connection: Connection, run_id: str) -> dict[str, Spending]:
    """See `Archive.spendings`."""
    table = schema.spendings
    query = select(table).where(table.c.run_id == run_id).order_by(table.c.model)
    return {model: Spending(*sums) for _, model, *sums in connection.execute(query)}


def pulse(connection: Connection) -> Pulse:
    """See `Archive.pulse`."""
    run, total = schema.runs.c, schema.totals.c
    is_over = run.lease_owner.is_(None) & run.ended_at.is_not(None)
    live = (
        select(run.run_id, func.coalesce(func.sum(total.records), 0))
        .outerjoin(schema.totals, total.run_id == run.run_id)
        .where(~is_over)
        .group_by(run.run_id)
    )
    found = {run_id: int(records) for run_id, records in connection.execute(live)}
    runs, last_end = connection.execute(select(func.count(), func.max(run.ended_at)).select_from(schema.runs)).one()
    records = connection.scalar(select(func.sum(total.records))) or 0
    replies = connection.scalar(select(func.sum(schema.spendings.c.replies))) or 0
    finals = connection.scalar(select(func.count()).select_from(schema.final_openings)) or 0
    event = connection.scalar(select(func.max(schema.events.c.event_id))) or 0
    return Pulse(runs, runs - len(found), last_end, int(records), int(replies), finals, event, found)


def finals(connection: Connection, problem: str, run_id: str | None = None) -> list[FinalRow]:
    """See `Archive.finals`."""
    table, version = schema.final_openings.c, schema.problems.c
    names = (table.problem_version, table.opening, table.run_id, table.program_id, table.metrics, table.opened_at)
    query = (
        select(*names)
        .join(schema.problems, version.problem_version == table.problem_version)
        .where(version.problem == problem, true() if run_id is None else table.run_id == run_id)
        .order_by(version.first_seen_at, table.problem_version, table.opening, table.program_id)
    )
    return [
        FinalRow(version, opening, run_id, program_id, reading.metrics(metrics), opened_at)
        for version, opening, run_id, program_id, metrics, opened_at in connection.execute(query)
    ]


def programs_of(connection: Connection, run_id: str, first: int, count: int) -> list[ProgramLine]:
    """See `Archive.programs_of`."""
    record, ticket = schema.records.c, schema.tickets.c
    query = (
        select(
            record.number,
            record.program_id,
            record.status,
            record.value,
            record.metrics,
            record.idea,
            ticket.operator,
            ticket.model,
            ticket.parents,
        )
        .join(schema.tickets, (ticket.run_id == record.run_id) & (ticket.number == record.ticket_number))
        .where(record.run_id == run_id, record.number >= first, *_brings(), ticket.kind == "expand")
        .order_by(record.number)
        .limit(count)
    )
    rows = connection.execute(query).all()
    last = _last_words(connection, run_id, {row.program_id for row in rows})
    return [
        ProgramLine(
            number,
            program_id,
            *_verdict(*last.get(program_id, (status, value, metrics))),
            reading.unpacked_text(idea) if idea else "",
            operator,
            model,
            reading.unpacked_texts(parents),
        )
        for number, program_id, status, value, metrics, idea, operator, model, parents in rows
    ]


def tree(connection: Connection, run_id: str) -> Tree:
    """See `Archive.tree`."""
    record, edge = schema.records.c, schema.edges.c
    columns = (record.number, record.program_id, record.status, record.value, record.outcome, record.evaluations)
    nodes = select(*columns).where(record.run_id == run_id, *_brings()).order_by(record.number)
    places: dict[str, int] = {}
    rows: list[tuple[Any, ...]] = []
    for row in _fetched(connection, nodes):
        # A measurement of a program comes after the record that brought it.
        if places.setdefault(row[1], len(rows)) == len(rows):
            rows.append(row)
    above = select(edge.number, edge.parent_id).where(edge.run_id == run_id, edge.role == "parent", edge.position == 0)
    parents = dict(_fetched(connection, above))
    numbers, ids, statuses, values, outcomes, charges = zip(*rows, strict=True) if rows else ((),) * 6
    found = Tree(
        np.array(numbers, dtype=np.int64),
        list(ids),
        np.array([places.get(parents.get(number, ""), -1) for number in numbers], dtype=np.int64),
        np.array([_PLACES[status] for status in statuses], dtype=np.int8),
        np.array(values, dtype=np.float64),
        np.array(outcomes, dtype=np.float64),
        np.array(charges, dtype=np.float64),
    )
    for program_id, (status, value, _) in _last_words(connection, run_id).items():
        if (place := places.get(program_id)) is not None:
            found.statuses[place] = _PLACES[status]
            found.values[place] = np.nan if value is None else value
            if status not in _SCORED:
                found.outcomes[place] = np.nan
    return found


def equivalents(connection: Connection, program_id: str, count: int) -> list[Equivalent]:
    """See `Archive.equivalent_programs`."""
    record, row, other = schema.records.c, schema.equivalences.c, schema.equivalences.alias("other").c
    own = (
        select(row.function_key)
        .join(schema.records, (record.run_id == row.run_id) & (record.number == row.number))
        .where(record.program_id == program_id, record.status.not_in(_NOTHING_NEW), row.about.is_(None))
        .where(row.kind.in_(_SAME))
    )
    query = (
        select(record.program_id, record.run_id, func.min(record.number))
        .join(other.run_id.table, (other.run_id == record.run_id) & (other.number == record.number))
        .join(schema.runs, schema.runs.c.run_id == record.run_id)
        .where(other.function_key.in_(own), other.kind.in_(_SAME), other.about.is_(None))
        .where(record.program_id != program_id, record.status.not_in(_NOTHING_NEW))
        .group_by(record.program_id, record.run_id, schema.runs.c.ordinal)
        .order_by(schema.runs.c.ordinal, func.min(record.number))
        .limit(count)
    )
    return [Equivalent(*found) for found in connection.execute(query)]


def runs_with(connection: Connection, program_id: str) -> list[tuple[str, int]]:
    """See `Archive.runs_with`."""
    record, run = schema.records.c, schema.runs.c
    query = (
        select(record.run_id, func.min(record.number))
        .join(schema.runs, run.run_id == record.run_id)
        .where(record.program_id == program_id)
        .group_by(record.run_id, run.ordinal)
        .order_by(run.ordinal, record.run_id)
    )
    return [(run_id, number) for run_id, number in connection.execute(query)]


def _fetched(connection: Connection, query: Select[Any]) -> list[Any]:
    """All rows as the driver gives them: to make others of a million takes longer than to read them."""
    with closing(connection.execute(query)) as found:
        assert found.cursor is not None
        return list(found.cursor.fetchall())


def _brings() -> tuple[ColumnElement[bool], ...]:
    """True of records that bring a program into their run, and of measurements of one."""
    record = schema.records.c
    return record.program_id.is_not(None), record.supersedes.is_(None), record.status.not_in(_NOTHING_NEW)


def _last_words(
    connection: Connection, run_id: str, programs: Iterable[str] | None = None
) -> dict[str, tuple[str, float | None, str]]:
    """Status, value and packed metrics of the last record that superseded each of these programs' records, or all."""
    record = schema.records.c
    query = select(record.program_id, record.status, record.value, record.metrics).where(
        record.run_id == run_id, record.supersedes.is_not(None), record.program_id.is_not(None)
    )
    if programs is not None:
        query = query.where(record.program_id.in_(sorted(programs)))
    rows = connection.execute(query.order_by(record.number))
    return {program_id: (status, value, metrics) for program_id, status, value, metrics in rows}


def _verdict(status: str, value: float | None, metrics: str) -> tuple[Status, float | None, dict[str, float]]:
    return Status(status), value, reading.metrics(metrics)
