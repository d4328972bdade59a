"""Waiting for a sandbox that is away: how long until the next try, what is said of it, and when it is given up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass

from evolve.core.clock import monotonic_seconds
from evolve.core.errors import UnavailableError
from evolve.core.rng import generator

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0
JITTER = 0.2
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Outage:
    """A sandbox is away: why, for how long so far, and when it is tried again. `over`: it is back."""

    message: str
    away_seconds: float
    next_seconds: float = 0.0
    over: bool = False


class Patience:
    """What the workers of a run share about an outage; thread-safe.

    The first try comes after about 1 s, each later one after twice the time, 60 s at most, all workers at once. Several
    runs that wait for the same engine do not try in step: each delay is a fifth longer or shorter, by its process.
    `limit_seconds` bounds an outage from its first failure to the last try. `hurried` is asked all the time: true where
    nobody wants to wait any longer. `heard` is told of outages, on the event loop of who waits for the work.
    """

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        self.hurried: Callable[[], bool] = lambda: False
        self.heard: Callable[[Outage], None] = lambda outage: None
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._began: float | None = None
        self._tries = 0
        self._next = 0.0

    def wait(self, error: UnavailableError, tell: Callable[[Outage], None]) -> bool:
        """Waits for the next try. False, at once, where there is none; `tell` hears of the first wait of each round."""
        now = monotonic_seconds()
        with self._lock:
            self._began = now if self._began is None else self._began
            away = now - self._began
            if away >= self.limit_seconds or self.hurried():
                return False
            if now >= self._next:
                self._next = now + min(self._delay(), self.limit_seconds - away)
                tell(Outage(error.message, away, self._next - now))
            until = self._next
        while (left := until - monotonic_seconds()) > 0:
            if self.hurried() or self.closing.wait(min(left, LOOK_SECONDS)):
                return False
        return not self.hurried()

    def worked(self, tell: Callable[[Outage], None]) -> None:
        """What had failed has worked: the outage is over."""
        with self._lock:
            began, self._began, self._tries, self._next = self._began, None, 0, 0.0
        if began is not None:
            tell(Outage("", monotonic_seconds() - began, over=True))

    def _delay(self) -> float:
        delay = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0**self._tries)
        self._tries += 1
        return delay * float(generator("pause", os.getpid(), self._tries).uniform(1.0 - JITTER, 1.0 + JITTER))
