"""The ledger of ideas: what a run's models have tried, how well it went, and why it failed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evolve.core.types import Objective, Record, Status
from evolve.proposers.base import IdeaRow
from evolve.proposers.llm.idea import idea_key, split_idea

SHOWN = 8
"""How many of the best, and of the worst, a prompt shows."""

_REASON_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class _Entry:
    row: IdeaRow
    cost: float | None


class Ledger:
    """Ideas in the order of their first try. State depends on the records alone, in their order."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        self._entries: dict[str, _Entry] = {}

    def add(self, record: Record) -> None:
        """Take in a record of a proposal that a model made; others, and those without an idea, are left out."""
        ticket = record.ticket
        idea = record.candidate.idea if record.candidate else record.failure.idea if record.failure else ""
        name, hypothesis = split_idea(idea)
        if ticket.model is None or ticket.operator == "paradigm" or not idea_key(name):
            return
        entry = self._entries.get(idea_key(name)) or _Entry(IdeaRow(name, hypothesis, 0, None), None)
        row = replace(entry.row, tries=entry.row.tries + 1, hypothesis=entry.row.hypothesis or hypothesis)
        value = record.verdict.value
        if record.verdict.status in (Status.UNCHANGED, Status.DUPLICATE):
            # A try that says nothing of what the idea is worth.
            self._entries[idea_key(name)] = _Entry(row, entry.cost)
            return
        if value is None:
            failed = replace(row, failure=failure_text(record.verdict.status, record.verdict.feedback))
            self._entries[idea_key(name)] = _Entry(failed, entry.cost)
            return
        cost = self._objective.cost(value)
        if entry.cost is None or cost < entry.cost:
            entry, row = replace(entry, cost=cost), replace(row, best=value)
        self._entries[idea_key(name)] = _Entry(row, entry.cost)

    def names(self) -> tuple[str, ...]:
        """All names, in the order of their first try."""
        return tuple(entry.row.name for entry in self._entries.values())

    def best(self) -> tuple[IdeaRow, ...]:
        """Up to eight with the best scores, best first."""
        scored = [entry for entry in self._entries.values() if entry.cost is not None]
        return tuple(entry.row for entry in sorted(scored, key=lambda entry: entry.cost or 0.0)[:SHOWN])

    def worst(self) -> tuple[IdeaRow, ...]:
        """Up to eight of the others: those that never gave a score first, the latest before earlier ones."""
        best = {row.name for row in self.best()}
        failed = [e.row for e in reversed(self._entries.values()) if e.cost is None and e.row.failure]
        scored = [e for e in self._entries.values() if e.cost is not None and e.row.name not in best]
        poor = [e.row for e in sorted(scored, key=lambda e: -(e.cost or 0.0))]
        return tuple([*failed, *poor][:SHOWN])


def failure_text(status: Status, feedback: str) -> str:
    """A failure in one line: its status, and the last line of what was said of it."""
    lines = [line.strip() for line in feedback.splitlines() if line.strip()]
    return f"{status.value}: {lines[0][:_REASON_CHARACTERS]}" if lines else status.value
