"""Thompson sampling over clades, by descent from the root; three tickets of four go to an elite.

At each node the arms are the node itself (the outcomes of its direct expansions) and each child's clade. An
arm's chance of success is drawn from a Beta posterior; the descent ends where the node's own arm wins.
Posteriors of large clades are tempered to a fixed weight, or the descent would stop at depth one.
"""

from __future__ import annotations

import numpy as np

from archive.clade import CladeTree
from archive.elites import Elites
from archive.policies.base import Choice
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record, Status, Ticket

MAX_WEIGHT = 20.0
# The descent keeps many lines alive but is slow to press an advantage: this share of tickets does that.
ELITE_SHARE = 0.75


class Clade:
    """Parents by Thompson sampling over clades; pending work counts as a trial without success yet."""

    def __init__(self, objectives: tuple[Objective, ...]) -> None:
        self._elites = Elites(objectives)
        self._tree = CladeTree()
        self._ids: list[str] = []
        self._nodes: dict[str, int] = {}
        self._roots: list[int] = []

    def plant(self, record: Record) -> None:
        """A start program: a root."""
        if record.program_id is not None and record.program_id not in self._nodes:
            self._roots.append(self._add(record.program_id, None))
        self._elites.add(record)

    def ask(self, rng: Generator) -> Choice:
        """An elite, or where a descent ends; another elite is the inspiration."""
        parent = self._elites.draw(rng) if rng.random() < ELITE_SHARE else self._ids[self._descend(rng)]
        return Choice((parent,), (self._elites.draw(rng),))

    def pending(self, ticket: Ticket) -> None:
        """Count the ticket against its parent until it is told."""
        self._tree.record(self._nodes[ticket.parents[0]], 0.0, 1.0)
        self._elites.count_expansion(ticket.parents[0])

    def tell(self, record: Record) -> None:
        """Settle the pending trial, and add the child where it is worth expanding."""
        parent = self._nodes[record.ticket.parents[0]]
        if record.outcome is None:
            self._tree.record(parent, 0.0, -1.0)
            self._elites.count_expansion(record.ticket.parents[0], -1)
        elif record.outcome:
            self._tree.record(parent, record.outcome, 0.0)
        rejected = record.promotion is not None and not record.promotion.accepted
        new = record.program_id if record.program_id not in self._nodes else None
        if not rejected:
            self._elites.add(record)
        if record.verdict.status is Status.OK and new is not None and not rejected:
            self._add(new, parent)

    def _add(self, program_id: str, parent: int | None) -> int:
        node = self._tree.add(parent)
        self._ids.append(program_id)
        self._nodes[program_id] = node
        return node

    def _descend(self, rng: Generator) -> int:
        tree = self._tree
        node = self._roots[int(rng.integers(len(self._roots)))]
        while children := tree.children[node]:
            successes = np.array([tree.own_successes[node], *(tree.clade_successes[c] for c in children)])
            trials = np.array([tree.own_trials[node], *(tree.clade_trials[c] for c in children)])
            arm = int(np.argmax(_draw(rng, successes, trials)))
            if arm == 0:
                break
            node = children[arm - 1]
        return node


def _draw(rng: Generator, successes: np.ndarray, trials: np.ndarray) -> np.ndarray:
    """One draw from each arm's Beta posterior, with at most `MAX_WEIGHT` trials' worth of evidence."""
    weight = np.minimum(1.0, MAX_WEIGHT / np.maximum(trials, 1.0))
    draws: np.ndarray = rng.beta(1.0 + successes * weight, 1.0 + (trials - successes) * weight)
    return draws
