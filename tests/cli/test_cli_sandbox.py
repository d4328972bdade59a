"""What the commands say of the sandbox that was chosen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from evolve.cli.app import app
from evolve.problem import Problem

from .conftest import Cli

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="runs without a sandbox are for Linux only"
)
WriteProblem = Callable[..., Problem]


@pytest.fixture
def problem(write_problem: WriteProblem) -> Problem:
    return write_problem("sort")


def test_no_sandbox_is_said_at_the_start_and_for_ever(problem: Problem, empty: Cli) -> None:
    words = ("run", problem.folder, "--evaluations", "3", "--workers", "1", "--no-final")
    said = empty.call(*words, "--sandbox", "none").splitlines()
    assert said[0].startswith("warning: no sandbox: ")
    assert any(line.startswith("sandbox   none: its programs were not isolated") for line in said)
    (row,) = empty.json("runs")
    assert row["sandboxes"] == ["none"]
    assert f"without a sandbox: {row['id']}" in empty.call("runs")
    assert "sandbox: none: its programs were not isolated" in empty.call("show", "best")
    assert empty.json("show", "best")["sandboxes"] == ["none"]
    shown: Any = empty.json("show", row["id"])
    assert (shown["run_id"], shown["sandboxes"][0]["sandbox"]) == (row["id"], "none")
    assert shown["sandboxes"][0]["confinement"]["limits"]["memory_bytes"]["value"] == 256 * 2**20
    text = empty.call("show", "last")
    assert "not isolated" in text and "memory 256 MiB" in text and "clock of the process" in text
    assert max(map(len, text.splitlines())) <= 100


def test_other_commands_warn_on_standard_error(problem: Problem) -> None:
    for command in ("baselines", "check"):
        done = CliRunner().invoke(app, [command, str(problem.folder), "--sandbox", "none", "--json"])
        assert done.stdout.startswith(("[", "{")), done.stderr  # whatever the check thinks of this problem
        assert "warning: no sandbox: " in done.stderr and "warning" not in done.stdout


def test_an_unknown_name_or_option_is_wrong_usage(problem: Problem, empty: Cli) -> None:
    for command in ("run", "baselines", "check"):
        said = empty.fail(command, problem.folder, "--sandbox", "buble", status=2)
        assert said == [
            "error: there is no sandbox called 'buble'",
            "Did you mean bubblewrap? There are: bubblewrap, docker, none.",
        ]
    said = empty.fail("run", problem.folder, "--sandbox", "docker:imge=a", status=2)
    assert said[0] == "error: the sandbox docker has no option 'imge'" and "Did you mean image?" in said[1]
    said = empty.fail("run", problem.folder, "--outage-minutes", "-1", status=2)
    assert "--outage-minutes -1" in said[0]


def test_it_has_no_meaning_for_a_template(empty: Cli) -> None:
    said = empty.fail("new", empty.archive.parent / "mine", "--sandbox", "none", status=2)
    assert "--sandbox has no meaning without --program" in said[0]


def test_a_run_that_is_not_there(problem: Problem, empty: Cli) -> None:
    empty.call("run", problem.folder, "--evaluations", "2", "--workers", "1", "--no-final", "--sandbox", "none")
    assert "no program" in empty.fail("show", "zzzz", status=2)[0]
