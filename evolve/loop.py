"""The loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from archive.store import Archive
from evolve.budget import Budget
from evolve.core.errors import UnavailableError
from evolve.core.types import Record, Ticket
from evolve.engine.base import Engine, Task
from evolve.proposers.base import Context
from evolve.search import SearchState
from evolve.step import Step


class Turnstile:
    """Lets the flights through one at a time, in the order of their tickets."""

    def __init__(self) -> None:
        self._next = 0
        self._waiting: dict[int, asyncio.Event] = {}

    async def enter(self, number: int) -> None:
        """Wait until all flights before `number` have left."""
        if self._next != number:
            self._waiting[number] = asyncio.Event()
            await self._waiting[number].wait()

    def leave(self) -> None:
        """Let the next one through."""
        self._next += 1
        if self._next in self._waiting:
            self._waiting.pop(self._next).set()


class Flight:
    """One ticket on its way to a durable record. `tickets` and `records` are what a resumed run has already."""

    def __init__(
        self,
        run_id: str,
        archive: Archive,
        search: SearchState,
        step: Step,
        engine: Engine,
        records: Mapping[int, Record],
    ) -> None:
        self.run_id, self.archive, self.search, self.step, self.engine = run_id, archive, search, step, engine
        self.records = records
        self.turnstile = Turnstile()

    async def fly(self, ticket: Ticket, context: Context) -> Record:
        """Journal, work, place, commit. The record that comes back is durable."""
        recorded = self.records.get(ticket.number)
        if recorded is not None:
            self.search.restore(recorded)
            self.turnstile.leave()
            return recorded
        await asyncio.wrap_future(self.archive.journal(self.run_id, ticket))
        work = await self.step(ticket, context)
        await self.turnstile.enter(ticket.number)
        record = self.search.settle(work)
        if self.search.wants_proof(record) and work.screened:
            promotion = await self.engine.run(Task("prove", (work.screened.program,), ticket.number))
            record = self.search.promote(record, promotion)
        durable = self.archive.commit(self.run_id, record)
        self.turnstile.leave()
        return await asyncio.wrap_future(durable)


async def run_loop(
    search: SearchState,
    flight: Flight,
    budget: Budget,
    tickets: Mapping[int, Ticket],
    watch: Callable[[Record], None],
) -> str:
    """Ask, fly, tell until the budget is spent; why it ended. What is in flight then is finished first.

    Where the sandbox is away, Ctrl-C and the end of the minutes do not wait for what is in flight: it is journaled, and
    a run that goes on later finishes it.

    A ticket that waits for its share of the budget holds back the records behind it: it is asked of the same state
    whether the budget was tight or not, so a run that goes on later is the run that never stopped.
    """
    flights: deque[asyncio.Task[Record]] = deque()
    landed: deque[Record] = deque()

    def tell(record: Record) -> None:
        search.tell(record)
        for skeleton_id in tried_skeletons(record):
            flight.engine.share((skeleton_id, record.number))
        watch(record)

    try:
        while True:
            # What was journaled before is finished whatever the budget says: it was paid for.
            # A replay is no evaluation, and without it the best of the last tickets would be lost.
            while search.ready() and (
                search.asked in tickets
                or not budget.stop_reason(len(flights))
                or (search.replay_is_due() and not budget.interrupted)
            ):
                ticket, context = search.ask(tickets.get(search.asked))
                flights.append(asyncio.create_task(flight.fly(ticket, context)))
            if landed and not search.ready():
                tell(landed.popleft())
            elif flights:
                landed.append(await flights.popleft())  # durable
                budget.settle(landed[-1])
            else:
                for record in landed:
                    tell(record)
                return budget.stop_reason(0) or "exhausted"
    except UnavailableError:
        if budget.cut_off is None:
            raise
        for record in landed:
            tell(record)
        return budget.cut_off
    finally:
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


def tried_skeletons(record: Record) -> set[str]:
    """Skeletons that the record's proposal fitted, or the one that it has."""
    fitted = {batch.skeleton_id for batch in record.candidate.measurements} if record.candidate else set()
    return fitted or ({record.skeleton_id} if record.skeleton_id else set())
