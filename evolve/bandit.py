"""Which model and which move the next ticket gets: a bandit whose arms differ in what they cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from evolve.core.rng import Generator
from evolve.crew import Arm

DECAY = 0.995
"""What is left of every sum after each told record: what happened 200 records ago counts about a third."""

RULES = ("thompson", "uniform")


@dataclass(frozen=True, slots=True)
class ArmRow:
    """An arm as it is shown. `trials` are its told records; the means are the decayed ones, None before the first.

    `mean_cost_share` is a share of the whole budget, `share_of_draws` one of all tickets that the bandit gave.
    """

    arm: Arm
    trials: int
    mean_gain: float | None
    mean_cost_share: float | None
    share_of_draws: float


@dataclass(slots=True)
class _Sums:
    """Of one arm: `trials`, `gains` and `costs` decay, the counts do not."""

    trials: float = 0.0
    gains: float = 0.0
    costs: float = 0.0
    pending: int = 0
    drawn: int = 0
    told: int = 0


class Bandit:
    """Chooses the arm that promises the most gain per unit of cost, in proportion to how likely it is the best one.

    Thompson sampling for budgeted arms (Xia, Li, Qin, Yu and Liu, IJCAI 2015) with the discount of Raj
    and Kalyani (arXiv:1707.09727, 2017). Of each allowed arm an expected gain is drawn from::

        Beta(1 + gains, 1 + trials - gains + pending)

    times its prior weight, divided by the mean share of the budget that one of its tickets costs; the largest is
    drawn. Unlike Xia et al. we take the mean cost and draw no sample of it, as the costs of an arm spread little; and
    a gain is a fraction of a success, no Bernoulli trial. Mean gains of a few hundredths would be lost in a prior of
    two trials, so `gains` are in units of twice the mean gain of the best arm, at most 1 a trial. Tickets in flight
    are trials without gain, so that simultaneous draws spread. An arm of unknown cost is taken to cost the mean over
    all records.

    With probability `min(0.1, 0.5 / number of arms)` in all, an allowed arm is drawn uniformly instead: the floor below
    which no arm falls. The rule "uniform" draws every allowed arm alike, whatever was told: the control.

    `draw` changes nothing. The state depends only on the calls of `pending` and `tell`, in their order.

    Example::

        arm = bandit.draw(rng, lambda arm: True)
        bandit.pending(arm)
        bandit.tell(arm, gain=0.2, cost=0.001)
    """

    def __init__(self, arms: Mapping[Arm, float], rule: str = "thompson") -> None:
        """`arms` with their prior weights. Raises ValueError for an unknown rule, no arm, or a weight that is not
        positive and finite."""
        if rule not in RULES:
            raise ValueError(f"the rule of a bandit is one of {', '.join(RULES)}, not {rule!r}")
        if not arms or not all(math.isfinite(weight) and weight > 0.0 for weight in arms.values()):
            raise ValueError(f"arms need positive weights: {dict(arms)}")
        self.arms: Mapping[Arm, float] = dict(arms)
        self.rule = rule
        self.floor = min(0.1, 0.5 / len(arms))
        self._sums = {arm: _Sums() for arm in arms}

    def draw(self, rng: Generator, allowed: Callable[[Arm], bool]) -> Arm:
        """The arm of the next ticket. Raises ValueError where none is allowed."""
        arms = [arm for arm in self.arms if allowed(arm)]
        if not arms:
            raise ValueError("no arm of the bandit is allowed")
        if self.rule == "uniform" or rng.random() < self.floor:
            return arms[int(rng.integers(len(arms)))]
        sums, unit = [self._sums[arm] for arm in arms], self._unit()
        trials = np.array([own.trials for own in sums])
        gains = np.minimum([own.gains / unit for own in sums], trials)
        samples = rng.beta(1.0 + gains, 1.0 + trials - gains + [own.pending for own in sums])
        worth = samples * [self.arms[arm] for arm in arms] / self._mean_costs(sums)
        return arms[int(np.argmax(worth))]

    def pending(self, arm: Arm) -> None:
        """A ticket with this arm was asked."""
        self._sums[arm].pending += 1
        self._sums[arm].drawn += 1

    def tell(self, arm: Arm, gain: float, cost: float) -> None:
        """The record of a ticket with this arm: `gain` in [0, 1], `cost` as a share of the budget, above 0.

        Raises ValueError outside these.
        """
        if not (0.0 <= gain <= 1.0 and 0.0 < cost < math.inf):
            raise ValueError(f"gain {gain} is not in [0, 1], or cost {cost} is not positive")
        for sums in self._sums.values():
            sums.trials, sums.gains, sums.costs = DECAY * sums.trials, DECAY * sums.gains, DECAY * sums.costs
        own = self._sums[arm]
        own.trials, own.gains, own.costs = own.trials + 1.0, own.gains + gain, own.costs + cost
        own.told += 1
        own.pending = max(0, own.pending - 1)

    def rows(self) -> list[ArmRow]:
        """Every arm as it stands, in the order in which arms were given."""
        drawn = sum(sums.drawn for sums in self._sums.values())
        return [
            ArmRow(
                arm,
                sums.told,
                sums.gains / sums.trials if _is_known(sums) else None,
                sums.costs / sums.trials if _is_known(sums) else None,
                sums.drawn / drawn if drawn else 0.0,
            )
            for arm, sums in self._sums.items()
        ]

    def _unit(self) -> float:
        """Twice the mean gain of the best arm, 1 at most; the means are those under Jeffreys' prior."""
        return min(1.0, 2.0 * max((own.gains + 0.5) / (own.trials + 1.0) for own in self._sums.values()))

    def _mean_costs(self, sums: list[_Sums]) -> list[float]:
        trials = sum(own.trials for own in self._sums.values())
        overall = sum(own.costs for own in self._sums.values()) / trials if trials else 1.0
        return [own.costs / own.trials if _is_known(own) else overall for own in sums]


def _is_known(sums: _Sums) -> bool:
    """False before the first trial, and where all trials are so long ago that nothing is left of them."""
    return sums.trials > 1e-9
