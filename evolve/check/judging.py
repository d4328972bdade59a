"""What became of a cheat, and how grave that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evaluators import cheats
from evolve.check.report import Grade

REMEDIES = {
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
    "constant answer": "Check the output against the instance: all rules, and each part by itself.",
    cheats.ANOTHER: "Compare the output with the instance: this one answers another one.",
    "failing on the hardest": "A failed instance must count: do not catch errors in score().",
    "reading files": "Keep the problem's folder out of what the sandbox shows ([command] folders).",
}


NO_ANSWERS = {"none", "nan", "infinities", "empty"}
"""What can not deserve the score of an answer."""
_HARMLESS = {"wrong shape", "wrong type", "permuted"}
"""What a verifier may read as the same answer: numbers as text, another nesting, parts in another order."""
_MAY_BE_ANSWERS = {"partial answer", "huge", "infinities", "input returned", "constant answer", "duplicated"}


LONGER_FORMS = 2
"""Forms of `duplicated` with too many parts; the last one has as many as it should."""


class Kind(StrEnum):
    """What became of a cheat. `FAULT`: the verifier itself failed over the output; `CRASHED`: it never saw one."""

    REFUSED = "refused"
    CRASHED = "crashed"
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


def judge_output(
    name: str, outcomes: Sequence[Outcome], measured: bool = False, compared: bool = True
) -> tuple[Grade, str]:
    """The grade of a cheat by its output, from what became of its forms.

    Where the objective is `measured` all that a verifier does is to look at the output, so none of these may pass.
    Without a baseline (not `compared`) a better score may be a better answer.
    """
    by_kind = {one.kind: one for one in reversed(outcomes)}
    if found := by_kind.get(Kind.BETTER):
        doubtful = name == "permuted" or (not compared and name in _MAY_BE_ANSWERS)
        words = "a better answer, or score() misses something" if doubtful else "scored better"
        return (Grade.LOOK if doubtful else Grade.FAIL), f"{words}: {found.says}"
    same = by_kind.get(Kind.SAME)
    unseen = same is not None and (
        name != "permuted" or {one.kind for one in outcomes} <= {Kind.SAME, Kind.MEANINGLESS}
    )
    if name == "duplicated" and not measured:  # one part of many that is another's may well change nothing
        unseen = any(one.kind is Kind.SAME for one in outcomes[:LONGER_FORMS])
    if unseen and (name in NO_ANSWERS or (measured and name not in _HARMLESS)):
        return Grade.FAIL, "scored like the honest output: score() does not look at it"
    if found := by_kind.get(Kind.FAULT):
        return Grade.LOOK, f"refused, but {found.says}: raise Invalid, for ten such faults stop a run"
    if unseen and name not in _HARMLESS - {"permuted"}:
        return Grade.LOOK, "scored like the honest output: score() does not see the difference"
    if found := by_kind.get(Kind.CRASHED):
        return Grade.LOOK, f"not tried, since the program failed before: {found.says}"
    for kind in (Kind.REFUSED, Kind.WORSE, Kind.SAME):
        if found := by_kind.get(kind):
            words = {Kind.REFUSED: "refused: ", Kind.WORSE: "scored worse: ", Kind.SAME: "scored the same: "}[kind]
            return Grade.OK, words + found.says
    return Grade.OK, outcomes[0].says if outcomes else "there is no argument"


def judge_deed(name: str, outcome: Outcome, shared: bool, interactive: bool = False) -> tuple[Grade, str]:
    """The grade of state between calls and of a spoiled input; `shared` where a stage is one process.

    In an `interactive` problem a program may remember what it was asked, and spoil it for itself.
    """
    if outcome.kind is Kind.MEANINGLESS:
        return Grade.OK, outcome.says
    if interactive and outcome.kind in (Kind.WORSE, Kind.REFUSED, Kind.CRASHED):
        return Grade.OK, f"the program harms its own answers alone: {outcome.says}"
    if interactive and name == "state between calls" and outcome.kind is Kind.BETTER:
        return Grade.LOOK, f"a first answer kept for a whole instance does better, which is allowed: {outcome.says}"
    if outcome.kind is Kind.SAME:
        return Grade.OK, "nothing is remembered" if name == "state between calls" else "changed nothing"
    if name == "state between calls" and shared and outcome.kind is not Kind.BETTER:
        return Grade.LOOK, f"a stage shares a process, so programs remember; here it did not help: {outcome.says}"
    if outcome.kind is Kind.CRASHED:
        return Grade.LOOK, f"the program failed: {outcome.says}"
    return (Grade.OK if outcome.kind is Kind.REFUSED else Grade.FAIL), f"{outcome.kind}: {outcome.says}"


def judge_failing(outcome: Outcome) -> tuple[Grade, str]:
    """The grade of failing on the hardest instance alone: any score is too much."""
    if outcome.kind is Kind.MEANINGLESS:
        return Grade.OK, outcome.says
    if outcome.kind in (Kind.REFUSED, Kind.FAULT, Kind.CRASHED):
        return Grade.OK, f"no score: {outcome.says}"
    return Grade.FAIL, f"scored all the same: {outcome.says}"


def judge_reading(outcome: Outcome) -> tuple[Grade, str]:
    """The grade of reading what is no program's business."""
    if "READ " in outcome.says:
        return Grade.FAIL, f"a program can read {outcome.says.rpartition('READ ')[2]}"
    if outcome.kind is Kind.SAME:
        return Grade.OK, "nothing of ours could be read"
    if outcome.kind is Kind.MEANINGLESS:
        return Grade.OK, outcome.says
    return (Grade.OK if outcome.kind is Kind.REFUSED else Grade.LOOK), f"{outcome.kind}: {outcome.says}"
