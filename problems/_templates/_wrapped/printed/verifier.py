"""Reads the score that the program prints of itself: the last line, or all of its output, as a number or JSON.

The program reports its own score, so any program can report a better one. README.md says how to separate them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from evolve import Instance, Invalid, Score, Split, rng

METRIC = "score"  # the name of a number alone, or the key of the number that counts
SEEDED = False  # whether the command takes a seed, as "$1"
COUNTS = {Split.PROBE: 1, Split.TRAIN: 4, Split.GATE: 12, Split.REPORT: 12, Split.FINAL: 12}


def instances(split: Split, seed: int) -> list[Instance]:
    """One instance for each seed, or the only one there is: (standard input, arguments)."""
    if not SEEDED:
        return [Instance("only", "only", ())]
    seeds = [rng.derive_seed(str(split), seed, number) % 10**9 for number in range(COUNTS[split])]
    return [Instance(f"seed-{one}", f"seed-{one}", ("", [str(one)])) for one in seeds]


def score(instance: Instance, output: str) -> Score:
    """What the program says of itself. Raises Invalid where it says no number."""
    if type(output) is not str:
        raise Invalid("the output is no text")
    numbers = _numbers(output)
    if METRIC not in numbers:
        raise Invalid(f"it printed no {METRIC}, but {', '.join(numbers) or 'no number'}")
    return Score(numbers[METRIC], numbers, f"it printed {METRIC} {numbers[METRIC]:g}")


def _numbers(output: str) -> Mapping[str, float]:
    lines = output.split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "")
    found: Any = None
    for text in (output, last):
        try:
            found = json.loads(text)
            break
        except (ValueError, RecursionError):
            continue
    values = found if isinstance(found, dict) else {METRIC: found}
    return {str(name): float(value) for name, value in values.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return abs(value) < 10**300
    return type(value) is float and math.isfinite(value)
