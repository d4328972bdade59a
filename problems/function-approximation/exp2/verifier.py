"""Scores programs for 2**x on [0, 1): largest relative error |f(x) / 2**x - 1| against operations.

Nothing here runs a candidate's text. Sampled outputs are scored by `score`; `prove` and `final` take the
checked graph of a program and bound its error over the reals, and measure it on every float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluators import float32, supremum
from evolve.core import rng
from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Instance, Score, Split
from sandbox.straight_line import StraightLine

_POINTS: Final = {Split.PROBE: 65, Split.TRAIN: 2049, Split.REPORT: 4096}
_REFERENCE_DEGREE: Final = 14


def instances(split: Split, seed: int) -> Iterable[Instance]:
    """One instance: `args` = (x,), float64 of shape (points,) in [0, 1], `truth` = 2**x.

    Probe and train are extrema of Chebyshev's polynomials (dense at the ends, both included) and do not
    depend on `seed`; report is uniform at random.

    Raises:
        ProblemError: for gate and final, which are not sampled: see `prove` and `final`.
    """
    if split not in _POINTS:
        raise ProblemError(f"the split {split} has no instances", "call prove for the gate and final for the end")
    count = _POINTS[split]
    if split is Split.REPORT:
        x = np.sort(rng.generator("exp2", str(split), seed).random(count))
    else:
        x = 0.5 - 0.5 * np.cos(np.pi * np.arange(count) / (count - 1))
    return [Instance(id=f"{split}-{count}", group=str(split), args=(x,), truth=np.exp2(x))]


def score(instance: Instance, output: Any) -> Score:
    """The largest relative error on the instance's points.

    Raises:
        Invalid: `output` is no real float64 array of the points' shape, or a value is NaN or infinite.
    """
    (x,) = instance.args
    values = _checked(output, x)
    error = np.abs(values / instance.truth - 1.0)
    worst = int(np.argmax(error))
    largest = float(error[worst])
    side = "above" if values[worst] > instance.truth[worst] else "below"
    text = f"the relative error is largest at x = {x[worst]:.6g}: {largest:.4g}, {side} 2**x"
    return Score(largest, {"max_relative_error": largest, "digits": _digits(largest)}, text)


def _checked(output: Any, x: NDArray[np.float64]) -> NDArray[np.float64]:
    if not isinstance(output, np.ndarray):
        raise Invalid(f"the output is a {type(output).__name__}, not an array")
    if output.shape != x.shape:
        raise Invalid(f"the output has shape {output.shape}, not {x.shape}")
    if output.dtype != np.float64:
        raise Invalid(f"the output has dtype {output.dtype}, not float64")
    wrong = np.flatnonzero(~np.isfinite(output))
    if len(wrong):
        raise Invalid(f"{len(wrong)} of {len(x)} values are NaN or infinite, the first at x = {x[wrong[0]]:.9g}")
    return output


def target(instance: Instance) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y = 2**x: fitting constants means making f(x) / y - 1 small."""
    (x,) = instance.args
    return x, instance.truth


def prove(program: StraightLine) -> Score:
    """A proven upper bound of the relative error over every real x in [0, 1].

    Raises:
        Invalid: a denominator may vanish on [0, 1], or nothing can be proven.
    """
    _check_arguments(program)
    found = supremum.bound_relative_error(program, supremum.exp2, 0.0, 1.0)
    metrics = {
        "max_relative_error": found.bound,
        "digits": _digits(found.bound),
        "operations": float(program.operations),
    }
    return Score(found.bound, metrics, f"the relative error is largest near x = {found.worst_x:.6g}")


def final(programs: Sequence[StraightLine], progress: Callable[[int, int], None]) -> list[Score]:
    """Run each program in float32 on all 1,065,353,216 floats of [0, 1); `progress(done, total)` counts them.

    The value is the largest error in units in the last place; "seconds" is the program's share of the check.

    Raises:
        InfrastructureError: the check could not be compiled or run.
    """
    for program in programs:
        _check_arguments(program)
    return [
        Score(
            found.max_ulp,
            {
                "max_ulp": found.max_ulp,
                "worst_x": found.worst_x,
                "max_relative_error_float32": found.max_relative_error,
                "seconds": found.seconds,
                "floats": float(found.floats),
            },
            f"the float32 error is largest at x = {found.worst_x:.9g}: {found.max_ulp:.4g} ulp",
        )
        for found in float32.check_exhaustively(programs, reference(), progress)
    ]


def reference() -> StraightLine:
    """2**x in float64 by its Taylor polynomial about 1/2: sqrt(2) * sum of ((x - 1/2) ln 2)**k / k!.

    The first term left out is below 2e-19, so on [0, 1] only float64's rounding is left (2e-16), which
    is a 10**-8 of float32's last place.
    """
    coefficients = [math.sqrt(2.0) * math.log(2.0) ** k / math.factorial(k) for k in range(_REFERENCE_DEGREE + 1)]
    # Slots: x, the constant 1/2, the coefficients from the highest down; then the steps.
    constants = (0.5, *reversed(coefficients))
    t = 1 + len(constants)
    steps = [("-", 0, 1)]
    value = 2
    for index in range(3, t):
        steps.append(("*", value, t))
        steps.append(("+", index, t + len(steps) - 1))
        value = t + len(steps) - 1
    return StraightLine(("x",), constants, tuple(steps), value)


def _check_arguments(program: StraightLine) -> None:
    if len(program.arguments) != 1:
        raise Invalid(f"exp2 takes one argument, this program {len(program.arguments)}")


def _digits(error: float) -> float:
    """Correct decimal digits; a zero error counts as float64's resolution."""
    return -math.log10(max(error, 2.0**-53))
