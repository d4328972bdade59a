"""Runs to be shown: one of two objectives, one of a single one, and one real run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evolve.api import run
from evolve.core.types import Objective, Record, Status, Ticket, Verdict
from evolve.events import RecordCommitted, RunStarted, ScoredProgram
from evolve.result import RunResult

ERROR, SIZE = Objective("max_error", "minimize"), Objective("size", "minimize")


def program(name: str, error: float, size: float = 1.0, **more: Any) -> ScoredProgram:
    return ScoredProgram(name, f"id-{name}", {"max_error": error, "size": size, **more})


def started(
    seed: ScoredProgram, *baselines: ScoredProgram, problem: str = "family/member", archive: str = "here.db"
) -> RunStarted:
    return RunStarted("a1b2c3d4", problem, archive, seed, baselines, 100.0, 1000, None, 0)


def committed(number: int, *front: ScoredProgram, status: Status = Status.OK) -> RecordCommitted:
    ticket = Ticket(number, "expand", (), (), "graft", None, 1)
    record = Record(number, ticket, None, Verdict(status, 0.1 if status.scored else None), None)
    return RecordCommitted(record, float(number), number + 1, 0.1 * number, front)


def result(
    *front: ScoredProgram,
    objectives: tuple[Objective, ...] = (ERROR, SIZE),
    final: Mapping[str, Mapping[str, float]] | None = None,
    **more: Any,
) -> RunResult:
    values: dict[str, Any] = {
        "run_id": "a1b2c3d4", "problem": "family/member", "title": "a problem", "archive": "here.db",
        "stop_reason": "evaluations", "seed": program("seed", 1.0, 1), "evaluations": 100.0, "proposals": 120,
        "baselines": (program("old", 0.5, 2), program("older", 0.6, 3)), "seconds": 12.3, "final_seconds": 1.5,
    }  # fmt: skip
    return RunResult(front=front, objectives=objectives, final=final or {}, **{**values, **more})


@pytest.fixture(scope="session")
def real_result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A short run of the shipped arithmetic problem."""
    place: Path = tmp_path_factory.mktemp("display") / "archive.db"
    return run("float32-exp2", evaluations=300, seed=1, workers=1, start="seed", final_check=False, archive=place)
