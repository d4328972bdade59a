"""Checks that a program prints what the first one printed; how long it takes is measured by the host."""

from __future__ import annotations

import json
from pathlib import Path

from evolve import Instance, Invalid, Score, Split, rng

SEEDED = False  # whether the command takes a seed, as "$1"
COUNTS = {Split.PROBE: 1, Split.TRAIN: 4, Split.GATE: 10, Split.REPORT: 10, Split.FINAL: 10}
EXPECTED: dict[str, str] = json.loads(Path(__file__).with_name("expected.json").read_text(encoding="utf-8"))


def instances(split: Split, seed: int) -> list[Instance]:
    """One instance for each seed, or the only one there is: (standard input, arguments), and what must be printed."""
    if not SEEDED:
        return [Instance("only", "only", (), EXPECTED.get("only"))]
    seeds = [rng.derive_seed(str(split), seed, number) % 10**9 for number in range(COUNTS[split])]
    return [Instance(f"seed-{one}", f"seed-{one}", ("", [str(one)]), EXPECTED.get(f"seed-{one}")) for one in seeds]


def score(instance: Instance, output: str) -> Score:
    """1 for the expected output. Raises Invalid for any other; times are added by the host."""
    if type(output) is not str or instance.truth is None:
        raise Invalid("the output is no text, or what it should be is not known")
    if output != instance.truth:
        pairs = zip(output.split("\n"), instance.truth.split("\n"), strict=False)
        number = next((place for place, (own, wanted) in enumerate(pairs, 1) if own != wanted), None)
        raise Invalid(f"line {number} is not what was expected" if number else "it printed too little or too much")
    return Score(1.0, {}, "the output is right")
