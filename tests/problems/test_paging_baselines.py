"""The baselines of paging-predictions: worked examples, the rules that amount to them, and the figures in README.md."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paging_players import BASELINES, FOLDER, Here, faults, module, program, ruled, value, verifier

from evolve.core.types import Split
from evolve.problem import load

# What `worth` returns in the seed to decide as a published algorithm does.
RULES = {
    "lru": "-idle",
    "trusting": "-idle - 1000.0 * bit",
    "marker": "luck + 10.0 * marked",
    "deterministic": "-idle - 1000.0 * bit + 2000.0 * marked if phase else -idle - 1000.0 * max(bit, flushed)",
    "randomized": "luck - 2.0 * bit + 10.0 * marked if phase else -idle - 9.0 * bit if bit else luck + 2.0 - flushed",
}


def _told(name: str, kind: str, slots: int, letters: str, bits: str) -> str:
    """A '.' for each fault and a '+' for each hit."""
    pager = module(program(name)).make_pager(kind, slots)
    names: list[str] = []
    shown = []
    for letter, digit in zip(letters, bits, strict=True):
        shown.append(".+"[letter in names])
        if letter in names:
            pager.hit(names.index(letter), int(digit))
            continue
        slot = len(names)
        if slot < slots:
            names.append(letter)
        else:
            slot = pager.victim(ord(letter), int(digit))
            names[slot] = letter
        pager.place(slot, ord(letter), int(digit))
    return "".join(shown)


@pytest.mark.parametrize(
    ("name", "kind", "slots", "letters", "bits", "expected"),
    [
        # d evicts a, hit or not; a evicts b
        ("fifo", "discard", 3, "abcadab", "0000000", "...+..."),
        # d evicts b, b evicts c
        ("lru", "discard", 3, "abcadab", "1111111", "...+.+."),
        # d evicts c, the only one that may go, and then itself leaves for e
        ("trusting", "discard", 3, "abcdeab", "0011000", ".....++"),
        # all must stay: a, the least recently used, goes
        ("trusting", "discard", 3, "abcda", "00000", "....."),
        # c flushes a, b; d finds a evicted and takes b, c stays
        ("deterministic", "discard", 2, "abcdca", "000000", "....+."),
        # c evicts b, the one that may go; a is as good as evicted by its second bit, and is hit for nothing
        ("deterministic", "discard", 2, "abacaab", "0111110", "..+.++."),
        # d begins a phase and evicts c, the one with bit 1, though a is the least recently used; e evicts a
        ("deterministic", "phase", 3, "abcdeb", "001000", ".....+"),
        # the same, and then nobody unmarked has bit 1 and b, a follow by age
        ("deterministic", "phase", 3, "abcdba", "001000", "....++"),
        # Mark0: while there is a 1 nothing is drawn: c evicts b, d evicts c
        ("randomized", "discard", 2, "abcda", "01110", "....+"),
        # a fault of a full cache evicts the only unmarked page with bit 1
        ("randomized", "phase", 3, "abcdab", "001000", "....++"),
        ("predictive_marker", "discard", 3, "abcdab", "001000", "....++"),
    ],
)
def test_worked_examples(name: str, kind: str, slots: int, letters: str, bits: str, expected: str) -> None:
    assert _told(name, kind, slots, letters, bits) == expected


def test_predictive_marker_stops_believing_after_a_long_chain() -> None:
    pager = module(program("predictive_marker")).make_pager("phase", 4)
    for slot in range(4):
        pager.place(slot, slot, 1)
    pager.victim(9, 0)
    assert pager.lengths == [1] and set(pager.chain_of.values()) == {0}
    (gone,) = pager.chain_of
    pager.place(gone, 9, 0)
    pager.victim(gone, 0)
    assert pager.lengths == [2] and pager.most == pytest.approx(25 / 12)  # the third time it is beyond H_4
    pager.victim(8, 0)
    assert pager.lengths == [2, 1]


@pytest.mark.parametrize("name", RULES)
def test_the_seed_with_a_published_rule_is_the_baseline(name: str) -> None:
    for instance in verifier.instances(Split.TRAIN, 7)[2:8]:
        assert verifier.play(Here(ruled(RULES[name])), instance) == verifier.play(Here(program(name)), instance)


@given(st.data(), st.sampled_from(BASELINES), st.sampled_from(verifier.PREDICTIONS), st.integers(2, 5))
def test_every_baseline_serves_everything(data: Any, name: str, kind: str, slots: int) -> None:
    requests = data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=50))
    bits = data.draw(st.lists(st.integers(0, 1), min_size=len(requests), max_size=len(requests)))
    count = faults(module(program(name)).make_pager(kind, slots), requests, bits, slots)
    assert len(set(requests)) <= count <= len(requests)


def test_switching_is_hardly_worse_than_the_better_of_its_two() -> None:
    """No guarantee is claimed; on these it holds."""
    for instance in verifier.instances(Split.TRAIN, 8)[:6]:
        lesser = min(value(program(name), instance) for name in ("lru", "deterministic"))
        assert value(program("switching"), instance) < 1.25 * lesser


@cache
def _on_train(name: str) -> float:
    seed = load(str(FOLDER)).file.splits.train
    instances = verifier.instances(Split.TRAIN, seed)
    return sum(value(program(name), one) for one in instances) / len(instances)


_ROW = re.compile(r"^\| `?(\w+)`? \| (\d\.\d{3}) \|", re.MULTILINE)


def test_the_figures_in_the_readme_are_those_of_the_programs() -> None:
    stated = {name: float(figure) for name, figure in _ROW.findall((FOLDER / "README.md").read_text())}
    assert stated.keys() == {"seed", "floor", *BASELINES}
    assert stated.pop("floor") == 1.0
    for name, figure in stated.items():
        assert _on_train(name) == pytest.approx(figure, abs=6e-4), name


def test_every_baseline_says_where_it_comes_from() -> None:
    assert all(module(program(name)).__doc__ for name in BASELINES)
