"""Scores of a program instance by instance, beside those of its run's champion and of a baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from archive.rows import ProgramRow
from evolve.core.errors import UsageError
from evolve.core.types import Objective, Result
from evolve.known import Known
from evolve.web.desk import Desk, objectives
from evolve.web.figures import name_of
from evolve.web.subject import Subject
from evolve.web.text import shortened

MOST_POINTS = 5_000
"""Instances in a plot."""
MOST_LABELS = 40
"""With more instances than these the plot numbers them."""


@dataclass(frozen=True, slots=True)
class Other:
    """A program to compare with: scores by instance where the run has them, else the mean of all (or None)."""

    name: str
    program_id: str
    scores: Mapping[str, float | None] = field(default_factory=dict)
    mean: float | None = None


@dataclass(frozen=True, slots=True)
class Instances:
    """`results` are those of the program; `champion` is None where it is that itself, or there is none."""

    results: Sequence[Result]
    champion: Other | None
    baseline: Other | None
    metric: str

    @property
    def failed(self) -> list[Result]:
        """Those without a score."""
        return [one for one in self.results if not one.status.scored]

    def failing_first(self) -> list[Result]:
        """All, those without a score first."""
        return sorted(self.results, key=lambda one: one.status.scored)


def instances_of(desk: Desk, subject: Subject, champion: str | None) -> Instances:
    """What the archive has of a program's instances on train."""
    row = subject.row
    wanted = objectives(subject.run)
    metric = wanted[0].metric if wanted else "score"
    if row is None or not row.verdict.results:
        return Instances((), None, None, metric)
    rival = _other(desk, subject, f"champion {champion[:10]}", champion) if champion else None
    best = _best_known(desk.known(subject.run.id), wanted, subject.program_id)
    baseline = None
    if best is not None:
        name, program_id, value = best
        baseline = _other(desk, subject, name, program_id)
        if baseline is None and _is_mean(row, value):
            baseline = Other(name, program_id, mean=value)
    return Instances(row.verdict.results, rival, baseline, metric)


def _other(desk: Desk, subject: Subject, name: str, program_id: str) -> Other | None:
    """Another program of the run; None where it is the same one, or its scores do not compare."""
    if program_id == subject.program_id or subject.row is None:
        return None
    try:
        row = desk.archive.program(program_id, subject.run.id)
    except UsageError:
        return None
    if not row.verdict.results or row.verdict.evaluation_set != subject.row.verdict.evaluation_set:
        return None
    return Other(name, program_id, {one.instance_id: one.score for one in row.verdict.results})


def _best_known(known: Known | None, wanted: Sequence[Objective], own: str) -> tuple[str, str, float] | None:
    """Name, id and value on train of the best baseline; of the seed where there is none."""
    if known is None or not wanted:
        return None
    first = wanted[0]
    rows = [one for one in known.programs if first.metric in one.metrics and one.program_id != own]
    rows = [one for one in rows if one is not known.programs[0]] or rows
    best = min(rows, key=lambda one: first.cost(one.metrics[first.metric]), default=None)
    return None if best is None else (best.name, best.program_id, best.metrics[first.metric])


def _is_mean(row: ProgramRow, value: float) -> bool:
    """Whether the first objective is the mean of the instances' scores, so that a mean may be drawn beside these."""
    scores = [one.score for one in row.verdict.results if one.score is not None]
    if row.verdict.value is None or len(scores) < len(row.verdict.results) or not math.isfinite(value):
        return False
    return math.isclose(row.verdict.value, math.fsum(scores) / len(scores), rel_tol=1e-6)


def figure(found: Instances) -> dict[str, Any]:
    """A point for each instance that has a score, in the order in which they were run; Plotly's JSON."""
    kept = found.results[:MOST_POINTS]
    few = len(kept) <= MOST_LABELS
    names = [escape(shortened(one.instance_id, 30 if few else 80), quote=False) for one in kept]
    places = [*range(1, len(kept) + 1)]
    own = {one.instance_id: one.score for one in kept}
    data = [_points("this program", "--found", "circle", own, kept, names, places)]
    if found.champion:
        data.append(_points(found.champion.name, "--good", "diamond-open", found.champion.scores, kept, names, places))
    if found.baseline and found.baseline.scores:
        name = name_of(found.baseline.name)
        data.append(_points(name, "--known", "square-open", found.baseline.scores, kept, names, places))
    elif found.baseline:
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{name_of(found.baseline.name)} (mean)",
                "x": [0.5, len(kept) + 0.5],
                "y": [found.baseline.mean] * 2,
                "line": {"color": "--known", "dash": "dash"},
                "hoverinfo": "name+y",
            }
        )
    axis: dict[str, Any] = {"title": {"text": "instance"}}
    if few:
        axis |= {"tickmode": "array", "tickvals": places, "ticktext": names}
    return {"data": data, "layout": {"xaxis": axis, "yaxis": {"title": {"text": "score"}}}}


def _points(
    name: str,
    colour: str,
    symbol: str,
    scores: Mapping[str, float | None],
    kept: Sequence[Result],
    names: Sequence[str],
    places: Sequence[int],
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": places,
        "y": [scores.get(one.instance_id) for one in kept],
        "text": names,
        "hovertemplate": "%{text}<br>%{y}",
        "marker": {"color": colour, "symbol": symbol, "size": 8, "line": {"width": 1.5}},
    }
