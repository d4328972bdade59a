"""Small curves without axes: best so far against evaluations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evolve.core.types import Objective
from evolve.web.desk import Desk

WIDTH, HEIGHT = 240.0, 48.0
MOST_POINTS = 120


@dataclass(frozen=True, slots=True)
class Spark:
    """A path in a picture of `WIDTH` by `HEIGHT`, what it begins and ends with, and words for who can not see it."""

    path: str
    words: str


def sparkline(desk: Desk, run_id: str, objective: Objective) -> Spark | None:
    """The best so far of a run; None where it has fewer than two improvements."""
    found = [(one.evaluations, objective.cost(one.value)) for one in desk.archive.improvements(run_id)]
    points = [(spent, cost) for spent, cost in found if spent is not None and math.isfinite(cost)]
    if len(points) < 2:
        return None
    first, last = objective.cost(points[0][1]), objective.cost(points[-1][1])
    words = f"best {objective.metric} of run {run_id} went from {first:.4g} to {last:.4g} in {points[-1][0]:,.0f}"
    return Spark(_path(points), f"{words} evaluations")


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Steps: right, then to the new value. Costs are drawn upside down, so that better is higher; evaluations and
    values that span decades on a logarithmic scale, or all would happen at the left edge."""
    xs = _scaled([math.log10(1.0 + x) for x, _ in points], WIDTH)
    costs = [cost for _, cost in points]
    if min(costs) > 0 and max(costs) > 100 * min(costs):
        costs = [math.log10(cost) for cost in costs]
    ys = _scaled(costs, HEIGHT - 4.0)
    step = max(1, len(xs) // MOST_POINTS)
    pairs = [*zip(xs, ys, strict=True)]
    kept = [*pairs[:-1:step], pairs[-1]]
    parts = [f"M{kept[0][0]:.1f} {kept[0][1] + 2:.1f}"]
    parts += [f"H{x:.1f}V{y + 2:.1f}" for x, y in kept[1:]]
    return "".join([*parts, f"H{WIDTH:.0f}"])


def _scaled(values: Sequence[float], size: float) -> list[float]:
    """Values from 0, the least, to `size`; y grows downwards, and so do costs: less is drawn lower in number, higher up
    is better after the flip here."""
    low, high = min(values), max(values)
    reach = (high - low) or 1.0
    return [size * (value - low) / reach for value in values]
