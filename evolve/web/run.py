"""The pages of one run."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response

from evolve.core.errors import UsageError
from evolve.web.course import course_figure
from evolve.web.figures import PlotFigure, series
from evolve.web.page import AnyDesk, json_answer, page
from evolve.web.run_view import PAGE, RunView
from evolve.web.shares import MOST, bars, shares_figure

router = APIRouter()
AnyRun = Annotated[str, Path(pattern="^[0-9a-z]{1,64}$", description="A run's id, its beginning, or `last`.")]


@router.get("/runs/{run_id}", include_in_schema=False)
def run_page(run_id: AnyRun, request: Request, desk: AnyDesk) -> Response:
    """The page."""
    row = desk.archive.run(run_id)
    if row.id != run_id:
        return RedirectResponse(f"/runs/{row.id}", 307)
    view = RunView(desk, row, request.app.state.published)
    return page(request, "run.html", title=f"Run {row.id}: {view.title}", watch=row.id, view=view, row=row)


@router.get("/runs/{run_id}/curve.json", response_model=PlotFigure)
def curve_json(run_id: AnyRun, desk: AnyDesk) -> Response:
    """Best so far of a run against evaluations, dollars and minutes, over the levels of what was known."""
    row = desk.archive.run(run_id)
    course = RunView(desk, row, True).course
    if course is None or not course.steps:
        return json_answer({"data": [], "layout": {}})
    look = {**series(0), "color": "--found"}
    return json_answer(course_figure([(course, "best so far", look)], desk.known(row.id)))


@router.get("/runs/{run_id}/statuses.json", response_model=PlotFigure)
def statuses_json(run_id: AnyRun, desk: AnyDesk) -> Response:
    """Shares of statuses in stretches of a run's records."""
    row = desk.archive.run(run_id)
    count = bars(sum(desk.archive.statuses(row.id).values()))
    return json_answer(shares_figure(desk.archive.stretches(row.id, count, MOST)))


@router.get("/runs/{run_id}/programs/{first}", include_in_schema=False)
def programs_page(run_id: AnyRun, first: int, request: Request, desk: AnyDesk) -> Response:
    """Programs that some records brought, from number `first` on."""
    row = desk.archive.run(run_id)
    if not 0 <= first < 2**62:
        raise UsageError(f"run {row.id} has no record {first}", "Begin at the run's page.")
    view = RunView(desk, row, request.app.state.published)
    rows = [one for one in desk.archive.programs_of(row.id, first, PAGE) if one.number < first + PAGE]
    values: dict[str, Any] = {
        "rows": rows,
        "first": first,
        "end": min(first + PAGE, view.records),
        "before": max(0, first - PAGE) if first else None,
        "after": first + PAGE if first + PAGE < view.records else None,
        "names": view.names,
    }
    title = f"Programs of run {row.id} from record {first:,}"
    return page(request, "run_programs.html", title=title, row=row, view=view, **values)
