"""What people already have, a program and the command that runs it, made into a problem."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluators.command_runs import UNREPEATABLE
from evaluators.stage import Run, Stage
from evolve.core.errors import EvolveError, ProblemError, UsageError
from evolve.core.types import Split, Status
from evolve.draft import Draft
from evolve.evaluation import make_stage, sandbox_config
from evolve.problem import Problem, load
from evolve.problem_file import MEASURED
from evolve.readiness import check_ready
from evolve.scaffold import Created, check_name, listed, write
from evolve.wish import Wish, drafted, guessed_direction
from sandbox.config import SandboxConfig

_NOT_RUN = "the program did not run in the sandbox: "
_ABSENT = ("No module named", "not found", "(a program that is not there)", "No such file")
_VISIBLE = (
    "in the sandbox there are /usr, /usr/local, the files named with --file, and Evolve's own interpreter as python3, "
    "without installed packages; --folder shows it others (`folders` under [command] in problem.toml)"
)


def wrap_command(
    place: Path, wish: Wish, progress: Callable[[str], None] = lambda text: None, sandbox: str | None = None
) -> Created:
    """Make a problem at `place` of a program in any language and the command that runs it.

    The program is tried first, in `sandbox` (a text as `evolve.run` takes it): what it prints decides the metric where
    none was named, what it takes decides the limits. With a metric that the host measures, its outputs become what all
    programs must print. A program that gives no score there makes a problem all the same: `notes` say why, and it has
    `failed`.

    Raises:
        UsageError: the name is taken or no name, or a file, folder, command or sandbox can not be what it is to be.
    """
    check_name(place)
    config = sandbox_config(sandbox)
    draft = drafted(place, wish)
    folder = Path(tempfile.mkdtemp(prefix="evolve-new-"))
    try:
        problem = _loaded(folder / draft.name, draft)
        stage = _ready(problem, draft, config)
        if stage is not None:
            _try(draft, problem, stage, wish, progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if draft.failure:
        draft.notes.append(draft.failure)
        if any(words in draft.failure for words in _ABSENT):
            draft.notes.append(_VISIBLE)
    elif wish.direction is None:
        words = "less" if draft.direction == "minimize" else "more"
        guess = "" if guessed_direction(draft.metric) else ", which is guessed"
        draft.notes.append(f"{draft.metric}: {words} is better{guess} (say --minimize or --maximize to be sure)")
    files = draft.files()
    return Created(write(place, files), tuple(files), tuple(draft.notes), bool(draft.failure))


def _loaded(copy: Path, draft: Draft) -> Problem:
    """The problem from a throw-away copy. Raises UsageError where it would not load."""
    write(copy, draft.files())
    try:
        return load(copy)
    except ProblemError as error:
        words = error.message.replace(str(copy.resolve()), draft.name)
        raise UsageError(words, error.remedy) from None


def _ready(problem: Problem, draft: Draft, config: SandboxConfig) -> Stage | None:
    """Where the problem's programs run; None, with a note or a failure, where nothing can run here."""
    try:
        check_ready(problem, config)
        return make_stage(problem, config)
    except UsageError as error:
        draft.notes.append(f"not tried: {error.message}. {error.remedy}")
    except EvolveError as error:
        draft.failure = f"{_NOT_RUN}{error}"
    return None


def _try(draft: Draft, problem: Problem, stage: Stage, wish: Wish, progress: Callable[[str], None]) -> None:
    progress(f"trying: {draft.run}")
    try:
        first = stage.run(problem.seed, Split.TRAIN, stage.verifier.instances(Split.TRAIN)[0])
        if first.output is None:
            draft.failure = _why_not(first)
            return
        draft.cpu_seconds, draft.wall_seconds = first.result.cpu_seconds, first.result.wall_seconds
        if draft.timed:
            _record(draft, stage, problem, first, progress)
        elif wish.metric is None or first.score is None:
            _choose(draft, first, wish)
    except EvolveError as error:
        draft.failure = f"{_NOT_RUN}{error}"
    finally:
        stage.close()


def _why_not(run: Run) -> str:
    words = run.feedback.partition(": ")[2] or run.feedback
    if run.result.status is Status.INVALID and UNREPEATABLE in words:
        return f"it ran, but {words}"
    return f"{_NOT_RUN}{words}"


def _choose(draft: Draft, first: Run, wish: Wish) -> None:
    """The metric that the program prints, where its author named none."""
    printed = _printed(str(first.output))
    every = [key for key, one in printed.items() if _is_number(one)] if isinstance(printed, dict) else []
    names = [key for key in every if key and key.isprintable() and key not in MEASURED]
    if wish.metric is not None or not (names or _is_number(printed)):
        wanted = "number" if wish.metric is None else wish.metric
        draft.failure = f"it ran, but printed no {wanted}: {_found(names, every, str(first.output))}"
        return
    if names:
        draft.metric = names[0]
        draft.direction = wish.direction or guessed_direction(names[0]) or "maximize"
        if len(names) > 1:
            draft.notes.append(f"the program prints {listed(names)}; {names[0]} counts (--metric chooses another)")


def _found(names: list[str], every: list[str], output: str) -> str:
    """What there is instead of the number, and what to do about it."""
    if names:
        return f"it has {listed(names)} (--metric chooses one)"
    if every and every[0] in MEASURED:
        return f"it has {every[0]}, which the host measures by itself; --metric {every[0]} lets that count"
    return f"{output.strip()[-60:]!r}; print a number alone on the last line, or JSON"


def _printed(output: str) -> Any:
    """All of the output as JSON, or else its last line; None where neither is."""
    last = next((line for line in reversed(output.split("\n")) if line.strip()), "")
    for text in (output, last):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            continue
    return None


def _is_number(value: Any) -> bool:
    """As the wrapped problem's verifier has it."""
    if type(value) is int:
        return abs(value) < 10**300
    return type(value) is float and math.isfinite(value)


def _record(draft: Draft, stage: Stage, problem: Problem, first: Run, progress: Callable[[str], None]) -> None:
    """Note what the program prints on every instance: from now on that is what is right."""
    again = stage.run(problem.seed, Split.TRAIN, stage.verifier.instances(Split.TRAIN)[0])
    if again.output != first.output:
        draft.failure = (
            "it ran, but prints something else each time: print only what does not change, no times or dates"
        )
        return
    for split in Split:
        for place, instance in enumerate(stage.verifier.instances(split), 1):
            if instance.id in draft.expected:
                continue
            progress(f"recording what is printed on {split}: {place}")
            run = stage.run(problem.seed, split, instance)
            if run.output is None:
                draft.failure = _why_not(run)
                return
            draft.expected[instance.id] = run.output
