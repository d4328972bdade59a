"""Probe and train, verdicts, evaluation sets, promotions, and what tuning is charged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from evaluators.cascade import Evaluator
from evaluators.constants import ConstantEvaluator
from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Instance, Objective, Score, Split, Status
from sandbox.straight_line import StraightLine, parse


class Verifier:
    """Mean absolute distance from 2 x; notes what it was asked."""

    def __init__(self, scale: float = 1.0, truth: Any = None) -> None:
        self.scale, self.truth = scale, truth
        self.scored: list[str] = []

    def instances(self, split: Split, seed: int) -> Iterable[Instance]:
        count = {Split.PROBE: 1, Split.TRAIN: 3}.get(split, 0)
        for i in range(count):
            x = np.linspace(0.0, i + 1.0, 5 + seed) * self.scale
            yield Instance(f"{split}/{i}", str(i), (x,), self.truth)

    def score(self, instance: Instance, output: Any) -> Score:
        self.scored.append(instance.id)
        if np.isnan(output).any():
            raise Invalid(f"a value on {instance.id} is no number")
        error = float(np.mean(np.abs(output - 2.0 * instance.args[0])))
        return Score(error, {"error": error}, f"mean error {error:.3g}")

    def target(self, instance: Instance) -> tuple[Any, Any]:
        return instance.args[0], 2.0 * instance.args[0]

    def prove(self, program: StraightLine) -> Score:
        if program.operations > 1:
            raise Invalid("too long to prove")
        return Score(0.5, {"error": 0.5})

    def final(self, programs: Sequence[StraightLine], progress: Callable[[int, int], None]) -> list[Score]:
        return []


def _evaluator(verifier: Verifier | None = None, version: str = "v", seed: int = 0, metric: str = "error") -> Evaluator:
    return Evaluator(verifier or Verifier(), (Objective(metric, "minimize"),), version, lambda split: seed)


def _program(expression: str) -> StraightLine:
    return parse(f"def f(x):\n    return {expression}\n", "f")


def test_a_good_program_is_scored_by_the_mean_over_train() -> None:
    verifier = Verifier()
    verdict = _evaluator(verifier).evaluate(_program("x + x + 3.0"))
    assert verdict.status is Status.OK and verdict.value == pytest.approx(3.0)
    assert verdict.metrics == {"error": pytest.approx(3.0), "operations": 2.0}
    assert verifier.scored == ["probe/0", "train/0", "train/1", "train/2"]
    assert [r.instance_id for r in verdict.results] == ["train/0", "train/1", "train/2"]
    assert verdict.stage == "train" and verdict.evaluated
    three = [f"worst on train/{n} (error {n + 1}): mean error {n + 1}" for n in (2, 1, 0)]
    assert _evaluator().evaluate(_program("x + x + x * 2.0")).feedback == "\n".join(three)
    assert all(r.score == pytest.approx(3.0) and r.cpu_seconds >= 0.0 for r in verdict.results)


def test_a_program_that_fails_on_probe_never_sees_train() -> None:
    verifier = Verifier()
    verdict = _evaluator(verifier).evaluate(_program("x / (x - x)"))
    assert (verdict.status, verdict.value, verdict.stage) == (Status.INVALID, None, "probe")
    assert verdict.feedback == "probe/0: a value on probe/0 is no number\nargs: ndarray (5,) float64"
    assert verifier.scored == ["probe/0"]
    assert verdict.evaluated


def test_one_failed_instance_leaves_no_score_and_all_results() -> None:
    verdict = _evaluator().evaluate(_program("x / (x - 3.0) * (x - 3.0)"))  # 0 / 0 at x = 3, the end of the last one
    assert (verdict.status, verdict.value, verdict.stage) == (Status.INVALID, None, "train")
    assert [r.status for r in verdict.results] == [Status.OK, Status.OK, Status.INVALID]
    assert verdict.results[2].score is None and "train/2" in verdict.feedback


def test_an_infinite_score_is_no_score() -> None:
    verdict = _evaluator().evaluate(_program("x + 1.0 / (x - x * 1.0)"))
    assert (verdict.status, verdict.value) == (Status.INVALID, None)
    assert "inf" in verdict.feedback


def test_another_number_of_arguments_is_a_verdict() -> None:
    for text in ("def f(x, y):\n    return x + y\n", "def f(x, y):\n    return x + 1.0\n"):
        verdict = _evaluator().evaluate(parse(text, "f"))
        assert verdict.status is Status.INVALID and "takes 2 arguments" in verdict.feedback


def test_an_objective_that_the_verifier_does_not_give_is_the_problems_fault() -> None:
    with pytest.raises(ProblemError, match="no metric 'speed'"):
        _evaluator(metric="speed").evaluate(_program("x + x"))


def test_a_split_without_instances_is_the_problems_fault() -> None:
    class Empty(Verifier):
        def instances(self, split: Split, seed: int) -> Iterable[Instance]:
            return []

    with pytest.raises(ProblemError, match="no instance for probe"):
        _evaluator(Empty()).evaluate(_program("x"))


def test_the_verifiers_own_exception_is_not_hidden() -> None:
    class Broken(Verifier):
        def score(self, instance: Instance, output: Any) -> Score:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _evaluator(Broken()).evaluate(_program("x"))


def test_the_evaluation_set_depends_on_version_seed_and_content() -> None:
    class Words:
        """An object without content of its own but its text."""

        def __repr__(self) -> str:
            return "words"

    x = np.arange(4.0)
    cases = [
        _evaluator(),
        _evaluator(version="w"),
        _evaluator(seed=1),
        _evaluator(Verifier(scale=2.0)),
        _evaluator(Verifier(truth=x)),
        _evaluator(Verifier(truth=x.reshape(2, 2))),
        _evaluator(Verifier(truth=x.view(np.int64))),
        _evaluator(Verifier(truth="a text")),
        _evaluator(Verifier(truth={"a": 1})),
        _evaluator(Verifier(truth=Words())),
    ]
    assert len({case.evaluation_set for case in cases}) == len(cases)
    assert _evaluator(Verifier(truth=Words())).evaluation_set == cases[-1].evaluation_set
    assert _evaluator(Verifier(truth=[1, {}])).evaluation_set == _evaluator(Verifier(truth=[1, {}])).evaluation_set
    assert _evaluator().evaluation_set == cases[0].evaluation_set and len(cases[0].evaluation_set) == 32
    assert _evaluator(seed=1).gate_set == _evaluator().gate_set != _evaluator(version="w").gate_set


def test_promotion_is_accept_or_reject_with_a_reason() -> None:
    evaluator = _evaluator()
    accepted, rejected = evaluator.prove(_program("x + x")), evaluator.prove(_program("x * x + x"))
    assert accepted.accepted and accepted.metrics == {"error": 0.5, "operations": 1.0}
    assert not rejected.accepted and rejected.metrics == {} and rejected.reason == "too long to prove"
    assert accepted.evaluation_set == rejected.evaluation_set == evaluator.gate_set


def test_each_vector_is_charged_an_evaluation_and_failures_are_infinite() -> None:
    constants = ConstantEvaluator(_evaluator())
    losses = constants(_program("x * 2.0 + 1.0"), np.array([[2.0, 1.0], [2.0, 0.5], [np.nan, 0.0], [np.inf, 0.0]]))
    assert losses[:2].tolist() == pytest.approx([1.0, 0.5]) and np.isinf(losses[2:]).all()
    (batch,) = constants.measurements
    assert (batch.vectors, batch.evaluations) == (4, 4.0)
    assert batch.best_loss == pytest.approx(0.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_no_number_is_infinite(value: float) -> None:
    class Lenient(Verifier):
        def score(self, instance: Instance, output: Any) -> Score:
            return Score(0.0, {"error": value})

    constants = ConstantEvaluator(_evaluator(Lenient()))
    assert constants(_program("x * 2.0"), np.array([[1.0]])).tolist() == [np.inf]
    assert constants.measurements[0].best_loss == np.inf


def test_the_loss_is_less_where_the_objective_is_better() -> None:
    evaluator = Evaluator(Verifier(), (Objective("error", "maximize"),), "v", lambda split: 0)
    losses = ConstantEvaluator(evaluator)(_program("x * 2.0 + 1.0"), np.array([[2.0, 1.0], [2.0, 3.0]]))
    assert losses.tolist() == pytest.approx([-1.0, -3.0])


@pytest.mark.parametrize("points", [2, 3, 5])
def test_a_smooth_target_is_a_part_of_train_at_its_share_of_the_cost(points: int) -> None:
    constants = ConstantEvaluator(_evaluator(Verifier(scale=0.1)))
    target = constants.smooth_target(points)
    x = constants.evaluator.train[0].args[0]
    assert len(target.x) == points and target.fraction == points / len(x)
    assert np.isin(target.x, x).all() and np.array_equal(target.y, 2.0 * target.x)
    assert constants.smooth_target(points) is target and not constants.measurements
