"""How large a difference of times can be that is none: the reference against itself on this very machine."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluators.timing import Comparison, Measure, Plan, Which, compare
from evolve.core.errors import ProblemError


@dataclass(frozen=True, slots=True)
class Noise:
    """What the reference against itself came to: whatever lies within its bounds can be noise."""

    comparison: Comparison

    @property
    def smallest_effect(self) -> float:
        """The smallest relative difference that may be believed here: .02 is 2 %."""
        assert self.comparison.bounds is not None
        low, high = self.comparison.bounds
        return math.expm1(max(-low, high))

    def require(self, plan: Plan) -> None:
        """Raises ProblemError where the plan would believe a smaller difference."""
        if plan.minimum_effect > self.smallest_effect:
            return
        wanted = math.floor(100.0 * self.smallest_effect + 1.0) / 100.0
        larger = f"Set minimum_effect = {wanted:g} or more, let" if wanted < 1.0 else "Let"
        raise ProblemError(
            f"minimum_effect = {plan.minimum_effect:g} is not above the noise of this machine: the reference against "
            f"itself differs by up to {self.smallest_effect:.2%}",
            f"{larger} the instances take longer, or measure on a quieter machine.",
        )


def measure_noise(plan: Plan, measure: Measure, instances: int, seed: int) -> Noise:
    """Compares the reference with itself, by the rules and with all the pairs that a comparison may take.

    Raises what `compare` raises.
    """

    def itself(which: Which, process: int, instance: int) -> float:
        return measure("reference", process, instance)

    return Noise(compare(plan, itself, instances, seed, to_the_end=True))
