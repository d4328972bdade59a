"""`run`: one search from the first ticket to the final check, or its continuation."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from archive.rows import RunRow
from archive.store import Archive
from evaluators.cascade import Evaluator
from evaluators.screen import Screened, screen, screen_baseline
from evolve.budget import Budget
from evolve.core import config as settings
from evolve.core.clock import monotonic_seconds
from evolve.core.config import RunConfig
from evolve.core.errors import EvolveError, Forbidden, ProblemError, UsageError
from evolve.core.types import Record, Source
from evolve.engine.local import LocalEngine
from evolve.engine.worker import make_evaluator
from evolve.events import (
    FinalProgress,
    Listener,
    RecordCommitted,
    RunEnded,
    RunStarted,
    ScoredProgram,
    ignore,
)
from evolve.loop import Flight, run_loop
from evolve.problem import Problem, load
from evolve.proposers.offline.proposer import OfflineProposer
from evolve.search import Search
from evolve.step import Step

T = TypeVar("T")


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


def run(
    problem: str | Path | None,
    *,
    evaluations: float | None = None,
    proposals: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    workers: int | None = None,
    window: int = settings.DEFAULT_WINDOW,
    policy: str | None = None,
    archive: str | Path | None = None,
    start: str = "seed",
    resume: str | None = None,
    final_check: bool = True,
    listener: Listener = ignore,
    handle_interrupt: bool = False,
) -> RunResult:
    """Search a problem, or go on with run `resume`, until the budget is spent.

    The course of a run depends on problem, `seed`, `policy`, `start` and `window` alone; `workers` changes only
    its speed, `minutes` only its length. With `handle_interrupt` the first SIGINT ends the run cleanly.

    Raises:
        UsageError: an argument can not be honoured. ProblemError: the problem's own programs or verifier fail.
        ArchiveError: the archive can not be written; what it reported as committed is kept.
        InfrastructureError: a machine failed; `--resume` goes on.
    """
    worker_count = settings.check_workers(workers)
    with ExitStack() as stack:
        opened = stack.enter_context(Archive.open(settings.default_archive(str(archive) if archive else None)))
        loaded, config, row = _resolve(
            opened, problem, resume, evaluations, proposals, minutes, seed, window, policy, start
        )
        campaign = Campaign(loaded, config, opened, minutes, listener)
        engine = LocalEngine(str(loaded.folder), worker_count)
        stack.callback(engine.close)
        run_id = (
            row.id
            if row
            else opened.begin_run(
                problem=loaded.name, problem_version=loaded.version, config=config.to_json(), run_seed=config.seed
            )
        )
        return campaign.carry_out(run_id, engine, final_check, handle_interrupt)


def evaluate_programs(problem: Problem) -> tuple[ScoredProgram, tuple[ScoredProgram, ...]]:
    """Seed and baselines with their metrics on train.

    Raises:
        ProblemError: one of them has no score; names the file and what is wrong.
    """
    evaluator = make_evaluator(problem)
    seed = _score(evaluator, problem, "seed", problem.seed)
    baselines = (_score(evaluator, problem, name, source) for name, source in problem.baselines.items())
    return seed, tuple(baselines)


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

    def carry_out(self, run_id: str, engine: LocalEngine, final_check: bool, handle_interrupt: bool) -> RunResult:
        """Search, then check the front; everything is durable on return."""
        tickets = {ticket.number: ticket for ticket in self.archive.tickets(run_id)}
        records = {record.number: record for record in self.archive.records(run_id)}
        self._announce(run_id, len(records))
        step = Step(OfflineProposer(engine), engine, self.problem.seed, self.starts, self.search.known)
        flight = Flight(run_id, self.archive, self.search, step, engine, records)
        with _interrupts(self._interrupt, handle_interrupt):
            reason = _in_event_loop(lambda: run_loop(self.search, flight, self.budget, tickets, self._watch))
        seconds = self.budget.seconds
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


def _resolve(
    archive: Archive,
    problem: str | Path | None,
    resume: str | None,
    evaluations: float | None,
    proposals: int | None,
    minutes: float | None,
    seed: int,
    window: int,
    policy: str | None,
    start: str,
) -> tuple[Problem, RunConfig, RunRow | None]:
    """Problem and configuration of a new run, or of the one that is resumed (whose limits may be raised)."""
    row = archive.run(resume) if resume else None
    if row is None and problem is None:
        raise UsageError("no problem was named", "Name one: evolve run float32-exp2")
    loaded = load(problem if problem is not None else str(row.problem if row else ""))
    stored = RunConfig.from_json(row.config) if row else None
    if row and loaded.version != row.problem_version:
        raise ProblemError(
            f"{loaded.name} has changed since run {row.id} was begun; scores would not be comparable",
            "Start a new run, or bring the problem's files back to what they were.",
        )
    limit = evaluations if evaluations is not None else stored.evaluations if stored else loaded.search.evaluations
    default_proposals = int(settings.PROPOSALS_PER_EVALUATION * max(limit, 1.0))
    proposal_limit = proposals if proposals is not None else stored.proposals if stored else default_proposals
    settings.check_budget(limit, proposal_limit, minutes)
    if window < 1:
        raise UsageError(f"a window of {window} tickets allows none", "Give a window of at least 1.")
    if stored:
        config = RunConfig(stored.seed, stored.policy, stored.window, stored.start, limit, proposal_limit)
    else:
        config = RunConfig(seed, policy or settings.DEFAULT_POLICY, window, start, limit, proposal_limit)
    return loaded, config, archive.resume_run(row.id) if row else None


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


def _in_event_loop(start: Callable[[], Any]) -> Any:
    """Run a coroutine to its end, also where an event loop is running already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    result: list[Any] = []
    failure: list[BaseException] = []

    def body() -> None:
        try:
            result.append(asyncio.run(start()))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]
