"""Two programs side by side."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from evolve.web.difference import MOST_LINES, Difference, difference
from evolve.web.page import AnyDesk, page
from evolve.web.subject import subject_of

MOST_FILES = 20
router = APIRouter()


@dataclass(frozen=True, slots=True)
class FileDifference:
    """What changed in one file; `only` names the side that alone has it."""

    name: str
    only: str
    difference: Difference


@router.get("/programs/{program}/diff", include_in_schema=False)
def find_diff(program: str, desk: AnyDesk, other: str = "") -> Response:
    """Where the form of the page leads: to the difference from another program, by its id or the beginning of it."""
    subject, rival = subject_of(desk, program), subject_of(desk, other.strip().lower())
    return RedirectResponse(f"/programs/{subject.program_id}/diff/{rival.program_id}", 303)


@router.get("/programs/{program}/diff/{other}", include_in_schema=False)
def diff_page(program: str, other: str, request: Request, desk: AnyDesk) -> Response:
    """What changed from `other` to `program`."""
    subject, rival = subject_of(desk, program), subject_of(desk, other)
    if (subject.program_id, rival.program_id) != (program, other):
        return RedirectResponse(f"/programs/{subject.program_id}/diff/{rival.program_id}", 302)
    new, old = subject.source.files, rival.source.files
    names = list(dict.fromkeys([*new, *old]))
    changed = [name for name in names if old.get(name) != new.get(name)]
    files = [
        FileDifference(
            name,
            "" if name in old and name in new else ("new" if name in new else "old"),
            difference(old.get(name, ""), new.get(name, "")),
        )
        for name in changed[:MOST_FILES]
    ]
    return page(
        request,
        "diff.html",
        title=f"From {rival.title} to {subject.title}",
        subject=subject,
        rival=rival,
        files=files,
        several=len(names) > 1,
        left_out=len(changed) - len(files),
        most_lines=MOST_LINES,
    )
