"""The models of a run, what each is for, and the arms among which the bandit chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OFFLINE = (None, "offline")
"""The bandit's arm of the offline proposer, whichever of its moves is drawn."""

MUTATE, REWRITE, CROSSOVER, SIMPLIFY, REPAIR, PARADIGM = (
    "mutate",
    "rewrite",
    "crossover",
    "simplify",
    "repair",
    "paradigm",
)

Arm = tuple[str | None, str]

_SHARES = {MUTATE: 0.45, REWRITE: 0.25, CROSSOVER: 0.15, SIMPLIFY: 0.15}


@dataclass(frozen=True, slots=True)
class Crew:
    """Names of models with their weights: those that refine, and those that change the paradigm.

    `slots` is how many requests may be in flight, `rule` how the bandit chooses ("thompson" or "uniform").
    """

    refine: Mapping[str, float]
    shift: Mapping[str, float]
    slots: int = 8
    rule: str = "thompson"

    def arms(self) -> dict[Arm, float]:
        """Every arm with its prior weight: the moves of each refining model, and the offline proposer."""
        arms: dict[Arm, float] = {(name, move): w * s for name, w in self.refine.items() for move, s in _SHARES.items()}
        # As much as one move of a model: weights multiply what is drawn for ever, and cost is counted beside them.
        return arms | {OFFLINE: 1.0 / len(_SHARES)}
