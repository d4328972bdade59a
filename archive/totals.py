"""What follows from a run's records and replies, kept beside them so that nobody need read them all to show it.

`totals` counts the records of each status, `improvements` are the records that were better than all before them, and
`spendings` add up what each model's replies took. The writer keeps them in the transaction that adds the records; where
runs come from elsewhere, `rebuild` makes them. Sums differ in their last digits with the order of what is added.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import inf, isclose
from typing import Any

from sqlalchemy import (
    Case,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    select,
)

from archive import reading, schema
from archive.codec import Row
from archive.rows import Improvement
from evolve.core.config import OBJECTIVES
from evolve.core.types import Status

_SCORED = tuple(status.value for status in Status if status.scored)
_SIGNS = {"minimize": 1.0, "maximize": -1.0}
_CLOSE = 1e-9
"""Two sums of the same numbers do not differ by a larger part."""

Rows = Mapping[Table, Sequence[Row]]


def advance(connection: Connection, rows: Rows) -> None:
    """Take in records and replies that this transaction has written; of each run there is no later record yet."""
    firsts: dict[str, int] = {}
    for row in rows.get(schema.records, ()):
        firsts.setdefault(row["run_id"], row["number"])
    revoked = _revoked(rows)
    for run_id, first in firsts.items():
        connection.execute(_counting(connection.dialect.name), {"run": run_id, "first": first})
        _improve(connection, run_id, first, revoked.get(run_id, ()))
    if replies := rows.get(schema.replies):
        connection.execute(schema.insert_or_add(connection.dialect.name, schema.spendings), _spent(replies))


def rebuild(connection: Connection, run_id: str) -> None:
    """Make all three of a run anew. It is read once."""
    for name in schema.DERIVED:
        table = schema.metadata.tables[name]
        connection.execute(delete(table).where(table.c.run_id == run_id))
    connection.execute(_counting(connection.dialect.name), {"run": run_id, "first": 0})
    spendings = schema.insert_or_add(connection.dialect.name, schema.spendings)
    query = _spendings()
    connection.execute(spendings.from_select(query.selected_columns.keys(), query), {"run": run_id})
    _improve(connection, run_id, 0)


def differences(connection: Connection, run_id: str) -> Iterator[str]:
    """Where what is kept of a run is not what its records and replies say, in words."""
    improved = [_improvement_row(run_id, one) for one in improvements(connection, run_id)]
    wanted = {
        schema.totals: _mappings(connection, _counts(), run_id),
        schema.improvements: improved,
        schema.spendings: _mappings(connection, _spendings(), run_id),
    }
    for table, due in wanted.items():
        kept = _mappings(connection, select(table).where(table.c.run_id == bindparam("run")), run_id)
        (name,) = (column.name for column in table.primary_key.columns if column.name != "run_id")
        one, other = ({row[name]: row for row in found} for found in (kept, due))
        for key in sorted(one.keys() | other.keys()):
            yield from (f"{table.name}, {name} {key}: {says}" for says in _unlike(one.get(key), other.get(key)))


def improvements(
    connection: Connection, run_id: str, last: Improvement | None = None, first: int = 0
) -> Iterator[Improvement]:
    """The records from number `first` on that were better than all before them, `last` being the best of those.

    Better is the value of the first objective, by the direction that is stored with the run; a run that has none stored
    has no improvements. They have status ok, were measured on the whole of train, and neither the gate nor a later
    record has refused their programs: where one was revoked, what came after it is seen as if it had never been. A
    program that was measured in batches improves with the record that made it whole.
    """
    sign = _sign(connection.scalar(select(schema.runs.c.config).where(schema.runs.c.run_id == run_id)))
    if sign is None:
        return
    best = inf if last is None else sign * last.value
    at = {"run": run_id, "after": first - 1, "sign": sign}
    while row := connection.execute(_NEXT, {**at, "best": best}).first():
        at["after"] = row.number
        if not _is_whole(row.extent) or connection.scalar(_REFUSED, {"run": run_id, "program": row.program_id}):
            continue
        before, since = (0.0, -1) if last is None else (last.evaluations, last.number)
        more = connection.scalar(_CHARGED, {"run": run_id, "after": since, "until": row.number})
        spent = None if more is None or before is None else before + more
        last = Improvement(row.number, row.program_id, spent, row.value)
        best = sign * row.value
        yield last


def _improve(connection: Connection, run_id: str, first: int, revoked: Sequence[str] = ()) -> None:
    """Add the improvements among the records from `first` on; from an earlier one on where that was `revoked`."""
    table = schema.improvements
    if revoked:
        lost = select(func.min(table.c.number)).where(table.c.run_id == run_id, table.c.program_id.in_(revoked))
        if (earlier := connection.scalar(lost)) is not None:
            first = min(first, earlier)
            connection.execute(delete(table).where(table.c.run_id == run_id, table.c.number >= first))
    row = connection.execute(_LAST, {"run": run_id, "first": first}).first()
    last = None if row is None else Improvement(*row)
    if found := [_improvement_row(run_id, one) for one in improvements(connection, run_id, last, first)]:
        connection.execute(table.insert(), found)


def _revoked(rows: Rows) -> dict[str, list[str]]:
    """By run, the programs that these rows refuse: the gate did, or a record that supersedes theirs without a score."""
    refused = {(row["run_id"], row["number"]) for row in rows.get(schema.gate_queries, ()) if not row["accepted"]}
    found: dict[str, list[str]] = {}
    for row in rows.get(schema.records, ()):
        fails = row["supersedes"] is not None and row["status"] not in _SCORED
        if row["program_id"] is not None and (fails or (row["run_id"], row["number"]) in refused):
            found.setdefault(row["run_id"], []).append(row["program_id"])
    return found


def _spent(replies: Sequence[Row]) -> list[Row]:
    """A row for each run and model."""
    found: dict[tuple[str, str], Row] = {}
    names = ("prompt_tokens", "completion_tokens", "cached_tokens", "seconds")
    for reply in replies:
        start = {"replies": 0, **dict.fromkeys(names, 0), "usd": 0.0, "unpriced": 0}
        key = {"run_id": reply["run_id"], "model": reply["model"]}
        row = found.setdefault((reply["run_id"], reply["model"]), {**key, **start})
        for name in names:
            row[name] += reply[name]
        row["replies"] += 1
        row["usd"] += reply["usd"] or 0.0
        row["unpriced"] += reply["usd"] is None
    return list(found.values())


def _counts(first: ColumnElement[Any] | int = 0) -> Select[Any]:
    """The rows of `totals` that a run's records from number `first` on give."""
    record = schema.records.c
    before = schema.records.alias("before")
    known = select(1).where(
        before.c.program_id == record.program_id, before.c.run_id == record.run_id, before.c.number < record.number
    )
    new = case((and_(record.program_id.is_not(None), ~known.exists()), 1))
    return (
        select(
            record.run_id,
            record.status,
            func.count().label("records"),
            (func.count() - func.count(_no_proposal())).label("proposals"),
            func.count(new).label("programs"),
            func.sum(record.evaluations).label("evaluations"),
        )
        .where(record.run_id == bindparam("run"), record.number >= first)
        .group_by(record.run_id, record.status)
    )


