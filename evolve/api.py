"""What people call from Python: `run`, one search from the first ticket to the final check, and `score_programs`."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from archive.policies import check_policy
from archive.store import Archive
from evolve.campaign import Campaign, in_event_loop
from evolve.core import config as settings
from evolve.core.config import RunConfig
from evolve.core.errors import ProblemError, UsageError
from evolve.display.choice import chosen as displayed
from evolve.display.notebook import NotebookWatch
from evolve.engine.local import LocalEngine
from evolve.engine.patience import Patience
from evolve.evaluation import sandbox_config
from evolve.events import Listener, ScoredProgram, Warned, both, ignore
from evolve.problem import Problem, load
from evolve.programs import evaluate_programs, floor_on_train
from evolve.readiness import check_ready
from evolve.result import RunResult
from evolve.sandboxing import last_sandbox
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
    sandbox: str | None = None,
    outage_minutes: float = settings.DEFAULT_OUTAGE_MINUTES,
    resume: str | None = None,
    final_check: bool = True,
    progress: bool | None = None,
    listener: Listener = ignore,
    handle_interrupt: bool = False,
) -> RunResult:
    """Search a problem, or go on with run `resume`, until the budget is spent.

    The course of a run depends on problem, `seed`, `policy`, `start` and `window` alone; `workers` changes only
    its speed, `minutes` only its length, `sandbox` only where its programs run.

    `sandbox` is a text such as "docker:runtime=runsc" (docs/cli.md); None takes that of the run to resume, or else
    what EVOLVE_SANDBOX, the user's settings or this system choose. "none" isolates nothing. Where the sandbox goes away
    in the middle, the run pauses and tries again, for `outage_minutes` at a time; `minutes` go on meanwhile.

    `progress` None shows the run where somebody looks: in a notebook, or where standard error is a terminal. True
    writes lines to standard error elsewhere too, False shows nothing. `listener` gets all events besides.
    With `handle_interrupt`, and where a notebook shows the run, the first SIGINT ends the search cleanly: the result
    has the stop reason "interrupted".

    Raises:
        UsageError: an argument can not be honoured. ProblemError: the problem's own programs or verifier fail.
        ArchiveError: the archive can not be written; what it reported as committed is kept.
        InfrastructureError: a machine failed, or the sandbox stayed away; `--resume` goes on.
    """
    worker_count = settings.check_workers(workers)
    patience = Patience(60.0 * settings.check_outage(outage_minutes))
    place = settings.default_archive(str(archive) if archive else None)
    if resume is not None:
        loaded, config = resumed_run(problem, place, resume, evaluations, proposals)
    else:
        loaded, config = fresh_run(problem, evaluations, proposals, seed, window, policy, start)
    settings.check_budget(config.evaluations, config.proposals, minutes)
    with ExitStack() as stack:
        opened = stack.enter_context(Archive.open(place))
        before = opened.run(resume) if resume is not None else None
        where = sandbox_config(sandbox, last_sandbox(opened, before) if before else None)
        sandboxing = check_ready(loaded, where)
        display = stack.enter_context(displayed(loaded.objectives, progress))
        told = both(display, listener)
        if sandboxing.warning:
            _warn(sandboxing.warning, told, seen=display is not ignore or listener is not ignore)
        engine = LocalEngine(str(loaded.folder), worker_count, where, patience)
        stack.callback(engine.close)
        campaign = Campaign(loaded, config, opened, engine, minutes, told, patience, sandboxing)
        if before is not None:
            earlier_seconds = before.seconds or 0.0
            run_id = opened.resume_run(before.id).id
            sandboxing.note_change(opened, before)
        else:
            stored = {**config.to_json(), "folder": str(loaded.folder), **sandboxing.to_json()}
            run_id, earlier_seconds = _begin(opened, loaded, stored, config.seed), 0.0
        handle_interrupt = handle_interrupt or isinstance(display, NotebookWatch)
        result = campaign.carry_out(run_id, final_check, handle_interrupt, earlier_seconds)
        return replace(result, location=place) if "://" in place else result


def _warn(text: str, listener: Listener, seen: bool) -> None:
    """Says it where the run is shown, and where it is not, in the log, which goes to standard error."""
    if seen:
        listener(Warned(text))
    else:
        logging.getLogger("evolve").warning(text)


def score_programs(
    problem: Problem, listener: Listener = ignore, sandbox: str | None = None
) -> tuple[ScoredProgram, tuple[ScoredProgram, ...], ScoredProgram | None]:
    """Seed and baselines of a problem with their metrics on train, and the physical minimum where it is known.

    Raises:
        ProblemError: one of them has no score. UsageError: the sandbox is unknown or not installed.
    """
    config = sandbox_config(sandbox)
    check_ready(problem, config)
    if problem.sandbox == "straight_line":
        return (*in_event_loop(lambda: evaluate_programs(problem, None)), None)
    engine = LocalEngine(str(problem.folder), settings.check_workers(None), config)
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
    config = RunConfig.from_json(row.config)
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
