"""Settings of a run, resolved in one place: command line, environment, problem file, default."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from evolve.core.errors import UsageError

DEFAULT_ARCHIVE = os.path.join(".evolve", "archive.db")
DEFAULT_POLICY = "clade"
DEFAULT_WINDOW = 16
PROPOSALS_PER_EVALUATION = 20


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What decides the course of a run; stored with it. `minutes` and `workers` decide only when it ends."""

    seed: int
    policy: str
    window: int
    start: str
    evaluations: float
    proposals: int

    def to_json(self) -> dict[str, Any]:
        """Plain data for the archive."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunConfig:
        """What `to_json` gave."""
        return cls(**data)


def default_archive(given: str | None = None) -> str:
    """Where the archive is: as given, else EVOLVE_ARCHIVE, else .evolve/archive.db."""
    return given or os.environ.get("EVOLVE_ARCHIVE") or DEFAULT_ARCHIVE


def default_proposals(evaluations: float) -> int:
    """How many proposals a run may make where nothing else is said. Zero where `evaluations` is no budget."""
    return int(PROPOSALS_PER_EVALUATION * max(evaluations, 1.0)) if 0 < evaluations < 1e15 else 0


def check_budget(evaluations: float, proposals: int, minutes: float | None) -> None:
    """Raises UsageError where a limit is not a positive number, or allows nothing to be done."""
    for name, value in (("evaluations", evaluations), ("proposals", proposals), ("minutes", minutes)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"--{name} {value} is not a budget", f"Give --{name} a positive number.")
    if evaluations < 1 or proposals < 1:
        raise UsageError("the budget allows no evaluation at all", "Give --evaluations and --proposals at least 1.")


def check_workers(workers: int | None) -> int:
    """The number of worker processes: as given, else one per available core."""
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers < 1:
        raise UsageError(f"--workers {workers} can do nothing", "Give --workers at least 1.")
    return workers
