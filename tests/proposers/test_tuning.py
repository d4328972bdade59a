"""Tuning improves programs, charges what it tried, and is the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluators.cascade import Evaluator
from evaluators.constants import ConstantEvaluator
from evaluators.screen import identify
from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Objective, Score, Split
from evolve.proposers.offline import least_squares, tuning
from evolve.proposers.offline.tuning import compile_tape, tune_black_box, tune_smooth
from sandbox.straight_line import StraightLine, parse

BASELINES = Path(__file__).parents[2] / "problems" / "function-approximation" / "exp2" / "baselines"
POINTS = 2049


class Exp2:
    """The largest relative error against 2**x on [0, 1]; counts the programs that it scored."""

    def __init__(self) -> None:
        self.scored = 0

    def instances(self, split: Split, seed: int) -> Iterable[Instance]:
        x = 0.5 - 0.5 * np.cos(np.pi * np.arange(POINTS) / (POINTS - 1))
        return [Instance("all", "all", (x,), np.exp2(x))]

    def score(self, instance: Instance, output: Any) -> Score:
        self.scored += 1
        if not np.isfinite(output).all():
            raise Invalid("a value is not finite")
        error = float(np.abs(output / instance.truth - 1.0).max())
        return Score(error, {"error": error})

    def target(self, instance: Instance) -> tuple[Any, Any]:
        return instance.args[0], instance.truth

    def prove(self, program: StraightLine) -> Score:
        raise Invalid("not here")

    def final(self, programs: Sequence[StraightLine], progress: Callable[[int, int], None]) -> list[Score]:
        return []


def _constants() -> ConstantEvaluator:
    return ConstantEvaluator(Evaluator(Exp2(), (Objective("error", "minimize"),), "v", lambda split: 0))


def _program(*lines: str) -> StraightLine:
    return parse("def f(x):\n    " + "\n    ".join(lines) + "\n", "f")


def _error(program: StraightLine) -> float:
    x = np.linspace(0.0, 1.0, 5001)
    with np.errstate(all="ignore"):
        return float(np.abs(program.evaluate(x) / np.exp2(x) - 1.0).max())


LINE = _program("return 1.0 + x * 1.0")
PARABOLA = _program("t = x * 1.0 + 1.0", "return t * x + 1.0")


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_smooth_tuning_finds_the_best_polynomial(degree: int) -> None:
    best = parse((BASELINES / f"polynomial_{degree}.py").read_text(encoding="utf-8"), "exp2")
    start = best.with_constants(tuple(1.0 for _ in best.constants))
    constants = _constants()
    tuned, error = tune_smooth(start, constants, 14, generator(1, "tune"), math.inf)
    assert _error(tuned) == pytest.approx(_error(best), rel=1e-4)
    assert error == pytest.approx(_error(best), rel=1e-4)
    assert tuned.steps == start.steps and identify(tuned)[1] == identify(start)[1]


def test_smooth_tuning_notes_every_vector_and_its_share_of_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[tuple[int, float]] = []

    def counted(name: str) -> None:
        real = getattr(least_squares, name)

        def call(operators: Any, left: Any, right: Any, start: Any, x: Any, *rest: Any) -> Any:
            found = real(operators, left, right, start, x, *rest)
            spent.append((int(found[2]), int(found[2]) * len(x) / POINTS))
            return found

        monkeypatch.setattr(least_squares, name, call)

    for name in ("fit_best", "minimax", "equalise"):
        counted(name)
    for good_enough, calls in ((math.inf, 3), (1e-12, 1)):
        spent.clear()
        constants = _constants()
        tune_smooth(PARABOLA, constants, 14, generator(2, "tune"), good_enough)
        assert len(spent) == calls
        assert sum(batch.vectors for batch in constants.measurements) == sum(vectors for vectors, _ in spent)
        charged = sum(batch.evaluations for batch in constants.measurements)
        assert charged == pytest.approx(sum(cost for _, cost in spent)) and charged > 0.0
        assert {batch.skeleton_id for batch in constants.measurements} == {identify(PARABOLA)[1]}


def test_a_poor_fit_is_not_worth_the_cost_of_minimax() -> None:
    cheap, dear = _constants(), _constants()
    _, poor = tune_smooth(PARABOLA, cheap, 14, generator(3, "tune"), 1e-12)
    tuned, good = tune_smooth(PARABOLA, dear, 14, generator(3, "tune"), math.inf)
    assert good < poor and _error(tuned) < 0.0018
    assert sum(b.evaluations for b in cheap.measurements) < sum(b.evaluations for b in dear.measurements)


@pytest.mark.parametrize(
    "program",
    [
        _program("return x"),
        _program("return 3.0"),
        _program("return x * x"),
        parse("def f(x, y):\n    return x + 1\n", "f"),
    ],
    ids=["argument", "constant", "no constant", "two arguments"],
)
def test_programs_with_nothing_to_fit_come_back(program: StraightLine) -> None:
    constants = _constants()
    tuned, error = tune_smooth(program, constants, 14, generator(4, "tune"), math.inf)
    assert tuned is program and math.isinf(error) and not constants.measurements


@pytest.mark.parametrize("start", [(0.0, 0.0), (1e300, -1e300), (1e-300, 1e-300)])
def test_a_hopeless_start_gives_finite_constants(start: tuple[float, float]) -> None:
    tuned, error = tune_smooth(LINE.with_constants(start), _constants(), 14, generator(5, "tune"), math.inf)
    assert np.isfinite(tuned.constants).all() and error < 0.031


def test_a_program_that_is_never_finite_comes_back_with_an_infinite_error() -> None:
    program = _program("return 1.5 / (x - x) + 2.0")
    tuned, error = tune_smooth(program, _constants(), 14, generator(6, "tune"), math.inf)
    assert math.isinf(error) and tuned.steps == program.steps


def test_the_same_seed_tunes_the_same() -> None:
    for tune in (
        lambda seed: tune_smooth(PARABOLA, _constants(), 14, generator(seed, "t"), math.inf)[0],
        lambda seed: tune_black_box(PARABOLA, _constants(), generator(seed, "t"), 3),
    ):
        assert tune(1) == tune(1) and tune(1) != tune(2)


def test_black_box_tuning_improves_and_charges_an_evaluation_a_vector() -> None:
    constants = _constants()
    tuned = tune_black_box(PARABOLA, constants, generator(1, "cma"))
    assert _error(tuned) < 0.5 * _error(PARABOLA)
    vectors = sum(batch.vectors for batch in constants.measurements)
    verifier = constants.evaluator.verifier
    assert isinstance(verifier, Exp2) and verifier.scored == vectors > 12
    assert sum(batch.evaluations for batch in constants.measurements) == vectors
    assert min(batch.best_loss for batch in constants.measurements) == pytest.approx(_error(tuned), rel=1e-3)


def test_black_box_tuning_of_one_constant_and_of_none() -> None:
    constants = _constants()
    tuned = tune_black_box(_program("return x + 1.1"), constants, generator(1, "cma"))
    assert _error(tuned) <= _error(_program("return x + 1.1")) + 1e-12
    assert sum(b.evaluations for b in constants.measurements) == sum(b.vectors for b in constants.measurements) > 1
    bare = _program("return x * x")
    assert tune_black_box(bare, constants, generator(1, "cma")) is bare


def test_black_box_tuning_survives_programs_that_always_fail() -> None:
    program = _program("return 1.5 / (x - x) + 2.0")
    constants = _constants()
    assert tune_black_box(program, constants, generator(1, "cma"), 3) == program
    assert all(math.isinf(batch.best_loss) for batch in constants.measurements)


def test_the_tape_is_the_program() -> None:
    operators, left, right = compile_tape(_program("t = x * 2.0 - 3.0", "return 4.0 / t"))
    assert [tuning.OPERATORS[i] for i in operators] == ["*", "-", "/"]
    assert left.tolist() == [0, 4, 3] and right.tolist() == [1, 2, 5]
