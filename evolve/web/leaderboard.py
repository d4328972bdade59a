"""The leaderboard of a problem: what was found beside what was known, on the same final instances."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from archive.rows import RunRow
from evolve.core.errors import UsageError
from evolve.display.program import gate_status
from evolve.web.badge import badge
from evolve.web.board import Entry, dominators
from evolve.web.desk import Desk, problem_name
from evolve.web.page import AnyDesk, page
from evolve.web.standings import Standings

router = APIRouter()
FORMULA = "=+-@\t\r"
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How a program came about: what the leaderboard says beside its score."""

    idea: str
    operator: str
    model: str | None
    gate: str
    gate_reason: str
    characters: int
    cpu_seconds: float | None
    evaluations: float | None
    started_at: str


class BoardRow(BaseModel):
    """A row as JSON and CSV. Values are those of final where `on_final` is true, and those of train elsewhere.

    `gain` is by how much a found program is better than the baseline `over` in the first objective; `low` and `high`
    bound it with 95 % after `openings` looks at the final set, and are null where the comparison is `exact`, by proofs.
    `beyond_doubt` is 1 where it is better beyond doubt, -1 where it is worse, and 0 where neither can be said.
    `characters` is the size of the program's text, `cpu_seconds` the mean of its instances on train, `evaluations` what
    its run had spent when it was found, `usd` what the models of its run have taken.
    """

    rank: int | None
    kind: str
    name: str
    program: str
    run: str | None
    on_final: bool
    metrics: dict[str, float | None]
    groups: int | None
    openings: int
    over: str | None
    gain: float | None
    low: float | None
    high: float | None
    exact: bool
    beyond_doubt: int
    gate: str | None
    characters: int | None
    cpu_seconds: float | None
    operator: str | None
    model: str | None
    idea: str | None
    evaluations: float | None
    usd: float | None
    date: str | None


class Board(BaseModel):
    """A leaderboard: the problem's version, its objectives and the rows, best first."""

    problem: str
    title: str
    version: str
    objectives: list[tuple[str, str]]
    openings: int
    rows: list[BoardRow]


@router.get("/problems/{slug}", include_in_schema=False)
def latest(slug: str, request: Request, desk: AnyDesk) -> Response:
    """The leaderboard of the newest version."""
    return _page(request, desk, Standings(desk, problem_name(slug)))


@router.get("/problems/{slug}/{version}", include_in_schema=False)
def leaderboard(slug: str, version: str, request: Request, desk: AnyDesk) -> Response:
    """The leaderboard of one version."""
    standings = Standings(desk, problem_name(slug), version)
    if version != standings.version:
        return RedirectResponse(standings.address, 307)
    return _page(request, desk, standings)


@router.get("/problems/{slug}/{version}/board.json")
def board_json(slug: str, version: str, desk: AnyDesk) -> Board:
    """The leaderboard of one version of a problem."""
    standings = Standings(desk, problem_name(slug), version)
    return Board(
        problem=standings.problem,
        title=standings.title,
        version=standings.version,
        objectives=[(one.metric, one.direction) for one in standings.objectives],
        openings=standings.openings,
        rows=board_rows(desk, standings),
    )


@router.get("/problems/{slug}/{version}/board.csv", response_class=Response)
def board_csv(slug: str, version: str, desk: AnyDesk) -> Response:
    """The same rows as CSV; a column for each metric."""
    standings = Standings(desk, problem_name(slug), version)
    rows = board_rows(desk, standings)
    metrics = sorted({name for row in rows for name in row.metrics})
    fields = [name for name in BoardRow.model_fields if name != "metrics"]
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow([*fields, *map(_cell, metrics)])
    for row in rows:
        table.writerow([_cell(getattr(row, name)) for name in fields] + [row.metrics.get(name, "") for name in metrics])
    return Response(out.getvalue().encode("utf-8", "replace"), media_type="text/csv; charset=utf-8")


