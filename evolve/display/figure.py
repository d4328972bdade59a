"""The figure that pictures of runs are drawn on. Imports matplotlib, so it is imported where one is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

STYLE: Mapping[str, Any] = {
    "svg.hashsalt": "evolve",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E3E3E3",
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}
DOTS_PER_INCH = 150
"""Of files; in a notebook each shown pixel has one and a half of them a side."""
SHOWN_PER_INCH = 100


class Picture(Figure):
    """A figure that belongs to no screen (the Agg canvas) and shows itself in a notebook, whatever its backend."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(self)

    def save(self, target: Any, kind: str) -> None:
        """Write svg, png or pdf, without a date in it, to a path or a binary file."""
        undated: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}
        with styled():
            self.savefig(target, format=kind, dpi=DOTS_PER_INCH, metadata=undated[kind])

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        drawn = BytesIO()
        self.save(drawn, "png")
        width, height = (round(SHOWN_PER_INCH * inches) for inches in self.get_size_inches())
        return drawn.getvalue(), {"width": width, "height": height}


def styled() -> Any:
    """A context in which pictures are drawn and written: the style of the house."""
    style: Any = STYLE  # matplotlib's stubs want a literal type for the keys
    return matplotlib.rc_context(style)
