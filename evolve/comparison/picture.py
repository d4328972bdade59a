"""A comparison as a picture: how the policies came on, and how far each is from the control.

Colours are those of the Okabe-Ito set, and policies differ in line style too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evolve.comparison.outcome import Comparison, Row
from evolve.core.errors import UsageError
from evolve.core.types import Objective

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evolve.display.figure import Picture

COLOURS = ("#555555", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "-", "--", "-.", ":")
POINTS = 200
QUARTILES = (0.25, 0.75)


def draw(comparison: Comparison) -> Picture:
    """The two panels, 10 by 4.4 inches. Raises UsageError where matplotlib is not installed."""
    try:
        from evolve.display.figure import Picture, styled
    except ModuleNotFoundError:
        raise UsageError("plots need matplotlib, which is not installed", "pip install matplotlib") from None
    with styled():
        figure = Picture(10, 4.4)
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        words = f"{comparison.title} ({len(comparison.seeds)} seeds)"
        figure.suptitle(words, fontsize=12, x=0.01, ha="left")
        _draw_curves(left, comparison)
        _draw_differences(right, comparison)
    return figure


def _draw_curves(axes: Axes, comparison: Comparison) -> None:
    spent = np.linspace(0.0, comparison.budget, POINTS)
    for place, policy in enumerate(comparison.policies):
        runs = np.array([[worth.course.at(one) for one in spent] for worth in comparison.worths[policy]])
        colour, dash = COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)]
        low, high = np.quantile(runs, QUARTILES, axis=0)
        axes.fill_between(spent, low, high, step="post", color=colour, alpha=0.12, linewidth=0)
        axes.step(spent, np.median(runs, axis=0), where="post", color=colour, linestyle=dash, label=policy)
    axes.set_xlabel("US dollars" if comparison.unit == "usd" else comparison.unit)
    axes.set_ylabel(_label(comparison.figure))
    axes.set_title("Best so far on train: median and quartiles", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)


def _draw_differences(axes: Axes, comparison: Comparison) -> None:
    rows = [row for row in comparison.of("final") if row.difference is not None]
    for place, row in enumerate(rows):
        colour = COLOURS[comparison.policies.index(row.policy) % len(COLOURS)]
        _draw_row(axes, len(rows) - 1 - place, row, ahead_by_seed(comparison, row), colour)
    axes.axvline(0.0, color=COLOURS[0], linewidth=1.0)
    axes.set_yticks(range(len(rows)), [row.policy for row in reversed(rows)], fontsize=8)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(f"ahead of {comparison.control} (right is better)")
    axes.set_title("On report: each seed, median and 95 % interval", loc="left", fontsize=10)


def _draw_row(axes: Axes, height: int, row: Row, ahead: Sequence[float], colour: str) -> None:
    # Seeds lie over each other in order, so that the same comparison gives the same file.
    spread = [height + 0.05 * (place % 7 - 3) for place in range(len(ahead))]
    axes.scatter(ahead, spread, s=9, color=colour, alpha=0.35, linewidths=0)
    found = row.difference
    if found is not None and math.isfinite(found.middle):
        axes.plot([found.middle], [height], marker="D", color=colour, markersize=6)
        if math.isfinite(found.low) and math.isfinite(found.high):
            axes.plot([found.low, found.high], [height, height], color=colour, linewidth=2.0)


def ahead_by_seed(comparison: Comparison, row: Row) -> list[float]:
    """Differences by seed; those of failed runs are left out, as they have no place on the axis."""
    control = next(one for one in comparison.of("final") if one.policy == comparison.control)
    cost = comparison.figure.cost
    return [
        cost(other) - cost(value)
        for value, other in zip(row.values, control.values, strict=True)
        if value is not None and other is not None
    ]


def _label(figure: Objective) -> str:
    word = "higher" if figure.direction == "maximize" else "lower"
    return f"{figure.metric.replace('_', ' ')} ({word} is better)"
