"""What is to be said of a run that has ended, beside its tables: label and text, one pair a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolve.display.ahead import ahead_pairs
from evolve.display.final_table import final_sentence
from evolve.display.ladder import climb, shown_objective
from evolve.display.tables import beaten_text
from evolve.display.text import SHORT_ID, duration, metric_text, number
from evolve.events import ScoredProgram

if TYPE_CHECKING:
    from archive.equivalence import Savings
    from evolve.display.outcome import Outcome

NOT_SEPARATED = ("verifier not separated: ", "the program reports its own score")
"""Stands wherever a score is shown that a program has reported of itself."""
NOT_ISOLATED = ("sandbox", "none: its programs were not isolated")
"""Stands wherever a run is shown whose programs could do whatever their user can."""


def facts(result: Outcome) -> list[tuple[str, str]]:
    """Seed, who is beaten, final check, why it stopped, what was spent, what to expect, and where it is kept."""
    pairs = [("seed", _scores(result, result.seed))]
    rungs = climb(result.objectives, result.seed, result.baselines, result.front)
    where = " (on train)" if len(result.objectives) == 1 else ""
    if beaten := beaten_text(rungs):
        pairs.append(("beaten", beaten + where))
    elif result.baselines:
        pairs.append(("beaten", f"no baseline yet{where}; a better seed or a longer run may"))
    if result.gate is not None:
        pairs.append(("gate", str(result.gate)))
    if final := final_sentence(result):
        pairs.append(("final", final))
    if result.final_failure:
        pairs.append(("final", f"the program found has no score there: {result.final_failure}"))
    pairs.append(("stopped", f"{result.stop_reason}, after {duration(result.seconds)}, {_final_words(result)}"))
    if result.note:
        pairs.append(("", result.note))
    pairs.append(("spent", f"{result.evaluations:,.0f} evaluations, {result.proposals:,} proposals"))
    if result.savings is not None and result.savings.hits:
        pairs.append(("saved", saved_text(result.savings)))
    if result.spending is not None:
        pairs.append(("", str(result.spending)))
        pairs += [("idea", f"{one.program_id[:SHORT_ID]} {one.idea}") for one in result.front if one.idea]
    pairs += ahead_pairs(result.prospect, result.luck)
    if result.counts:
        words = " · ".join(f"{status} {count:,}" for status, count in result.counts.items())
        pairs.append(("statuses", words))
    pairs.append(("run", f"{result.run_id} in {result.archive}"))
    if result.sandbox == "none":
        pairs.append(NOT_ISOLATED)
    if not result.verifier_separated:
        pairs.append(NOT_SEPARATED)
    return pairs


def saved_text(savings: Savings) -> str:
    """What was not computed because it was known."""
    words = (
        f"{savings.evaluations:,.0f} evaluations, {duration(savings.seconds)} on one core: {savings.hits:,} of "
        f"{savings.programs:,} programs ({savings.rate:.1%}) computed what was known"
    )
    if savings.usd:
        words += f"; {savings.usd:.2f} USD"
    if savings.refuted:
        words += f"; {savings.refuted:,} of {savings.checked:,} checked had another score"
    return words


def table_title(result: Outcome) -> str:
    """The heading of the table of what was found."""
    return "found against the baselines" + (" on train" if len(result.objectives) == 1 else "")


def _scores(result: Outcome, program: ScoredProgram) -> str:
    objectives = result.objectives
    metric = shown_objective(objectives, [result.seed, *result.baselines, *result.front]).metric
    text = f"{metric} {metric_text(metric, program.metrics[metric])}"
    if len(objectives) == 2:
        text += f", {objectives[1].metric} {number(program.metrics[objectives[1].metric])}"
    return text


def _final_words(result: Outcome) -> str:
    return f"final check {duration(result.final_seconds)}" if result.final else "no final check"
