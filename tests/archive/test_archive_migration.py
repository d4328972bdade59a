"""An archive of an older schema is brought up to date: whole or not at all, once, and by one of many."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import sqlalchemy
from sqlalchemy import Engine, create_engine, inspect, select
from sqlalchemy.schema import CreateTable

from archive import schema
from archive.store import Archive
from evolve.core.errors import ArchiveError
from evolve.core.types import Candidate, Failure, ModelReply, Record, Source, Status, Ticket, Verdict

RUN = "0123abcd"
START = Ticket(0, "expand", (), (), "start", None, 5)
NEW_TABLES = ("messages", "replies", "equivalences", "totals", "improvements", "spendings")
NEW_INDICES = ("records_superseding",)
NEW_COLUMNS = {"tickets": ("mends", "idea", "avoid", "told"), "records": ("failed", "gain", "extent")}
NEW_COLUMNS |= {"gate_queries": ("question", "group_count", "fixed", "statistic", "needed")}
# Six tables and three indices, twelve columns, and the version.
STEPS = 22

OPEN = """
import os, signal, sys
import sqlalchemy
from archive.store import Archive

where, last, held = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "held"
steps = 0

def count(connection, cursor, statement, *_):
    global steps
    if statement.split()[0] in ("CREATE", "ALTER", "UPDATE"):
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)

sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", count)
if held:
    print("ready", flush=True)
    sys.stdin.readline()
archive = Archive.open(where)
print(steps, len(list(archive.tickets("0123abcd"))))
archive.close()
"""


def engine_of(where: str) -> Engine:
    url = sqlalchemy.make_url(where if "://" in where else f"sqlite:///{where}")
    return create_engine(url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url)


@pytest.fixture
def old(where: str) -> str:
    """An archive as the schema's first version had it, with one run in it."""
    engine = engine_of(where)
    with engine.begin() as connection:
        for table in schema.metadata.sorted_tables:
            if table.name in NEW_TABLES:
                continue
            connection.execute(CreateTable(table))
            for index in table.indexes:
                if index.name not in NEW_INDICES:
                    index.create(connection)
            for name in NEW_COLUMNS.get(table.name, ()):
                connection.exec_driver_sql(f"ALTER TABLE {table.name} DROP COLUMN {name}")
        for statement in (
            "INSERT INTO meta VALUES ('schema_version', '1')",
            "INSERT INTO problems VALUES ('v', 'p', '2026-01-01')",
            f"INSERT INTO runs VALUES ('{RUN}', 1, 'v', 'p', '{{}}', 1, '2026-01-01T00:00:00+00:00',"
            " '2026-01-01T00:01:00+00:00', 'evaluations', 60.0, NULL, NULL, NULL, NULL, '2026-01-01T00:01:00+00:00')",
            f"INSERT INTO tickets VALUES ('{RUN}', 0, 'expand', '[]', '[]', 'start', NULL, 5)",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return where


def described(where: str) -> tuple[str | None, dict[str, set[str]]]:
    """The version, and the columns of each table."""
    engine = engine_of(where)
    with engine.connect() as connection:
        found = inspect(connection)
        tables = {name: {column["name"] for column in found.get_columns(name)} for name in found.get_table_names()}
        version = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == "schema_version"))
    engine.dispose()
    return version, tables


def goes_on(where: str) -> None:
    """The old run is there, and takes what only the new schema holds."""
    asked = Ticket(1, "expand", (), (), "mutate", "m", 5, 0, "idea", ("a: b",), 1)
    failure = Failure(asked, Status.EDIT_FAILED, "fits nowhere", reply_ids=("1.0",))
    failed = Record(
        1, asked, None, Verdict(Status.EDIT_FAILED, feedback="fits nowhere"), None, failure=failure, gain=0.5
    )
    candidate = Candidate(START, Source({"program.py": "x = 1\n"}, "f"), "start")
    first = Record(0, START, candidate, Verdict(Status.OK, 1.0, stage="train"), "program")
    reply = ModelReply(1, 0, "m", {"messages": [{"role": "user", "content": "do"}]}, "d", "text")
    with Archive.open(where, create=False) as archive, Archive.open(where) as beside:
        assert list(archive.tickets(RUN)) == [START] == list(beside.tickets(RUN))
        archive.resume_run(RUN)
        archive.journal(RUN, asked)
        archive.add_reply(RUN, reply)
        archive.commit(RUN, first)
        archive.commit(RUN, failed).result(5)
        assert list(beside.records(RUN)) == [first, failed]
        assert beside.replies(RUN) == [reply]


def opened(where: str, last: int = 0, held: bool = False) -> subprocess.Popen[str]:
    """A process that opens the archive, and is killed as it begins step `last`; `held` until a line comes."""
    command = [sys.executable, "-c", OPEN, where, str(last), "held" if held else ""]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("create", [True, False])
def test_an_archive_of_the_first_schema_goes_on(old: str, create: bool) -> None:
    before, tables = described(old)
    assert before == "1" and not set(NEW_TABLES) & tables.keys()
    Archive.open(old, create=create).close()
    version, tables = described(old)
    assert version == str(schema.VERSION)
    assert tables == {table.name: set(table.columns.keys()) for table in schema.metadata.sorted_tables}
    goes_on(old)


def test_a_kill_at_any_step_leaves_it_as_it_was(old: str) -> None:
    before = described(old)
    for last in (1, STEPS // 2, STEPS):
        with opened(old, last) as process:
            assert process.communicate(timeout=240)[0] == ""
        assert process.returncode == -signal.SIGKILL
        assert described(old) == before
    with opened(old, STEPS + 1) as process:
        assert process.communicate(timeout=240)[0].split() == [str(STEPS), "1"]
    goes_on(old)


def test_of_many_at_once_one_does_it(old: str) -> None:
    processes = [opened(old, held=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    steps = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        found, _ = process.communicate(timeout=240)
        assert process.returncode == 0
        steps.append(int(found.split()[0]))
    assert sorted(steps) == [0, 0, STEPS]
    goes_on(old)


def test_a_newer_schema_is_refused_with_what_to_do(where: str) -> None:
    Archive.open(where).close()
    engine = engine_of(where)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
        connection.exec_driver_sql("ALTER TABLE tickets ADD COLUMN unheard_of TEXT")
    engine.dispose()
    before = described(where)
    with pytest.raises(ArchiveError, match="schema version 99") as caught:
        Archive.open(where)
    assert f"up to {schema.VERSION}" in caught.value.message
    assert "Upgrade Evolve" in caught.value.remedy
    assert described(where) == before
