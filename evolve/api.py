"""What people call from Python: `run`, one search from the first ticket to the final check, and `score_programs`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.store import Archive
from evolve.beginning import (
    CACHE,
    PROMPTS_FOLDER,
    REPLAY,
    Limits,
    Wanted,
    equivalence_of,
    fresh_run,
    prompts_folder,
    replayed_run,
    resumed_run,
)
from evolve.budget import Estimate
from evolve.campaign import Campaign
from evolve.core import config as settings
from evolve.core.config import RunConfig
from evolve.core.errors import UsageError
from evolve.display.choice import chosen as displayed
from evolve.display.notebook import NotebookWatch
from evolve.engine.local import LocalEngine
from evolve.engine.patience import Patience
from evolve.evaluation import never_taken_over, sandbox_config
from evolve.event_loop import in_event_loop
from evolve.events import Asking, Listener, ScoredProgram, Warned, both, ignore
from evolve.problem import Problem
from evolve.programs import evaluate_programs, floor_on_train
from evolve.readiness import check_ready
from evolve.recording import read_recording
from evolve.result import RunResult
from evolve.sandboxing import last_sandbox

if TYPE_CHECKING:
    from archive.replay import Replay
    from evolve.modelling import Modelling

Confirm = Callable[[Estimate], bool]
"""Asked with what models may cost, before the first paid call; False ends the run."""

__all__ = ["run", "score_programs"]


def run(
    problem: str | Path | None,
    *,
    evaluations: float | None = None,
    proposals: int | None = None,
    minutes: float | None = None,
    model: str | Sequence[str] = (),
    api_base: str | None = None,
    usd: float | None = None,
    tokens: int | None = None,
    patience: float | None = None,
    hint: str = "",
    prompts: str | Path | None = None,
    bandit: str | None = None,
    seed: int = 0,
    workers: int | None = None,
    window: int | None = None,
    policy: str | None = None,
    outcome: str | None = None,
    archive: str | Path | None = None,
    start: str | None = None,
    sandbox: str | None = None,
    equivalence: str | None = None,
    outage_minutes: float = settings.DEFAULT_OUTAGE_MINUTES,
    resume: str | None = None,
    replay: str | Path | None = None,
    replay_strict: bool = False,
    final_check: bool = True,
    progress: bool | None = None,
    listener: Listener = ignore,
    confirm: Confirm | None = None,
    handle_interrupt: bool = False,
    tags: Mapping[str, Any] | None = None,
    known: RunResult | None = None,
) -> RunResult:
    """Search a problem, or go on with run `resume`, until the budget is spent.

    Without a model, the course of a run depends on problem, `seed`, `policy`, `outcome`, `start`, `window` and
    `equivalence` alone;
    `workers` changes only its speed, `minutes` only its length, `sandbox` only where its programs run.

    `model` names language models that propose beside the offline proposer (docs/models.md); `api_base` is where an
    OpenAI-compatible server answers for them. `usd` and `tokens` limit what they take, `hint` is advice that every
    prompt carries, and files of the folder `prompts` replace the templates of the same name; `bandit` says how the next
    model and its move are chosen, "thompson" or "uniform". Before the first paid call `confirm` is asked with an
    estimate. `replay` goes through a run of the archive, or a recorded file, again, with the replies of then and no
    network; with `replay_strict` a prompt that is not that of then is an error. `patience` stops the search when the
    chance of an improvement in what is left is smaller.

    `sandbox` is a text such as "docker:runtime=runsc" (docs/cli.md); None takes that of the run to resume, or else
    what EVOLVE_SANDBOX, the user's settings or this system choose. "none" isolates nothing. Where the sandbox goes away
    in the middle, the run pauses and tries again, for `outage_minutes` at a time; `minutes` go on meanwhile.

    `equivalence` says what becomes of programs that compute the same as one before (docs/equivalence.md): "again", the
    default without models, lets the offline proposer try again; with "run" or "archive" they take over scores too, of
    the same run or of all in the archive; "off" is the default with models.

    `progress` None shows the run where somebody looks: in a notebook, or where standard error is a terminal. True
    writes lines to standard error elsewhere too, False shows nothing. `listener` gets all events besides.
    `tags` are plain data that are stored with a new run, by names that no setting has; they change nothing.
    `known` is an earlier result: where problem and sandbox are the same, and no score is measured, its seed and
    baselines are not scored once more.
    With `handle_interrupt`, and where a notebook shows the run, the first SIGINT ends the search cleanly: the result
    has the stop reason "interrupted".

    Raises:
        UsageError: an argument can not be honoured, or the answer of `confirm` is no. ProblemError: the problem's own
        programs or verifier fail. ArchiveError: the archive can not be written; what it reported as committed is kept.
        InfrastructureError: a machine failed, a model can not be used, or the sandbox stayed away; `--resume` goes on.
    """
    settings.check_workers(workers)
    outage = Patience(60.0 * settings.check_outage(outage_minutes))
    place = settings.default_archive(str(archive) if archive else None)
    limits = Limits(evaluations, proposals, usd, tokens, patience)
    templates = str(prompts) if prompts else None
    wanted = Wanted([model] if isinstance(model, str) else model, api_base, hint, templates, bandit)
    replay = str(replay) if replay is not None else None
    recording = read_recording(place, replay) if replay is not None else None
    if resume is not None:
        loaded, config = resumed_run(problem, place, resume, limits)
    elif recording is not None:
        loaded, config = replayed_run(problem, recording)
    else:
        cache = settings.default_equivalence(equivalence, bool(wanted.models))
        loaded, config = fresh_run(problem, limits, seed, window, policy, start, wanted, outcome, cache)
    settings.check_budget(config.evaluations, config.proposals, minutes, config.usd, config.tokens, config.patience)
    with ExitStack() as stack:
        opened = stack.enter_context(Archive.open(place))
        before = opened.run(resume) if resume is not None else None
        scope = equivalence_of(equivalence, before, loaded, config)
        where = sandbox_config(sandbox, last_sandbox(opened, before) if before else None)
        sandboxing = check_ready(loaded, where)
        display = stack.enter_context(displayed(loaded.objectives, progress))
        told = both(display, listener)
        warn = partial(_warn, listener=told, seen=display is not ignore or listener is not ignore)
        worker_count = settings.check_workers(workers, loaded.is_timed)
        warning = " ".join(filter(None, (sandboxing.warning, _crowding(loaded, worker_count))))
        if warning:
            warn(warning)
        folder = prompts_folder(wanted.prompts, before)
        modelling = _modelling(loaded, config, folder, recording, replay_strict, warn)
        engine = LocalEngine(loaded.place, worker_count, where, outage)
        stack.callback(engine.close)
        scores = _known_scores(loaded, sandboxing.sandbox, known) if known is not None else None
        campaign = Campaign(loaded, config, opened, engine, minutes, told, outage, sandboxing, modelling, scope, scores)
        if confirm is not None:
            _ask(confirm, modelling, campaign.seed, told)
        if before is not None:
            run_id = opened.resume_run(before.id).id
            sandboxing.note_change(opened, before)
        else:
            places = {"folder": loaded.place, PROMPTS_FOLDER: folder, REPLAY: replay, CACHE: scope}
            stored = {**(tags or {}), **config.to_json(), **sandboxing.to_json(), **places, **loaded.to_json()}
            run_id = _begin(opened, loaded, stored, config.seed)
        handle_interrupt = handle_interrupt or isinstance(display, NotebookWatch)
        earlier_seconds = before.seconds or 0.0 if before is not None else 0.0
        result = campaign.carry_out(run_id, final_check, handle_interrupt, earlier_seconds)
        return replace(result, location=place) if "://" in place else result


def _known_scores(problem: Problem, sandbox: str, known: RunResult) -> tuple[ScoredProgram, ...] | None:
    """What the seed, and the baselines after it, scored in another run. None where they may score otherwise here: in
    another version of the problem, in another sandbox, or where scores are not the same each time."""
    here = (known.problem_version, known.sandbox) == (problem.version, sandbox)
    return (known.seed, *known.baselines) if here and not never_taken_over(problem) else None


def _modelling(
    problem: Problem,
    config: RunConfig,
    folder: str | None,
    recording: Replay | None,
    strict: bool,
    warn: Callable[[str], None],
) -> Modelling | None:
    """The models of a run that has some; None, and nothing heavy is imported, for a run without."""
    if not config.models:
        return None
    from evolve.modelling import Modelling

    return Modelling(problem, config, folder, recording, strict, warn)


def _ask(confirm: Confirm, modelling: Modelling | None, seed: ScoredProgram, told: Listener) -> None:
    """Raises UsageError where whoever is asked does not want to pay what models may cost."""
    estimate = modelling.estimate(seed) if modelling else None
    if estimate is None:
        return
    told(Asking())
    if not confirm(estimate):
        raise UsageError("stopped before the first paid call", "Nothing was spent; --usd X sets a limit.")


def _crowding(problem: Problem, workers: int) -> str:
    """What is wrong with so many workers; empty where nothing is."""
    if not problem.is_timed or workers == 1:
        return ""
    return (
        f"{workers} workers time programs side by side, and disturb each other: more of what is faster is missed. "
        "Leave --workers out, and one is used."
    )


def _warn(text: str, *, listener: Listener, seen: bool) -> None:
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
        seed, *baselines = in_event_loop(lambda: evaluate_programs(problem, None))
        return seed, tuple(baselines), None
    engine = LocalEngine(problem.place, settings.check_workers(None, problem.is_timed), config)
    try:
        seed, *baselines = in_event_loop(lambda: evaluate_programs(problem, engine, listener))
        return seed, tuple(baselines), in_event_loop(lambda: floor_on_train(engine))
    finally:
        engine.close()


def _begin(archive: Archive, problem: Problem, config: dict[str, object], seed: int) -> str:
    return archive.begin_run(problem=problem.name, problem_version=problem.version, config=config, run_seed=seed)
