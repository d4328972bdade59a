"""The children of a node that has very many, grouped so that Thompson sampling need not draw for each of them.

Arms with the same counts have the same posterior F. The highest of m independent draws from F has the distribution
F^m, and each of the m arms is equally likely to have made it. So one draw for each group, F^-1(U^(1/m)), and one to say
which member it was, find every arm exactly as often as one draw for each arm: this is no approximation. Most of many
children were tried never or once, so groups are few where arms are many.
"""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from evolve.core.rng import Generator

Vector = NDArray[np.float64]
Counts = tuple[float, float]
Shapes = Callable[[Vector, Vector], tuple[Vector, Vector]]
"""From the successes and trials of arms to the two parameters of their Beta posteriors."""

LARGE = 24
"""From this many members on, a group's highest draw is made by inverting F, which costs as much as so many draws."""


class Crowd:
    """Arms in groups. `counts` gives the successes and trials of an arm; it is asked for those that were touched.

    Draws depend on what the arms' counts are, never on how they came about: groups and members stand in order.
    """

    def __init__(self, arms: Iterable[int], counts: Callable[[int], Counts]) -> None:
        self._ask = counts
        self._touched = set(arms)
        self._counts: dict[int, Counts] = {}
        self._groups: dict[Counts, array[int]] = {}

    def touch(self, child: int) -> None:
        """An arm is new, or its counts are."""
        self._touched.add(child)

    def draw(self, rng: Generator, shapes: Shapes) -> tuple[int, float]:
        """The arm with the highest draw, and that draw."""
        for arm in sorted(self._touched):
            self._place(arm)
        self._touched.clear()
        groups = sorted(self._groups.items())
        counts = np.array([key for key, _ in groups])
        sizes = np.array([len(members) for _, members in groups])
        a, b = shapes(counts[:, 0], counts[:, 1])
        highest = np.zeros(len(groups))
        each = np.repeat(np.arange(len(groups)), np.where(sizes < LARGE, sizes, 0))
        np.maximum.at(highest, each, rng.beta(a[each], b[each]))
        large = np.flatnonzero(sizes >= LARGE)
        highest[large] = _highest(rng, a[large], b[large], sizes[large])
        best = int(highest.argmax())
        return groups[best][1][int(rng.integers(sizes[best]))], float(highest[best])

    def _place(self, arm: int) -> None:
        """Move an arm into the group of its counts."""
        counts, before = self._ask(arm), self._counts.get(arm)
        if counts == before:
            return
        if before is not None:
            members = self._groups[before]
            del members[bisect.bisect_left(members, arm)]
            if not members:
                del self._groups[before]
        bisect.insort(self._groups.setdefault(counts, array("i")), arm)
        self._counts[arm] = counts


def _highest(rng: Generator, a: Vector, b: Vector, sizes: NDArray[np.int64]) -> Vector:
    """For each group, the highest of `sizes` draws from Beta(a, b)."""
    from scipy.special import betainccinv

    # By the upper tail 1 - U^(1/m): as a difference from 1 it would lose its digits.
    tail = -np.expm1(np.log1p(-rng.random(len(sizes))) / sizes)
    highest: Vector = betainccinv(a, b, tail)
    return highest
