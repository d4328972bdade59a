"""Replies of models, and failures that were paid for."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from archive.replay import read_replay
from archive.store import Archive
from evolve.core.errors import CallOrderError, UsageError
from evolve.core.types import Candidate, Cost, Failure, ModelReply, Record, Source, Status, Ticket, Verdict

SOURCE = Source({"program.py": "def f():\n    return 1\n"}, "f")
ODD = "é \ud800 \x00 \u202e ```"


def begun(archive: Archive) -> str:
    return archive.begin_run(problem="p", problem_version="v", config={"seed": 1}, run_seed=1)


def ticket(number: int, model: str | None = "m") -> Ticket:
    return Ticket(number, "expand", (), (), "mutate", model, 5, 0, f"idea {ODD}", ("a: b", ODD), 2)


def reply(number: int, attempt: int = 0, **more: object) -> ModelReply:
    messages = [{"role": "system", "content": f"the same {ODD}"}, {"role": "user", "content": f"do {number}"}]
    request = {"model": "openai/x", "messages": messages, "max_tokens": 9}
    given = ModelReply(number, attempt, "m", request, "d1", f"Idea: x {ODD}", "length", 10, 20, 5, 0.25, 1.5)
    return replace(given, **more)  # type: ignore[arg-type]


def record(number: int, of: Ticket, **more: object) -> Record:
    candidate = Candidate(of, SOURCE, f"x: {ODD}", (f"{of.number}.0",), Cost(0.0, 30, None))
    verdict = Verdict(Status.OK, 1.0, {"m": 1.0}, "fine", stage="train", evaluation_set="e")
    return replace(Record(number, of, candidate, verdict, f"program-{of.number}"), **more)  # type: ignore[arg-type]


def failed(number: int, of: Ticket) -> Record:
    failure = Failure(of, Status.EDIT_FAILED, "fits nowhere", Cost(0.0, 7, None), "x: y", (f"{of.number}.0",))
    return Record(number, of, None, Verdict(Status.EDIT_FAILED, feedback="fits nowhere"), None, failure=failure)


def test_everything_comes_back_as_it_went_in(tmp_path: Path) -> None:
    """Ticket 1 is committed before ticket 0: records have other numbers than their tickets."""
    tickets = [ticket(0), replace(ticket(1), mends=None, idea="", avoid=(), told=None)]
    records = [record(0, tickets[1], gain=0.5), failed(1, tickets[0])]
    replies = [reply(0), reply(0, 1, usd=None), reply(1)]
    with Archive.open(tmp_path / "a.db") as archive:
        run = begun(archive)
        for one in tickets:
            archive.journal(run, one)
        for answer in replies:
            assert archive.add_reply(run, answer).result() == answer
        for one_record in records:
            archive.commit(run, one_record).result()
        assert list(archive.tickets(run)) == tickets
        assert list(archive.records(run)) == records
        assert archive.replies(run) == replies and archive.replies_of(run, 0) == replies[:2]
        assert archive.program("program-1").ticket == tickets[1]
        (summary,) = archive.runs()
        assert (summary.replies, summary.tokens, summary.usd, summary.unpriced) == (3, 90, 0.5, 1)
    with sqlite3.connect(tmp_path / "a.db") as raw:
        assert raw.execute("SELECT count(*) FROM messages").fetchone() == (3,)  # the first one is kept once
    raw.close()


def test_a_reply_needs_its_ticket(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "a.db") as archive, pytest.raises(CallOrderError, match="not journaled"):
        archive.add_reply(begun(archive), reply(3))


def test_an_export_with_replies_can_be_replayed(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "a.db") as archive:
        run = begun(archive)
        for one in (ticket(0), ticket(1)):
            archive.journal(run, one)
            archive.add_reply(run, reply(one.number))
        archive.commit(run, record(0, ticket(1)))
        archive.commit(run, failed(1, ticket(0)))
        archive.flush()
        lines = list(archive.export(run, replies=True))
        recording = archive.replay(run)
        plain = list(archive.export(run))
    assert recording.order == (1, 0) and recording.tickets == (ticket(0), ticket(1))
    read = read_replay(lines)
    assert read == replace(recording, replies=tuple(replace(one, seconds=0.0) for one in recording.replies))
    assert not any('"type":"reply"' in line for line in plain)
    with pytest.raises(UsageError, match="line 3"):
        read_replay([*lines[:2], lines[2][:-5], *lines[3:]])
    with pytest.raises(UsageError, match="no tickets"):
        read_replay(plain)


def test_lines_of_runs_without_models_have_nothing_new(tmp_path: Path) -> None:
    plain = Ticket(0, "expand", (), (), "start", None, 5)
    with Archive.open(tmp_path / "a.db") as archive:
        run = begun(archive)
        archive.journal(run, plain)
        archive.commit(run, record(0, plain)).result()
        line = next(json.loads(line) for line in archive.export(run) if '"type":"record"' in line)
    assert line["ticket"].keys() == {"number", "kind", "parents", "inspirations", "operator", "model", "seed"}
    assert "gain" not in line and "failure" not in line
