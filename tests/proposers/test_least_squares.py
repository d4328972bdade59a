"""The compiled optimiser: its derivatives, what it recovers, and Remez' result for polynomials."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evolve.core.rng import generator
from evolve.proposers.offline import least_squares
from evolve.proposers.offline.tuning import Tape, compile_tape
from sandbox.straight_line import StraightLine, parse

BASELINES = Path(__file__).parents[2] / "problems" / "function-approximation" / "exp2" / "baselines"
Vector = np.ndarray


def _program(*lines: str) -> StraightLine:
    return parse("def f(x):\n    " + "\n    ".join(lines) + "\n", "f")


def _linearise(tape: Tape, constants: Vector, x: Vector, y: Vector, weights: Vector) -> tuple[Vector, Vector]:
    count, slots = len(constants), 1 + len(constants) + len(tape[0])
    residual, jacobian = np.empty(len(x)), np.empty((len(x), count))
    scratch = np.empty(slots), np.zeros((slots, count))
    least_squares._linearise(*tape, constants, x, y, weights, residual, jacobian, *scratch)
    return residual, jacobian


def _residual(program: StraightLine, constants: Vector, x: Vector, y: Vector, weights: Vector) -> Vector:
    return weights * (program.with_constants(tuple(constants)).evaluate(x) / y - 1.0)


RATIONAL = _program("p = 0.3 * x + 3.7", "p = p * x + 20.5", "q = (x - 12.5) * x - 47.7", "return p / q")
STEP = st.tuples(st.sampled_from("+-*/"), st.integers(0, 9), st.integers(0, 9), st.booleans())


@st.composite
def _programs(draw: st.DrawFn) -> StraightLine:
    values, lines = ["x"], []
    for index, (operator, left, right, literal) in enumerate(draw(st.lists(STEP, min_size=1, max_size=7))):
        b = repr(round(draw(st.floats(0.5, 3.0)), 3)) if literal else values[right % len(values)]
        pair = (values[left % len(values)], b)
        a, b = pair if draw(st.booleans()) else reversed(pair)
        lines.append(f"v{index} = {a} {operator} {b}")
        values.append(f"v{index}")
    return _program(*lines, f"return {values[-1]}")


def _is_tame(program: StraightLine, x: NDArray[np.float64]) -> bool:
    """No intermediate value is infinite: such a program may have a value, but it has no slope."""
    first = len(program.arguments) + len(program.constants)
    parts = (replace(program, steps=program.steps[: k + 1], result=first + k) for k in range(len(program.steps)))
    return all(np.isfinite(part.evaluate(x)).all() for part in parts)


@settings(max_examples=150, deadline=None)
@given(_programs(), st.integers(0, 1000))
def test_residual_and_jacobian_are_those_of_the_program(program: StraightLine, seed: int) -> None:
    assume(program.constants and program.steps)
    rng = generator(seed, "points")
    x, y, weights = 0.3 + rng.random(6), 1.0 + rng.random(6), 0.5 + rng.random(6)
    constants = np.array(program.constants)
    with np.errstate(all="ignore"):
        expected = _residual(program, constants, x, y, weights)
        residual, jacobian = _linearise(compile_tape(program), constants, x, y, weights)
        assume(_is_tame(program, x) and np.abs(expected).max() < 1e6)
        assert np.allclose(residual, expected, rtol=1e-9, atol=1e-9)
        for j, value in enumerate(constants):
            slopes = []
            for size in (1e-4, 0.5e-4):  # Richardson's extrapolation of central differences
                moved = [constants.copy(), constants.copy()]
                moved[0][j], moved[1][j] = value + size, value - size
                up, down = (_residual(program, m, x, y, weights) for m in moved)
                slopes.append((up - down) / (2 * size))
            difference = (4.0 * slopes[1] - slopes[0]) / 3.0
            # A pole nearby makes finite differences wrong, and their two sizes disagree then.
            near = np.abs(slopes[0] - slopes[1]) <= 1e-4 * (1.0 + np.abs(difference))
            bound = 1e-5 * (1.0 + np.abs(difference)) + 1e-9 * np.abs(expected).max()
            assert (np.abs(jacobian[:, j] - difference) <= bound)[near].all()


@pytest.mark.parametrize(
    ("program", "start"),
    [
        (_program("return 2.5 * x + 3.75"), (1.0, 1.0)),
        (_program("t = x * 1.5 + 0.5", "return t * x + 2.25"), (1.0, 1.0, 1.0)),
        (_program("return 4.5 / (x + 1.75)"), (2.0, 3.0)),
        (_program("return (x * 2.5 + 1.5) / (x + 3.0)"), (2.0, 1.0, 2.0)),
    ],
    ids=["line", "parabola", "hyperbola", "quotient"],
)
def test_known_constants_are_recovered(program: StraightLine, start: tuple[float, ...]) -> None:
    x = np.linspace(0.0, 1.0, 20)
    y = np.ascontiguousarray(program.evaluate(x))
    tape = compile_tape(program)
    found, total, vectors = least_squares.fit(*tape, np.array(start), x, y, np.ones(20), 200)
    assert np.allclose(found, program.constants, rtol=1e-5) and total < 1e-16
    assert 1 < vectors < 300
    assert least_squares.largest_error(*tape, found, x, y) < 1e-8


@settings(max_examples=150, deadline=None)
@given(
    _programs(),
    st.lists(st.sampled_from([0.0, 1.0, -2.5, 1e300, -1e-300, math.nan, math.inf, 3.0]), min_size=8, max_size=8),
)
def test_no_fit_is_worse_than_its_start_or_fails(program: StraightLine, values: list[float]) -> None:
    assume(program.constants and program.steps)
    tape, start = compile_tape(program), np.resize(np.array(values), len(program.constants))
    x = np.linspace(0.0, 1.0, 9)
    y, ones = np.exp2(x), np.ones(9)
    before = least_squares.largest_error(*tape, start, x, y)
    with np.errstate(all="ignore"):
        residual = _residual(program, start, x, y, ones)
    finite = bool(np.isfinite(residual).all())
    assert before == pytest.approx(np.abs(residual).max() if finite else np.inf, rel=1e-6, abs=1e-12)
    found, total, vectors = least_squares.fit(*tape, start.copy(), x, y, ones, 20)
    squares = float(np.sum(residual.astype(np.longdouble) ** 2)) if finite else math.inf
    assert vectors >= 1 and (total <= squares * (1 + 1e-9) + 1e-300 or math.isinf(total))
    if not finite:
        assert math.isinf(total) and np.array_equal(found, start, equal_nan=True)
    for method, rounds in ((least_squares.minimax, 5), (least_squares.equalise, 4)):
        kept = start.copy()
        found, error, vectors = method(*tape, kept, x, y, rounds)
        assert error <= before and vectors >= 1 and np.array_equal(kept, start, equal_nan=True)
        assert error == least_squares.largest_error(*tape, found, x, y)


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_minimax_and_exchange_reach_remez(degree: int) -> None:
    best = parse((BASELINES / f"polynomial_{degree}.py").read_text(encoding="utf-8"), "exp2")
    tape, optimum = compile_tape(best), np.array(best.constants)
    start = optimum * (1.0 + 0.2 * generator(degree, "remez").standard_normal(len(optimum)))
    nodes = 0.5 - 0.5 * np.cos(np.pi * np.arange(4097) / 4096)
    coarse, even = np.ascontiguousarray(nodes[::64]), np.linspace(0.0, 1.0, 20001)
    fitted, _, _ = least_squares.fit(*tape, start, coarse, np.exp2(coarse), np.ones(len(coarse)), 300)
    level, error, _ = least_squares.minimax(*tape, fitted, coarse, np.exp2(coarse), 25)
    final, last, _ = least_squares.equalise(*tape, level, nodes, np.exp2(nodes), 8)
    assert last <= least_squares.largest_error(*tape, level, nodes, np.exp2(nodes))
    assert error <= least_squares.largest_error(*tape, fitted, coarse, np.exp2(coarse))
    reached = least_squares.largest_error(*tape, final, even, np.exp2(even))
    assert reached == pytest.approx(least_squares.largest_error(*tape, optimum, even, np.exp2(even)), rel=1e-6)
    assert last == pytest.approx(least_squares.largest_error(*tape, optimum, nodes, np.exp2(nodes)), rel=1e-6)


def test_the_error_agrees_with_the_program() -> None:
    x = np.linspace(0.0, 1.0, 101)
    y = -np.exp2(x) * 14.0
    expected = float(np.abs(RATIONAL.evaluate(x) / y - 1.0).max())
    constants = np.array(RATIONAL.constants)
    assert least_squares.largest_error(*compile_tape(RATIONAL), constants, x, y) == pytest.approx(expected, rel=1e-12)
    y[3] = 0.0
    assert math.isinf(least_squares.largest_error(*compile_tape(RATIONAL), constants, x, y))
