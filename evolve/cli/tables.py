"""Tables that several commands show. All fit 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from evolve.cli.ladder import Rung, climb, shown_objective
from evolve.cli.output import SHORT_ID, metric_text
from evolve.core.types import Objective
from evolve.events import ScoredProgram

if TYPE_CHECKING:
    from rich.table import Table

Finals = Mapping[str, Mapping[str, float]]


def blank_table(title: str = "") -> Table:
    """An empty table in the house style: no frame, a rule under the header, the title at the left."""
    from rich import box
    from rich.table import Table

    return Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )


def ladder_table(
    objectives: Sequence[Objective],
    seed: ScoredProgram,
    baselines: Sequence[ScoredProgram],
    front: Sequence[ScoredProgram],
    *,
    finals: Finals | None = None,
    rows: int | None = None,
    title: str = "",
) -> Table:
    """Baseline and found side by side, one row a rung; `rows` keeps the rungs with the largest gains."""
    shown = shown_objective(objectives, [seed, *baselines, *front])
    rungs = _keep(climb(objectives, seed, baselines, front), rows)
    ulp = bool(finals) and any("max_ulp" in metrics for metrics in (finals or {}).values())
    table = blank_table(title)
    if len(objectives) == 2:
        table.add_column(objectives[1].metric, justify="right", no_wrap=True, max_width=12)
    table.add_column("best known", overflow="ellipsis", max_width=20)
    table.add_column(shown.metric.replace("_", " "), justify="right", max_width=12)
    table.add_column("found", justify="right", no_wrap=True)
    table.add_column("gain", justify="right", no_wrap=True)
    table.add_column("beats", justify="right", no_wrap=True)
    if ulp:
        table.add_column("ULP", justify="right", no_wrap=True)
    table.add_column("program", no_wrap=True)
    for rung in rungs:
        table.add_row(*_cells(rung, shown.metric, finals if ulp else None), style=_style(rung))
    return table


def _cells(rung: Rung, metric: str, finals: Finals | None) -> list[str]:
    cells = [] if rung.level is None else [metric_text("", rung.level)]
    cells.append(rung.known.name if rung.known else "-")
    cells.append(metric_text(metric, rung.known.metrics[metric]) if rung.known else "-")
    cells.append(metric_text(metric, rung.found.metrics[metric]) if rung.found else "-")
    cells.append(gain_text(metric, rung.gain))
    cells.append(str(len(rung.dominated)) if rung.dominated else "-")
    if finals is not None:
        ulp = finals.get(rung.found.program_id, {}).get("max_ulp") if rung.found else None
        cells.append(ulp_text(ulp))
    cells.append(rung.found.program_id[:SHORT_ID] if rung.found else "-")
    return cells


def gain_text(metric: str, gain: float | None) -> str:
    """A gain with its sign; a dash where there is none to speak of."""
    if gain is None:
        return "-"
    text = metric_text(metric, gain)
    return f"+{text}" if gain > 0 else "0.00" if text == "-0.00" else text


def ulp_text(ulp: float | None) -> str:
    """Units in the last place: two places while they matter."""
    if ulp is None:
        return "-"
    return f"{ulp:.2f}" if ulp < 100 else f"{ulp:,.0f}"


def _style(rung: Rung) -> str:
    if rung.found is None:
        return "dim"
    return "green" if rung.dominated and (rung.gain or 0.0) > 0 else ""


def _keep(rungs: list[Rung], rows: int | None) -> list[Rung]:
    if rows is None or len(rungs) <= rows:
        return rungs
    best = sorted(rungs, key=lambda rung: (rung.found is not None, rung.gain or 0.0), reverse=True)[:rows]
    return [rung for rung in rungs if rung in best]


def beaten_text(rungs: Sequence[Rung]) -> str:
    """Names of the baselines that something better than all baselines of its cost dominates; with one objective, of all
    that are worse."""
    telling = [rung for rung in rungs if rung.level is None or (rung.gain or 0.0) > 0]
    names = sorted({name for rung in telling for name in rung.dominated})
    return ", ".join(names)
