"""Bounded looks at the records of runs, for pictures: counts of stretches, sums by arm, programs by number.

Each takes a connection and says how much it reads at most; a whole run is read by none of them, but where models were
paid for every record of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice
from typing import Any, TypeVar

from sqlalchemy import Connection, case, func, select

from archive import queries, reading, schema
from archive.rows import ArmSum, ScoredLine, Stretch
from evolve.core.types import Status

_AT_ONCE = 500
"""Keys in one statement: databases bound the number of its parameters."""
T = TypeVar("T")
_SCORED = tuple(status.value for status in Status if status.scored)


def stretches(connection: Connection, run_id: str, count: int, most: int) -> list[Stretch]:
    """See `Archive.stretches`."""
    record = schema.records.c
    end = queries.record_count(connection, run_id)
    count = max(1, min(count, end))
    found = []
    for place in range(count if end else 0):
        first, behind = end * place // count, end * (place + 1) // count
        query = (
            select(record.status, func.count())
            .where(record.run_id == run_id, record.number >= first, record.number < min(behind, first + most))
            .group_by(record.status)
        )
        counts = {Status(status): number for status, number in connection.execute(query)}
        found.append(Stretch(first, behind, counts))
    return found


def arms(connection: Connection, run_id: str, most: int) -> list[ArmSum]:
    """See `Archive.arms`."""
    record, ticket = schema.records.c, schema.tickets.c
    first = queries.record_count(connection, run_id) - most
    query = (
        select(
            ticket.model,
            ticket.operator,
            func.count(),
            func.sum(case((record.status.in_(_SCORED), 1), else_=0)),
            func.coalesce(func.sum(record.gain), 0.0),
            func.coalesce(func.sum(record.cost_usd), 0.0),
            func.count(record.cost_tokens) - func.count(record.cost_usd),
        )
        .join(schema.tickets, (ticket.run_id == record.run_id) & (ticket.number == record.ticket_number))
        .where(record.run_id == run_id, record.number >= first, record.supersedes.is_(None), ticket.kind == "expand")
        .group_by(ticket.model, ticket.operator)
    )
    rows = [
        ArmSum(model, operator, records, int(scored), gain, usd, unpriced)
        for model, operator, records, scored, gain, usd, unpriced in connection.execute(query)
    ]
    return sorted(rows, key=lambda one: (one.model or "", one.operator))


def paid(connection: Connection, run_id: str, numbers: Sequence[int]) -> list[float]:
    """See `Archive.paid`."""
    record = schema.records.c
    query = select(record.number, record.cost_usd).where(record.run_id == run_id, record.cost_usd > 0.0)
    rows = connection.execute(query.order_by(record.number)).all()
    sums = [0.0, *accumulate(usd or 0.0 for _, usd in rows)]
    found, place = [], 0
    for number in numbers:
        while place < len(rows) and rows[place][0] <= number:
            place += 1
        found.append(sums[place])
    return found


def scored_of(connection: Connection, run_id: str, numbers: Iterable[int]) -> list[ScoredLine]:
    """See `Archive.scored_of`."""
    record, gate = schema.records.c, schema.gate_queries.c
    revoking = select(record.program_id).where(
        record.run_id == run_id, record.supersedes.is_not(None), record.status.not_in(_SCORED)
    )
    revoked = set(connection.scalars(revoking))
    columns = (record.number, record.program_id, record.metrics, record.extent, gate.accepted)
    found = []
    for some in _parts(numbers):
        query = (
            select(*columns)
            .outerjoin(schema.gate_queries, (gate.run_id == record.run_id) & (gate.number == record.number))
            .where(record.run_id == run_id, record.number.in_(some), record.status.in_(_SCORED))
            .order_by(record.number)
        )
        for number, program_id, metrics, extent, accepted in connection.execute(query):
            part = reading.extent(extent)
            if program_id not in revoked and (part is None or part.done >= part.total):
                found.append(ScoredLine(number, program_id, reading.metrics(metrics), accepted is False))
    return found


def accepted(connection: Connection, run_id: str, most: int) -> list[int]:
    """See `Archive.accepted`."""
    gate = schema.gate_queries.c
    query = select(gate.number).where(gate.run_id == run_id, gate.accepted.is_(True))
    return sorted(connection.scalars(query.order_by(gate.number.desc()).limit(most)))


def said(connection: Connection, kind: str, run_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """See `Archive.said`."""
    event = schema.events.c
    found: dict[str, Mapping[str, Any]] = {}
    for some in _parts(run_ids):
        query = select(event.run_id, event.payload).where(event.kind == kind, event.run_id.in_(some))
        for run_id, payload in connection.execute(query.order_by(event.event_id)):
            found[run_id] = json.loads(payload)
    return found


def happened(connection: Connection, run_id: str, kinds: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
    """See `Archive.happened`."""
    event = schema.events.c
    query = select(event.kind, event.payload).where(event.run_id == run_id, event.kind.in_(list(kinds)))
    return [(kind, json.loads(text)) for kind, text in connection.execute(query.order_by(event.event_id))]


def _parts(keys: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(keys)
    while part := list(islice(rest, _AT_ONCE)):
        yield part
