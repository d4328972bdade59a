"""Figures of Plotly as plain data: what `static/plot.js` draws. Colours are names of variables of the pages' style."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from pydantic import BaseModel

from evolve.core.types import Objective
from evolve.display.axis import DECADES
from evolve.web.text import shortened

NAME_LETTERS = 40
SERIES = 8
"""So many colours of series the style has; see `series`."""


class PlotFigure(BaseModel):
    """Traces and layout of a figure, as Plotly takes them. `layout.meta` is for the pages' own scripts."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]


def name_of(text: str) -> str:
    """A foreign name for a legend or a hover text, where Plotly would read some tags."""
    return escape(shortened(text, NAME_LETTERS), quote=False)


def series(place: int) -> dict[str, str]:
    """Colour and dash of the so-and-so-many-eth line: those that share a colour differ in dash."""
    dashes = ("solid", "dash", "dot", "dashdot")
    return {"color": f"--series-{place % SERIES}", "dash": dashes[place % len(dashes)] if place else "solid"}


def is_wide(values: Iterable[float]) -> bool:
    """Whether values are to stand on a logarithmic axis: positive, and over more than two decades."""
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0.0 and max(finite) > DECADES * min(finite)


def value_axis(objective: Objective, values: Iterable[float]) -> dict[str, Any]:
    """The axis of an objective."""
    word = "higher" if objective.direction == "maximize" else "lower"
    title = f"{name_of(objective.metric.replace('_', ' '))} ({word} is better)"
    return {"title": {"text": title}, **({"type": "log"} if is_wide(values) else {})}


def steps(xs: Sequence[float | None], ys: Sequence[float | None], name: str, **line: Any) -> dict[str, Any]:
    """A line that goes to the right and then to its next value."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(xs),
        "y": list(ys),
        "name": name,
        "line": {"shape": "hv", "width": 2, **line},
    }
