"""Whole runs of a problem whose train is measured in batches."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from noisy import NOISY_SEED, NOISY_VERIFIER
from typer.testing import CliRunner

from archive.replay import read_replay
from archive.standing import standing
from archive.store import Archive
from evolve import run
from evolve.cli.app import app
from evolve.core.types import Record, Status
from evolve.picture import front_of
from evolve.probation import REPLAY
from evolve.problem import Problem, load
from evolve.racing import BATCH
from evolve.result import RunResult

pytestmark = pytest.mark.bubblewrap
WriteProblem = Callable[..., Problem]
EVALUATIONS, HALF = 24.0, 12.0

# Guess a line from which 32 points lie more or less far.
LINE_VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range({"train": 32, "gate": 12}.get(str(split), 2)):
        x, off = (float(one) for one in generator(str(split), seed, number).random(2))
        yield Instance(f"{split}-{number}", f"kind-{number % 2}/{split}-{number}", (x,), 7.3 * x + 2.1 + off)


def score(instance, output):
    if type(output) is not float:
        raise Invalid("not a number")
    right = 1.0 / (1.0 + abs(output - instance.truth))
    return Score(right, {"right": right}, f"{right:.3f} right")
"""
LINE_SEED = """
# EVOLVE-BLOCK-START
def arrange(x):
    return 3.0 * x + 1.5
# EVOLVE-BLOCK-END
"""


STAGE = 'isolation = "stage"'


@pytest.fixture
def line(write_problem: WriteProblem) -> Problem:
    return write_problem("line", kind="sort", verifier=LINE_VERIFIER, seed=LINE_SEED)


def _run(problem: Problem, place: Path, **settings: object) -> tuple[RunResult, list[str]]:
    given: dict[str, object] = {"evaluations": EVALUATIONS, "seed": 5, "workers": 2, "final_check": False, **settings}
    found = run(problem.folder, archive=place, window=4, **given)  # type: ignore[arg-type]
    with Archive.open(place) as archive:
        return found, list(archive.export(found.run_id))


def _records(place: Path, found: RunResult) -> list[Record]:
    with Archive.open(place) as archive:
        return list(archive.records(found.run_id))


def test_only_what_may_be_the_best_is_measured_in_full(line: Problem, tmp_path: Path) -> None:
    place = tmp_path / "a.db"
    found, _ = _run(line, place)
    records = _records(place, found)
    expansions = [one for one in records if one.ticket.kind == "expand" and one.verdict.evaluated]
    batches = [one for one in records if one.ticket.operator == BATCH]
    assert expansions[0].evaluations == 1.0 and expansions[0].verdict.whole
    again = [one.candidate.cost.evaluations if one.candidate else 0.0 for one in [*expansions[1:], *batches]]
    measured = [one.evaluations for one in [*expansions[1:], *batches]]
    assert {round(all_in_all - cost, 9) for all_in_all, cost in zip(measured, again, strict=True)} == {0.25}
    assert found.evaluations == sum(one.evaluations for one in records) < EVALUATIONS + 1.0
    assert len(expansions) > EVALUATIONS
    assert found.counts["ok"] == sum(one.verdict.status is Status.OK for one in expansions)

    times = Counter(one.ticket.parents[0] for one in batches)
    assert set(times.values()) <= {1, 2, 3} and 3 in times.values()
    scored = [one for one in standing(records) if one.verdict.status is Status.OK]
    for one in scored:
        assert one.verdict.share == (1.0 if one.number == 0 else 0.25 * (1 + times[one.program_id or ""]))
        assert len(one.verdict.results) == 32 * one.verdict.share
        assert one.verdict.metrics["right"] == pytest.approx(
            sum(result.score or 0.0 for result in one.verdict.results) / len(one.verdict.results)
        )
    assert any(not one.verdict.whole for one in scored)
    part = next(one for one in scored if not one.verdict.whole)
    shown = CliRunner().invoke(app, ["show", str(part.program_id), "--archive", str(place), "--json"])
    assert json.loads(shown.stdout)["measured"] == part.verdict.share
    told = CliRunner().invoke(app, ["show", str(part.program_id), "--archive", str(place)])
    assert f"on {part.verdict.share:.0%} of train alone" in told.stdout
    promoted = [one for one in records if one.promotion is not None and one.promotion.accepted]
    assert len(promoted) > 1 and all(one.verdict.whole for one in promoted)
    assert [one.program_id for one in front_of(records, line.objectives)] == [found.front[0].program_id]
    assert found.front[0].metrics["right"] == max(one.verdict.metrics["right"] for one in promoted)


