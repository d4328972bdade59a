"""A semantic cache in which every category has its own part, and what a window of queries costs with it.

A query is looked up in its category's part. The nearest living entry is the one of the greatest cosine; where that
reaches the category's threshold its answer is served (a hit), else the model is called and the query becomes an entry
(a miss). An entry dies when it is older than the time to live of the window; where the part is full, a new one takes
the place of the entry that was served or entered longest ago. Categories share nothing but the capacity, so each is
simulated by itself. A part of no entries is never looked up.

A hit is right where meaning and version are those of the query; else it is wrong and costs the penalty of its
category. Costs are in thousandths of a dollar; a second of waiting costs SECOND.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final

import numpy as np

LOOKUP_SECONDS: Final = 0.02
FETCH_SECONDS: Final = 0.005
SECOND: Final = 1.0
NEAREST: Final = 0.5
"""Entries of a smaller cosine are never found, whatever the threshold."""

BINS: Final = 20
"""Of the histograms over the cosine, all of the same width, from NEAREST to 1."""

SHADOW: Final = 2.0
"""The threshold of the warm-up: everything is looked up and compared, nothing is served."""

RIGHT, OTHER, STALE = range(3)


@dataclass(frozen=True, slots=True)
class Setting:
    """What one category is given for a window: a cosine, seconds, and a whole number of entries."""

    threshold: float
    time_to_live: float
    entries: int


@dataclass(slots=True)
class Part:
    """What is in a category's part of the cache: entries (numbers of queries), the last one used longest ago first."""

    entries: OrderedDict[int, None] = field(default_factory=OrderedDict)
    by_age: deque[int] = field(default_factory=deque)
    evicted: set[int] = field(default_factory=set)

    def copy(self) -> Part:
        """One that can be changed without changing this one."""
        return Part(self.entries.copy(), self.by_age.copy(), set(self.evicted))


@dataclass(slots=True)
class Tally:
    """What happened in one window of one category. Lists have BINS numbers, or BINS for each of right, other, stale.

    `compared` counts what was judged: all misses that found a living entry, and the audited hits. `ages` are the
    summed ages in seconds of those entries by judgement. `regrets` are misses that an evicted entry, still young
    enough, would have served. `wrong` is hidden from programs.
    """

    queries: int = 0
    lookups: int = 0
    hits: int = 0
    wrong: int = 0
    regrets: int = 0
    evictions: int = 0
    nearest: list[int] = field(default_factory=lambda: [0] * BINS)
    compared: list[list[int]] = field(default_factory=lambda: [[0] * BINS for _ in range(3)])
    ages: list[float] = field(default_factory=lambda: [0.0] * 3)


class Stream:
    """One category's queries, prepared for being served many times: for each the earlier ones near enough, best first.

    `data` has the keys that query_streams.stream gives, and `loads`.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.starts: list[int] = data["starts"].tolist()
        self.times: list[float] = data["times"].tolist()
        self.meanings: list[int] = data["meanings"].tolist()
        self.versions: list[int] = data["versions"].tolist()
        self.audited: list[bool] = data["audited"].tolist()
        self.loads: list[float] = data["loads"].tolist()
        self.model_seconds: float = data["model_seconds"]
        self.model_money: float = data["model_money"]
        self.penalty: float = data["penalty"]
        self.near, self.cosines = _neighbours(data["vectors"])

    def judged(self, query: int, entry: int) -> int:
        """RIGHT, OTHER or STALE: whether an entry's answer is that of a query."""
        if self.meanings[query] != self.meanings[entry]:
            return OTHER
        return RIGHT if self.versions[query] == self.versions[entry] else STALE


def _neighbours(vectors: Any) -> tuple[list[array[int]], list[array[float]]]:
    """For each query the earlier ones of a cosine of at least NEAREST, the greatest first, and those cosines.

    Cosines are rounded to 12 digits so that the last bit of a sum, which differs from machine to machine, decides
    nothing; equal ones stand in order of time.
    """
    cosines = np.round(np.tril(np.einsum("ik,jk->ij", vectors, vectors), -1), 12)
    rows, columns = np.nonzero(cosines >= NEAREST)
    values = cosines[rows, columns]
    order = np.lexsort((columns, -values, rows))
    edges = np.searchsorted(rows, np.arange(len(vectors) + 1)).tolist()
    names, found = array("q", columns[order].astype(np.int64).tobytes()), array("d", values[order].tobytes())
    spans = list(pairwise(edges))
    return [names[start:stop] for start, stop in spans], [found[start:stop] for start, stop in spans]


def prepared(data: Mapping[str, Any]) -> Stream:
    """The stream of a category's data, made once for each content and kept while it is among those used last."""
    digest = blake2b(digest_size=16)
    for key in sorted(data):
        value = data[key]
        digest.update(key.encode())
        digest.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    name = digest.digest()
    stream = _STREAMS.pop(name, None) or Stream(data)
    _STREAMS[name] = stream
    if len(_STREAMS) > _MOST_STREAMS:
        del _STREAMS[next(iter(_STREAMS))]
    return stream


