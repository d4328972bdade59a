"""Counts misses: of a policy's decision log, of first-in first-out, and of Belady's optimum.

A trace is an array of object numbers, small and not negative, one a request. A cache of `capacity` slots starts empty
and takes every object until it is full, in slots 0, 1, 2, ...; only then is anything decided, and a log holds the
decisions in order: the slot freed for the requested object, or -1 for leaving it outside.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from heapq import heapify, heappush, heapreplace
from typing import Any, Final

from evolve.core.errors import Invalid, ProblemError

BYPASS: Final = -1
_INTEGER_CODES: Final = frozenset("bBhHiIlLqQ")
_SHOWN: Final = 10**12


def miss_count(trace: Sequence[int], capacity: int, log: Any, bypasses: Any) -> tuple[int, int]:
    """Misses and bypasses that a decision log comes to.

    Raises:
        Invalid: the log is no list or array of int, is shorter or longer than the decisions that had to be taken,
            names a slot that is not there, or bypasses although `bypasses` is False.
        ProblemError: `capacity` is below 1 or the trace empty.
    """
    decisions = checked_log(trace, capacity, log, bypasses)
    filled, decided = _replay(trace, capacity, decisions)
    if decided < len(decisions):
        raise Invalid(f"capacity {capacity}: {len(decisions)} decisions where only {decided} were to be taken")
    return filled + decided, decisions.count(BYPASS)


def decided_within(trace: Sequence[int], capacity: int, log: Any, bypasses: Any, requests: int) -> int:
    """How many entries of the log were decided within the first `requests` requests. Raises as `miss_count` does."""
    decisions = checked_log(trace, capacity, log, bypasses)
    return _replay(trace[:requests], capacity, decisions)[1]


def checked_log(trace: Sequence[int], capacity: int, log: Any, bypasses: Any) -> list[int]:
    """The log as a list of slots in range. Its length is only checked against the number of requests.

    Raises:
        Invalid: as for `miss_count`. An oversized log is refused before it is looked at.
        ProblemError: as for `miss_count`.
    """
    _check(trace, capacity)
    where = f"capacity {capacity}"
    if type(bypasses) is not bool:
        raise Invalid(f"{where}: whether the policy bypasses is told by a {type(bypasses).__name__}, not a bool")
    if type(log) not in (list, array) or (type(log) is array and log.typecode not in _INTEGER_CODES):
        raise Invalid(f"{where}: the log is a {type(log).__name__}, not an array or list of int")
    if len(log) > len(trace):
        raise Invalid(f"{where}: {len(log)} decisions for {len(trace)} requests")
    decisions = log.tolist() if type(log) is array else log
    if not set(map(type, decisions)) <= {int}:
        at = next(at for at, slot in enumerate(decisions) if type(slot) is not int)
        raise Invalid(f"{where}: decision {at} is a {type(decisions[at]).__name__}, not an int")
    if decisions and not BYPASS + (not bypasses) <= min(decisions) <= max(decisions) < capacity:
        raise Invalid(f"{where}: {_out_of_range(decisions, capacity, bypasses)}")
    return decisions


def _out_of_range(decisions: list[int], capacity: int, bypasses: bool) -> str:
    least = BYPASS if bypasses else 0
    at = next(at for at, slot in enumerate(decisions) if not least <= slot < capacity)
    slot = decisions[at]
    if slot == BYPASS:
        return f"decision {at} bypasses, and the policy does not declare bypasses = True"
    # Python refuses to print an integer of thousands of digits.
    shown = str(slot) if abs(slot) < _SHOWN else "far out of range"
    return f"decision {at} is {shown}; slots are 0 to {capacity - 1}"


def _replay(trace: Sequence[int], capacity: int, decisions: list[int]) -> tuple[int, int]:
    """Slots filled and decisions used."""
    requests, resident, names = _filled(trace, capacity)
    pending = iter(decisions)
    decide = pending.__next__
    try:
        for name in requests:
            if resident[name]:
                continue
            slot = decide()
            if slot >= 0:
                resident[names[slot]] = 0
                names[slot] = name
                resident[name] = 1
    except StopIteration:
        raise Invalid(
            f"capacity {capacity}: the log ends after {len(decisions)} decisions, before the trace does"
        ) from None
    return len(names), len(decisions) - sum(1 for _ in pending)


def fifo_misses(trace: Sequence[int], capacity: int) -> int:
    """Misses of first-in first-out, which never bypasses. Raises ProblemError as `miss_count` does."""
    _check(trace, capacity)
    requests, resident, names = _filled(trace, capacity)
    misses, hand = len(names), 0
    for name in requests:
        if resident[name]:
            continue
        misses += 1
        resident[names[hand]] = 0
        names[hand] = name
        resident[name] = 1
        hand += 1
        if hand == capacity:
            hand = 0
    return misses


def belady_misses(trace: Sequence[int], capacity: int, *, bypasses: bool) -> tuple[int, int]:
    """Fewest misses that any policy can have, knowing the future, and the bypasses among them.

    L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM Systems Journal 5(2), 1966,
    algorithm MIN: evict the object whose next request is farthest away. With `bypasses` the requested object is one of
    those to choose from, and stays outside where its own next request is the farthest.
    Raises ProblemError as `miss_count` does.
    """
    _check(trace, capacity)
    requests, resident, names = _filled(trace, capacity)
    started = len(trace) - sum(1 for _ in requests)
    next_use = _next_uses(trace)
    misses, bypassed = len(names), 0
    # The heap holds minus the next use. An entry that has passed is stale, but also nearer than any of a resident, and
    # so never comes to the top. Next uses are all different and name their object.
    heap = [-next_use[at] for at in range(started)]
    heapify(heap)
    for at in range(started, len(trace)):
        name, following = trace[at], next_use[at]
        if resident[name]:
            heappush(heap, -following)
            continue
        misses += 1
        farthest = -heap[0]
        if bypasses and following > farthest:
            bypassed += 1
            continue
        heapreplace(heap, -following)
        resident[trace[farthest % len(trace)]] = 0
        resident[name] = 1
    return misses, bypassed


def _next_uses(trace: Sequence[int]) -> list[int]:
    """For each request the index of the next one of its object, or its own plus the length where there is none."""
    length = len(trace)
    following = list(range(length, 2 * length))
    seen: dict[int, int] = {}
    for at, name in enumerate(trace):
        before = seen.get(name)
        if before is not None:
            following[before] = at
        seen[name] = at
    return following


def _filled(trace: Sequence[int], capacity: int) -> tuple[Iterator[int], bytearray, list[int]]:
    """The requests after those that fill the cache, which objects are resident, and the names in the slots."""
    resident = bytearray(max(trace, default=0) + 1)
    names: list[int] = []
    requests = iter(trace)
    for name in requests:
        if not resident[name]:
            resident[name] = 1
            names.append(name)
            if len(names) == capacity:
                break
    return requests, resident, names


def _check(trace: Sequence[int], capacity: int) -> None:
    if capacity < 1:
        raise ProblemError(f"a capacity of {capacity}", "A cache needs at least one slot.")
    if not trace:
        raise ProblemError("an empty trace", "A trace needs at least one request.")
