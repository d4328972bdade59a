"""A killed writer: what was reported durable is there, in order and once, and the run goes on to the same export."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from archive.replay import read_replay
from archive.rows import RunStatus
from archive.store import Archive
from evolve.core.types import ModelReply, Record

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


REPLIES = """
import os, sys
sys.path.insert(0, sys.argv[1])
from conftest import build_record, build_reply
from archive.store import Archive
from evolve.core.errors import CallOrderError

def report(future):
    if future.exception() is None:
        os.write(1, future.result().id.encode() + b"\\n")

archive = Archive.open(sys.argv[2])
if sys.argv[3] == "new":
    run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
else:
    run_id = archive.resume_run(sys.argv[3]).id
os.write(1, run_id.encode() + b"\\n")
for number in range(100_000):
    archive.journal(run_id, build_record(number).ticket)
    for attempt in range(2):
        try:
            future = archive.add_reply(run_id, build_reply(number, attempt))
        except CallOrderError:
            continue  # it was kept before the kill
        future.add_done_callback(report)
    if number % 7 == 0:
        archive.flush()
"""


def kill_after(path: Path, run_id: str, seconds: float, program: str = WRITER) -> tuple[str, list[str]]:
    """Run a writer, kill it so long after its first report; the run, and what it reported, a line each."""
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(path), run_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        found = writer.stdout.readline().strip()
        first = writer.stdout.readline().strip()
        time.sleep(seconds)
        os.kill(writer.pid, signal.SIGKILL)
        reported = [first, *writer.stdout.read().splitlines()]
        assert writer.wait(10) == -signal.SIGKILL
    return found, reported


def test_what_was_reported_survives_any_kill(tmp_path: Path, make_record: MakeRecord) -> None:
    path, chance = tmp_path / "archive.db", random.Random(20)
    run_id, total = "new", 0
    for _ in range(4):
        run_id, lines = kill_after(path, run_id, chance.uniform(0.0, 0.12))
        reported = [int(line) for line in lines]
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


def test_every_reply_that_was_reported_survives_any_kill_and_none_is_there_twice(
    tmp_path: Path, make_reply: Callable[..., ModelReply]
) -> None:
    """Its messages as well, which are rows of another table."""
    path, chance = tmp_path / "archive.db", random.Random(21)
    run_id = "new"
    known: list[str] = []
    for _ in range(4):
        run_id, reported = kill_after(path, run_id, chance.uniform(0.0, 0.12), REPLIES)
        assert not set(reported) & set(known), "a reply was taken twice"
        with Archive.open(path) as archive:
            replies = archive.replies(run_id)
            journaled = {ticket.number for ticket in archive.tickets(run_id)}
        assert replies == [make_reply(reply.ticket, reply.attempt) for reply in replies]
        assert {reply.ticket for reply in replies} <= journaled
        ids = [reply.id for reply in replies]
        assert len(ids) == len(set(ids))
        assert ids[: len(known) + len(reported)] == known + reported
        known = ids
    with Archive.open(path) as archive:
        archive.resume_run(run_id)
        archive.end_run(run_id, "budget", 1.0)
        assert [reply.id for reply in read_replay(archive.export(run_id, replies=True)).replies] == known
