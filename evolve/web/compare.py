"""The pages of comparisons: of policies, as `evolve compare` made them, and of any two runs of one problem."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from evolve.comparison.table import grids, sentences
from evolve.core.errors import UsageError
from evolve.web import comparisons
from evolve.web.compare_figures import curves_figure, differences_figure
from evolve.web.comparisons import Trials
from evolve.web.course import course_figure
from evolve.web.desk import Desk
from evolve.web.figures import PlotFigure, series
from evolve.web.page import AnyDesk, json_answer, page
from evolve.web.pair import Pair
from evolve.web.run import AnyRun

MOST = 500
router = APIRouter()
AnyComparison = Annotated[str, Path(pattern="^[0-9a-f]{1,64}$", description="A comparison's id.")]
AnyControl = Annotated[int, Path(ge=0, le=1000, description="Place of the policy that others are compared with.")]


class ComparisonRow(BaseModel):
    """A comparison as JSON: `measured` of its `expected` runs are done and known on report."""

    id: str
    problem: str
    started_at: str
    policies: list[str]
    seeds: list[int]
    expected: int
    ended: int
    measured: int


@router.get("/compare", include_in_schema=False)
def compare_page(request: Request, desk: AnyDesk) -> Response:
    """The list."""
    every = comparisons.every(desk)
    values: dict[str, Any] = {"rows": every[:MOST], "total": len(every), "where": desk.archive.where}
    return page(request, "compare.html", title="Comparisons", watch="*", **values)


@router.get("/compare.json")
def compare_json(desk: AnyDesk) -> list[ComparisonRow]:
    """The latest 500 comparisons of policies, the latest first."""
    return [_row(one) for one in comparisons.every(desk)[:MOST]]


@router.get("/compare/runs/{one}/{other}", include_in_schema=False)
def pair_page(one: AnyRun, other: AnyRun, request: Request, desk: AnyDesk) -> Response:
    """Two runs side by side."""
    pair = Pair.of(desk, one, other, request.app.state.published)
    watch = f"{pair.one.row.id} {pair.other.row.id}"
    return page(request, "pair.html", title=f"Runs {pair.one.row.id} and {pair.other.row.id}", watch=watch, pair=pair)


@router.get("/compare/runs/{one}/{other}/curve.json", response_model=PlotFigure)
def pair_json(one: AnyRun, other: AnyRun, desk: AnyDesk) -> Response:
    """Best so far of two runs of one problem in one figure."""
    pair = Pair.of(desk, one, other, True)
    courses = [
        (view.course, f"{view.row.id} ({view.row.config.get('policy', '')})", series(place))
        for place, view in enumerate((pair.one, pair.other))
        if view.course is not None and view.course.steps
    ]
    if not courses:
        return json_answer({"data": [], "layout": {}})
    return json_answer(course_figure(courses, desk.known(pair.one.row.id)))


@router.get("/compare/{comparison_id}", include_in_schema=False)
def comparison_page(comparison_id: AnyComparison, request: Request, desk: AnyDesk) -> Response:
    """One comparison, against its first policy."""
    return _page(request, desk, comparison_id, 0)


@router.get("/compare/{comparison_id}/control/{control}", include_in_schema=False)
def control_page(comparison_id: AnyComparison, control: AnyControl, request: Request, desk: AnyDesk) -> Response:
    """One comparison, against another policy."""
    return _page(request, desk, comparison_id, control)


@router.get("/compare/{comparison_id}/curves.json", response_model=PlotFigure)
def curves_json(comparison_id: AnyComparison, desk: AnyDesk) -> Response:
    """Best so far of each policy of a comparison: median and quartiles over seeds."""
    found = comparisons.one(desk, comparison_id).comparison(0)
    return json_answer(curves_figure(found) if found else {"data": [], "layout": {}})


@router.get("/compare/{comparison_id}/differences/{control}.json", response_model=PlotFigure)
def differences_json(comparison_id: AnyComparison, control: AnyControl, desk: AnyDesk) -> Response:
    """Differences of each policy of a comparison from one of them, by seed, with intervals."""
    found = comparisons.one(desk, comparison_id).comparison(control)
    return json_answer(differences_figure(found) if found else {"data": [], "layout": {}})


def _page(request: Request, desk: Desk, comparison_id: str, control: int) -> Response:
    trials = comparisons.one(desk, comparison_id)
    found = trials.comparison(control)
    if found is None and control:
        raise UsageError(f"comparison {trials.id} has nothing to compare yet", f"Begin at /compare/{trials.id}.")
    values: dict[str, Any] = {
        "trials": trials,
        "found": found,
        "control": control,
        "grids": grids(found) if found else (),
        "sentences": sentences(found) if found else (),
    }
    watch = " ".join(trials.running)
    return page(request, "comparison.html", title=f"Comparison: {trials.title}", watch=watch, **values)


def _row(trials: Trials) -> ComparisonRow:
    return ComparisonRow(
        id=trials.id,
        problem=trials.first.problem,
        started_at=trials.first.started_at,
        policies=list(trials.policies),
        seeds=list(trials.seeds),
        expected=trials.expected,
        ended=trials.ended,
        measured=len(trials.worths),
    )
