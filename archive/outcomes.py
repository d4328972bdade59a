"""What a proposal's record says of its parent: the outcome that clade statistics pool.

It is fixed when the record is committed, and stored with it: what comes later changes no outcome. All are multiples of
2^-20 between 0 and 1, so that sums of them are exact in whatever order they are made.
"""

from __future__ import annotations

from archive.ranking import Costs, Ranking
from evolve.core.errors import UsageError

TOP_QUARTER, IMPROVEMENT, MAX_BACKED = "top-quarter", "improvement", "max-backed"
OUTCOMES = (TOP_QUARTER, IMPROVEMENT, MAX_BACKED)
SUCCESS = 0.75
"""An outcome from which a program is promising: of the ranks of `MAX_BACKED`, the top quarter."""
_GRAIN = 2.0**20


class Outcomes:
    """Outcomes of one kind, in the order of records. Costs are the objectives' values, signed so that less is better.

    * `top-quarter`: 1 where the record ranks in the top quarter of the run's scored records, itself included.
    * `improvement`: 1 where it improves on its parent: it is nowhere worse, and in the first objective better by more
      than `minimum_effect`, a share of the parent's, or in the second one better at all. 0 without a parent.
    * `max-backed`: the share of the run's scored records that it is at least as good as, (n - better) / (n + 1) among n
      records: the expected rank on (0, 1) of a draw that so many others beat. A clade counts by its best outcome,
      discounted by its visits: see `archive.descent`.

    Programs without a score are failures, 0, of each kind: the caller knows them.
    """

    def __init__(self, kind: str, objectives: int, minimum_effect: float) -> None:
        self.kind = check_outcome(kind)
        self.ranking = Ranking(objectives)
        self._minimum_effect = minimum_effect

    def add(self, costs: Costs, parent: Costs | None = None) -> float:
        """The outcome of a scored record with these costs, whose parent has those."""
        if self.kind == IMPROVEMENT:
            self.ranking.note(costs)
            return float(parent is not None and self._improves(costs, parent))
        successful = self.ranking.add(costs)
        if self.kind == TOP_QUARTER:
            return float(successful)
        return round(self.ranking.share(costs) * _GRAIN) / _GRAIN

    def promises(self, costs: Costs, parent: Costs | None = None) -> bool:
        """Whether a record with these costs, which is not added, would be promising."""
        if self.kind == IMPROVEMENT:
            return parent is not None and self._improves(costs, parent)
        return self.ranking.is_top(costs) if self.kind == TOP_QUARTER else self.ranking.share(costs) >= SUCCESS

    def note(self, costs: Costs) -> None:
        """Take in a record whose outcome is known."""
        self.ranking.note(costs)

    def remove(self, costs: Costs) -> None:
        """Take out a record that was revoked: later outcomes are as if it had never been."""
        self.ranking.remove(costs)

    def _improves(self, costs: Costs, parent: Costs) -> bool:
        if any(new > old for new, old in zip(costs, parent, strict=True)):
            return False
        margin = self._minimum_effect * abs(parent[0])
        return costs[0] < parent[0] - margin or any(new < old for new, old in zip(costs[1:], parent[1:], strict=True))


def is_promising(outcome: float | None) -> bool:
    """Whether a program with this outcome deserves to be looked at more closely."""
    return outcome is not None and outcome >= SUCCESS


def check_outcome(kind: str) -> str:
    """The kind itself. Raises UsageError where there is no such kind of outcome."""
    if kind not in OUTCOMES:
        raise UsageError(f"there is no outcome {kind!r}", f"Choose one of {', '.join(OUTCOMES)}.")
    return kind
