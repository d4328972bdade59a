"""Makes the numbers and checks what comes back: the same ones in ascending order. The time is the host's to measure.

Nothing of a program runs here. It gets text on standard input, and what it prints is read as text.
"""

from __future__ import annotations

from typing import Any, Final

from evolve.core.errors import Invalid
from evolve.core.rng import Generator, generator
from evolve.core.types import Instance, Score, Split

KINDS: Final = ("random", "nearly-sorted", "reversed", "few-values")
LARGEST: Final = 10**9
FEW: Final = 20

# Instances of each kind, and how many numbers each has. The final ones are longer: what was learnt must carry over.
SIZES: Final = {
    Split.PROBE: (1, 500),
    Split.TRAIN: (1, 20_000),
    Split.GATE: (4, 20_000),
    Split.REPORT: (4, 20_000),
    Split.FINAL: (3, 30_000),
}


def instances(split: Split, seed: int) -> list[Instance]:
    """The instances of a split; `args` is the text for standard input, `truth` the numbers in ascending order."""
    count, length = SIZES[split]
    found = []
    for kind in KINDS:
        for index in range(count):
            numbers = draw(kind, length, generator("sorting", str(split), seed, kind, index))
            text = "\n".join(map(str, numbers)) + "\n"
            found.append(Instance(f"{split}-{kind}-{index}", f"{kind}/{split}-{index}", (text,), sorted(numbers)))
    return found


def draw(kind: str, length: int, rng: Generator) -> list[int]:
    """`length` numbers whose order is of that kind."""
    if kind == "few-values":
        return [int(value) for value in rng.integers(0, FEW, length)]
    numbers = [int(value) for value in rng.integers(0, LARGEST, length)]
    if kind == "reversed":
        return sorted(numbers, reverse=True)
    if kind == "nearly-sorted":
        numbers.sort()
        for first, second in rng.integers(0, length, (length // 20, 2)):
            numbers[first], numbers[second] = numbers[second], numbers[first]
    return numbers


def score(instance: Instance, output: Any) -> Score:
    """1 where the output is right. Raises Invalid where it is not."""
    words = output.split() if isinstance(output, str) else []
    if len(words) != len(instance.truth):
        raise Invalid(f"{len(words)} numbers came back of {len(instance.truth)}")
    for place, (word, wanted) in enumerate(zip(words, instance.truth, strict=True)):
        if word != str(wanted):
            raise Invalid(f"number {place} is {word[:20]}, and must be {wanted}")
    return Score(1.0, {}, "in order")
