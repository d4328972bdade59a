"""HTML for notebooks: tables, bars and the report of a run. Every text is escaped; it suits light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from evolve.display import chart
from evolve.display.facts import facts, table_title
from evolve.display.final_table import final_grids
from evolve.display.grid import Grid
from evolve.display.ladder import shown_objective
from evolve.display.tables import ladder_grid

if TYPE_CHECKING:
    from evolve.display.outcome import Outcome

ROWS = {
    "": "",
    "dim": "opacity:.6",
    "green": "color:#1f9d55;font-weight:600",
    "bold": "font-weight:700",
}
CELL = "padding:1px 12px 1px 0;border:0;white-space:nowrap"
FAINT = "opacity:.65"
LOUD = "font-size:13px;color:#b7791f;font-weight:600"


def box(*parts: str) -> str:
    """The frame of one output; parts are HTML."""
    inner = "".join(part for part in parts if part)
    return f'<div style="font-size:13px;line-height:1.5;max-width:62em;color:inherit">{inner}</div>'


def paragraph(text: str, style: str = "") -> str:
    """One line of plain text."""
    return f'<div style="{style}">{escape(text)}</div>' if text else ""


def heading(title: str, rest: str = "") -> str:
    """A title in bold and what follows it."""
    return f"<div><b>{escape(title)}</b> {escape(rest)}</div>"


def beside(*pictures: str) -> str:
    """Pictures in a row, or below each other where the page is narrow."""
    cells = "".join(f'<div style="flex:1 1 360px;max-width:480px">{one}</div>' for one in pictures if one)
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px 24px">{cells}</div>'


def bar(share: float) -> str:
    """How much of something is done, from 0 to 1."""
    percent = f"{100 * min(1.0, max(0.0, share)):.0f}%"
    outer = "background:rgba(128,128,128,.25);border-radius:3px;height:8px;max-width:32em;margin:4px 0"
    inner = f"background:{chart.FOUND};border-radius:3px;height:8px;width:{percent}"
    return f'<div style="{outer}" role="progressbar" aria-valuenow="{percent}"><div style="{inner}"></div></div>'


def table(grid: Grid) -> str:
    """The grid as a table."""
    sides = ["right" if column.right else "left" for column in grid.columns]
    head = "".join(
        f'<th style="{CELL};border-bottom:1px solid rgba(128,128,128,.5);text-align:{side}">{escape(column.name)}</th>'
        for column, side in zip(grid.columns, sides, strict=True)
    )
    body = "".join(
        f'<tr style="background:none;{ROWS[row.style]}">'
        + "".join(
            f'<td style="{CELL};text-align:{side}">{escape(cell)}</td>'
            for cell, side in zip(row.cells, sides, strict=True)
        )
        + "</tr>"
        for row in grid.rows
    )
    frame = "border-collapse:collapse;border:0;margin:6px 0;font-variant-numeric:tabular-nums"
    title = paragraph(grid.title, "font-weight:600;margin-top:8px") if grid.title else ""
    return f'{title}<table style="{frame}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def report(result: Outcome) -> str:
    """A finished run: title, tables, picture, and what it spent."""
    objectives = result.objectives
    title = table_title(result)
    ladder = ladder_grid(objectives, result.seed, result.baselines, result.front, finals=result.final, title=title)
    return box(
        heading(result.title, f"({result.problem}, run {result.run_id})"),
        table(ladder),
        picture(result),
        *(table(grid) for grid in final_grids(result)),
        pairs(facts(result)),
    )


def picture(result: Outcome) -> str:
    """The front against the baselines, or with one objective everyone in order."""
    shown = shown_objective(result.objectives, [result.seed, *result.baselines, *result.front])
    known = {one.program_id for one in (result.seed, *result.baselines)}
    if len(result.objectives) == 2:
        return chart.front(result.objectives, shown, result.baselines, result.front)
    found = [one for one in result.front if one.program_id not in known]
    return chart.ranking(shown, [result.seed, *result.baselines], found)


def pairs(items: Sequence[tuple[str, str]]) -> str:
    """Labels and texts, one pair a line."""
    label_style = f"{CELL};{FAINT};text-align:left;vertical-align:top"
    rows = "".join(
        f'<tr style="background:none"><td style="{label_style}">{escape(label)}</td>'
        f'<td style="border:0;padding:1px 0;text-align:left">{escape(text)}</td></tr>'
        for label, text in items
    )
    return f'<table style="border-collapse:collapse;border:0;margin:6px 0"><tbody>{rows}</tbody></table>'
