"""The way of a run that goes on, gone again: its durable records in the order in which they came, and no work."""

from __future__ import annotations

from collections.abc import Callable

from evolve.core.types import Record, Ticket
from evolve.past import Past
from evolve.search import SearchState
from evolve.snapshot import uncollected


def retrace(
    search: SearchState,
    journaled: Callable[[int], Ticket | None],
    past: Past,
    restored: Callable[[Record], None],
    tell: Callable[[Record], None],
) -> dict[int, Record]:
    """Ask, restore and tell as the run did, up to the first ticket whose record is missing.

    `journaled` gives the ticket of a number, and none where there is no such one. `restored` hears of each record that
    was put back, `tell` of each whose turn it is to be told. What is left is to be told later: records by number. A
    search that was read from a snapshot goes on from there; records that it had settled and not told wait.
    """
    waiting: dict[int, Record] = {}
    for number in range(search.told, search.settled):
        if past.record(number) is not None:
            waiting[number] = past.release(number)
    with uncollected():
        while True:
            ready = search.ready()
            ticket = (past.ticket(search.asked) or journaled(search.asked)) if ready else None
            if ticket is not None and past.has_record(ticket.number):
                search.retake(ticket)
                continue
            record = past.record(search.settled)
            if record is not None and record.ticket.number < search.asked:
                waiting[record.number] = past.release(record.number)
                search.restore(record)
                restored(record)
            elif search.told < search.settled and not ready:
                tell(waiting.pop(search.told))
            else:
                return waiting
