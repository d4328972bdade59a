"""Tickets on their way to durable records, and these on their way back to the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from archive.store import Archive
from evolve.core.types import Promotion, Record, Ticket
from evolve.engine.base import Engine, Task
from evolve.gating import Gatekeeper
from evolve.proposers.base import Context
from evolve.schedule import Turnstile
from evolve.search import SearchState
from evolve.step import Step, Work


class Flight:
    """One ticket on its way to a durable record. `records`, by ticket, are what a resumed run has already beyond the
    ticket at which it goes on.

    `gatekeeper` answers would-be champions of sampled problems; those of exact ones are proven.
    """

    def __init__(
        self,
        run_id: str,
        archive: Archive,
        search: SearchState,
        step: Step,
        engine: Engine,
        gatekeeper: Gatekeeper | None = None,
    ) -> None:
        self.run_id, self.archive, self.search, self.step, self.engine = run_id, archive, search, step, engine
        self.records: Mapping[int, Record] = {}
        self.gatekeeper = gatekeeper
        self.turnstile = Turnstile(search.schedule, search.settled)

    def restored(self, record: Record) -> None:
        """A record of the archive is settled again."""
        if self.gatekeeper:
            self.gatekeeper.restore(record)
        self.turnstile.leave()

    async def fly(self, ticket: Ticket, context: Context) -> Record:
        """Journal, work, place, commit. The record that comes back is durable."""
        recorded = self.records.get(ticket.number)
        if recorded is not None:
            return await self.land_again(recorded)
        await self.archive.journal(self.run_id, ticket)
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
        return await durable

    async def land_again(self, record: Record) -> Record:
        """Place a record of the archive when its turn comes."""
        await self.turnstile.enter(record.ticket.number)
        self.search.restore(record)
        self.restored(record)
        return record

    async def _promotion(self, record: Record, work: Work) -> Promotion:
        if self.gatekeeper:
            return await self.gatekeeper(record, self.search.source_of(record), self.search.rival(record))
        program = work.screened.program if work.screened else None
        promotion: Promotion = await self.engine.run(Task("prove", (program,), record.ticket.number))
        return promotion


class Landing:
    """Durable records, which come in any order and are told in theirs. `watch` hears of each that was told."""

    def __init__(self, search: SearchState, engine: Engine, watch: Callable[[Record], None]) -> None:
        self.search, self.engine, self.watch = search, engine, watch
        self.waiting: dict[int, Record] = {}

    @property
    def is_due(self) -> bool:
        """Whether the record that is to be told next is there."""
        return self.search.told in self.waiting

    def next(self) -> Record:
        """The record whose turn it is."""
        return self.waiting.pop(self.search.told)

    def tell_all(self) -> None:
        """Tell all whose turn it is, one after another."""
        while self.is_due:
            self.tell(self.next())

    def tell(self, record: Record) -> None:
        """The search, the workers and whoever watches learn of a record."""
        self.search.tell(record)
        for entry in (*((one, record.number) for one in tried_skeletons(record)), *self.search.fresh_keys):
            self.engine.share(entry)
        self.watch(record)


def tried_skeletons(record: Record) -> set[str]:
    """Skeletons that the record's proposal fitted, or the one that it has."""
    fitted = {batch.skeleton_id for batch in record.candidate.measurements} if record.candidate else set()
    return fitted or ({record.skeleton_id} if record.skeleton_id else set())
