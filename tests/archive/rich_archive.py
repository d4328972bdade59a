"""Archives with something in every table, and what is asked of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import sqlalchemy
from conftest import build_record, build_reply
from sqlalchemy import Engine, create_engine, select

from archive import contents, schema
from archive.store import Archive
from evolve.core.extent import Extent
from evolve.core.types import Failure, Promotion, Question, Record, Source, Status, Ticket, Verdict


def engine_of(where: str | Path) -> Engine:
    """Behind the archive's back. Foreign keys are not looked after."""
    text = str(where)
    url = sqlalchemy.make_url(text if "://" in text else f"sqlite:///{text}")
    return create_engine(url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url)


def rows_of(where: str | Path, table: sqlalchemy.Table) -> list[tuple[object, ...]]:
    """All that travels of a table, sorted."""
    engine = engine_of(where)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(select(*contents.columns(table)))]
    engine.dispose()
    return sorted(found, key=repr)


def change(where: str | Path, *statements: str) -> None:
    """Change rows behind the archive's back."""
    engine = engine_of(where)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def rich_record(number: int) -> Record:
    """Every fourth asked the gate, every fifth stands on a part of train, one is superseded, one is a failure."""
    record = build_record(number)
    if number == 6:
        ticket = Ticket(6, "expand", record.ticket.parents, (), "write", "m", 5, 2, "idea: é \ud800 \x00", ("a: b",), 4)
        failure = Failure(ticket, Status.EDIT_FAILED, "fits nowhere", reply_ids=("6.0",))
        verdict = Verdict(Status.EDIT_FAILED, feedback="fits nowhere")
        return Record(6, ticket, None, verdict, None, failure=failure, gain=0.5)
    if number == 7:
        measured = Ticket(7, "measure", (), (), "check", None, 8)
        return Record(7, measured, None, Verdict(Status.FORBIDDEN, feedback="looked ahead"), "0003" * 8, supersedes=3)
    if number % 4 == 1:
        question = Question(number, 12, False, 3.5, 3.0)
        record = replace(record, promotion=Promotion(True, {"error": float("inf")}, "gate set", "z = 4", question))
    if number % 5 == 2:
        record = replace(record, verdict=replace(record.verdict, extent=Extent(3, 9, 3, {"error": 0.5})))
    return record


def write_run(archive: Archive, count: int = 12, ended: bool = True, seed: int = 1) -> str:
    """A run with something in every table; its id."""
    run_id = archive.begin_run(problem="p", problem_version="v", config={"seed": seed}, run_seed=-seed)
    for number in range(count):
        record = rich_record(number)
        archive.journal(run_id, record.ticket)
        for attempt in range(2 if number % 6 == 0 else 0):
            archive.add_reply(run_id, build_reply(number, attempt))
        archive.commit(run_id, record)
    archive.add_event(run_id, "sandbox", {"sandbox": "docker"})
    if ended:
        archive.open_final(run_id, "v", {"0001" * 8: {"error": 0.25}})
        archive.end_run(run_id, "budget", 1.5)
    return run_id


def filled(where: str | Path, runs: int = 1, count: int = 12) -> list[str]:
    """An archive of that many runs that ended; their ids."""
    with Archive.open(where) as archive:
        return [write_run(archive, count, seed=number + 1) for number in range(runs)]


def relaid(record: Record) -> Record:
    """The record with its program in another layout: the same program, another text."""
    if record.candidate is None:
        return record
    files = {name: f"{text}# a comment\n" for name, text in record.candidate.source.files.items()}
    source = Source(files, record.candidate.source.entry)
    return replace(record, candidate=replace(record.candidate, source=source))


def shown(where: str | Path) -> dict[str, list[str]]:
    """By run, all lines of its export with replies."""
    with Archive.open(where, create=False) as archive:
        return {run.id: list(archive.export(run.id, replies=True)) for run in archive.runs()}


def tables() -> list[sqlalchemy.Table]:
    """Those that travel."""
    return contents.tables()


NOT_TRAVELLING = {table.name for table in schema.metadata.sorted_tables} - {table.name for table in contents.tables()}
