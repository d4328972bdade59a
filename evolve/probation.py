"""Programs that ran beside a driver and have not been shown to look at the past alone.

Such a program may have two children; before it has a third, is an elite or the best of the run, it is checked.
"""

from __future__ import annotations

from collections import Counter

CHECK, REPLAY = "check", "replay"
"""What a measure ticket asks for: the quick check, or a strict replay of every training instance."""

FREE_CHILDREN = 2


class Probation:
    """State derived from tickets and told records, in their order. Where nothing is driven, all are trusted."""

    def __init__(self, driven: bool) -> None:
        self.driven = driven
        self._trusted: set[str] = set()
        self._asked: dict[str, str] = {}
        self._replaying: set[str] = set()
        self._waiting: dict[str, str] = {}
        self._children: Counter[str] = Counter()

    def trust(self, program_id: str) -> None:
        """A start program, or one that passed."""
        self._trusted.add(program_id)

    def want(self, program_id: str, what: str) -> None:
        """Have a program checked by one of the next tickets, once; after the quick check it may be replayed still."""
        before = self._asked.get(program_id)
        if self.driven and (before is None or (before, what) == (CHECK, REPLAY)):
            self._asked[program_id] = what
            self._waiting[program_id] = what

    def waiting(self, what: str) -> list[str]:
        """Programs that wait for a check of that kind, longest first."""
        return [program_id for program_id, wanted in self._waiting.items() if wanted == what]

    def replaying(self) -> set[str]:
        """Would-be champions whose replay was asked and not told yet."""
        return self._replaying

    def begin(self, program_id: str, what: str) -> None:
        """A measure ticket for the program was asked."""
        self._asked[program_id] = what
        self._waiting.pop(program_id, None)
        if what == REPLAY:
            self._replaying.add(program_id)

    def end(self, program_id: str) -> None:
        """Its record was told."""
        self._replaying.discard(program_id)

    def forget(self, program_id: str) -> None:
        """The program was revoked."""
        self._waiting.pop(program_id, None)

    def is_trusted(self, program_id: str) -> bool:
        """True for a start program, and for one that passed."""
        return program_id in self._trusted

    def add_child(self, program_id: str) -> None:
        """The program became the parent of another ticket."""
        self._children[program_id] += 1

    def allows_child(self, program_id: str) -> bool:
        """False where the program has two children already and was not checked."""
        free = not self.driven or program_id in self._trusted
        return free or self._children[program_id] < FREE_CHILDREN

    def is_begun(self, program_id: str) -> bool:
        """True where a check of the program runs, or has run."""
        return program_id in self._asked and program_id not in self._waiting
