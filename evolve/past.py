"""The past of a run that goes on, read from its archive piece by piece: a long one has no room at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from evolve.core.types import Record, Ticket


class Past:
    """Durable records, by number and read in their order, of which those that were not released stand at hand.

    `order` holds the tickets' numbers in the order of the records.
    """

    def __init__(self, order: Sequence[int] = (), records: Iterable[Record] = ()) -> None:
        self.order = order
        self._done = set(order)
        self._coming: Iterator[Record] = iter(records)
        self._held: dict[int, Record] = {}
        self._last = -1

    def has_record(self, ticket: int) -> bool:
        """Whether this ticket has a durable record."""
        return ticket in self._done

    def record(self, number: int) -> Record | None:
        """The record with this number; None where there is no such one."""
        while self._last < number and (record := next(self._coming, None)) is not None:
            self._held[record.number] = record
            self._last = record.number
        return self._held.get(number)

    def ticket(self, number: int) -> Ticket | None:
        """The ticket with this number, where it became the record with this number, as those of most runs do."""
        record = self.record(number)
        return record.ticket if record is not None and record.ticket.number == number else None

    def release(self, number: int) -> Record:
        """The record, which is asked for no more."""
        return self._held.pop(number)

    def rest(self, number: int) -> dict[int, Record]:
        """The records from this number on, by ticket: all that are left."""
        left = [record for record in (*self._held.values(), *self._coming) if record.number >= number]
        return {record.ticket.number: record for record in left}


class Journal:
    """The tickets of a run, in the order of their numbers: who asks for one does not come back to those before it.

    `after` gives the tickets from a number on.
    """

    def __init__(self, after: Callable[[int], Iterable[Ticket]]) -> None:
        self._after = after
        self._coming: Iterator[Ticket] | None = None
        self._next: Ticket | None = None

    def get(self, number: int) -> Ticket | None:
        """The ticket with this number; None where it was not journaled."""
        if self._coming is None:
            self._coming = iter(self._after(number))
            self._next = next(self._coming, None)
        while self._next is not None and self._next.number < number:
            self._next = next(self._coming, None)
        return self._next if self._next is not None and self._next.number == number else None
