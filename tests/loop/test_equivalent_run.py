"""Whole runs in real sandboxes: the same export with a cold and a warm cache, and what a run says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from archive.store import Archive
from evolve import compare, run
from evolve.cli.app import app
from evolve.core.config import read_equivalence
from evolve.core.errors import UsageError
from evolve.core.types import Status
from evolve.problem import Problem
from evolve.result import RunResult

pytestmark = pytest.mark.bubblewrap

# Adds one or none to each number, of which every row has all kinds: many texts, few functions.
STEP_VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range({"train": 2}.get(str(split), 1)):
        yield Instance(f"{split}-{number}", f"row-{number}", ([(seed * 7 + number * 5 + i) % 9 for i in range(9)],))


def score(instance, output):
    if type(output) is not list:
        raise Invalid("not a list")
    right = sum(a == n + (n > 4) for a, n in zip(output, instance.args[0])) / 9
    return Score(right, {"right": right}, "compared")
"""
STEP_SEED = """
# EVOLVE-BLOCK-START
def arrange(numbers):
    return [n + (n > 7) for n in numbers]
# EVOLVE-BLOCK-END
"""


def _run(problem: Problem, place: Path, **more: Any) -> tuple[RunResult, list[str]]:
    given: dict[str, Any] = {"evaluations": 24, "seed": 5, "window": 2, "workers": 2, "final_check": False, **more}
    found = run(problem.folder, archive=place, **given)
    with Archive.open(place) as archive:
        return found, list(archive.export(found.run_id))


def test_a_warm_cache_changes_the_cost_alone(write_problem: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("EVOLVE_HOUR_USD", "3600")
    problem = write_problem("step", kind="sort", verifier=STEP_VERIFIER, seed=STEP_SEED)
    place = tmp_path / "a.db"
    cold, export = _run(problem, place, equivalence="archive:tries=0")
    warm, again = _run(problem, place, equivalence="archive:tries=0", workers=1)
    assert again == export
    assert cold.savings and warm.savings and warm.savings.shared and warm.savings.rate > cold.savings.rate
    assert warm.savings.usd == pytest.approx(warm.savings.seconds)
    assert not warm.savings.refuted and cold.counts["equivalent"]
    assert "evaluations" in str(warm) and "computed what was known" in str(warm)
    with Archive.open(place) as archive:
        records = list(archive.records(warm.run_id))
    one = next(record for record in records if record.verdict.status is Status.EQUIVALENT)
    file = tmp_path / "x.py"
    told = CliRunner().invoke(app, ["export", str(one.program_id), "--archive", str(place), "-o", str(file)])
    assert told.exit_code == 2 and not file.exists()
    with pytest.raises(UsageError, match="course"):
        run(None, resume=warm.run_id, equivalence="off", archive=place)
    with pytest.raises(UsageError, match="course"):
        run(None, resume=warm.run_id, equivalence="run:tries=5", archive=place)
    other, _ = _run(problem, place, equivalence="off")
    assert other.savings is None and "equivalent" not in other.counts


def test_json_says_what_was_saved(write_problem: Any, tmp_path: Path) -> None:
    problem = write_problem("step", kind="sort", verifier=STEP_VERIFIER, seed=STEP_SEED)
    arguments = ["run", str(problem.folder), "--evaluations", "6", "--no-final", "--json", "--equivalence", "run"]
    told = CliRunner().invoke(app, [*arguments, "--archive", str(tmp_path / "a.db")])
    said = json.loads(told.stdout)["equivalence"]
    keys = {"programs", "hits", "shared", "again", "checked", "refuted", "evaluations", "seconds", "usd", "rate"}
    assert set(said) == keys and said["usd"] is None and said["programs"] >= 6
    show = ["show", "last", "--archive", str(tmp_path / "a.db")]
    shown = json.loads(CliRunner().invoke(app, [*show, "--json"]).stdout)
    assert shown["equivalence"] == said and shown["settings"]["evaluations"] == 6
    assert f" of {said['programs']} programs (" in CliRunner().invoke(app, show, env={"COLUMNS": "200"}).stdout


def test_where_nothing_is_taken_over_it_says_why(write_problem: Any, tmp_path: Path) -> None:
    problem = write_problem("sort", keys="stochastic = true\nrepeats = 2")
    with pytest.raises(UsageError, match="stochastic score is never taken over"):
        run(problem.folder, equivalence="run", archive=tmp_path / "a.db")


@pytest.mark.parametrize("text", ["on", "run:tries", "run:tries=-1", "archive:retire=3", "run:tries=1e3"])
def test_what_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--equivalence"):
        read_equivalence(text)


def test_the_price_of_an_hour_is_a_price(write_problem: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("EVOLVE_HOUR_USD", "cheap")
    with pytest.raises(UsageError, match="EVOLVE_HOUR_USD"):
        run(write_problem("sort").folder, evaluations=2, archive=tmp_path / "a.db")


def test_arms_of_a_comparison_share_a_cache_where_that_is_asked(write_problem: Any, tmp_path: Path) -> None:
    problem = write_problem("step", kind="sort", verifier=STEP_VERIFIER, seed=STEP_SEED)
    found, known = {}, {}
    for scope in ("off", "run", "archive"):
        place = tmp_path / f"{scope}.db"
        found[scope] = compare(
            problem.folder, "hill,clade", seeds=1, evaluations=8, archive=place, workers=1, equivalence=scope
        )
        with Archive.open(place) as archive:
            ids = [found[scope].runs[policy][0] for policy in ("hill", "clade")]
            assert {archive.run(one).config["cache"] for one in ids} == {scope}
            learned = [row for _, rows in archive.learned(ids[1]) for row in rows]
            known[scope] = {row.origin_run for row in learned if row.origin_run}
    assert known == {"off": set(), "run": set(), "archive": {ids[0]}}, "the second arm begins with what the first left"
    assert found["archive"].worths == found["run"].worths and found["archive"].id == found["run"].id
