"""What the clades of a run achieved: sums over each program and all its descendants, in numpy.

Programs stand in the order of their records, so parents stand before their children. All takes time in proportion to
the number of programs, and a small constant for each generation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from archive.rows import STATUSES, Tree
from evolve.core.types import Objective

if TYPE_CHECKING:
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

Number = TypeVar("Number", float, NDArray[np.float64])
SCORED = np.array([status.scored for status in STATUSES])


@dataclass(frozen=True, slots=True)
class Clades:
    """A run's tree [N] with what each clade, the program itself included, has in sum.

    `parents` are places in these arrays, -1 for none; `depths` count generations from 0. `ranks` are shares of the
    scored programs that a program is at least as good as (1 is the best), not-a-number without a score; `best` is the
    highest rank of the clade, -1 where nothing has a score. `programs` and `evaluations` are sums over the clade.
    `trials` and `successes` are those of clade statistics: outcomes of the descendants alone, as an outcome is a trial
    of the parent and of those above it. `importance` is a place in an order: it is less for clades that are larger or
    hold better programs, and never as low for a child as for its parent.
    """

    tree: Tree
    parents: Ints
    depths: Ints
    ranks: Floats
    best: Floats
    programs: Ints
    evaluations: Floats
    trials: Floats
    successes: Floats
    importance: Ints

    def __len__(self) -> int:
        return len(self.parents)

    def place(self, number: int) -> int | None:
        """The place of the program that this record brought; None where there is none."""
        place = int(np.searchsorted(self.tree.numbers, number))
        return place if place < len(self) and self.tree.numbers[place] == number else None

    def above(self, place: int) -> list[int]:
        """The places from a root to this one."""
        line = [place]
        while self.parents[line[-1]] >= 0:
            line.append(int(self.parents[line[-1]]))
        return line[::-1]

    def inside(self, place: int) -> NDArray[np.bool_]:
        """Which programs are in the clade of that one [N]."""
        found = np.zeros(len(self), dtype=bool)
        found[place] = True
        for level in levels(self.depths):
            if self.depths[level[0]] > self.depths[place]:
                found[level] = found[self.parents[level]]
        return found


def clades(tree: Tree, objective: Objective | None) -> Clades:
    """Everything of a run's tree. Without an objective no program has a rank."""
    count = len(tree.numbers)
    # Parents are committed before their children; what claims otherwise is taken for a root.
    parents = np.where(tree.parents < np.arange(count), tree.parents, -1)
    depths = steps_up(parents)
    ranks = _ranks(tree, objective)
    own = np.isfinite(tree.outcomes)
    best = np.where(np.isnan(ranks), -1.0, ranks)
    programs = np.ones(count, dtype=np.int64)
    evaluations = np.where(np.isfinite(tree.evaluations), tree.evaluations, 0.0)
    trials, successes = np.where(own, 1.0, 0.0), np.where(own, tree.outcomes, 0.0)
    own_trials, own_successes = trials.copy(), successes.copy()
    for level in reversed(levels(depths)[1:]):
        above = parents[level]
        np.maximum.at(best, above, best[level])
        for sums in (programs, evaluations, trials, successes):
            np.add.at(sums, above, sums[level])
    importance = _order(np.minimum(_order(-programs), _order(-best)))
    trials, successes = trials - own_trials, successes - own_successes
    return Clades(tree, parents, depths, ranks, best, programs, evaluations, trials, successes, importance)


def steps_up(parents: Ints, lengths: Ints | None = None) -> Ints:
    """How many steps each node is below its root [N], or the sum of `lengths` from the root down, its own included.

    By pointer doubling: as many passes as the greatest depth has binary digits.
    """
    steps = np.where(parents >= 0, 1, 0) if lengths is None else lengths.copy()
    above = parents.copy()
    while (rising := np.flatnonzero(above >= 0)).size:
        steps[rising] += steps[above[rising]]
        above[rising] = above[above[rising]]
    return steps


def levels(depths: Ints) -> list[Ints]:
    """The places of the nodes of each depth, from 0 on."""
    if not len(depths):
        return []
    order = np.argsort(depths, kind="stable")
    return np.split(order, np.cumsum(np.bincount(depths))[:-1])


def posterior(successes: Number, trials: Number) -> Number:
    """The mean of Beta(1 + s, 1 + n - s), the posterior after s successes in n trials: (s + 1) / (n + 2)."""
    return (successes + 1.0) / (trials + 2.0)


def _ranks(tree: Tree, objective: Objective | None) -> Floats:
    scored = SCORED[tree.statuses] & np.isfinite(tree.values)
    ranks = np.full(len(tree.values), np.nan)
    if objective is None or not scored.any():
        return ranks
    values = tree.values[scored]
    costs = values if objective.cost(1.0) > 0 else -values
    better = np.searchsorted(np.sort(costs), costs)
    ranks[scored] = 1.0 - better / len(costs)
    return ranks


def _order(keys: Ints | Floats) -> Ints:
    """The place of each in the order of keys; of equal ones the first comes first."""
    places = np.empty(len(keys), dtype=np.int64)
    places[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return places
