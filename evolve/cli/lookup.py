"""From what people type (`best`, `last`, a prefix) to rows of the archive and the problem they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolve.core.errors import ProblemError, UsageError
from evolve.picture import front_of

if TYPE_CHECKING:
    from archive.rows import ProgramRow, RunRow
    from archive.store import Archive
    from evolve.problem import Problem

BEST = "best"


def open_archive(where: str | None) -> Archive:
    """The archive that the command line names, for reading. Raises ArchiveError where there is none."""
    from archive.store import Archive
    from evolve.core.config import default_archive

    return Archive.open(default_archive(where), create=False)


def expand_run(where: str, name: str) -> str:
    """The full id of the run `name` (a prefix, or 'last') in the archive at `where`."""
    with open_archive(where) as archive:
        return archive.run(name).id


def problem_of(run: RunRow) -> Problem:
    """The problem of a run, as it is now.

    Raises:
        UsageError, ProblemError: it can not be found or loaded, or has changed since the run, so that
            its scores can not be compared any more.
    """
    from evolve.beginning import find_problem

    problem = find_problem(run.problem, run.config.get("folder"))
    if problem.version != run.problem_version:
        raise ProblemError(
            f"{run.problem} has changed since run {run.id}: scores of the two versions can not be compared",
            "Restore the problem's files as they were, or run it anew.",
        )
    return problem


@dataclass(frozen=True, slots=True)
class Found:
    """A program with the run and the problem in which it was found."""

    row: ProgramRow
    run: RunRow
    problem: Problem


def find_program(archive: Archive, name: str) -> Found:
    """The program `name`: an id, a prefix, or 'best' (of the last run). Raises UsageError with the nearest."""
    if name == BEST:
        run = archive.run("last")
        problem = problem_of(run)
        best = best_of(archive, run, problem)
        return Found(archive.program(best, run.id), run, problem)
    row = archive.program(name)
    run = archive.run(row.run_id)
    return Found(row, run, problem_of(run))


def best_of(archive: Archive, run: RunRow, problem: Problem) -> str:
    """Id of the best program that the run found: with two objectives, the front's best in the first one.

    A start program is the answer only where nothing else is on the front. Where the run ended by choosing among scores
    that are stochastic, the answer is what it chose.
    """
    from evolve.choice import CHOICE_EVENT

    chosen = next((said for kind, said in reversed(archive.events(run.id)) if kind == CHOICE_EVENT), None)
    if chosen is not None:
        return str(chosen["program"]["program_id"])
    records = list(archive.records(run.id))
    front = front_of(records, problem.objectives)
    given = {record.program_id for record in records if record.ticket.operator == "start"}
    front.sort(key=lambda program: program.program_id in given)  # stable: the order stays otherwise
    if not front:
        raise UsageError(
            f"run {run.id} has found no program yet",
            f"Continue it with evolve run --resume {run.id}, or name a program.",
        )
    return front[0].program_id


def expand_program(where: str, name: str) -> str:
    """The full id of the program `name` in the archive at `where`."""
    with open_archive(where) as archive:
        return find_program(archive, name).row.program_id
