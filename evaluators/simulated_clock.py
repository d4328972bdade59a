"""A clock that times nothing: seconds drawn at random, to find out how often the rules of timing err."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from evaluators.timing import Which
from evolve.core.rng import Generator


def steady(process: int) -> float:
    """A machine that is always equally fast."""
    return 1.0


@dataclass
class SimulatedClock:
    """A `Measure` with noise as machines make it; `ratio` is the candidate's true time relative to the reference's.

    A time is multiplied by exp(N(0, `process_noise`)) once for each process (where it lies in memory), by
    exp(N(0, `call_noise`)) for each call, and with a chance of `interrupted` it takes longer by a share drawn from an
    exponential distribution of mean `interruption`: the heavy right tail. `speed` gives the machine's own factor while
    a process runs.

    Example::

        compare(Plan(), SimulatedClock(generator("clock", 1), ratio=0.95), 3, seed=1)
    """

    rng: Generator
    ratio: float = 1.0
    process_noise: float = 0.01
    call_noise: float = 0.01
    interrupted: float = 0.05
    interruption: float = 0.2
    speed: Callable[[int], float] = steady
    _process: int = field(default=-1, init=False)
    _factor: float = field(default=1.0, init=False)

    def __call__(self, which: Which, process: int, instance: int) -> float:
        """Instance i takes i + 1 seconds but for all that."""
        if process != self._process:
            self._process = process
            self._factor = self.speed(process) * math.exp(self.process_noise * self.rng.standard_normal())
        seconds = (1.0 + instance) * self._factor * math.exp(self.call_noise * self.rng.standard_normal())
        if self.rng.random() < self.interrupted:
            seconds *= 1.0 + self.rng.exponential(self.interruption)
        return seconds * (self.ratio if which == "candidate" else 1.0)
