"""Archives are imported, and older ones are kept: no page fails because of what stands in their events and results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from archive.store import Archive
from evolve.choice import CHOICE_EVENT
from evolve.comparison.plan import TAG
from evolve.comparison.reporting import EVENT as REPORT_EVENT
from evolve.core.config import OBJECTIVES
from evolve.core.types import Candidate, Record, Result, Source, Status, Ticket, Verdict
from evolve.known import KNOWN_EVENT, known_of
from evolve.pace import PACE_EVENT, seconds_at
from evolve.sandboxing import CONFINEMENT, SANDBOX
from evolve.web.app import create_app
from evolve.web.desk import Desk, board_address, problem_name, slug
from evolve.web.text import date, lasting

VERSION = "ab" * 16
SEED, BASELINE, FIRST, SECOND = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
BOARD = f"/problems/some/{VERSION}"
KINDS = (KNOWN_EVENT, PACE_EVENT, CHOICE_EVENT, REPORT_EVENT, SANDBOX, CONFINEMENT, "paused", "went_on", "foresight")
STRANGE: tuple[Any, ...] = ({}, 7, {"programs": [{}], "title": 3, "record": "x", "program": 3})
WRONG: tuple[Any, ...] = ([7], [{"metric": 7, "direction": "minimize"}], [{"metric": "a", "direction": "up"}])
LINK = '<a href="//elsewhere">x</a>'


def known(**metrics: float) -> dict[str, Any]:
    ids = {"seed": SEED, "one": BASELINE}
    rest = {"files": {"p.py": "x = 1"}, "entry": "f", "language": "python"}
    rows = [
        {"name": name, "program_id": ids[name], "metrics": {"gain": repr(value)}, **rest}
        for name, value in metrics.items()
    ]
    return {"title": "A title", "programs": rows}


def record(number: int, program: str, value: float) -> Record:
    ticket = Ticket(number, "expand", (), (), "mutate", None, number)
    candidate = Candidate(ticket, Source({"p.py": f"def f():\n    return {number}\n"}, "f"), "an idea")
    verdict = Verdict(
        Status.OK, value, {"gain": value}, "", (Result(LINK, Status.OK, value, 0.1, 0.1, 1),), "train", "s"
    )
    return Record(number, ticket, candidate, verdict, program, program[:8], outcome=1.0)


def begin(archive: Archive, config: Mapping[str, Any], *events: tuple[str, Any]) -> str:
    run_id = archive.begin_run(problem="some", problem_version=VERSION, config=config, run_seed=1)
    for kind, payload in events:
        archive.add_event(run_id, kind, payload)
    for one in (record(0, FIRST, 1.0), record(1, SECOND, 2.0)):
        archive.journal(run_id, one.ticket)
        archive.commit(run_id, one)
    return run_id


CONFIG = {OBJECTIVES: [{"metric": "gain", "direction": "maximize"}], "policy": "clade", TAG: "ab12", "evaluations": 9.0}


@contextmanager
def opened(where: Path) -> Iterator[tuple[Archive, TestClient]]:
    with (
        Archive.open(where / "archive.db") as archive,
        TestClient(create_app(archive), base_url="http://localhost") as client,
    ):
        yield archive, client


def addresses(run_id: str) -> list[str]:
    run = [f"/runs/{run_id}{end}" for end in ("", "/curve.json", "/statuses.json", "/lineage", "/lineage.json")]
    program = [f"/programs/{SECOND}{end}" for end in ("", "/program.json", "/results.json", "/results-figure.json")]
    board = [f"{BOARD}{end}" for end in ("", "/board.json", "/board.csv", "/badge.svg", "/pareto", "/pareto.json")]
    return ["/", "/problems.json", "/runs", "/compare", "/compare.json", "/compare/ab12", *run, *program, *board]


@pytest.mark.parametrize("payload", STRANGE, ids=repr)
def test_events_of_another_shape_cost_no_page(payload: Any, tmp_path: Path) -> None:
    with opened(tmp_path) as (archive, client):
        run_id = begin(archive, CONFIG, *((kind, payload) for kind in KINDS))
        archive.open_final(run_id, VERSION, {SECOND: {"gain": 2.0, "ahead": 0.0, "ahead_low": 0.0}, FIRST: {}})
        archive.end_run(run_id, "evaluations", 1.0)
        said = {address: client.get(address).status_code for address in addresses(run_id)}
        assert set(said.values()) == {200}, said


@pytest.mark.parametrize("wanted", WRONG, ids=repr)
def test_objectives_of_another_shape_are_none(wanted: Any, tmp_path: Path) -> None:
    with opened(tmp_path) as (archive, client):
        run_id = begin(archive, {**CONFIG, OBJECTIVES: wanted}, (KNOWN_EVENT, known(seed=0.5)))
        said = {address: client.get(address).status_code for address in addresses(run_id)}
        assert set(said.values()) == {200}, said


@pytest.mark.parametrize("change", [{"evaluations": None}, {"models": 7, "policy": None}], ids=repr)
def test_a_comparison_of_odd_runs_is_a_page_without_figures(change: dict[str, Any], tmp_path: Path) -> None:
    with opened(tmp_path) as (archive, client):
        for policy in ("clade", "greedy"):
            worth = {"course": {"spent": [1.0], "values": [1.0]}, "final": 1.0, "programs": [], "failure": ""}
            run_id = begin(archive, {**CONFIG, "policy": policy, **change}, (REPORT_EVENT, worth))
            archive.end_run(run_id, "evaluations", 1.0)
        assert client.get("/compare").status_code == 200
        assert client.get("/compare.json").status_code == 200
        assert client.get("/compare/ab12").status_code in (200, 404)


def test_what_is_no_program_that_was_known_is_not_believed() -> None:
    for change in (
        {"program_id": "../x"},
        {"program_id": 7},
        {"name": 7},
        {"files": {"a": 1}},
        {"metrics": {"a": "b"}},
    ):
        said = known(seed=0.5)
        said["programs"][0] |= change
        assert known_of([(KNOWN_EVENT, said)]) is None
    assert known_of([(KNOWN_EVENT, {"title": "x", "programs": []})]) is None
    assert seconds_at([(PACE_EVENT, {"record": 0, "seconds": math.inf}), (PACE_EVENT, {})], [0]) == []


def test_a_run_that_says_what_it_knew_a_moment_later_is_asked_again(tmp_path: Path) -> None:
    with Archive.open(tmp_path / "archive.db") as archive:
        desk = Desk(archive)
        run_id = archive.begin_run(problem="some", problem_version=VERSION, config=CONFIG, run_seed=1)
        assert desk.known(run_id) is None
        archive.add_event(run_id, KNOWN_EVENT, known(seed=0.5))
        archive.flush()
        found = desk.known(run_id)
        assert found is not None and found.title == "A title"


def test_each_opening_of_a_run_compares_its_own_champion(tmp_path: Path) -> None:
    def row(value: float, ahead: float, reach: float) -> dict[str, float]:
        bounds = {"ahead_low": ahead - reach, "ahead_high": ahead + reach}
        return {"gain": value, "groups": 20.0, "ahead": ahead, **bounds}

    with opened(tmp_path) as (archive, client):
        run_id = begin(archive, CONFIG, (KNOWN_EVENT, known(seed=0.5, one=0.75)))
        archive.open_final(run_id, VERSION, {FIRST: row(1.0, 0.0, 0.0), BASELINE: row(0.75, 0.25, 0.1)})
        archive.open_final(run_id, VERSION, {SECOND: row(2.0, 0.0, 0.0), BASELINE: row(0.75, 1.25, 0.1)})
        archive.end_run(run_id, "evaluations", 1.0)
        rows = {one["program"]: one for one in client.get(f"{BOARD}/board.json").json()["rows"]}
        assert (rows[FIRST]["gain"], rows[SECOND]["gain"]) == (0.25, 1.25)
        assert [rows[one]["rank"] for one in (SECOND, FIRST, BASELINE)] == [1, 2, 3]
        assert client.get("/problems.json").json()[0]["best_program"] == SECOND
        # The run's own page speaks of the latest check alone.
        assert [len(one) for one in Desk(archive).openings(archive.run(run_id))] == [2, 2]


def test_what_has_no_score_on_final_has_no_rank(tmp_path: Path) -> None:
    with opened(tmp_path) as (archive, client):
        run_id = begin(archive, CONFIG, (KNOWN_EVENT, known(seed=0.5)))
        archive.open_final(run_id, VERSION, {FIRST: {"gain": 1.0}, SECOND: {"=other": 3.0}, SEED: {"gain": 0.5}})
        rows = {one["program"]: one["rank"] for one in client.get(f"{BOARD}/board.json").json()["rows"]}
        assert rows == {FIRST: 1, SEED: 2, SECOND: None}
        assert client.get("/problems.json").json()[0]["best_program"] == FIRST
        assert ",'=other" in client.get(f"{BOARD}/board.csv").text


def test_the_names_of_instances_are_no_links_in_a_plot(tmp_path: Path) -> None:
    with opened(tmp_path) as (archive, client):
        archive.end_run(begin(archive, CONFIG), "evaluations", 1.0)
        figure = client.get(f"/programs/{SECOND}/results-figure.json").text
        assert "&lt;a href=" in figure and "<a " not in figure


def test_dates_and_times_of_other_programs_are_shown_as_they_are() -> None:
    assert (date("yesterday"), date("2026-01-02T03:04:05+00:00"), date(None)) == ("yesterday", "2026-01-02 03:04", "–")
    assert lasting(math.inf) == "no bound"


@pytest.mark.parametrize("name", ["a~b", "a/~b", "a~/b", "a!t/b", "a!/!!t~", "family/some!", "50% ?of#it", "ü/\u202e"])
def test_every_name_of_a_problem_has_an_address_of_its_own(name: str, tmp_path: Path) -> None:
    assert problem_name(slug(name)) == name and "/" not in slug(name)
    with opened(tmp_path) as (archive, client):
        ids = [
            archive.begin_run(problem=problem, problem_version=VERSION, config=CONFIG, run_seed=1)
            for problem in (name, name.replace("~", "/"), name.replace("!", "~"))
        ]
        archive.flush()
        page = client.get(f"/runs/{ids[0]}").text
        assert f'href="{board_address(name, VERSION)}"' in page
        assert client.get(f"{board_address(name, VERSION)}/board.json").json()["problem"] == name
        assert client.get(board_address(name)).status_code == 200
        assert f'href="{board_address(name)}"' in client.get("/").text
