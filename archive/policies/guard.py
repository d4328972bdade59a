"""Calls of a policy, in their order or refused: the one place where tickets are looked after for all policies."""

from __future__ import annotations

from archive.policies.base import Choice, Policy, Spender, is_revocation
from evolve.core.errors import CallOrderError
from evolve.core.rng import Generator
from evolve.core.types import Record, Ticket

_REMEDY = "Plant start programs first; then call pending once for each ticket, in order, and tell its record once."


class Guarded:
    """A policy that refuses unknown and repeated tickets. `inner` is the policy itself.

    Raises:
        CallOrderError: by `plant`, where the ticket is not newer than all before it, or after the first `pending`; by
            `pending`, where it is not newer; by `tell`, where the ticket of the record is not pending: it was told
            before, or never was one. A revocation may come without a ticket that was pending, once.

    >>> from archive.policies import Terms, make_policy
    >>> make_policy("hill", Terms(())).tell(Record(7, Ticket(7, "expand", ("p",), (), "edit", None, 0), None, ...))
    ... # doctest: +SKIP
    CallOrderError: record 7 was told, and its ticket 7 is not pending
    """

    def __init__(self, inner: Policy) -> None:
        self.inner = inner
        # Asked once: whether a class has a method is a slow question, and each record would put it.
        self._spender = inner if isinstance(inner, Spender) else None
        # All tickets so far have smaller numbers.
        self._next = 0
        self._started = False
        self._flying: set[int] = set()
        self._unasked: set[int] = set()

    def plant(self, record: Record) -> None:
        """See `Policy`."""
        if self._started:
            raise CallOrderError(f"record {record.number} was planted after the first ticket", _REMEDY)
        self._take(record.ticket)
        self.inner.plant(record)

    def ask(self, rng: Generator) -> Choice:
        """See `Policy`."""
        return self.inner.ask(rng)

    def pending(self, ticket: Ticket) -> None:
        """See `Policy`."""
        self._take(ticket)
        self._started = True
        self._flying.add(ticket.number)
        self.inner.pending(ticket)

    def tell(self, record: Record) -> None:
        """See `Policy`."""
        number = record.ticket.number
        if number in self._flying:
            self._flying.remove(number)
        elif is_revocation(record) and number not in self._unasked:
            self._unasked.add(number)
        else:
            raise CallOrderError(f"record {record.number} was told, and its ticket {number} is not pending", _REMEDY)
        self.inner.tell(record)

    def spend(self, evaluations: float) -> None:
        """See `Spender`; of no effect where the policy is none."""
        if self._spender is not None:
            self._spender.spend(evaluations)

    def _take(self, ticket: Ticket) -> None:
        if ticket.number < self._next:
            raise CallOrderError(f"ticket {ticket.number} is not newer than ticket {self._next - 1}", _REMEDY)
        self._next = ticket.number + 1
