"""The proven bound: never below the truth, close above it, and refused where nothing can be proven."""

from __future__ import annotations

import math
from pathlib import Path

import mpmath
import numpy as np
import pytest

from evaluators import supremum
from evaluators.supremum import Ball, Series, bound_relative_error
from evolve.core import rng
from evolve.core.errors import Invalid
from sandbox.straight_line import StraightLine, parse

BASELINES = sorted((Path(__file__).parents[2] / "problems/function-approximation/exp2/baselines").glob("*.py"))
GRID = np.linspace(0.0, 1.0, 2**20 + 1)
TRUTH = np.exp2(GRID)
ROUNDING = 1e-14


def _program(body: str) -> StraightLine:
    return parse(f"def exp2(x):\n    {body}", "exp2")


def _on_grid(program: StraightLine) -> float:
    return float(np.max(np.abs(program.evaluate(GRID) / TRUTH - 1.0)))


def _random_program(number: int) -> StraightLine:
    """Up to nine steps over x and constants of both signs; most divide somewhere."""
    random = rng.generator("test_supremum", number)
    names = ["x"]
    lines = []
    for step in range(int(random.integers(2, 10))):
        left = names[int(random.integers(len(names)))]
        right = names[int(random.integers(len(names)))] if random.random() < 0.4 else repr(float(random.normal(0, 2)))
        lines.append(f"t{step} = {left} {'+-*/'[int(random.integers(4))]} {right}")
        names.append(f"t{step}")
    return _program("\n    ".join([*lines, f"return {names[-1]}"]))


@pytest.mark.parametrize("path", BASELINES, ids=lambda path: path.stem)
def test_bounds_of_the_baselines_enclose_a_dense_grid_tightly(path: Path) -> None:
    program = parse(path.read_text(encoding="utf-8"), "exp2")
    found = bound_relative_error(program, supremum.exp2, 0.0, 1.0)
    true = _on_grid(program)
    assert true - ROUNDING <= found.bound <= true * 1.001 + ROUNDING
    assert found.attained <= found.bound
    assert abs(program.evaluate(np.array([found.worst_x]))[0] / 2**found.worst_x - 1) == pytest.approx(
        found.attained, abs=ROUNDING
    )


def test_bounds_of_random_programs_enclose_a_grid_tightly() -> None:
    proven = refused = 0
    for number in range(150):
        program = _random_program(number)
        with np.errstate(all="ignore"):
            on_grid = np.abs(program.evaluate(GRID[::64]) / TRUTH[::64] - 1.0)
        try:
            found = bound_relative_error(program, supremum.exp2, 0.0, 1.0)
        except Invalid:
            refused += 1
            continue
        proven += 1
        true = float(on_grid.max())
        assert math.isfinite(true), number
        assert found.bound >= true * (1 - 1e-13), number
        # 2**14 points may miss a sharp peak a little; what is attained does not.
        assert found.bound <= max(true, found.attained) * 1.001 + ROUNDING, number
        assert found.attained <= true * 1.01 + ROUNDING, number
    assert proven > 50 and refused > 20


@pytest.mark.parametrize(
    "body",
    [
        "return 1.0 + x + 1e-9 / (x - 0.123456789)",
        "return 1.0 + x + 1e-30 / (x - 0.5)",
        "return 1.0 + x + 1e-12 / (x * x - 0.3)",
        "return 1.0 + 0.0 / x",
        "return x / x + x",
        "return 1.0 + x / (1.0 - x)",
        "return 1.0 + (x - 0.25) * (x - 0.25) / ((x - 0.25) * (x - 0.25))",
        "t = x - x\n    return 1.0 + x / t",
        "t = x + 1e300\n    u = t * t\n    return u / u",
    ],
)
def test_vanishing_denominators_and_overflow_are_refused(body: str) -> None:
    with pytest.raises(Invalid, match="no error is proven"):
        bound_relative_error(_program(body), supremum.exp2, 0.0, 1.0)


