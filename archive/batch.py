"""Rows to write: made of one item each on its caller's thread, joined, and written a table at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table, bindparam, func, insert, select, update

from archive import bounds, codec, equivalence, schema, totals
from archive.equivalence import Learned
from evolve.core import clock
from evolve.core.errors import ArchiveError
from evolve.core.types import ModelReply, Record, Ticket

Row = codec.Row
Metrics = Mapping[str, Mapping[str, float]]

# In the order of their references to each other; programs and messages are written before them.
_APPENDED = (
    schema.tickets,
    schema.records,
    schema.results,
    schema.measurements,
    schema.gate_queries,
    schema.edges,
    schema.equivalences,
    schema.replies,
    schema.events,
)

# Rows of one statement: so many while there are as many, then fewer. SQLite takes 32,766 values, 31 columns of 1,024.
_TOGETHER = (1024, 256, 32, 4, 1)


class Batch:
    """What one transaction adds, by table. The functions below make one of an item."""

    __slots__ = ("ends", "finals", "rows", "sources")

    def __init__(self) -> None:
        self.rows: dict[Table, list[Row]] = {}
        # Text and digest of each record's program, beside the rows of `records`.
        self.sources: list[tuple[str, str] | None] = []
        self.finals: list[tuple[str, list[Row]]] = []
        self.ends: list[Row] = []

    def __bool__(self) -> bool:
        return bool(self.rows or self.finals or self.ends)

    def add(self, table: Table, *rows: Row) -> None:
        """Add rows. Raises ValueError for what can not be stored."""
        for row in rows:
            bounds.check(table, row)
        if rows:
            self.rows.setdefault(table, []).extend(rows)

    def join(self, other: Batch) -> None:
        """Add all that another holds."""
        for table, rows in other.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        self.sources += other.sources
        self.finals += other.finals
        self.ends += other.ends


# Each of these raises `ArchiveError` for what can not be stored.


def of_ticket(run_id: str, ticket: Ticket) -> Batch:
    """A ticket's row."""
    batch = Batch()
    with bounds.alone(f"run {run_id}: ticket {_name(ticket, 'number')}"):
        batch.add(schema.tickets, codec.ticket_row(run_id, ticket))
    return batch


def of_reply(run_id: str, reply: ModelReply) -> Batch:
    """A reply's row, and those of its messages."""
    batch = Batch()
    with bounds.alone(f"run {run_id}: reply {_name(reply, 'id')}"):
        row, messages = codec.reply_row(run_id, reply)
        batch.add(schema.messages, *messages)
        batch.add(schema.replies, {**row, "recorded_at": clock.utc_now()})
    return batch


def of_record(run_id: str, record: Record, learned: Sequence[Learned] = ()) -> Batch:
    """A record's row and those that belong to it, with what was `learned` of what programs compute."""
    batch = Batch()
    with bounds.alone(f"run {run_id}: record {_name(record, 'number')}"):
        batch.add(schema.records, codec.record_row(run_id, record))
        source = codec.packed_source(record.candidate.source) if record.candidate else None
        batch.sources.append(None if source is None else (source, codec.digest(source)))
        batch.add(schema.results, *codec.result_rows(run_id, record))
        batch.add(schema.measurements, *codec.measurement_rows(run_id, record))
        batch.add(schema.gate_queries, *codec.gate_rows(run_id, record))
        batch.add(schema.edges, *codec.edge_rows(run_id, record))
        batch.add(schema.equivalences, *equivalence.rows(run_id, record.number, learned))
    return batch


def of_event(run_id: str, kind: str, payload: Mapping[str, Any]) -> Batch:
    """An event's row."""
    batch = Batch()
    with bounds.alone(f"run {run_id}: an event of kind {kind!r}"):
        row = {"run_id": run_id, "kind": kind, "payload": codec.packed(payload), "recorded_at": clock.utc_now()}
        batch.add(schema.events, row)
    return batch


def of_final(run_id: str, problem_version: str, results: Metrics) -> Batch:
    """The rows of an opening of the final set; which opening it is shows when they are written."""
    batch = Batch()
    with bounds.alone(f"run {run_id}: the final results"):
        version = {"problem_version": problem_version, "opened_at": clock.utc_now(), "run_id": run_id}
        rows = [
            {**version, "program_id": program, "metrics": codec.packed_metrics(metrics)}
            for program, metrics in results.items()
        ]
        for row in rows:
            bounds.check(schema.final_openings, row)
        batch.finals.append((problem_version, rows))
    return batch


def of_end(run_id: str, stop_reason: str, seconds: float) -> Batch:
    """The end of a run."""
    batch = Batch()
    with bounds.alone(f"the end of run {run_id}"):
        bounds.check(schema.runs, {"stop_reason": stop_reason, "seconds": seconds})
        batch.ends.append({"ended": run_id, "stop_reason": stop_reason, "seconds": seconds})
    return batch


