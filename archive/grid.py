"""A grid of cells by features, each with the best program of its kind: MAP-Elites (Mouret and Clune 2015,
arXiv 1504.04909).

Nobody knows beforehand how far a feature reaches, so the bounds of the cells are quantiles of the values that were
seen, and move as more are: MAP-Elites with sliding boundaries (Fontaine and others, GECCO 2019). No unit of
a feature enters.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import NamedTuple

from evolve.core.rng import Generator


class Settler(NamedTuple):
    """A program with the cost by which it is compared, and its features; None where it lacks one."""

    name: str
    cost: float
    features: tuple[float | None, ...]


class Grid:
    """At most `bins` intervals of each feature, and one for programs that lack it.

    A program stands in the cell of its features where no other there is as good. The bounds are drawn anew, and all
    programs take their places anew, when there are an eighth more than the last time.
    """

    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._settlers: dict[str, Settler] = {}
        self._bounds: list[list[float]] = []
        self._cells: dict[tuple[int, ...], Settler] = {}
        self._due = 0

    def __len__(self) -> int:
        """The number of cells with a program."""
        return len(self._cells)

    def add(self, settler: Settler) -> None:
        """Take a program in, once."""
        if settler.name in self._settlers:
            return
        self._settlers[settler.name] = settler
        if len(self._settlers) < self._due:
            self._enter(settler)
            return
        self._due = len(self._settlers) + max(1, len(self._settlers) // 8)
        self._bounds = [self._drawn(place) for place in range(len(settler.features))]
        self._cells = {}
        for one in self._settlers.values():
            self._enter(one)

    def draw(self, rng: Generator) -> str:
        """The program of a cell; all cells are as likely."""
        elites = list(self._cells.values())
        return elites[int(rng.integers(len(elites)))].name

    def best(self, count: int) -> Sequence[Settler]:
        """The best programs of all cells, the best first; of equals the first to come."""
        return sorted(self._cells.values(), key=lambda one: one.cost)[:count]

    def elite(self, features: tuple[float | None, ...]) -> Settler | None:
        """The program of the cell that these features belong to."""
        return self._cells.get(self._cell(features))

    def _enter(self, settler: Settler) -> None:
        cell = self._cell(settler.features)
        known = self._cells.get(cell)
        if known is None or settler.cost < known.cost:
            self._cells[cell] = settler

    def _cell(self, features: tuple[float | None, ...]) -> tuple[int, ...]:
        return tuple(
            -1 if value is None else bisect.bisect_right(bounds, value)
            for value, bounds in zip(features, self._bounds, strict=True)
        )

    def _drawn(self, place: int) -> list[float]:
        """Bounds of a feature: between all its values where they are few, else so that each interval has as many."""
        found = {settler.features[place] for settler in self._settlers.values()}
        values = sorted(value for value in found if value is not None)
        if len(values) <= self._bins:
            return values[1:]
        return [values[math.ceil(step * len(values) / self._bins)] for step in range(1, self._bins)]
