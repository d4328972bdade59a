"""Whole comparisons, small ones: resumed after a kill, extended, on the command line, with hostile circumstances."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from archive.store import Archive
from evolve import Comparison, compare, load, run
from evolve.beginning import Limits, fresh_run
from evolve.comparison import slots
from evolve.comparison.plan import TAG, Plan, Trial
from evolve.comparison.watch import Stand, words
from evolve.core.config import RunConfig
from evolve.core.errors import UsageError
from evolve.core.types import Record
from evolve.proposers.llm.scripted import ScriptedModel

pytestmark = pytest.mark.timeout(400)  # some ten processes are started, and a busy machine takes its time for each

ROOT = Path(__file__).resolve().parents[2]
PROBLEM, POLICIES = "landscape/smooth", "independent,hill"


def _compare(archive: Path, policies: str = POLICIES, **changes: Any) -> Comparison:
    return compare(PROBLEM, policies, archive=archive, workers=1, **{"seeds": 1, "evaluations": 12, **changes})


def _course(record: Record) -> tuple[Any, ...]:
    return record.number, record.ticket, record.program_id, record.verdict.metrics, record.outcome


def test_a_comparison_is_extended_and_nothing_is_made_twice(tmp_path: Path) -> None:
    stands: list[Stand] = []
    first = _compare(tmp_path / "a.db")
    second = _compare(tmp_path / "a.db", policies="hill,independent,clade", watch=stands.append)
    for policy in ("independent", "hill"):
        assert second.runs[policy] == first.runs[policy] and second.worths[policy] == first.worths[policy]
    assert stands[-1].done == stands[-1].total == 3 and stands[-1].words == "champions on report"
    with Archive.open(tmp_path / "a.db") as archive:
        assert len(archive.runs()) == 3 and all(one.stop_reason == "evaluations" for one in archive.runs())
        assert {archive.run(one.id).config[TAG] for one in archive.runs()} == {first.id} == {second.id}
    assert [row.policy for row in second.of("final")] == ["hill", "independent", "clade"]
    assert all(row.median is not None and 0.0 < row.median <= 1.0 for row in second.rows)


@pytest.mark.usefixtures("priced")
def test_the_bandit_against_its_control(tmp_path: Path) -> None:
    with ScriptedModel(lambda request: "Idea: nothing: a test") as model:
        asked = {"model": "priced", "api_base": model.url, "usd": 0.5}
        first = _compare(tmp_path / "a.db", policies="clade@uniform,clade", **asked)
        requests = len(model.requests)
        again = _compare(tmp_path / "a.db", policies="clade,clade@uniform", control="clade@uniform", **asked)
        assert again.runs == first.runs and len(model.requests) == requests > 0
        with pytest.raises(UsageError, match="thompson is the rule of clade already"):
            _compare(tmp_path / "a.db", policies="clade,clade@thompson", **asked)
    with Archive.open(tmp_path / "a.db") as archive:
        rules = {arm: archive.run(first.runs[arm][0]).config["models"]["bandit"] for arm in first.policies}
    assert rules == {"clade@uniform": "uniform", "clade": "thompson"} and first.control == "clade@uniform"
    with pytest.raises(UsageError, match="a bandit chooses among models"):
        _compare(tmp_path / "a.db", policies="clade@uniform,clade")


def test_a_process_that_dies_goes_on_with_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = slots._start

    def counted() -> subprocess.Popen[bytes]:
        started.append(start())
        return started[-1]

    def told(trial: Trial, share: float) -> None:
        if len(started) == 1 and share < 1.0:
            os.kill(started[0].pid, signal.SIGKILL)

    monkeypatch.setattr(slots, "_start", counted)
    _, config = fresh_run(PROBLEM, Limits(24.0), 5, None, "hill", None)
    problem, arguments = load(PROBLEM), {"archive": str(tmp_path / "a.db"), "sandbox": None}
    plan = Plan("c0ffee", problem.place, problem.version, ("hill",), (5,), config, arguments)
    slots.carry_out(plan, plan.trials, 1, told, lambda text: None)
    assert len(started) == 2
    once = run(PROBLEM, evaluations=24, seed=5, policy="hill", archive=tmp_path / "b.db", workers=1, final_check=False)
    with Archive.open(tmp_path / "a.db") as archive, Archive.open(tmp_path / "b.db") as other:
        (resumed,) = archive.runs()
        ways = [[*map(_course, one.records(run_id))] for one, run_id in ((archive, resumed.id), (other, once.run_id))]
        assert ways[0] == ways[1] and len(ways[0]) >= 24


def test_after_ctrl_c_the_same_command_goes_on(tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    command = ["compare", PROBLEM, "--policies", POLICIES, "--seeds", "1", "--evaluations", "24", "--workers", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EVOLVE_ARCHIVE": str(where)}
    process = subprocess.Popen(
        [sys.executable, "-m", "evolve", *command], env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stderr is not None
    process.stderr.readline()  # the first line of progress: a run is under way
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert f"continue with: evolve {' '.join(command)}" in errors.decode()
    from evolve.cli.app import app

    result = CliRunner().invoke(app, [*command, "--archive", str(where), "--json", "-o", str(tmp_path / "c.svg")])
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert (printed["problem"], printed["budget"], len(printed["runs"])) == (PROBLEM, 24.0, 2)
    assert (tmp_path / "c.svg").read_text().startswith("<?xml")
    with Archive.open(where) as archive:
        assert len(archive.runs()) == 2


def test_what_can_not_be_compared_is_refused_before_anything_runs(tmp_path: Path) -> None:
    for changes, message in (
        ({"seeds": 0}, "0 seeds are no comparison"),
        ({"evaluations": 0}, "not a budget"),
        ({"profile": "compare"}, "has no profile compare"),
        ({"control": "clade"}, "none of the policies"),
    ):
        with pytest.raises(UsageError, match=message):
            _compare(tmp_path / "a.db", **changes)
    assert not (tmp_path / "a.db").exists()
    with pytest.raises(UsageError, match="nothing limits what models may cost"):
        _compare(tmp_path / "a.db", model="openai/none", api_base="http://127.0.0.1:9")


def test_an_error_of_a_run_is_the_error_of_the_comparison(tmp_path: Path) -> None:
    """Two arms of which one can not be made: its process says why, and the other one's run is kept."""
    policy = Trial("hill", 0)
    plan = Plan("c0ffee", "no-such-problem", "v", ("hill", "clade"), (0,), RunConfig(0, "hill", 16, "seed", 9.0, 9), {})
    plan = replace(plan, arguments={"archive": str(tmp_path / "a.db"), "sandbox": None})
    with pytest.raises(UsageError, match="no problem or folder called no-such-problem"):
        slots.carry_out(plan, [policy], 1, lambda trial, share: None, lambda text: None)


def test_how_far_it_is_in_words() -> None:
    assert words(Stand(12, 50, 0.24, 65.0, 200.0)) == "12 of 50 runs, 24%, 1 min 05 s, 3 min 20 s left"
    assert words(Stand(50, 50, 1.0, 65.0, 0.0)) == "50 of 50 runs, 100%, 1 min 05 s"
