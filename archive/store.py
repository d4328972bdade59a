"""The archive: everything that a run must not lose, and the reading of it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Connection

from archive import batch, board, connect, equivalence, export, lease, queries, reading, replay, samples
from archive.equivalence import Learned, Savings
from archive.errors import reported
from archive.opened import OpenRun
from archive.replay import Replay
from archive.rows import (
    ArmSum,
    Equivalent,
    FinalRow,
    Improvement,
    ProgramLine,
    ProgramRow,
    Pulse,
    RunRow,
    RunSummary,
    ScoredLine,
    Spending,
    Stretch,
    Tree,
)
from archive.writer import Durable, Writer
from evolve.core.errors import CallOrderError
from evolve.core.types import ModelReply, Record, Status, Ticket

P = ParamSpec("P")
T = TypeVar("T")


class Archive:
    """An open archive. Thread-safe; `journal` and `commit` do no input or output on the caller's thread.

    Order of calls for one run: `begin_run` or `resume_run`; then for each ticket `journal` before the work
    starts and `commit` when it ended, records numbered 0, 1, 2, ... without gaps; then `end_run`. What a
    future of `journal` or `commit` reports is durable, and so is everything before it. What can not be stored (not a
    number, a count beyond 64 bits, other values than JSON's) is refused alone with `ArchiveError`, and writing goes on.
    After a write of the database has failed all later ones fail too: close the archive, mend the cause, resume the run.

    Reads see what is durable. All methods raise `ArchiveError` where the database fails.

    >>> with Archive.open("demo.db") as archive:                                        # doctest: +SKIP
    ...     run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
    ...     archive.journal(run_id, ticket)
    ...     archive.commit(run_id, record).result()
    ...     archive.end_run(run_id, "budget", 1.5)
    """

    def __init__(self, database: connect.Database) -> None:
        """Use `Archive.open`."""
        self.where = database.where
        self._database = database
        self._writer = Writer(database)
        self._runs: dict[str, OpenRun] = {}
        # Held from the check of an order to the queueing, so that both see the same order.
        self._lock = threading.Lock()
        self._finalizer = weakref.finalize(self, _shut, self._writer, database, os.getpid())

    @classmethod
    def open(cls, where: str | Path, *, create: bool = True, busy_seconds: float = 30.0) -> Archive:
        """Open the archive at a path or SQLAlchemy URL (`sqlite:///...`, `postgresql://...`).

        With `create`, a missing file, its folders and missing tables are made. `busy_seconds` is how long a
        write waits for another process. Raises `ArchiveError` where it is missing, damaged, locked, of a newer
        schema, or not an archive; what is there is left as it was.
        """
        return cls(connect.connect(where, create=create, busy_seconds=busy_seconds))

    def close(self) -> None:
        """Write what is queued, give back the leases, and close. Calling it again does nothing.

        A write that failed has said so through its future; it is not raised again here.
        """
        self._runs.clear()
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Writing

    def begin_run(self, *, problem: str, problem_version: str, config: Mapping[str, Any], run_seed: int) -> str:
        """Make a run, leased to this process, and return its new id (8 hexadecimal digits). Durable on return.

        `config` holds JSON values only; `UsageError` names it where it does not.
        """
        run_id = lease.begin(
            self._database, problem=problem, problem_version=problem_version, config=config, run_seed=run_seed
        )
        self._lend(run_id, OpenRun(0, {}, set(), set()))
        return run_id

    def resume_run(self, run_id: str) -> RunRow:
        """Take the lease of a run that no live process holds, and say what it was begun with.

        `run_id` may be a prefix or "last". Raises `ArchiveError` naming the process that holds it.
        """
        run_id = self.run(run_id).id
        lease.take(self._database, run_id)
        waiting = {ticket.number: ticket for ticket in self._read(reading.open_tickets, run_id)}
        done, answered = set(self.order(run_id)), self._read(queries.answered, run_id)
        self._lend(run_id, OpenRun(self._read(queries.record_count, run_id), waiting, done, answered))
        return self.run(run_id)

    def journal(self, run_id: str, ticket: Ticket) -> Durable[None]:
        """Write down a ticket before its work starts. The same ticket again is accepted and not written twice.

        Raises `CallOrderError` where another ticket has its number or the run is not open here.
        """
        with self._lock:
            state = self._open_run(run_id)
            known = state.tickets.get(ticket.number)
            if known is None and ticket.number not in state.done:
                rows = batch.of_ticket(run_id, ticket)
                state.tickets[ticket.number] = ticket
                return self._writer.put(rows, None)
        if known is None:
            self.flush()
            known = next(iter(self._read(reading.tickets, run_id, ticket.number, 1)), None)
        if known != ticket:
            raise CallOrderError(
                f"run {run_id}: ticket {ticket.number} was journaled with other content",
                "Give each ticket its own number.",
            )
        return self._writer.barrier()

    def commit(self, run_id: str, record: Record, learned: Sequence[Learned] = ()) -> Durable[Record]:
        """Write a record and what was `learned` beside it; the future gives the record back when both are durable.

        Raises `CallOrderError` where its ticket was not journaled or its number is not the next one, and
        `ArchiveError` where it supersedes what is no earlier record of the run, or a failure in it does not fit.
        """
        with self._lock:
            state = self._open_run(run_id)
            state.check(run_id, record)
            rows = batch.of_record(run_id, record, learned)
            state.commit(record)
            return self._writer.put(rows, record)

    def add_reply(self, run_id: str, reply: ModelReply) -> Durable[ModelReply]:
        """Write what a model answered; the future gives it back when it is durable.

        Raises `CallOrderError` where its ticket was not journaled or the attempt has a reply, and `ArchiveError` where
        the reply can not be stored: a count of tokens that is negative or beyond `bounds.MOST_TOKENS`, for one.
        """
        with self._lock:
            state = self._open_run(run_id)
            state.check_reply(run_id, reply)
            rows = batch.of_reply(run_id, reply)
            state.answered.add((reply.ticket, reply.attempt))
            return self._writer.put(rows, reply)

    def end_run(self, run_id: str, stop_reason: str, seconds: float) -> None:
        """Write everything queued and the end of the run, and free its lease. Durable on return."""
        self._open_run(run_id)
        self._writer.end(run_id, batch.of_end(run_id, stop_reason, seconds)).result()
        del self._runs[run_id]

    def open_final(self, run_id: str, problem_version: str, results: Mapping[str, Mapping[str, float]]) -> None:
        """Write that the final set was opened, with the metrics of each program id. Durable on return."""
        self._writer.put(batch.of_final(run_id, problem_version, results), None).result()

    def add_event(self, run_id: str, kind: str, payload: Mapping[str, Any]) -> None:
        """Queue a free-form event of a run. `payload` holds JSON values only."""
        self._writer.put(batch.of_event(run_id, kind, payload), None)

    def equivalence_secret(self) -> str:
        """What draws the hits of the equivalence cache that are evaluated all the same. Made once; in no export."""
        with reported(self.where), self._database.writing.begin() as connection:
            return equivalence.secret(connection)

    def flush(self) -> None:
        """Wait until everything queued is durable. Raises `ArchiveError` where a write failed."""
        self._writer.barrier().result()

    # Reading. Wherever a method takes `run_id`, a name that `run` knows will do; an unknown one is a `UsageError`.

    def final_results(self, run_id: str) -> dict[str, dict[str, float]]:
        """Metrics of each program id on the final set, from the latest opening that had it."""
        return self._read(queries.final_results, self._named(run_id))

    def final_openings(self, problem_version: str) -> int:
        """How often the final set of a problem version was opened, over all runs."""
        return self._read(queries.final_openings, problem_version)

    def events(self, run_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Kind and payload of a run's events, in the order of their writing."""
        return self._read(queries.events, self._named(run_id))

    def replies(self, run_id: str) -> list[ModelReply]:
        """What models answered in a run, in order of ticket and attempt."""
        return self._read(reading.replies, self._named(run_id))

    def replies_of(self, run_id: str, ticket: int) -> list[ModelReply]:
        """What models answered to one ticket, in order of attempt."""
        return self._read(reading.replies, self._named(run_id), ticket)

    def replay(self, run_id: str) -> Replay:
        """What it takes to go through a run again: see `archive.replay`."""
        return replay.of_run(self, run_id)

    def tickets(self, run_id: str, first: int = 0) -> Iterator[Ticket]:
        """Every ticket that was journaled, in order of number from `first` on. Read in blocks as they are asked for."""
        run_id = self._named(run_id)
        while block := self._read(reading.tickets, run_id, first, reading.BLOCK):
            yield from block
            first = block[-1].number + 1

    def order(self, run_id: str) -> Sequence[int]:
        """The tickets' numbers in the order of their records."""
        return self._read(queries.order, self._named(run_id))

    def records(self, run_id: str, first: int = 0) -> Iterator[Record]:
        """The run's records in order of number from `first` on, equal to those committed. Read in blocks as they are
        asked for."""
        run_id = self._named(run_id)
        while block := self._read(reading.records, run_id, first, reading.BLOCK):
            yield from block
            first = block[-1].number + 1

    def record(self, run_id: str, number: int) -> Record | None:
        """One record of a run; None where there is no such one."""
        return next(iter(self._read(reading.records, run_id, number, 1)), None)

    def learned(self, run_id: str, first: int = 0) -> Iterator[tuple[int, tuple[Learned, ...]]]:
        """What a run learned of what its programs compute, by record number from `first` on: see
        `archive.equivalence`. Read in blocks as they are asked for."""
        run_id = self._named(run_id)
        last = self._read(equivalence.last_learned, run_id)
        while first <= last:
            yield from self._read(equivalence.learned, run_id, first, reading.BLOCK).items()
            first += reading.BLOCK

    def computed(self, evaluation_set: str, without: str, retire_after: int = 0) -> dict[str, tuple[str, int]]:
        """Run and record of the scores that may be taken over, by exact key: see `archive.equivalence.computed`."""
        return self._read(equivalence.computed, evaluation_set, without, retire_after)

    def savings(self, run_id: str) -> Savings:
        """What the equivalence cache did in a run."""
        return self._read(equivalence.savings, run_id)

    def run(self, name: str) -> RunRow:
        """A run by id, unambiguous prefix, or "last". Raises `UsageError` with the nearest ids."""
        return self._read(queries.run, name)

    def runs(self, problem: str | None = None) -> list[RunSummary]:
        """All runs, or those of a problem of that name, in the order in which they were begun."""
        return self._read(queries.runs, problem)

    def runs_of(self, problem_version: str) -> list[RunRow]:
        """Runs of one version of a problem as they were begun, in that order."""
        return self._read(queries.runs_of, problem_version)

    def runs_of_problem(self, problem: str) -> list[RunRow]:
        """Runs of all versions of a problem as they were begun, in that order."""
        return self._read(queries.runs_of_problem, problem)

    def program(self, name: str, run_id: str | None = None) -> ProgramRow:
        """A program by id or unambiguous prefix, as `run_id` knew it, else as the latest run that has it did.

        Raises `UsageError` with the nearest ids.
        """
        return self._read(queries.program, name, run_id and self._named(run_id))

    def lineage(self, program_id: str, run_id: str) -> list[ProgramRow]:
        """From the program that a run started from to this one, along first parents."""
        return self._read(queries.lineage, program_id, self._named(run_id))

    def pulse(self) -> Pulse:
        """What changes whenever a run begins, goes on or ends, and when a final set is opened: cheap to ask for."""
        return self._read(board.pulse)

    def statuses(self, run_id: str) -> dict[Status, int]:
        """How many records of a run have each status, in the order of `Status`; those that none has are left out."""
        return self._read(board.statuses, self._named(run_id))

    def improvements(self, run_id: str) -> list[Improvement]:
        """The records that were better than all before them, in order: see `archive.totals.improvements`."""
        return self._read(board.improvements, self._named(run_id))

    def spent(self, run_id: str, number: int) -> float:
        """What a run had been charged, in evaluations, with its record of that number: summed from the last
        improvement on."""
        return self._read(board.spent, self._named(run_id), number)

    def spendings(self, run_id: str) -> dict[str, Spending]:
        """What the replies of each model took in a run, by the model's name."""
        return self._read(board.spendings, self._named(run_id))

    def finals(self, problem: str, run_id: str | None = None) -> list[FinalRow]:
        """All results on final sets of a problem of that name: by version, in the order of their openings.

        With the full id of a run those of that run alone.
        """
        return self._read(board.finals, problem, run_id)

    def programs_of(self, run_id: str, first: int = 0, count: int = 100) -> list[ProgramLine]:
        """The first `count` programs that records from number `first` on brought into a run, in that order.

        The next ones begin behind the last one's number.
        """
        return self._read(board.programs_of, self._named(run_id), first, count)

    def tree(self, run_id: str) -> Tree:
        """All programs of a run with their first parents, as arrays. It takes seconds where there are a million."""
        return self._read(board.tree, self._named(run_id))

    def equivalent_programs(self, program_id: str, count: int = 100) -> list[Equivalent]:
        """Other programs of any run with the function key of this one, at most `count`, by run and record."""
        return self._read(board.equivalents, program_id, count)

    def runs_with(self, program_id: str) -> list[tuple[str, int]]:
        """Id and first record of each run that has a program, in the order in which the runs were begun."""
        return self._read(board.runs_with, program_id)

    def stretches(self, run_id: str, count: int, most: int) -> list[Stretch]:
        """The run's records in `count` stretches of one length, with statuses. Of each at most `most` are read."""
        return self._read(samples.stretches, self._named(run_id), count, most)

    def arms(self, run_id: str, most: int = 20_000) -> list[ArmSum]:
        """What the latest `most` records of a run came to, by model and operator."""
        return self._read(samples.arms, self._named(run_id), most)

    def paid(self, run_id: str, numbers: Sequence[int]) -> list[float]:
        """Dollars that a run had paid, as far as prices are known, with each of these records; numbers must ascend."""
        return self._read(samples.paid, self._named(run_id), numbers)

    def accepted(self, run_id: str, most: int) -> list[int]:
        """The latest `most` records of a run that the gate let pass, in order of number."""
        return self._read(samples.accepted, self._named(run_id), most)

    def scored_of(self, run_id: str, numbers: Iterable[int]) -> list[ScoredLine]:
        """Of these records of a run, those with a score on the whole of train that was not revoked."""
        return self._read(samples.scored_of, self._named(run_id), numbers)

    def tagged(self, key: str) -> list[RunRow]:
        """Runs whose configuration has something under `key`, in the order in which they were begun."""
        return self._read(queries.tagged, key)

    def said(self, kind: str, run_ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """The latest event of that kind of each of these runs, by full id; runs without one are left out."""
        return self._read(samples.said, kind, run_ids)

    def happened(self, run_id: str, kinds: Iterable[str]) -> list[tuple[str, dict[str, Any]]]:
        """The events of these kinds of a run, as `events`: of one that is told its verdicts there are many others."""
        return self._read(samples.happened, self._named(run_id), kinds)

    def export(self, run_id: str, replies: bool = False) -> Iterator[str]:
        """The run as lines of JSON without line ends: see `archive.export`. Same seed, same bytes."""
        return export.lines(self, run_id, replies)

    def _read(self, query: Callable[Concatenate[Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        with reported(self.where), self._database.reading.connect() as connection:
            return query(connection, *arguments, **named)

    def _named(self, run_id: str) -> str:
        """The full id of a run. One that is open here needs no look-up."""
        return run_id if run_id in self._runs else self._read(queries.full_id, run_id)

    def _lend(self, run_id: str, state: OpenRun) -> None:
        self._runs[run_id] = state
        self._writer.keep_lease(run_id)

    def _open_run(self, run_id: str) -> OpenRun:
        try:
            return self._runs[run_id]
        except KeyError:
            raise CallOrderError(
                f"run {run_id} is not open for writing here", "Call begin_run or resume_run first."
            ) from None


def _shut(writer: Writer, database: connect.Database, process: int) -> None:
    """Close without a reference to the archive, so that it also runs at exit and on collection."""
    if os.getpid() != process:
        # A forked child inherits the object, but neither the thread nor the leases.
        return
    writer.close()
    lease.give_back(database)
    database.close()
