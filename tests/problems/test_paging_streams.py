"""The request sequences of paging-predictions have the properties that README.md gives for them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from paging_players import rules, streams

from evolve.core.rng import Generator, generator

KINDS = (*streams.MODELS, "loop+zipf", "sets+scan", "nested+scan")
SLOTS, LENGTH = 10, 400
DRAWS = 12


def _draw(*key: int | str) -> Generator:
    return generator("streams", *key)


def _raw(kind: str, seed: int, length: int = LENGTH) -> list[int]:
    return list(streams.MODELS[kind](_draw(kind, seed), length, SLOTS))


@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_numbered_by_their_first_request(kind: str) -> None:
    for length in (1, 7, 160):
        found = streams.sequence(kind, _draw(kind), length, 6)
        assert len(found) == length and all(type(page) is int for page in found)
        assert found == streams.sequence(kind, _draw(kind), length, 6) == streams.renumbered(found)
        new = [page for time, page in enumerate(found) if page not in found[:time]]
        assert new == list(range(len(new)))


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"sweep"}))
def test_every_kind_lets_the_optimum_gain_over_least_recently_used(kind: str) -> None:
    optimum = lru = 0
    for seed in range(DRAWS):
        requests = streams.sequence(kind, _draw(kind, seed), 160, SLOTS)
        optimum += rules.belady(requests, SLOTS)[0]
        lru += _lru(requests)
    assert 1.1 * optimum < lru < 4 * optimum and optimum > DRAWS * SLOTS


def _lru(requests: list[int]) -> int:
    held: dict[int, None] = {}
    faults = 0
    for page in requests:
        if page not in held:
            faults += 1
            if len(held) == SLOTS:
                del held[next(iter(held))]
        held.pop(page, None)
        held[page] = None
    return faults


def test_zipf_has_as_many_pages_as_it_says_and_a_few_are_popular() -> None:
    for seed in range(DRAWS):
        found = _raw("zipf", seed, 2_000)
        assert len(set(found)) <= 5 * SLOTS and max(found) < 5 * SLOTS
    counts = sorted((found.count(page) for page in set(found)), reverse=True)
    assert counts[0] > 3 * counts[-1]


def test_sets_keep_to_a_few_pages_for_a_while() -> None:
    for seed in range(DRAWS):
        found = _raw("sets", seed)
        assert len(set(found)) <= 4 * SLOTS
        assert len(set(found[: 2 * SLOTS])) <= 1.4 * SLOTS


def test_loops_are_a_little_longer_than_the_cache() -> None:
    steps, strays = 0, []
    for seed in range(DRAWS):
        found = _raw("loop", seed)
        assert max(found) < 3 * SLOTS
        follow = sum((b - a) % (3 * SLOTS) == 1 for a, b in pairwise(found))
        strays.append(1 - follow / LENGTH)
        steps += follow
    # A stray breaks two steps, and the end of a round one.
    assert min(strays) > 0.2 and max(strays) < 0.9 and steps > 0.25 * DRAWS * LENGTH


def test_the_stack_has_its_share_of_new_pages() -> None:
    for seed in range(DRAWS):
        share = len(set(_raw("stack", seed, 2_000))) / 2_000
        assert 0.03 < share < 0.35


def test_scans_are_runs_of_pages_that_are_requested_once() -> None:
    for seed in range(DRAWS):
        found = _raw("scan", seed, 2_000)
        once = sum(found.count(page) == 1 for page in set(found)) / 2_000
        assert 0.15 < once < 0.55


def test_nested_loops_repeat_stretches_of_an_outer_loop() -> None:
    for seed in range(DRAWS):
        found = _raw("nested", seed)
        pages = max(found) + 1
        assert 2 * SLOTS <= pages <= 3 * SLOTS
        size = next(at for at, page in enumerate(found) if at and page == 0)
        assert found[:size] == found[size : 2 * size] == list(range(size)) and 0.4 * SLOTS <= size <= 0.9 * SLOTS


def test_a_sweep_goes_to_and_fro_and_least_recently_used_is_the_best_there_is() -> None:
    for seed in range(DRAWS):
        found = _raw("sweep", seed)
        assert _lru(found) == rules.belady(found, SLOTS)[0]
        assert max(found) < 2.5 * SLOTS and all(abs(a - b) <= 1 for a, b in pairwise(found))
        assert max(found) >= 1.3 * SLOTS - 2


def test_a_walk_takes_small_steps_and_rare_jumps() -> None:
    for seed in range(DRAWS):
        found = _raw("walk", seed)
        assert max(found) < 4 * SLOTS
        pages = max(found) + 1
        small = sum(min((b - a) % pages, (a - b) % pages) <= 3 for a, b in pairwise(found))
        assert small > 0.8 * LENGTH


def test_programs_of_a_mixture_have_pages_of_their_own() -> None:
    shared = streams.sequence("loop+scan", _draw("mixture"), 300, SLOTS)
    assert len(set(shared)) > len(set(streams.sequence("loop", _draw("mixture"), 300, SLOTS)))
    with pytest.raises(KeyError):
        streams.sequence("loop+nothing", _draw("mixture"), 10, SLOTS)
