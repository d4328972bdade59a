"""One file, two archives, another database: what is taken in is equal to what was there, or nothing is."""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import build_record
from rich_archive import NOT_TRAVELLING, change, filled, relaid, rows_of, shown, tables, write_run

from archive import contents, moving, schema
from archive.export import Seal
from archive.rows import RunStatus
from archive.store import Archive
from evaluators.addresses import addresses
from evolve.core.errors import ArchiveError, UsageError
from evolve.core.types import Record

MakeRecord = Callable[..., Record]


def quiet(what: str, done: int, total: int) -> None:
    assert what and 0 <= done <= total


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of one run, to be copied."""
    path = tmp_path_factory.mktemp("written") / "archive.db"
    filled(path)
    return path


@pytest.fixture(scope="module")
def file(written: Path) -> Path:
    """Its export."""
    return exported(written, written.with_name("file.gz"))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Another archive of one run."""
    path = tmp_path / "target.db"
    filled(path)
    return path


def exported(where: str | Path, path: Path) -> Path:
    moving.export(where, path, quiet)
    return path


def lines_of(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def sealed(path: Path, lines: list[str]) -> Path:
    """A file of these lines with a seal that fits them."""
    seal = Seal()
    for line in lines:
        seal.add(line)
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in [*lines, json.dumps(seal.line())]).encode()))
    return path


def same_rows(one: str | Path, other: str | Path) -> None:
    for table in tables():
        assert rows_of(one, table) == rows_of(other, table), table.name


def test_what_travels_is_all_but_what_belongs_to_one_database() -> None:
    assert {"meta", *schema.DERIVED} == NOT_TRAVELLING
    local = {name: {column.name for column in schema.metadata.tables[name].columns} for name in contents.LOCAL}
    assert all(contents.LOCAL[name] < local[name] for name in local)


def test_a_file_gives_the_same_archive_again(where: str, tmp_path: Path) -> None:
    """From either database into SQLite, and the file of that is the same file."""
    ids = filled(where, 3)
    first, again, third = tmp_path / "first.gz", tmp_path / "again.db", tmp_path / "third.gz"
    held = moving.export(where, first, quiet)
    assert (held.runs, held.records, held.programs) == (3, 36, 10)
    merged = moving.bring_in(first, again, quiet)
    assert (merged.new, merged.known, merged.added["records"]) == (ids, [], 36)
    same_rows(where, again)
    assert shown(again) == shown(where)
    assert exported(again, third).read_bytes() == first.read_bytes()
    assert moving.check(again, quiet)[1] == []


@pytest.mark.postgres
def test_a_copy_holds_the_same_and_goes_on(postgres_url: str, tmp_path: Path, make_record: MakeRecord) -> None:
    there = tmp_path / "archive.db"
    ids = filled(there, 2)
    assert moving.copy(there, postgres_url, quiet).new == ids
    back = tmp_path / "back.db"
    moving.copy(postgres_url, back, quiet)
    same_rows(there, postgres_url)
    same_rows(there, back)
    for where in (postgres_url, back):
        with Archive.open(where) as archive:
            assert archive.run("last").id == ids[1]
            archive.resume_run(ids[0])
            record = make_record(12)
            archive.journal(ids[0], record.ticket)
            archive.commit(ids[0], record).result(5)
            archive.add_event(ids[0], "sandbox", {"sandbox": "none"})
            archive.end_run(ids[0], "budget", 2.0)
            assert [kind for kind, _ in archive.events(ids[0])] == ["sandbox", "sandbox"]


def test_a_copy_needs_an_archive_without_runs_and_another_one(tmp_path: Path) -> None:
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    filled(one)
    filled(other)
    with pytest.raises(UsageError, match="holds runs already") as caught:
        moving.copy(one, other, quiet)
    assert "evolve archive merge" in caught.value.remedy
    for call in (moving.copy, moving.merge):
        with pytest.raises(UsageError, match="both source and target"):
            call(one, f"sqlite:///{one}", quiet)


