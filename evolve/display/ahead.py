"""What a run can say of what it has not seen, in lines: as many evaluations again, and new instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evolve.display.text import duration

if TYPE_CHECKING:
    from evaluators.posterior import Curse
    from evolve.prospect import Prospect


def ahead_pairs(prospect: Prospect | None, luck: Curse | None) -> list[tuple[str, str]]:
    """Label and text, one pair a line, of at most 80 columns with a label of ten."""
    pairs = []
    if prospect is not None:
        pairs = [("doubling", f"{prospect.evaluations:,.0f} more evaluations would take some {_cost(prospect)}")]
        pairs.append(("", _gain(prospect)))
    if luck is not None:
        worse = f"{luck.expected:.2g} worse" if luck.expected > 0.0 else "no worse"
        pairs.append(("luck", f"what was found should be {worse} on new instances than on train"))
        pairs.append(("", f"(winner's curse; 95 %: {luck.low:.2g} to {luck.high:.2g})"))
    return pairs


def _cost(prospect: Prospect) -> str:
    words = [duration(prospect.seconds)]
    if prospect.tokens:
        words.append(f"{prospect.tokens:,} tokens")
        words.append("an unknown price" if prospect.usd is None else f"${prospect.usd:.2f}")
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _gain(prospect: Prospect) -> str:
    figure, gain = prospect.figure.replace("_", " "), prospect.gain
    if gain is None:
        count = prospect.improvements
        return f"what they would bring can not be told from {count} improvement{'' if count == 1 else 's'}"
    return f"and improve {figure} by some {gain.expected:.2g} (80 %: {gain.low:.2g} to {gain.high:.2g})"
