"""What a model is told of the run: put together from told records, nothing of gate or final."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from archive.policies.base import is_welcome
from evolve.core.types import Objective, Record, Source, Ticket
from evolve.events import ScoredProgram
from evolve.ideas import Ledger
from evolve.proposers.base import Brief, Shown

FAILED_SHOWN = 3
RECENT = 2_000
"""Programs among which the one with the farthest score vector is looked for: the latest of the run."""


class Vectors:
    """Per-instance scores of the latest programs; which of them is farthest from one, in standard deviations.

    Rows of one matrix, `RECENT` x instances, the oldest of which is written over when all are taken.
    """

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._rows: dict[str, int] = {}
        self._free: deque[int] = deque(range(RECENT))
        self._scores = np.empty((RECENT, 0))
        self._costs = np.empty(RECENT)

    def add(self, record: Record) -> None:
        """Take in a record with a score. One that was scored on fewer instances can not be compared: it is left out."""
        value, name = record.verdict.value, record.program_id
        if name is None or value is None:
            return
        scores = [result.score for result in record.verdict.results if result.score is not None]
        if not self._rows:
            self._scores = np.empty((RECENT, len(scores)))
        if not scores or len(scores) != self._scores.shape[1]:
            return
        self.remove(name)
        if not self._free:
            self.remove(next(iter(self._rows)))
        row = self._rows[name] = self._free.popleft()
        self._scores[row], self._costs[row] = scores, self._objective.cost(value)

    def remove(self, name: str) -> None:
        """Forget a program."""
        if (row := self._rows.pop(name, None)) is not None:
            self._free.append(row)

    def farthest(self, name: str) -> list[str]:
        """Programs of the better half, that which differs most from `name` first; empty where `name` is not known."""
        names = [other for other in self._rows if other != name]
        if name not in self._rows or not names:
            return []
        rows = [self._rows[other] for other in names]
        costs, scores = self._costs[rows], self._scores[rows]
        spread = scores.std(axis=0)
        apart = (scores - self._scores[self._rows[name]]) / np.where(spread > 0.0, spread, 1.0)
        distances = np.einsum("ij,ij->i", apart, apart)
        good = np.flatnonzero(costs <= np.median(costs))
        return [names[i] for i in good[np.argsort(-distances[good], kind="stable")]]


class Briefing:
    """Collects what briefs are made of. State depends on the records alone, in their order.

    `baselines` are the seed and the published programs with their scores on train, `bound` the physical minimum's.
    """

    def __init__(
        self, objectives: Sequence[Objective], baselines: Sequence[ScoredProgram], bound: Mapping[str, float] | None
    ) -> None:
        self._objective = objectives[0]
        self._bound = bound
        self._baselines = tuple(Shown(one.name, "baseline", None, one.metrics) for one in baselines)
        self._order = tuple(baselines[0].metrics) if baselines else ()
        self.ledger = Ledger(objectives[0])
        self.vectors = Vectors(objectives[0])
        self._failed: defaultdict[str, deque[Shown]] = defaultdict(lambda: deque(maxlen=FAILED_SHOWN))

    def add(self, record: Record) -> None:
        """Take a told record of kind "expand"."""
        self.ledger.add(record)
        if is_welcome(record):
            self.vectors.add(record)
        elif record.ticket.parents and (record.candidate or record.failure) and record.verdict.value is None:
            self._failed[record.ticket.parents[0]].append(shown(record, "failed"))

    def brief(
        self,
        ticket: Ticket,
        champion: Record,
        parent: Record,
        inspirations: Sequence[Record],
        broken: Record | None,
        stagnant: int,
        repairs: int,
    ) -> Brief:
        """What the ticket's model is told."""
        roles = ["second parent" if ticket.operator == "crossover" else "elite", "differs most from the parent"]
        ledger = self.ledger
        return Brief(
            champion=self._shown(champion, "champion"),
            parent=self._shown(parent, "parent"),
            baselines=self._baselines,
            gap=self._gap(champion),
            inspirations=tuple(self._shown(one, role) for one, role in zip(inspirations, roles, strict=False)),
            broken=self._shown(broken, "broken") if broken is not None else None,
            best_ideas=ledger.best(),
            worst_ideas=ledger.worst(),
            failed_here=tuple(self._failed.get(ticket.parents[0], ())),
            avoid=ticket.avoid,
            approach=ticket.idea,
            stagnant=stagnant,
            known_ideas=ledger.names(),
            repairs=repairs,
        )

    def _shown(self, record: Record, role: str) -> Shown:
        """With metrics in the order of the seed's: archives give them back in another, and a run that goes on must ask
        what it would have asked."""
        one = shown(record, role)
        order = dict.fromkeys((*self._order, *sorted(one.metrics)))
        return replace(one, metrics={name: one.metrics[name] for name in order if name in one.metrics})

    def _gap(self, champion: Record) -> str:
        """How far the champion is from the best baseline, and from the bound where one is known."""
        metric, cost = self._objective.metric, self._objective.cost
        value = champion.verdict.metrics[metric]
        best = min((one for one in self._baselines), key=lambda one: cost(one.metrics[metric]), default=None)
        parts = [f"champion {value:.6g}"]
        if best is not None:
            parts.append(f"best baseline ({best.name}) {best.metrics[metric]:.6g}")
        if self._bound is not None and metric in self._bound:
            bound = self._bound[metric]
            parts.append(f"bound that no program can beat {bound:.6g}, {abs(bound - value):.3g} away")
        return f"{metric}: {'; '.join(parts)}"


def shown(record: Record, role: str) -> Shown:
    """A record's program as a prompt shows it."""
    candidate, failure = record.candidate, record.failure
    source: Source | None = candidate.source if candidate else None
    idea = candidate.idea if candidate else failure.idea if failure else ""
    name = (record.program_id or f"record {record.number}")[:10]
    verdict = record.verdict
    return Shown(name, role, source, verdict.metrics, idea, verdict.feedback, verdict.status)
