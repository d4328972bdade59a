"""The seam between the loop and whoever proposes programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from evolve.core.types import Candidate, Failure, Source, Ticket


@dataclass(frozen=True, slots=True)
class Context:
    """What a proposer may know: parents, inspirations, and how good the best are. Nothing of gate or final.

    `best_by_size` holds (operations, error) of the front, for problems with two objectives. `horizon` is the
    last record that was told when the ticket was asked: nothing later may influence the proposal. `recorded` is for
    measure tickets: the program's scores by instance.
    """

    parents: tuple[Source, ...]
    inspirations: tuple[Source, ...]
    best_by_size: tuple[tuple[float, float], ...]
    horizon: int
    recorded: Mapping[str, float] = field(default_factory=dict)


class Proposer(Protocol):
    """Turns a ticket into a program.

    `propose` may be awaited many times at once; it must depend on the ticket and the context alone, so
    that a resumed run proposes the same. It raises only InfrastructureError: a proposal that fails is a `Failure`.

    Example::

        candidate = await proposer.propose(ticket, context)
        if isinstance(candidate, Failure): ...
    """

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure: ...
