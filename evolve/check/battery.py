"""The battery of cheats: each is refused, or scored as an honest reading of its output deserves.

Every cheat is a whole program, made from the best known one, and goes the way of all programs: through the sandbox to
the verifier. Where programs are arithmetic the false outputs are shown to the verifier directly, since no such
program could return them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evaluators import cheats
from evaluators.functional_hash import canonical
from evaluators.guilt import fault_place_of
from evaluators.stage import Run
from evolve.check.bench import Bench, Evaluated
from evolve.check.judging import (
    NO_ANSWERS,
    REMEDIES,
    Kind,
    Outcome,
    judge_deed,
    judge_failing,
    judge_output,
    judge_reading,
)
from evolve.check.report import Finding, Grade, Progress
from evolve.core.types import Instance, Result, Source, Split, Status
from sandbox import wire

MOST_INSTANCES, PATIENCE_SECONDS = 4, 60.0
"""A cheat is tried on so many instances, fewer where that would take the battery longer than this."""

_PLAIN = """
import cheats as _cheats

_honest = {entry}


def {entry}(*args):
    return _cheats.behave({name!r}, {variant}, _honest, args, {secret!r})
"""
_BESIDE_A_DRIVER = """
import sys as _sys

import cheats as _cheats

_driver = _sys.modules["driver"]
_honest = _driver.drive


def _drive(entry, *args):
    return _cheats.behave({name!r}, {variant}, lambda *given: _honest(entry, *given), args, {secret!r})


_driver.drive = _drive
"""
_BEFORE_QUESTIONS = """
import sys as _sys

import cheats as _cheats

_driver = _sys.modules["driver"]


def _cheating(honest):
    def answer(entry, *args):
        return _cheats.behave({name!r}, {variant}, lambda *given: honest(entry, *given), args, {secret!r})

    return answer


for _name, _one in list(vars(_driver).items()):
    if not _name.startswith("_") and isinstance(_one, type(_cheating)) and _one.__module__ == "driver":
        setattr(_driver, _name, _cheating(_one))
