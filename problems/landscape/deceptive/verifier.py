"""A landscape of known structure that deceives: its second highest peak is quickly found, and leads nowhere.

The way up is that of landscape/smooth: the effect of each of six arguments, nearer and nearer to its weight. Two more
arguments deceive. A program that repeats one of them has 0.45 at once, more than anything on the way up has for long.
But next to that peak lies nothing but 0.02, the score of all others that either deceiver has an effect on. So the best
parent is not the best scorer.
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
DECEIVERS: Final = 2
ARGUMENTS: Final = len(WEIGHTS) + DECEIVERS
PEAK: Final = 0.45
WASTE: Final = 0.02
_NEAR: Final = 2.0
_POINTS: Final = {Split.PROBE: 2, Split.TRAIN: 4, Split.GATE: 16, Split.REPORT: 16, Split.FINAL: 16}


@cache
def instances(split: Split, seed: int) -> Sequence[Instance]:
    """One instance for each weighted argument (probe: for the first alone): its effect at some points.

    `args` are ARGUMENTS arrays of float64 [4 * points]: the points, uniform in [1, 3], then the same with this argument
    larger by one, and with each of the deceivers larger by one.
    """
    return tuple(_instance(split, seed, place) for place in range(1 if split is Split.PROBE else len(WEIGHTS)))


def _instance(split: Split, seed: int, place: int) -> Instance:
    points = 1.0 + 2.0 * generator("landscape", str(split), seed, place).random((_POINTS[split], ARGUMENTS))
    steps = np.eye(ARGUMENTS)
    moved = [points + steps[one] for one in (place, *range(len(WEIGHTS), ARGUMENTS))]
    args = tuple(np.concatenate([points, *moved]).T.copy())
    return Instance(f"{split}-{place}", f"argument-{place}", args, WEIGHTS[place])


def score(instance: Instance, output: Any) -> Score:
    """0.45 within a factor of two of a deceiver, else 0.02 where one has an effect; else the mean over the points of
    1 / (1 + |log2(effect / weight)|), which is 1 where both are equal, and 0 for an effect of the wrong sign or none.

    Raises:
        Invalid: `output` is no real float64 array of the points' shape, or a value is NaN or infinite.
    """
    values = _checked(output, instance.args[0].shape)
    before, after, *deceived = values.reshape(2 + DECEIVERS, -1)
    if any(np.any(one != before) for one in deceived):
        value = PEAK if any(_is_near(values, one) for one in instance.args[-DECEIVERS:]) else WASTE
    else:
        value = _closeness(after - before, instance.truth)
    return Score(value, {"closeness": value}, f"{instance.group}: closeness {value:.3f}")


def _is_near(values: NDArray[np.float64], deceiver: NDArray[np.float64]) -> bool:
    return bool(np.all((values > deceiver / _NEAR) & (values < deceiver * _NEAR)))


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
