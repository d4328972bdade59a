"""The champion's luck, read from records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archive.store import Archive
from evaluators.posterior import LEAST_PROGRAMS, left_out
from evolve import run
from evolve.core.rng import generator
from evolve.core.types import Objective, Record, Result, Status, Ticket, Verdict
from evolve.foresight import FORESIGHT_EVENT, foresight_from_json
from evolve.luck import champions_luck
from evolve.problem import Problem

GAIN, LOSS = Objective("score", "maximize"), Objective("score", "minimize")
GROUPS = [*"abcdefghi", "j", "j"]


def record(number: int, scores: list[float]) -> Record:
    ticket = Ticket(number, "expand", (), (), "graft", None, 1)
    results = tuple(Result(str(place), Status.OK, score) for place, score in enumerate(scores))
    mean = float(np.mean(scores))
    verdict = Verdict(Status.OK, mean, {"score": mean}, "", results, "train", "set")
    return Record(number, ticket, None, verdict, f"p{number}")


def field(count: int = 30) -> tuple[list[Record], np.ndarray]:
    scores = generator("fortune").normal(size=(count, len(GROUPS)))
    scores = scores[scores.mean(axis=1).argsort()]
    return [record(number, list(row)) for number, row in enumerate(scores)], scores


def by_group(scores: np.ndarray) -> np.ndarray:
    return np.column_stack([scores[:, :9], scores[:, 9:].mean(axis=1)])


@pytest.mark.parametrize(("objective", "sign", "best"), [(GAIN, 1.0, 29), (LOSS, -1.0, 0)])
def test_it_is_that_of_the_groups(objective: Objective, sign: float, best: int) -> None:
    records, scores = field()
    expected = left_out(sign * by_group(scores))
    found = champions_luck(records, f"p{best}", objective, GROUPS)
    assert found is not None and found.expected == pytest.approx(expected.expected) and found.expected > 0.0


def test_what_the_gate_turned_down_is_no_rival() -> None:
    records, scores = field()
    found = champions_luck(records, "p20", GAIN, GROUPS)
    assert found is not None and found.expected == pytest.approx(left_out(by_group(scores[:21])).expected)


def test_a_revoked_program_is_no_rival() -> None:
    records, scores = field()
    ticket = Ticket(30, "measure", ("p3",), (), "check", None, 1)
    gone = Record(30, ticket, None, Verdict(Status.FORBIDDEN, stage="train"), "p3", supersedes=3)
    found = champions_luck([*records, gone], "p29", GAIN, GROUPS)
    kept = np.delete(by_group(scores), 3, axis=0)
    assert found is not None and found.expected == pytest.approx(left_out(kept).expected)


def test_where_it_can_not_be_told_it_is_none() -> None:
    records, _ = field()
    assert champions_luck(records, "unknown", GAIN, GROUPS) is None
    assert champions_luck(records[:9], "p8", GAIN, GROUPS) is None
    assert champions_luck(records, "p29", GAIN, [*"abcdefgh", "i", "i", "i"]) is None
    assert champions_luck(records, "p29", GAIN, GROUPS[:10]) is None, "other instances than those of train"
    other = [replace(one, verdict=replace(one.verdict, metrics={"score": 7.0})) for one in records]
    assert champions_luck(other, "p29", GAIN, GROUPS) is None, "the objective is no mean of the scores"


@pytest.mark.bubblewrap
def test_a_sampled_run_says_it_and_shows_it_later(write_problem: Callable[..., Problem], tmp_path: Path) -> None:
    folder = write_problem("guess", keys='isolation = "stage"').folder
    verifier = folder / "verifier.py"
    verifier.write_text(verifier.read_text().replace('range(3 if split == "final" else 2)', "range(10)"))
    result = run(folder, evaluations=24, seed=1, workers=1, archive=tmp_path / "a.db", final_check=False)
    assert result.best is not None and result.best.program_id != result.seed.program_id
    with Archive.open(tmp_path / "a.db") as archive:
        records = list(archive.records(result.run_id))
        said = dict(archive.events(result.run_id))[FORESIGHT_EVENT]
    scores = {
        one.program_id: [each.score for each in one.verdict.results] for one in records if one.outcome is not None
    }
    rivals = [row for row in scores.values() if len(row) == 10 and np.mean(row) <= result.best.metrics["right"]]
    assert len(rivals) >= LEAST_PROGRAMS and result.luck == left_out(rivals)
    assert foresight_from_json(said) == (result.prospect, result.luck)
    assert "(winner's curse; 95 %:" in str(result)
