"""Hill climbing: children of the best so far; with two objectives, of a member of the front."""

from __future__ import annotations

from archive.policies.base import Choice, is_revocation, is_welcome, nothing_left
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record, Ticket

Costs = tuple[float, ...]


class Hill:
    """Parents are the best so far, or uniform over the front. Scored, evaluated programs only.

    With `probation` a program waits outside the front until it is confirmed.
    """

    def __init__(self, objectives: tuple[Objective, ...], probation: bool = False) -> None:
        self._objectives = objectives
        self._probation = probation
        self._front: dict[str, Costs] = {}
        # All that ever were candidates for the front, in order: what a revoked member covered may come back.
        self._admitted: dict[str, Costs] = {}
        self._waiting: dict[str, Costs] = {}
        self._revoked: set[str] = set()

    def plant(self, record: Record) -> None:
        """A start program; trusted."""
        self._take(record, probation=False)

    def ask(self, rng: Generator) -> Choice:
        """One of the best, and another as inspiration."""
        ids = list(self._front)
        if not ids:
            raise nothing_left()
        return Choice((ids[int(rng.integers(len(ids)))],), (ids[int(rng.integers(len(ids)))],))

    def pending(self, ticket: Ticket) -> None:
        """Nothing to note."""

    def tell(self, record: Record) -> None:
        """Enter the front where nothing on it is as good, now or when confirmed; leave it when revoked."""
        if record.ticket.kind != "measure":
            self._take(record, self._probation)
        elif is_revocation(record):
            self._revoke(record.program_id)
        elif is_welcome(record):
            self._confirm(record.program_id)

    def _take(self, record: Record, probation: bool) -> None:
        name = record.program_id
        if name is None or not is_welcome(record) or name in self._admitted or name in self._revoked:
            return
        costs = tuple(o.cost(record.verdict.metrics[o.metric]) for o in self._objectives)
        if probation:
            self._waiting.setdefault(name, costs)
        else:
            self._admitted[name] = costs
            self._enter(name, costs)

    def _confirm(self, name: str | None) -> None:
        if name is not None and name in self._waiting:
            self._admitted[name] = self._waiting.pop(name)
            self._enter(name, self._admitted[name])

    def _revoke(self, name: str | None) -> None:
        if name is None:
            return
        self._revoked.add(name)
        self._waiting.pop(name, None)
        self._admitted.pop(name, None)
        if name in self._front:
            self._front = {}
            for other, costs in self._admitted.items():
                self._enter(other, costs)

    def _enter(self, name: str, new: Costs) -> None:
        if any(_covers(costs, new) for costs in self._front.values()):
            return
        self._front = {key: costs for key, costs in self._front.items() if not _covers(new, costs)}
        self._front[name] = new


def _covers(better: Costs, worse: Costs) -> bool:
    return all(a <= b for a, b in zip(better, worse, strict=True))
