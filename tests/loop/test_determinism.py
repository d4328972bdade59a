"""Same seed, same export: with any number of workers, in one go or in parts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.store import Archive
from evolve import run, search
from evolve.core.types import Record
from evolve.result import RunResult
from evolve.scored import Scored

EVALUATIONS, PART = 4_000.0, 1_500.0


def _export(where: Path) -> list[str]:
    with Archive.open(where) as archive:
        return list(archive.export("last"))


def _result(where: Path, **arguments: object) -> RunResult:
    settings: dict[str, object] = {"seed": 11, "evaluations": EVALUATIONS, "final_check": False, **arguments}
    return run("float32-exp2", archive=where, **settings)  # type: ignore[arg-type]


def _run(where: Path, **arguments: object) -> list[str]:
    _result(where, **arguments)
    return _export(where)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunResult]:
    """An uninterrupted run with one worker, and its archive, which nobody writes to."""
    where = tmp_path_factory.mktemp("reference") / "archive.db"
    return where, _result(where, workers=1)


@pytest.fixture(scope="module")
def reference(whole: tuple[Path, RunResult]) -> list[str]:
    """The export of that run."""
    return _export(whole[0])


@pytest.fixture
def part(tmp_path: Path, part_of_it: Path) -> Path:
    """An archive with the first part of that run."""
    return Path(shutil.copy(part_of_it, tmp_path / "part.db"))


@pytest.fixture(scope="module")
def part_of_it(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("part") / "archive.db"
    _run(where, workers=2, evaluations=PART)
    return where


def test_the_number_of_workers_changes_nothing(reference: list[str], tmp_path: Path) -> None:
    assert _run(tmp_path / "two.db", workers=2) == reference
    assert len(reference) > 150


def test_another_seed_gives_another_run(reference: list[str], tmp_path: Path) -> None:
    other = _run(tmp_path / "other.db", workers=1, seed=12, evaluations=500.0)
    assert len(other) > 10 and other[1:] != reference[1 : len(other)]  # the first line holds the seed


def test_stopping_and_going_on_is_the_same_as_one_run(reference: list[str], part: Path) -> None:
    resumed = _run(part, workers=2, resume="last")
    assert resumed[1:] == reference[1:]  # the first line holds the limits that each run was begun with


def test_records_that_are_read_again_change_nothing(
    reference: list[str], part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, few = [], 30

    def few_at_hand(again: Callable[[int], Record]) -> Scored:
        made.append(Scored(again, held=few))
        return made[-1]

    monkeypatch.setattr(search, "Scored", few_at_hand)
    assert _run(part, workers=1, resume="last")[1:] == reference[1:]
    assert made and all(scored.at_hand == few < len(scored) for scored in made)


def test_resuming_a_finished_run_below_what_it_spent_changes_nothing(
    whole: tuple[Path, RunResult], reference: list[str], tmp_path: Path
) -> None:
    where, found = Path(shutil.copy(whole[0], tmp_path / "again.db")), whole[1]
    again = run(None, resume=found.run_id, evaluations=5.0, workers=1, archive=where, final_check=False)
    assert again.front == found.front
    assert again.evaluations == found.evaluations
    assert _export(where) == reference
