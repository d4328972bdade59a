"""Asking one holdout again and again: who is fooled, and who still sees what is better.

A search asks 1,000 times whether its newest program beats its champion. No program is truly better, but each does
better on some instances and worse on others; a program that is accepted becomes the parent of the next ones, which
share most of that with it. So whoever accepts by chance climbs on the holdout and nowhere else.

Printed for each rule: the share of runs with a false accept, false accepts a run, and by how many standard deviations
of an instance the last champion looks better on the holdout than it is. Then the share of true improvements that is
found, where 2 % of the questions are about one of half a paired standard deviation.

Usage: python benchmarks/holdout_reuse.py [RUNS]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.gate import Gate, Ladder, Naive, Thresholdout
from evolve.core.rng import Generator, generator

QUERIES, LIKENESS, TRUE_SHARE, TRUE_GAIN = 1_000, 0.9, 0.02, 0.5


@dataclass(frozen=True)
class World:
    """Instances in groups. `correlation` is the intra-class one, `tails` the degrees of freedom, 0 for normal ones."""

    name: str
    groups: int
    size: int
    correlation: float = 0.0
    tails: int = 0

    @property
    def names(self) -> list[str]:
        return [f"g{group}" for group in range(self.groups) for _ in range(self.size)]

    def noise(self, rng: Generator) -> np.ndarray:
        """What a program gains on each instance beside its true worth, of variance 1."""
        draw = self._scaled(rng, (self.groups, self.size)) * math.sqrt(1.0 - self.correlation)
        if self.correlation:
            draw = draw + self._scaled(rng, (self.groups, 1)) * math.sqrt(self.correlation)
        return draw.ravel()

    def _scaled(self, rng: Generator, shape: tuple[int, int]) -> np.ndarray:
        if not self.tails:
            return rng.standard_normal(shape)
        return rng.standard_t(self.tails, shape) / math.sqrt(self.tails / (self.tails - 2.0))


WORLDS = (
    World("independent", 400, 1),
    World("6 groups, .3", 6, 50, 0.3),
    World("6 groups, .8", 6, 50, 0.8),
    World("heavy tails", 400, 1, tails=3),
)
Rule = Callable[[Sequence[str], np.ndarray, float], bool]


def gate(fixed: bool, least_groups: int = 2) -> Rule:
    own = Gate(fixed, least_groups)
    return lambda groups, differences, train: own.ask(groups, differences.tolist()).accepted


def thresholdout(rng: Generator, instances: int) -> Rule:
    spread = math.sqrt(2.0 * (1.0 - LIKENESS)) / math.sqrt(instances)
    return Thresholdout(2.0 * spread, 0.5 * spread, QUERIES, rng).ask


RULES: dict[str, tuple[bool, Callable[[Generator, int], Rule]]] = {
    "naive": (False, lambda rng, n: Naive().ask),
    "naive, fresh": (True, lambda rng, n: Naive().ask),
    "ladder": (False, lambda rng, n: Ladder().ask),
    "thresholdout": (False, thresholdout),
    "gate, fixed set": (False, lambda rng, n: gate(True)),
    "gate, fresh": (True, lambda rng, n: gate(False)),
}


@dataclass
class Tally:
    fooled: int = 0
    accepts: int = 0
    excess: float = 0.0
    found: int = 0
    missed: int = 0


def play(world: World, rule: Rule, fresh: bool, rng: Generator, true_share: float, tally: Tally) -> None:
    """One run of questions."""
    groups, champion = world.names, world.noise(rng)
    spread = math.sqrt(2.0 * (1.0 - LIKENESS))
    false = 0
    for _ in range(QUERIES):
        if fresh:
            champion = world.noise(rng)
        child = LIKENESS * champion + math.sqrt(1.0 - LIKENESS**2) * world.noise(rng)
        is_better = rng.random() < true_share
        gain = TRUE_GAIN * spread if is_better else 0.0
        differences = child - champion + gain
        # What asks has looked better on train.
        train = gain + abs(float(rng.standard_normal())) * spread / math.sqrt(len(groups))
        accepted = rule(groups, differences, train)
        if accepted:
            champion = child
        false += accepted and not is_better
        tally.found += accepted and is_better
        tally.missed += is_better and not accepted
    tally.fooled += false > 0
    tally.accepts += false
    tally.excess += 0.0 if fresh else float(champion.mean())


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    error = 2.0 * math.sqrt(0.05 * 0.95 / runs)
    print(f"{runs} runs of {QUERIES:,} questions; 5 % with its simulation error is at most {0.05 + error:.1%}")
    print(f"{'instances':14} {'rule':18} {'fooled':>7} {'false accepts':>14} {'looks better by':>16}")
    for world in WORLDS:
        for name, (fresh, make) in RULES.items():
            tally = Tally()
            for run in range(runs):
                rng = generator("holdout", world.name, name, run)
                play(world, make(rng, world.groups * world.size), fresh, rng, 0.0, tally)
            excess = "-" if fresh else f"{tally.excess / runs:.2f}"
            print(f"{world.name:14} {name:18} {tally.fooled / runs:7.0%} {tally.accepts / runs:14.2f} {excess:>16}")
    world = WORLDS[0]
    tally = Tally()
    for run in range(max(1, runs // 10)):
        play(world, gate(False), True, generator("power", run), TRUE_SHARE, tally)
    share = tally.found / max(1, tally.found + tally.missed)
    print(
        f"true improvements of {TRUE_GAIN} paired standard deviations that the gate finds, fresh, n = 400: {share:.1%}"
    )


if __name__ == "__main__":
    main()
