"""The commands that read, on a real run of the shipped problem."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from evolve.web.site import MARK

from .conftest import PROBLEM, ROOT, Cli

RUN_KEYS = [
    "run_id", "problem", "archive", "stop_reason", "note", "evaluations", "proposals", "seconds", "final_seconds",
    "final_failure", "spending", "gate", "counts", "equivalence", "prospect", "luck", "verifier_separated", "sandbox",
    "final", "objectives", "shown_metric", "seed", "baselines", "found",
]  # fmt: skip
FOUND_KEYS = ["program_id", "idea", "metrics", "final", "best_known", "gain", "dominates"]
RUNS_KEYS = [
    "id", "problem", "started_at", "ended_at", "stop_reason", "status", "proposals", "evaluations", "programs",
    "seconds", "sandboxes", "replies", "tokens", "usd", "unpriced",
]  # fmt: skip
SHOW_KEYS = [
    "program_id", "skeleton_id", "run_id", "problem", "problem_changed", "record", "status", "value", "measured",
    "metrics", "final", "proven", "question", "feedback", "idea", "operator", "model", "parents", "children",
    "entry", "files", "sandboxes", "lineage",
]  # fmt: skip
ARCHIVE_KEYS = [
    "archive", "runs", "records", "programs", "seconds", "ok", "findings", "check", "where", "says", "remedy", "file",
    "bytes", "known",
]  # fmt: skip
STEP_KEYS = ["program_id", "record", "operator", "status", "metrics", "gain", "idea"]
CHECK_KEYS = ["problem", "grade", "seconds", "findings", "name", "says", "remedy", "figures"]
BASELINE_KEYS = ["kind", "name", "program_id", "metrics"]
PUBLISH_KEYS = ["folder", "files", "bytes", "programs", "left_out", "broken", "seconds"]

Finished = tuple[Cli, Any]


def test_report_of_a_run(finished: Finished) -> None:
    cli, report = finished
    assert list(report) == RUN_KEYS
    assert report["problem"] == "function-approximation/exp2"
    assert report["archive"] == str(cli.archive)
    assert report["stop_reason"] == "evaluations"
    assert 300 <= report["evaluations"] < 600
    assert report["found"]
    for found in report["found"]:
        assert list(found) == FOUND_KEYS
        assert found["final"] is None
        assert found["metrics"]["digits"] > 0
    levels = [found["metrics"]["operations"] for found in report["found"]]
    assert levels == sorted(set(levels))


def test_gains_and_dominance_follow_from_the_scores(finished: Finished) -> None:
    _, report = finished
    known = {one["name"]: one["metrics"] for one in report["baselines"]}
    for found in report["found"]:
        mine = found["metrics"]
        affordable = [one for one in known.values() if one["operations"] <= mine["operations"]]
        if affordable:
            assert found["gain"] == pytest.approx(mine["digits"] - max(one["digits"] for one in affordable))
        for name, one in known.items():
            pairs = [(mine[key], one[key]) for key in ("operations", "max_relative_error")]
            dominates = all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
            assert (name in found["dominates"]) == dominates


def test_runs(finished: Finished) -> None:
    cli, report = finished
    (row,) = cli.json("runs")
    assert list(row) == RUNS_KEYS
    assert (row["id"], row["status"], row["stop_reason"]) == (report["run_id"], "ended", "evaluations")
    assert row["proposals"] == report["proposals"]
    assert report["run_id"] in cli.call("runs")


def test_what_a_run_foresaw_is_shown_again(finished: Finished) -> None:
    cli, report = finished
    prospect = report["prospect"]
    assert prospect["evaluations"] == pytest.approx(report["evaluations"]) and report["luck"] is None
    shown = cli.json("show", report["run_id"])
    assert (shown["prospect"], shown["luck"]) == (prospect, None)
    assert f"doubling  {prospect['evaluations']:,.0f} more evaluations" in cli.call("show", report["run_id"])


def test_show(finished: Finished) -> None:
    cli, report = finished
    best = min(report["found"], key=lambda found: found["metrics"]["max_relative_error"])
    shown = cli.json("show", "best")
    assert list(shown) == SHOW_KEYS
    assert shown["program_id"] == best["program_id"]
    assert shown["metrics"] == best["metrics"]
    assert all(list(step) == STEP_KEYS for step in shown["lineage"])
    assert shown["lineage"][-1]["program_id"] == shown["program_id"]
    assert shown["lineage"][0]["gain"] is None
    total = sum(step["gain"] for step in shown["lineage"][1:])
    start = shown["lineage"][0]["metrics"]["digits"]
    assert start + total == pytest.approx(shown["metrics"]["digits"])
    assert cli.json("show", shown["program_id"][:12])["program_id"] == shown["program_id"]
    text = cli.call("show")
    assert "def exp2(" in text
    assert "Line of descent" in text


def test_diff(finished: Finished) -> None:
    cli, report = finished
    lines = cli.call("diff", "seed", "best").splitlines()
    assert lines[:2] == ["--- seed", "+++ best"]
    assert any(line.startswith("+") for line in lines[2:])
    assert cli.call("diff", "best", "best") == ""
    assert cli.call("diff", report["baselines"][0]["name"], report["found"][0]["program_id"])


def test_export_runs_alone(finished: Finished, tmp_path: Path) -> None:
    cli, report = finished
    target = tmp_path / "best.py"
    assert str(target) in cli.call("export", "best", "-o", target)
    text = target.read_text(encoding="utf-8")
    assert report["run_id"] in text
    assert report["problem"] in text
    assert text.count('"""') <= 4, "only the header and the function's own docstring"
    error = cli.json("show", "best")["metrics"]["max_relative_error"]
    done = subprocess.run([sys.executable, "-I", target, "0.5"], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(2**0.5, rel=2 * error)
    wrong = subprocess.run([sys.executable, "-I", target], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "usage:" in wrong.stderr
    (message, remedy) = cli.fail("export", "best", "-o", target, status=2)
    assert message.startswith("error: ")
    assert "--force" in remedy
    target.write_text("mine")
    cli.call("export", "best", "-o", target, "--force")
    assert target.read_text(encoding="utf-8") == text


def test_plot(finished: Finished, tmp_path: Path) -> None:
    cli, report = finished
    for name in ("a.svg", "b.svg"):
        cli.call("plot", "last", "-o", tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    cli.call("plot", report["run_id"][:5], "-o", tmp_path / "a.png")
    assert "exists already" in cli.fail("plot", "-o", tmp_path / "a.png", status=2)[0]
    assert ".svg" in cli.fail("plot", "-o", tmp_path / "a.txt", status=2)[1]


def test_baselines(finished: Finished) -> None:
    cli, report = finished
    rows = cli.json("baselines", PROBLEM)
    assert [row["kind"] for row in rows] == ["seed"] + ["baseline"] * len(report["baselines"])
    assert all(list(row) == BASELINE_KEYS for row in rows)
    assert [row["metrics"] for row in rows[1:]] == [one["metrics"] for one in report["baselines"]]
    table = cli.call("baselines", PROBLEM)
    assert all(row["name"] in table for row in rows)


@pytest.mark.parametrize("arguments", [["runs"], ["show"], ["baselines", PROBLEM]])
def test_tables_fit_80_columns(finished: Finished, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = finished[0].call(*arguments)
    assert max(len(line) for line in table.splitlines() if "─" in line) <= 80


def test_check_prints_what_is_documented(finished: Finished) -> None:
    report = finished[0].json("check", PROBLEM)
    assert report["grade"] == "ok" and {*report, *report["findings"][0]} == set(CHECK_KEYS)


def test_publishing_prints_what_is_documented(finished: Finished, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    report = finished[0].json("publish", str(folder), "--programs", "3")
    assert list(report) == PUBLISH_KEYS
    assert (report["folder"], report["programs"], report["broken"]) == (str(folder), 3, [])
    pages = [path for path in folder.rglob("*") if path.is_file() and path.name != MARK]
    assert len(pages) == report["files"] > 10


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (evolve \w+) --json\n(.*?)(?=^### |\Z)", text, re.S | re.M))
    expected = {
        "evolve run": RUN_KEYS + FOUND_KEYS,
        "evolve runs": RUNS_KEYS,
        "evolve show": SHOW_KEYS + STEP_KEYS,
        "evolve baselines": BASELINE_KEYS,
        "evolve check": CHECK_KEYS,
        "evolve archive": ARCHIVE_KEYS,
        "evolve publish": PUBLISH_KEYS,
    }
    assert sections.keys() == {
        *expected,
        "evolve compare",
        "evolve doctor",
        "evolve sandbox",
    }  # these have tests of their own
    for command, keys in expected.items():
        assert set(keys) <= set(re.findall(r"[`\"](\w+)[`\"]", sections[command])), command


def test_commands_load_nothing_heavy() -> None:
    heavy = {"numpy", "sqlalchemy", "matplotlib", "numba", "pydantic", "rich.table"}
    code = f"import sys, evolve.cli.app; print(*{heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "\n"
