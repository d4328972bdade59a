"""A landscape of known structure: how near the effect of each argument is to its weight, each for itself.

Steps in any order lead up, no step stands in another's way, and the best parent is the best scorer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Score, Split
from sandbox.straight_line import StraightLine

WEIGHTS: Final = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
ARGUMENTS: Final = len(WEIGHTS)
_POINTS: Final = {Split.PROBE: 2, Split.TRAIN: 4, Split.GATE: 16, Split.REPORT: 16, Split.FINAL: 16}


@cache
def instances(split: Split, seed: int) -> Sequence[Instance]:
    """One instance for each weighted argument (probe: for the first alone): its effect at some points.

    `args` are ARGUMENTS arrays of float64 [2 * points]: the points, uniform in [1, 3], then the same with this argument
    larger by one.
    """
    return tuple(_instance(split, seed, place) for place in range(1 if split is Split.PROBE else len(WEIGHTS)))


def _instance(split: Split, seed: int, place: int) -> Instance:
    points = 1.0 + 2.0 * generator("landscape", str(split), seed, place).random((_POINTS[split], ARGUMENTS))
    step = np.zeros(ARGUMENTS)
    step[place] = 1.0
    args = tuple(np.concatenate([points, points + step]).T.copy())
    return Instance(f"{split}-{place}", f"argument-{place}", args, WEIGHTS[place])


def score(instance: Instance, output: Any) -> Score:
    """The mean over the points of 1 / (1 + |log2(effect / weight)|), which is 1 where both are equal; 0 for an effect
    of the wrong sign, or none.

    Raises:
        Invalid: `output` is no real float64 array of the points' shape, or a value is NaN or infinite.
    """
    before, after = _checked(output, instance.args[0].shape).reshape(2, -1)
    value = _closeness(after - before, instance.truth)
    return Score(value, {"closeness": value}, f"{instance.group}: closeness {value:.3f}")


def _closeness(effects: NDArray[np.float64], weight: float) -> float:
    ratios = effects / weight
    distance = np.abs(np.log2(np.where(ratios > 0.0, ratios, 1.0)))
    return float(np.mean(np.where(ratios > 0.0, 1.0 / (1.0 + distance), 0.0)))


def _checked(output: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    if not isinstance(output, np.ndarray) or output.shape != shape or output.dtype != np.float64:
        raise Invalid(f"the output is no float64 array of shape {shape}")
    if not np.isfinite(output).all():
        raise Invalid("a value is NaN or infinite")
    return output


def prove(program: StraightLine) -> Score:
    """The same figure at other points, always the same ones. Raises Invalid as `score`."""
    return _at(Split.GATE, program)


def final(programs: Sequence[StraightLine], progress: Callable[[int, int], None]) -> list[Score]:
    """The same figure at points that nothing else sees."""
    scores = []
    for done, program in enumerate(programs, 1):
        scores.append(_at(Split.FINAL, program))
        progress(done, len(programs))
    return scores


def _at(split: Split, program: StraightLine) -> Score:
    found = [score(instance, program.evaluate(*instance.args)) for instance in instances(split, 0)]
    value = float(np.mean([one.value for one in found]))
    return Score(value, {"closeness": value}, f"closeness {value:.3f}")
