"""The programs of one version of a problem as points: those that were better than all before, the rest as a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from archive.rows import RunRow
from evolve.core.types import Objective, Status
from evolve.web.desk import Desk
from evolve.web.standings import Standings

MOST = 5_000
MOST_RUNS = 100
MOST_METRICS = 40
Kind = Literal["found", "refused", "baseline", "seed"]


@dataclass(frozen=True, slots=True)
class Point:
    """A program with its metrics on train; `name` is set where it was known before."""

    kind: Kind
    program_id: str
    run_id: str
    name: str
    metrics: Mapping[str, float]


class Cloud:
    """The points, at most `MOST` that were found, of the latest `MOST_RUNS` runs.

    All improvements and all programs that the gate let pass are among them, as far as that many are allowed: the front
    in the objectives is whole. Others are taken evenly along each run. `total` counts all programs with a score,
    `shown` those that stand here; `sampled` is False where these are all there are, each counted once.
    """

    def __init__(self, desk: Desk, standings: Standings) -> None:
        self.standings = standings
        self._desk = desk
        runs = standings.runs[-MOST_RUNS:]
        self._counts = {run.id: desk.archive.statuses(run.id) for run in standings.runs}
        found: dict[str, Point] = {}
        for run, share in zip(runs, self._shares(runs), strict=True):
            for point in self._of_run(run, share):
                # The gate's last word on a program counts, whichever run asked.
                if point.program_id not in found or found[point.program_id].kind == "refused":
                    found[point.program_id] = point
        known = next((known for run in reversed(runs) if (known := desk.known(run.id))), None)
        programs = known.programs if known else ()
        names = {one.program_id for one in programs}
        self.known = [
            Point("baseline" if place else "seed", one.program_id, "", one.name, one.metrics)
            for place, one in enumerate(programs)
        ]
        self.found = [point for point in found.values() if point.program_id not in names]
        self.total = sum(_scored(counts) for counts in self._counts.values())
        self.shown = len(found)
        size = sum(sum(counts.values()) for counts in self._counts.values())
        self.sampled = size > MOST or len(runs) < len(standings.runs)

    def _shares(self, runs: Sequence[RunRow]) -> list[int]:
        """How many points each run may have: all of a small one's, the others as many as are left, evenly."""
        shares = [0] * len(runs)
        left, waiting = MOST, len(runs)
        for place in sorted(range(len(runs)), key=lambda place: _scored(self._counts[runs[place].id])):
            shares[place] = min(sum(self._counts[runs[place].id].values()), left // waiting)
            left, waiting = left - shares[place], waiting - 1
        return shares

    def _of_run(self, run: RunRow, share: int) -> list[Point]:
        archive = self._desk.archive
        first = [*archive.accepted(run.id, share), *(one.number for one in archive.improvements(run.id)[-share:])]
        numbers = set(sorted(set(first))[-share:])
        end = sum(self._counts[run.id].values())
        rest = min(end, share - len(numbers))
        numbers |= {end * place // rest for place in range(rest)}
        return [
            Point("refused" if one.refused else "found", one.program_id, run.id, "", one.metrics)
            for one in archive.scored_of(run.id, sorted(numbers))
        ]

    @property
    def points(self) -> list[Point]:
        """What was found, then what was known: drawn in this order, so that baselines lie above."""
        return [*self.found, *self.known]

    @cached_property
    def metrics(self) -> list[str]:
        """The objectives', then all others by name."""
        names = {name for point in self.points for name, value in point.metrics.items() if math.isfinite(value)}
        first = [one.metric for one in self.standings.objectives if one.metric in names]
        return [*first, *sorted(names - set(first))][:MOST_METRICS]

    @property
    def axes(self) -> tuple[Objective, Objective] | None:
        """What is drawn at first, across and up: the second objective, or another metric, and the first one."""
        wanted = self.standings.objectives
        if not wanted or len(self.metrics) < 2:
            return None
        other = next(name for name in self.metrics if name != wanted[0].metric)
        return wanted[1] if len(wanted) > 1 else Objective(other, "minimize"), wanted[0]

    def front(self) -> list[Point]:
        """The programs that no other one is better than on the first axes, those that were known included."""
        if self.axes is None:
            return []
        return front_of([one for one in self.points if one.kind != "refused"], *self.axes)


def front_of(points: Sequence[Point], across: Objective, up: Objective) -> list[Point]:
    """Those that no other one dominates, the best across first; of equal ones the first."""
    drawn = [
        one for one in points if all(math.isfinite(one.metrics.get(axis.metric, math.nan)) for axis in (across, up))
    ]
    found: list[Point] = []
    lowest = math.inf
    for one in sorted(
        drawn, key=lambda one: (across.cost(one.metrics[across.metric]), up.cost(one.metrics[up.metric]))
    ):
        cost = up.cost(one.metrics[up.metric])
        if cost < lowest:
            found.append(one)
            lowest = cost
    return found


def _scored(counts: Mapping[Status, int]) -> int:
    return counts.get(Status.OK, 0) + counts.get(Status.EQUIVALENT, 0)
