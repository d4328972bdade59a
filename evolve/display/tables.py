"""The table of what was found against what was known. It fits 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evolve.core.types import Objective
from evolve.display.grid import Column, Grid, Row, Style
from evolve.display.ladder import Rung, climb, shown_objective
from evolve.display.text import SHORT_ID, metric_text
from evolve.events import ScoredProgram

Finals = Mapping[str, Mapping[str, float]]


def ladder_grid(
    objectives: Sequence[Objective],
    seed: ScoredProgram,
    baselines: Sequence[ScoredProgram],
    front: Sequence[ScoredProgram],
    *,
    finals: Finals | None = None,
    rows: int | None = None,
    title: str = "",
) -> Grid:
    """Baseline and found side by side, one row a rung; `rows` keeps the rungs with the largest gains."""
    shown = shown_objective(objectives, [seed, *baselines, *front])
    rungs = _keep(climb(objectives, seed, baselines, front), rows)
    ulp = bool(finals) and any("max_ulp" in metrics for metrics in (finals or {}).values())
    columns = [Column(objectives[1].metric, width=12)] if len(objectives) == 2 else []
    columns += [
        Column("best known", right=False, wrap=True, width=20),
        Column(shown.metric.replace("_", " "), wrap=True, width=12),
        *(Column(name) for name in ("found", "gain", "beats", *(["ULP"] if ulp else []))),
        Column("program", right=False),
    ]
    cells = [_cells(rung, shown.metric, finals if ulp else None) for rung in rungs]
    return Grid(title, columns, [Row(tuple(one), _style(rung)) for one, rung in zip(cells, rungs, strict=True)])


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


def _style(rung: Rung) -> Style:
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
