"""Where records stand in their run: which programs are known, and what each says of its parent."""

from __future__ import annotations

from collections.abc import Mapping

from archive.outcomes import Outcomes
from archive.ranking import Costs
from evolve.core.types import Record, Status, Ticket, Verdict
from evolve.dominance import Dominance


class Places:
    """`known` maps programs to their first records; `scored` are the records of programs that were told."""

    def __init__(self, outcomes: Outcomes, dominance: Dominance, scored: Mapping[str, Record]) -> None:
        self.known: dict[str, int] = {}
        self._outcomes = outcomes
        self._dominance = dominance
        self._scored = scored

    def place(self, record: Record) -> float | None:
        """Note the program as known and rank it: the outcome that clade statistics pool."""
        self._know(record)
        if not record.verdict.evaluated or record.verdict.status is Status.EQUIVALENT:
            return None
        if record.verdict.status is not Status.OK:
            return 0.0
        return self._outcomes.add(self._costs(record.verdict), self._parent_costs(record.ticket))

    def restore(self, record: Record) -> None:
        """Take in a record whose outcome is known."""
        self._know(record)
        if record.verdict.evaluated and record.verdict.status is Status.OK:
            self._outcomes.note(self._costs(record.verdict))

    def withdraw(self, record: Record) -> None:
        """A program lost its score. Who had taken it over within the run was never ranked."""
        original = self._scored.get(record.ticket.parents[0])
        if original is not None:
            self._outcomes.remove(self._costs(original.verdict))

    def promises(self, verdict: Verdict, ticket: Ticket) -> bool:
        """Whether a program with this verdict, which is not placed yet, would be a success."""
        return self._outcomes.promises(self._costs(verdict), self._parent_costs(ticket))

    def gain(self, record: Record) -> float | None:
        """By how much the program's quantile among the scored records exceeds its parent's."""
        before = self._parent_costs(record.ticket)
        if record.verdict.status is not Status.OK or before is None:
            return None
        quantile = self._outcomes.ranking.quantile
        return max(0.0, quantile(self._costs(record.verdict)) - quantile(before))

    def _know(self, record: Record) -> None:
        """Note the program as known: another record of it is a duplicate."""
        if record.program_id is not None and record.verdict.evaluated:
            self.known.setdefault(record.program_id, record.number)

    def _parent_costs(self, ticket: Ticket) -> Costs | None:
        return self._costs(self._scored[ticket.parents[0]].verdict) if ticket.parents else None

    def _costs(self, verdict: Verdict) -> Costs:
        return self._dominance.costs(verdict.common)
