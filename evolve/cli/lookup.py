"""From what people type (`best`, `last`, a prefix) to rows of the archive and the problem they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolve.core.config import OBJECTIVES
from evolve.core.errors import ProblemError, UsageError
from evolve.picture import front_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.rows import ProgramRow, RunRow
    from archive.store import Archive
    from evolve.core.types import Objective, Record
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
    problem = problem_now(run)
    if problem.version != run.problem_version:
        raise ProblemError(
            f"{run.problem} has changed since run {run.id}: scores of the two versions can not be compared",
            "Restore the problem's files as they were, or run it anew.",
        )
    return problem


def problem_now(run: RunRow) -> Problem:
    """The problem of a run, whether or not it has changed since. Raises as `find_problem` does."""
    from evolve.beginning import find_problem

    return find_problem(run.problem, run.config.get("folder"))


@dataclass(frozen=True, slots=True)
class Found:
    """A program with the run in which it was found, and the problem as it is now."""

    row: ProgramRow
    run: RunRow
    problem: Problem

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Those by which the run searched."""
        return objectives_of(self.run, self.problem)

    @property
    def changed(self) -> bool:
        """True where the problem has changed since: scores compare with those of its version alone."""
        return self.problem.version != self.run.problem_version


CHANGED = "the problem has changed since: these scores compare with those of its old version alone"


def objectives_of(run: RunRow, problem: Problem) -> tuple[Objective, ...]:
    """The objectives of a run as they were stored with it; of one that lacks them, those of the problem."""
    from evolve.core.types import Objective

    stored = run.config.get(OBJECTIVES)
    return problem.objectives if stored is None else tuple(Objective(**one) for one in stored)


def find_program(archive: Archive, name: str) -> Found:
    """The program `name`: an id, a prefix, or 'best' (of the last run). Raises UsageError with the nearest."""
    if name == BEST:
        run = archive.run("last")
        problem = problem_now(run)
        best = best_of(archive, run, problem)
        return Found(archive.program(best, run.id), run, problem)
    row = archive.program(name)
    run = archive.run(row.run_id)
    return Found(row, run, problem_now(run))


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
    objectives = objectives_of(run, problem)
    front = front_of((record for record in records if _told(record, objectives)), objectives)
    given = {record.program_id for record in records if record.ticket.operator == "start"}
    front.sort(key=lambda program: program.program_id in given)  # stable: the order stays otherwise
    if not front:
        raise UsageError(
            f"run {run.id} has found no program yet",
            f"Continue it with evolve run --resume {run.id}, or name a program.",
        )
    return front[0].program_id


def _told(record: Record, objectives: Sequence[Objective]) -> bool:
    """False for a promotion by other metrics: of an older run whose objectives were not stored, when they change."""
    return record.promotion is None or all(one.metric in record.promotion.metrics for one in objectives)


def expand_program(where: str, name: str) -> str:
    """The full id of the program `name` in the archive at `where`."""
    with open_archive(where) as archive:
        return find_program(archive, name).row.program_id
