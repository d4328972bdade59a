"""The final check where the score is a time: everyone is measured afresh on instances that the search never saw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from evaluators.timed_verdicts import HIGH, LOW, RATIO, Timed
from evolve.core.errors import ProblemError
from evolve.core.types import Split
from evolve.engine.base import Engine, Task
from evolve.final import Entrant, FinalReport, Metrics


async def compare_times_on_final(
    engine: Engine, champion: Entrant, known: Sequence[Entrant], progress: Callable[[int, int], None]
) -> FinalReport:
    """Time everyone against the reference on final, with all pairs.

    `ahead` is the difference of two ratios. Both have an interval of 95 %, and `ahead_low` and `ahead_high` are as far
    apart as these allow: as their errors are independent, that is wider than 95 % needs.

    Raises:
        ProblemError: a known program fails there: then the problem is wrong, not the champion.
    """
    groups: list[str] = await engine.run(Task("groups", (Split.FINAL,)))
    entrants = [champion, *(one for one in known if one.program_id != champion.program_id)]
    done = 0

    async def timed(one: Entrant) -> Timed:
        nonlocal done
        found: Timed = await engine.run(Task("final_times", (one.source,)))
        done += 1
        progress(done, len(entrants))
        return found

    answers = await asyncio.gather(*map(timed, entrants))
    for one, found in zip(entrants, answers, strict=True):
        if found.status.scored:
            continue
        if one is champion:
            return FinalReport({}, f"{found.status} on final: {found.feedback}")
        raise ProblemError(f"{one.name} is {found.status} on final: {found.feedback}", "Mend it; scores need it there.")
    best, count = answers[0].metrics, float(len(set(groups)))
    rows = {one.program_id: _row(found.metrics, best, count) for one, found in zip(entrants, answers, strict=True)}
    return FinalReport(rows)


async def with_times(engine: Engine, report: FinalReport, champion: Entrant, known: Sequence[Entrant]) -> FinalReport:
    """The report of scores with the times of everyone on final, which are the second objective: one after the other.

    Raises:
        ProblemError: a known program fails while it is timed.
    """
    rows = {key: dict(row) for key, row in report.results.items()}
    for one in [champion, *(one for one in known if one.program_id != champion.program_id)]:
        found: Timed = await engine.run(Task("times", (one.source,)))
        if not found.status.scored:
            message = f"{found.status} while it was timed on final: {found.feedback}"
            if one is champion:
                return FinalReport({key: row for key, row in rows.items() if key != champion.program_id}, message)
            raise ProblemError(f"{one.name} is {message}", "Mend it; times need it there.")
        rows[one.program_id] |= found.metrics
    return FinalReport(rows)


def _row(own: Metrics, best: Metrics, groups: float) -> Metrics:
    ahead, low, high = own[RATIO] - best[RATIO], own[LOW] - best[HIGH], own[HIGH] - best[LOW]
    if own is best:
        low = high = 0.0
    return {**own, "groups": groups, "ahead": ahead, "ahead_low": low, "ahead_high": high}
