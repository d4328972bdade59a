"""The simplest control: every child is a child of a start program."""

from __future__ import annotations

from archive.policies.base import Choice, is_revocation, nothing_left
from evolve.core.rng import Generator
from evolve.core.types import Record, Ticket


class Independent:
    """Always a start program, drawn uniformly; learns nothing."""

    def __init__(self) -> None:
        self._starts: list[str] = []

    def plant(self, record: Record) -> None:
        """A start program."""
        if record.program_id is not None:
            self._starts.append(record.program_id)

    def ask(self, rng: Generator) -> Choice:
        """A start program, and another as inspiration where there is one."""
        if not self._starts:
            raise nothing_left()
        parent = self._starts[int(rng.integers(len(self._starts)))]
        return Choice((parent,), (self._starts[int(rng.integers(len(self._starts)))],))

    def pending(self, ticket: Ticket) -> None:
        """Nothing to note."""

    def tell(self, record: Record) -> None:
        """Nothing to learn, but that a start program was revoked."""
        if is_revocation(record):
            self._starts = [name for name in self._starts if name != record.program_id]
