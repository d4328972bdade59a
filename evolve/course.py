"""A search whose programs are evaluated elsewhere: from tickets to proposals, from verdicts to records."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from archive.store import Archive
from evolve.budget import Budget
from evolve.core.errors import CallOrderError
from evolve.core.types import Record, Source, Ticket, Verdict
from evolve.problem import Problem
from evolve.proposers.base import Context
from evolve.search import SearchState
from evolve.step import Proposing, Work, duplicate_of
from evolve.told import (
    ASKED_EVENT,
    TOLD_EVENT,
    candidate_from_json,
    candidate_to_json,
    verdict_from_json,
    verdict_to_json,
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A program that waits for its evaluation, as `number`. `parents` are program ids; a start program has none."""

    number: int
    program_id: str
    source: Source
    parents: tuple[str, ...]
    operator: str
    idea: str

    @property
    def code(self) -> str:
        """The program's text, a whole file. Raises ValueError where it has several: see `source.files`."""
        return self.source.main

    @property
    def entry(self) -> str:
        """The name of the function to call; `MODULE.FUNCTION` where the program has several files."""
        return self.source.entry


class Past:
    """What the archive holds of a run that goes on, by ticket number."""

    def __init__(self, archive: Archive, run_id: str, problem: Problem) -> None:
        self.tickets = {ticket.number: ticket for ticket in archive.tickets(run_id)}
        self.records = {record.number: record for record in archive.records(run_id)}
        events = archive.events(run_id)
        self._asked = {data["number"]: data for kind, data in events if kind == ASKED_EVENT}
        self._told = {data["number"]: data for kind, data in events if kind == TOLD_EVENT}
        self._problem = problem

    def work(self, ticket: Ticket, screen: Callable[..., Work]) -> Work | None:
        """The program that was asked for, with its verdict where that was told; None where no program was kept."""
        data = self._asked.get(ticket.number)
        if data is None:
            return None
        work = screen(candidate_from_json(ticket, data), ticket.number)
        told = self._told.get(ticket.number)
        return work if told is None else replace(work, verdict=verdict_from_json(self._problem, told))


