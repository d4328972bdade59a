"""Archives as older versions wrote them are read, are sound, and go on."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import build_record, build_reply
from rich_archive import rich_record

from archive import migrations, moving, schema
from archive.store import Archive
from evaluators.addresses import addresses
from evolve.core.types import Record

STORED = Path(__file__).parent / "stored"
VERSIONS = sorted(int(path.stem.partition("-")[2]) for path in STORED.glob("schema-*.sql"))
REAL = {1: [("72d92f99", 12), ("271409a5", 4)], 2: [("2f6ab25f", 4)], 3: [("2f6ab25f", 4)], 4: [("e58f3356", 4)]}
WRITTEN = "186fbba8"


def quiet(what: str, done: int, total: int) -> None:
    """Nobody looks."""


@pytest.fixture(params=VERSIONS)
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[int, Path]:
    path = tmp_path / "archive.db"
    writer = sqlite3.connect(path)
    writer.executescript((STORED / f"schema-{request.param}.sql").read_text())
    assert writer.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall() == [(str(request.param),)]
    writer.close()
    return request.param, path


def as_kept(record: Record, version: int) -> Record:
    """What a schema had columns for."""
    if version > 2:
        return record
    promotion = record.promotion and replace(record.promotion, question=None)
    return replace(record, promotion=promotion, verdict=replace(record.verdict, extent=None))


def test_every_older_schema_is_stored_and_every_version_has_its_step() -> None:
    assert set(range(1, schema.VERSION)) <= set(VERSIONS)
    assert sorted(migrations.STEPS) == list(range(2, schema.VERSION + 1))


def test_it_reads_as_it_was_written(stored: tuple[int, Path]) -> None:
    version, path = stored
    with Archive.open(path, create=False) as archive:
        found = [(run.id, run.proposals) for run in archive.runs()]
        assert [(run, count) for run, count in found if run != WRITTEN] == REAL[version]
        for run, count in REAL[version]:
            assert len(list(archive.export(run, replies=True))) > count
            assert archive.run(run).stop_reason == "evaluations"
        if version > 1:
            assert list(archive.records(WRITTEN)) == [as_kept(rich_record(number), version) for number in range(8)]
            assert [reply.id for reply in archive.replies(WRITTEN)] == ["0.0", "0.1", "6.0", "6.1"]
            assert archive.replies(WRITTEN)[0].text == build_reply(0).text
    # Ids of the run that was written by hand are made up.
    assert moving.check(path, quiet, addresses if version == 1 else None)[1] == []


def test_it_goes_on_and_travels(stored: tuple[int, Path], tmp_path: Path) -> None:
    _, path = stored
    (run, _) = REAL[stored[0]][-1]
    with Archive.open(path) as archive:
        archive.resume_run(run)
        number = len(list(archive.records(run)))
        ticket = replace(build_record(1).ticket, number=len(list(archive.tickets(run))), parents=())
        record = Record(number, ticket, None, build_record(number).verdict, None)
        archive.journal(run, ticket)
        archive.commit(run, record).result(5)
        archive.end_run(run, "evaluations", 1.0)
        assert list(archive.records(run))[-1] == record
        before = {one.id: list(archive.export(one.id, replies=True)) for one in archive.runs()}
    moving.copy(path, tmp_path / "copy.db", quiet)
    with Archive.open(tmp_path / "copy.db") as archive:
        assert {one.id: list(archive.export(one.id, replies=True)) for one in archive.runs()} == before
