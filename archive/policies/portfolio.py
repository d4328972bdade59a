"""Several policies side by side, each with a population of its own; the weaker ones are dropped on the way.

Successive halving (Jamieson and Talwalkar 2016, arXiv 1502.07943): nobody knows beforehand which policy suits a
problem, so all begin, and the budget of those that are dropped goes to the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from archive.front import coverage
from archive.policies.base import Choice, Policy, Spender, Terms, is_revocation, nothing_left
from archive.policies.hill import Hill
from evolve.core.errors import ProblemError
from evolve.core.rng import Generator
from evolve.core.types import Record, Status, Ticket

CUTS = (0.25, 0.5, 0.75)
"""Shares of the budget at which the weaker members are dropped."""

LEAST = 8
"""Evaluations that each member must be able to have before the first cut, or fewer begin."""


class Portfolio:
    """Members take turns, ticket by ticket, and each is told what came of its own tickets alone.

    Of m members about m ** (2/3) go on after a quarter of the budget, m ** (1/3) after a half, and one after three
    quarters: of 12 they are 5, 2 and 1. Where the budget allows less than `LEAST` evaluations each until the first
    cut, only the first members begin; where it is infinite, all go on to the end.

    The weaker ones are those whose fronts cover less of the others' fronts than these cover of theirs; with one
    objective, those whose best is worse. Of equals those are dropped of whose tickets fewer succeeded, then those that
    stand later in the list. A dropped member still hears what becomes of its tickets in flight, and is not asked any
    more; a later revocation does not bring it back.
    """

    def __init__(self, members: Sequence[str], terms: Terms, make: Callable[[str, Terms], Policy]) -> None:
        """`make` makes a policy from its text; a member's own budget is what it may have if it is never dropped."""
        self._budget = terms.evaluations
        allowed = self._budget * CUTS[0] / LEAST
        count = max(1, min(len(members), int(allowed))) if math.isfinite(allowed) else len(members)
        self._sizes = sizes(count)
        quarters = [1.0 / size for size in (count, *self._sizes)]
        own = replace(terms, evaluations=self._budget * math.fsum(quarters) / len(quarters))
        self._members = [_Member(make(text, own), Hill(terms.objectives, terms.probation)) for text in members[:count]]
        self._active = list(range(count))
        self._turn = 0
        self._spent = 0.0
        self._cut = 0
        self._flying: dict[int, tuple[int, ...]] = {}
        # By program, the members that know it.
        self._knowing: dict[str, tuple[int, ...]] = {}

    @property
    def active(self) -> tuple[int, ...]:
        """Places in the list of the members that are still asked."""
        return tuple(self._active)

    def plant(self, record: Record) -> None:
        """A start program: planted in each population."""
        self._told(record, tuple(range(len(self._members))), lambda policy: policy.plant(record))

    def ask(self, rng: Generator) -> Choice:
        """What the member whose turn it is chooses, or the next one that has a program left."""
        for step in range(len(self._active)):
            place = self._active[(self._turn + step) % len(self._active)]
            with suppress(ProblemError):
                return self._members[place].policy.ask(rng)
        raise nothing_left()

    def pending(self, ticket: Ticket) -> None:
        """The ticket is the current member's; that of a measurement is everybody's who knows the program.

        A ticket that the member can not have asked for, as it does not know the parent, is another's who does.
        """
        knowing = self._knowing.get(ticket.parents[0], ())
        if ticket.kind == "expand":
            now = self._current
            able = [place for place in self._active if place in knowing] or list(knowing)
            knowing = (now,) if now in knowing or not able else (able[0],)
            self._turn += 1
        self._flying[ticket.number] = knowing
        for place in knowing:
            self._members[place].policy.pending(ticket)

    def tell(self, record: Record) -> None:
        """Tell the member whose ticket it was; a revocation is told to all."""
        owners = self._flying.pop(record.ticket.number, ())
        if is_revocation(record):
            owners = tuple(range(len(self._members)))
        self._told(record, owners, lambda policy: policy.tell(record))

    def spend(self, evaluations: float) -> None:
        """Drop the weaker members where a cut is reached. What is spent is charged to the active ones alike."""
        for place in self._active:
            policy = self._members[place].policy
            if isinstance(policy, Spender):
                policy.spend(evaluations / len(self._active))
        self._spent += evaluations
        while self._cut < len(CUTS) and self._spent >= CUTS[self._cut] * self._budget:
            self._drop(self._sizes[self._cut])
            self._cut += 1

    @property
    def _current(self) -> int:
        return self._active[self._turn % len(self._active)]

    def _told(self, record: Record, owners: tuple[int, ...], call: Callable[[Policy], None]) -> None:
        for place in owners:
            member = self._members[place]
            call(member.policy)
            call(member.yardstick)
            member.note(record)
        name = record.program_id
        if name is not None and record.verdict.status is Status.OK and record.ticket.kind == "expand":
            self._knowing[name] = tuple(dict.fromkeys((*self._knowing.get(name, ()), *owners)))

    def _drop(self, size: int) -> None:
        def strength(place: int) -> tuple[float, float]:
            one, rivals = self._members[place], [self._members[other] for other in self._active if other != place]
            margin = math.fsum(
                coverage(one.yardstick.front, other.yardstick.front)
                - coverage(other.yardstick.front, one.yardstick.front)
                for other in rivals
            )
            return -margin, -one.success

        self._active = sorted(sorted(self._active, key=strength)[:size])


class _Member:
    """A policy, and its front, which a hill climber keeps: what it may count and what was revoked."""

    def __init__(self, policy: Policy, yardstick: Hill) -> None:
        self.policy = policy
        self.yardstick = yardstick
        # By record, the outcomes of its tickets.
        self._outcomes: dict[int, float] = {}

    def note(self, record: Record) -> None:
        """Keep the outcome of a ticket, or take one back."""
        if is_revocation(record) and record.supersedes is not None:
            self._outcomes.pop(record.supersedes, None)
        elif record.outcome is not None and record.ticket.parents and record.ticket.kind == "expand":
            self._outcomes[record.number] = record.outcome

    @property
    def success(self) -> float:
        """The chance that one of its tickets succeeds: the mean of the Beta posterior under a uniform prior."""
        return (1.0 + math.fsum(self._outcomes.values())) / (2.0 + len(self._outcomes))


def sizes(count: int) -> tuple[int, ...]:
    """How many of `count` members go on after each cut: the same share each time, down to one."""
    steps = len(CUTS)
    return tuple(max(1, math.floor(count ** (1.0 - step / steps) + 0.5)) for step in range(1, steps + 1))
