"""Offline moves on ordinary Python: every child parses, differs, and keeps what stands outside the block."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.normal_form import normalise
from evaluators.screen import outside_block, screen_text
from evolve.core.errors import Forbidden
from evolve.core.rng import generator
from evolve.core.types import Candidate, Failure, Source, Ticket
from evolve.problem import load
from evolve.proposers.base import Context
from evolve.proposers.offline import operators, terms, text_proposer
from evolve.proposers.offline.text_proposer import OPERATORS, exchange_function, perturb_constants

SEED = load("cache-eviction").seed
NUMBERS = Source(
    {
        "program.py": "# EVOLVE-BLOCK-START\ndef f(a, b):\n    return 2.5 * a - 3 / (b + 0.25)\n\n\n"
        "def g(a):\n    return a > 10 and not a < 2\n# EVOLVE-BLOCK-END\nTAIL = 7\n"
    },
    "f",
)


def _propose(parent: Source, donor: Source, operator: str, seed: int) -> Candidate | Failure:
    ticket = Ticket(1, "expand", ("p",), ("d",), operator, None, seed)
    return text_proposer.propose(ticket, Context((parent,), (donor,), (), 0))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(OPERATORS)), st.integers(0, 2**40), st.sampled_from([SEED, NUMBERS]))
def test_a_child_parses_differs_and_keeps_its_frame(operator: str, seed: int, parent: Source) -> None:
    answer = _propose(parent, parent, operator, seed)
    assert answer == _propose(parent, parent, operator, seed)
    if isinstance(answer, Failure):
        assert answer.reason
        return
    child = answer.source
    assert outside_block(child.main) == outside_block(parent.main)
    assert normalise(child.main) != normalise(parent.main)
    screen_text(child, parent)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**40))
def test_a_line_of_descent_stays_sound(seed: int) -> None:
    rng = generator(seed, "descent")
    child = SEED
    for step in range(12):
        answer = _propose(child, SEED, list(OPERATORS)[int(rng.integers(len(OPERATORS)))], seed + step)
        child = answer.source if isinstance(answer, Candidate) else child
    screen_text(child, SEED)
    compile(child.main, "program.py", "exec")


def test_most_proposals_of_the_seed_are_programs() -> None:
    answers = [_propose(SEED, SEED, operator, seed) for operator in OPERATORS for seed in range(20)]
    kinds = Counter(type(answer).__name__ for answer in answers)
    assert kinds["Candidate"] > 0.75 * len(answers)
    assert len({normalise(a.source.main) for a in answers if isinstance(a, Candidate)}) > 40


def test_constants_move_and_the_rest_stays() -> None:
    for seed in range(50):
        child = perturb_constants(NUMBERS, generator(seed, "constants"))
        before, after = ast.parse(NUMBERS.main), ast.parse(child.main)
        shape = [type(node) for node in ast.walk(before)]
        assert [type(node) for node in ast.walk(after)] == shape
        assert "TAIL = 7" in child.main


def test_a_block_without_numbers_has_no_constants_to_move() -> None:
    bare = Source({"program.py": "# EVOLVE-BLOCK-START\ndef f(a):\n    return a\n# EVOLVE-BLOCK-END\n"}, "f")
    with pytest.raises(Forbidden, match="no number"):
        perturb_constants(bare, generator(0))


def test_one_function_of_the_donor_comes_over_whole() -> None:
    donor = NUMBERS.with_main(NUMBERS.main.replace("a > 10", "a > 99").replace("2.5 * a", "7.5 * a"))
    seen = set()
    for seed in range(20):
        child = exchange_function(NUMBERS, donor, generator(seed, "exchange"))
        assert child is not None
        seen.add(("a > 99" in child.main, "7.5 * a" in child.main))
    assert seen == {(True, False), (False, True)}
    assert exchange_function(NUMBERS, NUMBERS, generator(0)) is None


def test_growth_adds_terms_to_numbers_and_conditions_to_truths() -> None:
    grown = {terms.grow(SEED, generator(seed, "grow")).main for seed in range(200)}
    blocks = [text.split("# EVOLVE-BLOCK-END")[0] for text in grown]
    assert any("return -idle" not in block for block in blocks)
    admits = [block.split("def admit")[1] for block in blocks if "return True" not in block]
    assert admits and all(">" in text or "<" in text for text in admits)
    with pytest.raises(Forbidden):
        terms.grow(Source({"p.py": "# EVOLVE-BLOCK-START\nx = 1\n# EVOLVE-BLOCK-END\n"}, "x"), generator(0))


def test_hoisting_shortens() -> None:
    for seed in range(40):
        child = terms.hoist(NUMBERS, generator(seed, "hoist"))
        assert len(list(ast.walk(ast.parse(child.main)))) < len(list(ast.walk(ast.parse(NUMBERS.main))))
    with pytest.raises(Forbidden):
        terms.hoist(Source({"p.py": "# EVOLVE-BLOCK-START\nx = 1\n# EVOLVE-BLOCK-END\n"}, "x"), generator(0))


def test_each_sandbox_has_its_moves() -> None:
    assert operators("straight_line") != operators("bubblewrap") == OPERATORS
    assert sum(OPERATORS.values()) == pytest.approx(1.0)
