"""Whether an archive is what it must be: nothing missing, nothing twice, and no program its own ancestor.

Everything is read once. What is found is told, and nothing is mended: an archive that was only ever written by Evolve
has no findings, so each is a sign of a damaged disk, of another program's hand, or of a defect.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, ForeignKeyConstraint, Table, func, select
from sqlalchemy.exc import DatabaseError

from archive import codec, forms, queries, reading, schema, totals
from archive.ancestry import Ancestry
from archive.contents import BLOCK, Address, Progress, streamed
from evolve.core.types import Record

MOST = 20
"""The most findings of one check that are told."""

BACKUP = "Restore a backup, or go on with another archive: --archive PATH."
COUNT_ANEW = "Its records are not touched by this. A copy counts them anew: evolve archive copy NEW.db --archive THIS"
RECOVER = "Restore a backup, or save what can be read: sqlite3 FILE .recover"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong: found by which check, where, in words, and what mends it."""

    check: str
    where: str
    says: str
    remedy: str = BACKUP

    def to_json(self) -> dict[str, str]:
        """Plain data."""
        return asdict(self)


def findings(connection: Connection, progress: Progress, address: Address | None = None) -> list[Finding]:
    """All that is wrong, at most `MOST` of each check; of a file that is damaged itself nothing further is read.

    `address` recomputes the ids of programs; without it they are believed.
    """
    if damage := _first(_file(connection)):
        return damage
    run_ids = connection.scalars(select(schema.runs.c.run_id).order_by(schema.runs.c.ordinal)).all()
    checks = (
        _references(connection, progress),
        _numbers(connection, progress),
        of_texts(connection, progress),
        _addresses(connection, progress, address),
        _runs(connection, run_ids, progress),
        _totals(connection, run_ids, progress),
    )
    return [found for check in checks for found in _first(check)]


def _first(check: Generator[Finding, None, None]) -> list[Finding]:
    with closing(check):
        return list(islice(check, MOST))


def of_new(connection: Connection, run_ids: Iterable[str], progress: Progress) -> Generator[Finding, None, None]:
    """What is wrong with runs that came from elsewhere, and that neither their tables nor their references show."""
    for run_id in run_ids:
        yield from of_texts(connection, progress, run_id)
        yield from _run(connection, run_id, progress)


def _runs(connection: Connection, run_ids: Iterable[str], progress: Progress) -> Generator[Finding, None, None]:
    for run_id in run_ids:
        yield from _run(connection, run_id, progress)


def _totals(connection: Connection, run_ids: Sequence[str], progress: Progress) -> Generator[Finding, None, None]:
    """What is kept of runs so that nobody need read their records, and is not what these say."""
    for number, run_id in enumerate(run_ids):
        progress("totals", number, len(run_ids))
        for says in totals.differences(connection, run_id):
            yield Finding("totals", f"run {run_id}", says, COUNT_ANEW)


def _file(connection: Connection) -> Generator[Finding, None, None]:
    """What SQLite finds of its own file; a server looks after itself."""
    if connection.dialect.name != "sqlite":
        return
    try:
        said = list(connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})").scalars())
    except DatabaseError as error:  # damage that the very check stumbles over
        said = [str(error.orig)]
    for says in said:
        if says != "ok":
            yield Finding("file", "the database", " ".join(says.split()), RECOVER)


def _references(connection: Connection, progress: Progress) -> Generator[Finding, None, None]:
    """Rows that name others which are not there, such as tickets without their run."""
    for number, table in enumerate(tables := schema.metadata.sorted_tables):
        progress(f"references of {table.name}", number, len(tables))
        for constraint in table.foreign_key_constraints:
            named = constraint.referred_table
            for row in connection.execute(_orphans(table, constraint).limit(MOST)):
                says = f"it names a row of {named.name} that is not there"
                yield Finding("references", f"{table.name}: {_key(table, row)}", says)


@cache
def _orphans(table: Table, constraint: ForeignKeyConstraint) -> Any:
    pairs = [(element.parent, element.column) for element in constraint.elements]
    other = constraint.referred_table.alias()
    there = select(1).where(*(other.c[column.name] == own for own, column in pairs)).exists()
    return select(*table.primary_key.columns).where(*(own.is_not(None) for own, _ in pairs), ~there)


def _key(table: Table, row: Any) -> str:
    return ", ".join(f"{column.name} {value}" for column, value in zip(table.primary_key.columns, row, strict=True))


def _numbers(connection: Connection, progress: Progress) -> Generator[Finding, None, None]:
    """Numbers that must be 0, 1, 2, ... and are not: of records and tickets in a run, and of rows in a record."""
    for number, table in enumerate(tables := schema.metadata.sorted_tables):
        progress(f"numbers of {table.name}", number, len(tables))
        counted = table.c.get("position", table.c.number if table.name in ("records", "tickets") else None)
        if counted is None:
            continue
        groups = [column for column in table.primary_key.columns if column is not counted]
        first, last, rows = func.min(counted), func.max(counted), func.count()
        query = select(*groups, first, last, rows).group_by(*groups).having((first != 0) | (last != rows - 1))
        for row in connection.execute(query.limit(MOST)):
            where = ", ".join(f"{one.name} {value}" for one, value in zip(groups, row, strict=False))
            says = f"{row[-1]} rows are numbered from {row[-3]} to {row[-2]}"
            yield Finding("numbers", f"{table.name}: {where}", says)


