"""The way of a run that goes on, gone again: its durable records in the order in which they came, and no work."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evolve.core.types import Record, Ticket
from evolve.search import SearchState


def retrace(
    search: SearchState,
    tickets: Mapping[int, Ticket],
    records: Mapping[int, Record],
    restored: Callable[[Record], None],
    tell: Callable[[Record], None],
) -> dict[int, Record]:
    """Ask, restore and tell as the run did, up to the first ticket whose record is missing.

    `tickets` are those of the journal, `records` the durable ones, both by ticket. `restored` hears of each record that
    was put back, `tell` of each whose turn it is to be told. What is left is to be told later: records by number.
    """
    placed = {record.number: record for record in records.values()}
    while True:
        record = placed.get(search.settled)
        if search.asked in tickets and search.asked in records and search.ready():
            search.ask(tickets[search.asked])
        elif record is not None and record.ticket.number < search.asked:
            search.restore(record)
            restored(record)
        elif search.told < search.settled and not search.ready():
            tell(placed[search.told])
        else:
            return {number: placed[number] for number in range(search.told, search.settled)}
