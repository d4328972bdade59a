"""Replies that are paid for: none is asked again, and each is durable before anything is made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from evolve.core.errors import UsageError
from evolve.core.types import ModelReply, Ticket

Messages = list[dict[str, str]]


class Asking(Protocol):
    """What gives a reply: a model, or the recording of a run."""

    async def __call__(self, ticket: Ticket, attempt: int, messages: Messages) -> ModelReply: ...


class Purse(Protocol):
    """The budget as far as requests are concerned: see `evolve.budget.Budget`."""

    def reserve(self, key: str, tokens: int, usd: float | None) -> bool: ...

    def settle_request(self, key: str, tokens: int, usd: float | None) -> None: ...

    def release(self, key: str) -> None: ...


class OverBudget(Exception):
    """What is left of the budget does not cover a further request."""


class Replies:
    """The replies of one run. `known` are those that its archive holds, `keep` makes a new one durable.

    `price` gives the most that a request of these messages may take: tokens, and dollars where the price is known.
    """

    def __init__(
        self,
        known: Iterable[ModelReply],
        asking: Asking,
        keep: Callable[[ModelReply], Awaitable[Any]],
        purse: Purse,
        price: Callable[[Ticket, Messages], tuple[int, float | None]],
    ) -> None:
        self._known = {(reply.ticket, reply.attempt): reply for reply in known}
        self._asking, self._keep, self._purse, self._price = asking, keep, purse, price

    async def get(self, ticket: Ticket, attempt: int, messages: Messages) -> ModelReply:
        """The reply to an attempt, paid for now if it was not before.

        Raises OverBudget, and what asking raises: ModelFault where it is the reply's fault, InfrastructureError.
        """
        if (reply := self._known.get((ticket.number, attempt))) is not None:
            return reply
        key = f"{ticket.number}.{attempt}"
        if not self._purse.reserve(key, *self._price(ticket, messages)):
            raise OverBudget
        try:
            reply = await self._asking(ticket, attempt, messages)
        except BaseException:
            self._purse.release(key)
            raise
        self._purse.settle_request(key, reply.prompt_tokens + reply.completion_tokens, reply.usd)
        await self._keep(reply)
        return reply


class Recording:
    """Replies of an earlier run in the place of models, by ticket and attempt. No network is used.

    `digest` is the digest that a request of these messages would have today. Where it is not that of the recorded
    request, `warn` is told once a ticket, or with `strict` UsageError is raised: the reply answers another question.
    """

    def __init__(
        self,
        replies: Iterable[ModelReply],
        digest: Callable[[Ticket, Messages], str],
        warn: Callable[[str], None],
        strict: bool,
    ) -> None:
        self._replies = {(reply.ticket, reply.attempt): reply for reply in replies}
        self._digest, self._warn, self._strict = digest, warn, strict

    async def __call__(self, ticket: Ticket, attempt: int, messages: Messages) -> ModelReply:
        """The recorded reply. Raises ModelFault where there is none."""
        from evolve.proposers.llm.faults import ModelFault

        reply = self._replies.get((ticket.number, attempt))
        if reply is None:
            raise ModelFault(
                "not recorded", f"the recording holds no reply to attempt {attempt} of ticket {ticket.number}"
            )
        if reply.digest != self._digest(ticket, messages):
            text = f"ticket {ticket.number}, attempt {attempt}: the prompt is not the one that was recorded"
            if self._strict:
                raise UsageError(text, "Replay with the version and problem of then, or without --replay-strict.")
            self._warn(text)
        return reply
