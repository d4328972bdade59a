"""Small pictures as SVG text: the course of a run, the front, and the ranking.

They take their text colour from the page, so that they can be read on light and on dark, and need no matplotlib.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from evolve.core.types import Objective
from evolve.display.axis import HUGE, Axis
from evolve.display.text import metric_text, number
from evolve.events import ScoredProgram

FOUND, KNOWN = "#2b8cd6", "#d9661f"
"""Blue and vermilion near those of the Okabe-Ito set, light enough for dark pages and dark enough for light ones."""
WIDTH, HEIGHT = 480.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, WIDTH - 14.0, 26.0, HEIGHT - 24.0
NAME_LETTERS = 24

Point = tuple[float, float]


def curve(points: Sequence[Point], figure: Objective, level: tuple[float, str] | None, evaluations: float) -> str:
    """A figure against the evaluations that were spent, as a step line; `level` is a dotted line and its name.

    `points` are (evaluations spent, value) at each improvement, in order; `evaluations` is what is spent by now.
    Empty where nothing can be drawn.
    """
    drawn = [(max(1.0, x), y) for x, y in points if abs(y) < HUGE]
    if not drawn:
        return ""
    height = level[0] if level is not None and abs(level[0]) < HUGE else None
    x_axis = Axis.over([1.0, max(1.0, evaluations)], LEFT, RIGHT, logarithmic=True)
    y_axis = Axis.over([*(y for _, y in drawn), *([] if height is None else [height])], BOTTOM, TOP)
    parts = [_frame(x_axis, y_axis, figure, "evaluations")]
    if level is not None and height is not None:
        parts.append(_line(f"M{LEFT} {y_axis.at(height)}H{RIGHT}", KNOWN, "2 4"))
        parts.append(_text(RIGHT, y_axis.at(height) - 6, level[1], "end", KNOWN))
    parts.append(_line(_steps([*drawn, (max(1.0, evaluations), drawn[-1][1])], x_axis, y_axis), FOUND))
    return _svg(parts, HEIGHT, "best so far against evaluations")


def front(
    objectives: Sequence[Objective],
    shown: Objective,
    baselines: Sequence[ScoredProgram],
    found: Sequence[ScoredProgram],
) -> str:
    """Two objectives: baselines and front as step lines, the second objective on the horizontal axis."""
    second = objectives[1]
    known, mine = _points(baselines, shown, second), _points(found, shown, second)
    if not known and not mine:
        return ""
    x_axis = Axis.over([x for x, _ in known + mine], LEFT, RIGHT)
    y_axis = Axis.over([y for _, y in known + mine], BOTTOM, TOP)
    costs = [x for x, _ in known + mine]
    edge = max(costs) if second.direction == "minimize" else min(costs)
    parts = [_frame(x_axis, y_axis, shown, second.metric)]
    parts.append(_text(RIGHT - 62, TOP - 12, "baselines", "end", KNOWN))
    parts.append(_text(RIGHT, TOP - 12, "found", "end", FOUND))
    for points, colour, dashes in ((known, KNOWN, "5 4"), (mine, FOUND, "")):
        parts.append(_line(_path(staircase(points, shown, second, edge), x_axis, y_axis), colour, dashes))
    parts += [
        f'<rect x="{x_axis.at(x) - 4:.1f}" y="{y_axis.at(y) - 4:.1f}" width="8" height="8" fill="{KNOWN}"/>'
        for x, y in known
    ]
    parts += [f'<circle cx="{x_axis.at(x)}" cy="{y_axis.at(y)}" r="3.5" fill="{FOUND}"/>' for x, y in mine]
    return _svg(parts, HEIGHT, "found against the baselines")


def ranking(shown: Objective, known: Sequence[ScoredProgram], found: Sequence[ScoredProgram]) -> str:
    """One objective: a dot for each program, the best at the top."""
    rows = [(one.name, one.metrics.get(shown.metric), KNOWN) for one in known]
    rows += [(f"found {one.name}", one.metrics.get(shown.metric), FOUND) for one in found]
    drawn = [(name, value, colour) for name, value, colour in rows if value is not None and abs(value) < HUGE]
    if not drawn:
        return ""
    drawn.sort(key=lambda row: shown.cost(row[1]))
    left, bottom = LEFT + 110.0, TOP + 16.0 * len(drawn)
    axis = Axis.over([value for _, value, _ in drawn], left + 8, RIGHT - 56)
    parts = [_text(left, TOP - 10, _better(shown))]
    for place, (name, value, colour) in enumerate(drawn):
        height = TOP + 8 + 16.0 * place
        short = name if len(name) <= NAME_LETTERS else name[: NAME_LETTERS - 1] + "…"
        strength = ' font-weight="bold"' if colour == FOUND else ""
        parts.append(_text(left - 8, height + 4, short, "end", extra=strength))
        parts.append(f'<path d="M{left} {height}H{RIGHT - 50}" stroke="currentColor" stroke-opacity=".15"/>')
        parts.append(f'<circle cx="{axis.at(value)}" cy="{height}" r="4" fill="{colour}"/>')
        parts.append(_text(RIGHT, height + 4, metric_text(shown.metric, value), "end", extra=strength))
    return _svg(parts, bottom + 6, "found against the baselines")


def staircase(points: Iterable[Point], first: Objective, second: Objective, edge: float) -> list[Point]:
    """The best value for at most each cost, as the corners of a step line that ends at `edge`.

    Points are (value of `second`, value of `first`).
    """
    corners: list[Point] = []
    for x, y in sorted(points, key=lambda point: (second.cost(point[0]), first.cost(point[1]))):
        if corners and first.cost(y) >= first.cost(corners[-1][1]):
            continue
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners:
        corners.append((edge, corners[-1][1]))
    return corners


def _points(programs: Sequence[ScoredProgram], first: Objective, second: Objective) -> list[Point]:
    pairs = [(one.metrics.get(second.metric), one.metrics.get(first.metric)) for one in programs]
    return [(x, y) for x, y in pairs if x is not None and y is not None and abs(x) < HUGE and abs(y) < HUGE]


def _frame(x_axis: Axis, y_axis: Axis, shown: Objective, below: str) -> str:
    parts = [_text(4, TOP - 12, _better(shown)), _text(RIGHT, HEIGHT - 3, _words(below), "end")]
    for value in y_axis.ticks():
        height = y_axis.at(value)
        parts.append(f'<path d="M{LEFT} {height}H{RIGHT}" stroke="currentColor" stroke-opacity=".15"/>')
        parts.append(_text(LEFT - 6, height + 4, number(value), "end"))
    wanted = RIGHT - 7.0 * len(below) - 30  # further right stands what the axis is of
    places = [(x_axis.at(value), number(value)) for value in x_axis.ticks()]
    parts += [_text(place, HEIGHT - 8, words, "middle") for place, words in places if place <= wanted]
    return "".join(parts)


def _steps(points: Sequence[Point], x_axis: Axis, y_axis: Axis) -> str:
    (first_x, first_y), *others = points
    path = f"M{x_axis.at(first_x)} {y_axis.at(first_y)}"
    return path + "".join(f"H{x_axis.at(x)}V{y_axis.at(y)}" for x, y in others)


def _path(points: Sequence[Point], x_axis: Axis, y_axis: Axis) -> str:
    return "M" + "L".join(f"{x_axis.at(x)} {y_axis.at(y)}" for x, y in points) if points else ""


def _line(path: str, colour: str, dashes: str = "") -> str:
    pattern = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8"{pattern}/>' if path else ""


def _text(x: float, y: float, words: str, anchor: str = "start", fill: str = "currentColor", extra: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{fill}"{extra}>{escape(words)}</text>'


def _better(objective: Objective) -> str:
    word = "higher" if objective.direction == "maximize" else "lower"
    return f"{_words(objective.metric)} ({word} is better)"


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _svg(parts: Sequence[str], height: float, label: str) -> str:
    size = f'viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" height="{height:.0f}"'
    style = "max-width:100%;height:auto;font:11px system-ui,sans-serif"
    body = "".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" {size} style="{style}">{body}</svg>'
    )
