"""Whether a would-be champion is better on instances that the search has never seen.

The searcher learns one bit, accept or reject. `Gate` is the rule of every run: a paired test over independent groups,
with its error spent over all questions that a run may ask. `Thresholdout` and `Ladder` are published ways to reuse one
holdout set, to compare with; `Naive` is what they all protect from.

Differences are paired, instance by instance: the new program's score minus the champion's, the sign chosen so that more
is better. The unit that is independent is the group.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from evaluators.statistics import LEAST_DEVIATIONS, LEAST_GROUPS, gate_level, group_means
from evolve.core.rng import Generator

FIRST = "nothing to compare with yet"
"""Why a program is promoted that has no rival."""
FIXED_QUERIES = 30
"""Questions that may be asked of a set that is not drawn anew for each of them."""


class GateSet(NamedTuple):
    """The instances of a question to the gate: their evaluation set, the group of each, whether they are fixed."""

    evaluation_set: str
    groups: tuple[str, ...]
    fixed: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The gate's answer. `statistic` is Student's t, and `needed` what it had to exceed: None where nothing was tested.

    `gated` is False where there are too few groups for any test: the caller goes by train then, and says so.
    """

    accepted: bool
    reason: str
    statistic: float | None = None
    needed: float | None = None
    gated: bool = True


@dataclass
class Gate:
    """The paired test, and how often it was asked. `fixed` is True where all questions meet the same instances.

    At the k-th question the mean difference over n groups must exceed t standard errors, where t is the quantile of
    Student's distribution with n - 1 degrees of freedom at 1 - alpha_k, and at least 3. On fresh instances
    alpha_k = .05 * 6 / (pi k)**2, which add up to .05 over an endless run (Bonferroni's bound with the weights of the
    Basel series): the chance that a run is ever told of an improvement that is none.

    On fixed instances the questions depend on earlier answers. After a accepts among k - 1 answers there are
    C(k - 1, a) different pasts, and the union bound over all of them (the description length argument of Dwork and
    others 2015, section 4) shares alpha_k out: a weight of 2**-(a + 1) / (1 - 2**-k) to those with a accepts, and of
    that to each past its part. At most 30 questions are asked.
    """

    fixed: bool = False
    least_groups: int = LEAST_GROUPS
    queries: int = 0
    accepts: int = 0

    def closed(self, groups: Sequence[str]) -> Answer | None:
        """The answer to any question over these groups that is not looked at; None where one may be asked."""
        count = len(set(groups))
        if count < self.least_groups:
            return Answer(False, f"not gated: {count} groups, and {self.least_groups} are needed", gated=False)
        if self.fixed and self.queries >= FIXED_QUERIES:
            return Answer(False, f"the set was asked {FIXED_QUERIES} times: it can tell nothing more")
        return None

    def ask(self, groups: Sequence[str], differences: Sequence[float | None]) -> Answer:
        """Whether the program is better. A difference of None is an instance that failed, which rejects.

        A difference of +inf is one that the champion failed, and the program did not: that accepts, as no program that
        fails has a score.
        Raises ValueError where there are no differences, or as many groups as differences are not given.
        """
        if not differences or len(groups) != len(differences):
            raise ValueError(f"{len(groups)} groups for {len(differences)} differences")
        closed = self.closed(groups)
        if closed is not None:
            return closed
        self.queries += 1
        known = [value for value in differences if value is not None]
        if len(known) < len(differences) or any(math.isnan(value) or value == -math.inf for value in known):
            return Answer(False, "an instance of the gate failed")
        if math.inf in known:
            self.accepts += 1
            return Answer(True, "the champion failed on an instance of the gate")
        return self._judge(group_means(groups, known))

    def note(self, accepted: bool) -> None:
        """Count a question that was answered by another test, at the `next_level`."""
        self.queries += 1
        self.accepts += accepted

    def next_level(self) -> float:
        """The error allowed to the next question."""
        return replace(self, queries=self.queries + 1).level()

    def level(self) -> float:
        """The error allowed to the question that was asked last."""
        level = gate_level(self.queries)
        if not self.fixed:
            return level
        weight = 0.5 ** (self.accepts + 1) / (1.0 - 0.5**self.queries)
        return level * weight / math.comb(self.queries - 1, self.accepts)

    def _judge(self, means: Sequence[float]) -> Answer:
        needed = _needed(self.level(), len(means))
        mean, error = float(np.mean(means)), float(np.std(means, ddof=1)) / math.sqrt(len(means))
        statistic = mean / error if error > 0.0 else math.copysign(math.inf, mean) if mean else 0.0
        accepted = statistic > needed
        self.accepts += accepted
        return Answer(accepted, "better" if accepted else "not shown to be better", statistic, needed)


@lru_cache(maxsize=4096)
def _needed(level: float, groups: int) -> float:
    from scipy.stats import t

    return max(float(t.ppf(1.0 - level, groups - 1)), LEAST_DEVIATIONS)


class Naive:
    """Accepts whatever has the better mean: what a leaderboard does that is asked again and again."""

    def ask(self, groups: Sequence[str], differences: Sequence[float], train: float) -> bool:
        """`train` is the mean difference on train, which is not looked at."""
        return float(np.mean(differences)) > 0.0


class Ladder:
    """The parameter-free Ladder (Blum and Hardt 2015, figure 2): accepts a mean above its own standard error."""

    def ask(self, groups: Sequence[str], differences: Sequence[float], train: float) -> bool:
        """See `Naive.ask`."""
        error = float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
        return float(np.mean(differences)) > error


class Thresholdout:
    """Thresholdout (Dwork and others, Science 2015, figure 1): answers with the mean on train while that agrees with
    the holdout's, and with the holdout's, blurred, where it does not. What is answered must exceed the threshold here.

    `threshold` and `noise` are in the unit of the differences; the holdout is looked at `budget` times.
    """

    def __init__(self, threshold: float, noise: float, budget: int, rng: Generator) -> None:
        self._threshold, self._noise, self._left, self._rng = threshold, noise, budget, rng
        self._shift = rng.laplace(0.0, 2.0 * noise)

    def ask(self, groups: Sequence[str], differences: Sequence[float], train: float) -> bool:
        """`train` is the mean difference on train."""
        if not self._left:
            return False
        mean, answer = float(np.mean(differences)), train
        if abs(mean - train) > self._threshold + self._shift + self._rng.laplace(0.0, 4.0 * self._noise):
            self._left -= 1
            self._shift = self._rng.laplace(0.0, 2.0 * self._noise)
            answer = mean + self._rng.laplace(0.0, self._noise)
        return answer > self._threshold
