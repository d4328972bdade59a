"""Islands that evolve apart, each with a grid of kinds of programs, and send their best round a ring.

Grids are MAP-Elites (Mouret and Clune 2015, arXiv 1504.04909); see `archive.grid`. Populations that meet seldom are
those of Cohoon and others 1987 (Punctuated equilibria: a parallel genetic algorithm).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from archive.grid import Grid, Settler
from archive.policies.base import Choice, nothing_left
from archive.policies.history import History
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record, Ticket

LENGTH = "length"
"""The feature that every program has: characters of its files."""


class _Arrival(NamedTuple):
    """A program, and the island on which it was born; a start program, which is born nowhere, settles on all."""

    cost: float
    features: tuple[float | None, ...]
    island: int | None


class Islands(History[_Arrival]):
    """Islands take turns; a child settles where its ticket was asked. A parent is drawn uniformly over the cells.

    Programs are compared by the first objective and told apart by `features`, with the second objective among them.
    After each `every` evaluated proposals the best `migrants` of each island settle on the next one as well. On
    probation a program may hold a cell as a parent before it is confirmed; elites, which migrate and inspire, are those
    that are trusted, and every other parent is one of them.
    """

    ticks = True

    def __init__(
        self,
        objectives: tuple[Objective, ...],
        probation: bool = False,
        features: tuple[str, ...] = (),
        count: int = 4,
        bins: int = 8,
        every: int = 40,
        migrants: int = 1,
    ) -> None:
        self._first = objectives[0]
        others = [objective.metric for objective in objectives[1:]]
        self._features = tuple(dict.fromkeys((*(features or (LENGTH,)), *others)))
        self._count, self._bins, self._every, self._migrants = count, bins, every, migrants
        self._turn = 0
        self._flying: dict[int, int] = {}
        super().__init__(probation)

    def ask(self, rng: Generator) -> Choice:
        """The program of one of the cells of the island whose turn it is; an elite there is the inspiration."""
        for step in range(self._count):
            island = (self._turn + step) % self._count
            trusted = self._trusted[island]
            grids = [grid for grid in (trusted, self._all[island]) if len(grid)]
            if grids:
                parent = grids[int(rng.integers(len(grids)))].draw(rng)
                return Choice((parent,), (trusted.draw(rng),) if len(trusted) else ())
        raise nothing_left()

    def pending(self, ticket: Ticket) -> None:
        """The ticket belongs to the island whose turn it is."""
        if ticket.kind == "expand":
            self._flying[ticket.number] = self._turn % self._count
            self._turn += 1

    def tell(self, record: Record) -> None:
        """See `History`."""
        super().tell(record)
        self._flying.pop(record.ticket.number, None)

    def _keep(self, record: Record) -> _Arrival:
        features = tuple(self._feature(record, name) for name in self._features)
        cost = self._first.cost(record.verdict.metrics[self._first.metric])
        return _Arrival(cost, features, self._flying.get(record.ticket.number))

    def _feature(self, record: Record, name: str) -> float | None:
        if name != LENGTH:
            value = record.verdict.metrics.get(name, math.nan)
            return None if math.isnan(value) else value
        return float(sum(map(len, record.candidate.source.files.values()))) if record.candidate else None

    def _clear(self) -> None:
        self._trusted = [Grid(self._bins) for _ in range(self._count)]
        self._all = [Grid(self._bins) for _ in range(self._count)] if self._probation else self._trusted
        self._ticks = 0

    def _open(self, name: str, kept: _Arrival) -> None:
        self._settle(self._all, name, kept)

    def _trust(self, name: str, kept: _Arrival) -> None:
        self._settle(self._trusted, name, kept)

    def _settle(self, grids: list[Grid], name: str, kept: _Arrival) -> None:
        for island in range(self._count) if kept.island is None else (kept.island,):
            grids[island].add(Settler(name, kept.cost, kept.features))

    def _tick(self) -> None:
        self._ticks += 1
        if self._ticks % self._every:
            return
        leaving = [grid.best(self._migrants) for grid in self._trusted]
        for island, settlers in enumerate(leaving):
            for settler in settlers:
                for grids in (self._trusted, self._all):
                    grids[(island + 1) % self._count].add(settler)