def _name(item: Any, attribute: str) -> str:
    return str(getattr(item, attribute, "?"))[:40]


def write(connection: Connection, owner: str, batch: Batch) -> None:
    """Write all rows inside the caller's transaction. `owner` is the writer's lease."""
    _place_sources(connection, batch)
    if messages := batch.rows.get(schema.messages):
        append(connection, schema.messages, _distinct(messages), once=True)
    for table in _APPENDED:
        if rows := batch.rows.get(table):
            append(connection, table, rows)
    totals.advance(connection, batch.rows)
    for problem_version, rows in batch.finals:
        _write_final(connection, problem_version, rows)
    _write_ends(connection, owner, batch.ends)


@lru_cache(maxsize=256)
def _statement(dialect: Dialect, table: Table, names: Sequence[str], count: int, once: bool) -> str:
    """An insert of so many rows with these keys, as the database's driver takes it: with the values in a row, those of
    a row in the order of the table's columns.

    Compiled for one row and kept: to compile it takes longer than to carry it out.
    """
    made = schema.insert_or_ignore(dialect.name, table) if once else insert(table)
    kind: Any = type(dialect)
    marks = kind(paramstyle="qmark" if dialect.name == "sqlite" else "format")
    text = str(made.values({name: bindparam(name) for name in names}).compile(dialect=marks))
    first, last = text.index("VALUES (") + len("VALUES "), text.rindex(")") + 1
    return f"{text[:first]}{', '.join([text[first:last]] * count)}{text[last:]}"


def append(connection: Connection, table: Table, rows: list[Row], once: bool = False) -> int:
    """Insert rows, with `once` those that are not there; the number of new ones.

    A statement takes several rows: while it runs, other threads run too, but between any two it is the caller's thread
    that waits for them.
    """
    names = tuple(name for name in table.columns.keys() if name in rows[0])  # noqa: SIM118, columns are no names
    new = done = 0
    for count in _TOGETHER:
        while len(rows) - done >= count:
            statement = _statement(connection.dialect, table, names, count, once)
            values = [row[name] for row in rows[done : done + count] for name in names]
            new += connection.exec_driver_sql(statement, tuple(values)).rowcount
            done += count
    return new


def _distinct(messages: list[Row]) -> list[Row]:
    """Each message once, in the order of their digests: see `_write_programs`."""
    by_digest = {row["digest"]: row for row in messages}
    return [by_digest[digest] for digest in sorted(by_digest)]


def _place_sources(connection: Connection, batch: Batch) -> None:
    """Write new programs. A text that its program does not already hold is kept with the record: none is lost."""
    programs: dict[str, tuple[str, str]] = {}
    records = batch.rows.get(schema.records, ())
    for row, source in zip(records, batch.sources, strict=True):
        if source is not None and row["program_id"] is not None:
            programs.setdefault(row["program_id"], source)
    stored = _write_programs(connection, programs)
    for row, source in zip(records, batch.sources, strict=True):
        if source is not None and stored.get(row["program_id"]) != source[1]:
            row["source"] = source[0]


def _write_programs(connection: Connection, programs: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Insert programs that are new, and give the digests of the stored texts: another may have been first."""
    if not programs:
        return {}
    table = schema.programs
    # Sorted, so that two processes that write the same programs wait for each other instead of for ever.
    ids = sorted(programs)
    rows = [{"program_id": one, "source": programs[one][0], "source_digest": programs[one][1]} for one in ids]
    if append(connection, table, rows, once=True) == len(ids):
        return {one: programs[one][1] for one in ids}
    stored = select(table.c.program_id, table.c.source_digest).where(table.c.program_id.in_(ids))
    return {row.program_id: row.source_digest for row in connection.execute(stored)}


def _write_final(connection: Connection, problem_version: str, rows: list[Row]) -> None:
    table = schema.final_openings
    highest = select(func.coalesce(func.max(table.c.opening), 0)).where(table.c.problem_version == problem_version)
    opening = (connection.scalar(highest) or 0) + 1
    if rows:
        append(connection, table, [{**row, "opening": opening} for row in rows])


def _write_ends(connection: Connection, owner: str, ends: list[Row]) -> None:
    if not ends:
        return
    runs = schema.runs
    mine = (runs.c.run_id == bindparam("ended")) & (runs.c.lease_owner == owner)
    ended = update(runs).where(mine).values(ended_at=clock.utc_now(), lease_owner=None)
    for row in ends:
        if connection.execute(ended, row).rowcount != 1:
            raise ArchiveError(f"run {row['ended']} was taken over by another process", "Let that process end the run.")
