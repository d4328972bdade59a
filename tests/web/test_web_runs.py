"""The list of runs, the page of a run and its figures."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from archive.store import Archive
from evolve.core.types import Candidate, Cost, ModelReply, Record, Source, Status, Ticket, Verdict
from evolve.foresight import FORESIGHT_EVENT
from evolve.known import KNOWN_EVENT
from evolve.pace import PACE_EVENT
from evolve.web.app import create_app
from evolve.web.assets import PLOTLY, assets
from evolve.web.figures import PlotFigure
from evolve.web.security import NOTHING

EVIL = '</script><img src=x onerror="window.pwned=1">\u202e\x1b[31m\ud800'
COST = [{"metric": "cost", "direction": "minimize"}]
LIMITS = {"memory_bytes": {"value": 2**28, "by": EVIL}}
CONFIG: dict[str, Any] = {
    "objectives": COST,
    "policy": "clade",
    "seed": 7,
    "evaluations": 40.0,
    "usd": 5.0,
    "hint": EVIL,
    "folder": "/home/somebody/problem",
    "equivalence": {"tries": 3},
    "sandbox": "none",
    "confinement": {"start": "once", "clock": "host", "limits": LIMITS},
    "models": {"models": [{"name": "big", "api_base": "http://inside:1"}], "bandit": "thompson"},
}
STATUSES = (Status.OK, Status.CRASHED, Status.DUPLICATE, Status.OK, Status.TIMED_OUT)


def known(**costs: float) -> dict[str, Any]:
    rows = [
        {"name": name, "program_id": f"{place:032x}", "metrics": {"cost": repr(cost)}, "files": {"a.py": EVIL}}
        for place, (name, cost) in enumerate(costs.items(), 0xBA5E)
    ]
    return {"title": EVIL, "programs": [{**row, "entry": "f", "language": "python"} for row in rows]}


def write(archive: Archive, model: str | None, count: int = 30, **config: Any) -> str:
    """A run whose costs fall; not ended."""
    run_id = archive.begin_run(problem="a/b", problem_version="cafe01", config={**CONFIG, **config}, run_seed=7)
    archive.add_event(run_id, KNOWN_EVENT, known(seed=9.0, old=3.0, older=5.0))
    for number in range(count):
        status = STATUSES[number % len(STATUSES)]
        ticket = Ticket(number, "expand", (), (), "rewrite" if number % 2 else "mutate", model, number)
        source = Source({"a.py": f"x = {number}"}, "f")
        candidate = Candidate(ticket, source, EVIL, cost=Cost(0.0, 9, 0.01 if model else 0.0))
        scored = status is Status.OK
        value = 8.0 / (1 + number) if scored else None
        verdict = Verdict(status, value, {"cost": value} if value else {}, stage="train", evaluation_set="set")
        archive.journal(run_id, ticket)
        if model:
            request = {"messages": [{"role": "user", "content": "do"}]}
            reply = ModelReply(number, 0, model, request, "d", "text", "stop", 100, 10, 40, 0.01, 1.0)
            archive.add_reply(run_id, reply)
        program = f"{number:032x}"
        archive.commit(run_id, Record(number, ticket, candidate, verdict, program, gain=0.1 if scored else 0.0))
    archive.flush()
    return run_id


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with Archive.open(tmp_path_factory.mktemp("runs") / "archive.db") as made:
        yield made


@pytest.fixture(scope="module")
def offline(archive: Archive) -> str:
    run_id = write(archive, None, count=12, sandbox="bubblewrap")
    archive.open_final(run_id, "cafe01", {"0" * 32: {"cost": 7.5}, f"{0xBA5E:032x}": {"cost": 9.5, "other": 1.0}})
    archive.end_run(run_id, "evaluations", 61.0)
    return run_id


@pytest.fixture(scope="module")
def paid(archive: Archive, offline: str) -> str:
    run_id = write(archive, EVIL[:-1])
    archive.add_event(run_id, PACE_EVENT, {"record": 0, "seconds": 6.0})
    archive.add_event(run_id, PACE_EVENT, {"record": 9, "seconds": 60.0})
    archive.add_event(run_id, "paused", {"away_seconds": 12.0, "message": EVIL, "next_seconds": 1.0})
    archive.add_event(run_id, FORESIGHT_EVENT, {"prospect": None})
    archive.flush()
    return run_id


@pytest.fixture(scope="module")
def client(archive: Archive, paid: str) -> Iterator[TestClient]:
    with TestClient(create_app(archive), base_url="http://localhost") as made:
        yield made


def page(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    for wrong in ("<img", "</script><", "\u202e", "\x1b", "style="):
        assert wrong not in answer.text
    return answer.text


def figure(client: TestClient, address: str) -> PlotFigure:
    answer = client.get(address)
    assert answer.status_code == 200
    for wrong in ("<img", "\u202e", "\x1b", "NaN", "Infinity"):
        assert wrong not in answer.text
    return PlotFigure.model_validate(answer.json())


def test_the_list_has_all_runs_the_latest_first(client: TestClient, paid: str, offline: str) -> None:
    text = page(client, "/runs")
    assert text.index(f'href="/runs/{paid}"') < text.index(f'href="/runs/{offline}"')
    assert "without a sandbox" in text
    assert "0.30" in text
    rows = client.get("/runs.json").json()
    assert [row["id"] for row in rows] == [paid, offline]
    assert (rows[1]["stop_reason"], rows[1]["programs"], rows[0]["replies"]) == ("evaluations", 12, 30)


def test_a_beginning_leads_to_the_whole_id(client: TestClient, paid: str) -> None:
    for name in ("last", paid[:5]):
        answer = client.get(f"/runs/{name}", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (307, f"/runs/{paid}")


def test_the_page_of_a_run_with_models(client: TestClient, paid: str, offline: str) -> None:
    text = page(client, f"/runs/{paid}")
    assert f'data-watch="{paid}"' in text
    assert "1,200 of 3,000 prompt tokens (40.0%)" in text
    assert "programs were not isolated" in text
    assert "12.0 s without a sandbox" in text
    assert "models.models.1.api_base" in text
    assert f"/compare/runs/{paid}/{offline}" in text
    for address in (f"/runs/{paid}/lineage", "/problems/a~b/cafe01", "/problems/a~b/cafe01/pareto"):
        assert f'href="{address}"' in text
    for words in ("Arms of the bandit", "rewrite", "timed out", "US dollars"):
        assert words in text


def test_the_page_of_a_run_that_ended(client: TestClient, offline: str) -> None:
    text = page(client, f"/runs/{offline}")
    assert "evaluations, after 1 min 01 s" in text
    assert "found 0000000000" in text
    assert "Arms of the bandit" not in text
    assert "which kept no times" in text


def test_nothing_of_the_own_machine_is_published(archive: Archive, paid: str) -> None:
    with TestClient(create_app(archive, published=True), base_url="http://localhost") as client:
        text = page(client, f"/runs/{paid}")
    assert "/home/somebody" not in text
    assert "http://inside" not in text
    assert "/compare/runs/" not in text


def test_the_curve_can_be_drawn_against_evaluations_dollars_and_minutes(client: TestClient, paid: str) -> None:
    drawn = figure(client, f"/runs/{paid}/curve.json")
    assert list(drawn.layout["meta"]["axes"]) == ["evaluations", "usd", "minutes"]
    own = {one["meta"]["axis"]: one for one in drawn.data if one["name"] == "best so far"}
    assert own["evaluations"]["y"][0] == 8.0
    assert own["evaluations"]["y"] == sorted(own["evaluations"]["y"], reverse=True)
    assert own["usd"]["x"][0] == pytest.approx(0.01)
    assert own["usd"]["x"][-1] == pytest.approx(0.3)
    assert own["minutes"]["x"][0] == pytest.approx(0.1)
    assert own["usd"]["customdata"][0] == f"/programs/{0:032x}"
    assert {one["name"] for one in drawn.data} == {
        "best so far",
        "best baseline: old",
        "other baselines: older",
        "seed",
    }


def test_a_run_without_models_has_evaluations_alone(client: TestClient, offline: str) -> None:
    drawn = figure(client, f"/runs/{offline}/curve.json")
    assert list(drawn.layout["meta"]["axes"]) == ["evaluations"]


def test_shares_of_statuses_add_up(client: TestClient, paid: str) -> None:
    drawn = figure(client, f"/runs/{paid}/statuses.json")
    sums = [sum(heights) for heights in zip(*(one["y"] for one in drawn.data), strict=True)]
    assert sums == pytest.approx([1.0] * len(sums))
    assert {one["name"] for one in drawn.data} == {"ok", "crashed", "duplicate", "timed out"}


def test_programs_stand_page_by_page(client: TestClient, archive: Archive, paid: str) -> None:
    text = page(client, f"/runs/{paid}/programs/0")
    lines = archive.programs_of(paid)
    assert all(f"/programs/{one.program_id}" in text for one in lines)
    assert 'rel="next"' not in text
    assert "No program among" in page(client, f"/runs/{paid}/programs/5000")


def test_a_run_that_says_nothing_of_itself(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive.db") as made:
        run_id = made.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        with TestClient(create_app(made), base_url="http://localhost") as client:
            assert "kept no word" in page(client, f"/runs/{run_id}")
            assert figure(client, f"/runs/{run_id}/curve.json").data == []
            assert figure(client, f"/runs/{run_id}/statuses.json").data == []


def test_an_empty_archive_says_what_to_type(tmp_path: Path) -> None:
    made = Archive.open(tmp_path / "archive.db")
    with made, TestClient(create_app(made), base_url="http://localhost") as client:
        assert "evolve run float32-exp2" in page(client, "/runs")
        assert client.get("/runs.json").json() == []
        assert client.get("/runs/last").status_code == 404


@pytest.mark.parametrize("name", ["ffffffff", "a..b", "a'--", "%00", "%ff", "x" * 5000, "%F0%9F%98%80"])
@pytest.mark.parametrize("rest", ["", "/curve.json", "/statuses.json", "/programs/0"])
def test_what_is_no_run_is_not_found(client: TestClient, name: str, rest: str) -> None:
    assert client.get(f"/runs/{name}{rest}").status_code in (404, 422)


@pytest.mark.parametrize("first", ["-1", "9" * 30, "x"])
def test_what_is_no_record_is_not_found(client: TestClient, paid: str, first: str) -> None:
    assert client.get(f"/runs/{paid}/programs/{first}").status_code in (404, 422)


def test_the_bundle_of_plots_adds_no_style_that_the_policy_refuses() -> None:
    """Its maps' style sheet is left out by an element of this name; a bundle of another version may have another."""
    name = re.search(r'MAPS\.id = "(\w+)"', assets()["plot.js"].content.decode())
    assert name is not None
    assert f'getElementById("{name[1]}")'.encode() in assets()[PLOTLY].content
    assert f"'sha256-{b64encode(sha256(b'').digest()).decode()}'" == NOTHING
