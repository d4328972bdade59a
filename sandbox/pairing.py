"""Two processes that take turns, on one processor.

In a strict replay the host and the program answer one another many thousand times a second, and one of them always
sleeps. On two processors each answer has to wake an idle one, which costs more than the answer (on virtual machines
several times as much), so while calls are quick both are kept on the processor where the host is. Where the machine
is busy they are together anyway, and nothing is done. A call that is not quick ends the pairing: whoever works for
longer may run where there is room.
"""

from __future__ import annotations

import os
from contextlib import suppress

from sandbox import procfs

QUICK_SECONDS = 1e-3
STREAK = 8
WORTH_SECONDS = 50e-6
"""Two processes are paired after so many quick calls in a row that took longer than this on average."""


class Pairing:
    """The processors of the calling thread and of process `pid`. Not thread-safe.

    Outside of `enter` and `leave` the calling thread may run wherever it could before. Failures are no matter: they
    cost time.
    """

    def __init__(self, pid: int) -> None:
        self.joined = False
        self._pid = pid
        self._streak = 0
        self._streak_seconds = 0.0
        self._together: set[int] = set()
        self._apart: set[int] = set()

    def enter(self) -> None:
        """The thread is about to ask."""
        if self.joined:
            try:
                os.sched_setaffinity(0, self._together)
            except OSError:
                self.part()

    def leave(self, wall_seconds: float) -> None:
        """It has its answer, after so long."""
        if wall_seconds >= QUICK_SECONDS:
            self.part()
            return
        if self.joined:
            with suppress(OSError):
                os.sched_setaffinity(0, self._apart)
            return
        self._streak += 1
        self._streak_seconds += wall_seconds
        if self._streak == STREAK:
            if self._streak_seconds > STREAK * WORTH_SECONDS:
                self._join()
            self._streak, self._streak_seconds = 0, 0.0

    def part(self) -> None:
        """Both may run anywhere again, with every thread that the process has started meanwhile."""
        self._streak, self._streak_seconds = 0, 0.0
        if not self.joined:
            return
        self.joined = False
        with suppress(OSError):
            os.sched_setaffinity(0, self._apart)
        for task in procfs.tasks(self._pid):
            with suppress(OSError):
                os.sched_setaffinity(task, self._apart)

    def _join(self) -> None:
        if self._pid < 0:  # not a process of this machine, which may not be Linux
            return
        self._apart = os.sched_getaffinity(0)
        here = procfs.processor()
        if len(self._apart) < 2 or here not in self._apart:
            return
        self._together = {here}
        with suppress(OSError):
            os.sched_setaffinity(self._pid, self._together)
            self.joined = True
