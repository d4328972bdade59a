"""What a run begins with, its problem and its configuration: a new one, one that goes on, one that is replayed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.outcomes import check_outcome
from archive.policies import check_policy
from archive.store import Archive
from evolve.bandit import RULES
from evolve.core import config as settings
from evolve.core.config import Equivalence, RunConfig
from evolve.core.errors import ProblemError, UsageError
from evolve.evaluation import never_taken_over
from evolve.problem import Problem, load
from evolve.told import TOLD, check_kind

if TYPE_CHECKING:
    from archive.replay import Replay
    from archive.rows import RunRow

PROMPTS_FOLDER, REPLAY, CACHE = "prompts_folder", "replay", "cache"
"""Keys of a run's stored configuration: where its own templates are, what it replays, and what becomes of
programs that compute the same."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use, None where nothing was said of it."""

    evaluations: float | None = None
    proposals: int | None = None
    usd: float | None = None
    tokens: int | None = None
    patience: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Models by name, where they answer, advice for them, a folder of templates, and the rule by which one is chosen
    (None: that of the settings)."""

    models: Sequence[str] = ()
    api_base: str | None = None
    hint: str = ""
    prompts: str | None = None
    bandit: str | None = None


def fresh_run(
    problem: str | Path | None,
    limits: Limits,
    seed: int,
    window: int | None,
    policy: str | None,
    start: str | None,
    wanted: Wanted = Wanted(),
    outcome: str | None = None,
    equivalence: Equivalence | None = None,
) -> tuple[Problem, RunConfig]:
    """Problem and configuration of a new run. `equivalence` is what becomes of programs that compute the same; None for
    nothing."""
    if problem is None:
        raise UsageError("no problem was named", "Name one: evolve run float32-exp2")
    loaded = load(problem)
    if window is not None and window < 1:
        raise UsageError(f"a window of {window} tickets allows none", "Give a window of at least 1.")
    chosen = check_policy(policy or settings.DEFAULT_POLICY)
    evaluations = float(loaded.search.evaluations if limits.evaluations is None else limits.evaluations)
    proposals = settings.default_proposals(evaluations) if limits.proposals is None else limits.proposals
    models = _models(wanted)
    slots = sum(model["concurrency"] for model in models["models"]) if models else 0
    config = RunConfig(
        seed,
        chosen,
        window or settings.DEFAULT_WINDOW + slots,
        start or loaded.search.start,
        evaluations,
        proposals,
        limits.usd,
        limits.tokens,
        limits.patience,
        models,
        wanted.hint,
        _templates_digest(wanted.prompts) if models else "",
        check_outcome(outcome or settings.DEFAULT_OUTCOME),
        equivalence.course if equivalence and not never_taken_over(loaded) else None,
    )
    return loaded, config


def resumed_run(
    problem: str | Path | None, place: str, resume: str, limits: Limits, told: str | None = None
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
    if limits.evaluations is not None:
        proposals = settings.default_proposals(limits.evaluations)
        config = replace(config, evaluations=float(limits.evaluations), proposals=proposals)
    changed = {key: getattr(limits, key) for key in ("proposals", "usd", "tokens", "patience")}
    return loaded, replace(config, **{key: value for key, value in changed.items() if value is not None})


def replayed_run(problem: str | Path | None, recording: Replay) -> tuple[Problem, RunConfig]:
    """Problem and configuration of a recorded run. What has changed since then is found out on the way."""
    config = _recorded_config(recording.config)
    loaded = find_problem(recording.problem, recording.config.get("folder")) if problem is None else load(problem)
    return loaded, config


def _recorded_config(data: Mapping[str, Any]) -> RunConfig:
    """The settings of a recording, which may be anybody's file. Raises UsageError where no run can have them."""
    from pydantic import TypeAdapter

    from evolve.proposers.llm.models import models_from_json

    try:
        config = RunConfig.from_json(data)
        TypeAdapter(RunConfig).validate_json(json.dumps(config.to_json()), strict=True)
        if config.models:
            models_from_json(config.models["models"])
            if config.models["bandit"] not in RULES or not isinstance(config.models["callbacks"], list):
                raise ValueError("bandit or callbacks")
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # pydantic's are ValueErrors
        wrong = " ".join(str(error).split())[:300]
        raise UsageError(f"the recording has settings that no run has: {wrong}", "Export the run once more.") from None
    check_policy(config.policy)
    if config.window < 1:
        raise UsageError(f"the recording has a window of {config.window} tickets", "Export the run once more.")
    return config


def equivalence_of(given: str | None, before: RunRow | None, problem: Problem, config: RunConfig) -> str:
    """What becomes of programs of a run that compute the same, "off", "again", "run" or "archive": as given, else as
    before, else as its course says.

    Raises UsageError where that would change the course of a run that goes on, or is not to be had for the problem.
    """
    if given is not None and (reason := never_taken_over(problem)) and settings.read_equivalence(given).scope != "off":
        raise UsageError(f"--equivalence {given} is not to be had for {problem.name}: {reason}", "Leave it out.")
    if config.equivalence is None:
        if given is not None and settings.read_equivalence(given).scope != "off":
            what = "the run does not look for programs that compute the same, and that decides its course"
            raise UsageError(what, "Leave --equivalence out.")
        return "off"
    stored = before.config.get(CACHE) if before else None
    asked = settings.read_equivalence(given or stored or ("run" if config.equivalence.get("takes", 1) else "again"))
    if given and asked.course != config.equivalence:
        raise UsageError(
            f"--equivalence {given} would change the course of {f'run {before.id}' if before else 'the run'}",
            "Leave it out; only run and archive may be changed for each other.",
        )
    return asked.scope


def prompts_folder(given: str | None, before: RunRow | None) -> str | None:
    """The folder of templates: as given, else that of the run that goes on."""
    stored = before.config.get(PROMPTS_FOLDER) if before else None
    return str(Path(given).absolute()) if given else stored


def find_problem(name: str, folder: object = None) -> Problem:
    """The problem of a stored run: by its shipped name, else in the folder that the run was begun with."""
    try:
        return load(name)
    except UsageError:
        with suppress(UsageError):
            if isinstance(folder, str):
                return load(folder)
        raise


def _models(wanted: Wanted) -> Mapping[str, Any] | None:
    """The crew of models as it is stored; None where none is wanted."""
    if not wanted.models:
        given = [name for name in ("api_base", "hint", "prompts", "bandit") if getattr(wanted, name)]
        if given:
            option = f"--{given[0].replace('_', '-')}"
            raise UsageError(f"{option} is for language models, and none was named", "Add --model NAME.")
        return None
    from evolve.proposers.llm.models import chosen_models

    return chosen_models(wanted.models, wanted.api_base, wanted.bandit)


def _templates_digest(folder: str | None) -> str:
    """Digest of the templates in a folder: what they say decides the course of a run, and where they are does not."""
    if folder is None:
        return ""
    from evolve.proposers.llm.prompts import digest_of

    return digest_of(Path(folder))
