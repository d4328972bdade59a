"""What people call from Python: `run`, one search from the first ticket to the final check, and `score_programs`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from archive.policies import check_policy
from archive.store import Archive
from evolve.campaign import Campaign, in_event_loop
from evolve.core import config as settings
from evolve.core.config import RunConfig
from evolve.core.errors import ProblemError, UsageError
from evolve.display.choice import chosen
from evolve.display.notebook import NotebookWatch
from evolve.engine.local import LocalEngine
from evolve.evaluation import check_ready
from evolve.events import Listener, ScoredProgram, both, ignore
from evolve.problem import Problem, load
from evolve.programs import evaluate_programs, floor_on_train
from evolve.result import RunResult
from evolve.told import TOLD, check_kind

__all__ = ["run", "score_programs"]


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
    start: str | None = None,
    resume: str | None = None,
    final_check: bool = True,
    progress: bool | None = None,
    listener: Listener = ignore,
    handle_interrupt: bool = False,
) -> RunResult:
    """Search a problem, or go on with run `resume`, until the budget is spent.

    The course of a run depends on problem, `seed`, `policy`, `start` and `window` alone; `workers` changes only
    its speed, `minutes` only its length.

    `progress` None shows the run where somebody looks: in a notebook, or where standard error is a terminal. True
    writes lines to standard error elsewhere too, False shows nothing. `listener` gets all events besides.
    With `handle_interrupt`, and where a notebook shows the run, the first SIGINT ends the search cleanly: the result
    has the stop reason "interrupted".

    Raises:
        UsageError: an argument can not be honoured. ProblemError: the problem's own programs or verifier fail.
        ArchiveError: the archive can not be written; what it reported as committed is kept.
        InfrastructureError: a machine failed; `--resume` goes on.
    """
    worker_count = settings.check_workers(workers)
    place = settings.default_archive(str(archive) if archive else None)
    if resume is not None:
        loaded, config = resumed_run(problem, place, resume, evaluations, proposals)
    else:
        loaded, config = fresh_run(problem, evaluations, proposals, seed, window, policy, start)
    settings.check_budget(config.evaluations, config.proposals, minutes)
    with ExitStack() as stack:
        opened = stack.enter_context(Archive.open(place))
        check_ready(loaded)
        display = stack.enter_context(chosen(loaded.objectives, progress))
        engine = LocalEngine(str(loaded.folder), worker_count)
        stack.callback(engine.close)
        campaign = Campaign(loaded, config, opened, engine, minutes, both(display, listener))
        if resume is not None:
            earlier_seconds = opened.run(resume).seconds or 0.0
            run_id = opened.resume_run(resume).id
        else:
            stored = {**config.to_json(), "folder": str(loaded.folder)}
            run_id, earlier_seconds = _begin(opened, loaded, stored, config.seed), 0.0
        handle_interrupt = handle_interrupt or isinstance(display, NotebookWatch)
        result = campaign.carry_out(run_id, final_check, handle_interrupt, earlier_seconds)
        return replace(result, location=place) if "://" in place else result


def score_programs(
    problem: Problem, listener: Listener = ignore
) -> tuple[ScoredProgram, tuple[ScoredProgram, ...], ScoredProgram | None]:
    """Seed and baselines of a problem with their metrics on train, and the physical minimum where it is known.

    Raises:
        ProblemError: one of them has no score. UsageError: the problem's sandbox is not installed.
    """
    check_ready(problem)
    if problem.sandbox == "straight_line":
        return (*in_event_loop(lambda: evaluate_programs(problem, None)), None)
    engine = LocalEngine(str(problem.folder), settings.check_workers(None))
    try:
        seed, baselines = in_event_loop(lambda: evaluate_programs(problem, engine, listener))
        return seed, baselines, in_event_loop(lambda: floor_on_train(engine))
    finally:
        engine.close()


def _begin(archive: Archive, problem: Problem, config: dict[str, object], seed: int) -> str:
    return archive.begin_run(problem=problem.name, problem_version=problem.version, config=config, run_seed=seed)


def fresh_run(
    problem: str | Path | None,
    evaluations: float | None,
    proposals: int | None,
    seed: int,
    window: int,
    policy: str | None,
    start: str | None,
) -> tuple[Problem, RunConfig]:
    """Problem and configuration of a new run."""
    if problem is None:
        raise UsageError("no problem was named", "Name one: evolve run float32-exp2")
    loaded = load(problem)
    if window < 1:
        raise UsageError(f"a window of {window} tickets allows none", "Give a window of at least 1.")
    chosen = check_policy(policy or settings.DEFAULT_POLICY)
    limit = float(loaded.search.evaluations if evaluations is None else evaluations)
    proposal_limit = settings.default_proposals(limit) if proposals is None else proposals
    return loaded, RunConfig(seed, chosen, window, start or loaded.search.start, limit, proposal_limit)


def resumed_run(
    problem: str | Path | None,
    place: str,
    resume: str,
    evaluations: float | None,
    proposals: int | None,
    told: str | None = None,
) -> tuple[Problem, RunConfig]:
    """Problem and configuration of a run that goes on; only its limits may change.

    `told` is what stands under that key in the configuration: whose proposals a caller evaluates, None where the run
    evaluates by itself. Raises UsageError where the run was begun in another way.
    """
    with Archive.open(place, create=False) as archive:
        row = archive.run(resume)
    check_kind(row.id, row.config.get(TOLD), told)
    loaded = find_problem(row.problem, row.config.get("folder")) if problem is None else load(problem)
    if loaded.version != row.problem_version:
        raise ProblemError(
            f"{loaded.name} has changed since run {row.id} was begun; scores would not be comparable",
            "Start a new run, or bring the problem's files back to what they were.",
        )
    config = RunConfig.from_json({key: value for key, value in row.config.items() if key not in ("folder", TOLD)})
    if evaluations is not None:
        config = replace(config, evaluations=float(evaluations), proposals=settings.default_proposals(evaluations))
    return loaded, config if proposals is None else replace(config, proposals=proposals)


def find_problem(name: str, folder: object = None) -> Problem:
    """The problem of a stored run: by its shipped name, else in the folder that the run was begun with."""
    try:
        return load(name)
    except UsageError:
        if isinstance(folder, str) and Path(folder).is_dir():
            return load(folder)
        raise
