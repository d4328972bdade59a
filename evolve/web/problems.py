"""The first page: every problem of the archive, with the best that was found."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from archive.rows import RunSummary
from evolve.core.types import Objective
from evolve.web.board import Entry
from evolve.web.desk import Desk
from evolve.web.page import AnyDesk, page
from evolve.web.spark import Spark, sparkline
from evolve.web.standings import Standings

router = APIRouter()


@dataclass(frozen=True, slots=True)
class ProblemCard:
    """What the first page says of a problem: the newest version that was searched."""

    name: str
    title: str
    objective: Objective | None
    best: Entry | None
    runs: int
    running: int
    programs: int
    evaluations: float
    usd: float
    unpriced: int
    spark: Spark | None


class ProblemRow(BaseModel):
    """A problem as JSON. `gain` is against the best baseline, positive is better; `low` and `high` bound it."""

    problem: str
    title: str
    best_program: str | None
    best_run: str | None
    metric: str | None
    value: float | None
    over: str | None
    gain: float | None
    low: float | None
    high: float | None
    runs: int
    programs: int
    evaluations: float
    usd: float


@router.get("/", include_in_schema=False)
def problems_page(request: Request, desk: AnyDesk) -> Response:
    """The page."""
    return page(request, "problems.html", title="Problems", watch="*", cards=cards(desk), where=desk.archive.where)


@router.get("/problems.json")
def problems_json(desk: AnyDesk) -> list[ProblemRow]:
    """Every problem of the archive with the best program on final."""
    return [_row(card) for card in cards(desk)]


def cards(desk: Desk) -> list[ProblemCard]:
    """The problems, the one that was searched last first."""
    by_problem: dict[str, list[RunSummary]] = defaultdict(list)
    for run in desk.archive.runs():
        by_problem[run.problem].append(run)
    latest = sorted(by_problem, key=lambda name: by_problem[name][-1].started_at, reverse=True)
    return [_card(desk, name, by_problem[name]) for name in latest]


def _card(desk: Desk, name: str, runs: list[RunSummary]) -> ProblemCard:
    standings = Standings(desk, name)
    best = standings.best
    objective = standings.objectives[0] if standings.objectives else None
    return ProblemCard(
        name,
        standings.title,
        standings.shown,
        best,
        len(runs),
        sum(run.status == "running" for run in runs),
        sum(run.programs for run in runs),
        sum(run.evaluations for run in runs),
        sum(run.usd for run in runs),
        sum(run.unpriced for run in runs),
        sparkline(desk, best.run_id if best else runs[-1].id, objective) if objective else None,
    )


def _row(card: ProblemCard) -> ProblemRow:
    best = card.best
    gain = best.gain if best else None
    metric = card.objective.metric if card.objective else None
    return ProblemRow(
        problem=card.name,
        title=card.title,
        best_program=best.program_id if best else None,
        best_run=best.run_id if best else None,
        metric=metric,
        value=_finite(best.metrics.get(metric) if best and metric else None),
        over=gain.over if gain else None,
        gain=_finite(gain.mean if gain else None),
        low=_finite(gain.low if gain else None),
        high=_finite(gain.high if gain else None),
        runs=card.runs,
        programs=card.programs,
        evaluations=card.evaluations,
        usd=card.usd,
    )


def _finite(value: float | None) -> float | None:
    """JSON has neither infinities nor not-a-number."""
    return value if value is not None and abs(value) < float("inf") else None
