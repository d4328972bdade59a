"""Cheats at moe-balancing, in the sandbox: refused, or scored as what they answer deserves."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

import numpy as np
import pytest
from moe_cheats import BESIDES, BREAK, LATE, LOOK, looking, memory, wrapped

from evaluators.process_cascade import ProcessEvaluator
from evaluators.stage import Stage
from evolve.core.types import Instance, Source, Split, Status, Verdict
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load

pytestmark = pytest.mark.bubblewrap

# The reduced size: four layers of each model.
NAME = "moe-balancing@compare"


@pytest.fixture(scope="module")
def problem() -> Problem:
    return load(NAME)


@pytest.fixture(scope="module")
def evaluator(problem: Problem) -> Iterator[ProcessEvaluator]:
    made = make_evaluator(problem)
    assert isinstance(made, ProcessEvaluator)
    yield made
    made.stage.close()


@pytest.fixture(scope="module")
def honest(problem: Problem, evaluator: ProcessEvaluator) -> Verdict:
    verdict = evaluator.evaluate(problem.seed)
    assert verdict.status is Status.OK
    return verdict


def _scores(verdict: Verdict) -> list[tuple[str, float | None]]:
    return [(result.instance_id, result.score) for result in verdict.results]


def _source(problem: Problem, text: str) -> Source:
    return problem.seed.with_main(text)


@pytest.mark.parametrize("name", LOOK)
def test_the_next_window_is_nowhere_to_be_found(
    problem: Problem, evaluator: ProcessEvaluator, honest: Verdict, name: str
) -> None:
    text = looking(problem.seed.main, name, str(problem.folder))
    verdict = evaluator.evaluate(_source(problem, text))
    assert verdict.status is Status.OK, verdict.feedback
    assert _scores(verdict) == _scores(honest)


@pytest.mark.parametrize("name", BREAK)
def test_what_breaks_a_rule_is_refused(problem: Problem, evaluator: ProcessEvaluator, name: str) -> None:
    body, words = BREAK[name]
    verdict = evaluator.evaluate(_source(problem, wrapped(problem.seed.main, body)))
    assert (verdict.status, verdict.value) == (Status.INVALID, None), verdict.feedback
    assert words in verdict.feedback


@pytest.mark.parametrize("name", BESIDES)
def test_what_it_does_besides_gains_nothing(
    problem: Problem, evaluator: ProcessEvaluator, honest: Verdict, name: str
) -> None:
    verdict = evaluator.evaluate(_source(problem, wrapped(problem.seed.main, BESIDES[name])))
    assert verdict.status is Status.OK, verdict.feedback
    assert _scores(verdict) == _scores(honest)


def test_planning_has_an_end(problem: Problem, evaluator: ProcessEvaluator) -> None:
    verdict = evaluator.evaluate(_source(problem, wrapped(problem.seed.main, LATE)))
    assert (verdict.status, verdict.value) == (Status.TIMED_OUT, None)


# Memorising


def _known(problem: Problem, instances: list[Instance]) -> dict[str, list[list[list[int]]]]:
    """Plans for each window to come, made by the published policy that is shown it; by the first window's hash."""
    names: dict[str, object] = {}
    exec(problem.baselines["deepseek_greedy"].main, names)
    rebalance = names["rebalance"]
    assert callable(rebalance)
    return {
        blake2b(instance.args[0].tobytes(), digest_size=8).hexdigest(): [
            rebalance(window, *instance.args[1:]) for window in instance.truth
        ]
        for instance in instances
    }


def _on(stage: Stage, source: Source, split: Split, most: int = 4) -> float:
    instances = stage.verifier.instances(split)[:most]
    scores = [stage.run(source, split, instance).score for instance in instances]
    return float(np.mean([score.value for score in scores if score is not None])) if all(scores) else -1.0


def test_who_knows_train_by_heart_is_no_better_where_it_counts(problem: Problem, evaluator: ProcessEvaluator) -> None:
    stage = evaluator.stage
    trained = problem.verifier.instances(Split.TRAIN, problem.split_seed(Split.TRAIN))
    text = memory(problem.seed.main, _known(problem, trained))
    cheat = _source(problem, text)
    assert _on(stage, cheat, Split.TRAIN) > _on(stage, problem.seed, Split.TRAIN) + 0.1
    for split in (Split.GATE, Split.FINAL):
        assert _on(stage, cheat, split) == _on(stage, problem.seed, split) > 0.0
