"""Whole runs of a sampled problem whose would-be champions are asked on hidden instances."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive.policies.hill import Hill
from archive.store import Archive
from evolve import run
from evolve.core.types import Record
from evolve.problem import Problem
from evolve.result import RunResult

pytestmark = pytest.mark.bubblewrap

# What is wanted is x % 7. The training arguments are 0 .. 11; those of the gate depend on its seed, or do not.
VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score

FRESH, GROUPS = {fresh}, {groups}


def instances(split, seed):
    base = {{"train": 0, "probe": 2000}}.get(str(split), 10_000 + (seed % 1_000_003 if FRESH else 0) * 1_000)
    for number in range(GROUPS):
        yield Instance(f"{{split}}-{{number}}", f"group-{{number}}", (base + number,))


def score(instance, output):
    if type(output) is not int:
        raise Invalid("no integer")
    right = float(output == instance.args[0] % 7) + 0.001 * (hash(instance.args) % 10)
    return Score(right, {{"right": right}}, "compared")
"""
SEED = "# EVOLVE-BLOCK-START\ndef arrange(x):\n    return -1\n# EVOLVE-BLOCK-END\n"
MEMORY = SEED.replace("-1", "x % 7 if x < 9 or 2000 <= x < 3000 else -1")
"""Right on most training arguments, and on nothing that the gate asks."""
TRUE = SEED.replace("-1", "x % 7 if x != 4 else -1")
FAILS = SEED.replace("-1", "x % 7 if x < 10_000 else 1 // 0")
STARTS = {"b_memory": MEMORY, "c_true": TRUE}


def writing(write_problem: Callable[..., Problem]) -> Callable[..., Problem]:
    def made(name: str, *, fresh: bool = True, groups: int = 12, **baselines: str) -> Problem:
        verifier = VERIFIER.format(fresh=fresh, groups=groups)
        return write_problem(name, kind="sort", verifier=verifier, seed=SEED, **baselines)

    return made


@pytest.fixture
def write(write_problem: Callable[..., Problem]) -> Callable[..., Problem]:
    return writing(write_problem)


def searched(problem: Problem, where: Path, **arguments: object) -> tuple[RunResult, list[Record]]:
    settings = {"start": "baselines", "evaluations": 3, "final_check": False, "workers": 1, **arguments}
    result = run(problem.folder, archive=where, **settings)  # type: ignore[arg-type]
    with Archive.open(where) as archive:
        return result, list(archive.records(result.run_id))


@dataclass(frozen=True)
class Whole:
    """A whole run whose questions meet new instances each time."""

    archive: Path
    result: RunResult
    records: list[Record]


@pytest.fixture(scope="module")
def whole(write_shared: Callable[..., Problem]) -> Whole:
    problem = writing(write_shared)("fresh", **STARTS)
    return Whole(problem.folder / "a.db", *searched(problem, problem.folder / "a.db"))


def test_what_is_better_on_train_alone_does_not_become_champion(whole: Whole) -> None:
    result, (seed, memory, true) = whole.result, whole.records
    assert seed.promotion is not None and seed.promotion.accepted and seed.promotion.question is None
    assert memory.verdict.value is not None and memory.promotion is not None
    assert not memory.promotion.accepted and memory.promotion.question is not None
    assert (memory.promotion.question.number, memory.promotion.question.groups) == (1, 12)
    assert true.promotion is not None and true.promotion.accepted and true.promotion.question is not None
    assert true.promotion.question.statistic is not None and true.promotion.question.needed is not None
    assert true.promotion.question.statistic > true.promotion.question.needed >= 3.0
    assert [one.program_id for one in result.front] == [true.program_id]
    assert result.gate is not None
    assert (result.gate.asked, result.gate.accepted, result.gate.fixed, result.gate.note) == (2, 1, False, "")
    assert "asked 2 times, 1 accepted; 12 groups, new instances each time" in str(result)


def test_each_question_meets_instances_of_its_own(whole: Whole, write: Callable[..., Problem], tmp_path: Path) -> None:
    sets = [one.promotion.evaluation_set for one in whole.records if one.promotion and one.promotion.question]
    assert len(set(sets)) == 2
    problem = write("fixed", fresh=False, **STARTS)
    result, records = searched(problem, tmp_path / "b.db")
    sets = [one.promotion.evaluation_set for one in records if one.promotion and one.promotion.question]
    assert len(sets) == 2 and len(set(sets)) == 1
    assert result.gate is not None and result.gate.fixed


def test_with_few_groups_nothing_is_asked_and_it_says_so(write: Callable[..., Problem], tmp_path: Path) -> None:
    result, records = searched(write("few", groups=9, **STARTS), tmp_path / "a.db")
    assert [one.promotion.accepted for one in records if one.promotion] == [True, True]
    assert all(one.promotion is None or one.promotion.question is None for one in records)
    assert "not gated: 9 groups, and 10 are needed; best on train" in str(result)


def test_an_instance_that_fails_rejects(write: Callable[..., Problem], tmp_path: Path) -> None:
    _, records = searched(write("fails", b_fails=FAILS), tmp_path / "a.db", evaluations=2)
    promotion = records[1].promotion
    assert promotion is not None and not promotion.accepted and promotion.reason == "an instance of the gate failed"
    assert promotion.question is not None and promotion.question.statistic is None


def test_what_is_no_better_than_a_refused_program_asks_nothing(write: Callable[..., Problem], tmp_path: Path) -> None:
    again = MEMORY.replace("x < 9", "x < 8")
    problem = write("again", b_memory=MEMORY, c_again=again)
    result, records = searched(problem, tmp_path / "a.db")
    assert records[1].promotion is not None and not records[1].promotion.accepted
    assert records[2].promotion is None
    assert result.gate is not None and result.gate.asked == 1


def test_a_run_that_goes_on_counts_its_questions_on(
    whole: Whole, write: Callable[..., Problem], tmp_path: Path
) -> None:
    problem = write("halves", **STARTS)
    half, _ = searched(problem, tmp_path / "half.db", evaluations=2, workers=2)
    assert half.gate is not None and half.gate.asked == 1
    rest, records = searched(problem, tmp_path / "half.db", resume="last", evaluations=3, start=None, workers=2)
    assert rest.gate == whole.result.gate
    assert records[2].promotion is not None and records[2].promotion.question is not None
    assert records[2].promotion.question.number == 2


def test_no_policy_is_told_more_than_the_answer(
    write: Callable[..., Problem], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Record] = []
    plant = Hill.plant

    def listening(self: Hill, record: Record) -> None:
        told.append(record)
        plant(self, record)

    monkeypatch.setattr(Hill, "plant", listening)
    searched(write("told", **STARTS), tmp_path / "a.db", policy="hill")
    assert [one.promotion is not None for one in told] == [True, False, True]
    assert all(one.promotion is None or one.promotion.question is None for one in told)


def test_the_archive_keeps_each_question(whole: Whole) -> None:
    records = whole.records
    with Archive.open(whole.archive) as archive:
        lines = [json.loads(line) for line in archive.export(whole.result.run_id)]
    questions = [
        line["promotion"]["question"]
        for line in lines
        if line["type"] == "record" and "question" in (line["promotion"] or {})
    ]
    assert [one["number"] for one in questions] == [1, 2]
    assert records[1].promotion is not None and records[1].promotion.metrics == records[1].verdict.metrics
