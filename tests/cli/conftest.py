"""One small run, made once, that the tests of the reading commands share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
PROBLEM = "float32-exp2"


@dataclass(frozen=True)
class Cli:
    """The command on one archive: in this process, or in one of its own."""

    archive: Path

    def call(self, *arguments: str | Path, status: int = 0) -> str:
        """Standard output of a command in this process, which must end with `status`."""
        from evolve.cli.app import app

        result = CliRunner().invoke(app, [*map(str, arguments), "--archive", str(self.archive)])
        assert result.exit_code == status, result.output + repr(result.exception)
        return result.stdout

    def fail(self, *arguments: str | Path, status: int) -> list[str]:
        """The lines of standard error of a command that must end with `status` and print nothing else."""
        from evolve.cli.app import app

        result = CliRunner().invoke(app, [*map(str, arguments), "--archive", str(self.archive)])
        assert result.exit_code == status, result.output + repr(result.exception)
        assert result.stdout == ""
        return result.stderr.splitlines()

    def json(self, *arguments: str | Path) -> Any:
        """What a command prints with --json."""
        return json.loads(self.call(*arguments, "--json"))

    def process(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """The command in a process of its own, with pipes."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EVOLVE_ARCHIVE": str(self.archive), "COLUMNS": "80"}
        return subprocess.Popen(
            [sys.executable, "-m", "evolve", *map(str, arguments)],
            env=environment,
            cwd=self.archive.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cli, Any]:
    """An archive that holds one finished run, and what that run printed as JSON."""
    cli = Cli(tmp_path_factory.mktemp("cli") / "archive.db")
    report = cli.json(
        "run", PROBLEM, "--from", "seed", "--evaluations", "300", "--seed", "1", "--workers", "1", "--no-final"
    )
    return cli, report


@pytest.fixture
def empty(tmp_path: Path) -> Cli:
    """A place with no archive in it."""
    return Cli(tmp_path / "archive.db")
