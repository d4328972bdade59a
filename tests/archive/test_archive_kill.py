"""A killed writer: all that was reported durable is there, in order, and the run goes on to the same export."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from archive.rows import RunStatus
from archive.store import Archive
from evolve.core.types import Record

MakeRecord = Callable[..., Record]

WRITER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from conftest import build_record
from archive.store import Archive

def report(future):
    if future.exception() is None:
        os.write(1, b"%d\\n" % future.result().number)

archive = Archive.open(sys.argv[2])
if sys.argv[3] == "new":
    run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
else:
    run_id = archive.resume_run(sys.argv[3]).id
os.write(1, run_id.encode() + b"\\n")
first = len(list(archive.records(run_id)))
for number in range(first, first + 100_000):
    record = build_record(number)
    archive.journal(run_id, record.ticket)
    future = archive.commit(run_id, record)
    future.add_done_callback(report)
    if number % 7 == 0:
        future.result()
"""


def kill_after(path: Path, run_id: str, seconds: float) -> tuple[str, list[int]]:
    """Run a writer, kill it so long after its first report; the run, and the numbers that it reported."""
    command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(path), run_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        found = writer.stdout.readline().strip()
        first = int(writer.stdout.readline())
        time.sleep(seconds)
        os.kill(writer.pid, signal.SIGKILL)
        reported = [first, *(int(line) for line in writer.stdout.read().splitlines())]
        assert writer.wait(10) == -signal.SIGKILL
    return found, reported


def test_what_was_reported_survives_any_kill(tmp_path: Path, make_record: MakeRecord) -> None:
    path, chance = tmp_path / "archive.db", random.Random(20)
    run_id, total = "new", 0
    for _ in range(4):
        run_id, reported = kill_after(path, run_id, chance.uniform(0.0, 0.12))
        assert reported == list(range(total, total + len(reported)))
        with Archive.open(path) as archive:
            assert archive.run(run_id).status is RunStatus.INTERRUPTED
            read = list(archive.records(run_id))
            assert len(read) >= reported[-1] + 1
            assert read == [make_record(number) for number in range(len(read))]
            journaled = [ticket.number for ticket in archive.tickets(run_id)]
            assert journaled == list(range(len(journaled)))
            assert len(journaled) >= len(read)
            total = len(read)

    with Archive.open(path) as archive:
        archive.resume_run(run_id)
        archive.end_run(run_id, "budget", 1.0)
        whole = list(archive.export(run_id))
    with Archive.open(tmp_path / "calm.db") as archive:
        calm = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        for number in range(total):
            archive.journal(calm, make_record(number).ticket)
            archive.commit(calm, make_record(number))
        archive.end_run(calm, "budget", 9.0)
        assert list(archive.export(calm)) == whole
