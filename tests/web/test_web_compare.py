"""Comparisons as an archive holds them, and two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from archive.store import Archive
from evolve.comparison.plan import TAG
from evolve.comparison.reporting import EVENT
from evolve.core.types import Candidate, Record, Source, Status, Ticket, Verdict
from evolve.web import comparisons
from evolve.web.app import create_app
from evolve.web.desk import Desk
from evolve.web.figures import PlotFigure

COST = [{"metric": "cost", "direction": "minimize"}]
POLICIES = {"independent": 1.0, "hill": 0.5, "clade:a=<b>": 0.25}
WHOLE, HALF, BARE = "aaaa000011112222", "bbbb000011112222", "cccc000011112222"


def begin(archive: Archive, comparison: str, policy: str, seed: int, version: str = "cafe01") -> str:
    config = {"objectives": COST, "policy": policy, "evaluations": 10.0, "seed": seed, TAG: comparison}
    return archive.begin_run(problem="a/b", problem_version=version, config=config, run_seed=seed)


def end(archive: Archive, run_id: str, value: float | None) -> None:
    ticket = Ticket(0, "expand", (), (), "start", None, 0)
    source = Source({"a.py": "x"}, "f")
    verdict = Verdict(Status.OK, 2.0, {"cost": 2.0}, stage="train", evaluation_set="set")
    archive.journal(run_id, ticket)
    archive.commit(run_id, Record(0, ticket, Candidate(ticket, source, ""), verdict, "ab" * 16))
    course = {"spent": [1.0, 4.0], "values": [2.0, 1.0 if value is None else value]}
    failure = "crashed: <script>" if value is None else ""
    archive.add_event(run_id, EVENT, {"course": course, "final": value, "programs": ["ab" * 16], "failure": failure})
    archive.end_run(run_id, "evaluations", 2.0)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with Archive.open(tmp_path_factory.mktemp("compare") / "archive.db") as made:
        for seed in range(8):
            for policy, value in POLICIES.items():
                failed = policy == "hill" and seed == 3
                end(made, begin(made, WHOLE, policy, seed), None if failed else value + 0.01 * seed)
        for seed in range(3):
            for place, policy in enumerate(POLICIES):
                run_id = begin(made, HALF, policy, seed, "cafe02")
                if (seed, place) < (2, 1):
                    end(made, run_id, 1.0 - 0.1 * place)
        begin(made, BARE, "hill", 0)
        yield made


@pytest.fixture(scope="module")
def client(archive: Archive) -> Iterator[TestClient]:
    with TestClient(create_app(archive), base_url="http://localhost") as made:
        yield made


def page(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert "<b>=" not in answer.text
    assert ": <script>" not in answer.text
    return answer.text


def figure(client: TestClient, address: str) -> PlotFigure:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    assert "NaN" not in answer.text
    assert "Infinity" not in answer.text
    assert "=<b>" not in answer.text
    return PlotFigure.model_validate(answer.json())


def test_the_list_says_how_far_each_comparison_is(client: TestClient) -> None:
    text = page(client, "/compare")
    assert text.index(f"/compare/{BARE}") < text.index(f"/compare/{HALF}") < text.index(f"/compare/{WHOLE}")
    rows = {row["id"]: row for row in client.get("/compare.json").json()}
    assert [rows[one]["expected"] for one in (WHOLE, HALF, BARE)] == [24, 9, 1]
    assert [rows[one]["measured"] for one in (WHOLE, HALF, BARE)] == [24, 7, 0]
    assert rows[WHOLE]["policies"] == list(POLICIES)


def test_a_whole_comparison_has_what_the_command_prints(client: TestClient, archive: Archive) -> None:
    found = comparisons.one(Desk(archive), WHOLE).comparison(0)
    assert found is not None
    assert (found.control, found.seeds, found.budget, found.unit) == (
        "independent",
        tuple(range(8)),
        10.0,
        "evaluations",
    )
    rows = {row.policy: row for row in found.of("final")}
    assert rows["hill"].failed == 1
    assert rows["clade:a=<b>"].difference is not None
    assert rows["clade:a=<b>"].difference.middle == pytest.approx(0.75)
    text = page(client, f"/compare/{WHOLE}")
    assert "Not finished" not in text
    for words in ("independent", "hill (1 failed)", "95 % interval", "+0.750", "Holm"):
        assert words in text


def test_each_policy_may_be_the_control(client: TestClient) -> None:
    text = page(client, f"/compare/{WHOLE}")
    assert f'href="/compare/{WHOLE}/control/2"' in text
    assert "Differences from hill" in page(client, f"/compare/{WHOLE}/control/1")
    assert client.get(f"/compare/{WHOLE}/control/3").status_code == 404


def test_an_unfinished_comparison_has_the_seeds_that_all_policies_have(client: TestClient, archive: Archive) -> None:
    found = comparisons.one(Desk(archive), HALF).comparison(0)
    assert found is not None
    assert found.seeds == (0, 1)
    text = page(client, f"/compare/{HALF}")
    assert "7 of 9 runs have ended" in text
    assert 'data-watch="' in text


def test_nothing_measured_yet(client: TestClient) -> None:
    assert "0 of 1 runs have ended" in page(client, f"/compare/{BARE}")
    assert figure(client, f"/compare/{BARE}/curves.json").data == []
    assert figure(client, f"/compare/{BARE}/differences/0.json").data == []
    assert client.get(f"/compare/{BARE}/control/1").status_code == 404


def test_the_curves_are_medians_with_quartiles(client: TestClient) -> None:
    drawn = figure(client, f"/compare/{WHOLE}/curves.json")
    lines = [one for one in drawn.data if "hovertemplate" in one]
    assert [one["name"] for one in lines] == ["independent", "hill", "clade:a=&lt;b&gt;"]
    assert len(drawn.data) == 9
    assert lines[0]["y"][0] == 2.0
    assert lines[0]["y"][-1] == pytest.approx(1.035)


def test_the_differences_leave_out_failed_runs(client: TestClient) -> None:
    drawn = figure(client, f"/compare/{WHOLE}/differences/0.json")
    assert drawn.layout["yaxis"]["ticktext"] == ["clade:a=&lt;b&gt;", "hill"]
    assert [len(one["x"]) for one in drawn.data] == [8, 1, 7, 1]


def test_two_runs_side_by_side(client: TestClient, archive: Archive) -> None:
    one, other = (run.id for run in archive.runs()[:2])
    text = page(client, f"/compare/runs/{one}/{other}")
    assert '<tr class="differs"><th scope="row">policy' in text
    assert "best cost on train" in text
    drawn = figure(client, f"/compare/runs/{one}/{other}/curve.json")
    assert [trace["name"] for trace in drawn.data] == [f"{one} (independent)", f"{other} (hill)"]


def test_runs_of_two_versions_do_not_compare(client: TestClient, archive: Archive) -> None:
    runs = archive.runs()
    answer = client.get(f"/compare/runs/{runs[0].id}/{runs[-2].id}")
    assert answer.status_code == 404
    assert "do not compare" in answer.text


def test_an_archive_without_comparisons_says_what_to_type(tmp_path: Path) -> None:
    made = Archive.open(tmp_path / "archive.db")
    with made, TestClient(create_app(made), base_url="http://localhost") as client:
        assert "evolve compare" in page(client, "/compare")
        assert client.get("/compare.json").json() == []


@pytest.mark.parametrize("name", ["0", "runs", "a..b", "a'--", "%00", "%ff", "f" * 5000])
@pytest.mark.parametrize("rest", ["", "/control/0", "/curves.json", "/differences/0.json"])
def test_what_is_no_comparison_is_not_found(client: TestClient, name: str, rest: str) -> None:
    assert client.get(f"/compare/{name}{rest}").status_code in (404, 422)
