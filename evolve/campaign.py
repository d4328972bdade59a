"""One run's parts put together: the search, the final check, and the report of both."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, TypeVar

from archive.store import Archive
from evaluators.guilt import FaultCounter
from evaluators.screen import screen_baseline
from evolve.budget import Budget
from evolve.core.clock import monotonic_seconds
from evolve.core.config import RunConfig
from evolve.core.errors import UnavailableError
from evolve.core.types import Record
from evolve.engine.base import Engine, Task
from evolve.engine.patience import Outage, Patience
from evolve.events import FinalProgress, Listener, Paused, RecordCommitted, RunEnded, RunStarted, ScoredProgram, WentOn
from evolve.final import Entrant, FinalReport, compare_on_final
from evolve.loop import Flight, run_loop
from evolve.problem import Problem
from evolve.programs import SEED, check_start, evaluate_programs, start_programs
from evolve.proposers.offline import operators
from evolve.proposers.offline.proposer import OfflineProposer
from evolve.result import RunResult
from evolve.sandboxing import Sandboxing
from evolve.search import Rules, SearchState
from evolve.step import Step

T = TypeVar("T")


class Campaign:
    """One run's parts, put together."""

    def __init__(
        self,
        problem: Problem,
        config: RunConfig,
        archive: Archive,
        engine: Engine,
        minutes: float | None,
        listener: Listener,
        patience: Patience,
        sandboxing: Sandboxing,
    ) -> None:
        self.problem = problem
        self.config = config
        self.archive = archive
        self.engine = engine
        self.listener = listener
        self.sandboxing = sandboxing
        self.run_id = ""
        self.searching = False
        patience.heard = self._outage
        patience.hurried = lambda: self.searching and self.budget.cut_off is not None
        self.starts = start_programs(problem, config.start, archive)
        in_place = problem.sandbox == "straight_line"
        scorer = None if in_place else engine
        self.seed, self.baselines = in_event_loop(lambda: evaluate_programs(problem, scorer, listener))
        self._check_start()
        moves = operators(problem.sandbox, problem.seed)
        exact = problem.evidence == "exact"
        rules = Rules(problem.objectives, problem.minimum_effect, moves, exact, problem.driven)
        self.search = SearchState(config, rules, self.starts)
        self.budget = Budget(config.evaluations, config.proposals, None if minutes is None else 60.0 * minutes)
        self.faults = FaultCounter()
        self.counts: Counter[str] = Counter()

    def carry_out(self, run_id: str, final_check: bool, handle_interrupt: bool, earlier_seconds: float) -> RunResult:
        """Search, then check the front; everything is durable on return."""
        self.run_id = run_id
        tickets = {ticket.number: ticket for ticket in self.archive.tickets(run_id)}
        records = {record.number: record for record in self.archive.records(run_id)}
        self._announce(run_id, len(records))
        engine, problem = self.engine, self.problem
        step = Step(OfflineProposer(engine), engine, problem.sandbox, problem.seed, self.starts, self.search.known)
        flight = Flight(run_id, self.archive, self.search, step, engine, records)
        with _resumable(run_id):
            with _interrupts(self._interrupt, handle_interrupt):
                self.searching = True
                reason = in_event_loop(lambda: run_loop(self.search, flight, self.budget, tickets, self._watch))
                self.searching = False
            seconds = earlier_seconds + self.budget.seconds
            final, final_seconds = FinalReport({}), 0.0
            if final_check and reason != "interrupted":
                final, final_seconds = self._final(run_id)
        self.archive.end_run(run_id, reason, seconds + final_seconds)
        return self._report(run_id, reason, seconds, final, final_seconds)

    def _check_start(self) -> None:
        """A program of the archive that the run is to start from is trusted by none: it is checked like a champion."""
        if not self.problem.driven or self.config.start in (SEED, "baselines"):
            return
        check = Task("check", (self.starts[1], self.config.seed, True, {}))
        check_start(in_event_loop(lambda: self.engine.run(check)))

    def _announce(self, run_id: str, replayed: int) -> None:
        started = RunStarted(
            run_id=run_id,
            problem=self.problem.name,
            archive=self.archive.where,
            seed=self.seed,
            baselines=self.baselines,
            evaluations_limit=self.config.evaluations,
            proposals_limit=self.config.proposals,
            seconds_limit=self.budget.seconds_limit,
            replayed=replayed,
        )
        self.listener(started)

    def _interrupt(self) -> None:
        self.budget.interrupted = True

    def _outage(self, outage: Outage) -> None:
        """Tells whoever watches, and the archive once the run is in it."""
        away = outage.away_seconds
        event = WentOn(away) if outage.over else Paused(outage.message, away, outage.next_seconds)
        if self.run_id:
            self.archive.add_event(self.run_id, "went_on" if outage.over else "paused", asdict(event))
        self.listener(event)

    def _watch(self, record: Record) -> None:
        budget = self.budget
        self.faults.add(record)
        if record.ticket.kind == "expand":
            self.counts[record.verdict.status.value] += 1
        front = self.search.shown_front()
        self.listener(RecordCommitted(record, budget.evaluations, budget.proposals, budget.seconds, front))

    def _final(self, run_id: str) -> tuple[FinalReport, float]:
        """The final check of the front, opened once for a run's champions; later calls read what it gave."""
        front = self.search.shown_front()
        stored = self.archive.final_results(run_id)
        if not front or all(point.program_id in stored for point in front):
            return FinalReport(stored), 0.0
        began = monotonic_seconds()

        def progress(done: int, total: int) -> None:
            self.listener(FinalProgress(done, total, monotonic_seconds() - began, len(front)))

        exact = self.problem.evidence == "exact"
        report = self._exhaustive(front, progress) if exact else self._comparison(front[0], progress)
        self.archive.open_final(run_id, self.problem.version, {key: dict(row) for key, row in report.results.items()})
        return report, monotonic_seconds() - began

    def _exhaustive(self, front: Sequence[ScoredProgram], progress: Callable[[int, int], None]) -> FinalReport:
        programs = [screen_baseline(self.search.source(point.program_id)).program for point in front]
        scores = self.problem.verifier.final(programs, progress)
        return FinalReport({p.program_id: dict(s.metrics) for p, s in zip(front, scores, strict=True)})

    def _comparison(self, best: ScoredProgram, progress: Callable[[int, int], None]) -> FinalReport:
        problem = self.problem
        sources = {SEED: problem.seed, **problem.baselines}
        known = [Entrant(one.name, one.program_id, sources[one.name]) for one in (self.seed, *self.baselines)]
        source = self.search.source(best.program_id)
        champion = Entrant("the champion", best.program_id, source, problem.driven)
        objective = problem.objectives[0]
        return in_event_loop(lambda: compare_on_final(self.engine, objective, champion, known, progress))

    def _report(self, run_id: str, reason: str, seconds: float, final: FinalReport, final_seconds: float) -> RunResult:
        front = self.search.shown_front()
        budget = self.budget
        self.listener(
            RunEnded(run_id, reason, budget.evaluations, budget.proposals, seconds, front, final.results, final_seconds)
        )
        return RunResult(
            run_id=run_id,
            problem=self.problem.name,
            title=self.problem.title,
            objectives=self.problem.objectives,
            archive=self.archive.where,
            stop_reason=reason,
            seed=self.seed,
            baselines=self.baselines,
            front=front,
            final=final.results,
            evaluations=budget.evaluations,
            proposals=budget.proposals,
            seconds=seconds,
            final_seconds=final_seconds,
            final_failure=final.failure,
            counts=dict(self.counts.most_common()),
            verifier_separated=self.problem.separated,
            sandbox=self.sandboxing.sandbox,
        )


