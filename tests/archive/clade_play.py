"""A search in miniature that a clade policy steers: a child's cost is its parent's and a random step."""

from __future__ import annotations

from collections import Counter
from typing import Any

from archive.outcomes import TOP_QUARTER, Outcomes
from archive.policies.clade import Clade
from evolve.core.rng import generator
from evolve.core.types import Candidate, Objective, Record, Source, Status, Ticket, Verdict

ONE = (Objective("cost", "minimize"),)
SOURCE = Source({"p.py": ""}, "f")


def record_of(ticket: Ticket, cost: float, outcome: float | None) -> Record:
    """A scored program that cost one evaluation."""
    verdict = Verdict(Status.OK, cost, {"cost": cost}, stage="train")
    return Record(ticket.number, ticket, Candidate(ticket, SOURCE, ""), verdict, f"p{ticket.number}", outcome=outcome)


class Garden:
    """Grows a tree from one root by a policy without elites. `outcomes` and `parents` are by number."""

    def __init__(self, kind: str = TOP_QUARTER, seed: int = 1, **options: Any) -> None:
        self.policy = Clade(ONE, outcome=kind, **{"elites": 0.0, **options})
        self.outcomes: list[float] = []
        self.parents: list[int] = []
        self._ranking = Outcomes(kind, 1, 0.0)
        self._costs: list[float] = []
        self._seed = seed
        self._rng = generator(seed, "world")
        self.policy.plant(self._grow(Ticket(0, "expand", (), (), "start", None, 0), None))

    def grow(self, size: int) -> None:
        """Ask and tell until there are so many programs."""
        while len(self._costs) < size:
            number = len(self._costs)
            choice = self.policy.ask(generator(self._seed, number, "policy"))
            ticket = Ticket(number, "expand", choice.parents, (), "mutate", None, 0)
            self.policy.pending(ticket)
            self.policy.tell(self._grow(ticket, int(choice.parents[0][1:])))
            self.policy.spend(1.0)

    def degree(self) -> int:
        """The most children of a node."""
        return max(Counter(self.parents[1:]).values())

    def _grow(self, ticket: Ticket, parent: int | None) -> Record:
        step = float(self._rng.normal(0.5, 1.0))
        cost = step if parent is None else self._costs[parent] + step
        before = None if parent is None else (self._costs[parent],)
        outcome = self._ranking.add((cost,), before)
        self._costs.append(cost)
        self.parents.append(-1 if parent is None else parent)
        self.outcomes.append(outcome)
        return record_of(ticket, cost, outcome)
