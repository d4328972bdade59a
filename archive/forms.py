"""The form of each stored text that no record is read from: JSON of a certain kind, or a moment.

A text fits its column whatever it says, so an archive that another program had its hand in may hold any. What reads it
later, a page for one, relies on these forms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, select

from archive import reading, schema
from archive.contents import BLOCK, streamed

TROUBLES = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What reading a text raises that has not the form that is due."""

_Read = Callable[[str], Any]


def request(text: str) -> list[str]:
    """The digests of the messages of a stored request."""
    messages = reading.unpacked_object(text)["messages"]
    return [message["content"] for message in messages]


_FORMS: Mapping[Table, Mapping[str, _Read]] = {
    schema.runs: {
        "config": reading.unpacked_object,
        "started_at": datetime.fromisoformat,
        "ended_at": datetime.fromisoformat,
        "lease_at": datetime.fromisoformat,
    },
    schema.tickets: {
        "parents": reading.unpacked_texts,
        "inspirations": reading.unpacked_texts,
        "idea": reading.unpacked_text,
        "avoid": reading.unpacked_texts,
    },
    schema.replies: {"request": request, "text": reading.unpacked_text, "recorded_at": datetime.fromisoformat},
    schema.final_openings: {"metrics": reading.metrics, "opened_at": datetime.fromisoformat},
    schema.events: {"payload": reading.unpacked_object, "recorded_at": datetime.fromisoformat},
}


class Strange(NamedTuple):
    """A text that can not be read: its table, key, column, and why."""

    table: Table
    key: tuple[Any, ...]
    column: str
    error: Exception


def strange(
    connection: Connection, progress: Callable[[str, int], None], run_id: str | None = None
) -> Iterator[Strange]:
    """The texts of a run, or of all, that have not the form that is due.

    `progress` is called with each table and the number of its rows so far.
    """
    for table, readers in _FORMS.items():
        keys = table.primary_key.columns
        query = select(*keys, *(table.c[name] for name in readers)).order_by(*keys)
        if run_id is not None:
            query = query.where(table.c.run_id == run_id)
        for number, row in enumerate(streamed(connection, query)):
            if number % BLOCK == 0:
                progress(table.name, number)
            yield from _strange_in(table, readers, row)


def _strange_in(table: Table, readers: Mapping[str, _Read], row: Row[Any]) -> Iterator[Strange]:
    """Null, where a column may be null, says nothing."""
    key, texts = tuple(row[: -len(readers)]), row[-len(readers) :]
    for (column, read), text in zip(readers.items(), texts, strict=True):
        try:
            if text is not None:
                read(text)
        except TROUBLES as error:
            yield Strange(table, key, column, error)