_STREAMS: Final[dict[bytes, Stream]] = {}
_MOST_STREAMS: Final = 512


@lru_cache(maxsize=4096)
def served(stream: Stream, settings: tuple[Setting, ...]) -> tuple[Tally, Part]:
    """What the last of the windows came to and left behind, where window w was served with settings[w].

    A pure function whose values are remembered; nobody may change them.
    """
    part = served(stream, settings[:-1])[1].copy() if len(settings) > 1 else Part()
    return _window(stream, part, len(settings) - 1, settings[-1]), part


def _window(stream: Stream, part: Part, window: int, setting: Setting) -> Tally:
    tally = Tally()
    first, last = stream.starts[window], stream.starts[window + 1]
    tally.queries = last - first
    while len(part.entries) > setting.entries:
        part.evicted.add(part.entries.popitem(last=False)[0])
        tally.evictions += 1
    if setting.entries == 0:
        return tally
    tally.lookups = last - first
    for query in range(first, last):
        _bury(stream, part, stream.times[query] - setting.time_to_live)
        entry = next(filter(part.entries.__contains__, stream.near[query]), -1)
        if not _hit(stream, part, tally, query, entry, setting.threshold):
            _miss(stream, part, tally, query, setting)
    return tally


def _bury(stream: Stream, part: Part, born_before: float) -> None:
    """Removes entries that are too old. Those that were evicted before are still in `by_age`, and pass."""
    times, by_age = stream.times, part.by_age
    while by_age and times[by_age[0]] < born_before:
        gone = by_age.popleft()
        part.entries.pop(gone, None)
        part.evicted.discard(gone)


def _hit(stream: Stream, part: Part, tally: Tally, query: int, entry: int, threshold: float) -> bool:
    """Whether the nearest entry (-1: there is none) serves the query; what is seen of it is noted."""
    if entry < 0:
        return False
    cosine = stream.cosines[query][stream.near[query].index(entry)]
    place = min(int((cosine - NEAREST) / (1.0 - NEAREST) * BINS), BINS - 1)
    tally.nearest[place] += 1
    hit = cosine >= threshold
    judgement = stream.judged(query, entry)
    if hit:
        tally.hits += 1
        tally.wrong += judgement != RIGHT
        part.entries.move_to_end(entry)
    if not hit or stream.audited[query]:
        tally.compared[judgement][place] += 1
        tally.ages[judgement] += stream.times[query] - stream.times[entry]
    return hit


def _miss(stream: Stream, part: Part, tally: Tally, query: int, setting: Setting) -> None:
    for entry, cosine in zip(stream.near[query], stream.cosines[query], strict=True):
        if cosine < setting.threshold:
            break
        if entry in part.evicted:
            tally.regrets += 1
            break
    if len(part.entries) >= setting.entries:
        part.evicted.add(part.entries.popitem(last=False)[0])
        tally.evictions += 1
    part.entries[query] = None
    part.by_age.append(query)


@dataclass(frozen=True, slots=True)
class Cost:
    """Costs of some queries, in thousandths of a dollar: waiting, calls of the model, wrong answers."""

    latency: float = 0.0
    model: float = 0.0
    penalty: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.latency + self.model + self.penalty

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.latency + other.latency, self.model + other.model, self.penalty + other.penalty)


def cost(stream: Stream, window: int, tally: Tally) -> Cost:
    """What a window's queries cost: every lookup and every fetch of an answer waits, as does every call of a model."""
    misses = tally.queries - tally.hits
    waited = tally.lookups * LOOKUP_SECONDS + tally.hits * FETCH_SECONDS
    waited += misses * stream.model_seconds * stream.loads[window]
    return Cost(waited * SECOND, misses * stream.model_money, tally.wrong * stream.penalty)


def cost_without(stream: Stream, window: int) -> Cost:
    """What they cost without a cache."""
    return cost(stream, window, Tally(queries=stream.starts[window + 1] - stream.starts[window]))


def least_cost(stream: Stream, window: int) -> tuple[Cost, int, int]:
    """A bound that no setting can beat, with the hits in it and those of them that are wrong.

    A query whose answer an earlier one had (same meaning and version) costs the lesser of a right hit and a call of the
    model; any other the lesser of a wrong hit and a call. Nothing is cheaper: a hit costs a lookup, a fetch and, where
    no earlier query had the answer, always the penalty; a miss costs the call and perhaps a lookup.
    """
    first, last = stream.starts[window], stream.starts[window + 1]
    names = list(zip(stream.meanings, stream.versions, strict=True))
    seen = set(names[:first])
    call = Cost(stream.model_seconds * stream.loads[window] * SECOND, stream.model_money)
    right = Cost((LOOKUP_SECONDS + FETCH_SECONDS) * SECOND)
    wrong = right + Cost(penalty=stream.penalty)
    total, counts = Cost(), {True: 0, False: 0}
    for name in names[first:last]:
        hit = right if name in seen else wrong
        if hit.total < call.total:
            counts[name in seen] += 1
        total += min(hit, call, key=lambda one: one.total)
        seen.add(name)
    return total, counts[True] + counts[False], counts[False]
