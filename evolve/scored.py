"""Records of the programs of a search that have a score."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, MutableMapping

from evolve.core.types import Record

HELD = 20_000
"""Records at hand where others can be read again: some dozens of MiB."""


class Scored(MutableMapping[str, Record]):
    """Told records by program, in the order in which programs were first told.

    With `again`, which reads the record of a number, only the latest `held` of them stay in memory, and those that are
    not as they were committed: a program that was measured on more of train has a record of its own making.

    >>> from evolve.core.types import Status, Ticket, Verdict
    >>> made = [Record(n, Ticket(n, "expand", (), (), "draw", None, 0), None, Verdict(Status.CRASHED), f"p{n}")
    ...         for n in range(3)]
    >>> scored = Scored(made.__getitem__, held=1)
    >>> scored.update({record.program_id: record for record in made})
    >>> scored["p0"].number, len(scored), scored.at_hand
    (0, 3, 1)
    """

    def __init__(self, again: Callable[[int], Record] | None = None, held: int = HELD) -> None:
        self.again = again
        self._most = held
        self._numbers: dict[str, int] = {}
        self._held: OrderedDict[str, Record] = OrderedDict()
        self._changed: dict[str, Record] = {}

    @property
    def at_hand(self) -> int:
        """How many records are in memory."""
        return len(self._held) + len(self._changed)

    def __getstate__(self) -> dict[str, object]:
        """Without what can be read again, and without its reader."""
        return {**self.__dict__, "again": None, **({"_held": OrderedDict()} if self.again else {})}

    def __getitem__(self, program_id: str) -> Record:
        if (changed := self._changed.get(program_id)) is not None:
            return changed
        record = self._held.get(program_id)
        if record is None:
            number = self._numbers[program_id]
            assert self.again is not None, "without a reader nothing is given up"
            record = self._hold(program_id, self.again(number))
        elif self.again is not None:
            self._held.move_to_end(program_id)
        return record

    def __setitem__(self, program_id: str, record: Record) -> None:
        if program_id not in self._numbers:
            self._numbers[program_id] = record.number
            self._hold(program_id, record)
        else:
            self._held.pop(program_id, None)
            self._changed[program_id] = record

    def __delitem__(self, program_id: str) -> None:
        del self._numbers[program_id]
        self._held.pop(program_id, None)
        self._changed.pop(program_id, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __contains__(self, program_id: object) -> bool:
        return program_id in self._numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def _hold(self, program_id: str, record: Record) -> Record:
        self._held[program_id] = record
        if self.again is not None and len(self._held) > self._most:
            self._held.popitem(last=False)
        return record
