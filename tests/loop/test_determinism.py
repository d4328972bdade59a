"""Same seed, same export: with any number of workers, in one go or in parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archive.store import Archive
from evolve import run, search
from evolve.core.types import Record
from evolve.scored import Scored

EVALUATIONS = 4_000.0


def _export(where: Path) -> list[str]:
    with Archive.open(where) as archive:
        return list(archive.export("last"))


def _run(where: Path, **arguments: object) -> list[str]:
    settings: dict[str, object] = {"seed": 11, "evaluations": EVALUATIONS, "final_check": False, **arguments}
    run("float32-exp2", archive=where, **settings)  # type: ignore[arg-type]
    return _export(where)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The export of an uninterrupted run with one worker."""
    return _run(tmp_path_factory.mktemp("reference") / "archive.db", workers=1)


def test_the_number_of_workers_changes_nothing(reference: list[str], tmp_path: Path) -> None:
    assert _run(tmp_path / "two.db", workers=2) == reference
    assert len(reference) > 150


def test_another_seed_gives_another_run(reference: list[str], tmp_path: Path) -> None:
    assert _run(tmp_path / "other.db", workers=2, seed=12) != reference


def test_stopping_and_going_on_is_the_same_as_one_run(reference: list[str], tmp_path: Path) -> None:
    where = tmp_path / "halves.db"
    _run(where, workers=2, evaluations=1_500.0)
    resumed = _run(where, workers=2, resume="last")
    assert resumed[1:] == reference[1:]  # the first line holds the limits that each run was begun with


def test_records_that_are_read_again_change_nothing(
    reference: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, made, few = tmp_path / "few.db", [], 30

    def few_at_hand(again: Callable[[int], Record]) -> Scored:
        made.append(Scored(again, held=few))
        return made[-1]

    monkeypatch.setattr(search, "Scored", few_at_hand)
    _run(where, workers=2, evaluations=1_500.0)
    assert _run(where, workers=2, resume="last")[1:] == reference[1:]
    assert all(scored.at_hand == few < len(scored) for scored in made)


def test_resuming_a_finished_run_below_what_it_spent_changes_nothing(reference: list[str], tmp_path: Path) -> None:
    where = tmp_path / "again.db"
    whole = run("float32-exp2", seed=11, evaluations=EVALUATIONS, workers=2, archive=where, final_check=False)
    again = run(None, resume=whole.run_id, evaluations=5.0, workers=1, archive=where, final_check=False)
    assert again.front == whole.front
    assert again.evaluations == whole.evaluations
    assert _export(where) == reference
