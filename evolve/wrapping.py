"""What people already have, a program and the command that runs it, made into a problem."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluators.comment_style import style_of
from evaluators.screen import END, START, find_block
from evaluators.stage import Run, Stage
from evolve.core.errors import EvolveError, Forbidden, UsageError
from evolve.core.types import Direction, Split
from evolve.evaluation import check_ready, make_stage
from evolve.problem import Problem, load, shipped_folder
from evolve.problem_file import MEASURED
from evolve.scaffold import Created, check_name, listed, write
from sandbox.syntax import MAX_SOURCE_BYTES

SEED_MARK = "{seed}"
TIMED_EFFECT, PRINTED_EFFECT, TIMED_REPEATS = 0.05, 0.01, 5
_LESS_IS_BETTER = re.compile(
    r"second|time|latenc|cost|error|loss|miss|byte|size|memory|tardi|makespan|regret|distance|ops|operations|steps",
    re.I,
)
_TAKEN = {"problem.toml", "verifier.py", "README.md", "expected.json"}


@dataclass(frozen=True)
class Wish:
    """What the author asked for: paths of the program and of other files, commands, and the metric or None."""

    program: Path
    run: str
    build: str | None = None
    files: Sequence[Path] = ()
    metric: str | None = None
    direction: Direction | None = None


@dataclass
class Draft:
    """The problem while it is made. `notes` are told to the author; `failure` is why its program did not run."""

    name: str
    program: str
    run: str
    build: str | None
    seeded: bool
    metric: str
    direction: Direction
    text: str
    extra: Mapping[str, bytes]
    expected: dict[str, str] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    failure: str = ""

    @property
    def timed(self) -> bool:
        """True where the host measures the objective."""
        return self.metric in MEASURED

    def files(self) -> dict[str, str | bytes]:
        """The folder's files by name."""
        kind = "timed" if self.timed else "printed"
        folder = shipped_folder() / "_templates" / "_wrapped" / kind
        words = {"NAME": self.name, "PROGRAM": self.program, "RUN": self.run, "METRIC": self.metric}
        words["DIRECTION"] = "less" if self.direction == "minimize" else "more"
        readme = (folder / "README.md").read_text(encoding="utf-8")
        readme = re.sub(r"\b(NAME|PROGRAM|RUN|METRIC|DIRECTION)\b", lambda found: words[found[0]], readme)
        verifier = (folder / "verifier.py").read_text(encoding="utf-8")
        verifier = verifier.replace('METRIC = "score"', f"METRIC = {json.dumps(self.metric)}", 1)
        verifier = verifier.replace("SEEDED = False", f"SEEDED = {self.seeded}", 1)
        files: dict[str, str | bytes] = {"problem.toml": self._toml(), self.program: self.text, **self.extra}
        files |= {"verifier.py": verifier, "README.md": readme}
        if self.timed:
            files["expected.json"] = json.dumps(self.expected, indent=0, ensure_ascii=False, sort_keys=True) + "\n"
        return files

    def _toml(self) -> str:
        quoted = json.dumps
        limit = max(10, round(10 * max(self.cpu_seconds, self.wall_seconds)))
        lines = [
            f"name = {quoted(self.name)}",
            f"title = {quoted(f'{self.name}: {self.metric} of {self.program}')}",
            'evidence = "sampled"',
            'sandbox = "bubblewrap"',
            f"minimum_effect = {TIMED_EFFECT if self.timed else PRINTED_EFFECT}",
            "",
            "[[objectives]]",
            f"metric = {quoted(self.metric)}",
            f"direction = {quoted(self.direction)}",
            "",
            "[command]",
            f"program = {quoted(self.program)}",
            *([f"build = {quoted(self.build)}"] if self.build else []),
            f"run = {quoted(self.run)}",
            *([f"files = {quoted(sorted(self.extra))}"] if self.extra else []),
            *([f"repeats = {TIMED_REPEATS}"] if self.timed else []),
            *([] if self.timed else ["separated = false"]),
            "",
            "# Ten times what the program took when it was wrapped, and never below ten seconds.",
            "[limits]",
            f"wall_seconds = {2 * limit}",
            f"cpu_seconds = {limit}",
            "",
            "[search]",
            f"evaluations = {self._evaluations()}",
        ]
        return "\n".join(lines) + "\n"

    def _evaluations(self) -> int:
        """As many as take some three minutes on two cores, by what one run took; a round number."""
        runs = (4 if self.seeded else 1) * (TIMED_REPEATS if self.timed else 1)
        wanted = 2 * 180.0 / max(0.05, runs * (self.wall_seconds + 0.05))
        return int(float(f"{min(2000.0, max(40.0, wanted)):.1g}"))


def wrap_command(place: Path, wish: Wish, progress: Callable[[str], None] = lambda text: None) -> Created:
    """Make a problem at `place` of a program in any language and the command that runs it.

    The program is tried in the sandbox first: what it prints decides the metric where none was named, what it takes
    decides the limits. With a metric that the host measures, its outputs become what all programs must print. A program
    that does not run there makes a problem all the same: `notes` say why.

    Raises:
        UsageError: the name is taken or no name, or a file can not be read.
    """
    draft = _draft(check_name(place), wish)
    with _tried(draft) as stage:
        if stage is not None:
            _try(draft, stage, wish, progress)
    if draft.failure:
        draft.notes.append(f"the program did not run in the sandbox: {draft.failure}")
    elif wish.direction is None:
        words = "less" if draft.direction == "minimize" else "more"
        draft.notes.append(f"{draft.metric}: {words} is better (say --minimize or --maximize to be sure)")
    files = draft.files()
    return Created(write(place, files), tuple(files), tuple(draft.notes))


