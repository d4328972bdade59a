"""The loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from archive.store import Archive
from evolve.budget import Budget
from evolve.core.errors import UnavailableError
from evolve.core.types import Promotion, Record, Ticket
from evolve.engine.base import Engine, Task
from evolve.gating import Gatekeeper
from evolve.proposers.base import Context
from evolve.retracing import retrace
from evolve.schedule import Turnstile
from evolve.search import SearchState
from evolve.step import Step, Work


class Flight:
    """One ticket on its way to a durable record. `records`, by ticket, are what a resumed run has already.

    `gatekeeper` answers would-be champions of sampled problems; those of exact ones are proven.
    """

    def __init__(
        self,
        run_id: str,
        archive: Archive,
        search: SearchState,
        step: Step,
        engine: Engine,
        records: Mapping[int, Record],
        gatekeeper: Gatekeeper | None = None,
    ) -> None:
        self.run_id, self.archive, self.search, self.step, self.engine = run_id, archive, search, step, engine
        self.records = records
        self.gatekeeper = gatekeeper
        self.turnstile = Turnstile(search.schedule)

    def restored(self, record: Record) -> None:
        """A record of the archive is settled again."""
        if self.gatekeeper:
            self.gatekeeper.restore(record)
        self.turnstile.leave()

    async def fly(self, ticket: Ticket, context: Context) -> Record:
        """Journal, work, place, commit. The record that comes back is durable."""
        recorded = self.records.get(ticket.number)
        if recorded is not None:
            await self.turnstile.enter(ticket.number)
            self.search.restore(recorded)
            self.restored(recorded)
            return recorded
        await asyncio.wrap_future(self.archive.journal(self.run_id, ticket))
        work = await self.step(ticket, context)
        await self.turnstile.enter(ticket.number)
        if self.search.must_evaluate(work):
            work = await self.step.evaluated(work)
        record = self.search.settle(work)
        if self.search.wants_promotion(record):
            record = self.search.promote(record, await self._promotion(record, work))
        learned = self.search.equivalences.rows(record.number)
        durable = self.archive.commit(self.run_id, record, learned)
        self.turnstile.leave()
        return await asyncio.wrap_future(durable)

    async def _promotion(self, record: Record, work: Work) -> Promotion:
        if self.gatekeeper:
            return await self.gatekeeper(record, self.search.source_of(record), self.search.rival(record))
        program = work.screened.program if work.screened else None
        promotion: Promotion = await self.engine.run(Task("prove", (program,), record.ticket.number))
        return promotion


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
    flights: set[asyncio.Task[Record]] = set()
    finished: asyncio.Queue[asyncio.Task[Record]] = asyncio.Queue()
    landed: dict[int, Record] = {}

    def launch() -> None:
        flight.turnstile.last = None
        ticket, context = search.ask(tickets.get(search.asked))
        task = asyncio.create_task(flight.fly(ticket, context))
        flights.add(task)
        task.add_done_callback(finished.put_nowait)

    def tell(record: Record) -> None:
        search.tell(record)
        for skeleton_id in tried_skeletons(record):
            flight.engine.share((skeleton_id, record.number))
        for key in search.fresh_keys:
            flight.engine.share(key)
        watch(record)

    def tell_landed() -> None:
        while search.told in landed:
            tell(landed.pop(search.told))

    def restored(record: Record) -> None:
        flight.restored(record)
        budget.settle(record)

    try:
        landed |= retrace(search, tickets, flight.records, restored, tell)
        while True:
            # What was journaled before is finished whatever the budget says: it was paid for.
            # A replay is no evaluation, and without it the best of the last tickets would be lost; so it would without
            # the rest of train.
            while search.ready() and (
                search.asked in tickets
                or not budget.stop_reason(len(flights))
                or (search.replay_is_due() and not budget.interrupted)
                or (search.measuring.may_complete() and budget.may_complete(len(flights)))
            ):
                launch()
            if search.told in landed and not search.ready():
                tell(landed.pop(search.told))
            elif flights:
                if search.ready():
                    flight.turnstile.last = search.asked
                task = await finished.get()
                flights.remove(task)
                record = task.result()  # durable
                landed[record.number] = record
                budget.settle(record)
            else:
                tell_landed()
                return budget.stop_reason(0) or search.schedule.ending
    except UnavailableError:
        if budget.cut_off is None:
            raise
        tell_landed()
        return budget.cut_off
    finally:
        for task in flights:
            task.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


def tried_skeletons(record: Record) -> set[str]:
    """Skeletons that the record's proposal fitted, or the one that it has."""
    fitted = {batch.skeleton_id for batch in record.candidate.measurements} if record.candidate else set()
    return fitted or ({record.skeleton_id} if record.skeleton_id else set())
