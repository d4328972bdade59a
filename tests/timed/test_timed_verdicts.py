"""Verdicts whose score is a time: failures while timed, questions to the gate, and seeds of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from timed_problem import (
    COMMAND_QUICK,
    COMMAND_SEED,
    COMMAND_TOML,
    COMMAND_VERIFIER,
    QUICK,
    QUICKER,
    VERIFIER,
    WRONG_WHILE_TIMED,
)

from evaluators.process_cascade import ProcessEvaluator
from evaluators.stage import Seat
from evaluators.timed_verdicts import TimedVerdicts
from evolve.core.errors import ProblemError
from evolve.core.types import Source, Split, Status
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load
from evolve.proposers.llm.facts import facts_of
from sandbox.base import Reply
from sandbox.limits import Limits
from sandbox.scripted import ScriptedSandbox

WriteTimed = Callable[..., Problem]


@pytest.fixture
def problem(timed: WriteTimed) -> Problem:
    return timed(pairs=20, c_quick=QUICK)  # of twenty pairs some may be disturbed, of ten none


@pytest.fixture
def evaluator(problem: Problem) -> Iterator[ProcessEvaluator]:
    evaluator = make_evaluator(problem)
    assert isinstance(evaluator, ProcessEvaluator) and evaluator.times is not None
    yield evaluator
    evaluator.stage.close()


def times(evaluator: ProcessEvaluator) -> TimedVerdicts:
    assert evaluator.times is not None
    return evaluator.times


def program(text: str) -> Source:
    return Source({"program.py": text}, "total")


@pytest.mark.bubblewrap
def test_what_is_wrong_only_while_it_is_timed_has_a_status(evaluator: ProcessEvaluator) -> None:
    verdict = evaluator.evaluate(program(WRONG_WHILE_TIMED))
    assert verdict.status is Status.INVALID and verdict.value is None and not verdict.metrics
    assert verdict.feedback == "while it was timed: train-0: not the sum"
    assert verdict.stage == "train" and verdict.evaluated and len(verdict.results) == 2


@pytest.mark.bubblewrap
def test_the_gate_compares_with_the_champion_itself(evaluator: ProcessEvaluator, problem: Problem) -> None:
    quick, quicker = program(QUICK), program(QUICKER)
    # The rival is quicker than a reference may be.
    faster = times(evaluator).duel(quicker, quick, 1, 0.03, 0.3)
    assert faster.accepted and faster.reason == "faster" and faster.pairs == 20
    assert faster.ratio is not None and faster.ratio < faster.needed < 1.0
    slower = times(evaluator).duel(problem.seed, quick, 2, 0.03, 0.3)
    assert not slower.accepted and slower.ratio is not None and slower.ratio > 1.0
    assert slower.pairs == 20 and slower.reason == "not shown to be faster"


@pytest.mark.bubblewrap
def test_who_fails_at_the_gate_is_refused_and_gives_way(evaluator: ProcessEvaluator, problem: Problem) -> None:
    right, wrong = problem.seed, program("def total(n):\n    return 1 // 0\n")
    refused = times(evaluator).duel(wrong, right, 1, 0.03, 0.3)
    assert not refused.accepted and refused.ratio is None and refused.reason == "an instance of the gate failed"
    refused = times(evaluator).duel(program(WRONG_WHILE_TIMED), right, 1, 0.03, 0.3)
    assert not refused.accepted and refused.ratio is None and refused.reason == "an instance of the gate failed"
    replaced = times(evaluator).duel(right, wrong, 1, 0.03, 0.3)
    assert replaced.accepted and replaced.reason == "the champion failed on an instance of the gate"


@pytest.mark.bubblewrap
def test_a_program_that_is_wrong_on_final_has_no_number_there(evaluator: ProcessEvaluator) -> None:
    found = times(evaluator).on_final(program("def total(n):\n    return n\n"))
    assert found.status is Status.INVALID and not found.metrics and "final-0: not the sum" in found.feedback


@pytest.mark.bubblewrap
def test_the_reference_may_be_a_baseline(timed: WriteTimed) -> None:
    problem = timed(more='reference = "c_other"', c_other=QUICK.replace("n // 8", "n // 1"))
    evaluator = make_evaluator(problem)
    try:
        assert isinstance(evaluator, ProcessEvaluator)
        assert evaluator.evaluate(problem.baselines["c_other"]).metrics["time_ratio"] == 1.0
        assert evaluator.evaluate(problem.seed).metrics["time_ratio"] != 1.0
    finally:
        evaluator.stage.close()


@pytest.mark.bubblewrap
def test_a_command_may_be_timed_and_have_a_second_objective(tmp_path: Path) -> None:
    (tmp_path / "problem.toml").write_text(COMMAND_TOML)
    (tmp_path / "verifier.py").write_text(COMMAND_VERIFIER)
    (tmp_path / "sum.sh").write_text(COMMAND_SEED)
    problem = load(tmp_path)
    evaluator = make_evaluator(problem)
    try:
        assert isinstance(evaluator, ProcessEvaluator)
        verdict = evaluator.evaluate(problem.seed.with_main(COMMAND_QUICK))
    finally:
        evaluator.stage.close()
    assert verdict.status is Status.OK and verdict.value == verdict.metrics["time_ratio"] < 0.9
    assert verdict.metrics["bytes"] == 10.0


def test_models_are_told_what_the_score_is(problem: Problem) -> None:
    limits = facts_of(problem).limits
    assert "the score is the program's time as a share of the reference's" in limits[0]
    assert "a difference below 0.3 of the time is none" in limits[1]


def test_a_reference_that_there_is_not_is_named_with_those_that_there_are(timed: WriteTimed) -> None:
    with pytest.raises(ProblemError) as caught:
        timed(more='reference = "c_quik"', c_quick=QUICK)
    assert "timing.reference: there is no baseline c_quik" in caught.value.message
    assert caught.value.remedy == "Name one of seed, c_quick."


def test_seeds_of_sessions_are_those_of_the_program_and_of_the_split(evaluator: ProcessEvaluator) -> None:
    def script(source: Source, entry: str, *args: Any) -> Any:
        return Reply(Status.OK, args[0] * (args[0] - 1) // 2, wall_seconds=1.0)

    sandbox = ScriptedSandbox(script)
    evaluator.stage.seat = Seat(sandbox, Limits(), "instance", None, "total")
    found: list[list[int]] = []
    for measured in (times(evaluator).on_train, times(evaluator).on_train, times(evaluator).on_final):
        for text in (QUICK, QUICKER):
            before = len(sandbox.openings)
            measured(program(text))
            found.append([one.seed for one in sandbox.openings[before:] if one.seed])
    assert found[:2] == found[2:4]
    assert len({seeds[0] for seeds in found}) == 4


def test_train_is_not_measured_in_batches(timed: WriteTimed) -> None:
    evaluator = make_evaluator(timed(verifier=VERIFIER.replace("range(2)", "range(32)")))
    try:
        assert isinstance(evaluator, ProcessEvaluator)
        assert len(evaluator.stage.verifier.instances(Split.TRAIN)) == 32 and not evaluator.batches
    finally:
        evaluator.stage.close()


def test_instances_that_repeat_are_the_problems_fault(timed: WriteTimed) -> None:
    verifier = VERIFIER.replace(" + number,)", ",)")
    evaluator = make_evaluator(timed(verifier=verifier))
    try:
        assert isinstance(evaluator, ProcessEvaluator)
        sandbox = ScriptedSandbox(lambda source, entry, number: number * (number - 1) // 2)
        evaluator.stage.seat = Seat(sandbox, Limits(), "instance", None, "total")
        with pytest.raises(ProblemError, match="have the same arguments"):
            evaluator.evaluate(program(QUICK))
    finally:
        evaluator.stage.close()
