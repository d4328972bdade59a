"""Generates workloads of language-model queries in several categories. A kind and a seed always give the same one.

A category is a law of repetition (Zipf over its meanings), a geometry of embeddings, a rate at which answers change,
and what a call of the model takes and costs. `workload` draws the categories of a kind from the ranges beside each
archetype and gives plain data: numbers and arrays. Times are in seconds, money in thousandths of a dollar. Only
`Generator.random` is used: numpy keeps its stream from version to version.

Geometry: embeddings are unit vectors in DIMENSIONS dimensions. Meanings belong to themes of THEME meanings. With a
random unit vector t for a theme, a meaning has the centre c = sqrt(between) t + sqrt(1 - between) u and a query of it
the embedding q = sqrt(within) c + sqrt(1 - within) v, where u and v are uniform among the unit vectors that are
orthogonal to t and to c. So all are unit vectors, and the mean cosine of two queries is

    within             of the same meaning: q . q' = within + (1 - within) v . v' + sqrt(..) (c . v + c . v'), where
                       c . v = c . v' = 0, and v . v' has mean 0
    within * between   of two meanings of one theme: the same argument, twice
    0                  of two themes

since u and v have mean 0 given t and c. Dense categories (code) have both near 1; sparse ones (conversation) neither.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from query_categories import ARCHETYPES, KINDS, Category, Kind

from evolve.core import rng as tree
from evolve.core.errors import ProblemError
from evolve.core.rng import Generator

DIMENSIONS: Final = 32
THEME: Final = 10
WINDOW_SECONDS: Final = 21_600.0
AUDITED: Final = 0.2
DIGITS: Final = 9
"""Decimals of vectors and loads: what numpy computes may differ in the last bit from machine to machine."""
LEAST_QUERIES: Final = 50

Floats = NDArray[np.float64]
Names = NDArray[np.int64]


def workload(kind: str, seed: int, windows: int, queries: int, *, share: float = 0.15) -> dict[str, Any]:
    """A workload as plain data.

    Keys: `capacity`, entries of the cache, a `share` of one window's queries; `window_seconds`; `windows`, the first
    of which is the warm-up; `categories`, in random order, each with the keys of `stream`.

    Raises:
        ProblemError: there is no such kind, or fewer than 50 queries a window, or less than two windows.
    """
    if kind not in KINDS:
        raise ProblemError(f"there is no workload called {kind}", f"Kinds: {', '.join(KINDS)}.")
    if queries < LEAST_QUERIES or windows < 2:
        raise ProblemError(f"a workload of {windows} windows of {queries} queries", "Ask for 2 of 50 at least.")
    rng = tree.generator("semantic-cache workload", kind, seed)
    law = KINDS[kind]
    names = [law.archetypes[at] for at in np.argsort(rng.random(len(law.archetypes)))]
    categories = [ARCHETYPES[name].draw(rng) for name in names]
    counts = traffic(rng, categories, windows, queries, law.drift)
    loads = np.round(np.exp(law.surge * _normal(rng, (len(categories), windows))), DIGITS)
    return {
        "capacity": round(share * queries),
        "window_seconds": WINDOW_SECONDS,
        "windows": windows,
        "categories": [
            stream(rng, category, row.tolist(), law) | {"loads": load}
            for category, row, load in zip(categories, counts, loads, strict=True)
        ],
    }


def traffic(rng: Generator, categories: list[Category], windows: int, queries: int, drift: float) -> Names:
    """Queries of each category in each window, int64 of shape (categories, windows); each window has `queries`.

    The logarithm of a category's weight is a random walk with normal steps of standard deviation `drift`.
    """
    steps = drift * _normal(rng, (len(categories), windows))
    steps[:, 0] = 0.0
    weights = np.array([[one.weight] for one in categories]) * np.exp(np.cumsum(steps, axis=1))
    edges = np.cumsum(weights / weights.sum(axis=0), axis=0)
    counts = np.zeros(weights.shape, dtype=np.int64)
    for window in range(windows):
        drawn = np.searchsorted(edges[:, window], rng.random(queries), side="right")
        counts[:, window] = np.bincount(np.minimum(drawn, len(categories) - 1), minlength=len(categories))
    return counts


def stream(rng: Generator, category: Category, counts: list[int], law: Kind) -> dict[str, Any]:
    """The queries of one category over all windows, n of them, in order of time.

    Keys: `starts`, int64 (windows + 1,), where each window begins among the queries; `times`, float64 (n,), seconds
    since the start; `meanings` and `versions`, int64 (n,): two queries have the same answer where both agree;
    `vectors`, float64 (n, DIMENSIONS); `audited`, bool (n,): whose answer is judged if it comes from the cache;
    `model_seconds` and `model_money` of a call at load 1, `penalty` of a wrong answer, in thousandths of a dollar.
    """
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    times = np.concatenate(
        [np.sort(rng.random(count)) * WINDOW_SECONDS + at * WINDOW_SECONDS for at, count in enumerate(counts)]
    )
    meanings = popular(rng, category, counts, law)
    call = category.model_seconds + category.model_money
    return {
        "starts": starts,
        "times": times,
        "meanings": meanings,
        "versions": versions(rng, times, meanings, category.half_life),
        "vectors": embedded(rng, category, meanings),
        "audited": rng.random(len(times)) < AUDITED,
        "model_seconds": category.model_seconds,
        "model_money": category.model_money,
        "penalty": category.ratio * call,
    }


def popular(rng: Generator, category: Category, counts: list[int], law: Kind) -> Names:
    """Meanings of the queries: the r-th most popular has probability proportional to r**-alpha.

    L. Breslau and others, Web Caching and Zipf-like Distributions, INFOCOM 1999. Before each window but the first
    `law.churn` of the meanings, chosen at random, change places; a query repeats the one before with `law.burst`.
    """
    edges = np.cumsum(np.arange(1, category.meanings + 1, dtype=np.float64) ** -category.alpha)
    order = np.argsort(rng.random(category.meanings))
    parts = []
    for window, count in enumerate(counts):
        if window:
            moved = np.flatnonzero(rng.random(category.meanings) < law.churn)
            order[moved] = order[moved][np.argsort(rng.random(len(moved)))]
        ranks = np.searchsorted(edges, rng.random(count) * edges[-1], side="right")
        parts.append(order[np.minimum(ranks, category.meanings - 1)])
    names: Names = np.concatenate(parts).astype(np.int64)
    repeats = rng.random(len(names)) < law.burst
    repeats[:1] = False
    # Each takes the meaning of the last query that is no repeat.
    return names[np.maximum.accumulate(np.where(repeats, 0, np.arange(len(names))))]


def versions(rng: Generator, times: Floats, meanings: Names, half_life: float) -> Names:
    """The version of the answer at each query; between two of the same meaning, t apart, it stays with 2**(-t / life).

    Answers change at the times of a Poisson process, so whether one did between consecutive queries of its meaning is
    independent of all before; only that is drawn. Several changes in one gap count as one, which alters no equality.
    """
    found = np.zeros(len(times), dtype=np.int64)
    changes = rng.random(len(times))
    last: dict[int, int] = {}
    for at, meaning in enumerate(meanings.tolist()):
        before = last.get(meaning)
        if before is not None:
            stays = 2.0 ** ((times[before] - times[at]) / half_life)
            found[at] = found[before] + (changes[at] >= stays)
        last[meaning] = at
    return found


def embedded(rng: Generator, category: Category, meanings: Names) -> Floats:
    """Unit vectors of the queries, float64 (n, DIMENSIONS), as the module's docstring has it."""
    themes = -(-category.meanings // THEME)
    theme = _units(_normal(rng, (themes, DIMENSIONS)))[np.arange(category.meanings) % themes]
    centres = _around(rng, theme, category.between)
    return np.round(_around(rng, centres[meanings], category.within), DIGITS)


def _around(rng: Generator, axes: Floats, cosine: float) -> Floats:
    """Random unit vectors whose product with their axis is the square root of `cosine`."""
    free = _normal(rng, axes.shape)
    free -= np.sum(free * axes, axis=1, keepdims=True) * axes
    return math.sqrt(cosine) * axes + math.sqrt(1.0 - cosine) * _units(free)


def _units(vectors: Floats) -> Floats:
    scaled: Floats = vectors / np.sqrt(np.sum(vectors * vectors, axis=1, keepdims=True))
    return scaled


def _normal(rng: Generator, shape: tuple[int, ...]) -> Floats:
    """Box and Muller's normal deviates, from uniform ones."""
    radius = np.sqrt(-2.0 * np.log1p(-rng.random(shape)))
    angle: Floats = np.cos(2.0 * np.pi * rng.random(shape))
    return radius * angle
