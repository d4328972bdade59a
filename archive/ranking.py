"""Where a record stands among the run's scored records, for one objective or two.

A record's rank is the number of records that dominate it (Fonseca and Fleming 1993); with one objective
that is its ordinary rank. No unit of a score enters.
"""

from __future__ import annotations

import bisect
from array import array
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evolve.core.errors import CallOrderError

Costs = tuple[float, ...]

TOP_SHARE = 0.25
RECENT = 4096
"""Costs that are kept apart before they are merged with all others."""


class _Ranks(Protocol):
    """Costs of records, and how many dominate which."""

    size: int

    def add(self, costs: Costs) -> int:
        """Add a record: how many have fewer dominators than it."""
        ...

    def note(self, costs: Costs) -> None:
        """Add a record; nothing is asked of it."""
        ...

    def dominators(self, costs: Costs) -> int:
        """How many dominate a record with these costs."""
        ...

    def better(self, costs: Costs) -> int:
        """What `add` would say of a record with these costs, which is not added."""
        ...

    def remove(self, costs: Costs) -> bool:
        """Remove a record with these costs; False where there is none."""
        ...


class Ranking:
    """Costs (less is better) of all scored records of a run, and how many records dominate each.

    With one objective all calls take logarithmic time, with two `add`, `quantile` and `share` linear time; `note` is
    constant, and what was noted is ranked at once, in n log n, when next something is asked.
    """

    def __init__(self, objectives: int) -> None:
        self._ranks: _Ranks = _Sorted() if objectives == 1 else _Table(objectives)

    def __len__(self) -> int:
        """The number of records."""
        return self._ranks.size

    def add(self, costs: Costs) -> bool:
        """Add a record; True where it is in the top quarter of all records, itself included."""
        better = self._ranks.add(costs)
        return better < TOP_SHARE * self._ranks.size

    def is_top(self, costs: Costs) -> bool:
        """What `add` would say of a record with these costs, which is not added."""
        return self._ranks.better(costs) < TOP_SHARE * (self._ranks.size + 1)

    def note(self, costs: Costs) -> None:
        """Add a record, as `add` does, where it is known what that says."""
        self._ranks.note(costs)

    def quantile(self, costs: Costs) -> float:
        """The share of all records that do not dominate one with these costs: 1.0 for the best. 0.0 where none is."""
        return 1.0 - self._ranks.dominators(costs) / self._ranks.size if self._ranks.size else 0.0

    def share(self, costs: Costs) -> float:
        """The expected place on (0, 1), 1 being the best, of a record with these costs that is one of all."""
        return (self._ranks.size - self._ranks.dominators(costs)) / (self._ranks.size + 1)

    def remove(self, costs: Costs) -> None:
        """Take a record with these costs out: later ranks are as if it had never been added.

        Raises CallOrderError where there is none.
        """
        if not self._ranks.remove(costs):
            raise CallOrderError(f"no ranked record has costs {costs}", "Remove only what was added, once.")


class _Sorted:
    """One objective: the dominators of a record are all that cost less. Most costs are sorted in one array, the
    latest in another, which is merged into it now and then."""

    def __init__(self) -> None:
        self.size = 0
        self._sorted = np.empty(0)
        self._recent = array("d")

    def add(self, costs: Costs) -> int:
        """See `_Ranks`."""
        better = self.dominators(costs)
        self.note(costs)
        return better

    def note(self, costs: Costs) -> None:
        """See `_Ranks`."""
        bisect.insort(self._recent, costs[0])
        self.size += 1
        if len(self._recent) >= RECENT:
            self._sorted = np.sort(np.concatenate([self._sorted, self._recent]), kind="stable")
            self._recent = array("d")

    def dominators(self, costs: Costs) -> int:
        """See `_Ranks`."""
        return int(self._sorted.searchsorted(costs[0])) + bisect.bisect_left(self._recent, costs[0])

    better = dominators

    def remove(self, costs: Costs) -> bool:
        """See `_Ranks`."""
        at = bisect.bisect_left(self._recent, costs[0])
        if at < len(self._recent) and self._recent[at] == costs[0]:
            del self._recent[at]
        else:
            at = int(self._sorted.searchsorted(costs[0]))
            if at == len(self._sorted) or self._sorted[at] != costs[0]:
                return False
            self._sorted = np.delete(self._sorted, at)
        self.size -= 1
        return True


