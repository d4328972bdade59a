"""The lines of a program that come nearest to lines that are not in it."""

from __future__ import annotations

from collections.abc import Sequence

MAX_LINES, MAX_WANTED, MAX_WIDTH, CONTEXT_LINES, MAX_SHOWN = 4_000, 8, 200, 2, 40
"""What is compared: lines of the program, lines that are sought, characters of each. What is shown: lines around the
nearest, and lines in all."""


def nearest(lines: Sequence[str], search: str, number: int = 1) -> str:
    """The run of lines that is most like `search`, numbered from `number`; empty where none has anything in common.

    Likeness of two lines is Dice's coefficient (1945) over their runs of three characters, blanks at the ends left out.
    """
    sought = [line.strip() for line in search.split("\n") if line.strip()]
    wanted = [_trigrams(line) for line in sought[:MAX_WANTED]]
    kept = [at for at, line in enumerate(lines) if line.strip()][:MAX_LINES]
    have = [_trigrams(lines[at].strip()) for at in kept]
    scores = [sum(map(_likeness, wanted, have[first : first + len(wanted)])) for first in range(len(kept))]
    if not wanted or not any(scores):
        return ""
    best = kept[max(range(len(kept)), key=scores.__getitem__)]
    return numbered(lines, best - CONTEXT_LINES, best + min(len(sought), MAX_SHOWN) + CONTEXT_LINES, number)


def numbered(lines: Sequence[str], first: int, last: int, number: int = 1) -> str:
    """Lines `first` to `last` (from 0, `last` left out), each with its number; the first of all has `number`."""
    shown = range(max(0, first), min(len(lines), last))
    return "\n".join(f"{number + at}: {lines[at][:MAX_WIDTH]}" for at in shown)


def _trigrams(line: str) -> frozenset[str]:
    line = line[:MAX_WIDTH]
    return frozenset(line[at : at + 3] for at in range(max(1, len(line) - 2)))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return 2.0 * len(one & other) / (len(one) + len(other))
