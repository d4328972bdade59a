"""The order in which train is measured where it is measured in batches: fixed for a problem, the same for every run."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from evolve.core.rng import generator
from evolve.core.types import Instance

LEAST_INSTANCES = 30
"""Below that a batch is too small to tell programs apart, and train is measured at once."""
BATCHES, LEAST_IN_BATCH = 4, 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What the problem says: `decouple` whether train may be measured in batches, `repeats` how often an instance is
    run where scores are stochastic."""

    decouple: bool = True
    repeats: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """One run of train: an instance, and which of its repeats (from 0). `name` is unique among all places."""

    instance: Instance
    repeat: int = 0

    @property
    def name(self) -> str:
        """What its result is called."""
        return self.instance.id if self.repeat == 0 else f"{self.instance.id} (run {self.repeat + 1})"


Batch = tuple[Place, ...]


def batches(instances: Sequence[Instance], evaluation_set: str, plan: Plan) -> tuple[Batch, ...]:
    """Train in its batches; empty where it is measured at once and each instance counts once.

    Stochastic scores: each batch is one repeat of all instances, in their own order. Otherwise instances are permuted,
    and cut into three or four batches of about equal size. The permutation is drawn by the evaluation set, and spreads
    each kind of group evenly: any prefix holds each in about its proportion.
    """
    if plan.repeats > 1:
        rounds = tuple(tuple(Place(one, repeat) for one in instances) for repeat in range(plan.repeats))
        return rounds if plan.decouple else (tuple(place for each in rounds for place in each),)
    if not plan.decouple or len(instances) < LEAST_INSTANCES:
        return ()
    places = [Place(instance) for instance in _spread(instances, evaluation_set)]
    count = min(BATCHES, len(places) // LEAST_IN_BATCH)
    cuts = [len(places) * number // count for number in range(count + 1)]
    return tuple(tuple(places[start:end]) for start, end in pairwise(cuts))


def _spread(instances: Sequence[Instance], evaluation_set: str) -> list[Instance]:
    """Systematic sampling: the i-th of the n shuffled members of a kind comes at (i + u) / n, u drawn for the kind.

    Instances that are alone of their kind are one kind.
    """
    rng = generator("train order", evaluation_set)
    members_of = Counter(kind_of(instance.group) for instance in instances)
    kinds: dict[str, list[Instance]] = defaultdict(list)
    for instance in instances:
        kind = kind_of(instance.group)
        kinds[kind if members_of[kind] > 1 else ""].append(instance)
    placed: list[tuple[float, float, Instance]] = []
    for members in kinds.values():
        start = float(rng.random())
        for number, place in enumerate(rng.permutation(len(members))):
            tie = float(rng.random())
            placed.append(((number + start) / len(members), tie, members[int(place)]))
    return [instance for _, _, instance in sorted(placed, key=lambda one: one[:2])]


def kind_of(group: str) -> str:
    """The kind of a group: its name without the number at its end, as generated/zipf of generated/zipf-1."""
    return re.sub(r"[-_.#@/ ]?\d+$", "", group)
