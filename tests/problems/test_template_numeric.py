"""The template for arithmetic: relative errors, the check of every input, and baselines that are best of their form."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from template_problems import NUMERIC

from evaluators.cascade import Evaluator
from evaluators.constants import ConstantEvaluator
from evolve.core.errors import Invalid, ProblemError
from evolve.core.rng import generator
from evolve.core.types import Split, Status
from evolve.evaluation import make_evaluator
from evolve.proposers.offline import tuning
from sandbox.straight_line import StraightLine, parse


def _program(*lines: str, arguments: str = "x") -> StraightLine:
    return parse("\n    ".join([f"def approximate({arguments}):", *lines]), "approximate")


def _baseline(name: str) -> StraightLine:
    return parse(NUMERIC.baselines[name].main, "approximate")


def test_inputs_are_split_into_parts_and_the_whole_is_left_to_the_gate() -> None:
    parts = [NUMERIC.verifier.instances(split, 0)[0].args[0] for split in (Split.PROBE, Split.TRAIN, Split.REPORT)]
    assert [len(part) for part in parts] == [64, 2048, 1024]
    assert all(not set(one.tolist()) & set(other.tolist()) for one, other in combinations(parts, 2))
    assert set(np.concatenate(parts).tolist()) <= set(NUMERIC.verifier.inputs().tolist())
    for split in (Split.GATE, Split.FINAL):
        with pytest.raises(ProblemError, match="no instances"):
            NUMERIC.verifier.instances(split, 0)


def test_the_error_is_relative_and_its_place_is_named() -> None:
    (instance,) = NUMERIC.verifier.instances(Split.PROBE, 0)
    output = instance.truth.copy()
    output[5] *= 1.0 + 2.0**-10
    found = NUMERIC.verifier.score(instance, output)
    assert found.value == pytest.approx(2.0**-10, rel=1e-9)
    assert found.metrics["digits"] == pytest.approx(3.0103, abs=1e-4)
    assert f"{instance.args[0][5]:.6g}" in found.feedback


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda y: y[:-1], "shape"),
        (lambda y: y.astype(np.float32), "dtype float32"),
        (lambda y: y.astype(object), "dtype object"),
        (list, "a list"),
        (lambda y: None, "a NoneType"),
        (lambda y: np.where(y > 0.5, np.nan, y), "values are NaN or infinite"),
        (lambda y: np.where(y == y.max(), np.inf, y), "1 of 64 .* x = 0.985351562"),
    ],
)
def test_what_is_no_array_of_finite_doubles_is_invalid(change: Any, says: str) -> None:
    (instance,) = NUMERIC.verifier.instances(Split.PROBE, 0)
    with pytest.raises(Invalid, match=says):
        NUMERIC.verifier.score(instance, change(instance.truth))


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (_program("return x / (x - 0.5)"), "1 of 4096 values are NaN or infinite, the first at x = 0.5"),
        (_program("z = x - x", "return z / z"), "4096 of 4096 values are NaN"),
        (_program("return x * y", arguments="x, y"), "takes 2 arguments, not 1"),
    ],
    ids=["pole", "nan", "arity"],
)
def test_prove_refuses_what_has_no_value_somewhere(program: StraightLine, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        NUMERIC.verifier.prove(program)


def test_a_pole_between_the_inputs_of_the_search_is_left_to_the_gate() -> None:
    made = make_evaluator(NUMERIC)
    assert isinstance(made, Evaluator)
    pole = _program("return x / (x - 0.5)")
    assert made.evaluate(pole).status is Status.OK
    refused = made.prove(pole)
    assert not refused.accepted and "x = 0.5" in refused.reason
    assert made.prove(_baseline("polynomial_5")).metrics["operations"] == 6.0


def test_prove_looks_at_all_inputs() -> None:
    program = _baseline("polynomial_3")
    x = NUMERIC.verifier.inputs()
    error = np.abs(program.evaluate(x) / np.sin(np.pi / 2 * x) - 1.0)
    assert NUMERIC.verifier.prove(program).value == error.max() == error[-1]
    (train,) = NUMERIC.verifier.instances(Split.TRAIN, 0)
    assert NUMERIC.verifier.score(train, program.evaluate(*train.args)).value < error.max()


@pytest.mark.parametrize("name", sorted(NUMERIC.baselines))
def test_baselines_are_the_best_of_their_form(name: str) -> None:
    """Chebyshev: the error swings between equal heights of both signs, one more than there are constants."""
    program, x = _baseline(name), NUMERIC.verifier.inputs()
    error = program.evaluate(x) / np.sin(np.pi / 2 * x) - 1.0
    heights = [error[0]]
    for before, after in pairwise(error.tolist()):
        if (before > 0) != (after > 0):
            heights.append(after)
        heights[-1] = max(heights[-1], after, key=abs)
    assert len(heights) == len(program.constants) + 1
    assert np.allclose(np.abs(heights), np.abs(error).max(), rtol=1e-5)


def test_baselines_need_more_operations_for_more_digits() -> None:
    found = [(_baseline(name).operations, NUMERIC.verifier.prove(_baseline(name))) for name in NUMERIC.baselines]
    rows = sorted((operations, round(score.metrics["digits"], 2)) for operations, score in found)
    assert rows == [(4, 2.14), (5, 3.91), (6, 3.97), (8, 6.03), (10, 8.27)]  # as the README says


def test_constants_can_be_fitted_by_least_squares() -> None:
    made = make_evaluator(NUMERIC)
    assert isinstance(made, Evaluator)
    best, rough = _baseline("polynomial_5"), _baseline("polynomial_5").with_constants((0.1, 1.0, 1.0))
    fitted, error = tuning.tune_smooth(rough, ConstantEvaluator(made), NUMERIC.tuning.points, generator("fit"), 1.0)
    assert error < 1.01 * NUMERIC.verifier.prove(best).value
    assert np.allclose(fitted.constants, best.constants, rtol=1e-2)


def test_final_is_in_float32_on_all_inputs() -> None:
    seen: list[tuple[int, int]] = []
    programs = [_baseline("polynomial_9"), _program("return 1.5 * x"), _program("return x * 1e39")]
    good, rough, huge = NUMERIC.verifier.final(programs, lambda done, total: seen.append((done, total)))
    assert seen == [(4096, 3 * 4096), (2 * 4096, 3 * 4096), (3 * 4096, 3 * 4096)]
    assert 0.5 < good.value < 4.0
    # Just below 1 the unit is half of that at 1, so the error there counts for more.
    worst = 4095 / 4096
    assert rough.metrics["worst_x"] == worst
    assert rough.value == pytest.approx((1.5 * worst - np.sin(np.pi / 2 * worst)) * 2**24, rel=1e-12)
    assert rough.metrics["max_relative_error_float32"] == 0.5
    assert huge.value == np.inf
