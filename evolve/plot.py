"""A run as a picture: what was found against what was known, and how it came about.

Colours are from the Okabe-Ito set and from viridis, which people with any common colour blindness
can tell apart; series also differ in marker and line style. The same data give the same file, byte
by byte, with one version of matplotlib.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolve.core.errors import UsageError
from evolve.core.types import Objective
from evolve.display.chart import staircase
from evolve.events import ScoredProgram
from evolve.picture import RunPicture
from evolve.proposers.llm.idea import split_idea

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from evolve.display.figure import Picture

FOUND, KNOWN, SEED = "#0072B2", "#D55E00", "#555555"
MAX_CURVES = 8
LABEL_POINTS = 10.0
"""Least distance between the labels of two curves, in points of 1/72 inch."""
IDEA_WIDTH = 24
"""Characters of an idea's name."""
FORMATS = ("svg", "png", "pdf")


def file_format(path: Path) -> str:
    """`svg`, `png` or `pdf`, by the suffix. Raises UsageError for others."""
    suffix = path.suffix.lstrip(".").lower()
    if suffix not in FORMATS:
        raise UsageError(f"{path}: pictures end in .svg, .png or .pdf", f"Try {path.with_suffix('.svg')}.")
    return suffix


def save(picture: RunPicture, path: Path) -> None:
    """Draw the picture into `path`, without a date in it.

    Raises:
        UsageError: a suffix other than .svg, .png and .pdf, or matplotlib is not installed.
    """
    kind = file_format(path)
    draw(picture).save(path, kind)


def draw(picture: RunPicture) -> Picture:
    """The two panels, 10 by 4.4 inches. Raises UsageError where matplotlib is not installed."""
    try:
        from evolve.display.figure import Picture, styled
    except ModuleNotFoundError:
        raise UsageError("plots need matplotlib, which is not installed", "pip install matplotlib") from None
    with styled():
        figure = Picture(10, 4.4)
        _draw_panels(figure, picture)
    return figure


def _draw_panels(figure: Picture, picture: RunPicture) -> None:
    left, right = figure.subplots(1, 2)
    figure.suptitle(picture.title, fontsize=12, x=0.01, ha="left")
    if len(picture.objectives) == 2:
        _draw_front(left, picture)
    else:
        _draw_ranking(left, picture)
    _draw_history(right, picture)


def _better(objective: Objective) -> str:
    return "higher is better" if objective.direction == "maximize" else "lower is better"


def _vertical(axes: Axes, picture: RunPicture) -> None:
    """Label the axis; logarithmic where the values span more than two decades."""
    metric = picture.shown.metric
    axes.set_ylabel(f"{metric.replace('_', ' ')} ({_better(picture.shown)})")
    values = [one.metrics[metric] for one in (picture.seed, *picture.baselines, *picture.front)]
    if min(values) > 0 and max(values) / min(values) > 100:
        axes.set_yscale("log")


def _draw_front(axes: Axes, picture: RunPicture) -> None:
    from matplotlib.ticker import MaxNLocator

    first, second = picture.shown, picture.objectives[1]
    everything = [picture.seed, *picture.baselines, *picture.front]
    costs = [one.metrics[second.metric] for one in everything]
    edge = max(costs) if second.direction == "minimize" else min(costs)
    for programs, colour, marker, area, dash, label in (
        (picture.baselines, KNOWN, "s", 48, "--", "baselines"),
        (picture.front, FOUND, "o", 26, "-", "front"),  # drawn later and smaller: a baseline beneath can be seen
    ):
        points = [(one.metrics[second.metric], one.metrics[first.metric]) for one in programs]
        axes.plot(*_columns(staircase(points, first, second, edge)), color=colour, linestyle=dash, linewidth=1.4)
        axes.scatter(*_columns(points), color=colour, marker=marker, s=area, label=label, zorder=3)
    axes.scatter(
        [picture.seed.metrics[second.metric]], [picture.seed.metrics[first.metric]],
        color=SEED, marker="x", s=40, label="seed", zorder=3,
    )  # fmt: skip
    _vertical(axes, picture)
    axes.set_xlabel(f"{second.metric.replace('_', ' ')} ({_better(second)})")
    if all(cost == int(cost) for cost in costs):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title("Front", loc="left", fontsize=10)
    axes.legend(frameon=False)


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _draw_ranking(axes: Axes, picture: RunPicture) -> None:
    rows = [
        *((one.name, one, KNOWN, "s") for one in picture.baselines),
        ("seed", picture.seed, SEED, "x"),
        *((_found(one), one, FOUND, "o") for one in picture.front),
    ]
    metric = picture.shown.metric
    rows.sort(key=lambda row: picture.shown.cost(row[1].metrics[metric]))
    for place, (_, one, colour, marker) in enumerate(rows):
        axes.scatter([place], [one.metrics[metric]], color=colour, marker=marker, s=40, zorder=3)
    axes.set_xticks(range(len(rows)), [row[0] for row in rows], rotation=35, ha="right", fontsize=8)
    _vertical(axes, picture)
    axes.set_title("Found against baselines", loc="left", fontsize=10)


