"""What the final check of a sampled problem says: everyone on instances that the search never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evolve.cli.output import SHORT_ID, number
from evolve.cli.tables import blank_table
from evolve.core.types import Objective

if TYPE_CHECKING:
    from rich.table import Table

    from evolve.api import RunResult

Finals = Mapping[str, Mapping[str, float]]


def final_tables(objective: Objective, result: RunResult) -> list[Table]:
    """One table for each kind of workload, or one for all; none where the final check was of another sort."""
    finals = result.final
    if not result.front or "ahead" not in finals.get(result.front[0].program_id, {}):
        return []
    names = {one.program_id: one.name for one in (result.seed, *result.baselines)}
    best = result.front[0].program_id
    names[best] = f"found {best[:SHORT_ID]}" if best not in names else names[best]
    kinds = [key.partition("/")[0] for key in finals[best] if key.endswith("/ahead")]
    return [_table(objective, finals, names, best, f"{kind}/", kind) for kind in kinds] or [
        _table(objective, finals, names, best, "", "")
    ]


def _table(objective: Objective, finals: Finals, names: Mapping[str, str], best: str, prefix: str, kind: str) -> Table:
    groups = int(finals[best][f"{prefix}groups"])
    words = f"final, {kind} workloads" if kind else "final"
    table = blank_table(f"{words}: {groups} groups that the search never saw")
    table.add_column("program", no_wrap=True, overflow="ellipsis", max_width=24)
    table.add_column(objective.metric.replace("_", " "), justify="right")
    table.add_column("found is ahead by", justify="right")
    table.add_column("95 % interval", justify="right", no_wrap=True)
    rows = sorted(finals.items(), key=lambda row: objective.cost(row[1][f"{prefix}{objective.metric}"]))
    for program_id, figures in rows:
        table.add_row(*_cells(objective, figures, prefix, program_id == best, names.get(program_id, program_id)),
                      style=_style(figures, prefix, program_id == best))  # fmt: skip
    return table


def _cells(objective: Objective, figures: Mapping[str, float], prefix: str, own: bool, name: str) -> Sequence[str]:
    value = f"{figures[f'{prefix}{objective.metric}']:.4f}"
    if own:
        return name, value, "", ""
    low, high = figures[f"{prefix}ahead_low"], figures[f"{prefix}ahead_high"]
    interval = f"{low:+.4f} to {high:+.4f}" if abs(low) < 1e300 else "one group: none"
    return name, value, f"{figures[f'{prefix}ahead']:+.4f}", interval


def _style(figures: Mapping[str, float], prefix: str, own: bool) -> str:
    if own:
        return "bold"
    return "green" if figures[f"{prefix}ahead_low"] > 0 else ""


def final_sentence(objective: Objective, result: RunResult) -> str:
    """Who is beaten beyond doubt, in a line; empty where there is no such table."""
    finals, best = result.final, result.front[0].program_id if result.front else ""
    if "ahead" not in finals.get(best, {}):
        return ""
    beaten = [one.name for one in result.baselines if finals.get(one.program_id, {}).get("ahead_low", 0.0) > 0]
    gain = number(finals[best][objective.metric])
    words = ", ".join(sorted(beaten)) or "no baseline beyond doubt"
    return f"final     {objective.metric.replace('_', ' ')} {gain}; its interval excludes zero against: {words}"
