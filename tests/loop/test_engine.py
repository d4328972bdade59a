"""Workers that die or raise: a fault of ours is an exception, never a verdict."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluators.screen import screen
from evolve.core.errors import InfrastructureError
from evolve.core.types import Status
from evolve.engine.base import Task
from evolve.engine.local import LocalEngine
from evolve.problem import Problem, load


@pytest.fixture(scope="module")
def problem() -> Problem:
    return load("float32-exp2")


@pytest.fixture
def engine(problem: Problem) -> Iterator[LocalEngine]:
    engine = LocalEngine(str(problem.folder), 1)
    yield engine
    engine.close()


def _children() -> list[int]:
    """Worker processes of this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                line = (entry / "cmdline").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == os.getpid() and "evolve.engine.service" in line:
                found.append(int(entry.name))
    return found


def _evaluate(engine: LocalEngine, problem: Problem) -> Any:
    return asyncio.run(engine.run(Task("evaluate", (screen(problem.seed, problem.seed),))))


def test_a_worker_evaluates(engine: LocalEngine, problem: Problem) -> None:
    verdict = _evaluate(engine, problem)
    assert verdict.status is Status.OK
    assert verdict.metrics["operations"] == 1.0
    assert engine.capacity() == 1


def test_a_worker_that_was_killed_is_replaced(engine: LocalEngine, problem: Problem) -> None:
    first = _evaluate(engine, problem)
    (worker,) = _children()
    os.kill(worker, signal.SIGKILL)
    assert _evaluate(engine, problem).value == first.value
    assert _children() != [worker]


def test_an_error_in_the_work_is_ours_and_names_the_task(engine: LocalEngine) -> None:
    with pytest.raises(InfrastructureError, match="evaluate"):
        asyncio.run(engine.run(Task("evaluate", ("not a program",))))


def test_a_folder_that_vanished_is_reported_and_not_retried_for_ever(tmp_path: Path) -> None:
    engine = LocalEngine(str(tmp_path), 1)
    try:
        with pytest.raises(Exception, match=r"problem\.toml does not exist"):
            asyncio.run(engine.run(Task("evaluate", ())))
    finally:
        engine.close()


def test_close_ends_the_workers(problem: Problem) -> None:
    engine = LocalEngine(str(problem.folder), 2)
    _evaluate(engine, problem)
    assert _children()
    engine.close()
    assert not _children()


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    """Workers do not import the script that started them."""
    script = tmp_path / "script.py"
    script.write_text(
        "from evolve import run\nprint('begun')\n"
        "run('float32-exp2', evaluations=50, workers=1, archive='a.db', final_check=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=240, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("begun") == 1
