"""The front: programs of which none is as good as another in all objectives."""

from __future__ import annotations

from collections.abc import Mapping

Costs = tuple[float, ...]
"""A program's objectives, signed so that less is better."""


def covers(better: Costs, worse: Costs) -> bool:
    """True where the first is nowhere worse (weak dominance: equal costs cover each other)."""
    return all(a <= b for a, b in zip(better, worse, strict=True))


def joined(front: Mapping[str, Costs], name: str, costs: Costs) -> Mapping[str, Costs]:
    """The front with a program, without those that it covers; the same front where that covers it. Programs stand in
    the order of their coming, so of equals the first stays."""
    if any(covers(known, costs) for known in front.values()):
        return front
    return {**{key: known for key, known in front.items() if not covers(costs, known)}, name: costs}


def coverage(one: Mapping[str, Costs], other: Mapping[str, Costs]) -> float:
    """The share of `other` that some program of `one` covers; 1.0 where `other` is empty.

    The set coverage of Zitzler and Thiele 1999 (IEEE Transactions on Evolutionary Computation 3:257), in which no unit
    of an objective enters. With one objective: 1.0 where the best of `one` is as good as that of `other`, else 0.0.
    """
    if not other:
        return 1.0
    return sum(any(covers(costs, known) for costs in one.values()) for known in other.values()) / len(other)
