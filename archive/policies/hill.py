"""Hill climbing: children of the best so far; with two objectives, of a member of the front."""

from __future__ import annotations

from collections.abc import Mapping

from archive.front import Costs, joined
from archive.policies.base import Choice, nothing_left
from archive.policies.history import History
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record


class Hill(History[Costs]):
    """Parents are the best so far, or uniform over the front. Scored, evaluated programs only.

    The climb goes in rounds of `samples` evaluated proposals from the same front; what is better moves it when the
    round is over. With `probation` a program waits outside the front until it is confirmed.
    """

    def __init__(self, objectives: tuple[Objective, ...], probation: bool = False, samples: int = 1) -> None:
        self._objectives = objectives
        self._samples = samples
        self.ticks = samples > 1
        super().__init__(probation)

    @property
    def front(self) -> Mapping[str, Costs]:
        """The best so far: programs and their costs."""
        return self._front

    def ask(self, rng: Generator) -> Choice:
        """One of the best when the round began, and another as inspiration."""
        ids = list(self._base or self._front)
        if not ids:
            raise nothing_left()
        return Choice((ids[int(rng.integers(len(ids)))],), (ids[int(rng.integers(len(ids)))],))

    def _keep(self, record: Record) -> Costs:
        return tuple(o.cost(record.verdict.metrics[o.metric]) for o in self._objectives)

    def _clear(self) -> None:
        self._front: Mapping[str, Costs] = {}
        self._base: Mapping[str, Costs] = {}
        self._sampled = 0

    def _open(self, name: str, kept: Costs) -> None:
        """On probation a program waits until it is trusted."""

    def _trust(self, name: str, kept: Costs) -> None:
        self._front = joined(self._front, name, kept)
        self._move()

    def _tick(self) -> None:
        self._sampled += 1
        self._move()

    def _move(self) -> None:
        if self._sampled % self._samples == 0:
            self._base = self._front