def test_two_archives_become_one(where: str, tmp_path: Path) -> None:
    """Programs are shared, runs keep their order, openings of the final set are counted on, and twice is once."""
    other = tmp_path / "other.db"
    mine, theirs = filled(where, 2), filled(other, 2)
    before = shown(where) | shown(other)
    merged = moving.merge(other, where, quiet)
    assert (merged.new, merged.known) == (theirs, [])
    assert merged.added["programs"] == 0 and merged.added["records"] == 24
    assert shown(where) == before
    with Archive.open(where) as archive:
        assert [run.id for run in archive.runs()] == mine + theirs
        assert archive.final_openings("v") == 4
    assert moving.check(where, quiet)[1] == []
    again = moving.merge(other, where, quiet)
    assert (again.new, again.known, sum(again.added.values())) == ([], theirs, 0)
    assert shown(where) == before


@pytest.mark.parametrize("table", ["tickets", "records", "events", "final_openings", "replies", "runs"])
def test_a_run_that_differs_is_named_and_nothing_changes(written: Path, tmp_path: Path, table: str) -> None:
    one, other = (Path(shutil.copy(written, tmp_path / name)) for name in ("one.db", "other.db"))
    (run,) = shown(one)
    altered = {
        "tickets": "UPDATE tickets SET seed = 1 WHERE number = 3",
        "records": "UPDATE records SET value = 77.0 WHERE number = 4",
        "events": "DELETE FROM events",
        "final_openings": "UPDATE final_openings SET metrics = '{}'",
        "replies": "UPDATE replies SET text = '\"other\"' WHERE ticket_number = 6",
        "runs": "UPDATE runs SET stop_reason = 'minutes'",
    }
    change(other, altered[table])
    before = shown(one)
    with pytest.raises(ArchiveError, match=f"run {run} is in both .* table {table} differs") as caught:
        moving.merge(other, one, quiet)
    assert "Nothing was changed" in caught.value.remedy
    assert shown(one) == before


def test_a_run_that_went_on_elsewhere_is_not_the_same(tmp_path: Path) -> None:
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    with Archive.open(one) as archive:
        run = write_run(archive, ended=False)
    moving.copy(one, other, quiet)
    with Archive.open(other) as archive:
        archive.resume_run(run)
        archive.journal(run, build_record(12).ticket)
        archive.commit(run, build_record(12)).result(5)
    for source, target in ((one, other), (other, one)):
        with pytest.raises(ArchiveError, match="is not the same"):
            moving.merge(source, target, quiet)


def test_a_program_in_another_layout_keeps_the_text_of_each_run(where: str, tmp_path: Path) -> None:
    """Two texts may be one program. Each run shows its own, whose archive it came from and whose it came to."""
    other = tmp_path / "other.db"
    filled(where)
    with Archive.open(other) as archive:
        run = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        for number in range(3):
            record = relaid(build_record(number)) if number < 2 else build_record(number)
            archive.journal(run, record.ticket)
            archive.commit(run, record).result(5)
        mixed = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        archive.journal(mixed, build_record(0).ticket)
        archive.commit(mixed, build_record(0)).result(5)
    before = {**shown(where), **shown(other)}
    moving.merge(other, where, quiet)
    assert shown(where) == before
    assert moving.merge(other, where, quiet).known == [run, mixed]


def test_a_run_that_goes_on_is_taken_as_far_as_it_is_and_can_be_resumed(tmp_path: Path) -> None:
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    with Archive.open(one) as archive:
        run = write_run(archive, ended=False)
        archive.flush()
        moving.copy(one, other, quiet)
        with Archive.open(other) as copied:
            assert copied.run(run).status is RunStatus.INTERRUPTED
            assert list(copied.records(run)) == list(archive.records(run))
            copied.resume_run(run)
        # It would have to wait for the whole of what comes in.
        third = tmp_path / "third.db"
        filled(third)
        with pytest.raises(ArchiveError, match=f"run {run} .* is being written by process"):
            moving.merge(third, one, quiet)
    assert moving.merge(third, one, quiet).added["records"] == 12


