"""The deterministic baselines of cache-eviction against straightforward versions of their papers on names."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pytest
from cache_baselines import hits_of, short_traces, zipf_trace
from hypothesis import given, settings
from hypothesis import strategies as st


def _queue(trace: Iterable[int], capacity: int, recency: bool) -> Iterator[bool]:
    residents: OrderedDict[int, None] = OrderedDict()
    for name in trace:
        yield name in residents
        if name not in residents and len(residents) == capacity:
            residents.popitem(last=False)
        residents[name] = None
        if recency:
            residents.move_to_end(name)


def _lfu(trace: Iterable[int], capacity: int) -> Iterator[bool]:
    residents: dict[int, tuple[int, int]] = {}  # the count, and when it was reached
    for time, name in enumerate(trace):
        yield name in residents
        if name not in residents and len(residents) == capacity:
            del residents[min(residents, key=lambda resident: residents[resident])]
        residents[name] = (residents.get(name, (0, 0))[0] + 1, time)


def _sieve(trace: Iterable[int], capacity: int) -> Iterator[bool]:
    """Algorithm 1 on a list of names, newest first; the hand is a name, or None where the paper's is NULL."""
    queue: list[int] = []
    visited: set[int] = set()
    hand: int | None = None
    for name in trace:
        yield name in queue
        if name in queue:
            visited.add(name)
            continue
        if len(queue) == capacity:
            at = queue.index(hand) if hand is not None else capacity - 1
            while queue[at] in visited:
                visited.remove(queue[at])
                at = (at - 1) % capacity
            hand = queue[at - 1] if at > 0 else None
            del queue[at]
        queue.insert(0, name)


def _arc(trace: Iterable[int], capacity: int) -> Iterator[bool]:
    """Figure 4 on lists of names, most recent first."""
    t1, t2, b1, b2 = lists = tuple(list[int]() for _ in range(4))
    p = 0.0

    def replace(in_b2: bool) -> None:
        if t1 and (len(t1) > p or (in_b2 and len(t1) == p)):
            b1.insert(0, t1.pop())
        else:
            b2.insert(0, t2.pop())

    for name in trace:
        yield name in t1 or name in t2
        home = next((part for part in lists if name in part), None)
        if home is b1:
            p = min(capacity, p + max(len(b2) / len(b1), 1))
            replace(False)
        elif home is b2:
            p = max(0, p - max(len(b1) / len(b2), 1))
            replace(True)
        elif home is None and len(t1) + len(b1) == capacity:
            if len(t1) < capacity:
                b1.pop()
                replace(False)
            else:
                t1.pop()
        elif home is None and sum(map(len, lists)) >= capacity:
            if sum(map(len, lists)) == 2 * capacity:
                b2.pop()
            replace(False)
        if home is not None:
            home.remove(name)
        (t1 if home is None else t2).insert(0, name)


def _two_q(trace: Iterable[int], capacity: int) -> Iterator[bool]:
    """The full version, oldest or least recent first."""
    a1in, a1out, am = (list[int]() for _ in range(3))
    kin, kout = max(1, capacity // 4), max(1, capacity // 2)
    for name in trace:
        yield name in a1in or name in am
        if name in am:
            am.remove(name)
            am.append(name)
        if name in am or name in a1in:
            continue
        home = am if name in a1out else a1in
        if name in a1out:
            a1out.remove(name)
        if len(a1in) + len(am) == capacity:
            if len(a1in) > kin or not am:
                a1out.append(a1in.pop(0))
            else:
                am.pop(0)
        del a1out[: max(0, len(a1out) - kout)]
        home.append(name)


def _s3_fifo(trace: Iterable[int], capacity: int) -> Iterator[bool]:
    """Algorithm 1, oldest first; while the cache fills, main takes what exceeds the small queue's share."""
    small, main, ghosts = (list[int]() for _ in range(3))
    share, hits = max(1, capacity // 10), dict[int, int]()
    for name in trace:
        yield name in hits
        if name in hits:
            hits[name] = min(3, hits[name] + 1)
            continue
        to_main = name in ghosts or (len(hits) < capacity and len(small) >= share)
        if name in ghosts:
            ghosts.remove(name)
        if len(hits) == capacity:
            gone, from_small = None, len(small) >= share
            while gone is None and from_small and small:
                tail = small.pop(0)
                if hits[tail] > 1:
                    main.append(tail)
                    hits[tail] = 0
                else:
                    gone = tail
                    ghosts.append(tail)
            while gone is None:
                tail = main.pop(0)
                if hits[tail] > 0:
                    main.append(tail)
                    hits[tail] -= 1
                else:
                    gone = tail
            del hits[gone]
            del ghosts[: max(0, len(ghosts) - capacity * 9 // 10)]
        (main if to_main else small).append(name)
        hits[name] = 0


def _lirs(trace: Iterable[int], capacity: int) -> Iterator[bool]:
    """The stack S bottom first, the queue Q front first, and the non-residents of S in order of eviction."""
    stack, queue, gone = (list[int]() for _ in range(3))
    hirs, lir = max(1, capacity // 100), set[int]()
    for name in trace:
        yield name in lir or name in queue
        in_stack = name in stack
        if in_stack:
            stack.remove(name)
        stack.append(name)
        if name in gone:
            gone.remove(name)
        if name in queue:
            queue.remove(name)
        elif name not in lir and len(lir) == capacity - hirs and len(queue) == hirs:
            evicted = queue.pop(0)
            if evicted in stack:
                gone.append(evicted)
            if len(gone) > capacity:
                stack.remove(gone.pop(0))
        if len(lir) < capacity - hirs:
            lir.add(name)
        elif name not in lir and in_stack and lir:
            lir.add(name)
            lir.remove(stack[0])
            queue.append(stack[0])
        elif name not in lir:
            queue.append(name)
        while stack and stack[0] not in lir:
            if stack[0] in gone:
                gone.remove(stack[0])
            del stack[0]


REFERENCES: dict[str, Callable[[Iterable[int], int], Iterator[bool]]] = {
    "fifo": partial(_queue, recency=False),
    "lru": partial(_queue, recency=True),
    "lfu": _lfu,
    "sieve": _sieve,
    "arc": _arc,
    "two_q": _two_q,
    "s3_fifo": _s3_fifo,
    "lirs": _lirs,
}


@pytest.mark.parametrize("name", REFERENCES)
@settings(max_examples=150, deadline=None)
@given(trace=short_traces, capacity=st.integers(1, 20))
def test_hits_are_those_of_the_reference(name: str, trace: array[int], capacity: int) -> None:
    assert hits_of(name, trace, capacity) == list(REFERENCES[name](trace, capacity))


@pytest.mark.parametrize("capacity", [20, 37, 250])
@pytest.mark.parametrize("name", REFERENCES)
def test_hits_are_those_of_the_reference_in_larger_caches(name: str, capacity: int) -> None:
    trace = zipf_trace(capacity, 4 * capacity, 4_000, 0.7)
    assert hits_of(name, trace, capacity) == list(REFERENCES[name](trace, capacity))
