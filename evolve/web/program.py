"""The page of a program: its code, its scores, where it came from, and who made it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from archive.rows import ProgramRow
from evolve.core.config import UNSANDBOXED
from evolve.core.types import Objective
from evolve.display.descent import gains, shown_along, step_words
from evolve.display.facts import NOT_ISOLATED
from evolve.display.program import is_own, proof_words, proposer
from evolve.display.tables import gain_text
from evolve.display.text import metric_text
from evolve.sandboxing import CONFINEMENT, SANDBOX
from evolve.web.board import COMPARED, Entry, entries, widened
from evolve.web.desk import Desk, board_address, objectives, places_of
from evolve.web.highlighting import MOST_CHARACTERS, highlighted, suffix_of
from evolve.web.instances import MOST_POINTS, instances_of
from evolve.web.page import AnyDesk, page
from evolve.web.subject import Subject, champion_of, is_final_champion, subject_of

MOST_STEPS = 40
MOST_INSTANCES = 300
MOST_OTHERS = 50
MOST_MESSAGE = 20_000
MOST_REPLIES = 20
MOST_FILES = 20
router = APIRouter()


@dataclass(frozen=True, slots=True)
class File:
    """A file of the program: `position` counts from 1, lines are HTML."""

    position: int
    name: str
    lines: Sequence[Markup]
    cut: bool
    address: str
    download: str


@dataclass(frozen=True, slots=True)
class Step:
    """A program of the line of descent in words."""

    row: ProgramRow
    score: str
    second: str
    gain: str
    how: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """By how much the program is better than another one on final; the interval holds for all openings together."""

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Final:
    """What the final set said of a program."""

    entry: Entry
    openings: int
    ahead: Sequence[Ahead]


@router.get("/programs/{program}", include_in_schema=False)
def program_page(program: str, request: Request, desk: AnyDesk) -> Response:
    """The page; the beginning of an id leads to the whole one."""
    subject = subject_of(desk, program)
    if subject.program_id != program:
        return RedirectResponse(f"/programs/{subject.program_id}", 302)
    row, run = subject.row, subject.run
    champion = champion_of(desk, run)
    places = places_of(run, desk.archive.happened(run.id, (SANDBOX, CONFINEMENT)))
    made = desk.archive.record(run.id, row.number) if row else None
    results = row.verdict.results if row else ()
    replies = desk.archive.replies_of(run.id, row.ticket.number) if row and row.ticket.model else []
    steps, shown = _steps(desk, subject)
    others = [found for found in desk.archive.runs_with(subject.program_id) if found[0] != run.id]
    return page(
        request,
        "program.html",
        title=f"Program {subject.title}",
        watch=run.id if run.status.value != "ended" else "",
        subject=subject,
        row=row,
        run=run,
        board=board_address(run.problem, run.problem_version),
        maker=proposer(row) if row else "",
        proof=proof_words(row.promotion) if row else "",
        own={name: value for name, value in subject.metrics.items() if is_own(name)},
        final=_final(desk, subject),
        unsafe=": ".join(NOT_ISOLATED) if any(one.get("sandbox") == UNSANDBOXED for one in places) else "",
        sandboxes=[name for name, _ in groupby(str(one["sandbox"]) for one in places if "sandbox" in one)],
        cost=made.candidate.cost if made and made.candidate else None,
        evaluations=made.evaluations if made else None,
        cpu_seconds=sum(one.cpu_seconds for one in results),
        wall_seconds=sum(one.wall_seconds for one in results),
        peak_bytes=max((one.peak_bytes for one in results), default=0),
        files=_files(subject),
        most_characters=MOST_CHARACTERS,
        rivals=_rivals(desk, subject, champion),
        instances=instances_of(desk, subject, champion),
        most_instances=MOST_INSTANCES,
        most_points=MOST_POINTS,
        most_steps=MOST_STEPS,
        most_message=MOST_MESSAGE,
        steps=steps,
        shown=shown,
        replies=replies[:MOST_REPLIES],
        more_replies=max(0, len(replies) - MOST_REPLIES),
        equivalents=desk.archive.equivalent_programs(subject.program_id, MOST_OTHERS),
        others=others[-MOST_OTHERS:][::-1],
        more_others=max(0, len(others) - MOST_OTHERS),
        champion=champion,
        objectives=objectives(run),
    )


def _files(subject: Subject) -> list[File]:
    several = len(subject.source.files) > 1
    rows = []
    for position, (name, text) in enumerate([*subject.source.files.items()][:MOST_FILES], 1):
        shown = highlighted(name, text)
        here = f"/programs/{subject.program_id}"
        address = f"{here}/files/{position}.txt" if several else f"{here}/source.txt"
        # What a download is called is not left to who named the file.
        download = f"{subject.program_id[:10]}{f'-{position}' if several else ''}{suffix_of(name)}"
        rows.append(File(position, name, shown.lines, shown.cut, address, download))
    return rows


def _rivals(desk: Desk, subject: Subject, champion: str | None) -> list[tuple[str, str]]:
    """What the program can be put beside: words and ids, its parents first."""
    known = desk.known(subject.run.id)
    rows = {one.program_id: one.name for one in known.programs} if known else {}
    if champion:
        rows = {champion: f"champion {champion[:10]}"} | rows
    rows = {one: f"parent {one[:10]}" for one in (subject.row.parents if subject.row else ())} | rows
    return [(words, one) for one, words in rows.items() if one != subject.program_id]


def _final(desk: Desk, subject: Subject) -> Final | None:
    run, wanted = subject.run, objectives(subject.run)
    finals = next((one for one in reversed(desk.openings(run)) if subject.program_id in one), None)
    if finals is None or not wanted:
        return None
    openings = desk.archive.final_openings(run.problem_version)
    known = desk.known(run.id)
    rows = entries(run, known, finals, wanted, openings)
    entry = next(one for one in rows if one.program_id == subject.program_id)
    names = {one.program_id: one.name for one in known.programs} if known else {}
    ahead = _ahead(finals, names, subject.program_id, openings) if is_final_champion(finals[subject.program_id]) else []
    return Final(entry, openings, ahead)


def _ahead(finals: Mapping[str, Mapping[str, float]], names: Mapping[str, str], own: str, openings: int) -> list[Ahead]:
    rows = []
    for program_id, row in finals.items():
        if program_id != own and row.keys() >= COMPARED and math.isfinite(row["groups"]):
            mean = row["ahead"]
            low, high = widened(mean, row["ahead_low"], row["ahead_high"], int(row["groups"]), openings)
            rows.append(Ahead(names.get(program_id, program_id[:10]), mean, low, high))
    return sorted(rows, key=lambda one: one.mean)


def _steps(desk: Desk, subject: Subject) -> tuple[list[Step], str]:
    """The line of descent, the program itself last (of a long one its end), and the metric shown."""
    wanted: Sequence[Objective] = objectives(subject.run)
    if subject.row is None or not wanted:
        return [], ""
    line, seen = [subject.row], {subject.program_id}
    # Each step is a question to the archive, and a chain may have thousands.
    while len(line) < MOST_STEPS and line[-1].parents and line[-1].parents[0] not in seen:
        seen.add(line[-1].parents[0])
        line.append(desk.archive.program(line[-1].parents[0], subject.run.id))
    line.reverse()
    metric = shown_along(line, wanted).metric
    second = wanted[1].metric if len(wanted) > 1 else ""
    rows = []
    for row, gain in zip(line, gains(line, wanted), strict=True):
        metrics = row.verdict.metrics
        cost = metric_text("", metrics.get(second)) if second else ""
        rows.append(Step(row, metric_text(metric, metrics.get(metric)), cost, gain_text(metric, gain), step_words(row)))
    return rows, metric
