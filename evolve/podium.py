"""The best of a run: the front of promoted programs, and the bar that the next would-be champion must clear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evolve.core.types import Promotion, Record, Source
from evolve.dominance import Champion, Dominance
from evolve.events import ScoredProgram

Metrics = Mapping[str, float]


class Podium:
    """Derived from promotions, in their order.

    Where a gate is asked (`gated`), the bar is also what it refused: each question spends of the error that a run may
    make, and the children of a refused program, which are better than the champion on train as it was, would ask most.
    """

    def __init__(self, dominance: Dominance, gated: bool) -> None:
        self.front: tuple[Champion, ...] = ()
        self._dominance = dominance
        self._gated = gated
        self._refused: list[Metrics] = []

    def covers(self, metrics: Metrics) -> bool:
        """Whether a program with these metrics on train is no would-be champion."""
        return self._dominance.covered(metrics, [*(champion.metrics for champion in self.front), *self._refused])

    def rival(self, metrics: Metrics) -> Champion | None:
        """Whom a would-be champion must beat: the best in the first objective of those as good in the second one."""
        new = self._dominance.costs(metrics)
        as_good = [one for one in self.front if self._dominance.as_good(self._dominance.costs(one.metrics), new)]
        return min(as_good, key=lambda one: self._dominance.costs(one.metrics), default=None)

    def judged(self, promotion: Promotion) -> Promotion:
        """The answer, turned down where what was proven is no strict improvement over what the front proved."""
        if promotion.accepted and self._dominance.covered(promotion.metrics, [one.proven for one in self.front]):
            return replace(promotion, accepted=False, reason="no strict improvement over the proven front")
        return promotion

    def take(self, record: Record, promotion: Promotion, source: Source) -> None:
        """Note the answer to a record's program."""
        if promotion.accepted and record.program_id is not None:
            idea = record.candidate.idea if record.candidate else ""
            new = Champion(record.program_id, record.verdict.metrics, promotion.metrics, source, idea)
            self.front = self._dominance.joined(self.front, new)
        elif self._gated:
            self._refused.append(record.verdict.metrics)

    def shown(self) -> tuple[ScoredProgram, ...]:
        """The front, best first objective first."""
        return tuple(ScoredProgram(c.program_id[:10], c.program_id, c.metrics, c.idea) for c in self.front)
