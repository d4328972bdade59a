"""Processes that were started ahead and wait for their order: where a server can not fork, this hides the start.

Each is used once. Like every process in a sandbox they die with the thread that started them.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable

from sandbox.launch import StartError, Starting
from sandbox.process import Child

SIZE = 2


class Pool:
    """Up to `SIZE` waiting processes of one kind of session, all made by `begin`. Not thread-safe.

    Those that wait are given back with it, also where its thread ends and nobody closes it.
    """

    def __init__(self, begin: Callable[[], Starting]) -> None:
        self._begin = begin
        self._waiting: deque[Starting] = deque()
        self._end = weakref.finalize(self, _end, self._waiting, os.getpid())

    def take(self, seconds: float) -> Child:
        """One that waits or is started now; others are started in its place. Raises StartError."""
        starting = self._waiting.popleft() if self._waiting else self._begin()
        try:
            while len(self._waiting) < SIZE:
                self._waiting.append(self._begin())
        except StartError:
            starting.attach(seconds).stop()
            raise
        return starting.attach(seconds)

    def close(self) -> None:
        """Ends those that wait."""
        _end(self._waiting, os.getpid())


def _end(waiting: deque[Starting], owner: int) -> None:
    """In a process that was forked from their owner they are not ours to end."""
    while waiting and os.getpid() == owner:
        starting = waiting.popleft()
        try:
            child = starting.attach(1.0)
        except StartError:
            continue
        child.stop()
        child.close()