class Course:
    """One run's tickets in order. Not thread-safe; what it queues is durable after the archive's `flush`.

    Programs are asked and records are committed in the order of tickets, verdicts come in any order. A ticket is
    taken from the same state whatever that order is: see `SearchState.ask`. Tickets that give no program worth an
    evaluation get their record at once.

    `open` holds the programs without a verdict, `waiting` those among them that nobody was given yet in this
    sitting, `given` the numbers of all that were ever given out.
    """

    def __init__(
        self,
        run_id: str,
        archive: Archive,
        state: SearchState,
        propose: Callable[[Ticket, Context], Work],
        budget: Budget,
        notice: Callable[[Record], None],
    ) -> None:
        self.run_id, self.archive, self.state, self.budget = run_id, archive, state, budget
        self.open: dict[int, Work] = {}
        self.waiting: deque[int] = deque()
        self.given: set[int] = set()
        self.started: list[Record] = []
        self._propose = propose
        self._notice = notice
        self._programs: dict[str, int] = {}
        self._finished: dict[int, Work] = {}
        self._settled: deque[Record] = deque()
        self._pending: tuple[Ticket, Context] | None = None

    def replay(self, past: Past, proposing: Proposing) -> None:
        """Go the way of the archive once more, to its last ticket. Open programs wait to be given again."""
        while self.state.asked in past.tickets:
            ticket = past.tickets[self.state.asked]
            if not self._turn():
                raise CallOrderError(
                    f"ticket {ticket.number} was journaled before its turn", "This is a fault of Evolve."
                )
            self._pending = self.state.ask(ticket)
            record = past.records.get(ticket.number)
            if record is not None:
                self._restore(record)
                continue
            work = past.work(ticket, proposing.screen)
            if work is not None:
                self._accept(work, kept=True)
            else:
                self._propose_for(*self._pending)
        self.given |= self.open.keys()

    def prepare(self) -> bool:
        """Take tickets until a program waits; False where the budget is spent or the next ticket's turn has not come.

        What the proposer raises leaves the ticket pending: the next call asks for its program again.
        """
        while not self.waiting:
            if self._pending is None:
                if self.budget.stop_reason(0) or not self._turn():
                    return False
                self._pending = self.state.ask()
                self.archive.journal(self.run_id, self._pending[0])
            self._propose_for(*self._pending)
        return True

    def give(self) -> Proposal:
        """The next program that waits."""
        number = self.waiting.popleft()
        self.given.add(number)
        ticket, candidate, screened = self.open[number].ticket, self.open[number].candidate, self.open[number].screened
        if candidate is None or screened is None:
            raise CallOrderError(f"ticket {number} has no program to give", "This is a fault of Evolve.")
        return Proposal(number, screened.program_id, candidate.source, ticket.parents, ticket.operator, candidate.idea)

    def judge(self, number: int, verdict: Verdict) -> None:
        """Take the verdict of an open program, and commit what can be committed now."""
        work = replace(self.open.pop(number), verdict=verdict)
        if number in self.waiting:
            self.waiting.remove(number)
        if number != self.state.settled:
            self.archive.add_event(self.run_id, TOLD_EVENT, verdict_to_json(number, verdict))
        self._finish(work)

    def _turn(self) -> bool:
        """Tell the records that the next ticket depends on, and no more; True where there are enough of them."""
        while self._settled and not self.state.ready():
            record = self._settled.popleft()
            self.state.tell(record)
            self._notice(record)
        return self.state.ready()

    def _propose_for(self, ticket: Ticket, context: Context) -> None:
        work = self._propose(ticket, context)
        if work.ticket != ticket:
            raise CallOrderError(
                f"the proposer answered ticket {work.ticket.number} where {ticket.number} was asked",
                "Make it put the ticket that it is given into its candidate.",
            )
        if work.candidate:
            # What fitting took was spent here; the caller is charged for what they are given alone.
            free = replace(work.candidate.cost, evaluations=0.0)
            work = replace(work, candidate=replace(work.candidate, cost=free))
        twin = self._programs.get(work.screened.program_id) if work.screened else None
        if twin is not None:
            work = replace(work, verdict=duplicate_of(twin))
        self._accept(work)

    def _accept(self, work: Work, kept: bool = False) -> None:
        """Charge the pending ticket and open its program; `kept` where the archive has it already."""
        self._pending = None
        number = work.ticket.number
        wanted = work.verdict is None or work.verdict.evaluated
        self._charge(wanted)
        if wanted and work.screened:
            self._programs.setdefault(work.screened.program_id, number)
        if work.verdict is not None:
            self.given |= {number} if wanted else set()
            self._finish(work)
            return
        if work.candidate and not kept:
            self.archive.add_event(self.run_id, ASKED_EVENT, candidate_to_json(work.candidate))
        self.open[number] = work
        self.waiting.append(number)

    def _charge(self, evaluated: bool) -> None:
        """Charge at once: what a ticket costs is known when it is asked, and so does not depend on who tells first."""
        self.budget.proposals += 1
        self.budget.evaluations += 1.0 if evaluated else 0.0
        self.budget.fruitless = 0 if evaluated else self.budget.fruitless + 1

    def _restore(self, record: Record) -> None:
        self._pending = None
        evaluated = record.verdict.evaluated
        self._charge(evaluated)
        if evaluated and record.program_id is not None:
            self._programs.setdefault(record.program_id, record.number)
            self.given.add(record.number)
        self.state.restore(record)
        self._land(record)

    def _finish(self, work: Work) -> None:
        """Commit finished work as far as it is without gaps."""
        self._finished[work.ticket.number] = work
        while (ready := self._finished.pop(self.state.settled, None)) is not None:
            record = self.state.settle(ready)
            self.archive.commit(self.run_id, record)
            self._land(record)

    def _land(self, record: Record) -> None:
        self._settled.append(record)
        if record.ticket.operator == "start":
            self.started.append(record)
