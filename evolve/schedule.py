"""When the next ticket may be asked, and in which order finished tickets become records."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol


class Schedule(Protocol):
    """Decides when tickets are asked, and when they are settled.

    `asked` and `told` are how many tickets and records there were so far; the first `starts` tickets plant programs,
    are asked at once, settle in their order, and are told before anything else is asked.
    """

    def may_ask(self, asked: int, told: int) -> bool:
        """True where the turn of ticket number `asked` has come."""
        ...

    def place(self, number: int) -> int | None:
        """The record number that ticket `number` must have, or None where it takes the next one when it is done."""
        ...

    def horizon(self, number: int, told: int) -> int:
        """The last record that may influence ticket `number`, asked when `told` records were told."""
        ...

    @property
    def fixed(self) -> int:
        """How many records have a ticket that is known beforehand."""
        ...

    @property
    def ending(self) -> str:
        """Why a run ends where no ticket may be asked although the budget is open."""
        ...


class Windowed:
    """Ticket n is asked when exactly the records 0 .. n - window are told, and is record n: whoever works, and however
    quickly, the course is the same."""

    fixed = sys.maxsize
    ending = "exhausted"

    def __init__(self, window: int, starts: int) -> None:
        self.window, self.starts = window, starts

    def may_ask(self, asked: int, told: int) -> bool:
        """See `Schedule`."""
        return asked < self.starts or (told >= self.starts and told > asked - self.window)

    def place(self, number: int) -> int:
        """See `Schedule`."""
        return number

    def horizon(self, number: int, told: int) -> int:
        """See `Schedule`."""
        return number - self.window


class OnCompletion:
    """Up to `window` tickets are in flight, and each is a record as soon as it is done: a slow reply holds nobody up.

    What was journaled before is gone through again as it went: `asked_at` gives the number of records that were told
    when a ticket was asked, `order` the tickets of the first records. With `last` no ticket from that number on is
    asked: a replay ends where its recording does.
    """

    def __init__(
        self,
        window: int,
        starts: int,
        asked_at: Mapping[int, int | None] | None = None,
        order: Sequence[int] = (),
        last: int | None = None,
    ) -> None:
        self.window, self.starts, self._last = window, starts, last
        self.ending = "exhausted" if last is None else "replayed"
        self.fixed = max(len(order), starts)
        self._asked_at = asked_at or {}
        # Start programs settle in their order, so that those of an order that was cut short are a beginning of it.
        self._places = {n: n for n in range(starts)} | {number: place for place, number in enumerate(order)}

    def may_ask(self, asked: int, told: int) -> bool:
        """See `Schedule`."""
        if self._last is not None and asked >= self._last:
            return False
        if asked < self.starts:
            return True
        known = self._asked_at.get(asked)
        if known is not None:
            return told == known
        return told >= self.starts and asked - told < self.window

    def place(self, number: int) -> int | None:
        """See `Schedule`."""
        return self._places.get(number)

    def horizon(self, number: int, told: int) -> int:
        """See `Schedule`."""
        return told - 1


class Turnstile:
    """Lets flights through one at a time: those whose place is fixed at their place, others as they come after that.

    `last` is how many tickets there will be where no more are asked, else None. Then those that wait for a place after
    one that nobody will take go through as well: in a replay that its budget ends earlier there are such places.
    """

    def __init__(self, schedule: Schedule, passed: int = 0) -> None:
        """`passed` flights were through before."""
        self._schedule = schedule
        self._last: int | None = None
        self._passed = passed
        self._fixed = schedule.fixed
        self._busy = False
        self._placed: dict[int, asyncio.Event] = {}
        self._others: deque[asyncio.Event] = deque()

    @property
    def last(self) -> int | None:
        """See the class."""
        return self._last

    @last.setter
    def last(self, tickets: int | None) -> None:
        self._last = tickets
        self._admit()

    @property
    def is_free(self) -> bool:
        """Whether nobody is on the way through."""
        return not self._busy

    async def enter(self, number: int) -> None:
        """Wait for the turn of ticket `number`."""
        place = self._schedule.place(number)
        turn = asyncio.Event()
        if place is None:
            self._others.append(turn)
        else:
            self._placed[place] = turn
        self._admit()
        await turn.wait()

    def leave(self) -> None:
        """Let the next one through."""
        self._busy = False
        self._passed += 1
        self._admit()

    def _admit(self) -> None:
        if self._busy:
            return
        turn = self._placed.pop(self._passed, None)
        if turn is None and self._placed and self._is_stuck():
            turn = self._placed.pop(min(self._placed))
            self._fixed = self._passed
        if turn is None and self._passed >= self._fixed and self._others:
            turn = self._others.popleft()
        if turn is not None:
            self._busy = True
            turn.set()

    def _is_stuck(self) -> bool:
        """True where all flights that there will be wait here."""
        return self._last is not None and len(self._placed) + len(self._others) == self._last - self._passed
