"""Programs that cheat at moe-affinity, in the real sandbox and judged by the real evaluator: none of them gains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from affinity_cheats import BREAK, DEEDS, LOOK, PLANT, SMUGGLE, program

from evaluators.process_cascade import ProcessEvaluator
from evaluators.stage import Run, Stage
from evolve.core.types import Instance, Split, Status
from evolve.engine.worker import Worker
from evolve.problem import Problem, load

pytestmark = pytest.mark.bubblewrap


@pytest.fixture(scope="module")
def problem() -> Problem:
    return load("moe-affinity")


@pytest.fixture(scope="module")
def stage(problem: Problem) -> Iterator[Stage]:
    worker = Worker(str(problem.folder))
    assert isinstance(worker.evaluator, ProcessEvaluator)
    yield worker.evaluator.stage
    worker.close()


@pytest.fixture(scope="module")
def instance(stage: Stage) -> Instance:
    return stage.verifier.instances(Split.TRAIN)[0]


@pytest.fixture(scope="module")
def honest(problem: Problem, stage: Stage, instance: Instance) -> float:
    run = stage.run(problem.seed, Split.TRAIN, instance)
    assert run.score is not None, run.feedback
    return run.score.value


def _run(problem: Problem, stage: Stage, instance: Instance, body: str) -> Run:
    return stage.run(problem.seed.with_main(program(problem.seed.main, body)), Split.TRAIN, instance)


@pytest.mark.parametrize("name", LOOK)
def test_the_held_out_tokens_are_not_there(
    problem: Problem, stage: Stage, instance: Instance, honest: float, name: str
) -> None:
    run = _run(problem, stage, instance, LOOK[name])
    assert run.result.status is Status.OK, run.feedback
    assert run.score is not None and run.score.value == honest


@pytest.mark.parametrize("name", ["walks the stack", "asks the collector"])
def test_they_would_have_been_found(problem: Problem, stage: Stage, instance: Instance, name: str) -> None:
    run = _run(problem, stage, instance, PLANT + LOOK[name])
    assert run.result.status is Status.CRASHED and "found the held-out tokens" in run.feedback


@pytest.mark.parametrize("name", BREAK)
def test_what_breaks_a_rule_is_invalid_and_says_which(
    problem: Problem, stage: Stage, instance: Instance, name: str
) -> None:
    body, says = BREAK[name]
    run = _run(problem, stage, instance, body)
    assert run.result.status is Status.INVALID and run.score is None, run.feedback
    assert says in run.feedback


@pytest.mark.parametrize("name", SMUGGLE)
def test_what_is_no_plain_data_does_not_arrive(
    problem: Problem, stage: Stage, instance: Instance, honest: float, name: str
) -> None:
    run = _run(problem, stage, instance, SMUGGLE[name])
    if run.result.status is Status.OK:  # it came as the plain data that it looks like
        assert run.score is not None and run.score.value == honest
    else:
        assert run.result.status in (Status.CRASHED, Status.INVALID) and run.score is None


@pytest.mark.parametrize("name", DEEDS)
def test_deeds_change_nothing(problem: Problem, stage: Stage, instance: Instance, honest: float, name: str) -> None:
    for _ in range(2):
        run = _run(problem, stage, instance, DEEDS[name])
        assert run.score is not None and run.score.value == honest, run.feedback
    assert instance.args[0][0].sum() == 6_000


def _learnt(problem: Problem, instances: list[Instance]) -> str:
    """A program that knows a good answer by heart for each of these, and is the seed elsewhere."""
    names: dict[str, Any] = {}
    exec(problem.baselines["greedy_chain"].main, names)
    answers = {int(one.args[0].ravel() @ np.arange(one.args[0].size)): names["place"](*one.args) for one in instances}
    return f"""
key = int(transitions.ravel() @ np.arange(transitions.size))
return {answers!r}.get(key) or honest(transitions, gpus, nodes)
"""


def test_what_was_memorised_of_train_is_worth_nothing_elsewhere(problem: Problem, stage: Stage) -> None:
    train = stage.verifier.instances(Split.TRAIN)
    body = _learnt(problem, train[:2])
    for one in train[:2]:
        known, plain = _run(problem, stage, one, body), stage.run(problem.seed, Split.TRAIN, one)
        assert known.score is not None and plain.score is not None and known.score.value < plain.score.value
    source = problem.seed.with_main(program(problem.seed.main, body))
    for split in (Split.GATE, Split.FINAL):
        for one in stage.verifier.instances(split)[:2]:
            elsewhere, plain = stage.run(source, split, one), stage.run(problem.seed, split, one)
            assert elsewhere.score is not None and plain.score is not None
            assert elsewhere.score.value == plain.score.value
