"""A run that is being written: the order of calls, and what a record must fit."""

from __future__ import annotations

from evolve.core.errors import ArchiveError, CallOrderError
from evolve.core.types import ModelReply, Record, Status, Ticket

_NO_PROGRAM = (Status.NO_PROGRAM, Status.EDIT_FAILED, Status.UNCHANGED)


class OpenRun:
    """What checks need: the next record's number, the tickets, and the ticket and attempt of each reply.

    Tickets are kept until they have a record. Of `done` ones, which a long run has a million of, the number will do.
    """

    __slots__ = ("answered", "done", "next_record", "tickets")

    def __init__(
        self, next_record: int, tickets: dict[int, Ticket], done: set[int], answered: set[tuple[int, int]]
    ) -> None:
        self.next_record = next_record
        self.tickets = tickets
        self.done = done
        self.answered = answered

    def commit(self, record: Record) -> None:
        """A record is on its way, and the next one's turn has come."""
        self.next_record += 1
        self.done.add(record.ticket.number)
        del self.tickets[record.ticket.number]

    def check(self, run_id: str, record: Record) -> None:
        """Raise `CallOrderError` or `ArchiveError` where a record may not be committed now."""
        ticket, candidate = record.ticket, record.candidate
        if record.number != self.next_record:
            raise CallOrderError(
                f"run {run_id}: record {record.number} was committed where {self.next_record} is next",
                "Number records 0, 1, 2, ... in the order of their commits.",
            )
        if self.tickets.get(ticket.number) != ticket:
            raise CallOrderError(
                f"run {run_id}: record {record.number} holds ticket {ticket.number}, which was not journaled",
                "Call journal(run, ticket) before the work on it starts.",
            )
        if candidate is not None and candidate.ticket != ticket:
            raise CallOrderError(
                f"run {run_id}: record {record.number} holds a candidate of ticket {candidate.ticket.number}",
                "Commit a candidate under its own ticket.",
            )
        if record.supersedes is not None and not 0 <= record.supersedes < record.number:
            raise ArchiveError(
                f"run {run_id}: record {record.number} supersedes {record.supersedes}, which is no earlier one",
                "Name the record that brought the program into the run.",
            )
        _check_failure(run_id, record)

    def check_reply(self, run_id: str, reply: ModelReply) -> None:
        """Raise `CallOrderError` where a reply may not be added now."""
        if reply.ticket not in self.tickets and reply.ticket not in self.done:
            raise CallOrderError(
                f"run {run_id}: reply {reply.id} is to a ticket that was not journaled", "Journal the ticket first."
            )
        if (reply.ticket, reply.attempt) in self.answered:
            raise CallOrderError(
                f"run {run_id}: reply {reply.id} was added before", "Give each attempt its own number."
            )


def _check_failure(run_id: str, record: Record) -> None:
    """Reading makes the failure out of its record's verdict: raise where another one would come back."""
    failure, verdict, name = record.failure, record.verdict, f"run {run_id}: record {record.number}"
    if failure is None:
        return
    if failure.ticket != record.ticket:
        raise CallOrderError(
            f"{name} holds a failure of ticket {failure.ticket.number}", "Commit a failure under its own ticket."
        )
    if record.candidate is not None:
        raise ArchiveError(f"{name} holds a candidate and a failure", "Commit a proposal as the one or the other.")
    if failure.status not in _NO_PROGRAM:
        raise ArchiveError(
            f"{name} holds a failure of status {failure.status}", f"Use one of {', '.join(_NO_PROGRAM)}."
        )
    if (failure.status, failure.reason) != (verdict.status, verdict.feedback):
        raise ArchiveError(
            f"{name} holds a failure ({failure.status}) of another status or reason than its verdict's"
            f" ({verdict.status})",
            "Make the verdict of it: Verdict(failure.status, feedback=failure.reason).",
        )
