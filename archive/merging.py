"""Rows of one archive put into another: runs by their ids, programs shared, and what is in both must be equal.

A run that is new comes whole. One that is in both is compared row by row and must not differ: what two machines went on
with apart is no single run any more. Openings of the final set are counted per problem version over all runs, so those
that come are numbered after those that are there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from typing import NoReturn

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import IntegrityError

from archive import contents, forms, reading, schema
from archive.batch import append
from archive.codec import digest
from archive.contents import Address, Progress, Row
from evolve.core.errors import ArchiveError

_OWN = frozenset({"lease_at", "opening"})
"""Columns in which a run may differ from itself in another archive."""


@dataclass(slots=True)
class Merged:
    """What came: ids of new runs, ids of those that were there, and rows that were added, by table."""

    new: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    added: dict[str, int] = field(default_factory=dict)


def merge(
    connection: Connection,
    given: Iterable[tuple[Table, list[Row]]],
    source: str,
    total: int,
    progress: Progress,
    address: Address | None = None,
) -> Merged:
    """Put all rows that are given in the order of `contents.tables` into the archive of a transaction that writes.

    `source` names where they come from. `address` recomputes the ids of programs; without it they are believed.
    Raises `ArchiveError` where they do not fit together or differ from what is there; the caller's transaction must be
    rolled back then.
    """
    done = 0
    with closing(_Here(connection)) as here:
        merging = _Merging(connection, source, address, here)
        for table, rows in given:
            merging.take(table, rows)
            done += len(rows)
            progress(table.name, done, total)
        merging.finish()
    return merging.merged


class _Merging:
    def __init__(self, connection: Connection, source: str, address: Address | None, here: _Here) -> None:
        self.connection, self.source, self._address = connection, source, address
        self.merged = Merged()
        self._ordinal = connection.scalar(select(func.coalesce(func.max(schema.runs.c.ordinal), 0))) or 0
        self._known: set[str] = set()
        # By program whose text is here in another layout: the digest of the text that is here, and the text that comes.
        self._layouts: dict[str, tuple[str, str]] = {}
        self._finals: list[Row] = []
        self._here = here

    def take(self, table: Table, rows: list[Row]) -> None:
        """The next block of a table."""
        if table is schema.runs:
            self._take_runs(rows)
        elif table.name in contents.SHARED:
            self._take_shared(table, rows)
        else:
            self._take_rows(table, rows)

    def finish(self) -> None:
        """After the last block."""
        if (more := self._here.left(self._known)) is not None:
            self._differs(*more)
        self._write_finals()

    def _take_runs(self, rows: list[Row]) -> None:
        for row in rows:
            name = row["run_id"]
            if name in self._known or name in self.merged.new:
                self._broken(f"run {name} is there twice")
            if (here := self._here.run(name)) is not None:
                if _shared_columns(here) != _shared_columns(row):
                    self._differs(schema.runs, name, "in what it was begun with or how it ended")
                self._known.add(name)
                self.merged.known.append(name)
            else:
                self._ordinal += 1
                self._add(schema.runs, [{**row, "ordinal": self._ordinal}])
                self.merged.new.append(name)

    def _take_shared(self, table: Table, rows: list[Row]) -> None:
        """Rows that are named by a digest: those that are here already are equal, but for a program's layout."""
        for row in rows:
            content, named = _content(table, row)
            if content is not None and digest(content) != named:
                self._broken(f"the text of {table.name.rstrip('s')} {next(iter(row.values()))} is not what was stored")
            if table is schema.programs:
                self._check_id(row["program_id"], row["source"])
            elif table is schema.messages:
                self._check_message(row["digest"], row["content"])
        new = self._add(table, rows, once=True)
        if table is schema.programs and new < len(rows):
            ids, texts = [row["program_id"] for row in rows], {row["program_id"]: row for row in rows}
            stored = select(table.c.program_id, table.c.source_digest).where(table.c.program_id.in_(ids))
            for program, known in self.connection.execute(stored):
                if known != texts[program]["source_digest"]:
                    self._layouts[program] = known, texts[program]["source"]

    def _take_rows(self, table: Table, rows: list[Row]) -> None:
        for name, some in groupby(rows, key=lambda row: row["run_id"]):
            block = list(some)
            if table is schema.records:
                block = [self._laid_out(row) for row in block]
            if name in self._known:
                if (wrong := self._here.unlike(table, name, block)) is not None:
                    self._differs(table, name, wrong)
            elif name not in self.merged.new:
                self._broken(f"table {table.name} has rows of run {name}, and there is no such run")
            elif table is schema.final_openings:
                self._finals += block
            else:
                self._add(table, block)

    def _check_id(self, program_id: str, text: str) -> None:
        try:
            if self._address is None or program_id in self._address(reading.source(text)):
                return
        except forms.TROUBLES as error:
            self._broken(f"the text of program {program_id} can not be read ({type(error).__name__})")
        self._broken(f"the text of program {program_id} is another program's")

    def _check_message(self, named: str, text: str) -> None:
        try:
            reading.unpacked_text(text)
        except forms.TROUBLES as error:
            self._broken(f"the text of message {named} can not be read ({type(error).__name__})")

    def _laid_out(self, row: Row) -> Row:
        """The record with its program's text beside it where that is not the text that is here, and only there."""
        if row["source"] is not None and row["program_id"] is not None:
            self._check_id(row["program_id"], row["source"])
        layout = self._layouts.get(row["program_id"] or "")
        if layout is None or row["idea"] is None or row.get("failed"):
            return row
        here, came = layout
        text = came if row["source"] is None else row["source"]
        return {**row, "source": None if digest(text) == here else text}

    def _write_finals(self) -> None:
        """Number the openings that came after those that are here, in their own order."""
        table = schema.final_openings
        highest = select(func.coalesce(func.max(table.c.opening), 0))
        self._finals.sort(key=lambda row: (row["problem_version"], row["opening"]))
        for version, rows in groupby(self._finals, key=lambda row: row["problem_version"]):
            last = self.connection.scalar(highest.where(table.c.problem_version == version)) or 0
            for place, (_, some) in enumerate(groupby(rows, key=lambda row: row["opening"]), last + 1):
                self._add(table, [{**row, "opening": place} for row in some])

    def _add(self, table: Table, rows: list[Row], once: bool = False) -> int:
        """Write rows, with `once` those that are not there; the number of new ones."""
        try:
            added = append(self.connection, table, rows, once)
        except IntegrityError as error:
            reason = " ".join(str(error.orig).split())[:200]
            self._broken(f"a row of table {table.name} is there twice, or refers to what is not there ({reason})")
        self.merged.added[table.name] = self.merged.added.get(table.name, 0) + added
        return added

    def _broken(self, what: str) -> NoReturn:
        raise ArchiveError(
            f"{self.source} can not be taken in: {what}",
            "Nothing was changed. See what else is wrong with it: evolve archive check --archive THERE",
        ) from None

    def _differs(self, table: Table, run_id: str, how: str) -> NoReturn:
        raise ArchiveError(
            f"run {run_id} is in both archives and is not the same: table {table.name} differs {how}",
            "Nothing was changed. Keep the two archives apart, or take the newer one alone.",
        )


