"""How far the search has come, improvement by improvement, kept while a run goes on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evolve.core.types import Objective
from evolve.display.ladder import climb, shown_objective
from evolve.events import Event, Recalled, RecordCommitted, RunStarted, ScoredProgram


class Curve:
    """Each improvement of one figure. Updated by one thread; others may read it for display.

    With one objective the figure is the best value so far in the metric that is shown, the seed's first, and `level`
    is that of the best baseline. With two it is the largest gain on a baseline of the same cost, and `level` is 0.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self.objectives = objectives
        self.figure = objectives[0]
        self.level: tuple[float, str] | None = None
        self._started: RunStarted | None = None
        self._points: list[tuple[float, float]] = []
        self._front: tuple[ScoredProgram, ...] = ()

    def points(self) -> list[tuple[float, float]]:
        """(evaluations spent, value) at each improvement."""
        return list(self._points)

    def update(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case RunStarted():
                self._start(event)
            case Recalled():
                self._front, self._points = event.latest.front, list(event.course)
            case RecordCommitted() if event.front != self._front and self._started is not None:
                self._front = event.front
                for value in self._values(self._started, event.front):
                    self._add(event.evaluations, value)

    def _start(self, event: RunStarted) -> None:
        self._started = event
        shown = shown_objective(self.objectives, [event.seed, *event.baselines])
        if len(self.objectives) == 2:
            self.figure = Objective(f"largest gain in {shown.metric}", "maximize")
            self.level = 0.0, "best known of the same cost"
            return
        self.figure = shown
        for value in self._values(event, [event.seed]):
            self._add(1.0, value)
        scored = [one for one in event.baselines if math.isfinite(one.metrics.get(shown.metric, math.nan))]
        best = min(scored, key=lambda one: shown.cost(one.metrics[shown.metric]), default=None)
        if best is not None:
            self.level = best.metrics[shown.metric], f"best baseline: {best.name}"

    def _values(self, started: RunStarted, front: Sequence[ScoredProgram]) -> list[float]:
        if len(self.objectives) == 2:
            rungs = climb(self.objectives, started.seed, started.baselines, front)
            return [rung.gain for rung in rungs if rung.gain is not None]
        return [one.metrics[self.figure.metric] for one in front if self.figure.metric in one.metrics]

    def _add(self, evaluations: float, value: float) -> None:
        if math.isnan(value):
            return  # compares with nothing: later ones would never be better
        if not self._points or self.figure.cost(value) < self.figure.cost(self._points[-1][1]):
            self._points.append((evaluations, value))
