"""How the best of a run came about: its improvements against evaluations, dollars and minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archive.rows import RunRow, RunSummary
from evolve.core.types import Objective
from evolve.known import Known
from evolve.pace import PACE_EVENT, seconds_at
from evolve.web.desk import Desk, objectives
from evolve.web.figures import is_wide, name_of, steps, value_axis

AXES: Mapping[str, str] = {"evaluations": "evaluations", "usd": "US dollars", "minutes": "minutes"}
"""What a curve may be drawn against, and how it is called."""
HOVERS = 24
"""Points at which the name of a level can be found with the pointer."""


@dataclass(frozen=True, slots=True)
class Step:
    """An improvement: `at` says by axis how much had been spent then; an axis on which that is not known is missing."""

    program_id: str
    value: float
    at: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Course:
    """The improvements of a run in order, and by axis how far the run has come in all.

    Minutes are those of search, breaks between two sittings left out, by what the run said of its pace; of a run that
    said nothing they are missing.
    """

    objective: Objective
    steps: tuple[Step, ...]
    ends: Mapping[str, float]

    @property
    def axes(self) -> list[str]:
        """Those on which there is something to draw."""
        return [axis for axis in AXES if any(axis in one.at for one in self.steps)]


def course_of(desk: Desk, run: RunRow, summary: RunSummary) -> Course | None:
    """The course of a run; None where it did not say what it searched for."""
    wanted = objectives(run)
    if not wanted:
        return None
    found = desk.archive.improvements(run.id)
    numbers = [one.number for one in found]
    ends = {"evaluations": summary.evaluations}
    usd: Sequence[float] = ()
    if summary.replies:
        usd, ends["usd"] = desk.archive.paid(run.id, numbers), summary.usd
    if seconds := seconds_at(desk.archive.happened(run.id, [PACE_EVENT]), numbers):
        ends["minutes"] = max([*seconds[-1:], summary.seconds]) / 60.0
    made = []
    for place, one in enumerate(found):
        at = {} if one.evaluations is None else {"evaluations": max(1.0, one.evaluations)}
        if summary.usd > 0.0:
            at["usd"] = usd[place]
        if seconds:
            at["minutes"] = seconds[place] / 60.0
        made.append(Step(one.program_id, one.value, at))
    return Course(wanted[0], tuple(made), ends)


def course_figure(
    courses: Sequence[tuple[Course, str, Mapping[str, str]]], known: Known | None
) -> dict[str, list[dict[str, Any]] | dict[str, Any]]:
    """The curves of some runs of one problem, each with its name and its line's look, over the levels that were known.

    Each trace says in `meta.axis` to which axis it belongs, `layout.meta.axes` says of each axis how it is labelled:
    which of them is shown is the reader's choice.
    """
    objective = courses[0][0].objective
    axes = [axis for axis in AXES if any(axis in course.axes for course, _, _ in courses)] or ["evaluations"]
    data: list[dict[str, Any]] = []
    for axis in axes:
        reach = _reach([course for course, _, _ in courses], axis)
        data += _levels(objective, known, axis, reach)
        data += [_curve(course, name, look, axis) for course, name, look in courses if axis in course.axes]
    values = [one.value for course, _, _ in courses for one in course.steps]
    meta = {"axes": {axis: _axis(axis, [course for course, _, _ in courses]) for axis in axes}}
    layout = {"xaxis": meta["axes"][axes[0]], "yaxis": value_axis(objective, values), "meta": meta}
    return {"data": data, "layout": layout}


def _axis(axis: str, courses: Sequence[Course]) -> dict[str, Any]:
    places = [one.at[axis] for course in courses for one in course.steps if axis in one.at]
    wide = axis == "evaluations" and is_wide([*places, *(course.ends[axis] for course in courses)])
    # What the reader has zoomed into holds for one axis alone.
    return {"title": {"text": AXES[axis]}, "type": "log" if wide else "linear", "uirevision": axis}


def _reach(courses: Sequence[Course], axis: str) -> tuple[float, float]:
    places = [one.at[axis] for course in courses for one in course.steps if axis in one.at]
    ends = [course.ends[axis] for course in courses if axis in course.ends]
    return min(places, default=1.0), max([*places, *ends], default=1.0)


def _curve(course: Course, name: str, look: Mapping[str, str], axis: str) -> dict[str, Any]:
    shown = [one for one in course.steps if axis in one.at]
    xs = [one.at[axis] for one in shown]
    ys = [one.value for one in shown]
    leads = [f"/programs/{one.program_id}" for one in shown]
    words = [one.program_id[:10] for one in shown]
    if course.ends.get(axis, 0.0) > xs[-1]:
        xs, ys = [*xs, course.ends[axis]], [*ys, ys[-1]]
        leads, words = [*leads, leads[-1]], [*words, f"{words[-1]}, until now"]
    trace = steps(xs, ys, name_of(name), **look)
    hover = f"%{{y:.6g}} at %{{x:.6g}} {AXES[axis]}<br>%{{text}}"
    marker = {"size": 6, "color": look["color"]}
    return {
        **trace,
        "mode": "lines+markers",
        "marker": marker,
        "customdata": leads,
        "text": words,
        "hovertemplate": hover,
        "meta": {"axis": axis},
    }


def _levels(objective: Objective, known: Known | None, axis: str, reach: tuple[float, float]) -> list[dict[str, Any]]:
    """Dotted lines: the seed's, and those of the baselines with the best of them in another colour."""
    rows = [] if known is None else [one for one in known.programs if objective.metric in one.metrics]
    if not rows or known is None:
        return []
    baselines = [one for one in rows if one.program_id != known.programs[0].program_id]
    baselines.sort(key=lambda one: objective.cost(one.metrics[objective.metric]))
    groups = [("best baseline", baselines[:1], "--known", 2.0), ("other baselines", baselines[1:], "--known", 1.0)]
    groups.append(("seed", [one for one in rows if one not in baselines], "--seed", 1.5))
    low, high = reach
    # Evenly on a logarithmic axis as well as the eye needs it: names are found near both ends.
    xs = [
        low * (high / low) ** (place / HOVERS) if low > 0.0 else low + (high - low) * place / HOVERS
        for place in range(HOVERS + 1)
    ]
    found = []
    for label, programs, colour, width in groups:
        if not programs:
            continue
        across: list[float | None] = []
        up: list[float | None] = []
        text: list[str | None] = []
        for one in programs:
            across += [*xs, None]
            up += [*[one.metrics[objective.metric]] * len(xs), None]
            text += [*[name_of(one.name)] * len(xs), None]
        name = f"{label}: {name_of(programs[0].name)}" if len(programs) == 1 and label != "seed" else label
        line = {"shape": "linear", "width": width, "color": colour, "dash": "dot"}
        trace = {**steps(across, up, name, **line), "text": text, "hovertemplate": "%{text}: %{y:.6g}<extra></extra>"}
        found.append({**trace, "meta": {"axis": axis}})
    return found
