"""The leaderboard's page, its rows as JSON and CSV, and the badge, over an archive that was written here."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from archive.store import Archive
from evaluators.gate import FIRST
from evolve.core.config import OBJECTIVES
from evolve.core.types import Candidate, Promotion, Question, Record, Result, Source, Status, Ticket, Verdict
from evolve.display.program import gate_status
from evolve.known import KNOWN_EVENT
from evolve.rules import NOT_GATED
from evolve.web.app import create_app

VERSION, OLDER = "ab" * 16, "cd" * 16
FOUND, REFUSED = "f" * 32, "e" * 32
HOSTILE = '=HYPERLINK("http://x")</script><img src=x onerror=alert(1)>\u202e\x1b[31m'
CONFIG = {OBJECTIVES: [{"metric": "cost", "direction": "minimize"}]}


def record(number: int, program: str, value: float, promotion: Promotion | None) -> Record:
    ticket = Ticket(number, "expand", (), (), "mutate", "maker/large-model", number)
    candidate = Candidate(ticket, Source({"program.py": "def f():\n    return 1\n"}, "f"), HOSTILE)
    results = (
        Result("a", Status.OK, value, 0.002, 0.003, 1 << 20),
        Result("b", Status.OK, value, 0.004, 0.004, 1 << 20),
    )
    verdict = Verdict(Status.OK, value, {"cost": value}, "", results, "train", "set")
    return Record(number, ticket, candidate, verdict, program, program[:8], outcome=1.0, promotion=promotion)


def fill(archive: Archive, version: str = VERSION) -> str:
    run_id = archive.begin_run(problem="family/problem", problem_version=version, config=CONFIG, run_seed=1)
    files = {"files": {"program.py": "x = 1"}, "entry": "f", "language": "python"}
    programs = [
        {"name": name, "program_id": program, "metrics": {"cost": "1.0"}, **files}
        for name, program in (("seed", "a" * 32), (HOSTILE, "b" * 32))
    ]
    archive.add_event(run_id, KNOWN_EVENT, {"title": f"Titled {HOSTILE}", "programs": programs})
    passed = Promotion(True, {"cost": 0.5}, "gate", "better", Question(1, 20, False, 5.0, 3.0))
    for one in (
        record(0, "c" * 32, 0.9, None),
        record(1, FOUND, 0.5, passed),
        record(2, REFUSED, 0.4, Promotion(False, {"cost": 0.4}, "gate", "not better")),
    ):
        archive.journal(run_id, one.ticket)
        archive.commit(run_id, one)
    ahead = {"groups": 20.0, "ahead": 0.3, "ahead_low": 0.2, "ahead_high": 0.4}
    own = {"groups": 20.0, "ahead": 0.0, "ahead_low": 0.0, "ahead_high": 0.0}
    archive.open_final(
        run_id,
        version,
        {FOUND: {"cost": 0.5, **own}, "a" * 32: {"cost": 1.0, **ahead}, "b" * 32: {"cost": 0.8, **ahead}},
    )
    archive.end_run(run_id, "evaluations", 12.0)
    return run_id


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    where: Path = tmp_path_factory.mktemp("board") / "archive.db"
    with Archive.open(where) as archive:
        fill(archive, OLDER)
        fill(archive)
        with TestClient(create_app(archive), base_url="http://localhost", raise_server_exceptions=True) as opened:
            yield opened


def _opened(archive: Archive) -> TestClient:
    return TestClient(create_app(archive), base_url="http://localhost")


BASE = f"/problems/family~problem/{VERSION}"


def test_rows_say_what_was_found_and_against_what(client: TestClient) -> None:
    board = client.get(f"{BASE}/board.json").json()
    assert (board["problem"], board["version"], board["openings"]) == ("family/problem", VERSION, 1)
    found, baseline, seed = board["rows"]
    assert [row["rank"] for row in board["rows"]] == [1, 2, 3]
    assert (found["kind"], found["gate"], found["over"], found["gain"]) == ("found", "passed", HOSTILE, 0.3)
    assert (found["low"], found["high"], found["groups"]) == (0.2, 0.4, 20)
    assert (found["model"], found["operator"], found["characters"]) == ("maker/large-model", "mutate", 22)
    assert found["cpu_seconds"] == pytest.approx(0.003)
    assert found["evaluations"] == 2.0
    assert (baseline["kind"], seed["kind"]) == ("baseline", "seed")
    assert baseline["characters"] == 5 and baseline["gate"] is None


@pytest.mark.parametrize(
    ("accepted", "reason", "question", "status"),
    [
        (True, "better", Question(1, 20, False, 5.0, 3.0), "passed"),
        (False, "not better", Question(1, 20, False, 1.0, 3.0), "refused"),
        (False, "wrong at 0.5", None, "refused"),
        (True, "", None, "proven"),
        (True, FIRST, None, "not asked"),
        (True, NOT_GATED, None, "not asked"),
    ],
)
def test_what_the_gate_said_is_said_in_one_word(
    accepted: bool, reason: str, question: Question | None, status: str
) -> None:
    assert gate_status(Promotion(accepted, {}, "gate", reason, question)) == status
    assert gate_status(None) == "not asked"


def test_a_program_that_the_gate_refused_is_on_no_board(client: TestClient) -> None:
    assert REFUSED not in client.get(BASE).text


def test_the_newest_version_is_shown_and_older_ones_stay(client: TestClient) -> None:
    page = client.get("/problems/family~problem")
    assert page.status_code == 200 and OLDER in page.text
    assert client.get(f"/problems/family~problem/{OLDER}").status_code == 200
    short = client.get(f"/problems/family~problem/{OLDER[:8]}", follow_redirects=False)
    assert (short.status_code, short.headers["location"]) == (307, f"/problems/family~problem/{OLDER}")


@pytest.mark.parametrize("where", ["/problems/nothing", "/problems/family~problem/zz", f"{BASE[:-1]}x/board.json"])
def test_what_is_not_there_is_said(client: TestClient, where: str) -> None:
    assert client.get(where).status_code == 404


def test_foreign_text_stays_text(client: TestClient) -> None:
    for where in ("/", "/problems/family~problem", BASE):
        text = client.get(where).text
        assert "<img" not in text and "onerror=alert(1)>" not in text.replace("onerror=alert(1)&gt;", "")
        assert "\u202e" not in text and "\x1b" not in text
        assert "⟨U+202E⟩" in text


def test_the_table_holds_no_formula(client: TestClient) -> None:
    answer = client.get(f"{BASE}/board.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["cost"] for row in rows] == ["0.5", "0.8", "1.0"]
    assert rows[1]["name"] == f"'{HOSTILE}" and rows[0]["idea"] == f"'{HOSTILE}"


def test_the_badge_tells_the_best_score(client: TestClient) -> None:
    answer = client.get(f"{BASE}/badge.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert "cost 0.5, +0.3" in answer.text and answer.text.startswith("<svg")


def test_the_first_page_has_each_problem_with_its_best(client: TestClient) -> None:
    (row,) = client.get("/problems.json").json()
    assert (row["best_program"], row["value"], row["runs"], row["programs"]) == (FOUND, 0.5, 2, 6)
    text = client.get("/").text
    assert "+0.3" in text and 'class="spark"' in text


def test_an_empty_archive_says_how_to_begin(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "empty.db") as archive, _opened(archive) as opened:
        assert "evolve run" in opened.get("/").text
        assert opened.get("/problems.json").json() == []


def test_objectives_that_a_run_did_not_say_leave_an_empty_board(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "old.db") as archive:
        run_id = archive.begin_run(problem="old", problem_version=VERSION, config={}, run_seed=1)
        archive.end_run(run_id, "evaluations", 1.0)
        with _opened(archive) as opened:
            assert "Nothing has a score yet" in opened.get("/problems/old").text
