"""The tables. Portable between SQLite and PostgreSQL: text, integers and doubles only.

Free text (ideas, feedback, sources) is kept as a JSON string with everything outside ASCII escaped, so
that a NUL or a lone surrogate, which one of the two databases refuses, comes back as it went in.
Rows are only ever added; in `runs` alone the end and the lease are updated. What `DERIVED` names follows from the
others and is kept up with them: see `archive.totals`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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

VERSION = 5
"""2 added what models propose: replies, failed proposals that were paid for, and more of tickets. 3 added questions to
the gate, and how much of train a verdict stands on. 4 added what programs compute, and whose score was taken over. 5
added what follows from the rest, so that a look at a large archive need not read it, and two indices."""

DERIVED = frozenset({"totals", "improvements", "spendings"})
"""Tables that are made of the others: of runs that come from elsewhere they are made anew."""

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
    Column("mends", BigInteger),
    # JSON texts; null stands for nothing.
    Column("idea", Text),
    Column("avoid", Text),
    Column("told", BigInteger),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    # Content-addressed, as the programs are: what all prompts of a run begin with is kept once.
    Column("digest", String, primary_key=True),
    Column("content", Text, nullable=False),
)

replies = Table(
    "replies",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("ticket_number", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("model", String, nullable=False),
    # The request as JSON, with the digest of each message's content in its place.
    Column("request", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("finish", String, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    # Null where the price is unknown.
    Column("usd", Double),
    Column("seconds", Double, nullable=False),
    Column("recorded_at", String, nullable=False),
    ForeignKeyConstraint(["run_id", "ticket_number"], ["tickets.run_id", "tickets.number"]),
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
    # The candidate, or a failure that was paid for (`failed`): all null where there was neither. `source` is null where
    # it is the program's own text, `cost_usd` where it is unknown.
    Column("idea", Text),
    Column("reply_ids", Text),
    Column("source", Text),
    Column("cost_evaluations", Double),
    Column("cost_tokens", BigInteger),
    Column("cost_usd", Double),
    Column("failed", Boolean),
    Column("gain", Double),
    # JSON; null where train was measured at once.
    Column("extent", Text),
    ForeignKeyConstraint(["run_id", "ticket_number"], ["tickets.run_id", "tickets.number"]),
    Index("records_by_program", "program_id", "run_id", "number"),
)
# The few that have the last word on a program.
Index(
    "records_superseding",
    records.c.run_id,
    records.c.program_id,
    sqlite_where=records.c.supersedes.is_not(None),
    postgresql_where=records.c.supersedes.is_not(None),
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
    # Null where no hidden instance was asked.
    Column("question", BigInteger),
    Column("group_count", Integer),
    Column("fixed", Boolean),
    Column("statistic", Double),
    Column("needed", Double),
    sqlite_with_rowid=False,
)

equivalences = Table(
    "equivalences",
    metadata,
    *_of_record(),
    Column("position", Integer, primary_key=True, autoincrement=False),
    # One of `archive.equivalence.Kind`.
    Column("kind", String, nullable=False),
    Column("evaluation_set", String, nullable=False),
    Column("function_key", String, nullable=False),
    Column("exact_key", String, nullable=False),
    # The record of the same run that it is about; null where it is the one beside which it stands.
    Column("about", BigInteger),
    # Whose score was taken over, or compared with; without a run it is a record of the same one.
    Column("origin_run_id", String),
    Column("origin_number", BigInteger),
    # Evaluations and wall seconds that were saved; below zero where the evaluation was made later after all.
    Column("saved", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Index("equivalences_by_set", "evaluation_set", "kind"),
    Index("equivalences_by_function", "function_key"),
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

totals = Table(
    "totals",
    metadata,
    Column("run_id", String, ForeignKey("runs.run_id"), primary_key=True),
    Column("status", String, primary_key=True),
    Column("records", BigInteger, nullable=False),
    # Of them, those that end a proposal, and those that brought a program which the run did not have.
    Column("proposals", BigInteger, nullable=False),
    Column("programs", BigInteger, nullable=False),
    # Null where infinities of both signs met, as in `seconds` below.
    Column("evaluations", Double),
    sqlite_with_rowid=False,
)

improvements = Table(
    "improvements",
    metadata,
    *_of_record(),
    Column("program_id", String, ForeignKey("programs.program_id"), nullable=False),
    # Charged to the run up to and including the record.
    Column("evaluations", Double),
    Column("value", Double, nullable=False),
    sqlite_with_rowid=False,
)

spendings = Table(
    "spendings",
    metadata,
    Column("run_id", String, ForeignKey("runs.run_id"), primary_key=True),
    Column("model", String, primary_key=True),
    Column("replies", BigInteger, nullable=False),
    Column("prompt_tokens", BigInteger, nullable=False),
    Column("completion_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    # The sum of what is known, and the replies whose price is not.
    Column("usd", Double, nullable=False),
    Column("unpriced", BigInteger, nullable=False),
    Column("seconds", Double),
    sqlite_with_rowid=False,
)


def insert_or_ignore(dialect: str, table: Table) -> Insert:
    """An insert that leaves a row with the same key as it is. Both databases know the clause."""
    make = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return make(table).on_conflict_do_nothing()


def insert_or_add(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that adds the columns outside the key to those of a row with the same key."""
    made = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    keys = table.primary_key.columns.keys()
    sums = {column.name: column + made.excluded[column.name] for column in table.c if column.name not in keys}
    return made.on_conflict_do_update(index_elements=keys, set_=sums)
