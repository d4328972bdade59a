"""The rules of paging: what a decision log costs, what the optimum costs, and what a perfect predictor would say.

A cache of `slots` pages starts empty and takes every page until it is full, in slots 0, 1, 2, ...; every request has to
be served, so that on each later fault one slot is freed. A log holds the freed slots in order. The cost is the number
of faults, those that fill the cache included.

Labels, for the request of page p at time t (A. Antoniadis and others, Paging with succinct predictions, 2022):

* discard: 1 where Belady's rule (LFD, longest forward distance) evicts p before p's next request, else 0;
* phase: 0 where p is requested in the next k-phase, else 1. The phases cut the sequence greedily into the longest
  stretches that request at most `slots` different pages.

Both mean the same for an eviction: 1 says that the page may go. A bit 0 that should be 1 counts for eta_0, a bit 1 that
should be 0 for eta_1.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, Final

from evolve.core.errors import Invalid
from evolve.core.rng import Generator

DISCARD: Final = "discard"
PHASE: Final = "phase"
NEVER: Final = 1 << 60
ERRORS: Final = ("both", "zeros", "ones")
ADVERSARIES: Final = ("inverted", "popular", "bursts", "constant")
_SHOWN: Final = 10**12


# Costs


def faults(requests: Sequence[int], slots: int, log: Any) -> int:
    """Faults that a decision log comes to, in a cache that is empty at first.

    Args:
        requests: pages, one a request.
        slots: pages that fit.
        log: an array of typecode "i" or a list of int: the slot that is freed on each fault of a full cache, in order.

    Raises:
        Invalid: the log is none of these, is longer or shorter than the decisions to be taken, or names no slot.
    """
    decisions = _checked(log, len(requests), slots)
    resident: set[int] = set()
    names: list[int] = []
    used = 0
    for page in requests:
        if page in resident:
            continue
        resident.add(page)
        if len(names) < slots:
            names.append(page)
            continue
        if used == len(decisions):
            raise Invalid(f"the log ends after {used} decisions, before the sequence does")
        slot = decisions[used]
        used += 1
        resident.remove(names[slot])
        names[slot] = page
    if used < len(decisions):
        raise Invalid(f"{len(decisions)} decisions where only {used} were to be taken")
    return len(names) + used


def checked_slot(slot: Any, slots: int) -> int:
    """The answer to one question. Raises Invalid where it is no int from 0 to slots - 1."""
    if type(slot) is not int:
        raise Invalid(f"the slot to free is a {type(slot).__name__}, not an int")
    if not 0 <= slot < slots:
        # Python refuses to print an integer of thousands of digits.
        shown = str(slot) if abs(slot) < _SHOWN else "far out of range"
        raise Invalid(f"the slot to free is {shown}; slots are 0 to {slots - 1}")
    return slot


def _checked(log: Any, requests: int, slots: int) -> list[int]:
    if type(log) is array and log.typecode == "i":
        decisions = log.tolist()
    elif type(log) is list:
        decisions = log
    else:
        raise Invalid(f"the log is a {type(log).__name__}, not an array or list of int")
    if len(decisions) > requests:
        raise Invalid(f"{len(decisions)} decisions for {requests} requests")
    for slot in decisions:
        checked_slot(slot, slots)
    return decisions


# Belady's rule


def next_requests(requests: Sequence[int]) -> list[int]:
    """For each request the time of the next one of the same page, or NEVER."""
    after: dict[int, int] = {}
    times = [NEVER] * len(requests)
    for time in range(len(requests) - 1, -1, -1):
        times[time] = after.get(requests[time], NEVER)
        after[requests[time]] = time
    return times


def belady(requests: Sequence[int], slots: int) -> tuple[int, list[int]]:
    """Faults of LFD and its discard labels.

    On a fault the page leaves whose next request is farthest away (L. A. Belady, IBM Systems Journal 5(2), 1966); of
    pages that are never requested again, the one whose last request is longest ago. No algorithm has fewer faults.
    """
    following = next_requests(requests)
    last: dict[int, int] = {}  # the time of the last request of each resident
    labels = [0] * len(requests)
    count = 0
    for time, page in enumerate(requests):
        if page not in last:
            count += 1
            if len(last) == slots:
                gone = max(last, key=lambda one: (following[last[one]], -last[one]))
                labels[last.pop(gone)] = 1
        last[page] = time
    return count, labels


# Phases


def phases(requests: Sequence[int], slots: int) -> list[int]:
    """The number of the k-phase of each request: a new one begins with the first page that does not fit into it."""
    numbers: list[int] = []
    seen: set[int] = set()
    number = 0
    for page in requests:
        if page not in seen and len(seen) == slots:
            seen.clear()
            number += 1
        seen.add(page)
        numbers.append(number)
    return numbers


def phase_labels(requests: Sequence[int], slots: int) -> list[int]:
    """0 where the page is requested in the next k-phase, else 1; so 1 in the last phase."""
    numbers = phases(requests, slots)
    requested = set(zip(numbers, requests, strict=True))
    return [int((number + 1, page) not in requested) for number, page in zip(numbers, requests, strict=True)]


def labels(kind: str, requests: Sequence[int], slots: int) -> list[int]:
    """What a perfect predictor of the kind, DISCARD or PHASE, says at each request."""
    return belady(requests, slots)[1] if kind == DISCARD else phase_labels(requests, slots)


# Wrong predictions


def flipped(truth: Sequence[int], errors: str, probability: float, draw: Generator) -> list[int]:
    """Bits of which each that may be wrong is so with the given probability, independently.

    `errors` is "zeros" (only what should be 1 is flipped, to a wrong 0), "ones" (only what should be 0), or "both".
    """
    may = {"both": (0, 1), "zeros": (1,), "ones": (0,)}[errors]
    chances = draw.random(len(truth)) < probability
    return [bit ^ int(wrong and bit in may) for bit, wrong in zip(truth, chances, strict=True)]


def adversarial(truth: Sequence[int], requests: Sequence[int], slots: int, how: str, draw: Generator) -> list[int]:
    """Bits of a predictor that means harm.

    inverted: every bit is wrong. popular: every bit of the most requested pages, which have half of all requests, is
    wrong. bursts: right and wrong in turns of 2 to 4 cachefuls of requests, right at first. constant: the same bit, 0
    or 1, all the time.
    """
    if how == "inverted":
        return [1 - bit for bit in truth]
    if how == "constant":
        return [int(draw.integers(2))] * len(truth)
    if how == "popular":
        hated = _popular(requests)
        return [bit ^ int(page in hated) for bit, page in zip(truth, requests, strict=True)]
    bits: list[int] = []
    wrong = 0
    while len(bits) < len(truth):
        size = int(slots * draw.uniform(2.0, 4.0))
        bits += [bit ^ wrong for bit in truth[len(bits) : len(bits) + size]]
        wrong = 1 - wrong
    return bits


def _popular(requests: Sequence[int]) -> set[int]:
    counts: dict[int, int] = {}
    for page in requests:
        counts[page] = counts.get(page, 0) + 1
    chosen: set[int] = set()
    covered = 0
    for page in sorted(counts, key=lambda one: (-counts[one], one)):
        if 2 * covered >= len(requests):
            break
        chosen.add(page)
        covered += counts[page]
    return chosen


def errors(truth: Sequence[int], bits: Sequence[int]) -> tuple[int, int]:
    """(eta_0, eta_1): bits 0 that should be 1, and bits 1 that should be 0."""
    wrong = [said for right, said in zip(truth, bits, strict=True) if right != said]
    return len(wrong) - sum(wrong), sum(wrong)
