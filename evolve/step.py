"""From ticket to verdict: propose, screen, evaluate. Whatever a candidate does ends as a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archive.equivalence import Learned
from evaluators.screen import Screened, screen_program
from evolve.core.errors import Forbidden
from evolve.core.rng import derive_seed
from evolve.core.types import Candidate, Failure, Source, Status, Ticket, Verdict
from evolve.engine.base import Engine, Task
from evolve.equivalences import REVOKE
from evolve.findings import Finding, again
from evolve.probation import REPLAY
from evolve.proposers.base import Context, Proposer
from evolve.racing import BATCH
from evolve.takeover import PROBE_SHARE, Takeover


@dataclass(frozen=True, slots=True)
class Work:
    """A ticket's result before its place in the run is known.

    `verdict` is None for a check that found nothing, and for a program that is still to be evaluated. `failure` is a
    proposal that was paid for and gave no program. `found` is what came of a program that may have keys, `learned` what
    came to light on the way, of others that it builds on or that were given up.
    """

    ticket: Ticket
    candidate: Candidate | None
    verdict: Verdict | None
    screened: Screened[Any] | None
    failure: Failure | None = None
    found: Finding | None = None
    learned: tuple[Learned, ...] = ()


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
    """Holds what every ticket needs. `known` maps program ids to the number of their record.

    With a `takeover` the probe shows what computes the same as another program. Where that is one of the run, the
    offline proposer tries again, up to `tries` times (Gillard and others 2023): the probe costs little.
    """

    def __init__(
        self,
        proposer: Proposer,
        engine: Engine,
        sandbox: str,
        seed: Source,
        starts: Mapping[int, Source],
        known: Mapping[str, int],
        takeover: Takeover | None = None,
        tries: int = 0,
    ) -> None:
        self.engine = engine
        self.starts = starts
        self.propose = Proposing(proposer, sandbox, seed, starts, known)
        self.takeover = takeover
        self.tries = tries

    async def __call__(self, ticket: Ticket, context: Context) -> Work:
        """Raises only InfrastructureError and ProblemError: faults that are not the candidate's."""
        if ticket.operator == REVOKE:
            return Work(ticket, None, None, None)
        learned = await self.takeover.confirm(ticket) if self.takeover else ()
        work = await (self._measured(ticket, context) if ticket.kind == "measure" else self._proposed(ticket, context))
        return replace(work, learned=(*learned, *work.learned))

    async def evaluated(self, work: Work) -> Work:
        """The work of a program that took over a score, evaluated in full after all."""
        if self.takeover is None or work.screened is None or work.found is None:
            return work
        found = await self.takeover.evaluate(work.screened, work.ticket.number, work.found)
        return replace(work, verdict=found.verdict, found=found)

    async def _measured(self, ticket: Ticket, context: Context) -> Work:
        if ticket.operator == BATCH:
            measured = Task("measure", (context.parents[0], context.recorded), ticket.number)
            return Work(ticket, None, await self.engine.run(measured), None)
        strictly = ticket.operator == REPLAY
        task = Task("check", (context.parents[0], ticket.seed, strictly, context.recorded), ticket.number)
        return Work(ticket, None, await self.engine.run(task), None)

    async def _proposed(self, ticket: Ticket, context: Context) -> Work:
        """What is proposed, again where that is nothing new, and its verdict."""
        work = await self._tried(ticket, context)
        given_up: list[Work] = []
        for attempt in range(1, self.tries + 1):
            if not self._is_known(work, context.horizon):
                break
            again = replace(ticket, seed=derive_seed(ticket.seed, "again", attempt))
            other = await self._tried(again, context)
            other = replace(other, ticket=ticket, candidate=other.candidate and replace(other.candidate, ticket=ticket))
            if other.verdict is not None and other.verdict.evaluated:
                work, other = other, work
            given_up.append(other)  # that may be no program at all, or one that is there already
        if self.takeover and work.screened and work.found:
            found = await self.takeover.audit(work.screened, ticket, work.found)
            work = replace(work, verdict=found.verdict, found=found)
        return _charged(work, given_up)

    def _is_known(self, work: Work, horizon: int) -> bool:
        """Whether the offline proposer's program computes what one of the run does."""
        ticket, found = work.ticket, work.found
        if self.takeover is None or found is None or found.keys is None or found.own:
            return False
        if ticket.model is not None or ticket.number in self.starts:
            return False
        return self.takeover.equivalences.knows(found.keys, horizon)

    async def _tried(self, ticket: Ticket, context: Context) -> Work:
        work = await self.propose(ticket, context)
        if work.verdict is not None or work.screened is None:
            return work
        number, is_start = ticket.number, ticket.number in self.starts
        # A tuned program is one of many vectors of constants: none of them was looked up either.
        if self.takeover is None or (work.candidate and work.candidate.measurements):
            return replace(work, verdict=await self.engine.run(Task("evaluate", (work.screened, is_start), number)))
        if is_start:
            found = await self.takeover.evaluate(work.screened, number, whole=True)
        else:
            found = await self.takeover.probe(work.screened, number, context.horizon)
        return replace(work, verdict=found.verdict, found=found)


def _charged(work: Work, given_up: Sequence[Work]) -> Work:
    """The work with what it cost to get there: proposals that were given up have been tuned and probed."""
    candidates = [one.candidate for one in given_up if one.candidate]
    if not candidates or work.candidate is None:
        return work
    probed = sum(one.verdict is not None and one.verdict.evaluated for one in given_up)
    evaluations = sum(one.cost.evaluations for one in (work.candidate, *candidates)) + PROBE_SHARE * probed
    cost = replace(work.candidate.cost, evaluations=evaluations)
    batches = tuple(batch for one in (*candidates, work.candidate) for batch in one.measurements)
    rows = tuple(row for one in given_up if one.found for row in again(one.found))
    candidate = replace(work.candidate, cost=cost, measurements=batches)
    return replace(work, candidate=candidate, learned=(*rows, *work.learned))


def duplicate_of(number: int) -> Verdict:
    """The verdict of a program that record `number` holds already."""
    return Verdict(Status.DUPLICATE, feedback=f"the same program as record {number}")