def _found(program: ScoredProgram) -> str:
    """What a program that was found is called: by its idea, whose hypothesis has no room."""
    name = split_idea(program.idea)[0]
    return f"found: {name[: IDEA_WIDTH - 1]}…" if len(name) > IDEA_WIDTH else f"found: {name}" if name else "found"


def _draw_history(axes: Axes, picture: RunPicture) -> None:
    import matplotlib

    levels = _levels(picture)
    colours = matplotlib.colormaps["viridis"]
    ends: list[tuple[float, float, str, Any]] = []
    for place, level in enumerate(levels):
        colour = colours(0.75 * place / max(1, len(levels) - 1)) if len(levels) > 1 else FOUND
        points = list(_best_so_far(picture, level))
        if not points:
            continue
        xs, ys = _columns(points)
        axes.step(xs, ys, where="post", color=colour, linewidth=1.6)
        ends.append((xs[-1], ys[-1], "best" if level is None else f"{level:g}", colour))
        if (known := _known(picture, level)) is not None:
            axes.axhline(known, color=colour, linestyle=":", linewidth=1.1)
    if picture.history:
        axes.set_xscale("log")
    axes.set_xlabel("evaluations")
    _vertical(axes, picture)
    _label_ends(axes, ends)
    what = "" if levels == [None] else f" by {picture.objectives[1].metric}"
    axes.set_title(f"Best so far{what} (dotted: best baseline)", loc="left", fontsize=10)


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, Any]]) -> None:
    """Name each curve at its end, pushed up where the one below is too near."""
    axes.get_ylim()  # settles the limits, which the transformation needs
    points_per_pixel = 72.0 / axes.figure.dpi
    lowest = -math.inf
    for x, y, name, colour in sorted(ends, key=lambda end: axes.transData.transform((end[0], end[1]))[1]):
        height = points_per_pixel * axes.transData.transform((x, y))[1]
        lowest = max(height, lowest + LABEL_POINTS)
        axes.annotate(
            name,
            (x, y),
            (4, lowest - height),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )


def _levels(picture: RunPicture) -> list[float | None]:
    """At most eight values of the second objective on the front, evenly picked, the dearest included."""
    if len(picture.objectives) == 1:
        return [None]
    second = picture.objectives[1]
    levels = sorted({one.metrics[second.metric] for one in picture.front}, key=second.cost)
    if len(levels) <= MAX_CURVES:
        return list(levels)
    last = len(levels) - 1
    return [levels[round(index * last / (MAX_CURVES - 1))] for index in range(MAX_CURVES)]


def _affordable(picture: RunPicture, level: float | None, metrics: Mapping[str, float]) -> bool:
    if level is None:
        return True
    second = picture.objectives[1]
    return second.cost(metrics[second.metric]) <= second.cost(level)


def _best_so_far(picture: RunPicture, level: float | None) -> Iterator[tuple[float, float]]:
    """(evaluations, value) at each improvement, and once more at the end of the run."""
    shown = picture.shown
    best: float | None = None
    start = [(1.0, picture.seed.metrics)]
    for evaluations, metrics in itertools.chain(start, picture.history):
        if not _affordable(picture, level, metrics):
            continue
        value = metrics[shown.metric]
        if best is None or shown.cost(value) < shown.cost(best):
            best = value
            yield max(1.0, evaluations), best
    if best is not None and picture.history:
        yield max(1.0, picture.history[-1][0]), best


def _known(picture: RunPicture, level: float | None) -> float | None:
    values = [
        one.metrics[picture.shown.metric] for one in picture.baselines if _affordable(picture, level, one.metrics)
    ]
    return min(values, key=picture.shown.cost, default=None)