@pytest.mark.timeout(800)  # four runs
def test_neither_workers_nor_stops_change_the_course(write_problem: WriteProblem, tmp_path: Path) -> None:
    # One process for each batch, instead of one for each of its instances.
    line = write_problem("line", kind="sort", keys=STAGE, verifier=LINE_VERIFIER, seed=LINE_SEED)
    _, whole = _run(line, tmp_path / "one.db", workers=1, evaluations=HALF)
    _, other = _run(line, tmp_path / "three.db", workers=3, evaluations=HALF)
    assert other == whole
    assert any('"question"' in line for line in whole) and any(f'"{BATCH}"' in line for line in whole)
    for evaluations in (7.0, HALF):
        resume = "last" if evaluations > 7.0 else None
        _, parts = _run(line, tmp_path / "parts.db", evaluations=evaluations, resume=resume)
    assert parts[1:] == whole[1:]  # the first line holds the limits that each run was begun with


def test_without_batches_all_are_measured_at_once(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem(
        "line", kind="sort", keys=f"decouple = false\n{STAGE}", verifier=LINE_VERIFIER, seed=LINE_SEED
    )
    place = tmp_path / "a.db"
    found, export = _run(problem, place, evaluations=6.0)
    records = _records(place, found)
    assert all(one.ticket.kind == "expand" and one.verdict.extent is None for one in records)
    assert found.evaluations == sum(one.verdict.evaluated for one in records)
    assert not any('"extent"' in line for line in export)


def test_a_stochastic_problem_runs_what_is_good_more_often(write_problem: WriteProblem, tmp_path: Path) -> None:
    keys = f"stochastic = true\nrepeats = 4\n{STAGE}"
    problem = write_problem("noisy", kind="sort", keys=keys, verifier=NOISY_VERIFIER, seed=NOISY_SEED)
    place = tmp_path / "a.db"
    found, export = _run(problem, place, evaluations=10.0, final_check=True)
    assert found.final[found.front[0].program_id]["right"] > found.final[found.seed.program_id]["right"]
    records = _records(place, found)
    scored = [one for one in standing(records) if one.verdict.status is Status.OK]
    assert {len(one.verdict.results) for one in scored} >= {3, 12}
    assert {one.evaluations for one in records if one.ticket.operator == BATCH} == {0.25}
    assert all(one.verdict.whole for one in scored if one.promotion is not None)
    assert _run(problem, tmp_path / "again.db", evaluations=10.0, workers=1, final_check=True)[1] == export


DRIVEN = 'for number in range(3 if split == "final" else 2):'


def test_a_driven_program_is_replayed_once_it_has_all_of_train(write_problem: WriteProblem, tmp_path: Path) -> None:
    verifier = write_problem("guess").folder / "verifier.py"
    assert DRIVEN in verifier.read_text()
    verifier.write_text(verifier.read_text().replace(DRIVEN, 'for number in range(32 if split == "train" else 2):'))
    problem = load(verifier.parent)
    place = tmp_path / "a.db"
    found, export = _run(problem, place, evaluations=8.0)
    records = _records(place, found)
    operators = {one.ticket.operator for one in records if one.ticket.kind == "measure"}
    assert BATCH in operators and REPLAY in operators
    for record in records[1:]:
        if record.promotion is not None:
            assert record.ticket.operator == REPLAY and record.verdict.whole and record.evaluations == 0.0
    with Archive.open(place) as archive:
        recording = read_replay(archive.export(found.run_id, replies=True))
        assert recording.tickets == tuple(archive.tickets(found.run_id))
        for record in standing(records):
            if record.program_id is not None and record.verdict.evaluated:
                assert archive.program(record.program_id).verdict == record.verdict
    assert sum('"extent"' in line for line in export) == sum(one.verdict.extent is not None for one in records)
