"""The front of a problem: which programs are drawn, and which of them stand on it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from archive.store import Archive
from evolve.core.types import Candidate, Objective, Promotion, Record, Source, Status, Ticket, Verdict
from evolve.known import KNOWN_EVENT
from evolve.web import cloud
from evolve.web.app import create_app
from evolve.web.cloud import Point, front_of
from evolve.web.pareto import Columns

EVIL = "<img src=x onerror=alert(1)>\u202e"
ERROR, STEPS = Objective("error", "minimize"), Objective("steps", "minimize")
TWO = [{"metric": "error", "direction": "minimize"}, {"metric": "steps", "direction": "minimize"}]
COUNT = 60


def point(error: float, steps: float, kind: Any = "found") -> Point:
    return Point(kind, f"{error} {steps}", "r", "", {"error": error, "steps": steps})


FIGURES = st.floats(allow_nan=True) | st.integers(0, 3).map(float)


@settings(deadline=None)
@given(st.lists(st.builds(point, FIGURES, FIGURES), max_size=30))
def test_on_the_front_is_what_no_other_one_dominates(points: list[Point]) -> None:
    front = front_of(points, STEPS, ERROR)
    drawn = [one for one in points if all(map(math.isfinite, one.metrics.values()))]
    for one in drawn:
        dominated = any(_dominates(other, one) for other in drawn)
        stands = any(other.metrics == one.metrics for other in front)
        assert stands is not dominated
    assert [one.metrics["steps"] for one in front] == sorted({one.metrics["steps"] for one in front})


def _dominates(one: Point, other: Point) -> bool:
    pairs = [(one.metrics[name], other.metrics[name]) for name in ("error", "steps")]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def write(archive: Archive, objectives: list[dict[str, str]], version: str) -> str:
    """Of the programs those at the places of `on_front` passed the gate, and one was refused."""
    config = {"objectives": objectives}
    run_id = archive.begin_run(problem="a/b", problem_version=version, config=config, run_seed=1)
    rows = [("seed", 5.0, 1.0), (EVIL, 1.0, 5.0)]
    programs = [
        {
            "name": name,
            "program_id": f"{place:032x}",
            "metrics": {"error": repr(error), "steps": repr(steps)},
            "files": {"a.py": "x"},
            "entry": "f",
            "language": "python",
        }
        for place, (name, error, steps) in enumerate(rows, 0xBA5E)
    ]
    archive.add_event(run_id, KNOWN_EVENT, {"title": "T", "programs": programs})
    for number in range(COUNT):
        ticket = Ticket(number, "expand", (), (), "mutate", None, number)
        metrics = {"error": 6.0 + number % 7, "steps": 6.0 + number % 5, "seconds": 0.1}
        promotion = None
        if number == 17:
            metrics, promotion = {"error": 0.5, "steps": 2.0}, Promotion(True, {}, "gate")
        if number == 23:
            metrics, promotion = {"error": 0.1, "steps": 0.1}, Promotion(False, {}, "gate")
        status = Status.CRASHED if number % 10 == 9 else Status.OK
        verdict = Verdict(Status.CRASHED)
        if status is Status.OK:
            verdict = Verdict(status, metrics["error"], metrics, stage="train", evaluation_set="set")
        candidate = Candidate(ticket, Source({"a.py": f"x = {number}"}, "f"), EVIL)
        archive.journal(run_id, ticket)
        archive.commit(run_id, Record(number, ticket, candidate, verdict, f"{number:032x}", promotion=promotion))
    archive.flush()
    return run_id


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with Archive.open(tmp_path_factory.mktemp("pareto") / "archive.db") as made:
        write(made, TWO, "cafe01")
        write(made, TWO[:1], "cafe02")
        made.begin_run(problem="bare", problem_version="cafe03", config={"objectives": TWO}, run_seed=1)
        yield made


@pytest.fixture(scope="module")
def client(archive: Archive) -> Iterator[TestClient]:
    with TestClient(create_app(archive), base_url="http://localhost") as made:
        yield made


def columns(client: TestClient, version: str) -> Columns:
    answer = client.get(f"/problems/a~b/{version}/pareto.json")
    assert answer.status_code == 200
    return Columns.model_validate(answer.json())


def test_the_points_by_column(client: TestClient) -> None:
    found = columns(client, "cafe01")
    assert (found.metrics, found.axes) == (["error", "steps", "seconds"], ["steps", "error"])
    assert found.directions == {"error": "minimize", "steps": "minimize"}
    assert (found.total, found.shown) == (54, 54)
    assert (found.kinds.count("found"), found.kinds.count("refused"), found.kinds.count("baseline")) == (53, 1, 1)
    assert found.names[-2:] == ["seed", EVIL]
    assert found.values["seconds"][-1] is None
    assert {len(column) for column in (found.kinds, found.programs, found.runs, *found.values.values())} == {56}


def test_the_page_lists_the_front(client: TestClient) -> None:
    answer = client.get("/problems/a~b/cafe01/pareto")
    assert answer.status_code == 200
    assert "<img" not in answer.text
    table = answer.text[answer.text.index("<tbody>") :]
    assert [f"{number:032x}" in table for number in (17, 23, 0xBA5E, 0xBA5F)] == [True, False, True, False]
    assert "All 54 different programs" in answer.text


def test_one_objective_stands_against_another_metric(client: TestClient) -> None:
    assert columns(client, "cafe02").axes == ["seconds", "error"]


def test_of_many_programs_the_front_and_a_sample_are_drawn(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "MOST", 12)
    found = columns(client, "cafe01")
    assert found.total == 54
    assert found.shown <= 12
    assert f"{17:032x}" in found.programs
    assert "are left out" in client.get("/problems/a~b/cafe01/pareto").text


def test_a_beginning_of_a_version_leads_to_the_whole_one(client: TestClient) -> None:
    answer = client.get("/problems/a~b/cafe0/pareto", follow_redirects=False)
    assert answer.status_code == 404
    whole = client.get("/problems/bare/caf/pareto", follow_redirects=False)
    assert (whole.status_code, whole.headers["location"]) == (307, "/problems/bare/cafe03/pareto")


def test_nothing_scored_yet(client: TestClient) -> None:
    answer = client.get("/problems/bare/cafe03/pareto")
    assert answer.status_code == 200
    assert "evolve run bare" in answer.text


@pytest.mark.parametrize("problem", ["none", "a%2fb", "%00", "%ff", "x" * 5000])
@pytest.mark.parametrize("version", ["cafe01", "0", "%00", "a'--", "f" * 5000])
@pytest.mark.parametrize("leaf", ["pareto", "pareto.json"])
def test_what_is_no_problem_is_not_found(client: TestClient, problem: str, version: str, leaf: str) -> None:
    assert client.get(f"/problems/{problem}/{version}/{leaf}").status_code in (404, 422)
