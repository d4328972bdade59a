"""Where a record stands among the run's scored records, for one objective or two.

A record's rank is the number of records that dominate it (Fonseca and Fleming 1993); with one objective
that is its ordinary rank. No unit of a score enters.
"""

from __future__ import annotations

import numpy as np

from evolve.core.errors import CallOrderError

TOP_SHARE = 0.25


class Ranking:
    """Costs (less is better) of all scored records of a run, and how many records dominate each.

    `add` and `remove` take time linear in the number of records.
    """

    def __init__(self, objectives: int) -> None:
        # One row an objective: comparisons then run over contiguous memory.
        self._costs = np.empty((objectives, 1024))
        self._dominators = np.zeros(1024, dtype=np.int64)
        self._size = 0

    def add(self, costs: tuple[float, ...]) -> bool:
        """Add a record; True where it is in the top quarter of all records, itself included."""
        if self._size == self._dominators.size:
            self._costs = np.concatenate([self._costs, np.empty_like(self._costs)], axis=1)
            self._dominators = np.concatenate([self._dominators, np.zeros_like(self._dominators)])
        not_worse, not_better = self._compare(costs)
        self._dominators[: self._size] += not_better & ~not_worse
        count = int((not_worse & ~not_better).sum())
        self._costs[:, self._size], self._dominators[self._size] = costs, count
        self._size += 1
        better = int((self._dominators[: self._size] < count).sum())
        return better < TOP_SHARE * self._size

    def is_top(self, costs: tuple[float, ...]) -> bool:
        """What `add` would say of a record with these costs, which is not added."""
        not_worse, not_better = self._compare(costs)
        count = int((not_worse & ~not_better).sum())
        dominators = self._dominators[: self._size] + (not_better & ~not_worse)
        return int((dominators < count).sum()) < TOP_SHARE * (self._size + 1)

    def quantile(self, costs: tuple[float, ...]) -> float:
        """The share of all records that do not dominate one with these costs: 1.0 for the best. 0.0 where none is."""
        if not self._size:
            return 0.0
        not_worse, not_better = self._compare(costs)
        return 1.0 - int((not_worse & ~not_better).sum()) / self._size

    def remove(self, costs: tuple[float, ...]) -> None:
        """Take a record with these costs out: later ranks are as if it had never been added.

        Raises CallOrderError where there is none.
        """
        not_worse, not_better = self._compare(costs)
        same = np.flatnonzero(not_worse & not_better)
        if not same.size:
            raise CallOrderError(f"no ranked record has costs {costs}", "Remove only what was added, once.")
        self._dominators[: self._size] -= not_better & ~not_worse
        # Equal records have equal ranks and the order of rows does not matter: the last one fills the gap.
        self._size -= 1
        self._costs[:, same[0]] = self._costs[:, self._size]
        self._dominators[same[0]] = self._dominators[self._size]

    def _compare(self, costs: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
        """For each record, whether it is nowhere worse and whether it is nowhere better than `costs`."""
        not_worse = not_better = np.ones(self._size, dtype=bool)
        for known, new in zip(self._costs[:, : self._size], costs, strict=True):
            not_worse, not_better = not_worse & (known <= new), not_better & (known >= new)
        return not_worse, not_better
