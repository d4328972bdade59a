"""A time as the second objective of an interactive problem: all calls are timed, and the front shows it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archive.store import Archive
from evolve import load, run
from evolve.check.bench import Bench
from evolve.check.report import Grade
from evolve.check.whole import _of_bench
from evolve.core.errors import ProblemError
from evolve.core.types import Source, Status
from evolve.dominance import Dominance
from evolve.evaluation import make_evaluator
from evolve.problem import Problem

pytestmark = pytest.mark.bubblewrap

TOML = """
name = "planner"
title = "Plans, better or sooner"
entry = "plan"
evidence = "sampled"
sandbox = "bubblewrap"
interactive = true

[[objectives]]
metric = "near"
direction = "maximize"

[[objectives]]
metric = "time_ratio"
direction = "minimize"

[timing]
reference = "usual"
pairs = 10
batch = 5
minimum_effect = 0.1
instances = 1

[limits]
cpu_seconds = 5
wall_seconds = 20
memory_mebibytes = 256
"""
VERIFIER = """
from evolve.check.report import Grade
from evolve.check.whole import _of_bench
from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(12):
        rows = [[float(one) for one in generator(str(split), seed, number, row).random(4)] for row in range(3)]
        yield Instance(f"{split}-{number}", f"row-{number}", (rows[0],), rows)


def play(session, instance):
    return [session.call("plan", row) for row in instance.truth]


def score(instance, output):
    if any(type(one) is not float or not 0.0 <= one <= 1.0 for one in output):
        raise Invalid("no share")
    near = 1.0 - sum(abs(one - max(row)) for one, row in zip(output, instance.truth, strict=True)) / 3
    return Score(near, {"near": near}, f"{near:.3f} near")


def floor(instance):
    return Score(1.0, {"near": 1.0})
"""
WORK = """
# EVOLVE-BLOCK-START
def plan(row):
    total = 0
    for number in range({}):
        total += number
    return {}
