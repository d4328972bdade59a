"""Hill climbing: children of the best so far; with two objectives, of a member of the front."""

from __future__ import annotations

from archive.policies.base import Choice
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record, Status, Ticket


class Hill:
    """Parents are the best so far, or uniform over the front. Scored, evaluated programs only."""

    def __init__(self, objectives: tuple[Objective, ...]) -> None:
        self._objectives = objectives
        self._front: dict[str, tuple[float, ...]] = {}

    def plant(self, record: Record) -> None:
        """A start program."""
        self.tell(record)

    def ask(self, rng: Generator) -> Choice:
        """One of the best, and another as inspiration."""
        ids = list(self._front)
        return Choice((ids[int(rng.integers(len(ids)))],), (ids[int(rng.integers(len(ids)))],))

    def pending(self, ticket: Ticket) -> None:
        """Nothing to note."""

    def tell(self, record: Record) -> None:
        """Enter the front where nothing on it is as good."""
        if record.program_id is None or record.verdict.status is not Status.OK:
            return
        if record.promotion is not None and not record.promotion.accepted:
            return
        new = tuple(o.cost(record.verdict.metrics[o.metric]) for o in self._objectives)
        if any(_covers(costs, new) for costs in self._front.values()):
            return
        self._front = {key: costs for key, costs in self._front.items() if not _covers(new, costs)}
        self._front[record.program_id] = new


def _covers(better: tuple[float, ...], worse: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(better, worse, strict=True))
