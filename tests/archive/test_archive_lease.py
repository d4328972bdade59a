"""One live writer per run; the dead and the silent lose their lease, and nobody else."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archive.lease import process_start
from archive.rows import RunStatus
from archive.store import Archive
from evolve.core.errors import ArchiveError
from evolve.core.types import Record

MakeRecord = Callable[..., Record]


def begin(archive: Archive) -> str:
    return archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)


def set_lease(archive: Archive, **columns: object) -> None:
    """Change the lease of all runs behind the archive's back."""
    from sqlalchemy import update

    from archive import schema

    with archive._database.writing.begin() as connection:
        connection.execute(update(schema.runs).values(**columns))


def test_a_live_holder_in_another_process_is_named(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    program = (
        "import sys\nfrom archive.store import Archive\narchive = Archive.open(sys.argv[1])\n"
        "print(archive.begin_run(problem='p', problem_version='v', config={}, run_seed=1), flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        run_id = holder.stdout.readline().strip()
        with Archive.open(path) as archive:
            assert archive.run(run_id).status is RunStatus.RUNNING
            with pytest.raises(ArchiveError, match=f"process {holder.pid} on {platform.node()}") as caught:
                archive.resume_run(run_id)
            assert f"kill {holder.pid}" in caught.value.remedy
        # The holder ends without closing: leaving the interpreter gives the lease back.
        holder.stdin.close()
        holder.wait(10)
    with Archive.open(path) as archive:
        assert archive.run(run_id).status is RunStatus.INTERRUPTED
        assert archive.resume_run(run_id).status is RunStatus.RUNNING


def test_a_second_opening_in_this_process_is_refused_until_the_first_is_closed(where: str) -> None:
    first = Archive.open(where)
    run_id = begin(first)
    with Archive.open(where) as second:
        with pytest.raises(ArchiveError, match=f"process {os.getpid()}"):
            second.resume_run(run_id)
        assert second.run(run_id).status is RunStatus.RUNNING
        first.close()
        first.close()
        assert second.run(run_id).status is RunStatus.INTERRUPTED
        assert second.resume_run(run_id).id == run_id


def test_a_process_id_that_was_used_again_does_not_hold(where: str) -> None:
    with Archive.open(where) as holder, Archive.open(where) as other:
        run_id = begin(holder)
        parent = os.getppid()
        start = process_start(parent)
        if start is None:
            pytest.skip("this system does not tell when a process started")
        set_lease(other, lease_pid=parent, lease_start=start)
        with pytest.raises(ArchiveError, match=f"process {parent}"):
            other.resume_run(run_id)
        set_lease(other, lease_start="1")
        assert other.resume_run(run_id).id == run_id


@pytest.mark.parametrize(("silent_seconds", "free"), [(0, False), (50, False), (70, True)])
def test_a_holder_on_another_host_loses_the_run_by_silence(where: str, silent_seconds: int, free: bool) -> None:
    with Archive.open(where) as holder, Archive.open(where) as other:
        run_id = begin(holder)
        seen = datetime.now(UTC) - timedelta(seconds=silent_seconds)
        set_lease(other, lease_host="elsewhere", lease_at=seen.isoformat(timespec="seconds"))
        assert other.run(run_id).status is (RunStatus.INTERRUPTED if free else RunStatus.RUNNING)
        if free:
            assert other.resume_run(run_id).id == run_id
        else:
            with pytest.raises(ArchiveError, match="on elsewhere"):
                other.resume_run(run_id)


def test_a_run_that_was_taken_over_is_written_no_more(
    where: str, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Archive.open(where) as archive:
        run_id = begin(archive)
        set_lease(archive, lease_owner="somebody")
        monkeypatch.setattr("archive.writer.RENEW_SECONDS", 0.0)
        with pytest.raises(ArchiveError, match="taken over"):
            archive.journal(run_id, make_record(0).ticket).result(5)
        assert list(archive.tickets(run_id)) == []
    with Archive.open(where) as archive:
        assert list(archive.tickets(run_id)) == []


def test_the_end_of_a_run_that_was_taken_over_is_refused(where: str) -> None:
    with Archive.open(where) as archive:
        run_id = begin(archive)
        set_lease(archive, lease_owner="somebody")
        with pytest.raises(ArchiveError, match="taken over"):
            archive.end_run(run_id, "budget", 1.0)
        assert archive.run(run_id).ended_at is None


def test_the_lease_of_an_idle_run_is_renewed(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.writer.IDLE_RENEW_SECONDS", 0.02)
    monkeypatch.setattr("archive.writer.RENEW_SECONDS", 0.0)
    with Archive.open(where) as archive:
        run_id = begin(archive)
        old = "2001-01-01T00:00:00+00:00"
        set_lease(archive, lease_host="elsewhere", lease_at=old)
        deadline = time.monotonic() + 5
        while archive.run(run_id).status is not RunStatus.RUNNING:
            assert time.monotonic() < deadline, "the lease was not renewed"
            time.sleep(0.01)