def _no_proposal() -> Case[Any]:
    """Not null for records that are no proposals: they measure, or supersede.

    Measurements have a program and no candidate. So few others do that only for these the ticket is looked up.
    """
    record, ticket = schema.records.c, schema.tickets.c
    kind = select(ticket.kind).where(ticket.run_id == record.run_id, ticket.number == record.ticket_number)
    measured = and_(record.idea.is_(None), record.program_id.is_not(None), kind.scalar_subquery() == "measure")
    return case((record.supersedes.is_not(None), 1), (measured, 1))


def _spendings() -> Select[Any]:
    """The rows of `spendings` that a run's replies give."""
    reply = schema.replies.c
    return (
        select(
            reply.run_id,
            reply.model,
            func.count().label("replies"),
            func.sum(reply.prompt_tokens).label("prompt_tokens"),
            func.sum(reply.completion_tokens).label("completion_tokens"),
            func.sum(reply.cached_tokens).label("cached_tokens"),
            func.coalesce(func.sum(reply.usd), 0.0).label("usd"),
            (func.count() - func.count(reply.usd)).label("unpriced"),
            func.sum(reply.seconds).label("seconds"),
        )
        .where(reply.run_id == bindparam("run"))
        .group_by(reply.run_id, reply.model)
    )


@cache
def _counting(dialect: str) -> Insert:
    query = _counts(bindparam("first"))
    return schema.insert_or_add(dialect, schema.totals).from_select(query.selected_columns.keys(), query)


