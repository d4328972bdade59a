"""The best few programs at each value of the second objective: a grid in the manner of MAP-Elites
(Mouret and Clune 2015, arXiv 1504.04909), with a short list in each cell instead of one program."""

from __future__ import annotations

import bisect
import math
from collections import Counter

from evolve.core.rng import Generator, draw
from evolve.core.types import Objective, Record, Status

PER_CELL = 10
# Closer costs than this are the same optimum found again, and would crowd a cell.
SAME = 1e-3


class Elites:
    """Cells by the second objective (one cell where there is none), each sorted by the first."""

    def __init__(self, objectives: tuple[Objective, ...]) -> None:
        self._objectives = objectives
        self._cells: dict[float, list[tuple[float, str]]] = {}
        self._seen: Counter[float] = Counter()
        self._expansions: Counter[str] = Counter()
        # Cell and cost of every program, in order, and those that ever stood in their cell: when one
        # of these is removed, what it kept out comes back.
        self._programs: dict[str, tuple[float, float]] = {}
        self._entered: set[str] = set()

    def __len__(self) -> int:
        return sum(map(len, self._cells.values()))

    def __bool__(self) -> bool:
        return bool(self._cells)

    def add(self, record: Record) -> None:
        """Take a record in where it is among the best of its cell and no other there has the same cost.

        A program that was added before is not added again.
        """
        name = record.program_id
        if name is None or record.verdict.status is not Status.OK or name in self._programs:
            return
        cost, *level = (o.cost(record.verdict.metrics[o.metric]) for o in self._objectives)
        place = level[0] if level else 0.0
        self._programs[name] = place, cost
        self._seen[place] += 1
        self._enter(place, cost, name)

    def remove(self, program_id: str) -> None:
        """Forget a program: cells and counts are then as if it had never been added."""
        if program_id not in self._programs:
            return
        gone, _ = self._programs.pop(program_id)
        self._seen[gone] -= 1
        if program_id not in self._entered:
            return
        del self._cells[gone]
        self._entered.remove(program_id)
        for name, (place, cost) in self._programs.items():
            if place == gone:
                self._entered.discard(name)
                self._enter(place, cost, name)

    def draw(self, rng: Generator) -> str:
        """Of two programs the one that was expanded less often, so that no cell is worn out while others wait."""
        first, second = self._draw_one(rng), self._draw_one(rng)
        return first if self._expansions[first] <= self._expansions[second] else second

    def count_expansion(self, program_id: str, by: int = 1) -> None:
        """Note that a program was made a parent, or take that back."""
        self._expansions[program_id] += by
        if not self._expansions[program_id]:
            del self._expansions[program_id]

    def _enter(self, place: float, cost: float, name: str) -> None:
        cell = self._cells.setdefault(place, [])
        at = bisect.bisect_left(cell, (cost, ""))
        if at >= PER_CELL:
            return
        if any(abs(cost - other) <= SAME * abs(other) for other, _ in cell[max(0, at - 1) : at + 1]):
            return
        cell.insert(at, (cost, name))
        del cell[PER_CELL:]
        self._entered.add(name)

    def _draw_one(self, rng: Generator) -> str:
        """The better programs of a cell more often (the better of two uniform draws); cells by the square root of
        how many programs they have seen, because there is little to find where there are few."""
        levels = sorted(self._cells)
        cell = self._cells[levels[draw(rng, [math.sqrt(self._seen[level]) for level in levels])]]
        return cell[min(int(rng.integers(len(cell))), int(rng.integers(len(cell))))][1]
