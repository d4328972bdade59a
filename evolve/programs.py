"""The programs that a run begins with: which ones it plants, and what seed and baselines score on train."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from archive.policies.islands import LENGTH
from archive.store import Archive
from evaluators.cascade import Evaluator
from evaluators.guilt import fault_place
from evaluators.screen import Screened, screen_program
from evolve.core import named
from evolve.core.errors import EvolveError, Forbidden, ProblemError, UsageError
from evolve.core.types import Source, Split, Verdict
from evolve.engine.base import Engine, Task
from evolve.evaluation import make_evaluator
from evolve.events import Listener, Preparing, ScoredProgram, ignore
from evolve.problem import Problem
from evolve.problem_file import FILE

SEED = "seed"


def start_programs(problem: Problem, start: str, archive: Archive) -> dict[int, Source]:
    """Programs that the first tickets plant: the seed, the baselines after it, or one program of the archive."""
    if start == "seed":
        return {0: problem.seed}
    if start == "baselines":
        return dict(enumerate([problem.seed, *problem.baselines.values()]))
    source = archive.program(start).source
    if source.files.keys() != problem.seed.files.keys():
        there, here = ", ".join(source.files), ", ".join(problem.seed.files)
        raise UsageError(f"program {start} has other files than this problem's: {there}", f"Its programs have {here}.")
    return {0: problem.seed, 1: source}


async def evaluate_programs(
    problem: Problem, engine: Engine | None, listener: Listener = ignore
) -> tuple[ScoredProgram, ...]:
    """The seed, and the baselines after it, with their metrics on train: by the engine, or in place where programs need
    no process.

    Raises:
        ProblemError: one of them has no score, or the seed lacks a feature; names the file and what is wrong.
    """
    programs = {SEED: problem.seed, **problem.baselines}
    evaluator = make_evaluator(problem) if engine is None else None
    if isinstance(evaluator, Evaluator):
        return _scored(problem, {name: _in_place(problem, evaluator, name) for name in programs})
    if engine is None:
        raise ProblemError(f"{problem.name} needs processes", "Evaluate its programs through an engine.")
    done = 0

    async def evaluate(place: int, name: str) -> Verdict:
        nonlocal done
        verdict: Verdict = await engine.run(Task("evaluate", (screened(problem, name),), place))
        done += 1
        listener(Preparing(done, len(programs)))
        return verdict

    listener(Preparing(0, len(programs)))
    verdicts = await asyncio.gather(*(evaluate(place, name) for place, name in enumerate(programs)))
    return _scored(problem, dict(zip(programs, verdicts, strict=True)))


def _scored(problem: Problem, verdicts: Mapping[str, Verdict]) -> tuple[ScoredProgram, ...]:
    found = tuple(_read(problem, name, verdict) for name, verdict in verdicts.items())
    check_features(problem, found[0].metrics)
    return found


def check_features(problem: Problem, metrics: Mapping[str, float]) -> None:
    """Raises ProblemError where the problem declares a feature that is no metric of its seed, with the nearest."""
    known = [LENGTH, *(name for name in metrics if name != LENGTH)]
    for feature in problem.features:
        if feature not in known:
            message = f"{problem.folder / FILE}: features: the seed has no metric {feature!r}"
            raise ProblemError(message, named.suggestion(feature, known))


async def floor_on_train(engine: Engine) -> ScoredProgram | None:
    """The physical minimum on train as if it were a program, where the problem knows it."""
    groups = await engine.run(Task("groups", (Split.TRAIN,)))
    places = range(len(groups))
    floors = await asyncio.gather(*(engine.run(Task("floor", (Split.TRAIN, place), place)) for place in places))
    if any(floor is None for floor in floors):
        return None
    means = {name: sum(floor[name] for floor in floors) / len(floors) for name in floors[0]}
    return ScoredProgram("floor", "", means)


def check_start(verdict: Verdict | None) -> None:
    """Raises UsageError where a program of the archive that a run was to start from failed its check."""
    if verdict is not None:
        raise UsageError(
            f"the program to start from is {verdict.status}: {verdict.feedback}", "Start from another one."
        )


def screened(problem: Problem, name: str) -> Screened[Any]:
    """The seed or a baseline, checked without running it. Raises ProblemError where it is refused."""
    source = problem.seed if name == SEED else problem.baselines[name]
    try:
        return screen_program(problem.sandbox, source, source if name == SEED else None)
    except Forbidden as error:
        message = f"{_where(problem, name)} can not be run: {error}"
        raise ProblemError(message, "Mend the program; every run starts from it.") from None


def _in_place(problem: Problem, evaluator: Evaluator, name: str) -> Verdict:
    program = screened(problem, name).program
    try:
        return evaluator.evaluate(program)
    except EvolveError:
        raise
    except Exception as error:
        where = _where(problem, name)
        raise ProblemError(f"the verifier fails on {where}: {type(error).__name__}: {error}", "Mend it.") from error


def _read(problem: Problem, name: str, verdict: Verdict) -> ScoredProgram:
    if not verdict.status.scored:
        blame = "the verifier" if fault_place(verdict) else "the program or the verifier"
        message = f"{_where(problem, name)} is {verdict.status}: {verdict.feedback}"
        raise ProblemError(message, f"Mend {blame}.")
    return ScoredProgram(name, screened(problem, name).program_id, verdict.metrics)


def _where(problem: Problem, name: str) -> str:
    return str(problem.seed_path if name == SEED else problem.path_of(name))
