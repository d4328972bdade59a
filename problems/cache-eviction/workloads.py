"""Generates request traces with published distributions. A kind, a seed and a length always give the same trace.

Each model is a function of a generator, the number of requests and its parameters, and returns object names, int64 of
shape (requests,). `trace` draws the parameters from the ranges written beside each kind, which grow with the length,
and renumbers. Only `Generator.random` is used: numpy keeps its stream from version to version.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from traces import renumbered

from evolve.core import rng as tree
from evolve.core.errors import ProblemError
from evolve.core.rng import Generator

LEAST_REQUESTS: Final = 100
_ROUNDS: Final = (2, 6)
_SWAP_EVERY: Final = 25

Names = NDArray[np.int64]


def trace(kind: str, seed: int, requests: int) -> array[int]:
    """Object numbers, dense in order of first appearance. `a+b` mixes the kinds a and b, with objects of their own.

    Raises:
        ProblemError: there is no such kind, or `requests` is below 100.
    """
    unknown = [part for part in kind.split("+") if part not in KINDS]
    if unknown:
        raise ProblemError(f"there is no workload called {unknown[0]}", f"Kinds: {', '.join(KINDS)}; a+b mixes two.")
    if requests < LEAST_REQUESTS:
        raise ProblemError(f"a workload of {requests} requests", f"Ask for at least {LEAST_REQUESTS}.")
    generator = tree.generator("workload", kind, seed)
    return renumbered(_mixed(generator, requests, kind.split("+")).tolist())


def _mixed(rng: Generator, requests: int, kinds: list[str]) -> Names:
    """Independent programs that share a cache: each request comes from one of them, in proportion to its weight."""
    if len(kinds) == 1:
        return KINDS[kinds[0]](rng, requests)
    edges = np.cumsum(0.5 + rng.random(len(kinds)))
    chosen = np.searchsorted(edges, rng.random(requests) * edges[-1], side="right")
    names = np.zeros(requests, dtype=np.int64)
    for number, kind in enumerate(kinds):
        own = chosen == number
        names[own] = KINDS[kind](rng, int(own.sum())) * len(kinds) + number
    return names


def zipf(rng: Generator, requests: int, objects: int, alpha: float) -> Names:
    """Independent requests; the r-th most popular object, named r - 1, has probability proportional to r**-alpha.

    L. Breslau, P. Cao, L. Fan, G. Phillips, S. Shenker, Web Caching and Zipf-like Distributions, INFOCOM 1999.
    """
    edges = np.cumsum(np.arange(1, objects + 1, dtype=np.float64) ** -alpha)
    ranks: Names = np.searchsorted(edges, rng.random(requests) * edges[-1], side="right").astype(np.int64)
    return ranks


def scan(rng: Generator, requests: int, objects: int, alpha: float, share: float, run: float) -> Names:
    """Zipf, interrupted by runs of objects that are requested once and never again.

    `share` is the share of such requests, `run` the mean length of their runs (geometric, as are the gaps). Runs of one
    are scattered one-hit wonders: B. Maggs, R. Sitaraman, Algorithmic Nuggets in Content Delivery, Computer
    Communication Review 45(3), 2015. Long ones are scans: T. Johnson, D. Shasha, 2Q, VLDB 1994.
    """
    scanned = _alternating(rng, requests, share, run)
    names = zipf(rng, requests, objects, alpha)
    names[scanned] = objects + np.arange(int(scanned.sum()))
    return names


def loop(rng: Generator, requests: int, sizes: list[int], objects: int, alpha: float, background: float) -> Names:
    """Loops over `sizes[i]` objects each, 2 to 5 rounds at a time, in random turns, among Zipf requests.

    `background` is the share of the latter. S. Jiang, X. Zhang, LIRS, SIGMETRICS 2002, has such loops in its traces.
    """
    names = zipf(rng, requests, objects, alpha)
    looping = np.flatnonzero(rng.random(requests) >= background)
    first = objects + np.concatenate([[0], np.cumsum(sizes)])
    parts, count = [np.zeros(0, dtype=np.int64)], 0
    while count < len(looping):
        which = _whole(rng, 0, len(sizes))
        parts.append(np.tile(first[which] + np.arange(sizes[which]), _whole(rng, *_ROUNDS)))
        count += len(parts[-1])
    names[looping] = np.concatenate(parts)[: len(looping)]
    return names


def phase(rng: Generator, requests: int, objects: int, alpha: float, phases: int) -> Names:
    """Zipf; at `phases` - 1 random points all objects change places in popularity.

    P. J. Denning, Working Sets Past and Present, IEEE Transactions on Software Engineering 6(1), 1980, on phases and
    the transitions between them.
    """
    changes = np.sort((rng.random(phases - 1) * requests).astype(np.int64))
    number = np.searchsorted(changes, np.arange(requests), side="right")
    orders = np.argsort(rng.random((phases, objects)), axis=1)
    return orders[number, zipf(rng, requests, objects, alpha)]


def drift(rng: Generator, requests: int, objects: int, alpha: float, swaps: float) -> Names:
    """Zipf; every 25 requests `swaps` pairs of ranks, on average, exchange their objects.

    One rank of a pair is uniform and the other uniform in its logarithm, so that the few popular ranks change too. The
    model is this project's own: the plainest churn under which a count of past requests goes stale bit by bit.
    """
    ranks = zipf(rng, requests, objects, alpha)
    objects_by_rank = np.arange(objects)
    names = np.empty(requests, dtype=np.int64)
    for start in range(0, requests, _SWAP_EVERY):
        names[start : start + _SWAP_EVERY] = objects_by_rank[ranks[start : start + _SWAP_EVERY]]
        for _ in range(int(swaps + rng.random())):
            one, other = int(objects ** rng.random()) - 1, _whole(rng, 0, objects)
            objects_by_rank[[one, other]] = objects_by_rank[[other, one]]
    return names


def newest(rng: Generator, requests: int, objects: int, alpha: float, births: float) -> Names:
    """A moving window: `births` new objects a request enter as the most popular and push the others down Zipf's ranks.

    S. Traverso and others, Temporal Locality in Today's Content Caching, Computer Communication Review 43(5), 2013.
    """
    born = objects + (np.arange(requests) * births).astype(np.int64)
    return born - zipf(rng, requests, objects, alpha)


def stack(rng: Generator, requests: int, fresh: float, median: float, sigma: float) -> Names:
    """Temporal locality: each request goes to a depth of the stack of objects in order of their last request.

    Depths are lognormal with the given median and standard deviation of the logarithm; a share `fresh` of the requests,
    and those deeper than the stack, go to a new object. R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger,
    Evaluation techniques for storage hierarchies, IBM Systems Journal 9(2), 1970; lognormal: V. Almeida, A. Bestavros,
    M. Crovella, A. de Oliveira, Characterizing Reference Locality in the WWW, PDIS 1996.
    """
    # Box and Muller's normal deviates, from uniform ones.
    normal = np.sqrt(-2.0 * np.log1p(-rng.random(requests))) * np.cos(2.0 * np.pi * rng.random(requests))
    depths = np.minimum(median * np.exp(sigma * normal), requests).astype(np.int64)
    is_fresh = rng.random(requests) < fresh
    recent: list[int] = []
    names = np.empty(requests, dtype=np.int64)
    new = 0
    for at, (depth, unseen) in enumerate(zip(depths.tolist(), is_fresh.tolist(), strict=True)):
        if unseen or depth >= len(recent):
            name, new = new, new + 1
        else:
            name = recent.pop(-1 - depth)
        recent.append(name)
        names[at] = name
    return names


def burst(rng: Generator, requests: int, objects: int, alpha: float, mean: float, gap: float) -> Names:
    """Correlated references: Zipf requests that are each followed by more of the same object.

    A burst has `mean` requests on average (geometric), `gap` apart on average (exponential; the unit is the time from
    the start of one burst to that of the next). E. O'Neil, P. O'Neil, G. Weikum, The LRU-K Page Replacement Algorithm
    for Database Disk Buffering, SIGMOD 1993.
    """
    names = zipf(rng, requests, objects, alpha)
    sizes = _geometric(rng, requests, mean)
    owner = np.repeat(np.arange(requests), sizes)
    waits = -gap * np.log1p(-rng.random(len(owner)))
    # Time since the first of the burst: the running sum less that at the first, whose own wait is in both.
    total = np.cumsum(waits)
    since = total - total[np.searchsorted(owner, owner)]
    order = np.argsort(owner + since, kind="stable")
    return names[owner[order]][:requests]


def _alternating(rng: Generator, requests: int, share: float, run: float) -> NDArray[np.bool_]:
    """True in runs of mean length `run` that make up `share` of all, on average; the first begins after a gap."""
    gap = run * (1.0 - share) / share
    # Four times as many as are needed on average; the last is long so that they never fall short.
    runs = 2 + int(4 * requests / (run + gap))
    lengths = np.stack([_geometric(rng, runs, run), _geometric(rng, runs, gap)], axis=1)[:, ::-1].ravel()
    lengths[-1] += requests
    return np.repeat(np.arange(2 * runs) % 2 == 1, lengths)[:requests]


def _geometric(rng: Generator, count: int, mean: float) -> Names:
    """Whole numbers of at least 1 with that mean."""
    if mean <= 1.0:
        return np.ones(count, dtype=np.int64)
    return 1 + np.floor(np.log1p(-rng.random(count)) / math.log1p(-1.0 / mean)).astype(np.int64)


def _between(rng: Generator, low: float, high: float) -> float:
    return low + (high - low) * rng.random()


def _log(rng: Generator, low: float, high: float) -> float:
    """Uniform in the logarithm."""
    return low * math.exp(math.log(high / low) * rng.random())


def _whole(rng: Generator, low: int, high: int) -> int:
    """A whole number, at least `low` and below `high`."""
    return low + int(rng.random() * (high - low))


def _count(rng: Generator, low: float, high: float) -> int:
    return max(2, round(_log(rng, low, high)))


# Parameters of each kind; n is the number of requests.
KINDS: Final[Mapping[str, Callable[[Generator, int], Names]]] = {
    "zipf": lambda rng, n: zipf(rng, n, _count(rng, n / 4, 2 * n), _between(rng, 0.6, 1.2)),
    "scan": lambda rng, n: scan(
        rng, n, _count(rng, n / 16, n / 2), _between(rng, 0.6, 1.2), _between(rng, 0.2, 0.5), _log(rng, 1, n / 40)
    ),
    "loop": lambda rng, n: loop(
        rng,
        n,
        [_count(rng, n / 100, n / 8) for _ in range(_whole(rng, 1, 4))],
        _count(rng, n / 8, n / 2),
        _between(rng, 0.6, 1.2),
        _between(rng, 0.2, 0.6),
    ),
    "phase": lambda rng, n: phase(rng, n, _count(rng, n / 8, n / 2), _between(rng, 0.8, 1.2), _whole(rng, 3, 9)),
    "drift": lambda rng, n: drift(rng, n, _count(rng, n / 8, n / 2), _between(rng, 0.8, 1.2), _log(rng, 0.5, 8)),
    "stack": lambda rng, n: stack(
        rng, n, _between(rng, 0.05, 0.25), _log(rng, n / 400, n / 20), _between(rng, 1.0, 2.0)
    ),
    "newest": lambda rng, n: newest(rng, n, _count(rng, n / 8, n / 2), _between(rng, 0.6, 1.0), _log(rng, 0.02, 0.2)),
    "burst": lambda rng, n: burst(
        rng, n, _count(rng, n / 8, n), _between(rng, 0.6, 1.0), _between(rng, 1.5, 4.0), _log(rng, 2, n / 40)
    ),
}
