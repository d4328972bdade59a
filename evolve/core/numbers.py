"""Sets of small numbers."""

from __future__ import annotations

from collections.abc import Iterable


class Numbers:
    """A set of small numbers, a byte for each number up to the largest.

    >>> found = Numbers([3, 5])
    >>> 3 in found, 4 in found, 600 in found
    (True, False, False)
    """

    __slots__ = ("_flags",)

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._flags = bytearray()
        for number in numbers:
            self.add(number)

    def add(self, number: int) -> None:
        """Take a number, which is at least 0, in."""
        if number >= len(self._flags):
            self._flags.extend(bytes(number + 1 - len(self._flags)))
        self._flags[number] = 1

    def __contains__(self, number: int) -> bool:
        return 0 <= number < len(self._flags) and bool(self._flags[number])