class _Here:
    """The rows of runs that are in both archives, read beside those that come."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Generator[Row, None, None] | None = None
        self._at: tuple[Table | None, str] = None, ""
        self._read: dict[tuple[str, str], int] = {}

    def run(self, run_id: str) -> Row | None:
        """The row of a run; None where there is no such run."""
        with closing(self._stream(schema.runs, run_id)) as rows:
            return next(rows, None)

    def unlike(self, table: Table, run_id: str, rows: list[Row]) -> str | None:
        """Where the next rows of a run differ from those that are here; None where they do not."""
        if self._rows is None or self._at != (table, run_id):
            self.close()
            self._at, self._rows = (table, run_id), self._stream(table, run_id)
        for row in rows:
            if (here := next(self._rows, None)) is None or _shared_columns(here) != _shared_columns(row):
                return f"at {_key(table, row)}"
        place = table.name, run_id
        self._read[place] = self._read.get(place, 0) + len(rows)
        return None

    def close(self) -> None:
        """End the reading of a run."""
        if self._rows is not None:
            self._rows.close()

    def _stream(self, table: Table, run_id: str) -> Generator[Row, None, None]:
        with closing(contents.blocks(self._connection, table, run_id)) as blocks:
            for block in blocks:
                yield from block

    def left(self, run_ids: Iterable[str]) -> tuple[Table, str, str] | None:
        """A table that has more rows of one of these runs than came; None where there is none."""
        for table in contents.tables():
            if table is schema.runs or "run_id" not in table.c:
                continue
            for run_id in run_ids:
                here = select(func.count()).select_from(table).where(table.c.run_id == run_id)
                came = self._read.get((table.name, run_id), 0)
                if (self._connection.scalar(here) or 0) != came:
                    return table, run_id, f"in that it goes on after row {came} of the run that came"
        return None


def _shared_columns(row: Row) -> Row:
    """What must be equal. A column that an older archive lacks is null."""
    return {name: value for name, value in row.items() if name not in _OWN and value is not None}


def _content(table: Table, row: Row) -> tuple[str | None, str]:
    """The text that a row is named by, and its digest; no text where only the problem's files have it."""
    if table is schema.programs:
        return row["source"], row["source_digest"]
    if table is schema.messages:
        return row["content"], row["digest"]
    return None, ""


def _key(table: Table, row: Row) -> str:
    names = [column.name for column in table.primary_key.columns if column.name != "run_id" and column.name in row]
    return ", ".join(f"{name} {row[name]}" for name in names) or "one of its rows"
