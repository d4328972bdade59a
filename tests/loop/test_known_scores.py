"""Runs that are told what seed and baselines score: another run of the same problem found that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from noisy import NOISY_SEED, NOISY_VERIFIER

from archive.store import Archive
from evolve import run
from evolve.events import Event, Preparing
from evolve.problem import Problem

WriteProblem = Callable[..., Problem]


def _run(problem: object, archive: Path, **changes: Any) -> tuple[Any, list[Preparing], list[str]]:
    events: list[Event] = []
    result = run(str(problem), evaluations=3, seed=2, workers=1, archive=archive, listener=events.append, **changes)
    with Archive.open(archive) as opened:
        return result, [one for one in events if isinstance(one, Preparing)], list(opened.export(result.run_id))


@pytest.mark.bubblewrap
def test_known_scores_are_not_found_again_and_change_nothing(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("guess")
    first, prepared, export = _run(problem.folder, tmp_path / "a.db")
    second, nothing, same = _run(problem.folder, tmp_path / "b.db", known=first)
    assert prepared and not nothing and same == export
    assert (second.seed, second.baselines) == (first.seed, first.baselines)


@pytest.mark.bubblewrap
def test_what_is_not_the_same_each_time_is_found_again(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("noisy", kind="sort", keys="stochastic = true", verifier=NOISY_VERIFIER, seed=NOISY_SEED)
    first, *_ = _run(problem.folder, tmp_path / "a.db")
    assert _run(problem.folder, tmp_path / "b.db", known=first)[1]


@pytest.mark.bubblewrap
def test_scores_from_elsewhere_are_not_believed(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("guess")
    first, *_ = _run(problem.folder, tmp_path / "a.db")
    for place, changes in (("b.db", {"problem_version": "0" * 32}), ("c.db", {"sandbox": "docker"})):
        wrong = replace(first.seed, metrics={"right": 9.0})
        found, prepared, _ = _run(problem.folder, tmp_path / place, known=replace(first, seed=wrong, **changes))
        assert prepared and found.seed == first.seed
