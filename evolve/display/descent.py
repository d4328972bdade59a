"""A line of descent: what each step gained on the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from evolve.core.types import Objective
from evolve.display.ladder import DIGITS, gain_over

if TYPE_CHECKING:
    from archive.rows import ProgramRow


def shown_along(lineage: Sequence[ProgramRow], objectives: Sequence[Objective]) -> Objective:
    """`digits` where every scored program of the line has it, else the first objective."""
    scored = [row for row in lineage if row.verdict.status.scored]
    return DIGITS if scored and all("digits" in row.verdict.metrics for row in scored) else objectives[0]


def gains(lineage: Sequence[ProgramRow], objectives: Sequence[Objective]) -> list[float | None]:
    """What each step gained on the one before it, in the metric shown; None for the first and for failures."""
    shown = shown_along(lineage, objectives)
    found: list[float | None] = []
    for index, row in enumerate(lineage):
        metrics, before = row.verdict.metrics, lineage[index - 1].verdict.metrics if index else {}
        known = shown.metric in metrics and shown.metric in before
        found.append(gain_over(shown, metrics, before) if known else None)
    return found


def step_words(row: ProgramRow) -> str:
    """How a step was made: its operator, and its idea."""
    operator = row.ticket.operator
    return row.idea if row.idea.startswith(operator) else f"{operator}: {row.idea}"
