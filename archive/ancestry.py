"""Who descends from whom in a run: each parent must have come before its child, so that none is its own ancestor."""

from __future__ import annotations

from collections.abc import Iterator

from archive.codec import NOTHING_NEW
from evolve.core.types import Record

_SHOWN = 8
"""The most programs of a cycle that are named."""


class Ancestry:
    """The programs of a run and their parents, taken in record by record."""

    def __init__(self) -> None:
        self._tickets: set[int] = set()
        self._parents: dict[str, tuple[str, ...]] = {}
        # Programs with a parent that had not come yet. Every cycle has one: of its programs one comes first.
        self._early: list[str] = []

    def add(self, record: Record) -> list[str]:
        """Take in the next record; what is wrong with its place, in words."""
        said = []
        if record.ticket.number in self._tickets:
            said.append(f"ticket {record.ticket.number} has an earlier record already")
        self._tickets.add(record.ticket.number)
        name = record.program_id
        if record.ticket.kind != "expand":
            return said
        missing = [one for one in (*record.ticket.parents, *record.ticket.inspirations) if one not in self._parents]
        if missing:
            said.append(f"program {missing[0]} is its parent or inspiration, and came in no earlier record")
        if name is not None and name not in self._parents and record.verdict.status not in NOTHING_NEW:
            self._parents[name] = record.ticket.parents
            if missing:
                self._early.append(name)
        return said

    def cycles(self) -> Iterator[str]:
        """Programs that descend from themselves, in words; of each cycle one."""
        told: set[str] = set()
        for start in self._early:
            line = self._way_back(start)
            if line is not None and not told & set(line):
                told |= set(line)
                names = [one[:10] for one in line[:_SHOWN]] + ["..."] * (len(line) > _SHOWN)
                yield f"program {start} is its own ancestor: {' < '.join([*names, start[:10]])}"

    def _way_back(self, start: str) -> list[str] | None:
        """From a program up to itself; None where no line of parents leads there."""
        came_from: dict[str, str] = {}
        waiting = [start]
        while waiting:
            at = waiting.pop()
            for parent in self._parents.get(at, ()):
                if parent == start:
                    line = [at]
                    while line[-1] != start:
                        line.append(came_from[line[-1]])
                    return line[::-1]
                if parent not in came_from:
                    came_from[parent] = at
                    waiting.append(parent)
        return None
