"""The program that a page is about: one of the archive, or a seed or baseline that a run only knew."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from archive.rows import ProgramRow, RunRow
from evolve.core.errors import UsageError
from evolve.core.types import Source, Status
from evolve.web.desk import STRANGE, Desk

_ID = re.compile("[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class Subject:
    """A program with the latest run that has it.

    `name` is that of a seed or baseline, else empty. `row` is what the run has on record, None of one that no record
    brought; `known` are the metrics on train of a seed or baseline.
    """

    program_id: str
    name: str
    source: Source
    run: RunRow
    row: ProgramRow | None
    known: Mapping[str, float]

    @property
    def metrics(self) -> Mapping[str, float]:
        """Metrics on train: those on record, else those of the beginning of the run."""
        return self.row.verdict.metrics if self.row and self.row.verdict.metrics else self.known

    @property
    def title(self) -> str:
        """How it is called in a line."""
        return f"{self.name} ({self.program_id[:10]})" if self.name else self.program_id[:10]


def subject_of(desk: Desk, name: str) -> Subject:
    """The program whose id `name` is or begins. Raises UsageError where there is none, or more than one."""
    if not _ID.fullmatch(name):
        raise UsageError(f"no program {name[:80]!r} in the archive", "Ids of programs are digits and letters a to f.")
    try:
        row = desk.archive.program(name)
    except UsageError:
        found = desk.known_program(name)
        if found is None:
            raise
        return _known_alone(desk, name, *found)
    run = desk.archive.run(row.run_id)
    said, metrics = "", {}
    known = desk.known(run.id)
    for one in known.programs if known else ():
        if one.program_id == row.program_id:
            said, metrics = one.name, dict(one.metrics)
    return Subject(row.program_id, said, row.source, run, row, metrics)


def _known_alone(desk: Desk, begins: str, name: str, source: Source, run_id: str) -> Subject:
    known = desk.known(run_id)
    one = next(one for one in known.programs if one.program_id.startswith(begins)) if known else None
    if one is None:
        raise UsageError(f"no program {begins!r} in the archive", "Begin at the list of problems.")
    return Subject(one.program_id, name, source, desk.archive.run(run_id), None, one.metrics)


def is_final_champion(metrics: Mapping[str, float]) -> bool:
    """Whether others were compared with this program on final: it alone is ahead of itself by nothing, surely."""
    return metrics.get("ahead") == metrics.get("ahead_low") == metrics.get("ahead_high") == 0.0


def champion_of(desk: Desk, run: RunRow) -> str | None:
    """The best program of a run by the first objective, None where there is none.

    It is what the run chose at its end, or compared with others on final, else its last improvement that no later
    record refuted.
    """
    from evolve.choice import CHOICE_EVENT

    for _, said in reversed(desk.archive.happened(run.id, [CHOICE_EVENT])):
        with suppress(*STRANGE, UsageError):
            return desk.program(said["program"]["program_id"], run).program_id
    known = desk.known(run.id)
    names = {one.program_id for one in known.programs} if known else set()
    for finals in desk.openings(run)[-1:]:
        for program_id, metrics in finals.items():
            if program_id not in names and is_final_champion(metrics):
                return program_id
    for one in reversed(desk.archive.improvements(run.id)):
        row = desk.archive.program(one.program_id, run.id)
        refused = row.promotion is not None and not row.promotion.accepted
        if row.verdict.status is Status.OK and not refused:
            return one.program_id
    return None
