"""The seam between the loop and whoever proposes programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from evolve.core.types import Candidate, Failure, Source, Status, Ticket


@dataclass(frozen=True, slots=True)
class Shown:
    """A program as a prompt shows it. `source` is None where its scores are enough.

    `feedback` is what was said of it: its worst instances, or how it failed. `role` is why it is shown.
    """

    name: str
    role: str
    source: Source | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    idea: str = ""
    feedback: str = ""
    status: Status = Status.OK


@dataclass(frozen=True, slots=True)
class IdeaRow:
    """An idea of the run's ledger: how often it was tried, the best score, and why it failed (empty: it did not)."""

    name: str
    hypothesis: str
    tries: int
    best: float | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a model is told of the run, beside the problem: everything from told records, nothing of gate or final.

    `gap` says in words how far the champion is from the bound, where that is known. `broken` is the program that a
    repair mends. `failed_here` are children of the parent that failed. `approach` must be followed, `avoid` must not
    be proposed. `stagnant` counts evaluations since the best changed. `known_ideas` are the names of all ideas so far.
    `repairs` is how often the reply may still be sent back for mending.
    """

    champion: Shown
    parent: Shown
    baselines: tuple[Shown, ...] = ()
    gap: str = ""
    inspirations: tuple[Shown, ...] = ()
    broken: Shown | None = None
    best_ideas: tuple[IdeaRow, ...] = ()
    worst_ideas: tuple[IdeaRow, ...] = ()
    failed_here: tuple[Shown, ...] = ()
    avoid: tuple[str, ...] = ()
    approach: str = ""
    stagnant: int = 0
    known_ideas: tuple[str, ...] = ()
    repairs: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """What a proposer may know: parents, inspirations, and how good the best are. Nothing of gate or final.

    `best_by_size` holds (operations, error) of the front, for problems with two objectives. `horizon` is the
    last record that was told when the ticket was asked: nothing later may influence the proposal. `recorded` is for
    measure tickets: the program's scores by instance. `brief` is for tickets with a model.
    """

    parents: tuple[Source, ...]
    inspirations: tuple[Source, ...]
    best_by_size: tuple[tuple[float, float], ...]
    horizon: int
    recorded: Mapping[str, float] = field(default_factory=dict)
    brief: Brief | None = None


class Proposer(Protocol):
    """Turns a ticket into a program.

    `propose` may be awaited many times at once; it must depend on the ticket and the context alone, so
    that a resumed run proposes the same. It raises only InfrastructureError: a proposal that fails is a `Failure`.

    Example::

        candidate = await proposer.propose(ticket, context)
        if isinstance(candidate, Failure): ...
    """

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure: ...
