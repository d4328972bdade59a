"""The report of a finished run as plain text, 80 columns wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolve.display.facts import facts, table_title
from evolve.display.final_table import final_grids
from evolve.display.grid import rich_table
from evolve.display.tables import ladder_grid

if TYPE_CHECKING:
    from evolve.display.outcome import Outcome

COLUMNS = 80


def report(result: Outcome) -> str:
    """Tables, then one line for each fact. Without colours and without spaces at the ends of lines."""
    from rich.console import Console

    title = f"{result.problem}: {table_title(result)}"
    ladder = ladder_grid(
        result.objectives, result.seed, result.baselines, result.front, finals=result.final, title=title
    )
    console = Console(width=COLUMNS, color_system=None, force_terminal=False, force_jupyter=False)
    with console.capture() as captured:
        for grid in (ladder, *final_grids(result)):
            console.print(rich_table(grid))
    lines = [line.rstrip() for line in captured.get().splitlines()]
    return "\n".join([*lines, *(f"{label:<10}{text}" for label, text in facts(result))])
