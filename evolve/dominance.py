"""What is better than what, for one objective or two, and the front of the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evolve.core.types import Objective, Source

Metrics = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Champion:
    """A promoted program with its metrics on train, and those that the gate proved."""

    program_id: str
    metrics: Metrics
    proven: Metrics
    source: Source
    idea: str = ""


@dataclass(frozen=True, slots=True)
class Dominance:
    """Compares metrics. `minimum_effect` is the share of the first objective below which nothing is new, and
    `second_effect` that of the second one."""

    objectives: tuple[Objective, ...]
    minimum_effect: float
    second_effect: float = 0.0

    def costs(self, metrics: Metrics) -> tuple[float, ...]:
        """The objectives' values, signed so that less is better."""
        return tuple([objective.cost(metrics[objective.metric]) for objective in self.objectives])

    def covered(self, metrics: Metrics, others: Iterable[Metrics]) -> bool:
        """True where one of `others` is as good in all objectives, but for the effect that counts in each."""
        new = self.costs(metrics)
        for other in map(self.costs, others):
            margin = self.minimum_effect * abs(other[0])
            if other[0] - margin <= new[0] and self.as_good(other, new):
                return True
        return False

    def as_good(self, one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        """Whether `one` is as good as `other` in the second objective, where there is one, but for what counts."""
        return all(a - self.second_effect * abs(a) <= b for a, b in zip(one[1:], other[1:], strict=True))

    def joined(self, front: tuple[Champion, ...], new: Champion) -> tuple[Champion, ...]:
        """The front with a new champion and without those that it makes superfluous, best first objective first."""
        costs = self.costs(new.proven)
        kept = [c for c in front if not _covers(costs, self.costs(c.proven))]
        return tuple(sorted((*kept, new), key=lambda c: self.costs(c.proven)))


def _covers(better: tuple[float, ...], worse: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(better, worse, strict=True))
