"""Scores arithmetic in the place of a table: largest relative error over finitely many inputs, against operations.

Nothing here runs a candidate's text: programs are checked graphs, evaluated on whole arrays. The inputs are few, so
gate and final try every one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evolve import Instance, Invalid, Score, Split
from evolve.core.errors import ProblemError

Array = NDArray[np.float64]


def inputs() -> Array:
    """All inputs, float64 of shape (4096,), rising: x = k / 4096 for k = 1 .. 4096.

    k = 0 is left out: its sine is 0, and no error is relative to 0.
    """
    return np.arange(1, 4097) / 4096


def function(x: Array) -> Array:
    """The right values, float64 of the shape of `x`, none of them 0."""
    return np.sin(np.pi / 2 * x)


# Which of the inputs each split looks at; no two share any.
_SHARES: Final = {Split.PROBE: slice(3, None, 64), Split.TRAIN: slice(0, None, 2), Split.REPORT: slice(1, None, 4)}


def instances(split: Split, seed: int) -> Iterable[Instance]:
    """One instance: `args` = (x,), float64 of shape (points,), `truth` = function(x). Nothing depends on `seed`.

    Raises:
        ProblemError: for gate and final, which are not sampled: see `prove` and `final`.
    """
    if split not in _SHARES:
        raise ProblemError(f"the split {split} has no instances", "call prove for the gate and final for the end")
    return [_instance(str(split), inputs()[_SHARES[split]])]


def score(instance: Instance, output: Any) -> Score:
    """The largest relative error on the instance's inputs.

    Raises:
        Invalid: `output` is no float64 array of the inputs' shape, or a value is NaN or infinite.
    """
    (x,) = instance.args
    values = _checked(output, x)
    error = np.abs(values / instance.truth - 1.0)
    worst = int(np.argmax(error))
    largest = float(error[worst])
    text = f"the relative error is largest at x = {x[worst]:.6g}: {largest:.4g}, the value is {values[worst]:.9g}"
    return Score(largest, {"max_relative_error": largest, "digits": _digits(largest)}, text)


def target(instance: Instance) -> tuple[Array, Array]:
    """x and y = function(x): fitting constants means making f(x) / y - 1 small."""
    (x,) = instance.args
    return x, instance.truth


def prove(program: Any) -> Score:
    """The largest relative error over all inputs, in float64: nothing is left that could be worse.

    Raises:
        Invalid: the program takes another number of arguments, or has no finite value at some input.
    """
    everything = _instance("all", inputs())
    return score(everything, program.evaluate(*everything.args))


def final(programs: Sequence[Any], progress: Callable[[int, int], None]) -> list[Score]:
    """Each program in float32 on all inputs; `progress(done, total)` counts them.

    The value is the largest error in units in the last place (`max_ulp`) of the right value; infinite where a program
    has no finite value. Constants and inputs are rounded to float32 first.
    """
    x = inputs().astype(np.float32)
    y = function(x.astype(np.float64))
    unit = np.spacing(np.abs(y).astype(np.float32)).astype(np.float64)
    scores = []
    for done, program in enumerate(programs, 1):
        values = program.evaluate(x).astype(np.float64)
        error = np.where(np.isfinite(values), np.abs(values - y), np.inf)
        worst = int(np.argmax(error / unit))
        metrics = {
            "max_ulp": float(error[worst] / unit[worst]),
            "worst_x": float(x[worst]),
            "max_relative_error_float32": float(np.max(error / np.abs(y))),
        }
        text = f"the float32 error is largest at x = {x[worst]:.9g}: {metrics['max_ulp']:.4g} ulp"
        scores.append(Score(metrics["max_ulp"], metrics, text))
        progress(done * len(x), len(programs) * len(x))
    return scores


def _instance(name: str, x: Array) -> Instance:
    return Instance(name, name, (x,), function(x))


def _checked(output: Any, x: Array) -> Array:
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


def _digits(error: float) -> float:
    """Correct decimal digits; a zero error counts as float64's resolution."""
    return -math.log10(max(error, 2.0**-53))