def _next() -> Select[Any]:
    record = schema.records.c
    better = record.value * bindparam("sign") < bindparam("best")
    return (
        select(record.number, record.program_id, record.value, record.extent)
        .where(record.run_id == bindparam("run"), record.number > bindparam("after"))
        .where(record.status == Status.OK.value, record.program_id.is_not(None), better)
        .order_by(record.number)
        .limit(1)
    )


def _refused() -> Select[Any]:
    """Whether a later record took a program's score away, or the gate refused it."""
    record, gate = schema.records.c, schema.gate_queries.c
    of_program = and_(record.run_id == bindparam("run"), record.program_id == bindparam("program"))
    revoked = select(1).where(of_program, record.supersedes.is_not(None), record.status.not_in(_SCORED))
    asked = and_(gate.run_id == record.run_id, gate.number == record.number)
    return select(revoked.exists() | select(1).where(of_program, asked, ~gate.accepted).exists())


def _charged() -> Select[Any]:
    record = schema.records.c
    span = (record.number > bindparam("after")) & (record.number <= bindparam("until"))
    return select(func.sum(record.evaluations)).where(record.run_id == bindparam("run"), span)


def _last() -> Select[Any]:
    one = schema.improvements.c
    return (
        select(one.number, one.program_id, one.evaluations, one.value)
        .where(one.run_id == bindparam("run"), one.number < bindparam("first"))
        .order_by(one.number.desc())
        .limit(1)
    )


_NEXT, _REFUSED, _CHARGED, _LAST = _next(), _refused(), _charged(), _last()


def _sign(config: str | None) -> float | None:
    """1 where less is better by a run's stored configuration, -1 where more is; None where it does not say."""
    try:
        return _SIGNS.get(json.loads(config or "{}")[OBJECTIVES][0]["direction"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _is_whole(text: str | None) -> bool:
    """Whether a stored extent is the whole of train; one that can not be read is not."""
    try:
        extent = reading.extent(text)
        return extent is None or extent.done >= extent.total
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def _improvement_row(run_id: str, one: Improvement) -> Row:
    return {
        "run_id": run_id,
        "number": one.number,
        "program_id": one.program_id,
        "evaluations": one.evaluations,
        "value": one.value,
    }


def _mappings(connection: Connection, query: Select[Any], run_id: str) -> list[Row]:
    return [dict(row) for row in connection.execute(query, {"run": run_id}).mappings()]


def _unlike(kept: Row | None, due: Row | None) -> list[str]:
    if kept is None:
        return ["it is missing"]
    if due is None:
        return ["it follows from nothing"]
    unlike = [name for name, value in due.items() if not _same(kept[name], value)]
    return [f"its {name} is {kept[name]} where {due[name]} follows" for name in unlike]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return one is not None and other is not None and isclose(one, other, rel_tol=_CLOSE)
    return bool(one == other)
