"""Rows back to tickets and records, equal to those that were committed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias, TypeVar, get_args

from sqlalchemy import Connection, Row, Select, Table, bindparam, select

from archive import schema
from evolve.core.extent import Extent
from evolve.core.types import (
    Candidate,
    Cost,
    Failure,
    Language,
    Measurement,
    ModelReply,
    Promotion,
    Question,
    Record,
    Result,
    Source,
    Status,
    Ticket,
    Verdict,
)

BLOCK = 1000
"""Records read by one query."""

Item = TypeVar("Item")
AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_STATUS = {status.value: status for status in Status}
_decode = json.JSONDecoder().raw_decode


def _unpack(text: str) -> Any:
    """JSON as `codec` writes it: no blanks stand round it, and looking for them would take most of the time."""
    value, end = _decode(text)
    return value if end == len(text) else json.loads(text)


def unpacked_text(text: str) -> str:
    """A text from its stored form. What stands between its quotes is the text, where nothing of it is escaped."""
    plain = text[:1] == text[-1:] == '"' and _is_plain(text, 2)
    return text[1:-1] if plain else _of(_unpack(text), str)


def unpacked_texts(text: str) -> tuple[str, ...]:
    """Texts from their stored form, as `unpacked_text`."""
    if text == "[]":
        return ()
    if text[:2] == '["' and text[-2:] == '"]':
        parts = text[2:-2].split('","')
        if _is_plain(text, 2 * len(parts)):
            return tuple(parts)
    return tuple(_of(one, str) for one in _of(_unpack(text), list))


def unpacked_object(text: str) -> dict[str, Any]:
    """An object from its stored form."""
    return _of(_unpack(text), dict)


def _of(value: Any, kind: type[Item]) -> Item:
    """The value. Raises TypeError where it is of another kind: an archive may have been put together by hand."""
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} is due")
    return value


def _is_plain(text: str, quotes: int) -> bool:
    """Whether nothing is escaped, and so many quotes and no characters that JSON refuses stand in it."""
    return "\\" not in text and text.count('"') == quotes and text.isprintable()


def tickets(connection: Connection, run_id: str, first: int, count: int) -> list[Ticket]:
    """The run's first `count` tickets with numbers from `first` on, in order."""
    table = schema.tickets
    query = select(table).where(table.c.run_id == run_id, table.c.number >= first)
    return [_ticket(*row[1:]) for row in connection.execute(query.order_by(table.c.number).limit(count))]


def open_tickets(connection: Connection, run_id: str) -> list[Ticket]:
    """The run's tickets without a record, in order of number."""
    table, record = schema.tickets, schema.records.c
    done = select(record.ticket_number).where(record.run_id == run_id)
    query = select(table).where(table.c.run_id == run_id, table.c.number.not_in(done))
    return [_ticket(*row[1:]) for row in connection.execute(query.order_by(table.c.number))]


def replies(connection: Connection, run_id: str, ticket: int | None = None) -> list[ModelReply]:
    """A run's replies, or those to one of its tickets, in order of ticket and attempt."""
    table = schema.replies
    query = select(table).where(table.c.run_id == run_id).order_by(table.c.ticket_number, table.c.attempt)
    rows = connection.execute(query if ticket is None else query.where(table.c.ticket_number == ticket)).all()
    requests = [_unpack(row.request) for row in rows]
    wanted = sorted({message["content"] for request in requests for message in request["messages"]})
    contents: dict[str, str] = {}
    for first in range(0, len(wanted), BLOCK):
        some = select(schema.messages).where(schema.messages.c.digest.in_(wanted[first : first + BLOCK]))
        contents |= {digest: _unpack(content) for digest, content in connection.execute(some)}
    found = []
    for row, request in zip(rows, requests, strict=True):
        request["messages"] = [{**one, "content": contents[one["content"]]} for one in request["messages"]]
        found.append(
            ModelReply(
                row.ticket_number,
                row.attempt,
                row.model,
                request,
                row.digest,
                _unpack(row.text),
                row.finish,
                row.prompt_tokens,
                row.completion_tokens,
                row.cached_tokens,
                row.usd,
                row.seconds,
            )
        )
    return found


def records(connection: Connection, run_id: str, first: int, count: int) -> list[Record]:
    """The run's records with numbers from `first` to `first + count - 1`, in order."""
    rows = connection.execute(_RECORDS, {"run": run_id, "first": first, "end": first + count}).all()
    if not rows:
        return []
    span = {"run": run_id, "first": first, "last": rows[-1].number}
    results = _grouped(connection, schema.results, span, _result)
    batches = _grouped(connection, schema.measurements, span, _measurement)
    gates = _grouped(connection, schema.gate_queries, span, _promotion)
    return [
        _record(row, tuple(results.get(row.number, ())), tuple(batches.get(row.number, ())), gates.get(row.number))
        for row in rows
    ]


_RECORD = (
    "number",
    "ticket_number",
    "program_id",
    "skeleton_id",
    "status",
    "value",
    "metrics",
    "feedback",
    "stage",
    "evaluation_set",
    "outcome",
    "supersedes",
    "source",
    "idea",
    "reply_ids",
    "cost_evaluations",
    "cost_tokens",
    "cost_usd",
    "failed",
    "gain",
    "extent",
)
_TICKET = ("kind", "parents", "inspirations", "operator", "model", "seed", "mends", "idea", "avoid", "told")


