"""From ticket to verdict: propose, screen, evaluate. Whatever a candidate does ends as a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluators.screen import Screened, screen_program
from evolve.core.errors import Forbidden
from evolve.core.types import Candidate, Failure, Source, Status, Ticket, Verdict
from evolve.engine.base import Engine, Task
from evolve.probation import REPLAY
from evolve.proposers.base import Context, Proposer


@dataclass(frozen=True, slots=True)
class Work:
    """A ticket's result before its place in the run is known. `verdict` is None for a check that found nothing."""

    ticket: Ticket
    candidate: Candidate | None
    verdict: Verdict | None
    screened: Screened[Any] | None


class Step:
    """Holds what every ticket needs. `known` maps program ids to the number of their record."""

    def __init__(
        self,
        proposer: Proposer,
        engine: Engine,
        sandbox: str,
        seed: Source,
        starts: Mapping[int, Source],
        known: Mapping[str, int],
    ) -> None:
        self.proposer = proposer
        self.engine = engine
        self.sandbox = sandbox
        self.seed = seed
        self.starts = starts
        self.known = known

    async def __call__(self, ticket: Ticket, context: Context) -> Work:
        """Raises only InfrastructureError and ProblemError: faults that are not the candidate's."""
        if ticket.kind == "measure":
            strictly = ticket.operator == REPLAY
            task = Task("check", (context.parents[0], ticket.seed, strictly, context.recorded), ticket.number)
            return Work(ticket, None, await self.engine.run(task), None)
        proposal = await self._propose(ticket, context)
        if isinstance(proposal, Failure):
            return Work(ticket, None, Verdict(proposal.status, feedback=proposal.reason), None)
        try:
            screened = self._screen(ticket, proposal)
        except Forbidden as error:
            return Work(ticket, proposal, Verdict(Status.INVALID, feedback=str(error)), None)
        # What became known after the ticket was asked does not count yet: the course of a run
        # must not depend on which worker is quicker.
        twin = self.known.get(screened.program_id)
        if twin is not None and twin <= context.horizon:
            return Work(ticket, proposal, duplicate_of(twin), screened)
        verdict: Verdict = await self.engine.run(Task("evaluate", (screened,), ticket.number))
        return Work(ticket, proposal, verdict, screened)

    async def _propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        start = self.starts.get(ticket.number)
        if start is not None:
            return Candidate(ticket, start, "start program")
        return await self.proposer.propose(ticket, context)

    def _screen(self, ticket: Ticket, candidate: Candidate) -> Screened[Any]:
        # A start program may be a file of its own; all others keep what stands outside the seed's block.
        return screen_program(self.sandbox, candidate.source, None if ticket.number in self.starts else self.seed)


def duplicate_of(number: int) -> Verdict:
    """The verdict of a program that record `number` holds already."""
    return Verdict(Status.DUPLICATE, feedback=f"the same program as record {number}")
