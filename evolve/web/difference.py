"""What changed between two texts, line by line, side by side, with the words that changed inside lines."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise, zip_longest
from typing import Literal

from evolve.web.text import visible

MOST_LINES = 5_000
LONGEST_LINE = 2_000
"""Characters of a line that are shown."""
CONTEXT = 3
"""Unchanged lines that stand round what changed."""
WORDS_UP_TO = 400
"""Characters of a line in which changed words are looked for."""
ALIKE = 0.4
"""Lines of which less is common are shown as wholly changed."""
MOST_PAIRS = 1_000_000
"""Two stretches with more pairs of lines are not compared: texts can be written for which that takes minutes."""
Kind = Literal["same", "changed", "added", "removed"]
Piece = tuple[bool, str]
Block = tuple[int, int, int]
_WORD = re.compile(r"\w+|\s+|.")


@dataclass(frozen=True, slots=True)
class Side:
    """A line: its number from 1, and its text in pieces, each with whether it has changed."""

    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the picture; a side is None where the line is only in the other text."""

    kind: Kind
    old: Side | None
    new: Side | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows that stand together; `folded` where nothing of them has changed or is near what has."""

    folded: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """`cut` says that one of the texts is longer than what is compared."""

    stretches: tuple[Stretch, ...]
    added: int
    removed: int
    cut: bool


@lru_cache(maxsize=16)
def difference(old: str, new: str) -> Difference:
    """What changed from `old` to `new` in their first `MOST_LINES` lines."""
    (before, cut_before), (after, cut_after) = _lines(old), _lines(new)
    rows = [*_rows(before, after)]
    removed = sum(row.kind in ("changed", "removed") for row in rows)
    added = sum(row.kind in ("changed", "added") for row in rows)
    return Difference(tuple(_folded(rows)), added, removed, cut_before or cut_after)


def _lines(text: str) -> tuple[list[str], bool]:
    """The lines that are compared, and whether there are more. Only the beginning of a long text is gone through."""
    lines = text.split("\n", MOST_LINES)
    if lines[-1] == "":
        lines.pop()
    kept = lines[:MOST_LINES]
    return [line.removesuffix("\r") for line in kept], len(lines) > MOST_LINES


def _rows(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    i = j = 0
    for a, b, size in [*_blocks(old, new), (len(old), len(new), 0)]:
        yield from _changed(old, new, range(i, a), range(j, b))
        for step in range(size):
            yield Line("same", _side(a + step, old), _side(b + step, new))
        i, j = a + size, b + size


def _changed(old: Sequence[str], new: Sequence[str], gone: range, come: range) -> Iterator[Line]:
    for a, b in zip_longest(gone, come):
        if a is None:
            yield Line("added", None, _side(b, new))
        elif b is None:
            yield Line("removed", _side(a, old), None)
        else:
            left, right = _words(old[a], new[b])
            yield Line("changed", Side(a + 1, left), Side(b + 1, right))


def _side(place: int, lines: Sequence[str]) -> Side:
    return Side(place + 1, ((False, _shown(lines[place])),))


def _shown(line: str) -> str:
    return visible(line) if len(line) <= LONGEST_LINE else visible(line[:LONGEST_LINE]) + "…"


def _words(old: str, new: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Both lines in pieces that have changed and that have not."""
    if max(len(old), len(new)) > WORDS_UP_TO:
        return ((False, _shown(old)),), ((False, _shown(new)),)
    a, b = _WORD.findall(visible(old)), _WORD.findall(visible(new))
    match = SequenceMatcher(None, a, b, autojunk=False)
    if match.ratio() < ALIKE:
        return ((False, visible(old)),), ((False, visible(new)),)
    left, right = [], []
    for kind, i, end, j, stop in match.get_opcodes():
        left.append((kind != "equal", "".join(a[i:end])))
        right.append((kind != "equal", "".join(b[j:stop])))
    return tuple(one for one in left if one[1]), tuple(one for one in right if one[1])


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[Block]:
    """Stretches that are the same in both: places of their beginnings, and how many lines they have.

    Lines that stand once in each text hold the two together (Bram Cohen's patience difference): between these only
    short stretches are left to compare, which is quick and reads better.
    """
    anchors = [(-1, -1), *_anchors(old, new), (len(old), len(new))]
    for (i, j), (a, b) in pairwise(anchors):
        yield from _between(old, new, (i + 1, a), (j + 1, b))
        if a < len(old):
            yield a, b, 1


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The longest rising sequence of lines that stand once in each text."""
    once_old, once_new = Counter(old), Counter(new)
    places = {line: place for place, line in enumerate(new) if once_new[line] == 1}
    pairs = [(i, places[line]) for i, line in enumerate(old) if line in places and once_old[line] == 1]
    tops: list[int] = []  # tops[k]: the least place at which a sequence of k + 1 ends
    ends: list[int] = []  # the pair that ends it
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        rank = bisect_left(tops, j)
        before.append(ends[rank - 1] if rank else -1)
        tops[rank : rank + 1] = [j]
        ends[rank : rank + 1] = [index]
    line, index = [], ends[-1] if ends else -1
    while index >= 0:
        line.append(pairs[index])
        index = before[index]
    return line[::-1]


def _between(
    old: Sequence[str], new: Sequence[str], of_old: tuple[int, int], of_new: tuple[int, int]
) -> Iterator[Block]:
    (i, a), (j, b) = of_old, of_new
    head = 0
    while i + head < a and j + head < b and old[i + head] == new[j + head]:
        head += 1
    if head:
        yield i, j, head
    i, j = i + head, j + head
    if 0 < (a - i) * (b - j) <= MOST_PAIRS:
        for match in SequenceMatcher(None, old[i:a], new[j:b]).get_matching_blocks():
            if match.size:
                yield i + match.a, j + match.b, match.size


def _folded(rows: Sequence[Line]) -> Iterator[Stretch]:
    """The rows in stretches: those further than `CONTEXT` from any change are folded, where that saves lines."""
    near = [False] * len(rows)
    for place, row in enumerate(rows):
        if row.kind != "same":
            low, high = max(0, place - CONTEXT), min(len(rows), place + CONTEXT + 1)
            near[low:high] = [True] * (high - low)
    first = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or near[place] != near[first]:
            yield Stretch(not near[first], tuple(rows[first:place]))
            first = place
