"""One run's parts put together: the search, the final check, and the report of both."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from archive.store import Archive
from evaluators.cascade import Evaluator
from evaluators.screen import Screened, screen, screen_baseline
from evolve.budget import Budget
from evolve.core.clock import monotonic_seconds
from evolve.core.config import RunConfig
from evolve.core.errors import EvolveError, Forbidden, ProblemError
from evolve.core.types import Record, Source
from evolve.engine.base import Engine
from evolve.engine.worker import make_evaluator
from evolve.events import FinalProgress, Listener, RecordCommitted, RunEnded, RunStarted, ScoredProgram
from evolve.loop import Flight, run_loop
from evolve.problem import Problem
from evolve.proposers.offline.proposer import OfflineProposer
from evolve.search import Search
from evolve.step import Step


@dataclass(frozen=True)
class RunResult:
    """What a run found. `front` is one program, or several where there are two objectives, best first."""

    run_id: str
    problem: str
    archive: str
    stop_reason: str
    seed: ScoredProgram
    baselines: tuple[ScoredProgram, ...]
    front: tuple[ScoredProgram, ...]
    final: Mapping[str, Mapping[str, float]]
    evaluations: float
    proposals: int
    seconds: float
    final_seconds: float


class Campaign:
    """One run's parts, put together."""

    def __init__(
        self, problem: Problem, config: RunConfig, archive: Archive, minutes: float | None, listener: Listener
    ) -> None:
        self.problem = problem
        self.config = config
        self.archive = archive
        self.listener = listener
        self.starts = start_programs(problem, config.start, archive)
        self.seed, self.baselines = evaluate_programs(problem)
        self.search = Search(config, problem.objectives, self.starts, problem.minimum_effect)
        self.budget = Budget(config.evaluations, config.proposals, None if minutes is None else 60.0 * minutes)

    def carry_out(
        self, run_id: str, engine: Engine, final_check: bool, handle_interrupt: bool, earlier_seconds: float
    ) -> RunResult:
        """Search, then check the front; everything is durable on return."""
        tickets = {ticket.number: ticket for ticket in self.archive.tickets(run_id)}
        records = {record.number: record for record in self.archive.records(run_id)}
        self._announce(run_id, len(records))
        step = Step(OfflineProposer(engine), engine, self.problem.seed, self.starts, self.search.known)
        flight = Flight(run_id, self.archive, self.search, step, engine, records)
        with _interrupts(self._interrupt, handle_interrupt):
            reason = _in_event_loop(lambda: run_loop(self.search, flight, self.budget, tickets, self._watch))
        seconds = earlier_seconds + self.budget.seconds
        final, final_seconds = self._final(run_id) if final_check and reason != "interrupted" else ({}, 0.0)
        self.archive.end_run(run_id, reason, seconds + final_seconds)
        return self._report(run_id, reason, seconds, final, final_seconds)

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

    def _watch(self, record: Record) -> None:
        budget = self.budget
        front = self.search.shown_front()
        self.listener(RecordCommitted(record, budget.evaluations, budget.proposals, budget.seconds, front))

    def _final(self, run_id: str) -> tuple[Mapping[str, Mapping[str, float]], float]:
        """The final check of the front, opened once for a run's champions; later calls read what it gave."""
        front = self.search.shown_front()
        stored = self.archive.final_results(run_id)
        if not front or all(point.program_id in stored for point in front):
            return {p.program_id: stored[p.program_id] for p in front}, 0.0
        began = monotonic_seconds()
        sources = [self.search.source(point.program_id) for point in front]
        programs = [screen_baseline(source).program for source in sources]

        def progress(done: int, total: int) -> None:
            self.listener(FinalProgress(done, total, monotonic_seconds() - began, len(programs)))

        scores = self.problem.verifier.final(programs, progress)
        results = {p.program_id: dict(s.metrics) for p, s in zip(front, scores, strict=True)}
        self.archive.open_final(run_id, self.problem.version, results)
        return results, monotonic_seconds() - began

    def _report(
        self, run_id: str, reason: str, seconds: float, final: Mapping[str, Mapping[str, float]], final_seconds: float
    ) -> RunResult:
        front = self.search.shown_front()
        budget = self.budget
        self.listener(
            RunEnded(run_id, reason, budget.evaluations, budget.proposals, seconds, front, final, final_seconds)
        )
        return RunResult(
            run_id=run_id,
            problem=self.problem.name,
            archive=self.archive.where,
            stop_reason=reason,
            seed=self.seed,
            baselines=self.baselines,
            front=front,
            final=final,
            evaluations=budget.evaluations,
            proposals=budget.proposals,
            seconds=seconds,
            final_seconds=final_seconds,
        )


def start_programs(problem: Problem, start: str, archive: Archive) -> dict[int, Source]:
    """Programs that the first tickets plant: the seed, the baselines after it, or one program of the archive."""
    if start == "seed":
        return {0: problem.seed}
    if start == "baselines":
        return dict(enumerate([problem.seed, *problem.baselines.values()]))
    return {0: problem.seed, 1: archive.program(start).source}


def evaluate_programs(problem: Problem) -> tuple[ScoredProgram, tuple[ScoredProgram, ...]]:
    """Seed and baselines with their metrics on train.

    Raises:
        ProblemError: one of them has no score; names the file and what is wrong.
    """
    evaluator = make_evaluator(problem)
    seed = _score(evaluator, problem, "seed", problem.seed)
    baselines = (_score(evaluator, problem, name, source) for name, source in problem.baselines.items())
    return seed, tuple(baselines)


def _score(evaluator: Evaluator, problem: Problem, name: str, source: Source) -> ScoredProgram:
    where = problem.folder / ("seed.py" if name == "seed" else f"baselines/{name}.py")
    try:
        screened: Screened = screen(source, source) if name == "seed" else screen_baseline(source)
        verdict = evaluator.evaluate(screened.program)
    except Forbidden as error:
        raise ProblemError(f"{where} can not be run: {error}", "Mend the program; every run starts from it.") from None
    except EvolveError:
        raise
    except Exception as error:
        raise ProblemError(f"the verifier fails on {where}: {type(error).__name__}: {error}", "Mend it.") from error
    if not verdict.status.scored:
        raise ProblemError(f"{where} is {verdict.status}: {verdict.feedback}", "Mend the program or the verifier.")
    return ScoredProgram(name, screened.program_id, verdict.metrics)


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


def _in_event_loop(start: Callable[[], Coroutine[Any, Any, str]]) -> str:
    """Run a coroutine to its end, in a thread where an event loop is running here already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        running = False
    else:
        running = True
    if not running:
        return asyncio.run(start())
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(lambda: asyncio.run(start())).result()