def of_texts(connection: Connection, progress: Progress, run_id: str | None = None) -> Generator[Finding, None, None]:
    """What is wrong with the texts of a run, or of all, that no record is read from: see `archive.forms`."""

    def counted(table: str, number: int) -> None:
        progress(f"texts of {table}", number, number)

    for table, key, column, error in forms.strange(connection, counted, run_id):
        says = f"its {column} can not be read ({type(error).__name__}: {str(error)[:200]})"
        yield Finding("texts", f"{table.name}: {_key(table, key)}", says)
    reply = schema.replies
    query = select(*reply.primary_key.columns, reply.c.request)
    messages = set(connection.scalars(select(schema.messages.c.digest)))
    for *key, text in streamed(connection, query if run_id is None else query.where(reply.c.run_id == run_id)):
        try:
            named = forms.request(text)
        except forms.TROUBLES:
            continue  # it was told above
        if not messages.issuperset(named):
            yield Finding("texts", f"{reply.name}: {_key(reply, key)}", "it names a message that is not there")


def _addresses(connection: Connection, progress: Progress, address: Address | None) -> Generator[Finding, None, None]:
    """Programs and messages that are not what their digests and ids say, other layouts of a program's text included."""
    message, program, record = schema.messages.c, schema.programs.c, schema.records.c
    for named, content in streamed(connection, select(message.digest, message.content)):
        if codec.digest(content) != named:
            yield Finding("addresses", f"messages: {named}", "its text is not the one that it is named by")
    for name, digest, text in streamed(connection, select(program.program_id, program.source_digest, program.source)):
        if codec.digest(text) != digest:
            yield Finding("addresses", f"programs: {name}", "its text is not the one that was stored")
    total = connection.scalar(select(func.count()).select_from(schema.programs)) or 0
    layouts = select(record.program_id, record.source).where(record.source.is_not(None), record.program_id.is_not(None))
    both = (select(program.program_id, program.source), layouts)
    for number, (name, text) in enumerate(row for query in both for row in streamed(connection, query)):
        if number % BLOCK == 0:
            progress("programs", number, max(total, number))
        try:
            known = address is None or name in address(reading.source(text))
        except forms.TROUBLES as error:
            yield Finding(
                "addresses", f"programs: {name}", f"its text can not be read ({type(error).__name__}: {error})"
            )
            continue
        if not known:
            yield Finding(
                "addresses", f"programs: {name}", "its text is another program's: its id is not that of its text"
            )


def _run(connection: Connection, run_id: str, progress: Progress) -> Generator[Finding, None, None]:
    """What is wrong with the records of one run, and with who descends from whom."""
    total = queries.record_count(connection, run_id)
    ancestry = Ancestry()
    for first in range(0, total, BLOCK):
        progress(f"run {run_id}", first, total)
        edges = _edges(connection, run_id, first)
        charges = _charges(connection, run_id, first)
        for number, record, trouble in _records(connection, run_id, first):
            said = [trouble] if record is None else _wrong(record, run_id, edges.get(number, []), charges.get(number))
            said += ancestry.add(record) if record is not None else []
            for says in said:
                yield Finding("records", f"run {run_id}, record {number}", says)
    for says in ancestry.cycles():
        yield Finding("descent", f"run {run_id}", says)


def _records(connection: Connection, run_id: str, first: int) -> Iterator[tuple[int, Record | None, str]]:
    """A block of records; where it can not be read, one by one, with what is wrong in place of the record."""
    try:
        for record in reading.records(connection, run_id, first, BLOCK):
            yield record.number, record, ""
        return
    except forms.TROUBLES:
        pass
    for number in range(first, first + BLOCK):
        try:
            for record in reading.records(connection, run_id, number, 1):
                yield number, record, ""
        except forms.TROUBLES as error:
            yield number, None, f"it can not be read ({type(error).__name__}: {str(error)[:200]})"


def _edges(connection: Connection, run_id: str, first: int) -> dict[int, list[codec.Row]]:
    table, found = schema.edges, dict[int, list[codec.Row]]()
    key = table.c.number
    query = select(table).where(table.c.run_id == run_id, key >= first, key < first + BLOCK)
    for row in connection.execute(query).mappings():
        found.setdefault(row["number"], []).append(dict(row))
    return found


def _charges(connection: Connection, run_id: str, first: int) -> dict[int, float]:
    record = schema.records.c
    query = select(record.number, record.evaluations).where(
        record.run_id == run_id, record.number >= first, record.number < first + BLOCK
    )
    return {row.number: row.evaluations for row in connection.execute(query)}


def _wrong(record: Record, run_id: str, edges: list[codec.Row], charge: float | None) -> list[str]:
    """What one record says against itself."""
    said = []
    if record.supersedes is not None and not 0 <= record.supersedes < record.number:
        said.append(f"it supersedes record {record.supersedes}, which is no earlier one")
    if record.verdict.value is not None and abs(record.verdict.value) == float("inf"):
        said.append(f"its score is {record.verdict.value}, which is no score")
    if charge != record.evaluations:
        said.append(f"it is charged {charge} evaluations where {record.evaluations} are due")
    order = ("role", "position")
    wanted = sorted(codec.edge_rows(run_id, record), key=lambda row: [row[name] for name in order])
    if sorted(edges, key=lambda row: [row[name] for name in order]) != wanted:
        said.append("its edges are not the parents and inspirations of its ticket")
    return said