def _draft(name: str, wish: Wish) -> Draft:
    program, notes = wish.program.name, []
    text = _read(wish.program)
    if program in _TAKEN:
        raise UsageError(f"the program can not be called {program}", "Rename the file.")
    if START not in text and END not in text:
        text = enclosed(text, program)
        notes.append(f"all of {program} may change: move its EVOLVE-BLOCK lines to enclose less")
    try:
        find_block(text, program)
    except Forbidden as error:
        remedy = "Mend these lines, or take them out to let all of it change."
        raise UsageError(f"{wish.program}: {error}", remedy) from None
    run, build = (_local(command, wish.program, notes) for command in (wish.run, wish.build or ""))
    seeded = SEED_MARK in run
    metric = wish.metric or "score"
    draft = Draft(
        name=name,
        program=program,
        run=run.replace(SEED_MARK, '"$1"'),
        build=build or None,
        seeded=seeded,
        metric=metric,
        direction=wish.direction or guessed_direction(metric),
        text=text,
        extra={path.name: _read(path).encode("utf-8", "surrogateescape") for path in wish.files},
        notes=notes,
    )
    if not seeded:
        notes.append(f"one input for all splits; with {SEED_MARK} in --run the program gets seeds that differ")
    return draft


def enclosed(text: str, name: str) -> str:
    """All of a program between the two marker lines, in its language's comments; a first line `#!` stays first."""
    first, last = map(style_of(name).comment, (START, END))
    head = text[: text.find("\n") + 1] if text.startswith("#!") and "\n" in text else ""
    body = text[len(head) :]
    return f"{head}{first}\n{body}{'' if body.endswith(chr(10)) else chr(10)}{last}\n"


def guessed_direction(metric: str) -> Direction:
    """`minimize` for names of what one has too much of, such as times and errors."""
    return "minimize" if _LESS_IS_BETTER.search(metric) else "maximize"


def _local(command: str, program: Path, notes: list[str]) -> str:
    """In the sandbox the program lies in the current folder, whatever folder it was named with."""
    given = str(program)
    if given == program.name or given not in command:
        return command
    notes.append(f"{given} is called {program.name} in the sandbox, and so in the command")
    return command.replace(given, program.name)


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can not be read as text: {error}", "Name a readable UTF-8 file.") from None
    if len(data) > MAX_SOURCE_BYTES:
        raise UsageError(
            f"{path} has {len(data):,} bytes; at most {MAX_SOURCE_BYTES:,} are read", "Name a smaller one."
        )
    return text


@contextmanager
def _tried(draft: Draft) -> Iterator[Stage | None]:
    """A stage on a throw-away copy of the problem; None, with a note, where there is no sandbox here."""
    folder = Path(tempfile.mkdtemp(prefix="evolve-new-"))
    stage = None
    try:
        copy = folder / draft.name
        write(copy, draft.files())
        try:
            problem = load(copy)
            check_ready(problem)
            stage = make_stage(problem)
        except UsageError as error:
            draft.notes.append(f"not tried: {error.message}. {error.remedy}")
        yield stage
    except EvolveError as error:
        draft.failure = str(error)
    finally:
        if stage is not None:
            stage.verifier.close()
        shutil.rmtree(folder, ignore_errors=True)


def _try(draft: Draft, stage: Stage, wish: Wish, progress: Callable[[str], None]) -> None:
    problem: Problem = load(stage.verifier.settings.folder)
    progress(f"trying: {draft.run}")
    instance = stage.verifier.instances(Split.TRAIN)[0]
    first = stage.run(problem.seed, Split.TRAIN, instance)
    if first.output is None:
        draft.failure = first.feedback.partition(": ")[2] or first.feedback
        return
    draft.cpu_seconds, draft.wall_seconds = first.result.cpu_seconds, first.result.wall_seconds
    if draft.timed:
        _record(draft, stage, problem, first, progress)
    elif wish.metric is None or first.score is None:
        _choose(draft, first, wish)


def _choose(draft: Draft, first: Run, wish: Wish) -> None:
    """The metric that the program prints, where its author named none."""
    try:
        printed: Any = json.loads(first.output)
    except ValueError:
        lines = [line for line in str(first.output).split("\n") if line.strip()]
        try:
            printed = json.loads(lines[-1]) if lines else None
        except ValueError:
            printed = None
    names = [key for key, one in printed.items() if type(one) in (int, float)] if isinstance(printed, dict) else []
    if wish.metric is not None or not (names or type(printed) in (int, float)):
        found = f"it has {listed(names)}" if names else f"it printed {str(first.output).strip()[-60:]!r}"
        draft.failure = f"no {draft.metric} in its output: {found}"
        return
    if names:
        draft.metric = names[0]
        draft.direction = wish.direction or guessed_direction(names[0])
        if len(names) > 1:
            draft.notes.append(f"the program prints {listed(names)}; {names[0]} counts (--metric chooses another)")


def _record(draft: Draft, stage: Stage, problem: Problem, first: Run, progress: Callable[[str], None]) -> None:
    """Note what the program prints on every instance: from now on that is what is right."""
    again = stage.run(problem.seed, Split.TRAIN, stage.verifier.instances(Split.TRAIN)[0])
    if again.output != first.output:
        draft.failure = "it prints something else each time: print only what does not change, no times or dates"
        return
    for split in Split:
        for place, instance in enumerate(stage.verifier.instances(split), 1):
            if instance.id in draft.expected:
                continue
            progress(f"recording what is printed on {split}: {place}")
            run = stage.run(problem.seed, split, instance)
            if run.output is None:
                draft.failure = run.feedback
                return
            draft.expected[instance.id] = run.output
