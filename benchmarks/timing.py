"""How far comparisons of times can be trusted: on a simulated clock, and on this machine's.

Simulated, for a quiet and a loud machine: how often a program is called different from itself (by the sequence alone,
and with a minimum effect above the machine's noise), and how often a program that takes 5 % less time is found, with
the pairs that took. Then programs in bubblewrap on the real clock: the noise of the reference against itself, and what
a comparison says of an equal program and of programs that do 5 % and 100 % more work.

Usage: python benchmarks/timing.py [TRIALS]
"""

from __future__ import annotations

import math
import sys
import tempfile
from pathlib import Path

from evaluators.simulated_clock import SimulatedClock
from evaluators.stage import Stage
from evaluators.timed_runs import TimedRuns
from evaluators.timing import Comparison, Decision, Plan, compare
from evaluators.timing_noise import measure_noise
from evolve.core.clock import monotonic_seconds
from evolve.core.errors import InfrastructureError
from evolve.core.rng import generator
from evolve.core.types import Source, Split
from evolve.evaluation import make_stage
from evolve.problem import load
from sandbox.bubblewrap import available

INSTANCES = 3
MACHINES = {
    "quiet": {"process_noise": 0.01, "call_noise": 0.01, "interrupted": 0.05},
    "loud": {"process_noise": 0.01, "call_noise": 0.02, "interrupted": 0.2},
}
TOML = """
name = "sum"
title = "sum"
entry = "total"
evidence = "sampled"
sandbox = "bubblewrap"
[[objectives]]
metric = "right"
direction = "maximize"
[limits]
wall_seconds = 20
cpu_seconds = 10
memory_mebibytes = 256
"""
VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score

def instances(split, seed):
    for number in range(4):
        yield Instance(f"{split}-{number}", f"sum-{number}", (1_000_000 + number,))

def score(instance, output):
    if output != sum(range(instance.args[0])):
        raise Invalid("not the sum")
    return Score(1.0, {"right": 1.0})
"""
LOOP = """
def total(n):
    found = 0
    for i in range(n):
        found += i
    wasted = 0
    for i in range(n * EXTRA // 100):
        wasted += i
    return found
"""


def main() -> None:
    """Print error rates and power, then real ratios."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    for name, machine in MACHINES.items():
        simulate(name, machine, trials)
    missing = available()
    if missing is not None:
        print(f"the real clock was left out: {missing}")
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "problem.toml").write_text(TOML)
        (Path(folder) / "verifier.py").write_text(VERIFIER)
        (Path(folder) / "seed.py").write_text(f"# EVOLVE-BLOCK-START{program(0).main}# EVOLVE-BLOCK-END\n")
        stage = make_stage(load(Path(folder)))
        try:
            measure(stage)
        finally:
            stage.close()


def simulate(name: str, machine: dict[str, float], trials: int) -> None:
    """Error and power on one simulated machine."""

    def clock(what: str, trial: int, ratio: float) -> SimulatedClock:
        return SimulatedClock(generator("timing", name, what, trial), ratio, **machine)

    noises = [measure_noise(Plan(), clock("noise", trial, 1.0), INSTANCES, trial) for trial in range(trials // 10)]
    believable = sorted(noise.smallest_effect for noise in noises)[len(noises) // 2]
    plan = Plan(minimum_effect=max(0.03, 1.01 * believable))
    bare = Plan(minimum_effect=1e-9)
    print(f"{name}: {trials} trials, at most 40 pairs, level 1 %, noise {believable:.1%}")
    for what, used, ratio in (
        ("itself, by the sequence alone", bare, 1.0),
        (f"itself, minimum effect {plan.minimum_effect:.1%}", plan, 1.0),
        (f"5 % less, minimum effect {plan.minimum_effect:.1%}", plan, 0.95),
    ):
        found = [compare(used, clock(what, trial, ratio), INSTANCES, trial) for trial in range(trials)]
        faster = sum(one.decision is Decision.FASTER for one in found)
        slower = sum(one.decision is Decision.SLOWER for one in found)
        pairs = sum(one.pairs for one in found) / trials
        discarded = sum(one.discarded for one in found)
        print(f"  {what:34} faster {faster:4d}, slower {slower:4d}, {pairs:4.1f} pairs, {discarded} batches discarded")


def program(extra: int) -> Source:
    """Adds up numbers, and does `extra` % more of the same for nothing."""
    return Source({"program.py": LOOP.replace("EXTRA", str(extra))}, "total")


def measure(stage: Stage) -> None:
    """Noise and three comparisons by the real clock. The minimum effect is 3 %, or what the noise allows."""
    warm_up, *instances = stage.verifier.instances(Split.TRAIN)
    began = monotonic_seconds()
    with TimedRuns(stage, Split.TRAIN, program(0), program(0), instances, warm_up) as runs:
        try:
            noise = measure_noise(Plan(), runs, len(instances), 0)
        except InfrastructureError as error:
            print(f"the real clock: {error}")
            return
    seconds = monotonic_seconds() - began
    print(f"the real clock: noise {noise.smallest_effect:.2%}; {said(noise.comparison)}, {seconds:.0f} s")
    plan = Plan(minimum_effect=max(0.03, math.ceil(1000.0 * noise.smallest_effect + 0.1) / 1000.0))
    for seed, extra in enumerate((0, 5, 100), start=1):
        began = monotonic_seconds()
        with TimedRuns(stage, Split.TRAIN, program(0), program(extra), instances, warm_up, seed=1000 * seed) as runs:
            try:
                words = said(compare(plan, runs, len(instances), seed))
            except InfrastructureError as error:
                words = str(error)
        print(
            f"  {extra:3d} % more work, minimum effect {plan.minimum_effect:.1%}: {words}, "
            f"{monotonic_seconds() - began:.0f} s",
            flush=True,
        )


def said(found: Comparison) -> str:
    """Ratio, both intervals, and what they took."""
    if found.ratio is None or found.interval is None or found.bounds is None:
        return f"{found.status}: {found.feedback}"
    interval, bounds = ([math.exp(end) for end in ends] for ends in (found.interval, found.bounds))
    return (
        f"{found.decision}, ratio {found.ratio:.4f}, 95 % interval {interval[0]:.4f} to {interval[1]:.4f}, sequence "
        f"{bounds[0]:.4f} to {bounds[1]:.4f}, {found.pairs} pairs, {found.discarded} batches discarded"
    )


if __name__ == "__main__":
    main()
