"""Wrong input gives two lines and an exit status, never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import PROBLEM, Cli

Finished = tuple[Cli, Any]


def test_unknown_problem_names_the_nearest(empty: Cli) -> None:
    (message, remedy) = empty.fail("run", "float32-exp3", status=2)
    assert message.startswith("error: ")
    assert "float32-exp2" in remedy
    assert "float32-exp2" in empty.fail("baselines", "float32-exp3", status=2)[1]
    assert not empty.archive.exists()


@pytest.mark.parametrize(
    "budget",
    ["--evaluations=0", "--evaluations=nan", "--evaluations=-5", "--proposals=0", "--minutes=-1", "--minutes=nan"],
)
def test_impossible_budget(empty: Cli, budget: str) -> None:
    (message, remedy) = empty.fail("run", PROBLEM, budget, status=2)
    assert budget.split("=")[0] in message + remedy


def test_no_problem_named(empty: Cli) -> None:
    assert "evolve run float32-exp2" in empty.fail("run", status=2)[1]


@pytest.mark.parametrize("command", ["runs", "show", "diff best", "export", "plot", "run --resume x"])
def test_no_archive(empty: Cli, command: str) -> None:
    assert str(empty.archive) in empty.fail(*command.split(), status=1)[0]
    assert not empty.archive.exists()
    assert list(empty.archive.parent.iterdir()) == []


@pytest.mark.parametrize("command", [["runs"], ["show"], ["run", PROBLEM, "--evaluations", "5"]])
def test_an_archive_that_is_none(empty: Cli, command: list[str]) -> None:
    empty.archive.write_bytes(b"this is no database" * 1000)
    assert empty.fail(*command, status=1)[0].startswith("error: ")
    assert empty.archive.read_bytes() == b"this is no database" * 1000


def test_unknown_names(finished: Finished, tmp_path: Path) -> None:
    cli, _ = finished
    assert "zzzz" in cli.fail("show", "zzzz", status=2)[0]
    assert "zzzz" in cli.fail("export", "zzzz", "-o", tmp_path / "a.py", status=2)[0]
    assert "zzzz" in cli.fail("diff", "seed", "zzzz", status=2)[0]
    assert "zzzz" in cli.fail("plot", "zzzz", "-o", tmp_path / "a.svg", status=2)[0]
    assert "zzzz" in cli.fail("run", "--resume", "zzzz", status=2)[0]
    assert "zzzz" in cli.fail("run", PROBLEM, "--from", "zzzz", status=2)[0]
    assert list(tmp_path.iterdir()) == []
    assert len(cli.json("runs")) == 1


def test_wrong_options_end_with_status_2(empty: Cli) -> None:
    process = empty.process("run", PROBLEM, "--evaluation", "5")
    _, said = process.communicate(timeout=240)
    assert process.returncode == 2
    assert "--evaluations" in said
    assert "Traceback" not in said
