"""`evolve doctor`: tables, JSON and exit status, whatever is missing; and no secret in any of it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evolve.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
SECRET = "sk-planted-0f3b9d27"
NAMES = {
    *("python", "bubblewrap", "user namespaces", "fork server", "seccomp", "control groups", "container", "Docker"),
    *("gVisor", "Docker images", "GPU", "settings", "archive", "PostgreSQL", "disk space", "model keys", "data"),
}
STATES = {"ok", "missing", "forbidden", "degraded", "unknown"}


def doctor(folder: Path, *arguments: str, columns: int = 80, **environment: str) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": str(columns), "XDG_CONFIG_HOME": str(folder)}
    whole |= {"EVOLVE_ARCHIVE": str(folder / "archive.db"), **environment}
    command = [sys.executable, "-m", "evolve", "doctor", *arguments]
    return subprocess.run(command, env=whole, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def here(folder: Path, *arguments: str, columns: int = 80, **environment: str) -> subprocess.CompletedProcess[str]:
    """`doctor` in this process, for what does not depend on what this process has found out already."""
    whole = {"COLUMNS": str(columns), "XDG_CONFIG_HOME": str(folder), "EVOLVE_ARCHIVE": str(folder / "archive.db")}
    done = CliRunner().invoke(app, ["doctor", *arguments], env={**whole, **environment})
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return subprocess.CompletedProcess(["doctor", *arguments], done.exit_code, done.stdout, done.stderr)


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["ready"] else 1), done.stderr
    return {**report, "checks": {check["name"]: check for check in report["checks"]}}


@contextmanager
def engine(path: Path, *, listens: bool) -> Iterator[str]:
    """The socket of an engine that has died, or that takes questions and never answers."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        if listens:
            server.listen()
        yield f"unix://{path}"


def test_json_has_the_documented_keys(tmp_path: Path) -> None:
    report = told(here(tmp_path, "--json"))
    assert set(report) == {"ready", "sandbox", "sandboxes", "seconds", "checks"}
    assert set(report["checks"]) == NAMES
    for check in report["checks"].values():
        assert set(check) == {"name", "state", "says", "remedies", "required", "figures"}
        assert check["state"] in STATES and check["says"]
    documented = (ROOT / "docs" / "cli.md").read_text().partition("### evolve doctor --json")[2].partition("###")[0]
    assert all(
        f"`{name}`" in documented for name in NAMES | STATES | {"ready", "sandbox", "sandboxes", "seconds", "checks"}
    )


@pytest.mark.bubblewrap
def test_a_machine_with_a_sandbox_is_ready(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert done.returncode == 0 and "a run can start" in done.stdout.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_there(tmp_path: Path) -> None:
    with engine(tmp_path / "dead.sock", listens=False) as dead:
        missing = {"PATH": str(tmp_path), "DOCKER_HOST": dead, "EVOLVE_DATA": "nowhere"}
        report = told(doctor(tmp_path, "--json", **missing))
        done = doctor(tmp_path, **missing)
    assert not report["ready"] and report["sandboxes"] == []
    assert report["checks"]["bubblewrap"]["required"] and report["checks"]["bubblewrap"]["state"] == "missing"
    assert report["checks"]["Docker"]["state"] == "missing" and "dead.sock" in report["checks"]["Docker"]["says"]
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no run can start yet" in done.stdout.splitlines()[-1]
    for check in report["checks"].values():
        assert check["state"] in ("ok", "unknown") or check["remedies"], check
        for remedy in check["remedies"]:
            assert f"  {remedy}" in done.stdout.splitlines()


def test_an_engine_that_never_answers(tmp_path: Path) -> None:
    with engine(tmp_path / "deaf.sock", listens=True) as deaf:
        report = told(here(tmp_path, "--json", DOCKER_HOST=deaf))
    assert report["checks"]["Docker"]["state"] == "unknown" and report["seconds"] < 30


@pytest.mark.bubblewrap
def test_it_agrees_with_a_run_in_a_sandbox_that_is_away(tmp_path: Path) -> None:
    with engine(tmp_path / "dead.sock", listens=False) as dead:
        away = {"EVOLVE_SANDBOX": "docker", "DOCKER_HOST": dead}
        report, done = told(doctor(tmp_path, "--json", **away)), doctor(tmp_path, **away)
    assert not report["ready"] and report["sandbox"] == "docker" and report["sandboxes"] == ["bubblewrap"]
    assert report["checks"]["Docker"]["required"] and not report["checks"]["bubblewrap"]["required"]
    assert done.returncode == 1 and "no run can start yet" in done.stdout.splitlines()[-1]
    assert any("--sandbox bubblewrap" in row for row in done.stdout.splitlines())


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits(tmp_path: Path, columns: int) -> None:
    table, _, rest = here(tmp_path, columns=columns).stdout.partition(" if wanted:")
    assert rest and all(len(row) <= columns for row in table.splitlines())
    assert set(re.findall(r"^ ([A-Za-z][A-Za-z ]*?)  ", table, re.MULTILINE)) >= NAMES


def test_an_archive_that_can_not_be_made_is_needed(tmp_path: Path) -> None:
    report = told(here(tmp_path, "--json", "--archive", "/proc/evolve/archive.db"))
    assert not report["ready"] and report["checks"]["archive"]["state"] == "forbidden"


def test_no_secret_is_ever_said(tmp_path: Path) -> None:
    database = f"postgresql://me:{SECRET}@127.0.0.1:1/x"
    for place, arguments in ((database, ()), (database, ("--json",)), (f"nothing://me:{SECRET}@host/x", ())):
        planted = {"ANTHROPIC_API_KEY": SECRET, "OPENAI_API_KEY": SECRET + "2", "EVOLVE_ARCHIVE": place}
        done = here(tmp_path, *arguments, **planted)
        assert done.returncode == 1
        assert "planted" not in done.stdout + done.stderr
        assert "ANTHROPIC_API_KEY" in done.stdout and "OPENAI_API_KEY" in done.stdout
