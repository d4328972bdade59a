"""Thompson sampling against uniform draws at equal cost, on simulated gains: offline moves beside a strong model.

python benchmarks/bandit.py [SEEDS]

The model has four moves, each of which costs 30 times as much as an offline ticket; 8 tickets are in flight. A ticket
that improves takes a random part, up to a tenth, off the best error found so far, which is 1 at the start. Shown is the
median over seeds of the best error at parts of the budget with its 95 % interval (bootstrap), and in how many seeds
Thompson sampling ends with the lower error. *switching*: what is best in the first half is hopeless in the second.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from evolve.bandit import Bandit
from evolve.core.rng import Generator, generator
from evolve.crew import CROSSOVER, MUTATE, OFFLINE, REWRITE, SIMPLIFY, Arm

SEEDS = 200
BUDGET, RATIO, IN_FLIGHT = 3_000.0, 30.0, 8
PARTS = (0.25, 0.5, 1.0)
MODEL = "strong"
ARMS: dict[Arm, float] = {OFFLINE: 1.0} | {(MODEL, move): 1.0 for move in (MUTATE, REWRITE, CROSSOVER, SIMPLIFY)}
LARGEST_PART = 0.1

Chances = Mapping[Arm, float]


def chances(offline: float, mutate: float, others: float) -> Chances:
    """How likely a ticket of each arm improves."""
    return dict.fromkeys(ARMS, others) | {OFFLINE: offline, (MODEL, MUTATE): mutate}


OFFLINE_BEST, MODEL_BEST = chances(0.1, 0.3, 0.3), chances(0.002, 0.6, 0.1)
WORLDS: dict[str, tuple[Chances, Chances]] = {
    "stationary, offline is the best": (OFFLINE_BEST, OFFLINE_BEST),
    "stationary, one move of the model is the best": (MODEL_BEST, MODEL_BEST),
    "switching, from offline to the model": (OFFLINE_BEST, MODEL_BEST),
    "switching, from the model to offline": (MODEL_BEST, OFFLINE_BEST),
}


def main() -> None:
    """Print one line a rule and world."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    for world, halves in WORLDS.items():
        print(f"{world}: best error at {', '.join(f'{part:.0%}' for part in PARTS)} of the budget")
        found = {
            rule: np.array([search(rule, halves, seed) for seed in range(seeds)]) for rule in ("thompson", "uniform")
        }
        for rule, errors in found.items():
            shown = "   ".join(median(errors[:, part]) for part in range(len(PARTS)))
            print(f"  {rule:9} {shown}   offline {errors[:, -1].mean():4.0%} of tickets")
        wins = float((found["thompson"][:, len(PARTS) - 1] < found["uniform"][:, len(PARTS) - 1]).mean())
        print(f"  thompson ends lower in {wins:.0%} of {seeds} seeds")


def search(rule: str, halves: Sequence[Chances], seed: int) -> list[float]:
    """The best error at each part of the budget, and the share of offline tickets at last."""
    bandit, rng, world = Bandit(ARMS, rule), generator("bandit benchmark", rule, seed), generator("world", seed)
    flying: deque[tuple[Arm, float]] = deque()
    error, spent, found = 1.0, 0.0, []
    for part in PARTS:
        while spent < part * BUDGET:
            arm = bandit.draw(rng, lambda arm: True)
            bandit.pending(arm)
            cost = 1.0 if arm == OFFLINE else RATIO
            spent += cost
            flying.append((arm, gain(halves[int(spent > BUDGET / 2)][arm], world)))
            if len(flying) == IN_FLIGHT:
                done, won = flying.popleft()
                error *= 1.0 - won
                bandit.tell(done, won, (1.0 if done == OFFLINE else RATIO) / BUDGET)
        found.append(error)
    return [*found, bandit.rows()[0].share_of_draws]


def gain(chance: float, rng: Generator) -> float:
    """By which part a ticket lowers the best error."""
    return LARGEST_PART * float(rng.random()) if rng.random() < chance else 0.0


def median(errors: np.ndarray) -> str:
    """The median and its bootstrap interval."""
    drawn = generator("bootstrap").choice(errors, (2_000, len(errors)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return f"{np.median(errors):8.2g} [{low:.2g}, {high:.2g}]"


if __name__ == "__main__":
    main()
