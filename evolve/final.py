"""The final check: instances that the search never saw, opened once, when a run has ended.

Programs of exact problems are checked exhaustively. For sampled problems the champion is compared with seed,
baselines and the physical minimum on the same instances; a driven champion is replayed strictly on each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.statistics import mean_interval
from evolve.core.errors import ProblemError
from evolve.core.types import Objective, Source, Split, Status
from evolve.engine.base import Engine, Task

FLOOR = "floor"
"""The name under which the physical minimum stands among the results."""

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Entrant:
    """A program on final: its name for messages, its id and its text. `strictly` for a champion that is driven."""

    name: str
    program_id: str
    source: Source
    strictly: bool = False


@dataclass(frozen=True)
class FinalReport:
    """Metrics by program id; `failure` says why the champion has none.

    Each has the mean over groups of every metric and `groups`, and, against the champion, `ahead` (how much better the
    champion's first objective is) with `ahead_low` and `ahead_high`, the 95 % interval over groups. Where groups have
    kinds ("generated/zipf-1"), the same again for each kind, as "generated/ahead".
    """

    results: Mapping[str, Metrics]
    failure: str = ""


async def compare_on_final(
    engine: Engine,
    objective: Objective,
    champion: Entrant,
    known: Sequence[Entrant],
    progress: Callable[[int, int], None],
) -> FinalReport:
    """Run everyone on every instance of final.

    Raises:
        ProblemError: a known program fails there: then the problem is wrong, not the champion.
    """
    groups: list[str] = await engine.run(Task("groups", (Split.FINAL,)))
    entrants = [champion, *(one for one in known if one.program_id != champion.program_id)]
    total, done = len(groups) * (len(entrants) + 1), 0

    async def run(task: Task) -> Any:
        nonlocal done
        answer = await engine.run(task)
        done += 1
        progress(done, total)
        return answer

    places = range(len(groups))
    floors = asyncio.gather(*(run(Task("floor", (Split.FINAL, place), place)) for place in places))
    answers = [
        asyncio.gather(*(run(Task("final", (one.source, place, one.strictly), place)) for place in places))
        for one in entrants
    ]
    tables: dict[str, list[Metrics]] = {}
    for one, answer in zip(entrants, answers, strict=True):
        runs = await answer
        failed = next(((status, text) for status, _, text in runs if status is not Status.OK), None)
        if failed and one is champion:
            await asyncio.gather(floors, *answers)
            return FinalReport({}, f"{failed[0]} on final: {failed[1]}")
        if failed:
            raise ProblemError(f"{one.name} is {failed[0]} on final: {failed[1]}", "Mend it; scores need it there.")
        tables[one.program_id] = [metrics for _, metrics, _ in runs]
    lowest = await floors
    if all(floor is not None for floor in lowest):
        tables[FLOOR] = lowest
    return FinalReport(
        {key: _row(groups, table, tables[champion.program_id], objective) for key, table in tables.items()}
    )


def _row(groups: Sequence[str], table: Sequence[Metrics], best: Sequence[Metrics], objective: Objective) -> Metrics:
    row = dict(_figures(groups, table, best, objective))
    kinds = [group.partition("/")[0] if "/" in group else "" for group in groups]
    if len(set(kinds)) > 1:
        for kind in dict.fromkeys(filter(None, kinds)):
            own = [place for place, other in enumerate(kinds) if other == kind]
            part = _figures([groups[i] for i in own], [table[i] for i in own], [best[i] for i in own], objective)
            row |= {f"{kind}/{name}": value for name, value in part.items()}
    return row


def _figures(groups: Sequence[str], table: Sequence[Metrics], best: Sequence[Metrics], objective: Objective) -> Metrics:
    figures = {name: mean_interval(groups, [m[name] for m in table]).mean for name in table[0]}
    costs = [objective.cost(metrics[objective.metric]) for metrics in table]
    ahead = [cost - objective.cost(metrics[objective.metric]) for cost, metrics in zip(costs, best, strict=True)]
    interval = mean_interval(groups, ahead)
    figures |= {"groups": float(interval.groups), "ahead": interval.mean}
    return figures | {"ahead_low": interval.low, "ahead_high": interval.high}
