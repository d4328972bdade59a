"""The list of runs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from archive.rows import RunSummary
from evolve.core.config import UNSANDBOXED
from evolve.display.run_facts import paid_text
from evolve.display.text import clock
from evolve.web.page import AnyDesk, page

MOST = 2_000
"""The list shows so many, the latest."""
router = APIRouter()


class RunLine(BaseModel):
    """A run as JSON. `status` is running, ended or interrupted; `usd` the sum of what is known to have been paid, and
    the price of `unpriced` replies is not known."""

    id: str
    problem: str
    started_at: str
    ended_at: str | None
    status: str
    stop_reason: str | None
    proposals: int
    evaluations: float
    programs: int
    seconds: float
    replies: int
    tokens: int
    usd: float
    unpriced: int


@router.get("/runs", include_in_schema=False)
def runs_page(request: Request, desk: AnyDesk) -> Response:
    """The page, the latest first."""
    every = desk.archive.runs()
    rows = every[: -MOST - 1 : -1]
    values: dict[str, Any] = {
        "rows": [(row, paid_text(row), clock(row.seconds), UNSANDBOXED in row.sandboxes) for row in rows],
        "problems": sorted({row.problem for row in rows}),
        "statuses": sorted({row.stop_reason or row.status.value for row in rows}),
        "total": len(every),
        "paid": any(row.replies for row in rows),
        "where": desk.archive.where,
    }
    return page(request, "runs.html", title="Runs", watch="*", **values)


@router.get("/runs.json")
def runs_json(desk: AnyDesk) -> list[RunLine]:
    """The latest 2,000 runs, the latest first."""
    return [_line(row) for row in desk.archive.runs()[: -MOST - 1 : -1]]


def _line(row: RunSummary) -> RunLine:
    return RunLine(
        id=row.id,
        problem=row.problem,
        started_at=row.started_at,
        ended_at=row.ended_at,
        status=row.status.value,
        stop_reason=row.stop_reason,
        proposals=row.proposals,
        evaluations=row.evaluations,
        programs=row.programs,
        seconds=row.seconds,
        replies=row.replies,
        tokens=row.tokens,
        usd=row.usd,
        unpriced=row.unpriced,
    )
