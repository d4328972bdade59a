"""Rows back to tickets and records, equal to those that were committed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Row, Table, select

from archive import schema
from evolve.core.types import Candidate, Cost, Measurement, Promotion, Record, Result, Source, Status, Ticket, Verdict

BLOCK = 1000
"""Records read by one query."""

Item = TypeVar("Item")
AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_STATUS = {status.value: status for status in Status}
_unpack = json.loads


def tickets(connection: Connection, run_id: str) -> list[Ticket]:
    """A run's tickets in order of number."""
    table = schema.tickets
    rows = connection.execute(select(table).where(table.c.run_id == run_id).order_by(table.c.number))
    return [
        Ticket(number, kind, tuple(_unpack(parents)), tuple(_unpack(inspirations)), operator, model, seed)
        for _, number, kind, parents, inspirations, operator, model, seed in rows
    ]


def records(connection: Connection, run_id: str, first: int, count: int) -> list[Record]:
    """The run's records with numbers from `first` to `first + count - 1`, in order."""
    table, ticket, program = schema.records, schema.tickets, schema.programs
    query = (
        select(table, *(ticket.c[name].label(f"ticket_{name}") for name in _TICKET), program.c.source.label("text"))
        .join(ticket, (ticket.c.run_id == table.c.run_id) & (ticket.c.number == table.c.ticket_number))
        .outerjoin(program, program.c.program_id == table.c.program_id)
        .where(table.c.run_id == run_id, table.c.number >= first, table.c.number < first + count)
        .order_by(table.c.number)
    )
    rows = connection.execute(query).all()
    if not rows:
        return []
    last = rows[-1].number
    results = _grouped(connection, schema.results, run_id, first, last, _result)
    batches = _grouped(connection, schema.measurements, run_id, first, last, _measurement)
    gates = _grouped(connection, schema.gate_queries, run_id, first, last, _promotion)
    return [
        _record(row, tuple(results.get(row.number, ())), tuple(batches.get(row.number, ())), gates.get(row.number))
        for row in rows
    ]


_TICKET = ("kind", "parents", "inspirations", "operator", "model", "seed")


def _grouped(
    connection: Connection, table: Table, run_id: str, first: int, last: int, make: Callable[[AnyRow], Item]
) -> dict[int, list[Item]]:
    """The rows of `table` that belong to a range of records, made into values, by record number."""
    key = table.c.number
    query = select(table).where(table.c.run_id == run_id, key >= first, key <= last)
    grouped: dict[int, list[Item]] = {}
    for row in connection.execute(query.order_by(*table.primary_key.columns)):
        grouped.setdefault(row[1], []).append(make(row))
    return grouped


def _result(row: AnyRow) -> Result:
    _, _, _, instance_id, status, score, cpu_seconds, wall_seconds, peak_bytes = row
    return Result(instance_id, _STATUS[status], score, cpu_seconds, wall_seconds, peak_bytes)


def _measurement(row: AnyRow) -> Measurement:
    _, _, _, skeleton_id, purpose, vectors, evaluations, best_loss = row
    return Measurement(skeleton_id, purpose, vectors, evaluations, float("nan") if best_loss is None else best_loss)


def _promotion(row: AnyRow) -> Promotion:
    return Promotion(row.accepted, metrics(row.metrics), row.evaluation_set, _unpack(row.reason))


def metrics(text: str) -> dict[str, float]:
    """Metrics from their stored form."""
    return {name: float(value) for name, value in _unpack(text).items()} if text != "{}" else {}


def source(text: str) -> Source:
    """A program from its stored form."""
    stored = _unpack(text)
    return Source(stored["files"], stored["entry"], stored["language"])


def _record(
    row: AnyRow, results: tuple[Result, ...], batches: tuple[Measurement, ...], gates: Sequence[Promotion] | None
) -> Record:
    ticket = Ticket(
        row.ticket_number,
        row.ticket_kind,
        tuple(_unpack(row.ticket_parents)),
        tuple(_unpack(row.ticket_inspirations)),
        row.ticket_operator,
        row.ticket_model,
        row.ticket_seed,
    )
    candidate = None
    if row.idea is not None:
        cost = Cost(row.cost_evaluations, row.cost_tokens, row.cost_usd)
        text = row.text if row.source is None else row.source
        candidate = Candidate(ticket, source(text), _unpack(row.idea), tuple(_unpack(row.reply_ids)), cost, batches)
    return Record(
        row.number,
        ticket,
        candidate,
        Verdict(
            _STATUS[row.status],
            row.value,
            metrics(row.metrics),
            _unpack(row.feedback),
            results,
            row.stage,
            row.evaluation_set,
        ),
        row.program_id,
        row.skeleton_id,
        row.outcome,
        gates[0] if gates else None,
        row.supersedes,
    )
