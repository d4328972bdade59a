"""Scores dispatchers by the servers that they chose: mean slowdown against joining the shortest queue.

Nothing of a dispatcher runs here. `score` recomputes all waiting from the choices; `play` holds the servers itself and
asks for one job at a time.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from evolve import Instance, Invalid, Score, Split, rng

Arrivals = list[tuple[float, float]]
"""Time since the last arrival, and size, of each job."""

SMALLEST: Final = 1.0
BURST_JOBS: Final = 40.0  # mean jobs of a burst, and of the quiet time between two
BURST_RATIO: Final = 8.0  # arrival rate in a burst over that in quiet times


@dataclass(frozen=True)
class Recipe:
    """What the instances of a split are drawn from; `shape` and `largest` are of the sizes, see `make_sizes`."""

    instances: int
    jobs: int
    speeds: Sequence[tuple[float, ...]] = ((4.0, 2.0, 1.0, 1.0), (3.0, 1.0, 1.0))
    loads: Sequence[float] = (0.5, 0.7, 0.85)
    shape: float = 1.2
    largest: float = 100.0


RECIPES: Final = {
    Split.PROBE: Recipe(2, 300),
    Split.TRAIN: Recipe(8, 1_000),
    Split.GATE: Recipe(16, 1_000),
    Split.REPORT: Recipe(16, 1_000),
    # Other servers, other loads, heavier tails: what was learnt must carry over.
    Split.FINAL: Recipe(24, 1_500, ((2.0, 2.0, 1.0), (8.0, 4.0, 2.0, 1.0, 1.0)), (0.6, 0.75, 0.9), 1.1, 300.0),
}


def instances(split: Split, seed: int) -> list[Instance]:
    """The instances of a split; `args` = (arrivals, speeds), `truth` = mean slowdown of joining the shortest queue.

    Every other instance is bursty. All of a split have equally many jobs, which `spliced` relies on.
    """
    recipe = RECIPES[split]
    found = []
    for index in range(recipe.instances):
        draw = rng.generator("dispatching", str(split), seed, index)
        kind = ("poisson", "bursty")[index % 2]
        speeds = recipe.speeds[index // 2 % len(recipe.speeds)]
        load = recipe.loads[index // 2 % len(recipe.loads)]
        sizes = make_sizes(draw, recipe.jobs, recipe.shape, recipe.largest)
        # Scaled to the sizes that were drawn: their mean converges slowly, and the load would be another one.
        scale = sum(sizes) / recipe.jobs / (load * sum(speeds))
        gaps = make_gaps(draw, recipe.jobs, kind == "bursty")
        arrivals = [(gap * scale, size) for gap, size in zip(gaps, sizes, strict=True)]
        found.append(make_instance(f"{split}-{index}-{kind}", arrivals, speeds))
    return found


def make_sizes(draw: rng.Generator, count: int, shape: float, largest: float) -> list[float]:
    """`count` sizes of a Pareto distribution of that shape, bounded by 1 and `largest`.

    M. Harchol-Balter, M. E. Crovella, C. D. Murta, On choosing a task assignment policy for a distributed server
    system, Journal of Parallel and Distributed Computing 59(2), 1999: F(x) = (1 - x**-a) / (1 - largest**-a).
    """
    span = 1.0 - (SMALLEST / largest) ** shape
    return [float(SMALLEST * (1.0 - span * draw.random()) ** (-1.0 / shape)) for _ in range(count)]


def make_gaps(draw: rng.Generator, count: int, bursty: bool) -> list[float]:
    """`count` times between arrivals, mean 1: of a Poisson process, or one of two rates in turn.

    The rate changes at each arrival with probability 1 / BURST_JOBS: a Markovian arrival process of two states, W.
    Fischer, K. Meier-Hellstern, The Markov-modulated Poisson process cookbook, Performance Evaluation 18(2), 1993.
    """
    quiet = 2.0 * BURST_RATIO / (BURST_RATIO + 1.0)  # mean gap; half of the jobs come in bursts, so the mean is 1
    gaps, burst = [], False
    for _ in range(count):
        mean = 1.0 if not bursty else quiet / BURST_RATIO if burst else quiet
        gaps.append(float(-mean * np.log1p(-draw.random())))
        burst ^= draw.random() < 1.0 / BURST_JOBS
    return gaps


def make_instance(name: str, arrivals: Arrivals, speeds: Sequence[float]) -> Instance:
    """An instance of arrivals of your own, speeds in falling order. Each is a group: intervals count groups."""
    shortest = _simulated(arrivals, speeds, lambda size, works, lengths: lengths.index(min(lengths)))
    reference = float(np.mean(_slowdowns(arrivals, speeds, shortest)))
    return Instance(name, name, (arrivals, tuple(speeds)), reference)


# Scores


def score(instance: Instance, output: Any) -> Score:
    """Mean slowdown over that of joining the shortest queue, which is at least 1.

    `output` is an array of int or a list: the chosen server of each job. The slowdown of a job is the time from its
    arrival to its end over what it would take alone on the fastest server.

    Raises:
        Invalid: it is not, or a server is not there.
    """
    arrivals, speeds = instance.args
    chosen = _checked(output, len(arrivals), len(speeds))
    slowdowns = _slowdowns(arrivals, speeds, chosen)
    mean = float(np.mean(slowdowns))
    metrics = {
        "relative_slowdown": mean / instance.truth,
        "mean_slowdown": mean,
        "slowdown_99": float(np.quantile(slowdowns, 0.99)),
        "fastest_share": chosen.count(0) / len(chosen),
    }
    worst = int(np.argmax(slowdowns))
    text = (
        f"mean slowdown {mean:.4g}, joining the shortest queue has {instance.truth:.4g}; worst is job {worst} of size "
        f"{arrivals[worst][1]:.4g} on server {chosen[worst]}: {slowdowns[worst]:.4g}"
    )
    return Score(mean / instance.truth, metrics, text)


def _slowdowns(arrivals: Arrivals, speeds: Sequence[float], chosen: Sequence[int]) -> list[float]:
    """Slowdown of each job, by the recursion of D. V. Lindley (Proc. Cambridge Philosophical Society 48, 1952).

    For each server: a job begins when it arrives or when the one before it ends, whichever is later.
    """
    idle, now, slowdowns = [0.0] * len(speeds), 0.0, []
    for (gap, size), server in zip(arrivals, chosen, strict=True):
        now += gap
        idle[server] = max(idle[server], now) + size / speeds[server]
        slowdowns.append((idle[server] - now) / (size / max(speeds)))
    return slowdowns


def _checked(output: Any, jobs: int, servers: int) -> list[int]:
    """The choices as a list, once every rule holds. Types are compared by identity: a bool is no server."""
    if type(output) not in (list, array):
        raise Invalid(f"the output is a {type(output).__name__}, not an array or list of int")
    if len(output) != jobs:
        raise Invalid(f"{len(output)} choices for {jobs} jobs")
    for job, server in enumerate(output):
        _check_server(server, servers, f"job {job}")
    return list(output)


def _check_server(server: Any, servers: int, where: str) -> int:
    if type(server) is not int:
        raise Invalid(f"{where}: the server is a {type(server).__name__}, not an int")
    if not 0 <= server < servers:
        raise Invalid(f"{where}: the server is not one of 0 to {servers - 1}")
    return server


# Strict replay


def play(session: Any, instance: Instance) -> array[int]:
    """What a dispatcher decides when it gets one job at a time; equals what the driver logs for an honest one.

    Raises:
        Invalid: an answer is no server.
    """
    arrivals, speeds = instance.args
    session.call("begin", speeds)

    def choose(size: float, works: list[float], lengths: list[int]) -> int:
        return _check_server(session.call("choose", size, works, lengths), len(speeds), "choose")

    return _simulated(arrivals, speeds, choose)


def _simulated(
    arrivals: Arrivals, speeds: Sequence[float], choose: Callable[[float, list[float], list[int]], int]
) -> array[int]:
    """The same as `drive` of driver.py, in this process."""
    departures: list[deque[float]] = [deque() for _ in speeds]
    chosen, now = array("i"), 0.0
    for gap, size in arrivals:
        now += gap
        for queue in departures:
            while queue and queue[0] <= now:
                queue.popleft()
        works = [queue[-1] - now if queue else 0.0 for queue in departures]
        server = choose(size, works, [len(queue) for queue in departures])
        chosen.append(server)
        queue = departures[server]
        queue.append(max(queue[-1] if queue else 0.0, now) + size / speeds[server])
    return chosen


# Non-anticipation


def spliced(instance: Instance, other: Instance, share: float) -> Instance:
    """Jobs [0, share * n) of `instance`, then those of `other` from there on; speeds are those of `instance`."""
    arrivals, speeds = instance.args
    kept = int(share * len(arrivals))
    return make_instance(f"{instance.id}+{other.id}", arrivals[:kept] + other.args[0][kept:], speeds)


def decisions(instance: Instance, output: Any, share: float) -> list[int]:
    """The part of an output that was decided for the first share * n jobs. Raises Invalid as `score` does."""
    arrivals, speeds = instance.args
    return _checked(output, len(arrivals), len(speeds))[: int(share * len(arrivals))]
