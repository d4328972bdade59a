"""The race: programs that were measured on a part of train, and which of them deserves its next batch.

Evaluation is decoupled from expansion (Wang and others 2025, arXiv 2510.21614, who choose each independently): a new
program costs one batch, and what is clearly worse than the champion costs no more (Maron and Moore 1994, Hoeffding
races; Birattari and others 2002, F-race). See docs/statistics.md for the rule.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from evolve.core.types import Objective, Verdict

BATCH = "batch"
"""What a measure ticket asks for: the next batch of train."""

STANDARD_ERRORS = 1.0

Order = Sequence[Sequence[tuple[str, str]]]
"""Train in its batches: name and independent group of each run. Empty where it is measured at once."""


class Race:
    """State derived from tickets and told records, in their order. Of no effect where train has no batches."""

    def __init__(self, order: Order, objectives: tuple[Objective, ...], minimum_effect: float) -> None:
        self.batches = len(order)
        self.first = len(order[0]) if order else 0
        self._group = {name: group for batch in order for name, group in batch}
        self._objectives = objectives
        self._minimum_effect = minimum_effect
        self._runners: dict[str, Verdict] = {}
        self._leads: dict[str, tuple[Verdict | None, float]] = {}
        self._measured: set[str] = set()

    # Of one program no two measure tickets are in flight: the one might revoke what the other builds on.

    def begin(self, program_id: str) -> None:
        """A measure ticket for the program was asked, of whatever kind."""
        self._measured.add(program_id)

    def end(self, program_id: str) -> None:
        """Its record was told."""
        self._measured.discard(program_id)

    def is_measured(self, program_id: str) -> bool:
        """True while a measure ticket for the program is in flight."""
        return program_id in self._measured

    def enter(self, program_id: str, verdict: Verdict) -> None:
        """A program with a score on a part of train, or on a larger part than before."""
        self._runners[program_id] = verdict
        self._leads.pop(program_id, None)

    def leave(self, program_id: str) -> None:
        """The program has all of train now, or was revoked."""
        self._runners.pop(program_id, None)
        self._leads.pop(program_id, None)

    def drop(self, champions: Sequence[Verdict]) -> list[str]:
        """Take out, for good, the programs that are clearly worse than the champions, longest in the race first."""
        lost = [one for one in self._runners if self._lead(one, champions) <= 0.0]
        for one in lost:
            self.leave(one)
        return lost

    def due(self, champions: Sequence[Verdict]) -> str | None:
        """The most promising program of which no measure ticket is in flight; the longest in the race of equals."""
        open_ones = [one for one in self._runners if one not in self._measured]
        return max(open_ones, key=lambda one: self._lead(one, champions), default=None)

    def _lead(self, program_id: str, champions: Sequence[Verdict]) -> float:
        # Asked of all that wait after each record; it changes with the rival and with the program's own results only.
        verdict = self._runners[program_id]
        rival = self._rival(verdict, champions)
        known = self._leads.get(program_id)
        if known is None or known[0] is not rival:
            known = self._leads[program_id] = rival, self._against(verdict, rival)
        return known[1]

    def lead(self, verdict: Verdict, champions: Sequence[Verdict]) -> float:
        """By how much the program may yet beat the champion in the first objective, beyond the minimum effect.

        The upper end of an interval: mean over groups of the paired differences on their common prefix, and one
        standard error. Infinite where nothing is known against the program: no champion, or a single group.
        """
        return self._against(verdict, self._rival(verdict, champions))

    def _against(self, verdict: Verdict, rival: Verdict | None) -> float:
        if rival is None:
            return math.inf
        objective = self._objectives[0]
        theirs = {result.instance_id: result.score for result in rival.results}
        differences: dict[str, list[float]] = {}
        costs: dict[str, list[float]] = {}
        for result in verdict.results:
            score = theirs.get(result.instance_id)
            if result.score is not None and score is not None:
                group = self._group.get(result.instance_id, result.instance_id)
                differences.setdefault(group, []).append(objective.cost(score) - objective.cost(result.score))
                costs.setdefault(group, []).append(score)
        means = [statistics.fmean(each) for each in differences.values()]
        if len(means) < 2:
            return math.inf
        margin = self._minimum_effect * abs(statistics.fmean(map(statistics.fmean, costs.values())))
        error = statistics.stdev(means) / math.sqrt(len(means))
        return statistics.fmean(means) + STANDARD_ERRORS * error - margin

    def _rival(self, verdict: Verdict, champions: Sequence[Verdict]) -> Verdict | None:
        """The best champion in the first objective that is as good in the second; None where there is none."""

        def cost(one: Verdict, place: int) -> float:
            objective = self._objectives[place]
            return objective.cost(one.common[objective.metric])

        others = range(1, len(self._objectives))
        able = [one for one in champions if all(cost(one, place) <= cost(verdict, place) for place in others)]
        return min(able, key=lambda one: cost(one, 0), default=None)
