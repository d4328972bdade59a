"""One transaction's rows: collected from items, written a table at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select, update

from archive import codec, schema
from archive.connect import Database
from evolve.core import clock
from evolve.core.errors import ArchiveError

Row = codec.Row

# In the order of their references to each other.
_APPENDED = (
    schema.results,
    schema.measurements,
    schema.gate_queries,
    schema.edges,
    schema.events,
)


class Batch:
    """Rows to write, by table. `add` raises `ArchiveError` for what can not be stored."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.tickets: list[Row] = []
        self.records: list[Row] = []
        self.sources: list[str | None] = []
        self.programs: dict[str, str] = {}
        self.appended: dict[str, list[Row]] = {table.name: [] for table in _APPENDED}
        self.finals: list[tuple[str, str, Mapping[str, Mapping[str, float]]]] = []
        self.ends: list[Row] = []

    def add(self, kind: str, run_id: str, content: Any) -> None:
        """Make rows of an item of the queue; its kind names what `content` is."""
        if kind == "record":
            self._add_record(run_id, content)
        elif kind == "ticket":
            self.tickets.append(codec.ticket_row(run_id, content))
        elif kind == "event":
            name, payload = content
            self._add_event(run_id, name, payload)
        elif kind == "final":
            self.finals.append((run_id, *content))
        elif kind == "end":
            stop_reason, seconds = content
            self.ends.append({"ended": run_id, "stop_reason": stop_reason, "seconds": seconds})

    def _add_record(self, run_id: str, record: Any) -> None:
        self.records.append(codec.record_row(run_id, record))
        source = codec.packed_source(record.candidate.source) if record.candidate else None
        self.sources.append(source)
        if source is not None and record.program_id is not None:
            self.programs.setdefault(record.program_id, source)
        self.appended["results"].extend(codec.result_rows(run_id, record))
        self.appended["measurements"].extend(codec.measurement_rows(run_id, record))
        self.appended["gate_queries"].extend(codec.gate_rows(run_id, record))
        self.appended["edges"].extend(codec.edge_rows(run_id, record))

    def _add_event(self, run_id: str, kind: str, payload: Mapping[str, Any]) -> None:
        try:
            text = codec.packed(payload)
        except (TypeError, ValueError) as error:
            raise ArchiveError(f"an event of kind {kind!r} can not be stored: {error}", "Use JSON values.") from error
        row = {"run_id": run_id, "kind": kind, "payload": text, "recorded_at": clock.utc_now()}
        self.appended["events"].append(row)


def write(connection: Connection, batch: Batch) -> None:
    """Write all rows inside the caller's transaction."""
    stored = _write_programs(connection, batch.programs)
    for row, source in zip(batch.records, batch.sources, strict=True):
        # A text that its program does not already hold is kept with the record: none is lost, none kept twice.
        if source is not None and stored.get(row["program_id"]) != codec.digest(source):
            row["source"] = source
    _append(connection, schema.tickets, batch.tickets)
    _append(connection, schema.records, batch.records)
    for table in _APPENDED:
        _append(connection, table, batch.appended[table.name])
    for run_id, problem_version, results in batch.finals:
        _write_final(connection, run_id, problem_version, results)
    _write_ends(connection, batch)


def _append(connection: Connection, table: Table, rows: list[Row]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _write_programs(connection: Connection, programs: Mapping[str, str]) -> dict[str, str]:
    """Insert programs that are new, and give the digests of the stored texts: another may have been first."""
    if not programs:
        return {}
    table = schema.programs
    # Sorted, so that two processes that write the same programs wait for each other instead of for ever.
    ids = sorted(programs)
    rows = [
        {"program_id": program, "source": programs[program], "source_digest": codec.digest(programs[program])}
        for program in ids
    ]
    connection.execute(schema.insert_or_ignore(connection, table), rows)
    stored = select(table.c.program_id, table.c.source_digest).where(table.c.program_id.in_(ids))
    return {row.program_id: row.source_digest for row in connection.execute(stored)}


def _write_final(
    connection: Connection, run_id: str, problem_version: str, results: Mapping[str, Mapping[str, float]]
) -> None:
    table = schema.final_openings
    highest = select(func.coalesce(func.max(table.c.opening), 0)).where(table.c.problem_version == problem_version)
    opening = (connection.scalar(highest) or 0) + 1
    now = clock.utc_now()
    rows = [
        {
            "problem_version": problem_version,
            "opening": opening,
            "program_id": program,
            "run_id": run_id,
            "metrics": codec.packed_metrics(metrics),
            "opened_at": now,
        }
        for program, metrics in results.items()
    ]
    _append(connection, table, rows)


def _write_ends(connection: Connection, batch: Batch) -> None:
    runs = schema.runs
    if not batch.ends:
        return
    mine = (runs.c.run_id == bindparam("ended")) & (runs.c.lease_owner == batch.database.owner)
    ended = update(runs).where(mine).values(ended_at=clock.utc_now(), lease_owner=None)
    for row in batch.ends:
        if connection.execute(ended, row).rowcount != 1:
            raise ArchiveError(f"run {row['ended']} was taken over by another process", "Let that process end the run.")
