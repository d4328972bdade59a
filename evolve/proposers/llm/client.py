"""One request to a model through litellm: limits, retries, deadline, breaker, and what is made of its faults."""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any

from evolve.core.clock import monotonic_seconds
from evolve.core.rng import generator
from evolve.core.types import ModelReply, Ticket
from evolve.proposers.llm.faults import ModelFault, judge
from evolve.proposers.llm.memory import Messages
from evolve.proposers.llm.models import Model, check_callbacks, import_litellm, table_entry
from evolve.proposers.llm.prompts import estimated_tokens
from evolve.proposers.llm.reading import CUT_OFF, FILTERED, Answer, read

ATTEMPTS = 5
"""How often a request is sent before its fault counts: the first time and four more."""
BACK_OFF_SECONDS, MAX_BACK_OFF_SECONDS = 1.0, 30.0
FAULTS_TO_OPEN, COOL_OFF_SECONDS, MAX_COOL_OFF_SECONDS = 3, 30.0, 600.0

_OF_THE_PROMPT = ("bad request", "context", "refused")
"""Faults that say nothing of whether the model answers."""


class Breaker:
    """Keeps a model that fails again and again from being asked: closed, open for a while, then tried once more.

    The time that it is open doubles with each failed trial, from 30 s to 10 minutes (Nygard, Release It!, 2007,
    "Circuit Breaker").
    """

    def __init__(self, cool_off_seconds: float = COOL_OFF_SECONDS) -> None:
        self._first = self._cool_off_seconds = cool_off_seconds
        self._faults = 0
        self._open_until = 0.0

    def allows(self) -> bool:
        """Whether the model may be asked now."""
        return self._faults < FAULTS_TO_OPEN or monotonic_seconds() >= self._open_until

    def succeeded(self) -> None:
        """A request was answered."""
        self._faults, self._cool_off_seconds = 0, self._first

    def failed(self) -> None:
        """A request and all its retries failed."""
        self._faults += 1
        if self._faults > FAULTS_TO_OPEN:
            self._cool_off_seconds = min(MAX_COOL_OFF_SECONDS, 2.0 * self._cool_off_seconds)
        if self._faults >= FAULTS_TO_OPEN:
            self._open_until = monotonic_seconds() + self._cool_off_seconds


class Pace:
    """At most so many units (requests, tokens) in any minute."""

    def __init__(self, per_minute: float | None) -> None:
        self._per_minute = per_minute
        self._spent: deque[tuple[float, float]] = deque()

    async def wait(self, units: float) -> None:
        """Wait until `units` more fit; what is more than a whole minute's worth waits for an empty minute."""
        if self._per_minute is None:
            return
        while True:
            now = monotonic_seconds()
            while self._spent and now - self._spent[0][0] >= 60.0:
                self._spent.popleft()
            used = sum(amount for _, amount in self._spent)
            if not self._spent or used + units <= self._per_minute:
                self._spent.append((now, units))
                return
            await asyncio.sleep(60.0 - (now - self._spent[0][0]))


class _Line:
    """One model with its limits."""

    def __init__(self, model: Model) -> None:
        self.model, self.price = model, model.price
        self.slots = asyncio.Semaphore(model.concurrency)
        self.requests, self.tokens = Pace(model.requests_per_minute), Pace(model.tokens_per_minute)
        self.breaker = Breaker()


