"""The proposer that asks language models: prompt, reply, edits; and mending of replies whose edits fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from evaluators.screen import frame
from evolve.core.errors import Forbidden
from evolve.core.types import Candidate, Cost, Failure, ModelReply, Source, Status, Ticket
from evolve.proposers.base import Brief, Context, Proposer
from evolve.proposers.llm.answer import read_answer, read_approaches
from evolve.proposers.llm.edits import EditError, apply
from evolve.proposers.llm.faults import ModelFault
from evolve.proposers.llm.memory import OverBudget, Replies
from evolve.proposers.llm.prompts import Prompts, TooLong
from evolve.proposers.llm.reading import CUT_OFF, FILTERED

PARADIGM = "paradigm"

Finish = Callable[[Candidate, Context], Awaitable[Candidate]]


@dataclass(frozen=True, slots=True)
class _Spent:
    """Replies to one ticket so far."""

    replies: tuple[ModelReply, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(reply.id for reply in self.replies)

    @property
    def cost(self) -> Cost:
        known = [reply.usd for reply in self.replies if reply.usd is not None]
        usd = sum(known) if len(known) == len(self.replies) else None
        return Cost(0.0, sum(r.prompt_tokens + r.completion_tokens for r in self.replies), usd)


class LLMProposer:
    """Answers tickets that have a model. Whatever a model writes ends as a `Candidate` or a `Failure`.

    `seed` is the frame outside of which nothing may change. `announce` is told the idea of a reply as soon as it is
    there. `finish` may fit the constants of a candidate before it is scored.
    """

    def __init__(
        self,
        seed: Source,
        prompts: Prompts,
        replies: Replies,
        announce: Callable[[int, str], None],
        finish: Finish | None = None,
    ) -> None:
        self._seed, self._prompts, self._replies = seed, prompts, replies
        self._announce, self._finish = announce, finish

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        """A model's program. Raises InfrastructureError where no model answers."""
        brief = context.brief
        if brief is None:
            raise ValueError(f"ticket {ticket.number} has a model and no brief")
        proposal = await self._ask(ticket, context, brief)
        if self._finish is not None and isinstance(proposal, Candidate):
            return await self._finish(proposal, context)
        return proposal

    async def _ask(self, ticket: Ticket, context: Context, brief: Brief) -> Candidate | Failure:
        spent, idea = _Spent(), ""
        try:
            messages = self._prompts.messages(ticket.operator, brief)
        except TooLong as error:
            return self._failed(ticket, Status.NO_PROGRAM, error.message, spent, idea)
        base = self._base(brief)
        for attempt in range(1 + brief.repairs):
            try:
                reply = await self._replies.get(ticket, attempt, messages)
            except ModelFault as fault:
                return self._failed(ticket, Status.NO_PROGRAM, f"{fault.kind}: {fault.message}", spent, idea)
            except OverBudget:
                reason = "no request was made: the rest of the budget does not cover it"
                return self._failed(ticket, Status.NO_PROGRAM, reason, spent, idea)
            spent = _Spent((*spent.replies, reply))
            if ticket.operator == PARADIGM:
                return self._approaches(ticket, reply, brief, spent)
            answer = read_answer(reply.text, reply.finish == CUT_OFF)
            idea = idea or answer.idea
            self._announce(ticket.number, idea)
            if not answer.has_program:
                return self._failed(ticket, Status.NO_PROGRAM, _without_program(answer.refusal, reply), spent, idea)
            try:
                source = apply(base, answer)
            except EditError as error:
                failure = self._failed(ticket, Status.EDIT_FAILED, str(error), spent, idea)
                try:
                    messages = self._prompts.repair_messages(messages, reply.text, error)
                except TooLong:
                    return failure
                continue
            if source == context.parents[0]:
                return self._failed(ticket, Status.UNCHANGED, "the reply changes nothing", spent, idea)
            return Candidate(ticket, source, idea, spent.ids, spent.cost)
        return failure

    def _base(self, brief: Brief) -> Source:
        """What is edited: the broken program, or the parent; in the frame of the seed where the parent has another."""
        shown = brief.broken or brief.parent
        source = shown.source or self._seed
        try:
            return source if frame(source) == frame(self._seed) else self._seed
        except Forbidden:
            return self._seed

    def _approaches(self, ticket: Ticket, reply: ModelReply, brief: Brief, spent: _Spent) -> Failure:
        found = read_approaches(reply.text, brief.known_ideas)
        reason = f"{len(found)} approaches were named" if found else "the reply names no approach that is new"
        return self._failed(ticket, Status.NO_PROGRAM, reason, spent, "\n".join(found))

    def _failed(self, ticket: Ticket, status: Status, reason: str, spent: _Spent, idea: str) -> Failure:
        return Failure(ticket, status, reason, spent.cost, idea, spent.ids)


class Routed:
    """Tickets with a model go to models, others to the offline proposer."""

    def __init__(self, offline: Proposer, models: Proposer) -> None:
        self._offline, self._models = offline, models

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        """See `Proposer`."""
        proposer = self._offline if ticket.model is None else self._models
        return await proposer.propose(ticket, context)


def _without_program(refusal: bool, reply: ModelReply) -> str:
    if refusal:
        return "the model refuses"
    if reply.finish == FILTERED:
        return "the provider's content filter held the reply back"
    if not reply.text.strip():
        return f"the reply is empty (finish reason {reply.finish})"
    return "the reply was cut off before any code" if reply.finish == CUT_OFF else "the reply holds no code"
