"""How things are said to people: numbers, durations, and consoles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

SHORT_ID = 10
"""Characters of an id that tables show; any command accepts them as a prefix."""


def console(*, stderr: bool = False) -> Console:
    """A rich console on standard output, or on standard error. Colours only on a terminal."""
    from evolve.display.terminal import PlainConsole

    return PlainConsole(stderr=stderr, highlight=False, emoji=False)


def line(text: str, *, style: str = "", stderr: bool = False) -> None:
    """Print one line as it is: no markup, no wrapping."""
    console(stderr=stderr).print(text, style=style, markup=False, soft_wrap=True)


def show(item: RenderableType) -> None:
    """Print a table or other renderable on standard output."""
    console().print(item)


def number(value: float | None) -> str:
    """A number for a table: whole ones in full, others with four significant digits, none as a dash."""
    if value is None:
        return "-"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


def metric_text(metric: str, value: float | None) -> str:
    """A metric for a table; decimal digits of accuracy always have two places."""
    if value is None or metric != "digits":
        return number(value)
    return f"{value:.2f}"


def duration(seconds: float) -> str:
    """Seconds as `4.2 s`, `3 min 05 s` or `2 h 05 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock(seconds: float) -> str:
    """Seconds as `0:13` or `2:05:10`, for narrow columns."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
