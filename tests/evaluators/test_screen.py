"""The static stage: markers, what stands outside them, and the names of programs."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluators.screen import find_block, identify, outside_block, screen, screen_baseline
from evolve.core.errors import Forbidden
from evolve.core.types import Source
from sandbox.straight_line import StraightLine, parse

START, END = "# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END"
SEED = f'"""Words."""\n\n\ndef f(x):\n    {START}\n    return x + 1.0\n    {END}\n# the end\n'


def _source(text: str) -> Source:
    return Source({"program.py": text}, "f")


def _body(*lines: str) -> Source:
    return _source(SEED.replace("return x + 1.0", "\n    ".join(lines)))


def _ids(*lines: str) -> tuple[str, str]:
    found = screen(_body(*lines), _source(SEED))
    return found.program_id, found.skeleton_id


def test_the_block_is_what_stands_between_the_marker_lines() -> None:
    block = find_block(SEED)
    assert SEED[block.start : block.end] == "    return x + 1.0\n"
    before, after = outside_block(SEED)
    assert before.endswith(f"{START}\n") and after == f"    {END}\n# the end\n"


def test_markers_may_have_space_around_them() -> None:
    text = f"\t{START}  \nx\n  {END}\t"
    block = find_block(text)
    assert text[block.start : block.end] == "x\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1\n",
        f"{START}\nx = 1\n",
        f"x = 1\n{END}\n",
        f"{END}\nx = 1\n{START}\n",
        f"{START}\n{START}\nx = 1\n{END}\n",
        f"{START}\nx = 1\n{END}\n{END}\n",
        f"{START}\nx = 1\n{END}\n{START}\ny = 1\n{END}\n",
        f"{START} here\nx = 1\n{END}\n",
        f"{START}\nx = 1\n{END}ED\n",
        f"x = 1  {START}\nx = 1\n{END}\n",
        f"{START.lower()}\nx = 1\n{END}\n",
        f"{START}{END}\n",
        f"{START}\r\nx = 1\r\n{END}\r\n",
    ],
)
def test_anything_but_one_block_is_refused(text: str) -> None:
    with pytest.raises(Forbidden, match="EVOLVE-BLOCK-START line and, after it, one"):
        find_block(text)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SEED)), st.integers(0, 12), st.text("ab #\n\t", max_size=4))
def test_a_change_outside_the_block_is_refused(at: int, length: int, new: str) -> None:
    text = SEED[:at] + new + SEED[at + length :]
    block = find_block(SEED)
    inside = block.start <= at and at + length <= block.end
    assume(not inside and text != SEED)
    # What is inserted at the edge may also be read as part of the block.
    assume(not (text.startswith(SEED[: block.start]) and text.endswith(SEED[block.end :])))
    with pytest.raises(Forbidden):
        screen(_source(text), _source(SEED))


def test_a_change_inside_the_block_is_taken() -> None:
    assert screen(_body("t0 = x * x", "return t0"), _source(SEED)).program.operations == 1


def test_a_marker_inside_the_block_makes_a_second_one() -> None:
    for body in ((START, "return x"), (END, "return x"), ("return x", END, START, "y = 1")):
        with pytest.raises(Forbidden):
            screen(_body(*body), _source(SEED))


def test_another_function_beside_the_block_is_refused() -> None:
    with pytest.raises(Forbidden):
        screen(_body("return x", "def g(x): return x"), _source(SEED))


def test_a_baseline_has_no_outside_to_keep() -> None:
    assert screen_baseline(_source("def f(x):\n    return x + 1.0\n")).program_id == _ids("return x + 1.0")[0]


SAME = [
    ["a = x * x", "b = x + 2.0", "return a / b"],
    ["b = x + 2.0", "a = x * x", "return a / b"],
    ["zzz = x * x  # words", "", "y = (2 + x)", "return (zzz / y)"],
    ["dead = x * 3.0", "dead = dead + 1", "return x * x / (x + 2.0)"],
    ["'words'", "a = x", "x = a * x", "return x / (a + 2e0)"],
    ["return (x * x) / (2.000 + x)"],
    ["two = 1.0 + 1.0", "return x * +x / (x + two)"],
]


@pytest.mark.parametrize("body", SAME)
def test_what_does_not_count(body: list[str]) -> None:
    assert _ids(*body) == _ids(*SAME[0])


def test_the_order_of_operands_that_are_expressions_does_not_count() -> None:
    assert _ids("return (x * x) * (x + 1.0)") == _ids("return (1.0 + x) * (x * x)")
    assert _ids("return x * 2.0 + x * 3.0") == _ids("return 3.0 * x + 2.0 * x")
    assert _ids("return x * 2.0 - x * 3.0") != _ids("return x * 3.0 - x * 2.0")
    assert _ids("return x - 1.0")[1] != _ids("return 1.0 - x")[1]
    assert _ids("return x / 3.0")[1] != _ids("return x * 3.0")[1]


def test_shared_and_separate_constants_are_other_skeletons() -> None:
    shared = _ids("a = x * 2.0", "return a * a")
    separate = _ids("return (x * 2.0) * (x * 3.0)")
    assert shared[1] != separate[1] and shared[0] != separate[0]


def test_ids_are_the_same_in_every_process_and_version() -> None:
    assert _ids("return x + 1.0") == ("35a3a13a59fff23f4b59939406bb4b52", "e32fa0d3e8b6b169f85c285b852c90e7")


Drawn = tuple[str, int, int, bool]
STEP = st.tuples(st.sampled_from("+-*/"), st.integers(0, 9), st.integers(0, 9), st.booleans())
BODIES = st.lists(STEP, min_size=1, max_size=7)
CONSTANTS = st.lists(st.floats(-100, 100).filter(bool), min_size=14, max_size=14, unique=True)


def _lines(steps: list[Drawn], constants: list[float], names: str, flip: bool = False) -> list[str]:
    """Assignments from drawn steps; `names` prefixes locals, `flip` exchanges operands of + and *."""
    values, lines = ["x"], []
    left_over = iter(constants)
    for index, (operator, left, right, literal) in enumerate(steps):
        a = values[left % len(values)]
        b = repr(next(left_over)) if literal else values[right % len(values)]
        if flip and operator in "+*":
            a, b = b, a
        lines.append(f"{names}{index} = {a} {operator} {b}")
        values.append(f"{names}{index}")
    return [*lines, f"return {values[-1]}"]


@settings(max_examples=150, deadline=None)
@given(BODIES, CONSTANTS)
def test_renaming_and_operand_order_change_no_name_of_a_program(steps: list[Drawn], constants: list[float]) -> None:
    one, two = _lines(steps, constants, "a"), _lines(steps, constants, "other_", flip=True)
    two.insert(1, "unused = x / 7.0  # words")
    assert _ids(*one) == _ids(*two)


@settings(max_examples=150, deadline=None)
@given(BODIES, CONSTANTS, st.data())
def test_any_change_of_a_constant_changes_the_program_and_not_its_skeleton(
    steps: list[Drawn], constants: list[float], data: st.DataObject
) -> None:
    program = screen(_body(*_lines(steps, constants, "a")), _source(SEED)).program
    assume(program.constants)
    place = data.draw(st.integers(0, len(program.constants) - 1))
    changed = list(program.constants)
    changed[place] = data.draw(st.sampled_from([-changed[place], changed[place] * (1 + 2**-52), 1e9, 0.0]))
    assume(changed[place] != program.constants[place])
    old, new = identify(program), identify(program.with_constants(tuple(changed)))
    assert old[0] != new[0] and old[1] == new[1]
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in (*old, *new))


def test_zero_and_minus_zero_are_two_constants() -> None:
    program = parse("def f(x):\n    return x + 0.0\n", "f")
    assert identify(program)[0] != identify(program.with_constants((-0.0,)))[0]


def test_a_program_without_steps_has_names() -> None:
    names = [identify(StraightLine(("x",), (c,), (), 1)) for c in (1.0, 2.0)]
    assert names[0][0] != names[1][0] and names[0][1] == names[1][1]
    assert identify(StraightLine(("x",), (), (), 0))[1] != names[0][1]
    assert identify(StraightLine(("x", "y"), (), (), 0)) != identify(StraightLine(("x",), (), (), 0))
