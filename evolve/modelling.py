"""The models of one run, put together: who proposes, what they are told, what that may cost, and what they answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from archive.store import Archive
from evolve.agenda import Agenda
from evolve.briefing import Briefing
from evolve.budget import Budget, Estimate, check_prices, cost_estimate
from evolve.core.config import RunConfig
from evolve.core.types import Candidate, ModelReply, Ticket
from evolve.crew import MUTATE, Crew
from evolve.engine.base import Engine, Task
from evolve.events import ScoredProgram, Spending
from evolve.guidance import Guidance, tuning_move
from evolve.problem import Problem
from evolve.proposers.base import Brief, Context, Proposer, Shown
from evolve.proposers.llm.client import Client, digest, request_of
from evolve.proposers.llm.memory import Asking, Messages, Recording, Replies
from evolve.proposers.llm.models import Model, models_from_json
from evolve.proposers.llm.prompts import PROMPT_TOKENS, Prompts, estimated_tokens, facts_of
from evolve.proposers.llm.proposer import LLMProposer, Routed
from evolve.rules import Rules
from evolve.schedule import OnCompletion

if TYPE_CHECKING:
    from archive.replay import Replay

REPLY_TOKENS = 1_500
"""What a reply is taken to hold in an estimate, reasoning not included."""


def crew_of(models: Sequence[Model], rule: str) -> Crew:
    """Which model does what. A model without a role has both."""
    refine = {model.name: model.weight for model in models if "refine" in model.roles}
    shift = {model.name: model.weight for model in models if "shift" in model.roles}
    every = {model.name: model.weight for model in models}
    return Crew(refine or every, shift or every, sum(model.concurrency for model in models), rule)


class Modelling:
    """What a run with models needs beside the rest. `recording` answers in the place of the models, where there is one;
    with `strict` a prompt that is not the recorded one is an error, else `warn` is told.

    Raises UsageError where dollars are limited and a price is unknown, or a template can not be used.
    """

    def __init__(
        self,
        problem: Problem,
        config: RunConfig,
        prompts_folder: str | None,
        recording: Replay | None,
        strict: bool,
        warn: Callable[[str], None],
    ) -> None:
        settings = config.models or {}
        self.models = {model.name: model for model in models_from_json(settings["models"])}
        self.crew = crew_of(tuple(self.models.values()), settings["bandit"])
        longest = [tokens for model in self.models.values() if (tokens := model.prompt_tokens) is not None]
        limit = min([PROMPT_TOKENS, *longest])
        self.prompts = Prompts(facts_of(problem), config.hint, prompts_folder, limit)
        self.prices = {name: model.price for name, model in self.models.items()}
        check_prices(self.prices, config.usd)
        self.client = None if recording else Client(tuple(self.models.values()), callbacks=settings["callbacks"])
        self._problem, self._config = problem, config
        self._recording, self._strict, self._warn = recording, strict, warn

    def guidance(
        self, rules: Rules, known: Sequence[ScoredProgram], bound: Mapping[str, float] | None, budget: Budget
    ) -> Guidance:
        """Who decides what models are asked. `known` are the seed and the baselines."""
        objective = rules.objectives[0]
        agenda = Agenda(self._config.evaluations, tuning_move(rules.operators), objective.cost)
        guidance = Guidance(self.crew, agenda, Briefing(rules.objectives, known, bound), budget.share)
        if self.client is not None:
            guidance.available = self.client.available
        return guidance

    def recorded(self, tickets: Iterable[Ticket]) -> Mapping[int, Ticket]:
        """The tickets that are there already: those of the journal, and in a replay those of the recording."""
        replayed = self._recording.tickets if self._recording else ()
        return {ticket.number: ticket for ticket in (*replayed, *tickets)}

    def schedule(self, tickets: Mapping[int, Ticket], order: Sequence[int], starts: int) -> OnCompletion:
        """Tickets that are there already go as they went; what comes after them is committed on completion."""
        if self._recording:
            order = self._recording.order
        asked_at = {number: ticket.told for number, ticket in tickets.items()}
        last = len(tickets) if self._recording else None
        return OnCompletion(self._config.window, starts, asked_at, order, last)

    def proposer(
        self, offline: Proposer, engine: Engine, archive: Archive, run_id: str, budget: Budget, guidance: Guidance
    ) -> Proposer:
        """Who answers the run's tickets. What was paid before is charged to the budget, and not paid again."""
        known = archive.replies(run_id)
        budget.restore(known)
        budget.expect(*self._smallest())

        async def keep(reply: ModelReply) -> None:
            await archive.add_reply(run_id, reply)

        async def fit(candidate: Candidate, context: Context) -> Candidate:
            fitted: Candidate = await engine.run(Task("fit", (candidate, context), candidate.ticket.number))
            return fitted

        replies = Replies(known, self._asking(), keep, budget, self._most)
        finish = fit if self._problem.sandbox == "straight_line" else None
        return Routed(offline, LLMProposer(self._problem.seed, self.prompts, replies, guidance.announce, finish))

    def estimate(self, seed: ScoredProgram) -> Estimate | None:
        """What the run may cost; None where every price is known to be nothing, or replies are recorded."""
        if self._recording or all(
            one is not None and not one.output_usd + one.input_usd for one in self.prices.values()
        ):
            return None
        shown = Shown(seed.name, "parent", self._problem.seed, seed.metrics)
        messages = self.prompts.messages(MUTATE, Brief(shown, shown))
        requests = round(min(self._config.evaluations, self._config.proposals))
        return cost_estimate(self.prices, requests, estimated_tokens(messages), REPLY_TOKENS)

    def spending(self, budget: Budget) -> Spending:
        """What models have cost so far, the run's earlier parts included."""
        flying = self.client.requests_in_flight if self.client else 0
        return Spending(budget.requests, budget.tokens, budget.usd, budget.unpriced, flying)

    def _asking(self) -> Asking:
        if self._recording is not None:
            return Recording(self._recording.replies, self._digest, self._warn, self._strict)
        if self.client is None:
            raise ValueError("neither models nor a recording")
        return self.client

    def _digest(self, ticket: Ticket, messages: Messages) -> str:
        return digest(request_of(self.models[ticket.model or ""], messages))

    def _most(self, ticket: Ticket, messages: Messages) -> tuple[int, float | None]:
        """Tokens and dollars that a request takes at the most."""
        model, price = self.models[ticket.model or ""], self.prices[ticket.model or ""]
        tokens = estimated_tokens(messages)
        return tokens + model.max_tokens, None if price is None else price.usd(tokens, 0, model.max_tokens)

    def _smallest(self) -> tuple[int, float]:
        """Tokens and dollars that the smallest request takes at the most; a price that is unknown counts as nothing."""
        tokens = estimated_tokens(self.prompts.smallest())
        every = [(model, self.prices[name]) for name, model in self.models.items()]
        usd = [0.0 if price is None else price.usd(tokens, 0, model.max_tokens) for model, price in every]
        return tokens + min(model.max_tokens for model, _ in every), min(usd)

    async def close(self) -> None:
        """Give connections back."""
        if self.client is not None:
            await self.client.close()