"""


class Battery:
    """Cheats made from one good program. `margin` is how far scores of one program may lie apart."""

    def __init__(self, bench: Bench, base: Evaluated, margin: float, progress: Progress) -> None:
        self.bench = bench
        self.margin = margin
        self.progress = progress
        self.instances = self._choose(base)
        self.honest = bench.evaluate(base.name, base.source, Split.TRAIN, self.instances)
        self.value = self.honest.value
        self.compared = bool(bench.problem.baselines)
        before = {run.result.instance_id: run.output for run in base.runs}
        self.repeatable = all(_is_same(run.output, before.get(run.result.instance_id)) for run in self.honest.runs)

    def findings(self, names: Sequence[str] = (*cheats.OUTPUTS, *cheats.DEEDS)) -> Iterator[Finding]:
        """One for each cheat. A program that does not repeat itself gives one finding and no battery."""
        if self.value is None:
            yield Finding("cheats", Grade.FAIL, f"{self.honest.name} failed when it ran again: {self.honest.failure}")
            return
        for place, name in enumerate(names, 1):
            self.progress(f"cheating: {name} ({place} of {len(names)})")
            args = tuple(self.instances[0].args)
            outcomes = [self._try(name, variant) for variant in range(cheats.variants(name, args))]
            grade, says = self._judge(name, outcomes)
            if grade is Grade.FAIL and not self.bench.problem.separated and name in cheats.OUTPUTS:
                grade, says = Grade.LOOK, f"{says} (as any program can: not separated)"
            yield Finding(
                f"cheat: {name}",
                grade,
                says,
                self._remedy(name) if grade is not Grade.OK else "",
                {"outcomes": [{"kind": one.kind.value, "value": one.value} for one in outcomes]},
            )

    def _remedy(self, name: str) -> str:
        if self.bench.problem.interactive and name == "state between calls":
            return "Call session.renew() in play() where a part of an instance must not know of another."
        return REMEDIES[name]

    def _choose(self, base: Evaluated) -> tuple[Instance, ...]:
        """The instance on which the program is worst, then the first others."""
        instances = self.bench.verifier.instances(Split.TRAIN)
        cost = self.bench.objective.cost
        hardest = max(range(len(instances)), key=lambda place: cost(self.bench.value(base.runs[place])))
        order = [hardest, *(place for place in range(len(instances)) if place != hardest)]
        forms = sum(cheats.variants(name, tuple(instances[0].args)) for name in (*cheats.OUTPUTS, *cheats.DEEDS))
        each = max(1e-6, base.seconds / len(instances))
        count = max(2, min(MOST_INSTANCES, int(PATIENCE_SECONDS / (each * forms))))
        return tuple(instances[place] for place in order[:count])

    def _try(self, name: str, variant: int) -> Outcome:
        if name in ("state between calls", "failing on the hardest", cheats.ANOTHER) and len(self.instances) < 2:
            return Outcome(Kind.MEANINGLESS, "train has one instance")
        if name in cheats.DEEDS:
            outcome = self._read(self._evaluated(name, variant))
            if self.bench.problem.interactive and name == "failing on the hardest" and outcome.kind is Kind.SAME:
                return Outcome(Kind.MEANINGLESS, "no question is asked with the arguments of the instance")
            if outcome.kind in (Kind.BETTER, Kind.WORSE) and not self.repeatable:
                return Outcome(Kind.MEANINGLESS, "not to be told: the program's output is another one each time")
            return outcome
        false = self._false_outputs(name, variant)
        honest = [run.output for run in self.honest.runs]
        if all(map(_is_same, false, honest)):
            return Outcome(Kind.MEANINGLESS, f"does not apply to {_described(honest[0])}")
        if self.bench.in_place or name == cheats.ANOTHER:
            return self._read(self._shown(false))
        runs = self._evaluated(name, variant)
        outcome = self._read(runs)
        unchanged = outcome.kind is Kind.SAME and all(map(_is_same, [run.output for run in runs], honest))
        if unchanged and self.bench.problem.interactive and name not in NO_ANSWERS:
            return Outcome(Kind.MEANINGLESS, "changes no answer to a single question")
        return outcome

    def _false_outputs(self, name: str, variant: int) -> list[Any]:
        """What the cheat returns on each instance, made here: by the honest outputs, which are plain data."""
        honest = [run.output for run in self.honest.runs]
        if name == cheats.ANOTHER:
            return [*honest[1:], honest[0]]
        pairs = zip(self.instances, honest, strict=True)
        return [cheats.changed(name, variant, output, tuple(instance.args)) for instance, output in pairs]

    def _evaluated(self, name: str, variant: int) -> Sequence[Run]:
        return self.bench.evaluate(name, self._program(name, variant), Split.TRAIN, self.instances).runs

    def _shown(self, outputs: Sequence[Any]) -> Iterator[Run]:
        """The verifier's reading of outputs that no program has returned; what is measured is the honest program's."""
        for instance, run, output in zip(self.instances, self.honest.runs, outputs, strict=True):
            try:
                wire.encode(output)
            except wire.WireError as error:
                status, score, feedback = Status.INVALID, None, f"{instance.id}: output: {error.message}"
            else:
                status, score, feedback = self.bench.stage.score(Split.TRAIN, instance, output)
            if score is not None and self.bench.measured and run.score is not None:
                score = replace(score, metrics={**score.metrics, **run.score.metrics})
            result = Result(instance.id, status, None if score is None else score.value)
            yield Run(result, output, score, feedback)

    def _program(self, name: str, variant: int) -> Source:
        problem, source = self.bench.problem, self.honest.source
        secret: Any = None
        if name == "failing on the hardest":
            secret = cheats.fingerprint(tuple(self.instances[0].args))
        elif name == "reading files":
            secret = _private_files(problem.folder)
        if problem.command is not None:
            from sandbox.command import wrap

            source = wrap(problem.command, source)
        tail = _PLAIN
        if problem.driver is not None:
            tail = _BESIDE_A_DRIVER if problem.driven else _BEFORE_QUESTIONS
        main, entry = source.entry_file, source.function
        text = source.files[main] + tail.format(entry=entry, name=name, variant=variant, secret=secret)
        if self.bench.in_place:
            return source.with_main(text)
        own = Path(cheats.__file__).read_text(encoding="utf-8")
        return Source({**source.files, main: text, "cheats.py": own}, f"{main.removesuffix('.py')}.{entry}")

    def _read(self, runs: Iterator[Run] | Sequence[Run]) -> Outcome:
        values = []
        for run in runs:
            if run.score is None:
                return _failed(run)
            values.append(self.bench.value(run))
        mean, honest = sum(values) / len(values), self.value or 0.0
        if self.bench.measured:  # a cheat works honestly first: that it took longer or shorter says nothing
            return Outcome(Kind.SAME, f"accepted like the output of {self.honest.name}", mean)
        if self.bench.is_better(mean, honest, self.margin):
            kind = Kind.BETTER
        else:
            kind = Kind.WORSE if self.bench.is_better(honest, mean, self.margin) else Kind.SAME
        return Outcome(kind, f"{mean:.4g} against {honest:.4g} of {self.honest.name}", mean)

    def _judge(self, name: str, outcomes: Sequence[Outcome]) -> tuple[Grade, str]:
        judge = {"failing on the hardest": judge_failing, "reading files": judge_reading}.get(name)
        if judge is None and name in ("state between calls", "input mutated"):
            problem = self.bench.problem
            return judge_deed(name, outcomes[0], problem.isolation == "stage", problem.interactive)
        return judge(outcomes[0]) if judge else judge_output(name, outcomes, self.bench.measured, self.compared)


def _failed(run: Run) -> Outcome:
    """A program that crashed by itself has shown the verifier nothing."""
    place = fault_place_of(run.feedback)
    if place is not None:
        return Outcome(Kind.FAULT, f"the verifier fails at {place}")
    kind = Kind.CRASHED if run.result.status is Status.CRASHED else Kind.REFUSED
    return Outcome(kind, _first_line(run.feedback))


def _is_same(false: Any, honest: Any) -> bool:
    """False as well for what is no plain data: that is another output, certainly."""
    sized = hasattr(false, "__len__") and hasattr(honest, "__len__")
    if sized and len(false) != len(honest):
        return False  # millions of parts are seen to differ at a glance
    try:
        return canonical(false) == canonical(honest)
    except (TypeError, ValueError, OverflowError):
        return False


def _private_files(folder: Path) -> list[str]:
    home = os.path.expanduser("~")
    own = [str(path) for path in sorted(folder.glob("*")) if path.is_file()]
    others = [f"{home}/.bashrc", f"{home}/.profile", f"{home}/.netrc", "/etc/passwd", "/etc/shadow"]
    return [*own, *others, "/proc/self/environ", "/proc/1/environ"]


def _described(output: Any) -> str:
    return {int: "a whole number", float: "a number", bool: "a truth value", str: "a text"}.get(
        type(output), f"this {type(output).__name__}"
    )


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return (lines[-1] if lines else "")[:200]
