"""What a policy was told, as a list of what counts: the base of policies whose choices follow from that list alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from archive.policies.base import is_revocation, is_welcome
from evolve.core.types import Record, Ticket

Kept = TypeVar("Kept")


class _What(Enum):
    OPEN, TRUST, TICK = auto(), auto(), auto()


@dataclass(frozen=True, slots=True)
class _Event(Generic[Kept]):
    """`record` is the number of the record that brought it about."""

    record: int
    what: _What
    name: str = ""
    kept: Kept | None = None


class History(ABC, Generic[Kept]):
    """Takes records apart and hands on what is news of them: a program may be a parent, it is trusted, a tick.

    A program is trusted when it is planted, or confirmed, or at once where there is no probation. When one is revoked,
    its news are taken out of the list, the subclass forgets everything, and what is left is gone through again: so it
    leaves no trace. That takes time linear in the number of records, and happens where a check finds something only.

    Subclasses say what is kept of a program (`_keep`), and what becomes of the news. With `ticks` they hear of every
    evaluated proposal whose outcome counts, before they hear of its program.
    """

    ticks = False

    def __init__(self, probation: bool) -> None:
        self._probation = probation
        self._events: list[_Event[Kept]] = []
        self._waiting: dict[str, Kept] = {}
        # Revoked programs stay known, so that they do not come back.
        self._known: set[str] = set()
        self._clear()

    @abstractmethod
    def _keep(self, record: Record) -> Kept:
        """What is to be kept of a program."""

    @abstractmethod
    def _clear(self) -> None:
        """Forget all news."""

    @abstractmethod
    def _open(self, name: str, kept: Kept) -> None:
        """A new program may be a parent."""

    @abstractmethod
    def _trust(self, name: str, kept: Kept) -> None:
        """A program may be an elite, a front member or an inspiration."""

    def _tick(self) -> None:
        """A proposal was evaluated. Most subclasses have nothing to count."""

    def plant(self, record: Record) -> None:
        """A start program; trusted."""
        self._take(record, trusted=True)

    def pending(self, ticket: Ticket) -> None:
        """Nothing to note."""

    def tell(self, record: Record) -> None:
        """A proposal, or a measurement that confirms or revokes."""
        name = record.program_id
        if record.ticket.kind != "measure":
            if self.ticks and record.outcome is not None:
                self._note(_Event(record.number, _What.TICK))
            self._take(record, trusted=not self._probation)
        elif is_revocation(record):
            self._revoke(name, record.supersedes)
        elif name in self._waiting and is_welcome(record):
            self._note(_Event(record.number, _What.TRUST, name, self._waiting.pop(name)))

    def _take(self, record: Record, trusted: bool) -> None:
        name = record.program_id
        if name is None or name in self._known or not is_welcome(record):
            return
        self._known.add(name)
        kept = self._keep(record)
        self._note(_Event(record.number, _What.OPEN, name, kept))
        if trusted:
            self._note(_Event(record.number, _What.TRUST, name, kept))
        else:
            self._waiting[name] = kept

    def _revoke(self, name: str | None, record: int | None) -> None:
        if name is not None:
            self._known.add(name)
            self._waiting.pop(name, None)
        left = [one for one in self._events if one.record != record and one.name != name]
        if len(left) < len(self._events):
            self._events = left
            self._clear()
            for event in left:
                self._apply(event)

    def _note(self, event: _Event[Kept]) -> None:
        self._events.append(event)
        self._apply(event)

    def _apply(self, event: _Event[Kept]) -> None:
        if event.what is _What.TICK or event.kept is None:
            self._tick()
        elif event.what is _What.OPEN:
            self._open(event.name, event.kept)
        else:
            self._trust(event.name, event.kept)
