"""The battery of cheats: each is refused, or scored as an honest reading of its output deserves.

Every cheat is a whole program, made from the best known one, and goes the way of all programs: through the sandbox to
the verifier. Where programs are arithmetic the false outputs are shown to the verifier directly, since no such
program could return them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from evaluators import cheats
from evaluators.functional_hash import canonical
from evaluators.guilt import fault_place_of
from evaluators.stage import Run
from evolve.check.bench import Bench, Evaluated
from evolve.check.report import Finding, Grade, Progress
from evolve.core.types import Instance, Source, Split, Status
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
_REMEDIES = {
    "none": "Let score() raise Invalid for an output of another type than it wants.",
    "nan": "Compare so that NaN fails: `if not low <= value <= high: raise Invalid(...)`.",
    "infinities": "Let score() raise Invalid for numbers that are not finite.",
    "wrong shape": "Check lengths, nesting and shapes in score() before anything is computed.",
    "wrong type": "Check types with `type(value) is int`, and convert nothing.",
    "empty": "Let score() raise Invalid for an output without parts.",
    "huge": "Bound the values and the length of an output in score().",
    "duplicated": "Count parts in score(): each must be there once.",
    "permuted": "If the order of the output means something, score() must read it.",
    "input returned": "Check that the output is an answer and not the question.",
    "input mutated": "Let score() read its own copy of the instance, never what a program was given.",
    "state between calls": 'Use isolation = "instance".',
    "partial answer": "Let score() raise Invalid where a part of the answer is missing.",
    "failing on the hardest": "A failed instance must count: do not catch errors in score() or aggregate().",
    "reading files": "Keep the problem's folder out of what the sandbox shows ([command] folders).",
}


class Kind(StrEnum):
    """What became of a cheat. `FAULT`: the verifier itself failed over the output."""

    REFUSED = "refused"
    WORSE = "worse"
    SAME = "same"
    BETTER = "better"
    FAULT = "fault"
    MEANINGLESS = "meaningless"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One form of a cheat: what became of it, in words, and its score where it has one."""

    kind: Kind
    says: str = ""
    value: float | None = None


class Battery:
    """Cheats made from one good program. `margin` is how far scores of one program may lie apart."""

    def __init__(self, bench: Bench, base: Evaluated, margin: float, progress: Progress) -> None:
        self.bench = bench
        self.margin = margin
        self.progress = progress
        self.instances = self._choose(base)
        self.honest = bench.evaluate(base.name, base.source, Split.TRAIN, self.instances)
        self.value = self.honest.value

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
                _REMEDIES[name] if grade is not Grade.OK else "",
                {"outcomes": [{"kind": one.kind.value, "value": one.value} for one in outcomes]},
            )

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
        if name in ("state between calls", "failing on the hardest") and len(self.instances) < 2:
            return Outcome(Kind.MEANINGLESS, "train has one instance")
        if name in cheats.OUTPUTS and self._is_meaningless(name, variant):
            return Outcome(Kind.MEANINGLESS, f"does not apply to {_described(self.honest.runs[0].output)}")
        if self.bench.in_place and name in cheats.OUTPUTS:
            return self._read(self._shown(name, variant))
        source = self._program(name, variant)
        return self._read(self.bench.evaluate(name, source, Split.TRAIN, self.instances).runs)

    def _is_meaningless(self, name: str, variant: int) -> bool:
        """True where the false output is the honest one."""
        if name == "huge":
            return False
        for instance, run in zip(self.instances, self.honest.runs, strict=True):
            try:
                false = cheats.changed(name, variant, run.output, tuple(instance.args))
                if canonical(false) != canonical(run.output):
                    return False
            except (TypeError, ValueError, OverflowError):
                return False  # what is no plain data is another output, certainly
        return True

    def _shown(self, name: str, variant: int) -> Iterator[Run]:
        """The verifier's reading of false outputs that no program has returned."""
        for instance, run in zip(self.instances, self.honest.runs, strict=True):
            output = cheats.changed(name, variant, run.output, tuple(instance.args))
            try:
                wire.encode(output)
            except wire.WireError as error:
                status, score, feedback = Status.INVALID, None, f"{instance.id}: output: {error.message}"
            else:
                status, score, feedback = self.bench.stage.score(Split.TRAIN, instance, output)
            result = type(run.result)(instance.id, status, None if score is None else score.value)
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
        tail = _BESIDE_A_DRIVER if problem.driven else _PLAIN
        text = source.main + tail.format(entry=source.entry, name=name, variant=variant, secret=secret)
        if self.bench.in_place:
            return source.with_main(text)
        own = Path(cheats.__file__).read_text(encoding="utf-8")
        return Source({**dict.fromkeys(source.files, text), "cheats.py": own}, source.entry)

    def _read(self, runs: Iterator[Run] | Sequence[Run]) -> Outcome:
        values = []
        for run in runs:
            if run.score is None:
                place = fault_place_of(run.feedback)
                kind = Kind.REFUSED if place is None else Kind.FAULT
                return Outcome(kind, _first_line(run.feedback if place is None else f"the verifier fails at {place}"))
            values.append(self.bench.value(run))
        mean, honest = sum(values) / len(values), self.value or 0.0
        if self.bench.is_better(mean, honest, self.margin):
            kind = Kind.BETTER
        else:
            kind = Kind.WORSE if self.bench.is_better(honest, mean, self.margin) else Kind.SAME
        return Outcome(kind, f"{mean:.4g} against {honest:.4g} of {self.honest.name}", mean)

    def _judge(self, name: str, outcomes: Sequence[Outcome]) -> tuple[Grade, str]:
        judge = {"failing on the hardest": _judge_failing, "reading files": _judge_reading}.get(name)
        if judge is None and name in ("state between calls", "input mutated"):
            return _judge_deed(name, outcomes[0], self.bench.problem.isolation == "stage")
        return judge(outcomes[0]) if judge else judge_output(name, outcomes)


