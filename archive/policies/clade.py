"""Thompson sampling over clades, by descent from the roots; of most tickets, an elite is the parent.

Posteriors are those of the Huxley-Goedel Machine (Wang and others 2025, arXiv 2510.21614): Beta(tau (1 + successes),
tau (1 + failures)) of a clade. There tau is the budget over what remains of it, so that the search cools down; here
that is an option. Evidence counts up to `weight` trials: posteriors of large clades would otherwise be so narrow that
every descent took the same way, or stopped at depth one.
"""

from __future__ import annotations

import math
from array import array

import numpy as np

from archive.clade import CladeTree
from archive.crowd import Vector
from archive.descent import Descent
from archive.elites import Elites
from archive.outcomes import MAX_BACKED, TOP_QUARTER
from archive.policies.base import Choice, is_revocation, is_welcome, nothing_left
from evolve.core.errors import UsageError
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record, Ticket

MAX_WEIGHT = 20.0
# The descent keeps many lines alive but is slow to press an advantage: this share of tickets does that.
ELITE_SHARE = 0.75
FLAT, COOL = "flat", "cool"


class Clade:
    """Parents by Thompson sampling over clades; pending work counts as a trial without success yet.

    `elites` is the share of tickets whose parent is an elite, `weight` how many trials of evidence an arm has at most.
    `temperature` is "flat", or "cool": tau grows from 1 to `evaluations` as these are used up; nothing cools where
    they are infinite. `outcome` is what the records' outcomes mean: with "max-backed" a clade counts by its best one.
    With `probation` a program may end a descent at once, but becomes an elite only when it is confirmed.
    """

    def __init__(
        self,
        objectives: tuple[Objective, ...],
        probation: bool = False,
        *,
        elites: float = ELITE_SHARE,
        weight: float = MAX_WEIGHT,
        temperature: str = FLAT,
        evaluations: float = math.inf,
        outcome: str = TOP_QUARTER,
    ) -> None:
        _check(elites, weight, temperature)
        peaks = outcome == MAX_BACKED
        self._probation = probation
        self._share, self._weight = elites, weight
        self._budget = evaluations if temperature == COOL else math.inf
        self._spent = 0.0
        self._elites = Elites(objectives)
        self._tree = CladeTree(peaks)
        self._descent = Descent(self._tree, peaks)
        self._ids: list[str] = []
        # Revoked programs keep their nodes: tickets of which they are the parent may be in flight.
        self._nodes: dict[str, int] = {}
        self._revoked: set[str] = set()
        # By record: the node that it expanded, -1 for none, and the outcome that was counted there, to be taken back
        # some day.
        self._expanded, self._outcomes = array("i"), array("d")

    def plant(self, record: Record) -> None:
        """A start program: a root, and trusted."""
        if record.program_id is not None and record.program_id not in self._nodes:
            self._add(record.program_id, None)
        self._elites.add(record)

    def ask(self, rng: Generator) -> Choice:
        """An elite, or where a descent ends; another elite is the inspiration."""
        if not self._elites:
            return Choice((self._descend(rng),))
        parent = self._elites.draw(rng) if rng.random() < self._share else self._descend(rng)
        return Choice((parent,), (self._elites.draw(rng),))

    def pending(self, ticket: Ticket) -> None:
        """Count the ticket against its parent until it is told."""
        if ticket.kind == "expand":
            node = self._nodes[ticket.parents[0]]
            self._tree.record(node, 0.0)
            self._elites.count_expansion(self._ids[node])

    def tell(self, record: Record) -> None:
        """Settle the pending trial, and add the child where it is worth expanding; or hear of a measurement."""
        if record.ticket.kind == "measure":
            self._hear(record)
            return
        parent = self._nodes[record.ticket.parents[0]]
        if record.outcome is None:
            self._take_back(parent, 0.0)
        else:
            self._note(record.number, parent, record.outcome)
            if record.outcome:
                self._tree.record(parent, record.outcome, 0.0)
        name = record.program_id
        if name is None or name in self._revoked or not is_welcome(record):
            return
        if not self._probation:
            self._elites.add(record)
        if name not in self._nodes:
            self._add(name, parent)

    def spend(self, evaluations: float) -> None:
        """So much more of the budget is spent: the search cools down."""
        self._spent += evaluations

    def _hear(self, record: Record) -> None:
        """A measurement: the program is confirmed, or revoked and its outcome taken back."""
        name = record.program_id
        if is_revocation(record):
            if record.supersedes is not None:
                self._forget(record.supersedes)
            if name is not None and name not in self._revoked:
                self._revoked.add(name)
                self._elites.remove(name)
                if name in self._nodes:
                    self._tree.remove(self._nodes[name])
        elif is_welcome(record) and name in self._nodes and name not in self._revoked:
            self._elites.add(record)

    def _note(self, number: int, node: int, outcome: float) -> None:
        while len(self._expanded) <= number:
            self._expanded.append(-1)
            self._outcomes.append(0.0)
        self._expanded[number], self._outcomes[number] = node, outcome

    def _forget(self, number: int) -> None:
        """Take back the outcome of a record that is superseded, once."""
        node = self._expanded[number] if number < len(self._expanded) else -1
        if node != -1:
            self._expanded[number] = -1
            self._take_back(node, self._outcomes[number])

    def _take_back(self, node: int, outcome: float) -> None:
        left = self._tree.own_peaks[node] if self._tree.peaks else 0.0
        if outcome and outcome == left:
            others = np.frombuffer(self._outcomes)[np.frombuffer(self._expanded, dtype=np.int32) == node]
            left = float(others.max(initial=0.0))
        self._tree.withdraw(node, outcome, peak=left)
        self._elites.count_expansion(self._ids[node], -1)

    def _add(self, program_id: str, parent: int | None) -> None:
        self._nodes[program_id] = self._tree.add(parent)
        self._ids.append(program_id)

    def _descend(self, rng: Generator) -> str:
        if not self._tree.roots:
            raise nothing_left()
        return self._ids[self._descent(rng, self._shapes)]

    def _shapes(self, successes: Vector, trials: Vector) -> tuple[Vector, Vector]:
        """The parameters of the arms' Beta posteriors."""
        weight = np.minimum(1.0, self._weight / np.maximum(trials, 1.0))
        tau = 1.0 if math.isinf(self._budget) else self._budget / max(self._budget - self._spent, 1.0)
        return tau * (1.0 + successes * weight), tau * (1.0 + (trials - successes) * weight)


def _check(elites: float, weight: float, temperature: str) -> None:
    if not 0.0 <= elites <= 1.0:
        raise UsageError(f"policy clade: elites={elites} is no share", "Give a number from 0 to 1.")
    if not weight > 0.0:
        raise UsageError(f"policy clade: weight={weight} is no number of trials", "Give a number above 0.")
    if temperature not in (FLAT, COOL):
        raise UsageError(f"policy clade: there is no temperature {temperature!r}", f"Choose {FLAT} or {COOL}.")
