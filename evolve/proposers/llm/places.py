"""Where the lines of a SEARCH part stand in a text: exactly first, then as leniently as is safe.

Texts and parts are hostile: every search takes time linear in their lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

MAX_PLACES = 20
"""How many places are told apart: what fits more than one is refused."""
MAX_INDENT = 200


@dataclass(frozen=True, slots=True)
class Shift:
    """Indentation that lines get (`add`) or lose (`drop`) to stand where others stood."""

    add: str = ""
    drop: str = ""

    def __call__(self, text: str) -> str:
        """The text with each line that is not blank moved."""
        if not self.add and not self.drop:
            return text
        lines = (line.removeprefix(self.drop) for line in text.split("\n"))
        return "\n".join(self.add + line if line.strip() else line for line in lines)


@dataclass(frozen=True, slots=True)
class Place:
    """Whole lines `text[start:end]`, and the shift that a replacement of them needs."""

    start: int
    end: int
    shift: Shift = Shift()


def places(text: str, search: str) -> list[Place]:
    """Where lines of `text` equal those of `search`; the first of these readings that fits anywhere counts.

    As they are; without blanks at the ends of lines; with another indentation, the same for all, and without blank
    lines.
    """
    lines, wanted = _lines(text), _lines(search)
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    readings: tuple[Callable[[str], str], ...] = (str, str.rstrip)
    for reading in readings:
        found = _runs([reading(line) for line in lines], [reading(line) for line in wanted])
        if found:
            return [Place(starts[first], starts[last]) for first, last in found]
    kept = [number for number, line in enumerate(lines) if line.strip()]
    some = [line for line in wanted if line.strip()]
    fitting = []
    for first, last in _runs([lines[number].strip() for number in kept], [line.strip() for line in some]):
        shift = shift_to([lines[number] for number in kept[first:last]], some)
        if shift is not None:
            fitting.append(Place(starts[kept[first]], starts[kept[last - 1] + 1], shift))
    return fitting


def shift_to(actual: Sequence[str], wanted: Sequence[str]) -> Shift | None:
    """The one shift that gives the wanted lines the indentation of the actual ones; None where there is none."""
    shifts = set()
    for mine, theirs in set(zip(map(indentation, actual), map(indentation, wanted), strict=True)):
        if max(len(mine), len(theirs)) > MAX_INDENT:
            return None
        if mine.endswith(theirs):
            shifts.add(Shift(add=mine[: len(mine) - len(theirs)]))
        elif theirs.endswith(mine):
            shifts.add(Shift(drop=theirs[: len(theirs) - len(mine)]))
        else:
            return None
    return shifts.pop() if len(shifts) == 1 else None


def indentation(line: str) -> str:
    """The blanks that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def _lines(text: str) -> list[str]:
    # Not `splitlines`: only a line break ends a line, whatever else a string of the program holds.
    return text.removesuffix("\n").split("\n") if text else []


def _runs(lines: Sequence[str], wanted: Sequence[str]) -> list[tuple[int, int]]:
    """Numbers of the first line and of the one after the last, for each run of lines that equals `wanted`."""
    if not wanted:
        return []
    # One search in one string is linear, where comparing slices line by line is not.
    text, sought = "\n".join(("", *lines, "")), "\n".join(("", *wanted, ""))
    found: list[tuple[int, int]] = []
    at = text.find(sought)
    while at >= 0 and len(found) < MAX_PLACES:
        first = text.count("\n", 0, at)
        found.append((first, first + len(wanted)))
        at = text.find(sought, at + 1)
    return found
