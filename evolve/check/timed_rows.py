"""What is looked at where the score is a time: noise of the reference against itself, and what the gate can decide."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

from evaluators.gate import FIXED_QUERIES
from evaluators.statistics import gate_level
from evaluators.timed_verdicts import RATIO, TimedVerdicts
from evolve.check.bench import Evaluated
from evolve.check.report import Finding, Grade, Progress
from evolve.core.clock import monotonic_seconds
from evolve.core.errors import ProblemError


def timed(times: TimedVerdicts, found: Evaluated) -> tuple[Evaluated, str]:
    """A program that is right on train with its ratio as value, and how it failed while it was timed, if it did."""
    began = monotonic_seconds()
    answer = times.on_train(found.source)
    if not answer.status.scored:
        return found, f"{answer.status}: {answer.feedback}"
    seconds = monotonic_seconds() - began
    return replace(found, value=answer.metrics[RATIO], timed_seconds=seconds), ""


def noise(times: TimedVerdicts, progress: Progress) -> Finding:
    """The reference against itself, by the rules and with all the pairs of a comparison."""
    progress("timing the reference against itself")
    name, found = "noise of the score", times.noise()
    effect, compared = found.smallest_effect, found.comparison
    figures = {"smallest_effect": effect, "ratio": compared.ratio, "pairs": compared.pairs}
    figures["discarded"] = compared.discarded
    try:
        found.require(times.plan)
    except ProblemError as error:
        return Finding(name, Grade.FAIL, error.message, error.remedy, figures)
    says = f"the reference against itself differs by less than {effect:.2%} in {compared.pairs} pairs: the smallest "
    says += f"effect to be believed here; minimum_effect is {times.plan.minimum_effect:.2%}"
    return Finding(name, Grade.OK, says, "", figures)


def seconds(known: Sequence[Evaluated]) -> float:
    """Wall seconds of an evaluation with its comparison; that of the reference has none."""
    compared = [one.timed_seconds for one in known if one.value != 1.0]
    return statistics.median(one.seconds for one in known) + (statistics.median(compared) if compared else 0.0)


def gate(times: TimedVerdicts, instances: int) -> Finding:
    """How many questions to the gate the pairs can decide, as each may err less than the one before."""
    plan = times.plan
    questions = next((k for k in range(1000) if not plan.decides(gate_level(k + 1))), 1000)
    says = f"{plan.most_pairs} pairs of processes on {instances} instances decide each question, for "
    says += "1000 questions and more" if questions == 1000 else f"{questions} questions"
    figures = {"pairs": plan.most_pairs, "instances": instances, "questions": questions}
    if questions < FIXED_QUERIES:
        return Finding("gate", Grade.LOOK, says, "Set pairs = 20 or more under [timing].", figures)
    return Finding("gate", Grade.OK, says, "", figures)