@router.get("/problems/{slug}/{version}/badge.svg", response_class=Response)
def badge_svg(slug: str, version: str, desk: AnyDesk) -> Response:
    """A badge: the best program's score on final and its gain."""
    standings = Standings(desk, problem_name(slug), version)
    best = standings.best
    words = "nothing on final yet"
    if best is not None and standings.shown is not None:
        metric = standings.shown.metric
        gain = f", {best.gain.mean:+.3g}" if best.gain else ""
        words = f"{metric.replace('_', ' ')} {best.metrics[metric]:.4g}{gain}"
    return Response(badge("evolve", words), media_type="image/svg+xml")


def board_rows(desk: Desk, standings: Standings) -> list[BoardRow]:
    """All rows. A rank is one more than the number of rows on final that are better, the floor left out."""
    usd = {run.id: run.usd for run in desk.archive.runs(standings.problem) if run.replies}
    runs = {run.id: run for run in standings.runs}
    better = dominators(standings.rows, standings.objectives)
    return [
        _row(desk, standings, entry, _rank(entry, count), runs[entry.run_id], usd.get(entry.run_id))
        for entry, count in zip(standings.rows, better, strict=True)
    ]


def _rank(entry: Entry, better: float) -> int | None:
    return 1 + int(better) if math.isfinite(better) and entry.kind != "floor" else None


def _row(desk: Desk, standings: Standings, entry: Entry, rank: int | None, run: RunRow, usd: float | None) -> BoardRow:
    gain = entry.gain
    finding = _finding(desk, entry, run) if entry.kind == "found" else None
    groups = _finite(entry.metrics.get("groups"))
    return BoardRow(
        rank=rank,
        kind=entry.kind,
        name=entry.name,
        program=entry.program_id,
        run=entry.run_id if finding else None,
        on_final=entry.on_final,
        metrics={name: _finite(value) for name, value in entry.value.items()},
        groups=int(groups) if groups is not None else None,
        openings=standings.openings,
        over=gain.over if gain else None,
        gain=_finite(gain.mean) if gain else None,
        low=_finite(gain.low) if gain else None,
        high=_finite(gain.high) if gain else None,
        exact=gain is not None and gain.exact,
        beyond_doubt=gain.beyond_doubt if gain else 0,
        gate=finding.gate if finding else None,
        characters=finding.characters if finding else desk.characters(entry.run_id, entry.program_id),
        cpu_seconds=finding.cpu_seconds if finding else None,
        operator=finding.operator if finding else None,
        model=finding.model if finding else None,
        idea=finding.idea if finding else None,
        evaluations=finding.evaluations if finding else None,
        usd=usd if finding else None,
        date=finding.started_at if finding else None,
    )


def _finding(desk: Desk, entry: Entry, run: RunRow) -> Finding | None:
    """What the archive knows of a found program; None for one that its run does not have."""
    try:
        row = desk.program(entry.program_id, run)
    except UsageError:
        return None
    costs = [one.cpu_seconds for one in row.verdict.results if one.cpu_seconds]
    spent = [one for one in desk.archive.improvements(entry.run_id) if one.number <= row.number]
    gate, reason = gate_status(row.promotion), row.promotion.reason if row.promotion else ""
    return Finding(
        row.idea,
        row.ticket.operator,
        row.ticket.model,
        gate,
        reason,
        sum(map(len, row.source.files.values())),
        sum(costs) / len(costs) if costs else None,
        spent[-1].evaluations if spent and spent[-1].number == row.number else desk.evaluations(run.id, row.number),
        run.started_at,
    )


def _page(request: Request, desk: Desk, standings: Standings) -> Response:
    rows = board_rows(desk, standings)
    return page(
        request,
        "leaderboard.html",
        title=f"{standings.title}: leaderboard",
        watch="*",
        standings=standings,
        rows=rows,
        objectives=standings.objectives,
        extra=standings.shown.metric if standings.shown and standings.shown not in standings.objectives else None,
        base=standings.address,
        running=[run for run in standings.runs if run.status == "running"],
    )


def _cell(value: object) -> object:
    """A text as no spreadsheet reads it as a formula: what programs are called comes from outside."""
    if isinstance(value, str) and value[:1] and value[0] in FORMULA:
        return f"'{value}"
    return "" if value is None else value


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