class _Table:
    """Two objectives: a table of all costs. What was only noted stands at its end, its dominators not yet counted."""

    def __init__(self, objectives: int) -> None:
        # One row an objective: comparisons then run over contiguous memory.
        self._costs = np.empty((objectives, 1024))
        self._dominators = np.zeros(1024, dtype=np.int64)
        self._counted = 0
        self.size = 0

    def add(self, costs: Costs) -> int:
        """See `_Ranks`."""
        self._count()
        count = self._append(costs)
        return int((self._dominators[: self.size] < count).sum())

    def note(self, costs: Costs) -> None:
        """See `_Ranks`."""
        if self.size == self._dominators.size:
            self._costs = np.concatenate([self._costs, np.empty_like(self._costs)], axis=1)
            self._dominators = np.concatenate([self._dominators, np.zeros_like(self._dominators)])
        self._costs[:, self.size] = costs
        self.size += 1

    def dominators(self, costs: Costs) -> int:
        """See `_Ranks`."""
        not_worse, not_better = self._compare(costs)
        return int((not_worse & ~not_better).sum())

    def better(self, costs: Costs) -> int:
        """See `_Ranks`."""
        self._count()
        not_worse, not_better = self._compare(costs)
        count = int((not_worse & ~not_better).sum())
        return int((self._dominators[: self.size] + (not_better & ~not_worse) < count).sum())

    def remove(self, costs: Costs) -> bool:
        """See `_Ranks`."""
        self._count()
        not_worse, not_better = self._compare(costs)
        same = np.flatnonzero(not_worse & not_better)
        if not same.size:
            return False
        self._dominators[: self.size] -= not_better & ~not_worse
        # Equal records have equal ranks and the order of rows does not matter: the last one fills the gap.
        self.size -= 1
        self._counted = self.size
        self._costs[:, same[0]] = self._costs[:, self.size]
        self._dominators[same[0]] = self._dominators[self.size]
        return True

    def _append(self, costs: Costs) -> int:
        """Add a record to a table that is counted: how many dominate it."""
        not_worse, not_better = self._compare(costs)
        self._dominators[: self.size] += not_better & ~not_worse
        count = int((not_worse & ~not_better).sum())
        self.note(costs)
        self._dominators[self.size - 1] = count
        self._counted = self.size
        return count

    def _count(self) -> None:
        """Count the dominators of what was noted, and what it dominates."""
        if self._counted == self.size:
            return
        if self.size - self._counted > 64:
            self._dominators[: self.size] = dominators(self._costs[:, : self.size])
            self._counted = self.size
            return
        noted, self.size = self._costs[:, self._counted : self.size].copy(), self._counted
        for column in noted.T:
            self._append(tuple(column))

    def _compare(self, costs: Costs) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For each record, whether it is nowhere worse and whether it is nowhere better than `costs`."""
        not_worse = not_better = np.ones(self.size, dtype=bool)
        for known, new in zip(self._costs[:, : self.size], costs, strict=True):
            not_worse, not_better = not_worse & (known <= new), not_better & (known >= new)
        return not_worse, not_better


def dominators(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each column of `costs` [2, n], how many others are nowhere worse and not equal, in n (log n)^2.

    In order of the first cost, and of the second among equals, a point is dominated by those before it whose second
    cost is not higher. They are counted as in a merge sort (Bentley 1980): at each level, in the left half of the pair
    of blocks in whose right half the point is.
    """
    order = np.lexsort(costs[::-1])
    first, second = costs[:, order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    point = np.cumsum(new) - 1  # equal records are one point: none of them dominates another
    weight = np.bincount(point)
    height = np.unique(second[new], return_inverse=True)[1].astype(np.int64)
    places = np.arange(len(height))
    found = np.zeros(len(height), dtype=np.int64)
    width = 1
    while width < len(height):
        # The key puts all points of a pair of blocks together, and lower ones first.
        key = places // (2 * width) * len(height) + height
        is_left = places // width % 2 == 0
        left = np.flatnonzero(is_left)
        left = left[np.argsort(key[left])]
        total = np.append(0, np.cumsum(weight[left]))
        right = np.flatnonzero(~is_left)
        begin = np.searchsorted(key[left], key[right] - height[right])
        found[right] += total[np.searchsorted(key[left], key[right], side="right")] - total[begin]
        width *= 2
    counts = np.empty(costs.shape[1], dtype=np.int64)
    counts[order] = found[point]
    return counts
