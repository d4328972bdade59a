"""Every way in which an archive can fail says what happened, where, and what to do, and destroys nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.schema import VERSION
from archive.store import Archive
from evolve.core.errors import ArchiveError
from evolve.core.types import Record

MakeRecord = Callable[..., Record]
NOBODY = 65534


def refused(where: str | Path, *, create: bool = True) -> ArchiveError:
    """The error of opening `where`, which names it and a remedy."""
    with pytest.raises(ArchiveError) as caught:
        Archive.open(where, create=create, busy_seconds=0.05).close()
    assert caught.value.remedy
    return caught.value


def filled(path: Path, make_record: MakeRecord, count: int = 3) -> str:
    """An archive with one run that ended; its id."""
    with Archive.open(path) as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        for number in range(count):
            record = make_record(number)
            archive.journal(run_id, record.ticket)
            archive.commit(run_id, record)
        archive.end_run(run_id, "budget", 1.0)
    return run_id


@pytest.mark.parametrize("content", [b"not a database at all, but long enough for a header" * 40, b"SQLite", b"x"])
def test_what_is_no_database_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    error = refused(path)
    assert "is not an SQLite database" in error.message
    assert str(path) in error.message
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE runs (x)")
    other.close()
    content = path.read_bytes()
    assert "not an archive of Evolve" in refused(path).message
    assert path.read_bytes() == content


@pytest.mark.parametrize("start", [16, 100])
def test_a_damaged_file_is_reported_and_left_as_it_is(tmp_path: Path, make_record: MakeRecord, start: int) -> None:
    path = tmp_path / "archive.db"
    filled(path, make_record)
    content = bytearray(path.read_bytes())
    content[start : start + 3000] = b"\xa5" * 3000
    path.write_bytes(content)
    error = refused(path)
    assert "is damaged" in error.message or "is not an SQLite database" in error.message
    assert path.read_bytes() == content


def test_damage_that_opening_does_not_see_is_reported_by_reading(tmp_path: Path, make_record: MakeRecord) -> None:
    path = tmp_path / "archive.db"
    run_id = filled(path, make_record, 200)
    content = bytearray(path.read_bytes())
    reader = sqlite3.connect(path)
    root = reader.execute("SELECT rootpage FROM sqlite_master WHERE name = 'records'").fetchone()[0]
    size = reader.execute("PRAGMA page_size").fetchone()[0]
    reader.close()
    content[(root - 1) * size : root * size] = b"\xa5" * size
    path.write_bytes(content)
    with Archive.open(path) as archive:
        with pytest.raises(ArchiveError, match="is damaged") as caught:
            list(archive.records(run_id))
        assert "recover" in caught.value.remedy
    assert path.read_bytes() == content


def test_a_cut_off_file_is_reported(tmp_path: Path, make_record: MakeRecord) -> None:
    path = tmp_path / "archive.db"
    filled(path, make_record, 200)
    content = path.read_bytes()[:5000]
    path.write_bytes(content)
    assert "is damaged" in refused(path).message
    assert path.read_bytes() == content


def test_a_newer_schema_names_both_versions(tmp_path: Path, make_record: MakeRecord) -> None:
    path = tmp_path / "archive.db"
    filled(path, make_record)
    with sqlite3.connect(path) as writer:
        writer.execute("UPDATE meta SET value = '7'")
    writer.close()
    content = path.read_bytes()
    error = refused(path)
    assert "version 7" in error.message
    assert f"up to {VERSION}" in error.message
    assert "Upgrade" in error.remedy
    assert path.read_bytes() == content


def test_a_lock_is_waited_for_and_then_reported(tmp_path: Path, make_record: MakeRecord) -> None:
    path = tmp_path / "archive.db"
    filled(path, make_record)
    with Archive.open(path, busy_seconds=0.1) as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        future = archive.journal(run_id, make_record(0).ticket)
        with pytest.raises(ArchiveError, match="locked by another process"):
            future.result(5)
        with pytest.raises(ArchiveError, match="locked by another process"):
            archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        other.execute("ROLLBACK")
        other.close()
        # What failed once stays failed: nothing may be durable after a gap.
        with pytest.raises(ArchiveError, match="locked by another process"):
            archive.journal(run_id, make_record(1).ticket).result(5)
        assert list(archive.tickets(run_id)) == []
    with Archive.open(path) as archive:
        assert archive.resume_run(run_id).id == run_id


def test_reading_goes_on_while_another_process_writes(tmp_path: Path, make_record: MakeRecord) -> None:
    path = tmp_path / "archive.db"
    run_id = filled(path, make_record)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Archive.open(path, create=False, busy_seconds=0.1) as archive:
        assert len(list(archive.records(run_id))) == 3
    other.close()


def test_missing_folders_are_made_only_for_a_new_archive(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "archive.db"
    assert "no archive at" in refused(path, create=False).message
    assert not (tmp_path / "a").exists()
    Archive.open(path).close()
    assert path.exists()
    Archive.open(f"sqlite:///{path}", create=False).close()


def test_paths_that_can_not_be_an_archive(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path).message
    file = tmp_path / "file"
    file.write_text("x")
    assert "can not be opened" in refused(file / "archive.db").message


@pytest.mark.parametrize("where", ["mysql://host/name", "http://host/x", "sqlite://", "sqlite:///:memory:", "://x"])
def test_urls_that_can_not_be_an_archive(where: str) -> None:
    error = refused(where)
    assert error.message.startswith("archive ")
    assert "postgresql://" in error.remedy


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_missing_driver_names_its_package(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = refused(f"{scheme}://me:secret@host/name")
    assert "driver is not installed" in error.message
    assert 'pip install "psycopg[binary]"' in error.remedy
    assert "secret" not in str(error)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is an optional package")
    error = refused(f"postgresql://me:secret@/name?host={tmp_path}")
    assert "failed" in error.message
    assert "secret" not in str(error)


@pytest.fixture
def ordinary_user() -> Iterator[Path]:
    """A folder of, and the rights of, a user whom file modes bind (root's are not)."""
    folder = Path(tempfile.mkdtemp(prefix="evolve-rights-"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
        shutil.rmtree(folder)


def test_a_folder_without_write_permission(ordinary_user: Path) -> None:
    ordinary_user.chmod(0o500)
    for path in (ordinary_user / "archive.db", ordinary_user / "sub" / "archive.db"):
        error = refused(path)
        assert "can not be opened" in error.message
        assert "writable" in error.remedy
    assert list(ordinary_user.iterdir()) == []


def test_an_archive_without_write_permission(ordinary_user: Path, make_record: MakeRecord) -> None:
    path = ordinary_user / "archive.db"
    run_id = filled(path, make_record)
    path.chmod(0o400)
    with Archive.open(path) as archive:
        assert len(list(archive.records(run_id))) == 3
        with pytest.raises(ArchiveError, match="can not be written") as caught:
            archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        assert "writable" in caught.value.remedy


def test_an_archive_without_read_permission(ordinary_user: Path, make_record: MakeRecord) -> None:
    path = ordinary_user / "archive.db"
    filled(path, make_record)
    path.chmod(0)
    assert "can not be opened" in refused(path).message


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("a small disk needs root to mount it")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not allow mounts")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(archive: Archive, run_id: str, make_record: MakeRecord) -> list[Record]:
    """Commit until it fails; what was reported durable. All after the first failure fail."""
    futures = []
    for number in range(5000):
        record = make_record(number)
        archive.journal(run_id, record.ticket)
        futures.append(archive.commit(run_id, record))
        if futures[-1].done() and futures[-1].exception():
            break
    failed = [future.exception(10) is not None for future in futures]
    assert failed == sorted(failed), "a record was durable after one that was not"
    assert any(failed)
    error = futures[-1].exception()
    assert isinstance(error, ArchiveError)
    assert "no room left" in error.message
    assert "Free disk space" in error.remedy
    with pytest.raises(ArchiveError, match="no room left"):
        archive.end_run(run_id, "budget", 1.0)
    return [future.result() for future in futures if future.exception() is None]


def test_a_full_disk_loses_nothing_that_was_reported(small_disk: Path, make_record: MakeRecord) -> None:
    with Archive.open(small_disk / "archive.db") as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        durable = fill(archive, run_id, make_record)
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    with Archive.open(small_disk / "archive.db") as archive:
        archive.resume_run(run_id)
        read = list(archive.records(run_id))
        assert read == durable
        record = make_record(len(read))
        archive.journal(run_id, record.ticket)
        archive.commit(run_id, record).result(5)
        archive.end_run(run_id, "budget", 1.0)


def test_a_full_database_loses_nothing_that_was_reported(tmp_path: Path, make_record: MakeRecord) -> None:
    from sqlalchemy import event

    path = tmp_path / "archive.db"
    with Archive.open(path) as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        event.listen(
            archive._database.reading,
            "checkout",
            lambda connection, *_: connection.execute("PRAGMA max_page_count = 80").close(),
        )
        durable = fill(archive, run_id, make_record)
    assert durable
    with Archive.open(path) as archive:
        archive.resume_run(run_id)
        assert list(archive.records(run_id)) == durable
