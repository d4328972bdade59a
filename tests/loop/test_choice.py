"""The last word on which program of a stochastic problem is the best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from noisy import NOISY_SEED, NOISY_VERIFIER

from archive.store import Archive
from evolve import run
from evolve.choice import CHOICE_EVENT, Choice, final_choice
from evolve.cli.lookup import find_program
from evolve.core.rng import generator
from evolve.core.types import Objective, Record, Result, Status, Ticket, Verdict
from evolve.events import ScoredProgram
from evolve.problem import Problem

GAIN, LOSS = Objective("score", "maximize"), Objective("score", "minimize")
UNITS = [f"run {number // 2}" for number in range(12)]


def record(number: int, scores: np.ndarray) -> Record:
    results = tuple(Result(str(place), Status.OK, float(score)) for place, score in enumerate(scores))
    mean = float(np.mean([one.score for one in results]))
    verdict = Verdict(Status.OK, mean, {"score": mean}, "", results, "train", "set")
    return Record(number, Ticket(number, "expand", (), (), "graft", None, 1), None, verdict, f"program-{number}")


def field(sign: float = 1.0) -> list[Record]:
    """Twenty programs that are much alike, a steady good one, and one that was once extremely lucky."""
    rng = generator("choice")
    many = [rng.normal(0.0, 0.3, len(UNITS)) for _ in range(20)]
    steady, lucky = np.full(len(UNITS), 1.0), np.zeros(len(UNITS))
    lucky[:2] = 8.0
    return [record(number, sign * scores) for number, scores in enumerate([*many, steady, lucky])]


@pytest.mark.parametrize(("objective", "sign"), [(GAIN, 1.0), (LOSS, -1.0)])
def test_a_steady_program_is_chosen_before_a_lucky_one(objective: Objective, sign: float) -> None:
    found = final_choice(field(sign), objective, UNITS)
    assert found is not None
    assert (found.program.program_id, found.best_mean) == ("program-20", "program-21")
    assert found.lower > found.lower_of_best


def test_nothing_is_chosen_where_it_makes_no_difference_or_too_little_is_known() -> None:
    records = field()
    assert final_choice(records[:-1], GAIN, UNITS) is None
    assert final_choice(records[-9:], GAIN, UNITS) is None
    assert final_choice(records, GAIN, ["one"] * len(UNITS)) is None
    revoked = Record(
        22, Ticket(22, "measure", ("program-20",), (), "check", None, 1), None,
        Verdict(Status.FORBIDDEN, stage="train"), "program-20", supersedes=20,
    )  # fmt: skip
    found = final_choice([*records, revoked], GAIN, UNITS)
    assert found is None or found.program.program_id != "program-20"


@pytest.mark.bubblewrap
def test_a_run_shows_what_it_chose(
    write_problem: Callable[..., Problem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    better = NOISY_SEED.replace("3.0", "5.0")
    keys = "stochastic = true\nrepeats = 4"
    problem = write_problem("noisy", kind="sort", keys=keys, verifier=NOISY_VERIFIER, seed=NOISY_SEED, better=better)

    def seed_of(records: Iterable[Record], objective: Objective, groups: Sequence[str]) -> Choice:
        assert len(groups) == 12 and objective.metric == "right"
        first = next(iter(records))
        seed = ScoredProgram("seed", first.program_id or "", first.verdict.metrics)
        return Choice(seed, "0123456789abcdef", 0.5, 0.25)

    monkeypatch.setattr("evolve.campaign.final_choice", seed_of)
    result = run(problem.folder, evaluations=3, start="baselines", archive=tmp_path / "a.db", final_check=False)
    assert result.gate is not None and result.gate.note.startswith("not gated")
    with Archive.open(tmp_path / "a.db") as archive:
        champions = [one for one in archive.records(result.run_id) if one.promotion and one.promotion.accepted]
        assert [kind for kind, _ in archive.events(result.run_id)].count(CHOICE_EVENT) == 1
        best = find_program(archive, "best").row.program_id
    assert len(champions) > 1, "the choice must make a difference"
    assert [one.program_id for one in result.front] == [best] == [result.seed.program_id]
    assert "95 %" in result.note and "0123456789" in result.note and result.luck is None
