"""Programs that lead somewhere, drawn by how much they lead: on instances, or at levels of a second objective.

After GEPA (Agrawal and others 2025, arXiv 2507.19457, algorithm 2): a program is kept where it is the best on at least
one instance, what is dominated is left out, and the chance of a program is the number of instances on which it leads.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping
from typing import Protocol

from archive.front import Costs, joined
from evolve.core.rng import Generator, draw

Scores = Mapping[str, float]
"""Costs by instance: less is better."""


class Leads(Protocol):
    """Takes programs, and knows the weight of each that leads."""

    def add(self, name: str, costs: Costs, scores: Scores) -> None: ...

    def weights(self) -> Mapping[str, float]: ...


def drawn(leads: Leads, rng: Generator) -> str | None:
    """A program that leads, by its weight; None where none does."""
    weights = leads.weights()
    return list(weights)[draw(rng, list(weights.values()))] if weights else None


class InstanceLeads:
    """The instance-wise front. A program without results counts as one instance, by its first objective."""

    def __init__(self) -> None:
        # Programs that are covered on all instances by no other, and are the best on one.
        self._scores: dict[str, Scores] = {}
        self._costs: dict[str, float] = {}
        self._weights: dict[str, float] = {}

    def add(self, name: str, costs: Costs, scores: Scores) -> None:
        """Take a program in. Of two that are equal everywhere the first stays."""
        new = scores or {"": costs[0]}
        if any(_covers(known, new) for known in self._scores.values()):
            return
        kept = {key: known for key, known in self._scores.items() if not _covers(new, known)}
        leaders = _leaders({**kept, name: new})
        self._costs[name] = costs[0]
        self._scores = {key: known for key, known in {**kept, name: new}.items() if key in leaders}
        self._costs = {key: self._costs[key] for key in self._scores}
        self._weights = self._pruned(leaders)

    def weights(self) -> Mapping[str, float]:
        """By program, on how many instances it leads; those left out whose instances all have another leader."""
        return self._weights

    def _pruned(self, leaders: Mapping[str, set[str]]) -> dict[str, float]:
        """The worst by its first objective goes first; of equals the last to come."""
        left = dict(leaders)
        for name in sorted(left, key=lambda one: self._costs[one])[::-1]:
            others = set().union(*(led for one, led in left.items() if one != name))
            if left[name] <= others:
                del left[name]
        return {name: float(len(led)) for name, led in left.items()}


class ObjectiveLeads:
    """The front of the objectives. A program's weight is at how many levels of the second objective, of all that were
    seen, it is the best that is affordable; 1 where there is one objective."""

    def __init__(self) -> None:
        self._front: Mapping[str, Costs] = {}
        self._levels: list[float] = []

    def add(self, name: str, costs: Costs, scores: Scores) -> None:
        """Take a program in. Of equals the first stays."""
        self._front = joined(self._front, name, costs)
        level = costs[-1]
        at = bisect.bisect_left(self._levels, level)
        if len(costs) > 1 and self._levels[at : at + 1] != [level]:
            self._levels.insert(at, level)

    def weights(self) -> Mapping[str, float]:
        """By program, at how many levels it leads."""
        if not self._levels:
            return dict.fromkeys(self._front, 1.0)
        by_level = sorted(self._front, key=lambda one: self._front[one][-1])
        starts = [bisect.bisect_left(self._levels, self._front[one][-1]) for one in by_level]
        ends = [*starts[1:], len(self._levels)]
        return {name: float(end - start) for name, start, end in zip(by_level, starts, ends, strict=True)}


def _covers(one: Scores, other: Scores) -> bool:
    """True where the first is nowhere worse, on all instances of the second."""
    return all(one.get(instance, math.inf) <= cost for instance, cost in other.items())


def _leaders(scores: Mapping[str, Scores]) -> dict[str, set[str]]:
    """By program, the instances on which none is better; programs that lead nowhere left out."""
    best: dict[str, float] = {}
    for known in scores.values():
        for instance, cost in known.items():
            best[instance] = min(cost, best.get(instance, math.inf))
    led = {name: {i for i, cost in known.items() if cost == best[i]} for name, known in scores.items()}
    return {name: instances for name, instances in led.items() if instances}
