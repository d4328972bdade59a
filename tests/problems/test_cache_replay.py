"""Replay of decision logs, first-in first-out, and Belady's optimum."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from cache_policies import (
    POLICIES,
    Lru,
    capacities,
    driver,
    instance_of,
    misses_by_hand,
    oracle,
    random_trace,
    replay,
    small_traces,
    verifier,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.core.clock import cpu_seconds
from evolve.core.errors import Invalid, ProblemError

tiny_traces = st.lists(st.integers(0, 4), min_size=1, max_size=11).map(lambda names: array("i", names))


@pytest.mark.parametrize("make_policy", POLICIES)
@given(trace=small_traces, capacity=capacities)
@settings(max_examples=60, deadline=None)
def test_replay_counts_what_the_log_says(make_policy: Any, trace: array[int], capacity: int) -> None:
    ((bypasses, log),) = driver.drive(make_policy, trace, (capacity,))
    misses, bypassed = replay.miss_count(trace, capacity, log, bypasses)
    assert misses == misses_by_hand(trace, capacity, log)
    assert bypassed == log.count(-1)
    assert replay.miss_count(trace, capacity, log.tolist(), bypasses) == (misses, bypassed)


def test_replay_of_a_log_written_by_hand() -> None:
    trace = array("i", [0, 1, 0, 2, 0, 1, 3, 3])
    # Filled with 0, 1; 2 replaces 1; 1 stays outside; 3 replaces 0.
    assert replay.miss_count(trace, 2, array("i", [1, -1, 0]), True) == (5, 1)
    assert replay.miss_count(trace, 4, array("i"), False) == (4, 0)
    assert replay.miss_count(trace, 9, [], False) == (4, 0)


@pytest.mark.parametrize(
    ("log", "bypasses", "says"),
    [
        ([1, -1], True, "the log ends after 2 decisions"),
        ([], True, "the log ends after 0 decisions"),
        ([1, -1, 0, 0], True, "4 decisions where only 3 were"),
        ([1, -1, 0], False, "decision 1 bypasses, and the policy does not declare"),
        ([1, 2, 0], False, "decision 1 is 2; slots are 0 to 1"),
        ([1, -2, 0], True, "decision 1 is -2; slots are 0 to 1"),
        ([1, 10**6_000, 0], True, "decision 1 is far out of range"),
        ([1, -(10**6_000), 0], True, "decision 1 is far out of range"),
        ([1, True, 0], True, "decision 1 is a bool, not an int"),
        ([1, 0.0, 0], True, "decision 1 is a float, not an int"),
        ([1, None, 0], True, "decision 1 is a NoneType, not an int"),
        ([1, [], 0], True, "decision 1 is a list, not an int"),
        ([0] * 9, False, "9 decisions for 8 requests"),
        ([[]] * 2_000_000, False, "2000000 decisions for 8 requests"),
        (array("d", [1, 0, 0]), False, "the log is a array"),
        (array("u", "abc"), False, "the log is a array"),
        ((1, 0, 0), False, "the log is a tuple"),
        ("100", False, "the log is a str"),
        (b"100", False, "the log is a bytes"),
        (None, False, "the log is a NoneType"),
        (3, False, "the log is a int"),
        ([1, -1, 0], 1, "told by a int, not a bool"),
        ([1, -1, 0], None, "told by a NoneType, not a bool"),
    ],
)
def test_a_log_that_breaks_a_rule_is_invalid(log: Any, bypasses: Any, says: str) -> None:
    trace = array("i", [0, 1, 0, 2, 0, 1, 3, 3])
    with pytest.raises(Invalid, match=says):
        replay.miss_count(trace, 2, log, bypasses)
    assert replay.miss_count(trace, 2, [1, -1, 0], True) == (5, 1)


@pytest.mark.parametrize(
    "output",
    [
        None,
        {},
        [],
        [(False, [])],
        [(False, []), (False, []), (False, [])],
        [(False, []), (False,)],
        [(False, []), (False, [], [])],
        [(False, []), {0: False, 1: []}],
        [(False, []), "no"],
    ],
)
def test_an_output_of_the_wrong_shape_is_invalid(output: Any) -> None:
    instance = instance_of([0, 1, 0, 1], 2, 3)
    with pytest.raises(Invalid, match=r"pair|capacity 3"):
        verifier.score(instance, output)
    assert verifier.score(instance, [[False, []], (False, array("q"))]).value == 0.0


@pytest.mark.parametrize(("trace", "size"), [([], 2), ([0, 1], 0), ([0, 1], -1)])
def test_no_requests_or_no_slots_are_refused(trace: list[int], size: int) -> None:
    requests = array("i", trace)
    for use in (
        lambda: replay.miss_count(requests, size, [], False),
        lambda: replay.fifo_misses(requests, size),
        lambda: replay.belady_misses(requests, size, bypasses=True),
        lambda: verifier.make_instance("some", "some", requests, [size]),
    ):
        with pytest.raises(ProblemError, match=r"empty trace|capacit") as caught:
            use()
        assert caught.value.remedy
    with pytest.raises(ProblemError, match="empty trace"):
        verifier.make_instance("some", "some", array("i"))


def test_replay_reads_two_million_requests_a_second() -> None:
    trace = random_trace("speed", 3_000, 60_000)
    ((bypasses, log),) = driver.drive(Lru, trace, (300,))
    assert 0.2 < len(log) / len(trace) < 0.9
    best = 1.0
    for _ in range(5):
        started = cpu_seconds()
        replay.miss_count(trace, 300, log, bypasses)
        best = min(best, cpu_seconds() - started)
    assert len(trace) / best > 2_000_000


# First-in first-out and the optimum


@given(trace=small_traces, capacity=capacities)
def test_fifo_is_the_policy_that_evicts_slots_in_turn(trace: array[int], capacity: int) -> None:
    class Fifo(Lru):
        def hit(self, slot: int) -> None:
            pass

    ((_, log),) = driver.drive(Fifo, trace, (capacity,))
    assert replay.fifo_misses(trace, capacity) == misses_by_hand(trace, capacity, log)


def _least_misses(trace: Sequence[int], capacity: int, bypasses: bool) -> int:
    """The fewest misses of all decisions that can be taken, by trying them."""

    @cache
    def rest(at: int, resident: frozenset[int]) -> int:
        if at == len(trace):
            return 0
        name = trace[at]
        if name in resident:
            return rest(at + 1, resident)
        if len(resident) < capacity:
            return 1 + rest(at + 1, resident | {name})
        found = [rest(at + 1, resident - {gone} | {name}) for gone in resident]
        return 1 + min(found + [rest(at + 1, resident)] * bypasses)

    return rest(0, frozenset())


@pytest.mark.parametrize("bypasses", [False, True])
@given(trace=tiny_traces, capacity=st.integers(1, 3))
@settings(max_examples=300, deadline=None)
def test_belady_equals_exhaustive_search(bypasses: bool, trace: array[int], capacity: int) -> None:
    misses, bypassed = replay.belady_misses(trace, capacity, bypasses=bypasses)
    assert misses == _least_misses(trace, capacity, bypasses)
    assert 0 <= bypassed <= misses * bypasses


@given(trace=small_traces, capacity=capacities)
def test_a_policy_that_knows_the_future_reaches_belady_without_bypass(trace: array[int], capacity: int) -> None:
    ((bypasses, log),) = driver.drive(oracle(trace), trace, (capacity,))
    found = replay.miss_count(trace, capacity, log, bypasses)
    assert found == replay.belady_misses(trace, capacity, bypasses=False)


def test_bypassing_helps_where_one_slot_is_fought_for() -> None:
    trace = [0, 1, 0, 2, 0, 3, 0]
    assert replay.belady_misses(trace, 1, bypasses=False) == (7, 0)
    assert replay.belady_misses(trace, 1, bypasses=True) == (4, 3)
