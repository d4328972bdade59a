"""A small problem for the checks: split numbers into two heaps of nearly the same sum. Its verifier can be careless."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evolve.problem import Problem, load

TOML = """
name = "heaps"
title = "heaps"
entry = "divide"
evidence = "sampled"
sandbox = "bubblewrap"
{keys}

[[objectives]]
metric = "gap"
direction = "minimize"

[limits]
memory_mebibytes = 256
cpu_seconds = 5
wall_seconds = 20
"""
VERIFIER = """
from evolve import Instance, Invalid, Score, Split, rng

COUNTS = {Split.PROBE: 2, Split.TRAIN: 3, Split.GATE: 12, Split.REPORT: 2, Split.FINAL: 2}


def instances(split, seed):
    for number in range(COUNTS[split]):
        values = [int(v) for v in rng.generator(str(split), seed, number).integers(1, 1000, 12)]
        yield Instance(f"{split}-{number}", f"{split}-{number}", (values,))


def score(instance, output):
    (values,) = instance.args
    if type(output) is not list or len(output) != len(values):
        raise Invalid("one side for each value is wanted")
    if any(type(side) is not int for side in output) or set(output) - {0, 1}:
        raise Invalid("sides are 0 and 1")
    left = sum(value for value, side in zip(values, output) if side == 0)
    gap = abs(sum(values) - 2 * left) / sum(values)
    return Score(gap, {"gap": gap}, f"gap {gap:.3f}")
"""
SEED = """
# EVOLVE-BLOCK-START
def divide(values):
    return [place % 2 for place in range(len(values))]
# EVOLVE-BLOCK-END
"""
GREEDY = """
def divide(values):
    sides, sums = [0] * len(values), [0, 0]
    for place in sorted(range(len(values)), key=lambda place: -values[place]):
        side = int(sums[1] < sums[0])
        sides[place] = side
        sums[side] += values[place]
    return sides
"""
WriteHeaps = Callable[..., Problem]


@pytest.fixture
def heaps(tmp_path: Path) -> WriteHeaps:
    """A function that writes the problem and loads it; `verifier` maps parts of the good verifier to worse ones."""

    def write(*, verifier: dict[str, str] | None = None, keys: str = "", seed: str = SEED, **baselines: str) -> Problem:
        text = VERIFIER
        for good, bad in (verifier or {}).items():
            assert good in text
            text = text.replace(good, bad)
        folder = tmp_path / "heaps"
        (folder / "baselines").mkdir(parents=True)
        (folder / "problem.toml").write_text(TOML.format(keys=keys))
        (folder / "verifier.py").write_text(text)
        (folder / "seed.py").write_text(seed)
        for name, program in {"greedy": GREEDY, **baselines}.items():
            (folder / "baselines" / f"{name}.py").write_text(program)
        return load(folder)

    return write
