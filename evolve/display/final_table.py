"""What the final check of a sampled problem says: everyone on instances that the search never saw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from evolve.core.types import Objective
from evolve.display.grid import Column, Grid, Row, Style
from evolve.display.text import SHORT_ID, number

if TYPE_CHECKING:
    from evolve.display.outcome import Checked

Finals = Mapping[str, Mapping[str, float]]


def final_grids(result: Checked) -> list[Grid]:
    """One table for each kind of workload, or one for all; none where the final check was of another sort."""
    objectives, finals = result.objectives, result.final
    if not result.front or "ahead" not in finals.get(result.front[0].program_id, {}):
        return []
    names = {one.program_id: one.name for one in (result.seed, *result.baselines)}
    best = result.front[0].program_id
    names[best] = f"found {best[:SHORT_ID]}" if best not in names else names[best]
    kinds = [key.partition("/")[0] for key in finals[best] if key.endswith("/ahead")]
    return [_grid(objectives, finals, names, best, f"{kind}/", kind) for kind in kinds] or [
        _grid(objectives, finals, names, best, "", "")
    ]


def _grid(
    objectives: Sequence[Objective],
    finals: Finals,
    names: Mapping[str, str],
    best: str,
    prefix: str,
    kind: str,
) -> Grid:
    objective = objectives[0]
    seconds = [f"{prefix}{one.metric}" for one in objectives[1:] if f"{prefix}{one.metric}" in finals[best]]
    groups = int(finals[best][f"{prefix}groups"])
    words = f"final, {kind} workloads" if kind else "final"
    columns = [
        Column("program", right=False, width=24),
        Column(objective.metric.replace("_", " "), wrap=True),
        Column("found is ahead by", wrap=True),
        Column("95 % interval"),
        *(Column(name.removeprefix(prefix).replace("_", " "), wrap=True) for name in seconds),
    ]
    ordered = sorted(finals.items(), key=lambda row: objective.cost(row[1][f"{prefix}{objective.metric}"]))
    digits = _digits(row[f"{prefix}{objective.metric}"] for row in finals.values())
    rows = [
        Row(
            (
                *_cells(objective, figures, prefix, program_id == best, names.get(program_id, program_id), digits),
                *(f"{figures[name]:.3g}" if name in figures else "" for name in seconds),
            ),
            _style(figures, prefix, program_id == best),
        )
        for program_id, figures in ordered
    ]
    plural = "group" if groups == 1 else "groups"
    return Grid(f"{words}: {groups} {plural} that the search never saw", columns, rows)


def _cells(
    objective: Objective, figures: Mapping[str, float], prefix: str, own: bool, name: str, digits: int
) -> tuple[str, ...]:
    value = f"{figures[f'{prefix}{objective.metric}']:.{digits}f}"
    if own:
        return name, value, "", ""
    low, high = figures[f"{prefix}ahead_low"], figures[f"{prefix}ahead_high"]
    interval = f"{low:+.{digits}f} to {high:+.{digits}f}" if abs(low) < 1e300 else "one group: none"
    return name, value, f"{figures[f'{prefix}ahead']:+.{digits}f}", interval


def _digits(values: Iterable[float]) -> int:
    """Places after the point: four, and more where all values are small."""
    largest = max(map(abs, values), default=0.0)
    return 4 if largest == 0.0 or not math.isfinite(largest) else min(12, max(4, 3 - math.floor(math.log10(largest))))


def _style(figures: Mapping[str, float], prefix: str, own: bool) -> Style:
    if own:
        return "bold"
    return "green" if figures[f"{prefix}ahead_low"] > 0 else ""


def final_sentence(result: Checked) -> str:
    """Who is beaten beyond doubt, in a line; empty where there is no such table."""
    objective, finals = result.objectives[0], result.final
    best = result.front[0].program_id if result.front else ""
    if "ahead" not in finals.get(best, {}):
        return ""
    rows = {one.name: finals.get(one.program_id, {}) for one in (*result.baselines, result.seed)}
    better = [name for name, row in rows.items() if row.get("ahead_low", 0.0) > 0]
    worse = [name for name, row in rows.items() if row.get("ahead_high", 0.0) < 0]
    gain = number(finals[best][objective.metric])
    words = f"{objective.metric.replace('_', ' ')} {gain}; beyond doubt better than {', '.join(better) or 'nobody'}"
    return f"{words}, worse than {', '.join(worse)}" if worse else words