class Client:
    """Asks models. To be used in one event loop; it costs nothing until the first request.

    A request is sent up to five times, with exponential back-off and full jitter (Brooker 2015, "Exponential Backoff
    and Jitter"), where that may help: rate limits (a Retry-After is honoured), 408, 409, 5xx, time-outs, closed
    connections, and answers that are not the protocol's. An empty one is asked for once more; what both cost stands on
    the reply. `timeout_seconds` of a model bounds a request as a whole, so that a server that drips ends there too.
    """

    def __init__(
        self, models: Sequence[Model], *, callbacks: Sequence[str] = (), back_off_seconds: float = BACK_OFF_SECONDS
    ) -> None:
        self._lines = {model.name: _Line(model) for model in models}
        self._back_off_seconds = back_off_seconds
        self._litellm = import_litellm()
        check_callbacks(callbacks)
        self._litellm.callbacks = list(callbacks)
        self._litellm.register_model({model.model: entry for model in models if (entry := _priced(model))})
        self.requests_in_flight = 0

    def available(self, name: str) -> bool:
        """Whether the model's breaker lets requests through."""
        return self._lines[name].breaker.allows()

    async def __call__(self, ticket: Ticket, attempt: int, messages: Messages) -> ModelReply:
        """The reply of the ticket's model: without text where the model gave none, or a filter held it back.

        Raises:
            ModelFault: no reply came. ModelUnavailable: the model can not be used at all.
        """
        line = self._lines[ticket.model or ""]
        async with line.slots:
            try:
                reply = await self._persist(line, ticket, attempt, messages)
            except ModelFault as fault:
                if fault.kind not in _OF_THE_PROMPT:
                    line.breaker.failed()
                raise
            if reply.text or reply.finish == FILTERED:
                line.breaker.succeeded()
            else:
                line.breaker.failed()
            return reply

    async def close(self) -> None:
        """Give connections back."""
        with suppress(Exception):  # whatever its cache of clients holds, the run is over
            await self._litellm.close_litellm_async_clients()

    async def _persist(self, line: _Line, ticket: Ticket, attempt: int, messages: Messages) -> ModelReply:
        rng = generator(ticket.seed, attempt, "back-off")
        started = monotonic_seconds()
        got: Answer | None = None
        fault: Exception | None = None
        for turn in range(ATTEMPTS):
            await line.requests.wait(1.0)
            await line.tokens.wait(estimated_tokens(messages) + line.model.max_tokens)
            pause: float | None = 0.0
            try:
                answer = read(await self._send(line.model, messages), messages)
            except Exception as error:  # litellm raises many kinds; `judge` tells ours from those of the request
                fault, pause = judge(line.model, error)
            else:
                again, got = got is not None, answer.after(got) if got else answer
                if answer.text or answer.finish in (FILTERED, CUT_OFF) or again:
                    break
            if pause is None or turn == ATTEMPTS - 1:
                break
            back_off = min(MAX_BACK_OFF_SECONDS, self._back_off_seconds * 2.0**turn) * float(rng.random())
            await asyncio.sleep(max(pause, back_off))
        if got is None:
            raise fault or ModelFault("empty", "no request was made")
        return _reply(line, ticket, attempt, messages, got, monotonic_seconds() - started)

    async def _send(self, model: Model, messages: Messages) -> Any:
        self.requests_in_flight += 1
        try:
            async with asyncio.timeout(model.timeout_seconds):
                sent = await self._litellm.acompletion(**_arguments(model), messages=messages)
                if not model.stream:
                    return sent
                chunks = [chunk async for chunk in sent]
                return self._litellm.stream_chunk_builder(chunks, messages=messages)
        finally:
            self.requests_in_flight -= 1


def request_of(model: Model, messages: Messages) -> dict[str, Any]:
    """What is sent, as it is kept: messages and sampling parameters, no key and no address."""
    sampling = {"temperature": model.temperature, "reasoning_effort": model.reasoning_effort}
    given = {key: value for key, value in sampling.items() if value is not None}
    return {"model": model.model, "messages": messages, "max_tokens": model.max_tokens, **given}


def digest(request: dict[str, Any]) -> str:
    """BLAKE2b-128 of a request's canonical JSON: equal for equal requests."""
    text = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _priced(model: Model) -> dict[str, Any] | None:
    """What litellm's table of prices lacks of a model: with it, its callbacks know what a request costs."""
    if model.price is None or table_entry(model.model):
        return None
    provider = {"litellm_provider": model.model.partition("/")[0], "mode": "chat"}
    return {
        **provider,
        "input_cost_per_token": model.price.input_usd,
        "cache_read_input_token_cost": model.price.cached_input_usd,
        "output_cost_per_token": model.price.output_usd,
    }


def _arguments(model: Model) -> dict[str, Any]:
    given: dict[str, Any] = {key: value for key, value in request_of(model, []).items() if key != "messages"}
    given |= {"num_retries": 0, "max_retries": 0, "timeout": model.timeout_seconds, "stream": model.stream}
    if model.stream:
        given["stream_options"] = {"include_usage": True}
    if model.api_base is not None:
        # A server of one's own seldom wants a key, and the client of its protocol does.
        given |= {"api_base": model.api_base, "api_key": os.environ.get(model.api_key_env or "", "none")}
    elif model.api_key_env is not None:
        given["api_key"] = os.environ.get(model.api_key_env, "")
    return given


def _reply(line: _Line, ticket: Ticket, attempt: int, messages: Messages, answer: Answer, seconds: float) -> ModelReply:
    model = line.model
    prompt, completion, cached = answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens
    usd = None if line.price is None else line.price.usd(prompt, cached, completion)
    request = request_of(model, messages)
    said = (digest(request), answer.text, answer.finish)
    return ModelReply(ticket.number, attempt, model.name, request, *said, prompt, completion, cached, usd, seconds)
