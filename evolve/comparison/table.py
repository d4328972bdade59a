"""A comparison as tables and sentences that fit 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from io import StringIO
from textwrap import wrap

from evaluators.paired import LEAST_PAIRS
from evolve.comparison.outcome import Comparison, Row, p_text
from evolve.display.grid import Column, Grid, Style, rich_table
from evolve.display.grid import Row as Line
from evolve.display.text import number

WIDTH = 80
POLICY_WIDTH = 20
TOO_FEW = "too few seeds"


def grids(comparison: Comparison) -> tuple[Grid, Grid]:
    """One table of the ends, one of the ways there."""
    metric = comparison.figure.metric.replace("_", " ")
    better = "higher" if comparison.figure.direction == "maximize" else "lower"
    what = f"{comparison.problem}, {len(comparison.seeds)} seeds, {number(comparison.budget)} {comparison.unit} each"
    final = f"{what}\nAt the end: {metric} on report, {better} is better"
    area = f"On the way: mean over the budget of the best {metric} so far, on train"
    return _grid(final, comparison.of("final"), comparison), _grid(area, comparison.of("area"), comparison)


def _grid(title: str, rows: tuple[Row, ...], comparison: Comparison) -> Grid:
    digits = _digits([value for row in rows for value in (row.median, *_figures(row)) if value is not None])
    columns = [
        Column("policy", right=False, wrap=True, width=POLICY_WIDTH),
        Column("median"),
        Column("ahead by"),
        Column("95 % interval"),
        Column("p"),
        Column("better:worse"),
    ]
    order = sorted(rows, key=lambda row: math.inf if row.median is None else comparison.figure.cost(row.median))
    return Grid(title, columns, [Line(_cells(row, digits), _STYLES[row.verdict]) for row in order])


_STYLES: dict[str, Style] = {"control": "bold", "better": "green", "worse": "dim", "": ""}


def _cells(row: Row, digits: int) -> tuple[str, ...]:
    name = row.policy if not row.failed else f"{row.policy} ({row.failed} failed)"
    median = "-" if row.median is None else f"{row.median:.{digits}f}"
    if row.difference is None:
        return name, median, "control", "", "", ""
    found = row.difference
    interval = f"{_signed(found.low, digits)} to {_signed(found.high, digits)}"
    score = f"{found.better}:{found.worse}"
    return (
        name,
        median,
        _signed(found.middle, digits),
        interval if found.pairs >= LEAST_PAIRS else TOO_FEW,
        p_text(row.p),
        score,
    )


def _signed(value: float, digits: int) -> str:
    return f"{value:+.{digits}f}" if math.isfinite(value) else "failed" if value < 0 else "others failed"


def _figures(row: Row) -> Iterable[float]:
    return () if row.difference is None else (row.difference.middle, row.difference.low, row.difference.high)


def _digits(values: Iterable[float]) -> int:
    """Places after the point: four, fewer for large values and more for small ones."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    return 4 if largest == 0.0 else min(12, max(0, 3 - math.floor(math.log10(largest))))


NOTES = (
    "ahead by: median of the paired differences, positive is better (Hodges and Lehmann); interval: bootstrap over "
    "seeds, each for itself; p: signed ranks, exact, corrected for {tests} tests (Holm)."
)


def text(comparison: Comparison) -> str:
    """All of it as plain text."""
    from rich.console import Console

    stream = StringIO()
    console = Console(file=stream, width=WIDTH, color_system=None)
    for grid in grids(comparison):
        console.print(rich_table(grid))
    lines = [line for sentence in sentences(comparison) for line in wrap(sentence, WIDTH)]
    return stream.getvalue() + "\n".join(lines)


def sentences(comparison: Comparison) -> list[str]:
    """What the tables show, and how to read them."""
    return [*comparison.sentences(), NOTES.format(tests=comparison.tests)]
