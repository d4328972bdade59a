"""The share of numbers that stand where they belong."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Score, Split


def instances(split: Split, seed: int) -> Iterator[Instance]:
    """Three lists of nine numbers."""
    for number in range(3):
        drawn = generator(str(split), seed, number).integers(100, size=9)
        yield Instance(f"{split}-{number}", f"list-{number}", ([int(one) for one in drawn],))


def score(instance: Instance, output: object) -> Score:
    """Raises Invalid where the output is no list."""
    if not isinstance(output, list):
        raise Invalid("not a list")
    wanted = sorted(instance.args[0])
    right = sum(a == b for a, b in zip(output, wanted, strict=False)) / len(wanted)
    return Score(right, {"right": right}, f"{output} where {wanted} is right")