@contextmanager
def _resumable(run_id: str) -> Iterator[None]:
    """A sandbox that stays away ends the command and not the run."""
    try:
        yield
    except UnavailableError as error:
        remedy = f"{error.remedy} Nothing is lost; then: evolve run --resume {run_id}".strip()
        raise UnavailableError(f"the sandbox stayed away: {error.message}", remedy) from error


@contextmanager
def _interrupts(stop: Callable[[], None], wanted: bool) -> Iterator[None]:
    """While inside, the first SIGINT calls `stop`; the second one is a KeyboardInterrupt as usual."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def first(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_event_loop(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end, in a thread where an event loop is running here already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        running = False
    else:
        running = True
    if not running:
        return asyncio.run(start())
    return _in_thread(start)


def _in_thread(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in a thread. What interrupts the wait for it cancels it."""
    begun: Future[Callable[[], object]] = Future()

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        begun.set_result(lambda: loop.call_soon_threadsafe(task.cancel) if task else None)
        return await start()

    with ThreadPoolExecutor(max_workers=1) as thread:
        done = thread.submit(lambda: asyncio.run(cancellable()))
        try:
            return done.result()
        except KeyboardInterrupt:
            either: list[Future[Any]] = [begun, done]
            wait(either, return_when=FIRST_COMPLETED)
            if begun.done():
                with suppress(RuntimeError):  # its loop has just ended
                    begun.result()()
            raise
