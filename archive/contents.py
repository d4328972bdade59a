"""What an archive holds, as rows that fit any other archive: the same on SQLite and PostgreSQL, in a fixed order.

A table travels if its rows belong to a run (it has a column `run_id`) or are named by those that do (`SHARED`). What
numbers or leases the rows of one database alone (`LOCAL`) stays behind, and so do `meta`, which says what it is, and
what is made of other tables (`schema.DERIVED`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, func, select

from archive import schema
from evolve.core.types import Source

Row = dict[str, Any]
Progress = Callable[[str, int, int], None]
"""Called with what is done now, and how many rows of how many are."""

Address = Callable[[Source], Iterable[str]]
"""The ids that a program's text may have: which one depends on the kind of its problem."""

BLOCK = 1000
"""Rows read or written at once."""

SHARED = frozenset({"problems", "programs", "messages"})
"""Tables whose rows many runs name, by a digest of what they hold."""

LOCAL: Mapping[str, frozenset[str]] = {
    "runs": frozenset({"ordinal", "lease_owner", "lease_host", "lease_pid", "lease_start"}),
    "events": frozenset({"event_id"}),
}


def tables() -> list[Table]:
    """The tables that travel, each after those that its rows refer to."""
    found = [table for table in schema.metadata.sorted_tables if table.name in SHARED or "run_id" in table.c]
    return [table for table in found if table.name not in schema.DERIVED]


def columns(table: Table) -> list[Column[Any]]:
    """The columns that travel, in the order of the table."""
    return [column for column in table.columns if column.name not in LOCAL.get(table.name, ())]


def count(connection: Connection) -> int:
    """How many rows travel."""
    return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables())


def blocks(connection: Connection, table: Table, run_id: str | None = None) -> Generator[list[Row], None, None]:
    """The rows of a table, of one run or of all, in blocks: runs in the order of their begin, other rows run by run.

    They are streamed: of a large table only a block is in memory. Who leaves them before their end closes them.
    """
    query = select(*columns(table)).order_by(*_order(table))
    if run_id is not None:
        query = query.where(table.c.run_id == run_id)
    found = connection.execute(query, execution_options={"stream_results": True, "yield_per": BLOCK})
    try:
        for rows in found.mappings().partitions(BLOCK):
            yield [dict(row) for row in rows]
    finally:
        found.close()


def streamed(connection: Connection, query: Any) -> Generator[Any, None, None]:
    """The rows of a query, of which only a block is in memory. Who leaves them before their end closes them."""
    found = connection.execute(query, execution_options={"stream_results": True, "yield_per": BLOCK})
    try:
        yield from found
    finally:
        found.close()


def _order(table: Table) -> list[ColumnElement[Any]]:
    if table.name == "runs":
        return [table.c.ordinal, table.c.run_id]
    keys: list[ColumnElement[Any]] = list(table.primary_key.columns)
    return [table.c.run_id, *keys] if "run_id" in table.c else keys
