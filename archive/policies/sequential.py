"""A chain: each program is a child of the last valid one, however good that is."""

from __future__ import annotations

from archive.policies.base import Choice, nothing_left
from archive.policies.history import History
from evolve.core.rng import Generator
from evolve.core.types import Record


class Sequential(History[int]):
    """The parent is the last valid program that was told, the inspiration the last that is trusted.

    It is the control without selection: what it finds, it owes to the moves alone.
    """

    def _keep(self, record: Record) -> int:
        return record.number

    def _clear(self) -> None:
        self._chain: list[str] = []
        self._trusted: list[str] = []

    def _open(self, name: str, kept: int) -> None:
        self._chain.append(name)

    def _trust(self, name: str, kept: int) -> None:
        self._trusted.append(name)

    def ask(self, rng: Generator) -> Choice:
        """The last valid program."""
        if not self._chain:
            raise nothing_left()
        return Choice((self._chain[-1],), tuple(self._trusted[-1:]))
