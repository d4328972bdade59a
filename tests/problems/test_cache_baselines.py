"""The published baselines of cache-eviction: worked examples, and what holds on any trace."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from cache_baselines import FOLDER, MODULES, NAMES, driver, hits_of, replay, short_traces
from hypothesis import given, settings
from hypothesis import strategies as st


def _told(name: str, trace: str | Iterable[int], capacity: int) -> str:
    """A '.' for each miss and a '+' for each hit."""
    return "".join(".+"[hit] for hit in hits_of(name, map(ord, trace) if isinstance(trace, str) else trace, capacity))


def test_every_baseline_has_a_name_here_and_cites_its_source() -> None:
    assert tuple(sorted(path.stem for path in (FOLDER / "baselines").glob("*.py"))) == NAMES
    assert all(module.__doc__ for module in MODULES.values())


@pytest.mark.parametrize(
    ("name", "capacity", "letters", "expected"),
    [
        # d evicts a, requested or not; then a evicts b, b evicts c
        ("fifo", 3, "abcadab", "...+..."),
        # a loop one larger than the capacity
        ("lru", 3, "abcdabcdabcd", "............"),
        # d evicts b, then b evicts c
        ("lru", 3, "abcadab", "...+.+."),
        # c evicts a (2 requests against 3), a evicts c (1)
        ("lfu", 2, "aabbbcab", ".+.++..+"),
        # c evicts b, which reached two requests before a did
        ("lfu", 2, "abbacab", "..++.+."),
        # c, d, e and f take turns: none has as many requests as a and b
        ("lfu", 3, "aabbcdefab", ".+.+....++"),
        # e drops a from A1in although it was hit there; back from A1out it is in Am, and a scan passes it by
        ("two_q", 4, "abcdaaaeafghijklma", "....+++..........+"),
        # Kout = 2: e, f, g remember a, b, c and so forget a, which then passes A1in once more
        ("two_q", 4, "abcdefgahijka", "............."),
        # b comes back from B1, so p = 1 and T2's a goes, not c; c is hit; then a comes back from B2, and p = 0
        ("arc", 2, "aabcbcacb", ".+...+.+."),
        # a and b, requested twice, are in T2, and a scan fills and leaves T1
        ("arc", 4, "ababcdefghijab", "..++........++"),
        # d spares a and b and evicts c, the newest: the hand starts anew at a, not at d; e evicts a, a evicts b
        ("sieve", 3, "abcabdeabd", "...++....."),
        # d evicts a; e spares b and evicts c; f evicts d: the hand has passed b
        ("sieve", 3, "abcbdefb", "...+...+"),
        # LIR a, b and HIR c; c again makes it LIR and a HIR, so d evicts a
        ("lirs", 3, "abccdbca", "...+.++."),
        # c is evicted but remembered in S: back, it is LIR and a HIR; so e evicts a
        ("lirs", 3, "abcdcebca", "......++."),
        # a and b have come round before c and d are back, which so are out of S, and share the HIR slot
        ("lirs", 3, "abcabdabcabdab", "...++.++.++.++"),
    ],
)
def test_worked_examples(name: str, capacity: int, letters: str, expected: str) -> None:
    assert _told(name, letters, capacity) == expected


def test_lirs_keeps_all_but_one_slot_through_a_loop() -> None:
    # Nine are LIR, and three share the slot of the only HIR.
    assert _told("lirs", [step % 12 for step in range(120)], 10) == "." * 12 + ("+" * 9 + "." * 3) * 9


def test_lirs_moves_a_hir_that_left_the_stack_back_in_the_queue() -> None:
    # 198 and 199 become LIR, 0 and 1 HIR outside S; 0 is requested, and so 300 evicts 1.
    assert _told("lirs", [*range(200), 198, 199, 0, 300, 0, 1], 200)[-6:] == "+++.+."


def test_lirs_forgets_the_first_evicted_beyond_one_capacity() -> None:
    # 100 evicts 9, and each of the scan its predecessor. Where 9 is still remembered, it comes back as LIR and stays.
    assert _told("lirs", [*range(10), *range(100, 110), 9, 200, 9], 10)[-3:] == "..+"
    assert _told("lirs", [*range(10), *range(100, 111), 9, 200, 9], 10)[-3:] == "..."


def test_s3_fifo_keeps_objects_of_one_request_out_of_main() -> None:
    trace = [*range(20), *range(100, 300), *range(2, 20)]  # 0 and 1 fill the small queue, 2 to 19 the main one
    assert _told("s3_fifo", trace, 20)[-18:] == "+" * 18
    assert _told("lru", trace, 20)[-18:] == "." * 18


def test_s3_fifo_promotes_after_two_hits_not_one() -> None:
    fill = list(range(20))
    # One hit: 102 evicts 100, which comes back from the ghosts into main; 103 then finds small short and evicts 2.
    assert _told("s3_fifo", [*fill, 100, 100, 101, 102, 100, 103, 2, 3], 20)[20:] == ".+.....+"
    # Two hits: 102 finds 100 worth moving and evicts 101.
    assert _told("s3_fifo", [*fill, 100, 100, 100, 101, 102, 100, 101], 20)[20:] == ".++..+."


def test_w_tinylfu_admits_by_frequency_and_remembers_it_outside() -> None:
    often = [number for number in range(10) for _ in range(4)]
    # 9 is in the window when the scan starts and loses its tie against 0; no object of the scan gets past 0 .. 8.
    assert _told("w_tinylfu", [*often, *range(100, 120), *range(10)], 10)[-10:] == "+" * 9 + "."
    # 50 loses while its count is 1, 2, 3, 4; with 5 it beats 0, whose count is 4.
    tries = [number for step in range(5) for number in (50, 60 + step)]
    assert _told("w_tinylfu", [*often, *tries, 50, 1, 0], 10)[-13:] == "." * 10 + "++."


def test_w_tinylfu_protects_whoever_was_requested_again() -> None:
    # 0 and 1 become protected. Eight newcomers with more requests push out 9, 2 .. 8, and then the first of themselves.
    newcomers = [number for number in range(50, 57) for _ in range(3)]
    trace = [*range(10), 0, 1, *newcomers, 57, 57, 57, 57, 58, 0, 1, 51, 50]
    assert _told("w_tinylfu", trace, 10)[-5:] == ".+++."


def test_w_tinylfu_halves_its_counts_after_ten_capacities() -> None:
    often = [number for number in range(10) for _ in range(4)]
    # The hundredth request leaves 1 with a count of 2 instead of 4, so that 50 needs no more than 3 to replace it.
    assert _told("w_tinylfu", [*often, *[0] * 60, 50, 60, 50, 61, 50, 62, 50, 1], 10)[-8:] == "......+."
    assert _told("w_tinylfu", [*often, *[0] * 53, 50, 60, 50, 61, 50, 62, 50, 1], 10)[-8:] == ".......+"


def test_lhd_evicts_from_a_full_sample_whoever_was_never_requested_again() -> None:
    policy = MODULES["lhd"].make_policy(8)
    for slot in range(8):
        policy.place(slot, -1)
    for slot in (0, 1, 2, 3, 4, 6, 7):
        policy.hit(slot)
    assert policy.victim(-1) == 5


def test_lhd_learns_the_hit_density_of_its_definition() -> None:
    module = MODULES["lhd"]
    policy = module.make_policy(64)
    generator = random.Random(5)
    for kind in range(1, module.CLASSES):  # class 0 has seen nothing
        policy.hits[kind] = [float(generator.randrange(9)) for _ in range(module.BINS)]
        policy.evictions[kind] = [float(generator.randrange(9)) for _ in range(module.BINS)]
    hits, ages = policy.hits[3][:], range(module.BINS)
    events = [hits[age] + policy.evictions[3][age] for age in ages]
    expected = [sum(hits[age:]) / sum(sum(events[later:]) for later in ages[age:]) for age in ages]
    policy.learn()
    assert policy.densities[3] == pytest.approx(expected)
    assert policy.densities[0] == [0.0] * module.BINS
    assert policy.hits[3] == pytest.approx([module.DECAY * hit for hit in hits])


def test_lhd_beats_lru_where_recent_means_worthless() -> None:
    loop = [step % 150 for step in range(30_000)]
    assert sum(hits_of("lru", loop, 100)) == 0
    assert sum(hits_of("lhd", loop, 100)) > 0.3 * len(loop)


def _watched(make_policy: Callable[[int], Any], capacity: int) -> Any:
    """A policy whose answers are checked as it gives them."""
    policy = make_policy(capacity)

    def checked(answer: Callable[[int], int], least: int) -> Callable[[int], int]:
        def call(question: int) -> int:
            number = answer(question)
            assert type(number) is int and least <= number < capacity
            return number

        return call

    policy.victim = checked(policy.victim, 0)
    if hasattr(policy, "remember"):
        policy.remember = checked(policy.remember, -1)
    return policy


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=100, deadline=None)
@given(trace=short_traces, capacity=st.integers(1, 20))
def test_decisions_are_possible_on_any_trace(name: str, trace: array[int], capacity: int) -> None:
    make_policy = MODULES[name].make_policy
    ((bypasses, log),) = driver.drive(lambda size: _watched(make_policy, size), trace, [capacity])
    assert not bypasses
    hits = replay(trace, capacity, log)
    assert len(log) == hits.count(False) - min(capacity, len(set(trace)))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_trace_gives_the_same_decisions(name: str) -> None:
    trace = array("q", random.Random(1).choices(range(300), [1 / rank for rank in range(1, 301)], k=30_000))
    sizes = [1, 2, 3, 10, 100]
    first, again = (driver.drive(MODULES[name].make_policy, trace, sizes) for _ in range(2))
    assert first == again
    ratios = [1 - len(log) / len(trace) for _, log in first]
    assert ratios == sorted(ratios) and ratios[-1] > 0.6
