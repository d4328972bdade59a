"""One run's parts put together: the search, the final check, and the report of both."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from archive.equivalence import Savings
from archive.store import Archive
from evaluators.guilt import FaultCounter
from evaluators.screen import screen_baseline, screen_program
from evolve.budget import Budget
from evolve.choice import CHOICE_EVENT, Choice, final_choice
from evolve.core.clock import monotonic_seconds
from evolve.core.config import RunConfig, hour_usd
from evolve.core.errors import InfrastructureError, UnavailableError
from evolve.core.types import Record, Status, Ticket
from evolve.engine.base import Engine, Task
from evolve.engine.patience import Outage, Patience
from evolve.event_loop import in_event_loop, interrupts
from evolve.events import (
    FinalProgress,
    Listener,
    Paused,
    Recalled,
    RecordCommitted,
    RunEnded,
    RunStarted,
    ScoredProgram,
    WentOn,
)
from evolve.final import Entrant, FinalReport, compare_on_final
from evolve.flight import Flight
from evolve.foresight import Trail, foresee, units
from evolve.guidance import Guidance
from evolve.keeper import Keeper, Parts, keeper_of
from evolve.known import KNOWN_EVENT, known_to_json
from evolve.loop import run_loop
from evolve.outlook import sentence
from evolve.pace import PACE_EVENT, Pace
from evolve.past import Journal, Past
from evolve.problem import Problem
from evolve.programs import SEED, check_start, evaluate_programs, floor_on_train, start_programs
from evolve.proposers.base import Proposer
from evolve.proposers.llm.faults import ModelUnavailable
from evolve.proposers.offline import operators
from evolve.proposers.offline.proposer import OfflineProposer
from evolve.result import RunResult
from evolve.rules import Rules
from evolve.sandboxing import Sandboxing
from evolve.search import SearchState
from evolve.step import Step
from evolve.takeover import Shelf, Takeover
from evolve.timed_final import compare_times_on_final, with_times
from evolve.timed_gating import gatekeeper

if TYPE_CHECKING:
    from evolve.modelling import Modelling  # and with it litellm's settings, for runs with models alone


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
        modelling: Modelling | None = None,
        equivalence: str = "off",
        known: Sequence[ScoredProgram] | None = None,
    ) -> None:
        self.equivalence = equivalence
        self.hour_usd = hour_usd()
        self.problem = problem
        self.config = config
        self.archive = archive
        self.engine = engine
        self.listener = self.trail = Trail(problem.objectives, listener)
        self.sandboxing = sandboxing
        self.modelling = modelling
        self.run_id = ""
        self.choice: Choice | None = None
        self.searching = False
        patience.heard = self._outage
        patience.hurried = lambda: self.searching and self.budget.cut_off is not None
        self.starts = start_programs(problem, config.start, archive)
        in_place = problem.sandbox == "straight_line"
        scorer = None if in_place else engine
        self.seed, *others = known or in_event_loop(lambda: evaluate_programs(problem, scorer, listener))
        self.baselines = tuple(others)
        self._check_start()
        moves = operators(problem.sandbox, problem.seed)
        exact = problem.evidence == "exact"
        order = () if scorer is None else in_event_loop(lambda: scorer.run(Task("order", ())))
        rules = Rules(
            problem.objectives,
            problem.minimum_effect,
            moves,
            exact,
            problem.driven,
            gated=not exact,
            order=order,
            features=problem.features,
            hash_bits=problem.hash_bits,
            second_effect=problem.second_effect,
        )
        self.budget = Budget(
            config.evaluations,
            config.proposals,
            None if minutes is None else 60.0 * minutes,
            usd_limit=config.usd,
            tokens_limit=config.tokens,
            patience=config.patience,
        )
        guidance = self._guidance(rules, scorer)
        self.search = SearchState(config, rules, self.starts, guidance=guidance, again=self._durable)
        self.gatekeeper = None if exact else gatekeeper(problem, engine)
        if opening := self.gatekeeper:
            in_event_loop(lambda: opening.open(listener))
        self.faults = FaultCounter()
        self.counts: Counter[str] = Counter()
        self.pace: Pace | None = None

    def carry_out(self, run_id: str, final_check: bool, handle_interrupt: bool, earlier_seconds: float) -> RunResult:
        """Search, then check the front; everything is durable on return."""
        self.run_id = run_id
        journaled = Journal(partial(self.archive.tickets, run_id)).get
        order = self.archive.order(run_id)
        keeper = keeper_of(self.archive, run_id, self.config, self._parts)
        if keeper and (recalled := keeper.recall(order)):
            self._adopt(recalled)
        past = Past(order, self.archive.records(run_id, self.search.told))
        self._announce(run_id, len(past.order))
        self.pace = Pace(len(past.order), earlier_seconds, partial(self.archive.add_event, run_id, PACE_EVENT))
        engine, problem = self.engine, self.problem
        proposer: Proposer = OfflineProposer(engine)
        if self.modelling and self.search.guidance:
            tickets = self.modelling.recorded(self.archive.tickets(run_id))
            journaled = Journal(lambda first: (tickets[number] for number in sorted(tickets) if number >= first)).get
            self.search.schedule = self.modelling.schedule(tickets, past.order, len(self.starts))
            proposer = self.modelling.proposer(
                proposer, engine, self.archive, run_id, self.budget, self.search.guidance
            )
        takeover, tries = self._takeover(run_id), (self.config.equivalence or {}).get("tries", 0)
        step = Step(proposer, engine, problem.sandbox, problem.seed, self.starts, self.search.known, takeover, tries)
        flight = Flight(run_id, self.archive, self.search, step, engine, self.gatekeeper)
        with _resumable(run_id):
            with interrupts(self._interrupt, handle_interrupt):
                self.searching = True
                reason = in_event_loop(lambda: self._searched(flight, journaled, past, keeper))
                self.searching = False
            seconds = earlier_seconds + self.budget.seconds
            if reason != "interrupted":
                self._choose()
            ahead, luck = in_event_loop(lambda: foresee(self.trail, problem, engine, self.archive, reason, seconds))
            final, final_seconds = FinalReport({}), 0.0
            if final_check and reason != "interrupted":
                final, final_seconds = self._final(run_id)
        self.archive.end_run(run_id, reason, seconds + final_seconds)
        luck = luck if self.choice is None else None  # it is the champion's, who was not chosen
        return replace(self._report(run_id, reason, seconds, final, final_seconds), prospect=ahead, luck=luck)

    def _takeover(self, run_id: str) -> Takeover | None:
        """What becomes of programs that compute what is known, and what was learned of them; None for nothing."""
        options, problem, archive = self.config.equivalence, self.problem, self.archive
        if options is None:
            return None
        equivalences, shelf = self.search.equivalences, None
        equivalences.load(archive.learned(run_id, self.search.settled))
        if self.equivalence == "archive":
            name: str = in_event_loop(lambda: self.engine.run(Task("evaluation_set", ())))
            shelf = Shelf(archive, name, archive.computed(name, run_id, options["retire_after"]))
        screen = partial(screen_program, problem.sandbox, seed=None)
        return Takeover(self.engine, equivalences, archive.equivalence_secret(), screen, shelf)

    def _parts(self) -> Parts:
        known = [entry for entry in self.engine.shared() if entry[1] >= 0]  # of this run alone
        shared = "\n".join(name for name, _ in known), array("q", [number for _, number in known])
        gate = self.gatekeeper.tally if self.gatekeeper else (0, 0)
        return Parts(self.search, self.budget, self.faults, self.counts, self.trail, shared, gate)

    def _adopt(self, parts: Parts) -> None:
        """Go on from a snapshot."""
        parts.search.go_on(self.config, self._durable)
        parts.trail.listener = self.trail.listener
        self.search, self.faults, self.counts = parts.search, parts.faults, parts.counts
        self.listener = self.trail = parts.trail
        self.budget.adopt(parts.budget)
        if self.gatekeeper:
            self.gatekeeper.tally = parts.gate
        names, numbers = parts.shared
        for entry in zip(names.split("\n"), numbers, strict=True) if numbers else ():
            self.engine.share(entry)

    async def _searched(
        self, flight: Flight, journaled: Callable[[int], Ticket | None], past: Past, keeper: Keeper | None
    ) -> str:
        try:
            return await run_loop(self.search, flight, self.budget, journaled, past, self._watch, keeper)
        finally:
            if self.modelling:
                await self.modelling.close()

    def _guidance(self, rules: Rules, scorer: Engine | None) -> Guidance | None:
        if self.modelling is None:
            return None
        floor = in_event_loop(lambda: floor_on_train(scorer)) if scorer is not None else None
        known = (self.seed, *self.baselines)
        return self.modelling.guidance(rules, known, floor.metrics if floor else None, self.budget)

    def _check_start(self) -> None:
        """A program of the archive that the run is to start from is trusted by none: it is checked like a champion."""
        if not self.problem.driven or self.config.start in (SEED, "baselines"):
            return
        check = Task("check", (self.starts[1], self.config.seed, True, {}))
        check_start(in_event_loop(lambda: self.engine.run(check)))

    def _durable(self, number: int) -> Record:
        """A record of the run that was told."""
        record = self.archive.record(self.run_id, number)
        if record is None:
            raise InfrastructureError(
                f"run {self.run_id}: record {number} is gone from {self.archive.where}",
                f"Type: evolve archive check --archive {self.archive.where}",
            )
        return record

    def _announce(self, run_id: str, replayed: int) -> None:
        if not replayed:
            known = known_to_json(self.problem, (self.seed, *self.baselines))
            self.archive.add_event(run_id, KNOWN_EVENT, known)
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
            usd_limit=self.config.usd,
            tokens_limit=self.config.tokens,
            models=tuple(self.modelling.models) if self.modelling else (),
        )
        self.listener(started)
        if self.search.told:  # those of a snapshot
            budget, last, front = self.budget, self._durable(self.search.told - 1), self.search.shown_front()
            latest = RecordCommitted(last, budget.evaluations, budget.proposals, budget.seconds, front)
            counts = {Status(name): count for name, count in self.counts.items()}
            self.listener(Recalled(latest, counts, self.trail.course))

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
        promoted = record.promotion is not None and record.promotion.accepted
        budget.tell(record, promoted)
        if self.pace is not None:
            self.pace.told(record.number, budget.seconds, promoted)
        spent = self.modelling.spending(budget) if self.modelling else None
        self.listener(RecordCommitted(record, budget.evaluations, budget.proposals, budget.seconds, front, spent))

    def _choose(self) -> None:
        """Where scores are stochastic and no gate compares programs, the best mean may be the luckiest one."""
        ungated = self.gatekeeper is not None and self.gatekeeper.count.note
        if not (ungated and self.problem.file.stochastic and len(self.problem.objectives) == 1):
            return
        runs = in_event_loop(lambda: units(self.engine))
        self.choice = final_choice(self.archive.records(self.run_id), self.problem.objectives[0], runs)
        if self.choice is not None:
            self.archive.add_event(self.run_id, CHOICE_EVENT, asdict(self.choice))

    def _front(self) -> tuple[ScoredProgram, ...]:
        """What was found: the promoted programs, or the choice among those that were measured in full."""
        return self.search.shown_front() if self.choice is None else (self.choice.program,)

    def _final(self, run_id: str) -> tuple[FinalReport, float]:
        """The final check of the front, opened once for a run's champions; later calls read what it gave."""
        front = self._front()
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
        if problem.is_timed:
            return in_event_loop(lambda: compare_times_on_final(self.engine, champion, known, progress))
        report = in_event_loop(lambda: compare_on_final(self.engine, objective, champion, known, progress))
        if problem.timing is None or report.failure:
            return report
        return in_event_loop(lambda: with_times(self.engine, report, champion, known))

    def _report(self, run_id: str, reason: str, seconds: float, final: FinalReport, final_seconds: float) -> RunResult:
        front = self._front()
        budget = self.budget
        spent = (budget.evaluations, budget.proposals, seconds)
        note = sentence(*budget.outlook()) if reason == "patience" else ""
        note = "; ".join(filter(None, (note, str(self.choice or ""))))
        self.listener(RunEnded(run_id, reason, *spent, front, final.results, final_seconds, note))
        return RunResult(
            run_id=run_id,
            problem=self.problem.name,
            problem_version=self.problem.version,
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
            spending=self.modelling.spending(budget) if self.modelling else None,
            note=note,
            gate=self.gatekeeper.count if self.gatekeeper else None,
            savings=self._savings(run_id),
        )

    def _savings(self, run_id: str) -> Savings | None:
        if self.config.equivalence is None:
            return None
        return self.archive.savings(run_id).priced(self.hour_usd)


@contextmanager
def _resumable(run_id: str) -> Iterator[None]:
    """A sandbox or a model that stays away ends the command and not the run."""
    try:
        yield
    except ModelUnavailable as error:
        remedy = f"{error.remedy} Nothing is lost; then: evolve run --resume {run_id}".strip()
        raise ModelUnavailable(error.message, remedy) from error
    except UnavailableError as error:
        remedy = f"{error.remedy} Nothing is lost; then: evolve run --resume {run_id}".strip()
        raise UnavailableError(f"the sandbox stayed away: {error.message}", remedy) from error
    except InfrastructureError as error:  # such as a machine that is too busy to time anything
        if "--resume" in error.remedy:
            raise
        remedy = f"{error.remedy} Nothing is lost; then: evolve run --resume {run_id}".strip()
        raise InfrastructureError(error.message, remedy) from error
