"""The problem paging-predictions: its rules, its wrong bits, its logs and its instances."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paging_players import rules, verifier

from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Split

sequences = st.lists(st.integers(0, 6), min_size=1, max_size=40)
capacities = st.integers(2, 4)


def _pages(letters: str) -> list[int]:
    return [ord(letter) for letter in letters]


# Belady's rule and labels


def _least_faults(requests: list[int], slots: int) -> int:
    """By trying every page that could be evicted at every fault."""

    @cache
    def rest(time: int, held: frozenset[int]) -> int:
        if time == len(requests):
            return 0
        page = requests[time]
        if page in held:
            return rest(time + 1, held)
        if len(held) < slots:
            return 1 + rest(time + 1, held | {page})
        return 1 + min(rest(time + 1, held - {gone} | {page}) for gone in held)

    return rest(0, frozenset())


@given(st.lists(st.integers(0, 5), min_size=1, max_size=14), capacities)
def test_nobody_has_fewer_faults_than_the_optimum(requests: list[int], slots: int) -> None:
    assert rules.belady(requests, slots)[0] == _least_faults(requests, slots)


def test_a_worked_example_of_labels() -> None:
    # c evicts b, whose next request comes after that of a. At the end a and c have none, and c's last is longer ago.
    assert rules.belady(_pages("abcab"), 2) == (4, [0, 1, 1, 0, 0])
    # d evicts a, and c is hit; e evicts b or c or d, none of which comes again: b.
    assert rules.belady(_pages("abcdce"), 3) == (5, [1, 1, 0, 0, 0, 0])
    assert rules.belady(_pages("aab"), 2) == (2, [0, 0, 0])


@given(sequences, capacities)
def test_a_discard_label_says_whether_the_optimum_faults_at_the_next_request(requests: list[int], slots: int) -> None:
    count, labels = rules.belady(requests, slots)
    following = rules.next_requests(requests)
    assert sum(labels) == max(0, count - slots)  # each eviction is one label
    faults = len(set(requests))
    faults += sum(label for label, after in zip(labels, following, strict=True) if after != rules.NEVER)
    assert faults == count


def test_a_worked_example_of_phases() -> None:
    requests = _pages("abacbbdab")
    assert rules.phases(requests, 2) == [0, 0, 0, 1, 1, 1, 2, 2, 3]
    # In phase 0 b comes again, a does not; in phase 1 (c, b) none does; in phase 2 none does; nothing follows the last.
    assert rules.phase_labels(requests, 2) == [1, 0, 1, 1, 1, 1, 1, 1, 1]
    assert rules.labels("phase", requests, 2) == rules.phase_labels(requests, 2)
    assert rules.labels("discard", requests, 2) == rules.belady(requests, 2)[1]


@given(sequences, capacities)
def test_a_phase_is_as_long_as_it_can_be(requests: list[int], slots: int) -> None:
    numbers = rules.phases(requests, slots)
    parts = [[page for page, at in zip(requests, numbers, strict=True) if at == n] for n in range(numbers[-1] + 1)]
    assert [page for part in parts for page in part] == requests
    assert all(len(set(part)) <= slots for part in parts)
    for part, following in pairwise(parts):
        assert len({*part, following[0]}) == slots + 1


# Wrong bits

bits = st.lists(st.integers(0, 1), min_size=1, max_size=60)


@given(bits, st.sampled_from(("both", "zeros", "ones")), st.integers(0, 99))
def test_only_bits_that_may_be_wrong_are(truth: list[int], kind: str, seed: int) -> None:
    assert rules.flipped(truth, kind, 0.0, generator(seed)) == truth
    all_wrong = rules.flipped(truth, kind, 1.0, generator(seed))
    zeros, ones = rules.errors(truth, all_wrong)
    assert zeros == (truth.count(1) if kind != "ones" else 0) and ones == (truth.count(0) if kind != "zeros" else 0)


def test_bits_are_wrong_as_often_as_is_said() -> None:
    truth = [0, 1] * 20_000
    for probability in verifier.PROBABILITIES:
        zeros, ones = rules.errors(truth, rules.flipped(truth, "both", probability, generator(1)))
        assert zeros / 20_000 == pytest.approx(probability, abs=0.01)
        assert ones / 20_000 == pytest.approx(probability, abs=0.01)


def test_adversaries() -> None:
    truth, requests = [0, 1, 0, 1, 1, 0, 0, 1], _pages("aabacada")
    harm: Callable[[str], list[int]] = lambda how: rules.adversarial(truth, requests, 2, how, generator(3))  # noqa: E731
    assert harm("inverted") == [1, 0, 1, 0, 0, 1, 1, 0]
    assert harm("popular") == [1, 0, 0, 0, 1, 1, 0, 0]  # a has five of the eight requests
    assert len(set(harm("constant"))) == 1
    truth = [0] * 60
    wrong = rules.adversarial(truth, [1] * 60, 4, "bursts", generator(3))
    runs = "".join(map(str, wrong)).replace("01", "0 1").replace("10", "1 0").split()
    assert runs[0][0] == "0" and all(8 <= len(run) <= 16 for run in runs[:-1])


# Logs


def test_faults_of_a_log() -> None:
    requests = _pages("abcab")
    assert rules.faults(requests, 2, [1, 1]) == 4  # c evicts b, a is hit, b evicts c
    assert rules.faults(requests, 2, array("i", [0, 1, 0])) == 5
    assert rules.faults(requests, 3, []) == 3


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ([1], "ends after 1 decisions"),
        ([1, 1, 0], "3 decisions where only 2"),
        ([1, 2], "is 2; slots are 0 to 1"),
        ([-1, 1], "is -1"),
        ([1, 10**5000], "far out of range"),
        ([True, True], "is a bool"),
        ([1.0, 1.0], "is a float"),
        ([None, 1], "is a NoneType"),
        ((1, 1), "is a tuple"),
        (array("d", [1.0, 1.0]), "not an array or list of int"),
        (array("q", [1, 1]), "not an array or list of int"),
        ("11", "is a str"),
        (None, "is a NoneType"),
        ([0] * 6, "6 decisions for 5 requests"),
    ],
)
def test_a_log_that_breaks_a_rule_is_refused(log: Any, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        rules.faults(_pages("abcab"), 2, log)


# Instances


@pytest.mark.parametrize(
    ("split", "count", "requests"), [("probe", 2, 160), ("train", 12, 128), ("gate", 24, 160), ("report", 16, 160)]
)
def test_each_split_has_its_instances(split: str, count: int, requests: int) -> None:
    found = verifier.instances(Split(split), 9)
    assert len({one.id for one in found}) == len({one.group for one in found}) == len(found) == count
    assert {one.args[0] for one in found} == set(verifier.PREDICTIONS)
    for one in found:
        lanes = verifier.lanes_of(one)
        assert one.group == f"{split}/{one.id}" and len(lanes) == 10
        assert one.args[1] == tuple(lane.slots for lane in lanes)
        assert sorted(lane.noise for lane in lanes) == sorted([*map(str, verifier.PROBABILITIES), *rules.ADVERSARIES])
        assert len({lane.requests for lane in lanes}) == 10  # none is played twice
        for lane in lanes:
            assert len(lane.requests) == len(lane.bits) == requests
            assert verifier.LEAST_SLOTS <= lane.slots <= verifier.MOST_SLOTS and lane.slots < lane.optimum < requests
            assert lane.optimum == rules.belady(lane.requests, lane.slots)[0]
    assert verifier.instances(Split(split), 9) == found


def test_the_profile_is_smaller() -> None:
    found = verifier.instances(Split.GATE, 9, share=0.5, gate_rounds=1)
    assert len(found) == 12 and len(verifier.lanes_of(found[0])[0].requests) == 80


def test_splits_and_seeds_are_disjoint_and_final_has_kinds_that_the_search_never_sees() -> None:
    found = {split: verifier.instances(split, 3) for split in Split} | {"other": verifier.instances(Split.GATE, 4)}
    every = [lane.requests for instances in found.values() for one in instances for lane in verifier.lanes_of(one)]
    assert len(set(every)) == len(every)
    kinds = {split: {one.id.split("-")[0] for one in instances} for split, instances in found.items()}
    assert kinds[Split.GATE] == kinds[Split.TRAIN] and len(kinds[Split.FINAL] - kinds[Split.TRAIN]) == 6
    assert len(kinds[Split.REPORT] - kinds[Split.TRAIN]) == 2
    assert len({one.group for one in found[Split.FINAL]}) == 24


def test_the_place_of_a_sequence_tells_nothing_of_its_errors() -> None:
    places = {lane.noise: set() for lane in verifier.lanes_of(verifier.instances(Split.PROBE, 1)[0])}
    for one in verifier.instances(Split.FINAL, 5):
        for place, lane in enumerate(verifier.lanes_of(one)):
            places[lane.noise].add(place)
    assert all(len(found) >= 7 for found in places.values())


def test_what_is_told_by_chance_has_the_errors_of_its_probability() -> None:
    wrong: dict[str, list[int]] = {}
    for one in verifier.instances(Split.FINAL, 5):
        for lane in verifier.lanes_of(one):
            truth = rules.labels(one.args[0], lane.requests, lane.slots)
            wrong.setdefault(lane.noise, []).append(sum(rules.errors(truth, lane.bits)) / len(truth))
    assert set(wrong["inverted"]) == {1.0} and set(wrong["0.0"]) == {0.0}
    for probability in verifier.PROBABILITIES[1:]:
        # A third of the time both kinds of bits may be wrong, else one of the two.
        share = sum(wrong[str(probability)]) / len(wrong[str(probability)])
        assert 0.4 * probability < share < 0.95 * probability, probability
