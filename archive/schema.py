"""The tables. Portable between SQLite and PostgreSQL: text, integers and doubles only.

Free text (ideas, feedback, sources) is kept as a JSON string with everything outside ASCII escaped, so
that a NUL or a lone surrogate, which one of the two databases refuses, comes back as it went in.
Rows are only ever added; in `runs` alone the end and the lease are updated.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Insert,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql, sqlite

VERSION = 1

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

problems = Table(
    "problems",
    metadata,
    Column("problem_version", String, primary_key=True),
    Column("problem", String, nullable=False),
    Column("first_seen_at", String, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", String, primary_key=True),
    # Order of begin: dates are to the second, and two runs may share one.
    Column("ordinal", BigInteger, nullable=False),
    Column("problem_version", String, ForeignKey("problems.problem_version"), nullable=False),
    Column("problem", String, nullable=False),
    Column("config", Text, nullable=False),
    Column("run_seed", BigInteger, nullable=False),
    Column("started_at", String, nullable=False),
    Column("ended_at", String),
    Column("stop_reason", String),
    Column("seconds", Double),
    Column("lease_owner", String),
    Column("lease_host", String),
    Column("lease_pid", BigInteger),
    Column("lease_start", String),
    Column("lease_at", String),
)

tickets = Table(
    "tickets",
    metadata,
    Column("run_id", String, ForeignKey("runs.run_id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("parents", Text, nullable=False),
    Column("inspirations", Text, nullable=False),
    Column("operator", String, nullable=False),
    Column("model", String),
    Column("seed", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

programs = Table(
    "programs",
    metadata,
    Column("program_id", String, primary_key=True),
    Column("source", Text, nullable=False),
    # Digest of `source`: two texts with one program id (they differ in layout) are told apart by it.
    Column("source_digest", String, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("ticket_number", BigInteger, nullable=False),
    Column("program_id", String, ForeignKey("programs.program_id")),
    Column("skeleton_id", String),
    Column("status", String, nullable=False),
    Column("value", Double),
    Column("metrics", Text, nullable=False),
    Column("feedback", Text, nullable=False),
    Column("stage", String, nullable=False),
    Column("evaluation_set", String, nullable=False),
    Column("outcome", Double),
    Column("supersedes", BigInteger),
    # What the record is charged, in evaluations; kept so that lists of runs need not decode records.
    Column("evaluations", Double, nullable=False),
    # The candidate: all null where there was none. `source` is null where it is the program's own text.
    Column("idea", Text),
    Column("reply_ids", Text),
    Column("source", Text),
    Column("cost_evaluations", Double),
    Column("cost_tokens", BigInteger),
    Column("cost_usd", Double),
    ForeignKeyConstraint(["run_id", "ticket_number"], ["tickets.run_id", "tickets.number"]),
    Index("records_by_program", "program_id", "run_id", "number"),
)


def _of_record() -> tuple[Column[str], Column[int], ForeignKeyConstraint]:
    """The key columns of a table whose rows belong to one record."""
    return (
        Column("run_id", String, primary_key=True),
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        ForeignKeyConstraint(["run_id", "number"], ["records.run_id", "records.number"]),
    )


edges = Table(
    "edges",
    metadata,
    *_of_record(),
    Column("role", String, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("child_id", String, ForeignKey("programs.program_id"), nullable=False),
    Column("parent_id", String, ForeignKey("programs.program_id"), nullable=False),
    Index("edges_by_parent", "parent_id", "run_id"),
    sqlite_with_rowid=False,
)

results = Table(
    "results",
    metadata,
    *_of_record(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("instance_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("score", Double),
    Column("cpu_seconds", Double, nullable=False),
    Column("wall_seconds", Double, nullable=False),
    Column("peak_bytes", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

measurements = Table(
    "measurements",
    metadata,
    *_of_record(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("skeleton_id", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("vectors", BigInteger, nullable=False),
    Column("evaluations", Double, nullable=False),
    # Null stands for not-a-number, which SQLite can not hold: no vector had a loss.
    Column("best_loss", Double),
    sqlite_with_rowid=False,
)

gate_queries = Table(
    "gate_queries",
    metadata,
    *_of_record(),
    Column("accepted", Boolean, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("evaluation_set", String, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)

final_openings = Table(
    "final_openings",
    metadata,
    Column("problem_version", String, primary_key=True),
    # Number of this opening of the problem version's final set, from 1.
    Column("opening", BigInteger, primary_key=True, autoincrement=False),
    Column("program_id", String, primary_key=True),
    Column("run_id", String, ForeignKey("runs.run_id"), nullable=False),
    Column("metrics", Text, nullable=False),
    Column("opened_at", String, nullable=False),
    Index("final_openings_by_run", "run_id"),
)

events = Table(
    "events",
    metadata,
    Column("event_id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String, ForeignKey("runs.run_id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("payload", Text, nullable=False),
    Column("recorded_at", String, nullable=False),
    Index("events_by_run", "run_id"),
)


def insert_or_ignore(connection: Connection, table: Table) -> Insert:
    """An insert that leaves a row with the same key as it is. Both databases know the clause."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return make(table).on_conflict_do_nothing()
