"""Older archives, brought up to date: numbered steps, each of which adds what its version of the schema brought.

A step names tables, columns and indices; what they are stands in `archive.schema`. Columns that are added are null in
old rows; tables that are made of others (`archive.totals`) are filled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select, update

from archive import schema, totals


class Step(NamedTuple):
    """What a version has that the one before it lacks: whole tables, and columns and indices by table."""

    tables: tuple[str, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = {}
    indices: Mapping[str, str] = {}


STEPS: Mapping[int, Step] = {
    # What models propose: replies, failed proposals that were paid for, and more of tickets.
    2: Step(
        ("messages", "replies"),
        {"tickets": ("mends", "idea", "avoid", "told"), "records": ("failed", "gain")},
    ),
    # Questions to the gate, and how much of train a verdict stands on.
    3: Step(
        columns={
            "records": ("extent",),
            "gate_queries": ("question", "group_count", "fixed", "statistic", "needed"),
        },
    ),
    # Scores that programs with the same outputs take over.
    4: Step(("equivalences",)),
    # What follows from the rest, and ways to the last word on a program and to those that compute the same.
    5: Step(
        ("totals", "improvements", "spendings"),
        indices={"records": "records_superseding", "equivalences": "equivalences_by_function"},
    ),
}
"""By the version that each leads to."""

_TOTALLED = 5
"""The first version with totals."""

_STORED = select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")


def migrate(engine: Engine) -> None:
    """Carry out the steps that an archive lacks, in one transaction. What is there stays as it is."""
    with engine.connect() as connection:
        if connection.scalar(_STORED) == str(schema.VERSION):
            return
    with engine.execution_options(evolve_write=True).begin() as connection:
        # Another process may have been first; on PostgreSQL it is waited for here.
        stored = int(connection.scalar(_STORED.with_for_update()) or 0)
        if stored == schema.VERSION:
            return
        for version in range(stored + 1, schema.VERSION + 1):
            _carry_out(connection, STEPS[version])
        if stored < _TOTALLED:
            for run_id in connection.scalars(select(schema.runs.c.run_id)).all():
                totals.rebuild(connection, run_id)
        connection.execute(
            update(schema.meta).where(schema.meta.c.key == "schema_version").values(value=str(schema.VERSION))
        )


def _carry_out(connection: Connection, step: Step) -> None:
    tables = schema.metadata.tables
    schema.metadata.create_all(connection, [tables[name] for name in step.tables])
    for name, columns in step.columns.items():
        for column in columns:
            kind = tables[name].c[column].type.compile(connection.dialect)
            connection.exec_driver_sql(f'ALTER TABLE {name} ADD COLUMN "{column}" {kind}')
    for name, index in step.indices.items():
        # A table that an earlier step made has all that this version knows.
        next(one for one in tables[name].indexes if one.name == index).create(connection, checkfirst=True)