def _select_records() -> Select[Any]:
    table, ticket, program = schema.records, schema.tickets, schema.programs
    return (
        select(
            *(table.c[name] for name in _RECORD),
            *(ticket.c[name].label(f"ticket_{name}") for name in _TICKET),
            program.c.source.label("text"),
        )
        .join(ticket, (ticket.c.run_id == table.c.run_id) & (ticket.c.number == table.c.ticket_number))
        .outerjoin(program, program.c.program_id == table.c.program_id)
        .where(table.c.run_id == bindparam("run"))
        .where(table.c.number >= bindparam("first"), table.c.number < bindparam("end"))
        .order_by(table.c.number)
    )


# Made once: that takes twenty times as long as to ask for one record.
_RECORDS = _select_records()


@cache
def _select_span(table: Table) -> Select[Any]:
    key = table.c.number
    span = (table.c.run_id == bindparam("run")) & (key >= bindparam("first")) & (key <= bindparam("last"))
    return select(table).where(span).order_by(*table.primary_key.columns)


def _ticket(
    number: int,
    kind: Any,
    parents: str,
    inspirations: str,
    operator: str,
    model: str | None,
    seed: int,
    mends: int | None,
    idea: str | None,
    avoid: str | None,
    told: int | None,
) -> Ticket:
    words = unpacked_text(idea) if idea else "", unpacked_texts(avoid) if avoid else ()
    return Ticket(
        number, kind, unpacked_texts(parents), unpacked_texts(inspirations), operator, model, seed, mends, *words, told
    )


def _grouped(
    connection: Connection, table: Table, span: Mapping[str, Any], make: Callable[[AnyRow], Item]
) -> dict[int, list[Item]]:
    """The rows of `table` that belong to a range of records, made into values, by record number."""
    grouped: dict[int, list[Item]] = {}
    for row in connection.execute(_select_span(table), span):
        grouped.setdefault(row[1], []).append(make(row))
    return grouped


def _result(row: AnyRow) -> Result:
    _, _, _, instance_id, status, score, cpu_seconds, wall_seconds, peak_bytes = row
    return Result(instance_id, _STATUS[status], score, cpu_seconds, wall_seconds, peak_bytes)


def _measurement(row: AnyRow) -> Measurement:
    _, _, _, skeleton_id, purpose, vectors, evaluations, best_loss = row
    return Measurement(skeleton_id, purpose, vectors, evaluations, float("nan") if best_loss is None else best_loss)


def _promotion(row: AnyRow) -> Promotion:
    question = None
    if row.question is not None:
        question = Question(row.question, row.group_count, row.fixed, row.statistic, row.needed)
    return Promotion(row.accepted, metrics(row.metrics), row.evaluation_set, unpacked_text(row.reason), question)


def metrics(text: str) -> dict[str, float]:
    """Metrics from their stored form."""
    return {name: float(value) for name, value in unpacked_object(text).items()} if text != "{}" else {}


def extent(text: str | None) -> Extent | None:
    """How much of train a verdict stands on, from its stored form."""
    if text is None:
        return None
    stored = unpacked_object(text)
    done, total, new = (_of(stored[name], int) for name in ("done", "total", "new"))
    if total < 1:
        raise ValueError(f"a whole of {total} runs")
    return Extent(done, total, new, metrics(stored["first"]))


def source(text: str) -> Source:
    """A program from its stored form."""
    stored = unpacked_object(text)
    files = {name: _of(content, str) for name, content in _of(stored["files"], dict).items()}
    if (language := stored["language"]) not in get_args(Language):
        raise ValueError(f"the language {str(language)[:40]!r} is none")
    return Source(files, _of(stored["entry"], str), language)


def _record(
    row: AnyRow, results: tuple[Result, ...], batches: tuple[Measurement, ...], gates: Sequence[Promotion] | None
) -> Record:
    # By position: a long run is read row by row, and names would be looked up for each of its values.
    (
        number,
        ticket_number,
        program_id,
        skeleton_id,
        status,
        value,
        figures,
        feedback,
        stage,
        evaluation_set,
        outcome,
        supersedes,
        own_source,
        idea,
        reply_ids,
        cost_evaluations,
        cost_tokens,
        cost_usd,
        failed,
        gain,
        measured,
        *of_ticket,
        text,
    ) = row
    ticket = _ticket(ticket_number, *of_ticket)
    candidate = failure = None
    state, said = _STATUS[status], unpacked_text(feedback)
    if idea is not None:
        cost, words, ids = Cost(cost_evaluations, cost_tokens, cost_usd), unpacked_text(idea), unpacked_texts(reply_ids)
        if failed:
            failure = Failure(ticket, state, said, cost, words, ids)
        else:
            program = source(text if own_source is None else own_source)
            candidate = Candidate(ticket, program, words, ids, cost, batches)
    verdict = Verdict(state, value, metrics(figures), said, results, stage, evaluation_set, extent(measured))
    promotion = gates[0] if gates else None
    return Record(
        number, ticket, candidate, verdict, program_id, skeleton_id, outcome, promotion, supersedes, failure, gain
    )
