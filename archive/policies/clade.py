"""Thompson sampling over clades, by descent from the root; three tickets of four go to an elite.

At each node the arms are the node itself (the outcomes of its direct expansions) and each child's clade. An
arm's chance of success is drawn from a Beta posterior; the descent ends where the node's own arm wins.
Posteriors of large clades are tempered to a fixed weight, or the descent would stop at depth one.
"""

from __future__ import annotations

import numpy as np

from archive.clade import CladeTree
from archive.elites import Elites
from archive.policies.base import Choice, is_revocation, is_welcome, nothing_left
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record, Ticket

MAX_WEIGHT = 20.0
# The descent keeps many lines alive but is slow to press an advantage: this share of tickets does that.
ELITE_SHARE = 0.75


class Clade:
    """Parents by Thompson sampling over clades; pending work counts as a trial without success yet.

    With `probation` a program may end a descent at once, but becomes an elite only when it is confirmed.
    """

    def __init__(self, objectives: tuple[Objective, ...], probation: bool = False) -> None:
        self._probation = probation
        self._elites = Elites(objectives)
        self._tree = CladeTree()
        self._ids: list[str] = []
        # Revoked programs keep their nodes: tickets of which they are the parent may be in flight.
        self._nodes: dict[str, int] = {}
        self._revoked: set[str] = set()
        # By record: the node that it expanded and the outcome that was counted there, to be taken back some day.
        self._outcomes: dict[int, tuple[int, float]] = {}

    def plant(self, record: Record) -> None:
        """A start program: a root, and trusted."""
        if record.program_id is not None and record.program_id not in self._nodes:
            self._add(record.program_id, None)
        self._elites.add(record)

    def ask(self, rng: Generator) -> Choice:
        """An elite, or where a descent ends; another elite is the inspiration."""
        if not self._elites:
            return Choice((self._ids[self._descend(rng)],))
        parent = self._elites.draw(rng) if rng.random() < ELITE_SHARE else self._ids[self._descend(rng)]
        return Choice((parent,), (self._elites.draw(rng),))

    def pending(self, ticket: Ticket) -> None:
        """Count the ticket against its parent until it is told."""
        if ticket.kind == "expand":
            self._count(self._nodes[ticket.parents[0]], 0.0, 1)

    def tell(self, record: Record) -> None:
        """Settle the pending trial, and add the child where it is worth expanding; or hear of a measurement."""
        if record.ticket.kind == "measure":
            self._hear(record)
            return
        parent = self._nodes[record.ticket.parents[0]]
        if record.outcome is None:
            self._count(parent, 0.0, -1)
        else:
            self._outcomes[record.number] = parent, record.outcome
            if record.outcome:
                self._tree.record(parent, record.outcome, 0.0)
        name = record.program_id
        if name is None or name in self._revoked or not is_welcome(record):
            return
        if not self._probation:
            self._elites.add(record)
        if name not in self._nodes:
            self._add(name, parent)

    def _hear(self, record: Record) -> None:
        """A measurement: the program is confirmed, or revoked and its outcome taken back."""
        name = record.program_id
        if is_revocation(record):
            counted = self._outcomes.pop(record.supersedes, None) if record.supersedes is not None else None
            if counted is not None:
                node, outcome = counted
                self._count(node, -outcome, -1)
            if name is not None and name not in self._revoked:
                self._revoked.add(name)
                self._elites.remove(name)
                if name in self._nodes:
                    self._tree.remove(self._nodes[name])
        elif is_welcome(record) and name in self._nodes and name not in self._revoked:
            self._elites.add(record)

    def _count(self, node: int, success: float, trials: int) -> None:
        self._tree.record(node, success, float(trials))
        self._elites.count_expansion(self._ids[node], trials)

    def _add(self, program_id: str, parent: int | None) -> None:
        self._nodes[program_id] = self._tree.add(parent)
        self._ids.append(program_id)

    def _descend(self, rng: Generator) -> int:
        tree = self._tree
        if not tree.roots:
            raise nothing_left()
        node = tree.roots[int(rng.integers(len(tree.roots)))]
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
