"""From ticket to verdict: propose, screen, evaluate. Whatever a candidate does ends as a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evaluators.screen import Screened, screen_program
from evolve.core.errors import Forbidden
from evolve.core.types import Candidate, Failure, Source, Status, Ticket, Verdict
from evolve.engine.base import Engine, Task
from evolve.probation import REPLAY
from evolve.proposers.base import Context, Proposer
from evolve.racing import BATCH


@dataclass(frozen=True, slots=True)
class Work:
    """A ticket's result before its place in the run is known.

    `verdict` is None for a check that found nothing, and for a program that is still to be evaluated. `failure` is a
    proposal that was paid for and gave no program.
    """

    ticket: Ticket
    candidate: Candidate | None
    verdict: Verdict | None
    screened: Screened[Any] | None
    failure: Failure | None = None


class Proposing:
    """From ticket to a program that may be evaluated, or to the verdict that there is none.

    `known` maps program ids to the number of their record.
    """

    def __init__(
        self,
        proposer: Proposer,
        sandbox: str,
        seed: Source,
        starts: Mapping[int, Source],
        known: Mapping[str, int],
    ) -> None:
        self.proposer = proposer
        self.sandbox = sandbox
        self.seed = seed
        self.starts = starts
        self.known = known

    async def __call__(self, ticket: Ticket, context: Context) -> Work:
        """Propose and screen. Raises only InfrastructureError."""
        start = self.starts.get(ticket.number)
        if start is not None:
            return self.screen(Candidate(ticket, start, "start program"), context.horizon)
        proposal = await self.proposer.propose(ticket, context)
        if isinstance(proposal, Failure):
            paid = proposal if proposal.reply_ids else None
            return Work(ticket, None, Verdict(proposal.status, feedback=proposal.reason), None, paid)
        return self.screen(proposal, context.horizon)

    def screen(self, candidate: Candidate, horizon: int) -> Work:
        """A proposed program, refused where it is not allowed or where a record up to `horizon` holds it."""
        ticket = candidate.ticket
        # A start program may be a file of its own; all others keep what stands outside the seed's block.
        frame = None if ticket.number in self.starts else self.seed
        try:
            screened = screen_program(self.sandbox, candidate.source, frame)
        except Forbidden as error:
            return Work(ticket, candidate, Verdict(Status.INVALID, feedback=str(error)), None)
        if ticket.model is not None and screened.program_id in ticket.parents:
            return Work(ticket, candidate, Verdict(Status.UNCHANGED, feedback="the parent again"), screened)
        # What became known after the ticket was asked does not count yet: the course of a run
        # must not depend on which worker is quicker.
        twin = self.known.get(screened.program_id)
        verdict = duplicate_of(twin) if twin is not None and twin <= horizon else None
        return Work(ticket, candidate, verdict, screened)


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
        self.engine = engine
        self.starts = starts
        self.propose = Proposing(proposer, sandbox, seed, starts, known)

    async def __call__(self, ticket: Ticket, context: Context) -> Work:
        """Raises only InfrastructureError and ProblemError: faults that are not the candidate's."""
        if ticket.operator == BATCH:
            measured = Task("measure", (context.parents[0], context.recorded), ticket.number)
            return Work(ticket, None, await self.engine.run(measured), None)
        if ticket.kind == "measure":
            strictly = ticket.operator == REPLAY
            task = Task("check", (context.parents[0], ticket.seed, strictly, context.recorded), ticket.number)
            return Work(ticket, None, await self.engine.run(task), None)
        work = await self.propose(ticket, context)
        if work.verdict is not None:
            return work
        task = Task("evaluate", (work.screened, ticket.number in self.starts), ticket.number)
        return replace(work, verdict=await self.engine.run(task))


def duplicate_of(number: int) -> Verdict:
    """The verdict of a program that record `number` holds already."""
    return Verdict(Status.DUPLICATE, feedback=f"the same program as record {number}")