def test_a_cycle_in_a_file_is_refused_and_nothing_changes(where: str, tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    filled(source)
    parents = json.dumps(["0003" * 8])
    change(
        source,
        f"UPDATE tickets SET parents = '{parents}' WHERE number = 2",
        f"UPDATE edges SET parent_id = '{'0003' * 8}' WHERE number = 2",
        f"UPDATE tickets SET parents = '{json.dumps(['0002' * 8])}' WHERE number = 3",
        f"UPDATE edges SET parent_id = '{'0002' * 8}' WHERE number = 3",
    )
    file = exported(source, tmp_path / "file.gz")
    filled(where)
    before = shown(where)
    with pytest.raises(ArchiveError, match="came in no earlier record") as caught:
        moving.bring_in(file, where, quiet)
    assert "Nothing was changed" in caught.value.remedy
    assert shown(where) == before
    says = [one.says for one in moving.check(source, quiet)[1] if one.check == "descent"]
    assert len(says) == 1 and "is its own ancestor" in says[0]


def test_a_file_of_a_newer_version_says_which(file: Path, tmp_path: Path) -> None:
    lines = lines_of(file)[:-1]
    for name in ("version", "schema"):
        head = {**json.loads(lines[0]), name: 99}
        newer = sealed(tmp_path / "newer.gz", [json.dumps(head), *lines[1:]])
        with pytest.raises(ArchiveError, match=f"{name} 99; this program reads up to") as caught:
            moving.bring_in(newer, tmp_path / "new.db", quiet)
        assert "Upgrade Evolve" in caught.value.remedy
        assert not (tmp_path / "new.db").exists()


def test_a_file_of_an_older_schema_is_read(tmp_path: Path) -> None:
    """It lacks tables and columns; those of its rows are null."""
    source, target = tmp_path / "archive.db", tmp_path / "new.db"
    with Archive.open(source) as archive:
        run = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        for number in range(3):
            archive.journal(run, build_record(number).ticket)
            archive.commit(run, build_record(number)).result(5)
    kept, skip, width = [], False, 0
    for line in lines_of(exported(source, tmp_path / "file.gz"))[1:-1]:
        data = json.loads(line)
        if isinstance(data, dict):
            skip = data["table"] in ("messages", "replies")
            gone = {"tickets": 4, "records": 3}.get(data["table"], 0)  # the last ones are the newest
            width = len(data["columns"]) - gone
            data = {**data, "columns": data["columns"][:width]}
        else:
            data = data[:width]
        if not skip:
            kept.append(json.dumps(data))
    older = sealed(tmp_path / "older.gz", [json.dumps({"type": "evolve archive", "version": 1, "schema": 1}), *kept])
    moving.bring_in(older, target, quiet)
    assert shown(target)[run][1:] == shown(source)[run][1:]


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    where = tmp_path / "new.db"
    (tmp_path / "text").write_text("no archive\n")
    (tmp_path / "other.gz").write_bytes(gzip.compress(b'{"type":"run","version":1}\n'))
    (tmp_path / "empty.gz").write_bytes(gzip.compress(b""))
    for name, words in (("text", "is no archive"), ("other.gz", "is no archive"), ("empty.gz", "cut off")):
        with pytest.raises(ArchiveError, match=words):
            moving.bring_in(tmp_path / name, where, quiet)
    with pytest.raises(ArchiveError, match="there is no file"):
        moving.bring_in(tmp_path / "nowhere", where, quiet)
    with pytest.raises(ArchiveError, match="can not be read"):
        moving.bring_in(tmp_path, where, quiet)
    assert not where.exists()


def test_a_file_that_was_cut_off_or_changed_anywhere_changes_nothing(file: Path, target: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    before, chance, broken = shown(target), random.Random(7), tmp_path / "broken.gz"
    for turn in range(20):
        place = chance.randrange(12, len(whole))
        cut = whole[:place] if turn % 2 else whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]
        broken.write_bytes(cut)
        try:
            different = gzip.decompress(cut) != gzip.decompress(whole)
        except (EOFError, OSError, zlib.error):
            different = True
        if different:
            with pytest.raises(ArchiveError):
                moving.bring_in(broken, target, quiet)
    assert shown(target) == before


def _line(lines: list[str], table: str, row: int = 0) -> int:
    """The place of a row of a table."""
    heads = [place for place, line in enumerate(lines) if line.startswith("{") and f'"table":"{table}"' in line]
    return heads[0] + 1 + row


FORGERIES = (
    ("runs", '"v"', '"other"', "refers to what is not there"),
    ("tickets", '"expand"', "7", "its kind is 7"),
    ("records", '"ok"', '"fine"', "can not be read"),
    ("records", "0.1", "1e999", "no score"),
    ("records", "[0-9a-f]{32}", "f" * 32, "there twice, or refers"),
    ("programs", "x \\* 0.5", "x * 9.5", "is not what was stored"),
    ("messages", "do 6", "do 7", "is not what was stored"),
    ("results", '"train/0"', "null", "its instance_id is None"),
    ("edges", "0000000", "0001000", "refers to what is not there"),
    ("replies", '"m"', '"m","m"', "a row of 15 values stands where one of 14"),
)


def test_a_sealed_file_whose_content_is_not_sound_is_refused(file: Path, target: Path, tmp_path: Path) -> None:
    """Whoever wrote it, and whatever its seal says: the rows must fit their tables and each other."""
    before, whole = shown(target), lines_of(file)[:-1]
    for table, old, new, words in FORGERIES:
        place, lines = _line(whole, table), whole.copy()
        lines[place], count = re.subn(old, new, whole[place], count=1)
        assert count == 1
        with pytest.raises(ArchiveError, match=words) as caught:
            moving.bring_in(sealed(tmp_path / "forged.gz", lines), target, quiet)
        assert caught.value.remedy
    assert shown(target) == before


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE runs SET config = '[1]'",
        "UPDATE runs SET started_at = 'once'",
        "UPDATE events SET payload = '{'",
        "UPDATE events SET payload = '7'",
        f"UPDATE events SET payload = '{'[' * 100_000}'",
        "UPDATE final_openings SET metrics = '[]'",
        "UPDATE final_openings SET opened_at = ''",
        "UPDATE replies SET request = '{\"messages\":[7]}'",
        "UPDATE replies SET text = '[]'",
        "UPDATE tickets SET parents = '\"ab\"' WHERE number = 5",
        "UPDATE tickets SET avoid = '[1]' WHERE number = 5",
        "UPDATE records SET feedback = '1' WHERE number = 5",
    ],
)
def test_a_text_that_no_page_could_show_is_refused(written: Path, tmp_path: Path, target: Path, damage: str) -> None:
    source = Path(shutil.copy(written, tmp_path / "archive.db"))
    change(source, damage)
    before = shown(target)
    for call in (
        lambda: moving.bring_in(exported(source, tmp_path / "file.gz"), target, quiet),
        lambda: moving.merge(source, target, quiet),
    ):
        with pytest.raises(ArchiveError, match=r"can not be taken in: .*can not be read"):
            call()
    assert shown(target) == before


def test_a_program_under_another_name_is_refused_where_ids_are_computed(
    written: Path, file: Path, tmp_path: Path
) -> None:
    """Those of this archive are made up."""
    for call in (
        lambda: moving.bring_in(file, tmp_path / "new.db", quiet, addresses),
        lambda: moving.merge(written, tmp_path / "new.db", quiet, addresses),
    ):
        with pytest.raises(ArchiveError, match="is another program's"):
            call()
    assert {one.check for one in moving.check(written, quiet, addresses)[1]} == {"addresses"}
