"""What is to be said of one program beside its scores: who made it, and what the gate answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archive.rows import ProgramRow
    from evolve.core.types import Promotion


def proposer(row: ProgramRow) -> str:
    """By what it was made: the operator, and the model where one did it."""
    return f"{row.ticket.operator} of {row.ticket.model}" if row.ticket.model else row.ticket.operator


def is_own(metric: str) -> bool:
    """False for what compares the program with others, or counts one kind of workload alone."""
    return "/" not in metric and not metric.startswith("ahead")


def gate_status(promotion: Promotion | None) -> str:
    """What the gate said of a would-be champion: "passed", "proven" where it measured everything, "refused", or "not
    asked", as of those that are best on train alone."""
    from evaluators.gate import FIRST

    if promotion is None or promotion.reason == FIRST or promotion.reason.startswith("not gated"):
        return "not asked"
    if not promotion.accepted:
        return "refused"
    return "proven" if promotion.question is None else "passed"


def gate_answer(row: ProgramRow) -> bool | None:
    """Whether the gate accepted it; None where it was not asked."""
    status = gate_status(row.promotion)
    return None if status == "not asked" else status != "refused"


def proof_words(promotion: Promotion | None) -> str:
    """What became of a would-be champion; empty where it was none."""
    if promotion is None:
        return ""
    if promotion.question is not None:
        return f"{'passed' if promotion.accepted else 'refused by'} the gate: {question_words(promotion)}"
    if promotion.accepted:
        return f"champion ({promotion.reason})" if promotion.reason else "passed the gate"
    return f"refused by the gate: {promotion.reason}"


def question_words(promotion: Promotion) -> str:
    """The gate's reason, with the figures of its test where there was one."""
    question = promotion.question
    if question is None or question.statistic is None or question.needed is None:
        return promotion.reason
    if question.timed:
        test = f"{question.statistic:.3g} of the champion's time, {question.needed:.3g} needed, {question.groups} pairs"
        return f"{promotion.reason} ({test}, question {question.number})"
    test = f"t = {question.statistic:.2f} over {question.groups} groups, {question.needed:.2f} needed"
    return f"{promotion.reason} ({test}, question {question.number})"
