"""The front of a problem: any two metrics against each other, with what was known before."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from evolve.web.cloud import MOST_RUNS, Cloud
from evolve.web.desk import problem_name
from evolve.web.page import AnyDesk, json_answer, page
from evolve.web.standings import Standings

router = APIRouter()
AnySlug = Annotated[str, Path(pattern=r"^[^\x00]{1,200}$", description="A problem's name, with ~ for each slash.")]
AnyVersion = Annotated[str, Path(pattern="^[0-9A-Za-z]{1,64}$", description="A version of it, or its beginning.")]
LETTERS = 60


class Columns(BaseModel):
    """Points by column: `kinds` are found, refused (by the gate), baseline and seed; `names` are of what was known.

    `values` holds each metric's value on train for each point, null where there is none. `directions` says in which
    direction an objective is better, `axes` which metrics are drawn at first, across and up. Of `total` programs with a
    score `shown` are here. In published files `pages` are the addresses of their pages, null where there is none.
    """

    metrics: list[str]
    directions: dict[str, str]
    axes: list[str]
    kinds: list[str]
    programs: list[str]
    runs: list[str]
    names: list[str]
    values: dict[str, list[float | None]]
    total: int
    shown: int
    pages: list[str | None] | None = None


@router.get("/problems/{problem}/{version}/pareto", include_in_schema=False)
def pareto_page(problem: AnySlug, version: AnyVersion, request: Request, desk: AnyDesk) -> Response:
    """The page."""
    standings = Standings(desk, problem_name(problem), version)
    if version != standings.version:
        return RedirectResponse(f"{standings.address}/pareto", 307)
    cloud = Cloud(desk, standings)
    axes = cloud.axes
    values: dict[str, Any] = {
        "base": standings.address,
        "standings": standings,
        "cloud": cloud,
        "axes": axes,
        "front": cloud.front(),
        "runs": min(len(standings.runs), MOST_RUNS),
    }
    watch = " ".join(run.id for run in standings.runs if run.ended_at is None)
    return page(request, "pareto.html", title=f"Front: {standings.title}", watch=watch, **values)


@router.get("/problems/{problem}/{version}/pareto.json", response_model=Columns)
def pareto_json(problem: AnySlug, version: AnyVersion, request: Request, desk: AnyDesk) -> Response:
    """Programs of one version of a problem with their metrics on train: at most 5,000 that were found."""
    cloud = Cloud(desk, Standings(desk, problem_name(problem), version))
    points = cloud.points
    columns = {
        "metrics": cloud.metrics,
        "directions": {one.metric: one.direction for one in cloud.standings.objectives},
        "axes": [one.metric for one in cloud.axes or ()],
        "kinds": [one.kind for one in points],
        "programs": [one.program_id for one in points],
        "runs": [one.run_id for one in points],
        "names": [one.name[:LETTERS] for one in points],
        "values": {name: [one.metrics.get(name) for one in points] for name in cloud.metrics},
        "total": cloud.total,
        "shown": cloud.shown,
        "pages": [f"/programs/{one.program_id}" for one in points] if request.app.state.published else None,
    }
    return json_answer(columns)
