"""The lineage of a run: the tree of its programs as a picture, and the path from where it began to its champion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from archive.rows import ProgramRow, RunRow
from archive.store import Archive
from evolve.core.types import Objective
from evolve.display.descent import gains, shown_along
from evolve.display.tables import gain_text
from evolve.display.text import metric_text
from evolve.picture import front_of
from evolve.web.clades import Clades, clades, posterior
from evolve.web.desk import Desk, objectives
from evolve.web.kept import Kept
from evolve.web.page import AnyDesk, desk_of, json_answer, page
from evolve.web.run import AnyRun
from evolve.web.subject import champion_of
from evolve.web.text import shortened
from evolve.web.tree_columns import Picture, columns
from evolve.web.tree_layout import layout

MOST_STEPS = 200
"""Of a path that the page lists: the last ones."""
FEW_RECORDS = 20_000
"""Of a run that is small enough to be read whole, for the champion that its gate let through."""
MOST_IDEA = 400
router = APIRouter()
AnyProgram = Annotated[str, Path(pattern="^[0-9a-f]{1,64}$", description="A program's id, or its beginning.")]


class Woods:
    """The trees and champions of the runs that were looked at last."""

    def __init__(self, desk: Desk) -> None:
        archive = desk.archive
        self._clades = Kept(archive, lambda run: clades(archive.tree(run.id), _first(run)), 2)
        self._champions = Kept(archive, lambda run: _champion(desk, run), 64)

    def clades(self, run: RunRow) -> Clades:
        """The tree of a run with what its clades achieved."""
        return self._clades.of(run)

    def champion(self, run: RunRow) -> str | None:
        """The id of a run's champion, with two objectives the front's best in the first; None where there is none."""
        return self._champions.of(run)


def _woods(request: Request) -> Woods:
    state = request.app.state
    if not hasattr(state, "woods"):
        state.woods = Woods(desk_of(request))
    woods: Woods = state.woods
    return woods


AnyWoods = Annotated[Woods, Depends(_woods)]


class Node(BaseModel):
    """A program in the tree of a run, and what its clade, itself included, achieved.

    `outcomes` counts those of its descendants, and `posterior` is the mean of the posterior of their being successes.
    """

    program_id: str
    record: int
    status: str
    metric: str | None
    value: float | None
    text: str
    operator: str
    model: str | None
    idea: str
    children: int
    programs: int
    evaluations: float
    outcomes: float
    posterior: float


@dataclass(frozen=True, slots=True)
class Step:
    """A program on the way to the champion, in words."""

    row: ProgramRow
    score: str
    gain: str
    is_gain: bool


@router.get("/runs/{run_id}/lineage", include_in_schema=False)
def lineage_page(run_id: AnyRun, request: Request, desk: AnyDesk, woods: AnyWoods) -> Response:
    """The page."""
    run = desk.archive.run(run_id)
    if run.id != run_id:
        return RedirectResponse(f"/runs/{run.id}/lineage", 307)
    champion = woods.champion(run)
    line, is_whole = _line(desk.archive, champion, run) if champion else ([], True)
    found = objectives(run)
    shown = shown_along(line, found) if line and found else None
    programs = sum(count for status, count in desk.archive.statuses(run.id).items() if count)
    return page(
        request,
        "lineage.html",
        title=f"Lineage of run {run.id}",
        watch=run.id,
        run=run,
        records=programs,
        champion=champion,
        steps=_steps(line, found),
        whole=is_whole,
        metric=shown.metric if shown else None,
    )


@router.get("/runs/{run_id}/lineage.json", response_model=Picture)
def lineage_json(run_id: AnyRun, request: Request, desk: AnyDesk, woods: AnyWoods) -> Response:
    """The tree of a run: its most important programs, and bundles of the others."""
    return _picture(desk, woods, desk.archive.run(run_id), None, request.app.state.published)


@router.get("/runs/{run_id}/lineage/{program_id}.json", response_model=Picture)
def clade_json(run_id: AnyRun, program_id: AnyProgram, desk: AnyDesk, woods: AnyWoods) -> Response:
    """The tree of a run with the path to a program, and with more of its clade and of its siblings than of others."""
    run = desk.archive.run(run_id)
    return _picture(desk, woods, run, desk.archive.program(program_id, run.id))


@router.get("/runs/{run_id}/lineage/node/{program_id}.json")
def node_json(run_id: AnyRun, program_id: AnyProgram, desk: AnyDesk, woods: AnyWoods) -> Node:
    """One program of the tree."""
    run = desk.archive.run(run_id)
    row = desk.archive.program(program_id, run.id)
    found = woods.clades(run)
    place = found.place(row.number)
    objective = _first(run)
    metric = objective.metric if objective else None
    value = row.verdict.value if row.verdict.status.scored else None
    trials, successes = (float(found.trials[place]), float(found.successes[place])) if place is not None else (0.0, 0.0)
    return Node(
        program_id=row.program_id,
        record=row.number,
        status=row.verdict.status.value,
        metric=metric,
        value=value if value is not None and abs(value) < float("inf") else None,
        text=metric_text(metric or "", value),
        operator=shortened(row.ticket.operator, 80),
        model=shortened(row.ticket.model, 80) if row.ticket.model else None,
        idea=shortened(row.idea, MOST_IDEA),
        children=row.children,
        programs=int(found.programs[place]) if place is not None else 1,
        evaluations=float(found.evaluations[place]) if place is not None else 0.0,
        outcomes=trials,
        posterior=posterior(successes, trials),
    )


def _picture(desk: Desk, woods: Woods, run: RunRow, focus: ProgramRow | None, is_published: bool = False) -> Response:
    found = woods.clades(run)
    champion = woods.champion(run)
    best = found.place(desk.archive.program(champion, run.id).number) if champion else None
    place = found.place(focus.number) if focus else None
    path = found.above(best) if best is not None else []
    drawn = layout(found, focus=place, always=path[-1:])
    picture = columns(found, drawn, path, place, _first(run))
    picture["pages"] = [f"/programs/{one}" for one in picture["items"]["ids"]] if is_published else None
    return json_answer(picture)


def _first(run: RunRow) -> Objective | None:
    return next(iter(objectives(run)), None)


def _champion(desk: Desk, run: RunRow) -> str | None:
    """What the run chose at its end; while it goes on, what its gate let through, where that is read soon enough."""
    found = objectives(run)
    if run.ended_at is None and found and sum(desk.archive.statuses(run.id).values()) < FEW_RECORDS:
        front = front_of(desk.archive.records(run.id), found)
        if front:
            return front[0].program_id
    return champion_of(desk, run)


def _line(archive: Archive, program_id: str, run: RunRow) -> tuple[list[ProgramRow], bool]:
    """The last steps on the way to a program, and whether these are all."""
    line = [archive.program(program_id, run.id)]
    while line[-1].parents and len(line) < MOST_STEPS:
        above = archive.program(line[-1].parents[0], run.id)
        if above.number >= line[-1].number:
            return line[::-1], True
        line.append(above)
    return line[::-1], not line[-1].parents


def _steps(line: list[ProgramRow], found: tuple[Objective, ...]) -> list[Step]:
    if not found:
        return [Step(row, "–", "–", False) for row in line]
    metric = shown_along(line, found).metric
    return [
        Step(row, metric_text(metric, row.verdict.metrics.get(metric)), gain_text(metric, gain), (gain or 0.0) > 0)
        for row, gain in zip(line, gains(line, found), strict=True)
    ]
