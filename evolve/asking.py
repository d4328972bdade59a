"""`Search`: a run whose programs the caller evaluates, on machines and with clocks of their own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from archive.store import Archive
from evolve.background import Background
from evolve.beginning import Limits, fresh_run, resumed_run
from evolve.budget import Budget
from evolve.core import config as settings
from evolve.core.config import RunConfig
from evolve.core.errors import CallOrderError, EvolveError, ProblemError
from evolve.core.types import Record, Status, Ticket
from evolve.course import Course, Past, Proposal
from evolve.flight import tried_skeletons
from evolve.programs import SEED, screened, start_programs
from evolve.proposers.base import Context, Proposer
from evolve.proposers.offline import operators
from evolve.proposers.offline.in_place import InPlaceProposer
from evolve.result import RunResult
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.step import Proposing, Work
from evolve.told import TOLD, told_programs, told_verdict
from sandbox.straight_line import StraightLine

NOT_GATED = "not gated: best of what was told"
OWN_OPERATORS = {"propose": 1.0}
"""The moves of a proposer that the caller brings: it has one, to propose."""


class Search:
    """A search that asks for evaluations instead of making them.

    `ask` gives a program, `tell` takes what the caller measured. Whoever evaluates vouches for the score: it passes no
    gate and no proof, programs beside a driver are not checked for looking ahead, and keeping hostile code away from
    everything else is the caller's business as well. No program of the problem is run here: seed and baselines are
    the first proposals, the folder needs no verifier.py (but for arithmetic, whose constants are fitted against it,
    in this process), and no sandbox need be installed.

    Call order: `ask` any number of times while `ready()`, `tell` once for each proposal in any order, `close` (or
    leave the `with`). Proposal n is made when exactly the records 0 .. n - `window` are known, so up to `window`
    proposals, and all start programs, can be outstanding at once. Same seed, same window and same told metrics: same
    course, whatever the order of `tell`, in one go or resumed. Tickets that give no program worth an evaluation
    (none at all, one that was proposed before, one that the screen refuses) are recorded by `ask` itself; so the
    numbers of proposals have gaps.

    What `ask` returned and `tell` took is durable. `resume` (an id, a prefix or "last") goes on with a run of this
    kind: its outstanding proposals are given again, with the same text, and can be told at once too.
    `evaluations` counts told programs. A `proposer` other than the offline one must be given again on resuming.

    Thread-safe: one call at a time, others wait.

    Raises:
        UsageError: an argument can not be honoured, or the run to resume was evaluated by Evolve itself.
        ProblemError: a start program is refused, or the verifier that arithmetic needs is missing.
        ArchiveError: the archive can not be written, or a live process holds the run.

    >>> with Search("my-problem", archive="runs.db", evaluations=200) as search:        # doctest: +SKIP
    ...     while (proposal := search.ask()) is not None:
    ...         search.tell(proposal.number, measure(proposal.code))
    ...     print(search.result().front)
    """

    def __init__(
        self,
        problem: str | Path | None = None,
        *,
        archive: str | Path | None = None,
        seed: int = 0,
        evaluations: float | None = None,
        proposals: int | None = None,
        window: int = 1,
        policy: str | None = None,
        outcome: str | None = None,
        start: str | None = None,
        resume: str | None = None,
        proposer: Proposer | None = None,
    ) -> None:
        place = settings.default_archive(str(archive) if archive else None)
        kind = "offline" if proposer is None else "given"
        if resume is not None:
            loaded, config = resumed_run(problem, place, resume, Limits(evaluations, proposals), told=kind)
        else:
            limits = Limits(evaluations, proposals)
            loaded, config = fresh_run(problem, limits, seed, window, policy, start, outcome=outcome)
        settings.check_budget(config.evaluations, config.proposals, None)
        self.problem = loaded
        self._place = place
        self._lock = threading.Lock()
        self._closed = False
        self._budget = Budget(config.evaluations, config.proposals)
        with ExitStack() as stack:
            self._archive = stack.enter_context(Archive.open(place))
            self._background = Background()
            stack.callback(self._background.close)
            self._proposing = self._make_proposing(config, proposer)
            self.run_id, self._earlier_seconds = self._take_run(resume, config, kind)
            self._course = self._make_course(config)
            self._course.replay(Past(self._archive, self.run_id, loaded), self._proposing)
            self._archive.flush()
            self._stack = stack.pop_all()

    def ask(self) -> Proposal | None:
        """The next program to evaluate; None where the budget allows no further one, now or after any `tell`.

        After None there may still be outstanding proposals, which count once they are told.

        Raises:
            CallOrderError: the next proposal depends on outstanding ones, or the search is closed.
            ProblemError, InfrastructureError: no program can be proposed; calling again tries again.
        """
        with self._lock:
            self._check_open()
            found = self._course.prepare()
            proposal = self._course.give() if found else None
            self._archive.flush()
            if proposal is None and not self._budget.stop_reason(0):
                raise CallOrderError(
                    f"ask() before proposals that the next one depends on were told; outstanding: {self._numbers()}",
                    "Tell one of them, the lowest first; a search with a larger window has more outstanding at once.",
                )
            return proposal

    def ready(self) -> bool:
        """True where `ask` would give a proposal now. It is looked for, which takes as long as proposing it."""
        with self._lock:
            self._check_open()
            return self._course.prepare()

    def tell(
        self,
        number: int,
        metrics: Mapping[str, float] | None = None,
        *,
        failure: str | None = None,
        status: Status | str | None = None,
    ) -> None:
        """Say what proposal `number` is worth: its metrics, every objective among them, or how it failed.

        `status` is how: invalid (the default), crashed, timed_out, out_of_memory, output_flood or forbidden; `failure`
        says it in words. For arithmetic the metric `operations` is counted here where it is not told. An error leaves
        everything as it was, so that the proposal can be told properly.

        Raises:
            CallOrderError: it was never given by `ask`, or told before, or the search is closed.
            UsageError: an objective is missing, a metric is no finite number, or both or neither were given.
            ProblemError: a failure of a start program: a search starts from programs that have a score.
        """
        with self._lock:
            self._check_open()
            work = self._course.open.get(number) if number in self._course.given else None
            if work is None:
                raise self._not_outstanding(number)
            if isinstance(metrics, Mapping) and work.screened and isinstance(work.screened.program, StraightLine):
                metrics = {"operations": float(work.screened.program.operations), **metrics}
            verdict = told_verdict(self.problem, metrics, failure, status)
            if work.ticket.operator == "start" and verdict.status is not Status.OK:
                raise ProblemError(
                    f"proposal {number} is a start program and has no score: {verdict.status}",
                    "Mend how it is evaluated and tell its metrics, or mend the program and begin a new search.",
                )
            self._course.judge(work.ticket.number, verdict)
            self._archive.flush()

    @property
    def outstanding(self) -> tuple[int, ...]:
        """Numbers of the proposals that were given and not told, lowest first."""
        with self._lock:
            return self._numbers()

    @property
    def stop_reason(self) -> str | None:
        """Why `ask` gives no further proposal ("evaluations", "proposals", "exhausted"); None where it may."""
        with self._lock:
            return None if self._course.waiting else self._budget.stop_reason(0)

    def result(self) -> RunResult:
        """What was found by all that was told; `stop_reason` is what `close` would write now.

        A verdict counts when those of all proposals before it are told. `evaluations` are the told ones.
        Raises CallOrderError before the seed was told.
        """
        with self._lock:
            seed, baselines = told_programs(self.problem, self._course.started)
            return RunResult(
                run_id=self.run_id,
                problem=self.problem.name,
                title=self.problem.title,
                objectives=self.problem.objectives,
                archive=self._archive.where,
                stop_reason=self._ending(),
                seed=seed,
                baselines=baselines,
                front=self._course.state.settled_front(),
                final={},
                evaluations=self._budget.evaluations - len(self._course.open),
                proposals=self._budget.proposals,
                seconds=self._earlier_seconds + self._budget.seconds,
                final_seconds=0.0,
                location=self._place if "://" in self._place else "",
            )

    def close(self) -> None:
        """End the run, or leave it as interrupted where more could be asked or told. Calling it again does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            with self._stack:
                seconds = self._earlier_seconds + self._budget.seconds
                self._archive.end_run(self.run_id, self._ending(), seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What went wrong inside is more telling than that the end could not be written either.
        with contextlib.suppress(EvolveError) if error else contextlib.nullcontext():
            self.close()

    def _make_proposing(self, config: RunConfig, proposer: Proposer | None) -> Proposing:
        problem = self.problem
        for name in (SEED, *problem.baselines):
            screened(problem, name)
        self._starts = start_programs(problem, config.start, self._archive)
        self._proposer = proposer or InPlaceProposer(problem)
        return Proposing(self._proposer, problem.sandbox, problem.seed, self._starts, {})

    def _take_run(self, resume: str | None, config: RunConfig, kind: str) -> tuple[str, float]:
        """The run's id and the seconds that it took in earlier sittings."""
        archive, problem = self._archive, self.problem
        if resume is not None:
            seconds = archive.run(resume).seconds or 0.0
            return archive.resume_run(resume).id, seconds
        stored = {**config.to_json(), "folder": problem.place, TOLD: kind, **problem.to_json()}
        version = problem.version
        run_id = archive.begin_run(problem=problem.name, problem_version=version, config=stored, run_seed=config.seed)
        return run_id, 0.0

    def _make_course(self, config: RunConfig) -> Course:
        problem = self.problem
        own = not isinstance(self._proposer, InPlaceProposer)
        moves = OWN_OPERATORS if own else operators(problem.sandbox, problem.seed)
        terms = problem.objectives, problem.minimum_effect, moves
        rules = Rules(*terms, proven=False, not_gated=NOT_GATED, features=problem.features)
        state = SearchState(config, rules, self._starts)
        return Course(self.run_id, self._archive, state, self._propose, self._budget, self._notice)

    def _propose(self, ticket: Ticket, context: Context) -> Work:
        return self._background.run(self._proposing(ticket, context))

    def _notice(self, record: Record) -> None:
        if isinstance(self._proposer, InPlaceProposer):
            for skeleton_id in tried_skeletons(record):
                self._proposer.share((skeleton_id, record.number))

    def _check_open(self) -> None:
        if self._closed:
            raise CallOrderError("the search is closed", f"Go on with Search(resume={self.run_id!r}).")

    def _numbers(self) -> tuple[int, ...]:
        return tuple(sorted(self._course.open.keys() & self._course.given))

    def _ending(self) -> str:
        reason = self._budget.stop_reason(0)
        return reason if reason and not self._course.open else "interrupted"

    def _not_outstanding(self, number: int) -> CallOrderError:
        told = number in self._course.given
        message = f"proposal {number} was told before" if told else f"ask() never gave a proposal {number}"
        numbers = ", ".join(map(str, self._numbers())) or "none"
        return CallOrderError(message, f"Tell each proposal once, by its number. Outstanding: {numbers}.")
