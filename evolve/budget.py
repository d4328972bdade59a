"""What a run may still spend. Deterministic limits first; the clock only decides when to stop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evolve.core.clock import monotonic_seconds
from evolve.core.errors import UsageError
from evolve.core.types import Cost, ModelReply, Record
from evolve.outlook import chance_of_improvement

ROUNDING = 1e-9
"""Batches cost parts of an evaluation: what they sum up to must not depend on the order in which they are done."""
PATIENCE_PROPOSALS = 1_000
PATIENCE_EVALUATIONS = 20
"""Evaluations before a run may be judged to have no chance left."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a model's tokens cost, in dollars per token."""

    input_usd: float
    cached_input_usd: float
    output_usd: float

    def usd(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        """The dollars of one request; the cached tokens are part of those of the prompt."""
        cached = min(cached_tokens, prompt_tokens)
        fresh = prompt_tokens - cached
        return fresh * self.input_usd + cached * self.cached_input_usd + completion_tokens * self.output_usd


@dataclass(frozen=True, slots=True)
class Estimate:
    """Dollars that the requests of a run may cost, both None where a price is unknown."""

    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return "what the models cost is unknown: a price is missing, which docs/models.md says how to give"
        if self.high == 0.0:
            return "the models cost nothing"
        low, high = (f"{usd:,.2f}" if usd >= 0.01 or usd == 0.0 else f"{usd:.1g}" for usd in (self.low, self.high))
        return f"the models may cost {high} USD" if low == high else f"the models may cost {low} to {high} USD"


def cost_estimate(prices: Mapping[str, Price | None], requests: int, prompt_tokens: int, reply_tokens: int) -> Estimate:
    """What `requests` requests of that many tokens each may cost, whichever of the models (by name) answer them.

    The low end is the cheapest model with every prompt cached, the high end the dearest one with no cache.
    """
    known = [price for price in prices.values() if price is not None]
    if len(known) < len(prices):
        return Estimate(None, None)
    cached = min((price.usd(prompt_tokens, prompt_tokens, reply_tokens) for price in known), default=0.0)
    fresh = max((price.usd(prompt_tokens, 0, reply_tokens) for price in known), default=0.0)
    return Estimate(requests * cached, requests * fresh)


def check_prices(prices: Mapping[str, Price | None], usd_limit: float | None) -> None:
    """Raises UsageError where dollars are limited and a model's price is unknown: the limit could not be kept."""
    unknown = [name for name, price in prices.items() if price is None]
    if usd_limit is not None and unknown:
        raise UsageError(
            f"--usd {usd_limit:g} can not be kept: the price of model {unknown[0]} is unknown",
            f'Give input_usd_per_million and output_usd_per_million in [models."{unknown[0]}"] of the settings '
            "(0 where it is free), or limit --tokens instead.",
        )


@dataclass
class Budget:
    """Limits and what was spent; the run ends with the first that is reached. One evaluation is reserved for each
    ticket in flight, and what a request may cost before it is sent. For one thread.

    Tokens and dollars are charged by requests, not by records: a reply is paid for whatever becomes of it. As a
    reservation is the most that a request is expected to take, a limit is exceeded by no more than what requests in
    flight take beyond that: one a slot. `requests` counts those that brought a reply, `unpriced` those of them whose
    price is unknown, which are not in `usd`. `patience` is the chance of an improvement in what is left below which the
    run ends.
    """

    evaluations_limit: float
    proposals_limit: int
    seconds_limit: float | None = None
    evaluations: float = 0.0
    proposals: int = 0
    fruitless: int = 0
    interrupted: bool = False
    usd_limit: float | None = None
    tokens_limit: int | None = None
    patience: float | None = None
    usd: float = 0.0
    tokens: int = 0
    requests: int = 0
    unpriced: int = 0
    _reserved: dict[str, tuple[int, float]] = field(default_factory=dict, init=False, repr=False)
    _smallest: tuple[int, float] = field(default=(0, 0.0), init=False, repr=False)
    _told: tuple[float, int] = field(default=(0.0, 0), init=False, repr=False)
    _since: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        self.started = monotonic_seconds()

    @property
    def seconds(self) -> float:
        """Wall seconds since the run was started or resumed."""
        return monotonic_seconds() - self.started

    @property
    def cut_off(self) -> str | None:
        """Why what is in flight need not be waited for where a sandbox is away: Ctrl-C, or the minutes are over."""
        if self.interrupted:
            return "interrupted"
        late = self.seconds_limit is not None and self.seconds >= self.seconds_limit
        return "minutes" if late else None

    def stop_reason(self, in_flight: int) -> str | None:
        """Why no further ticket may be asked, or None while one may.

        "usd" and "tokens" where what is neither spent nor reserved does not cover the smallest request expected.
        """
        if self.interrupted:
            return "interrupted"
        if self.evaluations + in_flight > self.evaluations_limit - ROUNDING:
            return "evaluations"
        if self.proposals + in_flight >= self.proposals_limit:
            return "proposals"
        tokens_left, usd_left = self._left()
        if usd_left <= 0.0 or usd_left < self._smallest[1]:
            return "usd"
        if tokens_left <= 0 or tokens_left < self._smallest[0]:
            return "tokens"
        if self.fruitless >= PATIENCE_PROPOSALS:
            return "exhausted"
        return "patience" if self._is_hopeless() else self.cut_off

    def may_complete(self, in_flight: int) -> bool:
        """True where a program that may be the best can be measured to its end although no ticket may be asked: for
        that a run goes up to one evaluation over its limit, as for a last ticket."""
        return not self.interrupted and self.evaluations + in_flight < self.evaluations_limit + 1.0 - ROUNDING

    def settle(self, record: Record) -> None:
        """Charge a durable record. One of a program that is there already proposes nothing, and a check is free."""
        self.evaluations += _charge(record)
        if record.ticket.kind == "measure":
            return
        self.proposals += 1
        self.fruitless = 0 if record.verdict.evaluated else self.fruitless + 1

    def tell(self, record: Record, best_changed: bool) -> None:
        """Take a told record, in the order of telling, so that patience depends on no worker's speed."""
        evaluations, proposals = self._told
        self._told = evaluations + _charge(record), proposals + (record.ticket.kind != "measure")
        self._since += _charge(record)
        if best_changed:
            self._since = 0.0

    def adopt(self, other: Budget) -> None:
        """Take over what records were charged elsewhere; limits and the clock are this one's own."""
        for name in ("evaluations", "proposals", "fruitless", "_told", "_since"):
            setattr(self, name, getattr(other, name))

    def expect(self, tokens: int, usd: float) -> None:
        """Set what the smallest request takes that is worth starting a ticket for."""
        self._smallest = tokens, usd

    def reserve(self, key: str, tokens: int, usd: float | None) -> bool:
        """Set aside the most that a request is expected to take; False, with nothing set aside, where it is not left.

        Dollars of None are unknown: not covered where they are limited. Raises ValueError where `key` is reserved.
        """
        if key in self._reserved:
            raise ValueError(f"request {key} is reserved already")
        tokens_left, usd_left = self._left()
        if tokens > tokens_left or (usd or 0.0) > usd_left or (usd is None and self.usd_limit is not None):
            # Requests are as large as this one now: where it does not fit, no ticket is worth starting.
            self.expect(max(tokens, self._smallest[0]), max(usd or 0.0, self._smallest[1]))
            return False
        self._reserved[key] = tokens, usd or 0.0
        return True

    def settle_request(self, key: str, tokens: int, usd: float | None) -> None:
        """Charge a reply and drop its reservation, if any. A server that counts below zero gives nothing back."""
        self.release(key)
        self.requests += 1
        self.tokens += max(0, tokens)
        if usd is None:
            self.unpriced += 1
        else:
            self.usd += max(0.0, usd)

    def release(self, key: str) -> None:
        """Drop the reservation of a request that brought no reply, if it had one."""
        self._reserved.pop(key, None)

    def restore(self, replies: Iterable[ModelReply]) -> None:
        """Charge what was paid before the run was resumed."""
        for reply in replies:
            self.settle_request(reply.id, reply.prompt_tokens + reply.completion_tokens, reply.usd)

    def share(self, record: Record) -> float:
        """The largest share of any limit (evaluations, proposals, dollars, tokens) that a record used; above 0.

        Depends on the limits and the record alone. Dollars that are unknown count as none.
        """
        made = record.candidate or record.failure
        cost = made.cost if made is not None else Cost()
        shares = [record.evaluations / self.evaluations_limit, 1.0 / self.proposals_limit]
        if self.usd_limit is not None:
            shares.append((cost.usd or 0.0) / self.usd_limit)
        if self.tokens_limit is not None:
            shares.append(cost.tokens / self.tokens_limit)
        return max(shares)

    def outlook(self) -> tuple[int, int]:
        """Evaluations told since the best changed, and those left before the first limit, if all goes on as it did.

        After a resume the minutes count from there, so they may seem to leave more than they do.
        """
        evaluations, proposals = self._told
        left = self.evaluations_limit - evaluations
        spent = [(proposals, self.proposals_limit), (self.usd, self.usd_limit), (self.tokens, self.tokens_limit)]
        for used, limit in [*spent, (self.seconds, self.seconds_limit)]:
            if limit is not None and used > 0:
                left = min(left, (limit - used) * evaluations / used)
        return math.floor(self._since), math.floor(max(0.0, left))

    def _is_hopeless(self) -> bool:
        if self.patience is None or self._told[0] < PATIENCE_EVALUATIONS:
            return False
        return chance_of_improvement(*self.outlook()) < self.patience

    def _left(self) -> tuple[float, float]:
        """Tokens and dollars that are neither spent nor reserved; infinite without a limit."""
        tokens, usd = math.inf, math.inf
        if self.tokens_limit is not None:
            tokens = self.tokens_limit - self.tokens - sum(tokens for tokens, _ in self._reserved.values())
        if self.usd_limit is not None:
            usd = self.usd_limit - self.usd - math.fsum(usd for _, usd in self._reserved.values())
        return tokens, usd


def _charge(record: Record) -> float:
    """Of records of measure tickets those of batches cost something."""
    return record.evaluations if record.ticket.kind == "expand" or record.verdict.extent is not None else 0.0