# EVOLVE-BLOCK-END
"""
# The usual way is slow and right; the seed as slow and wrong; others lie between.
USUAL, SEED = WORK.format(150_000, "max(row)"), WORK.format(150_000, "min(row)")
QUICK, MIDDLING = WORK.format(30_000, "min(row)"), WORK.format(60_000, "row[0]")


@pytest.fixture
def planner(tmp_path: Path) -> Callable[..., Problem]:
    def write(toml: str = TOML, **baselines: str) -> Problem:
        folder = tmp_path / "planner"
        (folder / "baselines").mkdir(parents=True)
        (folder / "problem.toml").write_text(toml)
        (folder / "verifier.py").write_text(VERIFIER)
        (folder / "seed.py").write_text(SEED)
        for name, text in {"usual": USUAL, **baselines}.items():
            (folder / "baselines" / f"{name}.py").write_text(text)
        return load(folder)

    return write


def test_the_front_holds_what_is_better_and_what_is_sooner(planner: Callable[..., Problem], tmp_path: Path) -> None:
    problem = planner(quick=QUICK, middling=MIDDLING)
    assert problem.second_effect == 0.1 and not problem.is_timed
    result = run(problem.folder, archive=tmp_path / "a.db", start="baselines", evaluations=4, workers=1)
    with Archive.open(tmp_path / "a.db") as archive:
        records = list(archive.records(result.run_id))
    metrics = [record.verdict.metrics for record in records]
    by_near = {round(one["near"], 6): one for one in metrics}
    assert len(by_near) == 3  # seed and quick answer alike
    usual = max(metrics, key=lambda one: one["near"])
    assert usual["near"] == 1.0 and usual["time_ratio"] == usual["time_ratio_low"] == 1.0
    # All results are scores, not ratios, and the value is the first objective.
    assert all(record.verdict.value == record.verdict.metrics["near"] for record in records)
    assert all(one.score is not None and one.score <= 1.0 for one in records[0].verdict.results)
    assert "near" in records[0].verdict.feedback and "of the reference's time" in records[0].verdict.feedback
    ratios = [one.metrics["time_ratio"] for one in result.front]
    assert [one.metrics["near"] for one in result.front] == sorted(
        (one["near"] for one in by_near.values()), reverse=True
    )
    assert ratios == sorted(ratios, reverse=True) and ratios[-1] < 0.5
    best = result.final[result.front[0].program_id]
    assert best["near"] == 1.0 and best["time_ratio"] == 1.0
    slow = result.final[result.seed.program_id]
    assert slow["ahead_low"] > 0.0 and slow["time_ratio_low"] < slow["time_ratio"] < slow["time_ratio_high"]
    assert "near" in str(result)


# Each tells by itself whether it is timed, if that can be told: by its random state, the order of sets, or luck.
UNFAITHFUL = {
    "by its random state": "import random\nSCORED = random.random() == 0.8444218515250481\n",
    "by the order of sets": "SCORED = list({'a', 'b', 'c', 'd', 'e'})[0] == FIRST\n",
    "by luck": "import os\nSCORED = os.urandom(1)[0] < 128\n",
}


@pytest.mark.parametrize("how", UNFAITHFUL)
def test_no_program_is_well_scored_and_soon_timed(planner: Callable[..., Problem], how: str) -> None:
    problem = planner()
    made = make_evaluator(problem)
    seen = made.evaluate(Source({"program.py": "def plan(row):\n    return max(row)"}, "plan"))
    assert seen.metrics["time_ratio_high"] < 0.5
    head = UNFAITHFUL[how].replace("FIRST", repr("a"))
    lines = (
        "def plan(row):\n    if SCORED:\n        for _ in range(300_000):\n            pass\n        return max(row)\n"
    )
    verdict = made.evaluate(Source({"program.py": f"{head}{lines}    return min(row)"}, "plan"))
    made.stage.close()  # type: ignore[union-attr]
    slow = verdict.status is Status.OK and verdict.metrics["time_ratio_high"] > 0.9
    poor = verdict.status is Status.OK and verdict.metrics["near"] < 1.0
    assert slow or poor or (verdict.status is Status.INVALID and "timed" in verdict.feedback)


def test_a_program_that_is_late_in_later_calls_alone_is_found(planner: Callable[..., Problem]) -> None:
    problem = planner()
    late = QUICK.replace(
        "total = 0", "total = 0\n    for number in range(2_000_000 if SEEN else 0):\n        pass\n    SEEN.append(1)"
    )
    made = make_evaluator(problem)
    verdict = made.evaluate(Source({"program.py": f"SEEN = []\n{late}"}, "plan"))
    made.stage.close()  # type: ignore[union-attr]
    assert verdict.metrics["time_ratio_low"] > 1.0


def test_check_tells_the_noise_of_the_times_too(planner: Callable[..., Problem]) -> None:
    bench = Bench(planner())
    rows = []
    for row in _of_bench(bench, lambda text: None):
        rows.append(row)
        if row.name == "noise of the time":
            break
    bench.close()
    assert rows[-1].figures["pairs"] == 10
    assert rows[-1].grade is not Grade.FAIL  # however loud this machine is: another objective decides
    assert rows[-2].name == "noise of the score" and rows[-2].says.startswith("none")


def test_the_reference_must_take_long_enough_to_be_timed(planner: Callable[..., Problem]) -> None:
    problem = planner(usual=WORK.format(10, "max(row)"))
    made = make_evaluator(problem)
    with pytest.raises(ProblemError, match="too little to be timed"):
        made.evaluate(problem.seed)
    made.stage.close()  # type: ignore[union-attr]


def test_a_little_sooner_is_nothing_new() -> None:
    problem_objectives = load("float32-exp2").objectives
    compared = Dominance(problem_objectives, 0.0, 0.1)
    names = [one.metric for one in problem_objectives]
    signs = [-1.0 if one.direction == "maximize" else 1.0 for one in problem_objectives]

    def metrics(first: float, second: float) -> dict[str, float]:
        return {names[0]: first * signs[0], names[1]: second * signs[1]}

    known = [metrics(5.0, 1.0)]
    assert compared.covered(metrics(5.0, 0.95), known)
    assert not compared.covered(metrics(5.0, 0.85), known)
    assert not compared.covered(metrics(4.0, 1.0), known)