def test_infinity_on_the_way_is_no_obstacle_where_the_value_exists() -> None:
    lines = (
        "t = x + -8.83432533027658",
        "u = -25.540978073972358 / x",
        "return 0.9999961153693947 + 17.706554740134386 / (t - u)",
    )
    hidden = _program("\n    ".join(lines))
    found = bound_relative_error(hidden, supremum.exp2, 0.0, 1.0)
    assert found.bound == pytest.approx(4.7097e-6, rel=1e-3)
    assert _on_grid(hidden) <= found.bound
    assert bound_relative_error(_program("return 1.0 / (1.0 / x) + 1.0"), supremum.exp2, 0.0, 1.0).bound < 0.07


@pytest.mark.parametrize(
    "lines",
    [
        ("t = 1.0 / x", "return 1.0 + (t - t * 1.5)"),  # infinity less infinity
        ("t = 1.0 / x", "u = 2.0 / x", "return 1.0 + t / u"),  # infinity by infinity
        ("t = 1.0 / x", "return 1.0 + t * x"),  # infinity times zero
    ],
    ids=["difference", "quotient", "product"],
)
def test_what_is_undefined_at_a_point_is_refused_although_its_limit_exists(lines: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match="no error is proven"):
        bound_relative_error(_program("\n    ".join(lines)), supremum.exp2, 0.0, 1.0)


def test_a_refused_pole_is_named() -> None:
    with pytest.raises(Invalid, match=r"x = 0\.12345678"):
        bound_relative_error(_program("return 1.0 + 1e-9 / (x - 0.123456789)"), supremum.exp2, 0.0, 1.0)


def test_a_pole_just_outside_is_no_obstacle_and_its_peak_is_seen() -> None:
    found = bound_relative_error(_program("return 1.0 + x + 1e-7 / (x + 1e-6)"), supremum.exp2, 0.0, 1.0)
    assert found.bound == pytest.approx(0.1, rel=1e-5) and found.worst_x == 0.0


def test_a_peak_narrower_than_any_sampling_is_seen() -> None:
    """A bump of height 0.25 and width 1e-7 at a place that no regular grid hits."""
    body = "s = x - 0.7390851332151607\n    return 1.0 + x + 2.5e-15 / (s * s + 1e-14)"
    found = bound_relative_error(_program(body), supremum.exp2, 0.0, 1.0)
    peak = 1.7390851332151607 + 0.25
    assert found.bound == pytest.approx(peak / 2**0.7390851332151607 - 1, rel=1e-4)


@pytest.mark.parametrize("body", ["return x", "return 1.25", "return 0.0 * x", "return x - x"])
def test_programs_without_much_in_them_are_bounded(body: str) -> None:
    program = _program(body)
    found = bound_relative_error(program, supremum.exp2, 0.0, 1.0)
    assert found.bound == pytest.approx(_on_grid(program), rel=1e-5)


@pytest.mark.parametrize("stem", ["polynomial_3", "fraction_3_3", "polynomial_6"])
def test_bound_against_forty_digits(stem: str) -> None:
    """The rounding of float64 evaluation is not part of the error: the constants are exact, x is real."""
    program = parse(next(p for p in BASELINES if p.stem == stem).read_text(encoding="utf-8"), "exp2")
    found = bound_relative_error(program, supremum.exp2, 0.0, 1.0)
    with mpmath.workdps(40):
        places = [mpmath.mpf(found.worst_x) + mpmath.mpf(i) / 10**6 for i in range(-20, 21)]
        places = [x for x in places if 0 <= x <= 1] + [mpmath.mpf(i) / 3000 for i in range(3001)]
        true = max(abs(_exactly(program, x) / 2**x - 1) for x in places)
    assert true <= found.bound <= float(true) * 1.001


def _exactly(program: StraightLine, x: mpmath.mpf) -> mpmath.mpf:
    slots = [x, *map(mpmath.mpf, program.constants)]
    for operator, left, right in program.steps:
        a, b = slots[left], slots[right]
        slots.append(
            {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b}[
                operator
            ](a, b)
        )
    return slots[program.result]


