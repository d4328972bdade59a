"""A run that goes on stands where it stood, whatever was in flight when it was cut off."""

from __future__ import annotations

import pytest

from evaluators.screen import Screened
from evolve.core.config import RunConfig
from evolve.core.rng import generator
from evolve.core.types import Candidate, Objective, Record, Source, Status, Ticket, Verdict
from evolve.past import Journal, Past
from evolve.retracing import retrace
from evolve.rules import Rules
from evolve.schedule import OnCompletion
from evolve.search import SearchState
from evolve.step import Work

SOURCE = Source({"program.py": ""}, "f")
RULES = Rules((Objective("cost", "minimize"),), 0.0, {"mutate": 1.0}, proven=False)
WINDOW, RECORDS = 4, 40


def state_of(schedule: OnCompletion | None = None) -> SearchState:
    config = RunConfig(1, "clade", WINDOW, "seed", 1000.0, 1000)
    return SearchState(config, RULES, {0: SOURCE}, schedule)


def work_of(ticket: Ticket) -> Work:
    cost = float(generator(ticket.number, "cost").integers(1, 50))
    verdict = Verdict(Status.OK, cost, {"cost": cost}, stage="train")
    program = Screened(None, f"p{ticket.number}", "s")
    return Work(ticket, Candidate(ticket, SOURCE, ""), verdict, program)


def live(state: SearchState) -> tuple[dict[int, Ticket], dict[int, Record]]:
    """Tickets and records of a run in which each ticket is done before those behind it, both by ticket."""
    tickets: dict[int, Ticket] = {}
    records: dict[int, Record] = {}
    while len(records) < RECORDS:
        while state.ready():
            ticket, _ = state.ask()
            tickets[ticket.number] = ticket
        while state.settled < state.asked:
            record = state.settle(work_of(tickets[state.settled]))
            records[record.ticket.number] = record
        state.tell(next(record for record in records.values() if record.number == state.told))
    return tickets, records


def past_of(durable: dict[int, Record]) -> Past:
    """As an archive gives it: records in the order of their numbers."""
    records = sorted(durable.values(), key=lambda record: record.number)
    return Past([record.ticket.number for record in records], records)


@pytest.mark.parametrize("kept", [0, 1, 2, 17, RECORDS - WINDOW])
def test_the_next_tickets_are_those_of_the_run(kept: int) -> None:
    tickets, records = live(state_of())
    durable = {number: record for number, record in records.items() if number < kept}
    journaled = {number: ticket for number, ticket in tickets.items() if number < kept + WINDOW // 2}
    state, told, restored = state_of(), [], []

    def tell(record: Record) -> None:
        state.tell(record)
        told.append(record)

    left = retrace(state, journaled.get, past_of(durable), restored.append, tell)
    assert state.asked == state.settled == kept
    assert restored == list(durable.values())
    assert [*told, *left.values()] == restored and list(left) == list(range(len(told), kept))
    while state.asked < min(kept + 10, len(tickets)):
        while state.ready():
            ticket, _ = state.ask()
            assert ticket == tickets[ticket.number]
        while state.settled < state.asked:
            record = state.settle(work_of(tickets[state.settled]))
            assert record == records[record.ticket.number]
            left[record.number] = record
        state.tell(left[state.told])


def test_a_ticket_without_a_record_ends_the_way() -> None:
    """As it came to be: tickets 3 and 4 were asked together, and the record of 4 was done first."""
    tickets, records = live(state_of())
    asked_at = {number: max(1, number - WINDOW + 1) for number in range(1, 10)}
    state = state_of(OnCompletion(WINDOW, 1, asked_at, order=(0, 1, 2, 4)))
    durable = {number: records[number] for number in (0, 1, 2)} | {4: Record(3, *_parts(records[4]))}
    journal, past = Journal(lambda first: (tickets[number] for number in range(first, 6))), past_of(durable)
    left = retrace(state, journal.get, past, lambda record: None, state.tell)
    assert state.asked == 3 and state.settled == 3
    assert list(left) == list(range(state.told, 3))
    assert past.rest(3) == {4: durable[4]}
    assert journal.get(3) == tickets[3] and journal.get(5) == tickets[5] and journal.get(6) is None


def _parts(record: Record) -> tuple[Ticket, Candidate | None, Verdict, str | None]:
    return record.ticket, record.candidate, record.verdict, record.program_id
