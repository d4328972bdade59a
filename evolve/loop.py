"""The loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from evolve.budget import Budget
from evolve.core.errors import UnavailableError
from evolve.core.types import Record, Ticket
from evolve.flight import Flight, Landing
from evolve.past import Past
from evolve.retracing import retrace
from evolve.search import SearchState


async def run_loop(
    search: SearchState,
    flight: Flight,
    budget: Budget,
    journaled: Callable[[int], Ticket | None],
    past: Past,
    watch: Callable[[Record], None],
    keep: Callable[[int], None] | None = None,
) -> str:
    """Ask, fly, tell until the budget is spent; why it ended. What is in flight then is finished first.

    Where the sandbox is away, Ctrl-C and the end of the minutes do not wait for what is in flight: it is journaled, and
    a run that goes on later finishes it.

    A ticket that waits for its share of the budget holds back the records behind it: it is asked of the same state
    whether the budget was tight or not, so a run that goes on later is the run that never stopped. For the same reason
    records that it finds are charged one by one, as they were when they landed: those not charged yet are in flight.

    `keep` hears how many records were told whenever these are all that is charged, and no ticket is half settled: that
    is a state from which a snapshot may go on.
    """
    flights: set[asyncio.Task[Record]] = set()
    finished: asyncio.Queue[asyncio.Task[Record]] = asyncio.Queue()
    landing = Landing(search, flight.engine, watch)
    uncharged: deque[Record] = deque()

    def in_flight() -> int:
        return len(flights) + len(uncharged)

    def launch() -> None:
        flight.turnstile.last = None
        start(flight.fly(*search.ask(journaled(search.asked))))

    def start(landing_record: Coroutine[Any, Any, Record]) -> None:
        task = asyncio.create_task(landing_record)
        flights.add(task)
        task.add_done_callback(finished.put_nowait)

    def restored(record: Record) -> None:
        flight.restored(record)
        uncharged.append(record)

    def tell(record: Record) -> None:
        if uncharged and uncharged[0].number <= record.number:
            budget.settle(uncharged.popleft())
        landing.tell(record)

    try:
        # Those of a snapshot that had settled before they were told.
        uncharged.extend(filter(None, map(past.record, range(search.told, search.settled))))
        landing.waiting |= retrace(search, journaled, past, restored, tell)
        flight.records = past.rest(search.settled)
        for record in flight.records.values():
            # It came after one whose ticket is not asked yet.
            if record.ticket.number < search.asked:
                start(flight.land_again(record))
        while True:
            if keep and not uncharged and not landing.waiting and flight.turnstile.is_free:
                keep(search.told)
            # What was journaled before is finished whatever the budget says: it was paid for.
            while search.ready() and (journaled(search.asked) is not None or _may_ask(search, budget, in_flight())):
                launch()
            if landing.is_due and not search.ready():
                tell(landing.next())
            elif uncharged:
                budget.settle(uncharged.popleft())
            elif flights:
                if search.ready():
                    flight.turnstile.last = search.asked
                task = await finished.get()
                flights.remove(task)
                record = task.result()  # durable
                landing.waiting[record.number] = record
                budget.settle(record)
            else:
                landing.tell_all()
                return budget.stop_reason(0) or search.schedule.ending
    except UnavailableError:
        if budget.cut_off is None:
            raise
        for record in uncharged:
            budget.settle(record)
        landing.tell_all()
        return budget.cut_off
    finally:
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


def _may_ask(search: SearchState, budget: Budget, in_flight: int) -> bool:
    """Whether the budget allows the next ticket. A replay is no evaluation, and without it the best of the last tickets
    would be lost; so it would without the rest of train."""
    if not budget.stop_reason(in_flight) or (search.replay_is_due() and not budget.interrupted):
        return True
    return search.measuring.may_complete() and budget.may_complete(in_flight)
