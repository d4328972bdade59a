"""Whole runs with a model on loopback, through the library that asks real ones."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from archive.store import Archive
from evolve import run
from evolve.cli.app import app
from evolve.core.errors import EvolveError, UsageError
from evolve.core.types import Record, Status
from evolve.events import Warned
from evolve.problem import Problem
from evolve.proposers.llm.faults import ModelUnavailable
from evolve.proposers.llm.prompts import shipped_prompts
from evolve.proposers.llm.scripted import Scripted, ScriptedModel

pytestmark = [pytest.mark.bubblewrap, pytest.mark.usefixtures("priced")]

SECRET = "not-to-be-seen-anywhere-9281"


class Writer:
    """Writes another program each time; every fourth edit fits nowhere, every fifth program crashes."""

    def __init__(self) -> None:
        self._turns = itertools.count(1)

    def __call__(self, request: dict[str, Any]) -> Scripted | str:
        turn = next(self._turns)
        if "list five approaches" in request["messages"][-1]["content"]:
            return "1. merge: halves\n2. heap: smallest first\n"
        if turn % 4 == 0:
            return "Idea: misses: fits nowhere\n<<<<<<< SEARCH\nno such line\n=======\nx\n>>>>>>> REPLACE\n"
        line = (
            "return undefined" if turn % 5 == 1 else f"return sorted(numbers[:{turn % 9}]) + list(numbers[{turn % 9}:])"
        )
        return block(f"sort {turn}", line, turn)


class Careless:
    """Its edits fit nowhere, when asked again it sends a program that crashes, and it mends those; whatever its turn,
    so that one ticket is enough to see all of that."""

    def __init__(self) -> None:
        self._turns = itertools.count(1)

    def __call__(self, request: dict[str, Any]) -> Scripted | str:
        turn = next(self._turns)
        text = request["messages"][-1]["content"]
        if "list five approaches" in text:
            return "1. merge: halves\n2. heap: smallest first\n"
        if "# The program to mend" in text:
            return block(f"mended {turn}", "return sorted(numbers)", turn)
        if "could not be applied" in text:
            return block(f"hasty {turn}", "return undefined", turn)
        return "Idea: misses: fits nowhere\n<<<<<<< SEARCH\nno such line\n=======\nx\n>>>>>>> REPLACE\n"


def block(idea: str, line: str, turn: int) -> str:
    return f"Idea: {idea}: more of it\n```python\ndef arrange(numbers):\n    n = {turn}\n    {line}\n```"


@pytest.fixture
def problem(write_problem: Callable[..., Problem]) -> Problem:
    return write_problem("sort")


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(Writer()) as scripted:
        yield scripted


def records_of(archive: Path) -> list[Record]:
    with Archive.open(archive, create=False) as opened:
        return list(opened.records(opened.run("last").id))


def searched(problem: Problem, model: ScriptedModel, archive: Path, **more: Any) -> Any:
    given = {"evaluations": 30, "final_check": False, "workers": 1, "model": "priced", **more}
    return run(problem.folder, api_base=model.url, archive=archive, **given)


def test_model_and_offline_proposer_work_together_and_every_reply_is_accounted_for(
    problem: Problem, tmp_path: Path
) -> None:
    with ScriptedModel(Careless()) as model:
        result = searched(problem, model, tmp_path / "a.db", evaluations=60, workers=2)
    records = records_of(tmp_path / "a.db")
    with Archive.open(tmp_path / "a.db") as opened:
        replies = opened.replies(result.run_id)
    assert len(replies) == len(model.requests) == result.spending.replies
    used = [one for r in records if (made := r.candidate or r.failure) for one in made.reply_ids]
    assert sorted(used) == sorted(reply.id for reply in replies)
    assert {r.ticket.model for r in records} == {None, "priced"}
    by_number = {r.number: r for r in records}
    hasty = [r for r in records if r.candidate and r.candidate.idea.startswith("misses") and r.ticket.mends is None]
    assert hasty
    # An edit that fits nowhere is sent back within its ticket.
    assert {len(r.candidate.reply_ids) for r in hasty if r.candidate} == {2}
    mended = [r for r in records if r.ticket.mends is not None]
    assert mended and all(r.ticket.operator == "repair" and r.ticket.model == "priced" for r in mended)
    assert all(by_number[r.ticket.mends].verdict.status is Status.CRASHED for r in mended if r.ticket.mends is not None)
    assert mended[0].verdict.status is Status.OK
    valid = {r.program_id for r in records if r.verdict.status is Status.OK}
    assert {r.ticket.parents[0] for r in mended} <= valid


def test_no_two_tickets_in_flight_ask_the_same(problem: Problem, model: ScriptedModel, tmp_path: Path) -> None:
    searched(problem, model, tmp_path / "a.db", evaluations=60, workers=2)
    records = records_of(tmp_path / "a.db")
    place = {r.ticket.number: r.number for r in records}
    flights = [(r.ticket, place[r.ticket.number]) for r in records if r.ticket.model]
    assert flights
    for ticket, _ in flights:
        beside = [other for other, end in flights if other.number < ticket.number and end >= (ticket.told or 0)]
        key = ticket.parents, ticket.operator, ticket.inspirations
        assert key not in [(other.parents, other.operator, other.inspirations) for other in beside]


def test_dollars_and_tokens_end_a_run(problem: Problem, model: ScriptedModel, tmp_path: Path) -> None:
    result = searched(problem, model, tmp_path / "a.db", usd=0.05, evaluations=1000)
    assert result.stop_reason == "usd" and 0.0 < result.spending.usd <= 0.05
    tokens = searched(problem, model, tmp_path / "b.db", tokens=12_000, evaluations=1000)
    assert tokens.stop_reason == "tokens" and 0 < tokens.spending.tokens <= 12_000


def test_dollars_need_a_price(problem: Problem, model: ScriptedModel, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="openai/unpriced is unknown") as caught:
        run(problem.folder, model="openai/unpriced", api_base=model.url, archive=tmp_path / "a.db", usd=1.0)
    assert "input_usd_per_million" in caught.value.remedy and not model.requests


def test_who_says_no_pays_nothing(problem: Problem, model: ScriptedModel, tmp_path: Path) -> None:
    asked = []
    with pytest.raises(UsageError, match="before the first paid call"):
        searched(problem, model, tmp_path / "a.db", confirm=lambda estimate: bool(asked.append(str(estimate))))
    assert "USD" in asked[0] and not model.requests


# litellm leaves a coroutine behind where a request is cancelled before it has begun.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_unauthorised_model_stops_the_run_and_it_goes_on(
    problem: Problem,
    model: ScriptedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    caplog.set_level("DEBUG")
    text = f"Incorrect API key provided: {SECRET}"
    closed = ScriptedModel(lambda request: Scripted(text, status=401))
    with closed, pytest.raises(ModelUnavailable, match="not authorised") as caught:
        searched(problem, closed, tmp_path / "a.db")
    assert "API_KEY" in caught.value.remedy and "--resume" in caught.value.remedy
    assert SECRET not in str(caught.value)
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("a.db*"))
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


# litellm leaves a coroutine behind where a request is cancelled before it has begun.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_nobody_listens(problem: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evolve.proposers.llm.client.BACK_OFF_SECONDS", 0.01)
    with ScriptedModel(Writer()) as gone:
        pass
    with pytest.raises(ModelUnavailable, match="can not be reached"):
        searched(problem, gone, tmp_path / "a.db")


def test_a_replay_is_the_run_without_network(problem: Problem, model: ScriptedModel, tmp_path: Path) -> None:
    first = searched(problem, model, tmp_path / "a.db", evaluations=16)
    asked = len(model.requests)
    with Archive.open(tmp_path / "a.db") as opened:
        lines = list(opened.export(first.run_id, replies=True))
    (tmp_path / "run.jsonl").write_text("".join(f"{line}\n" for line in lines))
    warned: list[str] = []

    def hear(event: object) -> None:
        if isinstance(event, Warned):
            warned.append(event.text)

    for recording in (first.run_id, tmp_path / "run.jsonl"):
        again = run(
            problem.folder, replay=recording, archive=tmp_path / "a.db", workers=1, final_check=False, listener=hear
        )
        with Archive.open(tmp_path / "a.db") as opened:
            same = list(opened.export(again.run_id, replies=True))
        assert [json.loads(line) for line in same[1:-1]] == [json.loads(line) for line in lines[1:-1]]  # less the seal
    assert len(model.requests) == asked and not warned
    changed = tmp_path / "prompts" / "mutate.j2"
    changed.parent.mkdir()
    changed.write_text((shipped_prompts() / "mutate.j2").read_text() + "Be quick.\n")
    given = {"replay": first.run_id, "prompts": changed.parent, "archive": tmp_path / "a.db", "workers": 1}
    run(problem.folder, listener=hear, final_check=False, **given)
    assert warned and all("not the one that was recorded" in text for text in warned)
    with pytest.raises(UsageError, match="not the one that was recorded"):
        run(problem.folder, replay_strict=True, final_check=False, **given)


EVALUATIONS = 40
SCRIPT = f"""
import sys
from evolve import run
folder, url, archive = sys.argv[1:]
run(folder, model="priced", api_base=url, archive=archive, evaluations={EVALUATIONS}, final_check=False, workers=2)
"""


class Slow:
    """Answers as a writer does, but the first change only when four were asked for, and no new block until `released`:
    the change is recorded late, and the ticket of the block, which is asked after it, has no record."""

    def __init__(self) -> None:
        self._write, self._asked, self._lock = Writer(), 0, threading.Lock()
        self._many, self.released = threading.Event(), threading.Event()

    def __call__(self, request: dict[str, Any]) -> Scripted | str:
        text = request["messages"][-1]["content"]
        with self._lock:
            self._asked += 1
        if self._asked == 4:
            self._many.set()
        if "Write the block of" in text:
            self.released.wait(240)
        if "Make one change" in text:
            self._many.wait(240)
        with self._lock:
            return self._write(request)


def left_behind(records: list[Record], tickets: Iterable[int]) -> bool:
    """Whether a record of a ticket before the first without one came after that of a ticket behind it."""
    recorded = {record.ticket.number: record.number for record in records}
    first = min((number for number in tickets if number not in recorded), default=None)
    if first is None:
        return False
    behind = [place for number, place in recorded.items() if number > first]
    return any(place > min(behind, default=place) for number, place in recorded.items() if number < first)


def test_a_killed_run_pays_nothing_twice_and_asks_what_it_would_have_asked(problem: Problem, tmp_path: Path) -> None:
    """It is killed when records have overtaken a ticket that has none."""
    # Two metrics, in another order than that of their names.
    verifier = problem.folder / "verifier.py"
    verifier.write_text(verifier.read_text().replace('{"right": right}', '{"right": right, "gap": 1.0 - right}'))
    archive, slow = tmp_path / "a.db", Slow()
    with ScriptedModel(slow) as model:
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(problem.folder), model.url, str(archive)])
        deadline = time.monotonic() + 240
        overtaken = False
        while not overtaken and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
            with suppress(EvolveError), Archive.open(archive, create=False) as opened:
                run_id = opened.run("last").id
                recorded = list(opened.records(run_id))
                overtaken = left_behind(recorded, [ticket.number for ticket in opened.tickets(run_id)])
        process.kill()
        process.wait()
        slow.released.set()
        assert overtaken
        with Archive.open(archive) as opened:
            paid = {(reply.ticket, reply.attempt): reply for reply in opened.replies(run_id)}
            recorded = list(opened.records(run_id))
        assert paid and len(recorded) < EVALUATIONS
        before = len(model.requests)
        result = run(problem.folder, resume=run_id, archive=archive, final_check=False, workers=2)
        after = len(model.requests)
    with Archive.open(archive) as opened:
        replies = {(reply.ticket, reply.attempt): reply for reply in opened.replies(run_id)}
    assert result.stop_reason == "evaluations" and records_of(archive)[: len(recorded)] == recorded
    assert all(replies[key] == reply for key, reply in paid.items())
    assert after - before == len(replies) - len(paid)
    used = {one for r in records_of(archive) if (made := r.candidate or r.failure) for one in made.reply_ids}
    assert {reply.id for reply in paid.values()} <= used
    with Archive.open(archive) as opened:
        lines = list(opened.export(run_id, replies=True))
    (tmp_path / "run.jsonl").write_text("".join(f"{line}\n" for line in lines))
    given = {"replay": str(tmp_path / "run.jsonl"), "archive": tmp_path / "b.db", "final_check": False, "workers": 1}
    assert run(problem.folder, replay_strict=True, **given).spending.replies == len(replies)


def evolve(*arguments: str, archive: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evolve", *arguments, "--archive", str(archive)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


def show(*arguments: str, archive: Path) -> Result:
    return CliRunner().invoke(app, ["show", *arguments, "--prompt", "--archive", str(archive)])


def test_the_command_line(problem: Problem, model: ScriptedModel, tmp_path: Path) -> None:
    archive = tmp_path / "a.db"
    options = ["--model", "priced", "--api-base", model.url, "--evaluations", "12", "--no-final", "--workers", "1"]
    refused = CliRunner().invoke(app, ["run", str(problem.folder), *options, "--archive", str(archive)])
    assert refused.exit_code == 2 and "--yes" in refused.stderr and "USD" in refused.stderr and not model.requests
    ran = evolve("run", str(problem.folder), *options, "--yes", archive=archive)
    assert ran.returncode == 0, ran.stderr
    assert "replies" in ran.stdout and "sort" in ran.stdout
    with Archive.open(archive) as opened:
        run_id = opened.run("last").id
        record = next(r for r in opened.records(run_id) if r.ticket.model and r.candidate and r.verdict.value)
        reply = opened.replies_of(run_id, record.ticket.number)[0]
    shown = show(str(record.program_id), archive=archive)
    for message in reply.request["messages"]:
        assert message["content"] in shown.stdout
    assert reply.text in shown.stdout
    data = json.loads(show(str(record.program_id), "--json", archive=archive).stdout)
    assert data[0]["request"]["messages"] == reply.request["messages"] and data[0]["reply"] == reply.text
    with Archive.open(archive) as opened:
        seed = str(next(opened.records(run_id)).program_id)
    assert "no prompt" in show(seed, archive=archive).stderr