def judge_output(name: str, outcomes: Sequence[Outcome]) -> tuple[Grade, str]:
    """The grade of a cheat by its output, from what became of its forms."""
    by_kind = {one.kind: one for one in reversed(outcomes)}
    if found := by_kind.get(Kind.BETTER):
        grade = Grade.LOOK if name == "permuted" else Grade.FAIL
        return grade, f"scored better: {found.says}"
    same = by_kind.get(Kind.SAME)
    unseen = same is not None and (
        name != "permuted" or {one.kind for one in outcomes} <= {Kind.SAME, Kind.MEANINGLESS}
    )
    if unseen and name in ("none", "nan", "infinities", "empty"):
        return Grade.FAIL, "scored like the honest output: score() does not look at it"
    if found := by_kind.get(Kind.FAULT):
        return Grade.LOOK, f"refused, but {found.says}: raise Invalid, for ten such faults stop a run"
    if unseen and name in ("duplicated", "permuted", "partial answer", "huge"):
        return Grade.LOOK, "scored like the honest output: score() does not see the difference"
    for kind in (Kind.REFUSED, Kind.WORSE, Kind.SAME):
        if found := by_kind.get(kind):
            words = {Kind.REFUSED: "refused: ", Kind.WORSE: "scored worse: ", Kind.SAME: "scored the same: "}
            return Grade.OK, words[kind] + found.says
    return Grade.OK, outcomes[0].says if outcomes else "there is no argument"


def _judge_deed(name: str, outcome: Outcome, shared: bool) -> tuple[Grade, str]:
    if outcome.kind is Kind.MEANINGLESS:
        return Grade.OK, outcome.says
    if outcome.kind is Kind.SAME:
        return Grade.OK, "nothing is remembered" if name == "state between calls" else "changed nothing"
    if outcome.kind is Kind.REFUSED and outcome.says.startswith("only "):
        return Grade.OK, f"refused: {outcome.says}"
    if name == "state between calls" and shared and outcome.kind is not Kind.BETTER:
        return Grade.LOOK, f"a stage shares a process, so programs remember; here it did not help: {outcome.says}"
    return (Grade.OK if outcome.kind is Kind.REFUSED else Grade.FAIL), f"{outcome.kind}: {outcome.says}"


def _judge_failing(outcome: Outcome) -> tuple[Grade, str]:
    if outcome.kind is Kind.MEANINGLESS:
        return Grade.OK, outcome.says
    if outcome.kind in (Kind.REFUSED, Kind.FAULT):
        return Grade.OK, f"no score: {outcome.says}"
    return Grade.FAIL, f"scored all the same: {outcome.says}"


def _judge_reading(outcome: Outcome) -> tuple[Grade, str]:
    if "READ " in outcome.says:
        return Grade.FAIL, f"a program can read {outcome.says.rpartition('READ ')[2]}"
    if outcome.kind is Kind.SAME:
        return Grade.OK, "nothing of ours could be read"
    return (Grade.OK if outcome.kind is Kind.REFUSED else Grade.LOOK), f"{outcome.kind}: {outcome.says}"


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
