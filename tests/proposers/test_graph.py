"""Moves on straight-line programs: what they make can run, and every move is made."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluators.screen import identify
from evolve.core.errors import Forbidden
from evolve.core.rng import Generator, generator
from evolve.proposers.offline import graph
from evolve.proposers.offline.graph import Draft, crossover, mutate
from sandbox.straight_line import MAX_OPERATIONS, StraightLine, parse

BODIES = (
    "return x",
    "return 3.0",
    "return 1.0 + x",
    "return x * y",
    "a = x * x\n    return a / (a - 2.5)",
    "p = 0.3 * x + 3.7\n    p = p * x + 20.5\n    q = x - 12.5\n    q = q * x + 47.7\n    return p / q",
    "a = x - y\n    b = a * a\n    c = b * b\n    return c + b + a + y",
    "return (x + 1e-320) / (y * 1e300)",
)
PROGRAMS = [parse(f"def f(x, y):\n    {body}\n", "f") for body in BODIES]
LARGEST = parse("def f(x, y):\n" + "    x = x * y + 0.5\n" * (MAX_OPERATIONS // 2) + "    return x\n", "f")
MOVES: dict[str, Callable[[Draft, Generator], None]] = {
    name: getattr(Draft, name) for name in ("insert", "remove", "rewire", "change_operator", "square", "reuse")
}


def _check(program: StraightLine) -> None:
    """It parses back from its text, uses only its arguments and folds all that is constant."""
    text = f"def f({', '.join(program.arguments)}):\n" + "".join(f"    {x}\n" for x in program.render().splitlines())
    again = parse(text, "f")
    assert repr(again) == repr(program) and identify(again) == identify(program)
    assert all(map(math.isfinite, program.constants))
    constants = range(len(program.arguments), len(program.arguments) + len(program.constants))
    used = []
    for position, (operator, left, right) in enumerate(program.steps, constants.stop):
        assert operator in "+-*/" and 0 <= left < position and 0 <= right < position
        assert not (left in constants and right in constants)
        used += [left, right]
    assert sorted(slot for slot in (*used, program.result) if slot in constants) == list(constants)
    steps = set(range(constants.stop, constants.stop + program.operations))
    assert steps <= {*used, program.result}, "a dead operation"


def _try(make: Callable[[], StraightLine]) -> StraightLine:
    try:
        return make()
    except Forbidden as error:
        assume(False)
        raise AssertionError from error


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(PROGRAMS), st.integers(0, 10**6))
def test_mutation_gives_programs_that_run(program: StraightLine, seed: int) -> None:
    rng = generator(seed, "mutate")
    for _ in range(4):
        program = _try(lambda program=program: mutate(program, rng))
        assert program.arguments == ("x", "y")
        _check(program)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PROGRAMS), st.sampled_from(sorted(MOVES)), st.integers(0, 10**6))
def test_every_single_move_gives_programs_that_run(program: StraightLine, name: str, seed: int) -> None:
    draft, rng = Draft(program), generator(seed, name)
    for _ in range(3):
        MOVES[name](draft, rng)
    _check(_try(draft.assemble))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PROGRAMS), st.sampled_from(PROGRAMS), st.integers(0, 10**6))
def test_crossover_gives_programs_that_run(program: StraightLine, donor: StraightLine, seed: int) -> None:
    child = _try(lambda: crossover(program, donor, generator(seed, "crossover")))
    assert child.arguments == program.arguments
    _check(child)


def test_crossover_brings_expressions_of_the_donor() -> None:
    program, donor = parse("def f(x):\n    return x + 1.0\n", "f"), parse("def f(x):\n    return x * 77.5 * x\n", "f")
    children = [crossover(program, donor, generator(seed, "c")) for seed in range(40)]
    assert any(77.5 in child.constants for child in children) and any(1.0 in child.constants for child in children)
    assert {child.operations for child in children} >= {2, 3}


def test_parents_with_other_arguments_do_not_cross() -> None:
    with pytest.raises(Forbidden, match="different arguments"):
        crossover(parse("def f(x):\n    return x\n", "f"), parse("def f(y):\n    return y\n", "f"), generator(1, "c"))


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_same_seed_gives_the_same_child(program: StraightLine) -> None:
    def children(seed: int) -> list[str]:
        made = []
        for number in range(20):
            try:
                made.append(repr(mutate(program, generator(seed, number))))
                made.append(repr(crossover(program, PROGRAMS[5], generator(seed, number, "c"))))
            except Forbidden as error:
                made.append(str(error))
        return made

    assert children(1) == children(1) != children(2)


def test_an_unchanged_draft_is_the_program() -> None:
    for program in PROGRAMS[2:]:
        assert identify(Draft(program).assemble()) == identify(program) or "/" in str(program.steps)


@pytest.mark.parametrize("name", MOVES)
def test_every_move_is_drawn_and_changes_programs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(move is MOVES[name] and weight > 0 for move, weight in graph._MOVES)
    program = PROGRAMS[5]
    changed = set()
    for seed in range(30):
        draft = Draft(program)
        MOVES[name](draft, generator(seed, name))
        changed.add(identify(draft.assemble()))
    assert len(changed - {identify(program)}) > 3


def test_moves_make_programs_longer_and_shorter() -> None:
    program = PROGRAMS[5]
    sizes = set()
    for seed in range(200):
        sizes.add(mutate(program, generator(seed, "sizes")).operations - program.operations)
    assert min(sizes) <= -2 and max(sizes) >= 2 and 0 in sizes


def test_a_program_at_the_bound_grows_no_further() -> None:
    draft = Draft(LARGEST)
    draft.symbols.append("+")
    draft.operands.append([("s", MAX_OPERATIONS - 1), ("a", 1)])
    with pytest.raises(Forbidden, match="more than 256"):
        draft.assemble()


@pytest.mark.parametrize(
    ("symbol", "right", "expected"),
    [
        ("-", 2.5, ("+", (-2.5,))),
        ("/", 4.0, ("*", (0.25,))),
        ("/", 0.0, ("/", (0.0,))),
        ("*", 3.0, ("*", (3.0,))),
    ],
)
def test_what_a_free_constant_makes_equal_is_written_one_way(
    symbol: str, right: float, expected: tuple[str, tuple[float, ...]]
) -> None:
    draft = Draft(parse("def f(x):\n    return x + 1.0\n", "f"))
    draft.symbols[0], draft.operands[0][1] = symbol, ("c", right)
    draft.operands[0][0] = ("a", 0)
    program = draft.assemble()
    assert (program.steps[0][0], program.constants) == expected


def test_dividing_by_a_subnormal_number_is_refused_and_not_infinite() -> None:
    draft = Draft(parse("def f(x):\n    return x + 1.0\n", "f"))
    draft.symbols[0], draft.operands[0] = "/", [("a", 0), ("c", 5e-324)]
    with pytest.raises(Forbidden, match="finite"):
        draft.assemble()
