"""The one number by which runs are compared, and how it grew: best so far against what was spent."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evolve.core.types import Objective, Record
from evolve.display.ladder import shown_objective
from evolve.events import ScoredProgram

Metrics = Mapping[str, float]

HYPERVOLUME = "hypervolume"


@dataclass(frozen=True)
class Figure:
    """With one objective its value. With two the hypervolume of the front (Zitzler and Thiele 1999): the area of all
    that the front is better than, within the worst of what was known before, the seed's and the baselines' metrics.

    `objectives` are the problem's, `objective` is that number's name and direction. `axes` are what the area is
    measured along: the objectives, with `digits` for an error; `worst` are the costs of the corner.
    """

    objectives: tuple[Objective, ...]
    objective: Objective
    axes: tuple[Objective, ...]
    worst: tuple[float, ...]

    @classmethod
    def of(cls, objectives: Sequence[Objective], known: Sequence[ScoredProgram]) -> Figure:
        """The figure of a problem; `known` are its seed and baselines with their metrics, needed for two objectives."""
        if len(objectives) == 1:
            return cls(tuple(objectives), objectives[0], tuple(objectives), ())
        axes = (shown_objective(objectives, known), *objectives[1:])
        worst = tuple(max(axis.cost(one.metrics[axis.metric]) for one in known) for axis in axes)
        return cls(tuple(objectives), Objective(HYPERVOLUME, "maximize"), axes, worst)

    def value(self, programs: Iterable[Metrics]) -> float | None:
        """The figure of some programs together; None where there is none."""
        costs = sorted(tuple(axis.cost(metrics[axis.metric]) for axis in self.axes) for metrics in programs)
        if not costs:
            return None
        if not self.worst:
            return self.objective.cost(costs[0][0])  # the sign once more: from cost to value
        area, height = 0.0, self.worst[1]
        for first, second in costs:
            if first < self.worst[0] and second < height:
                area += (self.worst[0] - first) * (height - second)
                height = second
        return area


@dataclass(frozen=True, slots=True)
class BestSoFar:
    """A run's figure at each improvement: what was `spent` by then, in evaluations or dollars, and the `values`."""

    spent: tuple[float, ...]
    values: tuple[float, ...]

    def at(self, spent: float) -> float:
        """The best when so much was spent; the first value before that. Raises ValueError where there is none."""
        if not self.values:
            raise ValueError("a run without a value")
        return next((v for s, v in zip(self.spent[::-1], self.values[::-1], strict=True) if s <= spent), self.values[0])

    def area(self, budget: float) -> float:
        """The mean over the whole budget of the best so far, in the figure's own unit. Raises ValueError as `at`."""
        if not self.values:
            raise ValueError("a run without a value")
        places = [0.0, *(min(one, budget) for one in self.spent[1:]), budget]
        spans = [after - before for before, after in itertools.pairwise(places)]
        return sum(value * span for value, span in zip(self.values, spans, strict=True)) / budget


def best_so_far(records: Sequence[Record], figure: Figure, in_usd: bool = False) -> BestSoFar:
    """How a run's figure grew, by the programs that it promoted; start programs count as they are.

    A program counts from the record that promoted it, with its metrics on train as they stand in the end; one that was
    revoked later never counted. What every record cost is counted, the measuring of programs again included.
    """
    from archive.standing import standing  # SQLAlchemy loads with it

    kept = {one.program_id: one.verdict.metrics for one in standing(records) if _counts(one)}
    spent, front = 0.0, list[Metrics]()
    places, values = list[float](), list[float]()
    for record in records:
        spent += _usd(record) if in_usd else record.evaluations
        promoted = record.promotion is not None and record.promotion.accepted
        if record.program_id not in kept or not (promoted or record.ticket.operator == "start"):
            continue
        front.append(kept[record.program_id])
        value = figure.value(front)
        if value is not None and (not values or figure.objective.cost(value) < figure.objective.cost(values[-1])):
            places.append(spent)
            values.append(value)
    return BestSoFar(tuple(places), tuple(values))


def _counts(record: Record) -> bool:
    promoted = record.promotion is not None and record.promotion.accepted
    return record.verdict.status.scored and (promoted or record.ticket.operator == "start")


def _usd(record: Record) -> float:
    cost = record.candidate.cost if record.candidate else record.failure.cost if record.failure else None
    return (cost.usd or 0.0) if cost is not None else 0.0
