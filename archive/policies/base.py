"""The one protocol behind which policies stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from evolve.core.rng import Generator
from evolve.core.types import Record, Ticket


@dataclass(frozen=True, slots=True)
class Choice:
    """Program ids of the parents and inspirations of the next ticket."""

    parents: tuple[str, ...]
    inspirations: tuple[str, ...] = ()


class Policy(Protocol):
    """Chooses parents from what it was told. No input or output; state depends on the calls alone.

    Call order: `plant` once for each start program; then any number of `ask`, each followed later by
    one `tell` of its record. `pending` is called with each ticket that `ask` led to, before the next `ask`.
    Not thread-safe. Randomness comes from the generator that is handed in, never from elsewhere, so replaying
    the same calls gives the same state.

    Example::

        policy.plant(seed_record)
        choice = policy.ask(rng)
        policy.pending(ticket)
        policy.tell(record)
    """

    def plant(self, record: Record) -> None: ...

    def ask(self, rng: Generator) -> Choice: ...

    def pending(self, ticket: Ticket) -> None: ...

    def tell(self, record: Record) -> None: ...
