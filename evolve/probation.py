"""Programs that ran beside a driver and have not been shown to look at the past alone.

Such a program may have two children; before it has a third, is an elite or the best of the run, it is checked.
"""

from __future__ import annotations

from collections import Counter, deque

CHECK, REPLAY = "check", "replay"
"""What a measure ticket asks for: the test with another future, or that and a strict replay."""

FREE_CHILDREN = 2


class Probation:
    """State derived from tickets and told records, in their order. Where nothing is driven, all are trusted."""

    def __init__(self, driven: bool) -> None:
        self.driven = driven
        self._trusted: set[str] = set()
        self._asked: set[str] = set()
        self._waiting: deque[tuple[str, str]] = deque()
        self._children: Counter[str] = Counter()

    def trust(self, program_id: str) -> None:
        """A start program, or one that passed."""
        self._trusted.add(program_id)

    def want(self, program_id: str, what: str) -> None:
        """Have a program checked by one of the next tickets, once."""
        if self.driven and program_id not in self._asked:
            self._asked.add(program_id)
            self._waiting.append((program_id, what))

    def next(self) -> tuple[str, str] | None:
        """The program whose check is due and what to ask for, or None."""
        return self._waiting[0] if self._waiting else None

    def begin(self, program_id: str) -> None:
        """A measure ticket for the program was asked."""
        self._asked.add(program_id)
        self._waiting = deque(entry for entry in self._waiting if entry[0] != program_id)

    def add_child(self, program_id: str) -> None:
        """The program became the parent of another ticket."""
        self._children[program_id] += 1

    def allows_child(self, program_id: str) -> bool:
        """False where the program has two children already and was not checked."""
        free = not self.driven or program_id in self._trusted
        return free or self._children[program_id] < FREE_CHILDREN

    def is_asked(self, program_id: str) -> bool:
        """True where a check of the program waits, runs, or has run."""
        return program_id in self._asked