def test_the_enclosures_of_exp2_hold_in_forty_digits() -> None:
    mid = np.concatenate((rng.generator("exp2").uniform(-2, 2, 200), [0.0, 1.0, -1.0, 0.5, 1e-300]))
    for radius in (0.0, 1e-9, 0.01, 0.9):
        series = supremum.exp2(Ball(mid, np.full(mid.shape, radius)), 3)
        with mpmath.workdps(40):
            for k, ball in enumerate(series):
                assert ball is not None
                for m, r, c in zip(ball.mid, ball.rad, mid, strict=True):
                    for x in (mpmath.mpf(c) - radius, mpmath.mpf(c), mpmath.mpf(c) + radius):
                        true = 2**x * mpmath.log(2) ** k / mpmath.factorial(k)
                        assert abs(true - mpmath.mpf(m)) <= mpmath.mpf(r)
        if radius == 0.0:
            assert np.all(series[0].rad <= 1e-15 * series[0].mid)  # type: ignore[union-attr]


def test_operations_on_balls_enclose_exact_results() -> None:
    """Random balls of many sizes; the ends are combined in forty digits."""
    random = rng.generator("balls")
    for _ in range(100):
        (a, ra), (b, rb) = (
            (float(random.normal() * 10.0 ** random.integers(-8, 9)), 10.0 ** random.integers(-20, 2)) for _ in "ab"
        )
        balls = [Ball(np.asarray(a), np.asarray(ra)), Ball(np.asarray(b), np.asarray(rb))]
        x, y = balls
        results = {"+": x + y, "-": x - y, "*": x * y, "/": x / y}
        with mpmath.workdps(60):
            for u in (mpmath.mpf(a) - ra, mpmath.mpf(a) + ra):
                for v in (mpmath.mpf(b) - rb, mpmath.mpf(b) + rb):
                    exact = {"+": u + v, "-": u - v, "*": u * v, "/": u / v if v else mpmath.inf}
                    for operator, ball in results.items():
                        if math.isfinite(float(ball.rad)):
                            assert abs(exact[operator] - mpmath.mpf(float(ball.mid))) <= float(ball.rad)
        assert math.isinf(float(results["/"].rad)) == (abs(b) <= rb)


def test_another_reference_and_interval() -> None:
    """1 / (1 + x) by a line over [1, 3]; the supremum is known in closed form."""

    def reciprocal(x: Ball, order: int) -> Series:
        one: Series = (Ball.exact(1.0), *(None,) * order)
        shifted: Series = (x + Ball.exact(1.0), Ball.exact(1.0), *(None,) * order)
        return supremum.divide(one, shifted[: order + 1])

    found = bound_relative_error(_program("return 0.625 - 0.125 * x"), reciprocal, 1.0, 3.0)
    # (5 - x)(1 + x) / 8 - 1 has its top 1/8 at x = 2.
    assert found.bound == pytest.approx(0.125, rel=1e-5)
    assert found.worst_x == pytest.approx(2.0, abs=0.01)


def test_a_small_cell_limit_loosens_the_bound_and_keeps_it_a_bound() -> None:
    program = parse((BASELINES[2]).read_text(encoding="utf-8"), "exp2")
    tight = bound_relative_error(program, supremum.exp2, 0.0, 1.0)
    loose = bound_relative_error(program, supremum.exp2, 0.0, 1.0, cell_limit=1)
    assert loose.cells == 256 and loose.bound > tight.bound > _on_grid(program)


def test_two_arguments_are_refused() -> None:
    with pytest.raises(Invalid, match="one argument"):
        bound_relative_error(parse("def f(x, y):\n    return x * y", "f"), supremum.exp2, 0.0, 1.0)


@pytest.mark.parametrize("constant", [math.inf, math.nan])
def test_constants_that_are_no_numbers_are_refused(constant: float) -> None:
    program = _program("return x + 1.0 / (x + 2.0)").with_constants((constant, 2.0))
    with pytest.raises(Invalid, match="not finite"):
        bound_relative_error(program, supremum.exp2, 0.0, 1.0)
