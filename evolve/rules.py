"""What a problem decides about its search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evolve.core.types import Objective
from evolve.racing import Order

NOT_GATED = "not gated: best on train"


@dataclass(frozen=True)
class Rules:
    """What a problem decides about its search.

    `operators` are the proposer's moves with their weights. `proven`: would-be champions must pass an exhaustive
    proof. `gated`: they are compared with the champion on hidden instances. `driven`: programs run beside a driver, so
    they are checked before they count for much. `not_gated`: what the promotion of a champion says where there is
    neither proof nor gate. `order` is train in its batches, where it has some. `features` are metrics by which a policy
    may tell programs apart, `hash_bits` tells functions apart. `second_effect` is the least relative difference in the
    second objective that counts, where that one is measured and so has noise.
    """

    objectives: tuple[Objective, ...]
    minimum_effect: float
    operators: Mapping[str, float]
    proven: bool = True
    driven: bool = False
    not_gated: str = NOT_GATED
    gated: bool = False
    order: Order = ()
    features: tuple[str, ...] = ()
    hash_bits: int = 53
    second_effect: float = 0.0
