"""Request sequences: what is asked of a small cache, drawn from models of locality.

A sequence is a list of page numbers, one a request. Pages are numbered in the order of their first request, so that a
number tells whether and when a page was seen before, and nothing else. Every model is given the cache's size, because
what is hard depends on it: a loop of one page more than fit is the worst there is for least recently used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evolve.core.rng import Generator

Model: TypeAlias = Callable[[Generator, int, int], list[int]]


def sequence(kind: str, draw: Generator, length: int, slots: int) -> list[int]:
    """`length` requests of a kind: a model of MODELS, or several joined by + that share the cache in turns.

    Args:
        kind: a name, or names joined by `+`; each program of a mixture has pages of its own, and the next request is
            that of a random one, with weights drawn from .5 to 1.5.
        draw: every random choice is made from it.
        length: requests, at least 1.
        slots: pages that fit into the cache, at least 2.

    Raises:
        KeyError: there is no such model.
    """
    parts = [MODELS[name](draw, length, slots) for name in kind.split("+")]
    if len(parts) == 1:
        return renumbered(parts[0])
    weights = draw.uniform(0.5, 1.5, len(parts))
    turns = draw.choice(len(parts), length, p=weights / weights.sum())
    places = [iter(part) for part in parts]
    return renumbered([next(places[turn]) * len(parts) + int(turn) for turn in turns])


def renumbered(requests: list[int]) -> list[int]:
    """The same requests, with pages numbered 0, 1, 2, ... by their first request."""
    numbers: dict[int, int] = {}
    return [numbers.setdefault(page, len(numbers)) for page in requests]


def zipf(draw: Generator, length: int, slots: int) -> list[int]:
    """Independent requests of probability rank**-alpha (Breslau and others 1999) whose ranks drift.

    1.5 to 5 cachefuls of pages, alpha .5 to 1.2; two ranks are exchanged at a share 0 to .3 of the requests.
    """
    pages = round(slots * draw.uniform(1.5, 5.0))
    chances = _zipf_chances(pages, draw.uniform(0.5, 1.2))
    order, drift = np.arange(pages), draw.uniform(0.0, 0.3)
    requests = []
    for rank in draw.choice(pages, length, p=chances):
        if draw.random() < drift:
            a, b = draw.integers(pages, size=2)
            order[a], order[b] = order[b], order[a]
        requests.append(int(order[rank]))
    return requests


def sets(draw: Generator, length: int, slots: int) -> list[int]:
    """Working sets (Denning 1968): for a while requests are uniform over a small set, then most of it is replaced.

    A set has .6 to 1.4 cachefuls of pages and lasts 2 to 6 cachefuls of requests; .3 to .9 of it is replaced, by pages
    among 4 cachefuls.
    """
    size = max(2, round(slots * draw.uniform(0.6, 1.4)))
    share, pages = draw.uniform(0.3, 0.9), 4 * slots
    current = draw.choice(pages, size, replace=False)
    requests: list[int] = []
    while len(requests) < length:
        lasts = round(slots * draw.uniform(2.0, 6.0))
        requests += [int(page) for page in draw.choice(current, lasts)]
        kept = draw.permutation(current)[round(share * size) :]
        others = np.setdiff1d(np.arange(pages), kept)
        current = np.concatenate([kept, draw.choice(others, size - len(kept), replace=False)])
    return requests[:length]


def loop(draw: Generator, length: int, slots: int) -> list[int]:
    """Loops a little longer than the cache, run 3 to 8 times each, among rare requests of anything.

    The next loop begins somewhere among the pages of this one. Length: one page more than fit (every other time, the
    worst case of Sleator and Tarjan 1985), or up to 1.6 cachefuls; a share .15 to .45 of the requests is uniform over
    3 cachefuls of pages.
    """
    noise, pages = draw.uniform(0.15, 0.45), 3 * slots
    requests: list[int] = []
    while len(requests) < length:
        size = slots + 1 if draw.random() < 0.5 else round(slots * draw.uniform(1.1, 1.6))
        start = int(draw.integers(pages))
        for place in range(size * int(draw.integers(3, 9))):
            stray = draw.random() < noise
            requests.append(int(draw.integers(pages)) if stray else (start + place % size) % pages)
    return requests[:length]


def stack(draw: Generator, length: int, slots: int) -> list[int]:
    """Lognormal depths in the stack of last requests (Mattson and others 1970; Almeida and others 1996).

    A share .05 to .2 of the requests is of new pages; the median depth is .3 to .9 cachefuls, sigma .6 to 1.2.
    """
    new, median, sigma = draw.uniform(0.05, 0.2), slots * draw.uniform(0.3, 0.9), draw.uniform(0.6, 1.2)
    depths = median * np.exp(sigma * draw.standard_normal(length))
    recent: list[int] = []
    requests = []
    for depth in depths:
        if depth >= len(recent) or draw.random() < new:
            recent.append(len(recent))  # no page ever leaves the stack
        else:
            recent.append(recent.pop(-1 - int(depth)))
        requests.append(recent[-1])
    return requests


def scan(draw: Generator, length: int, slots: int) -> list[int]:
    """A popular set, and now and then a run of pages that are requested once and never again.

    The set has .5 to 1 cachefuls of pages, of probability rank**-.5; a share .2 to .5 of the requests is in runs of .3
    to 1.5 cachefuls.
    """
    size = max(2, round(slots * draw.uniform(0.5, 1.0)))
    chances, share = _zipf_chances(size, 0.5), draw.uniform(0.2, 0.5)
    requests: list[int] = []
    once = size
    while len(requests) < length:
        run = round(slots * draw.uniform(0.3, 1.5))
        requests += [int(page) for page in draw.choice(size, round(run * (1 - share) / share), p=chances)]
        requests += range(once, once + run)
        once += run
    return requests[:length]


def nested(draw: Generator, length: int, slots: int) -> list[int]:
    """An outer loop over 2 to 3 cachefuls of pages; each stretch of .4 to .9 cachefuls is run through 2 to 4 times."""
    pages = round(slots * draw.uniform(2.0, 3.0))
    requests: list[int] = []
    start = 0
    while len(requests) < length:
        size = max(2, round(slots * draw.uniform(0.4, 0.9)))
        requests += [(start + step) % pages for step in range(size)] * int(draw.integers(2, 5))
        start += size
    return requests[:length]


def sweep(draw: Generator, length: int, slots: int) -> list[int]:
    """To and fro over 1.3 to 2.5 cachefuls of pages; at each step the direction turns with probability 0 to .05."""
    pages, turning = round(slots * draw.uniform(1.3, 2.5)), draw.uniform(0.0, 0.05)
    place, step = 0, 1
    requests = []
    for _ in range(length):
        requests.append(place)
        if not 0 <= place + step < pages or draw.random() < turning:
            step = -step
        place = min(max(place + step, 0), pages - 1)
    return requests


def walk(draw: Generator, length: int, slots: int) -> list[int]:
    """A random walk on a ring of 2 to 4 cachefuls of pages with steps of at most .3 cachefuls, and rare jumps."""
    pages, jump = round(slots * draw.uniform(2.0, 4.0)), draw.uniform(0.0, 0.1)
    reach = max(1, round(slots * draw.uniform(0.1, 0.3)))
    steps = draw.integers(-reach, reach + 1, length)
    steps = np.where(draw.random(length) < jump, draw.integers(pages, size=length), steps)
    return [int(place) for place in np.cumsum(steps) % pages]


MODELS: Final[dict[str, Model]] = {
    "zipf": zipf,
    "sets": sets,
    "loop": loop,
    "stack": stack,
    "scan": scan,
    "nested": nested,
    "sweep": sweep,
    "walk": walk,
}


def _zipf_chances(pages: int, alpha: float) -> NDArray[np.float64]:
    weights = np.arange(1, pages + 1, dtype=np.float64) ** -alpha
    chances: NDArray[np.float64] = weights / weights.sum()
    return chances
