"""The commands that read, on a run whose programs its caller evaluated."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from evolve import RunResult, Search

from .conftest import Cli

TOML = """
name = "toy"
title = "Toy"
entry = "f"
evidence = "sampled"
sandbox = "bubblewrap"
objectives = [{ metric = "loss", direction = "minimize" }]
"""
BODY = "# EVOLVE-BLOCK-START\ndef f(x):\n    return {} * x + 1.0\n# EVOLVE-BLOCK-END\n"
Told = tuple[Cli, RunResult]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """An archive with one such run, of a folder that has no verifier."""
    room = tmp_path_factory.mktemp("told")
    (room / "toy" / "baselines").mkdir(parents=True)
    (room / "toy" / "problem.toml").write_text(TOML)
    (room / "toy" / "seed.py").write_text(BODY.format("3.0"))
    (room / "toy" / "baselines" / "known.py").write_text(BODY.format("x"))
    cli = Cli(room / "archive.db")
    with Search(room / "toy", archive=cli.archive, evaluations=20, start="baselines") as search:
        while (proposal := search.ask()) is not None:
            loss = zlib.crc32(proposal.program_id.encode()) / 2**32
            search.tell(proposal.number, {"loss": loss + 2.0 * (proposal.operator == "start")})
    return cli, search.result()


def test_runs_and_show(told: Told) -> None:
    cli, result = told
    (row,) = cli.json("runs")
    assert (row["id"], row["status"], row["stop_reason"]) == (result.run_id, "ended", "evaluations")
    assert (row["evaluations"], row["proposals"]) == (20, result.proposals)
    shown = cli.json("show", "best")
    assert shown["program_id"] == result.front[0].program_id
    assert shown["metrics"] == result.front[0].metrics
    assert "not gated: best of what was told" in cli.call("show", "best")


def test_diff_and_export(told: Told, tmp_path: Path) -> None:
    cli, result = told
    assert cli.call("diff", "known", "best").startswith("--- known\n+++ best")
    cli.call("export", "best", "-o", tmp_path / "best.py")
    text = (tmp_path / "best.py").read_text()
    assert result.front[0].program_id in text
    assert f"loss = {result.front[0].metrics['loss']!r}" in text


def test_plot_takes_seed_and_baselines_from_what_was_told(told: Told, tmp_path: Path) -> None:
    cli, result = told
    assert [one.name for one in result.baselines] == ["known"]
    cli.call("plot", "last", "-o", tmp_path / "run.svg")
    assert "known" in (tmp_path / "run.svg").read_text()


def test_evolve_run_does_not_go_on_with_it(told: Told) -> None:
    cli, result = told
    message, remedy = cli.fail("run", "--resume", "last", status=2)
    assert message == f"error: run {result.run_id} is evaluated by its caller"
    assert "Search(resume=" in remedy
