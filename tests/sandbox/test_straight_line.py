"""Straight-line programs: the same values as Python's, the same program after rendering, nothing else let in."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from evaluators.screen import identify
from evolve.core.errors import Forbidden, Invalid
from sandbox.straight_line import MAX_OPERATIONS, Builder, StraightLine, parse

NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e300, -1e300, 1e-300, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
)
POINTS = [-0.0, 0.0, 1.0, -1.0, 0.3, -7.25, 1e200, -1e-200, 5e-324, math.inf, -math.inf, math.nan]


class Float(float):
    """A Python float whose division by zero is IEEE 754's; Python raises there."""

    def __add__(self, other: float) -> Float:
        return Float(float.__add__(self, float(other)))

    def __sub__(self, other: float) -> Float:
        return Float(float.__sub__(self, float(other)))

    def __mul__(self, other: float) -> Float:
        return Float(float.__mul__(self, float(other)))

    def __neg__(self) -> Float:
        return Float(float.__neg__(self))

    def __pos__(self) -> Float:
        return self

    def __truediv__(self, other: float) -> Float:
        if other != 0.0:
            return Float(float.__truediv__(self, float(other)))
        if self != self or self == 0.0:
            return Float(math.nan)
        return Float(math.copysign(math.inf, self) * math.copysign(1.0, other))


def _as_python(text: str, *args: float) -> float:
    """Run the text as ordinary Python, each number a Float."""
    wrapped = re.sub(r"(?<![\w.])(\d+\.?\d*(?:e[-+]?\d+)?)", r"Float('\1')", text)
    names: dict[str, object] = {"Float": Float}
    exec(wrapped, names)
    return float(names["f"](*map(Float, args)))  # type: ignore[operator]


def _bits(value: float) -> str:
    return "nan" if math.isnan(value) else value.hex()


@st.composite
def _texts(draw: st.DrawFn) -> str:
    """A function of x and t1 in text: assignments, also to names that have a value, and a return."""
    names = ["x", "t1"]

    def expression(depth: int) -> str:
        kind = draw(st.integers(0, 5 if depth else 1))
        if kind == 0:
            return draw(st.sampled_from(names))
        if kind == 1:
            number = draw(NUMBERS)
            return f"(-{-number!r})" if math.copysign(1.0, number) < 0 else repr(number)
        if kind == 2:
            return f"{draw(st.sampled_from('-+'))}({expression(depth - 1)})"
        return f"({expression(depth - 1)} {draw(st.sampled_from('+-*/'))} {expression(depth - 1)})"

    lines = ["def f(x, t1):", "    'words'"] if draw(st.booleans()) else ["def f(x, t1):"]
    for _ in range(draw(st.integers(0, 5))):
        value, name = expression(2), draw(st.sampled_from(["a", "b", "t0", "x", "t1"]))
        lines.append(f"    {name} = {value}  # a comment")
        names.append(name)
    return "\n".join([*lines, f"    return {expression(3)}\n"])


def _parsed(text: str) -> StraightLine:
    """The program; an example whose constants fold to infinity is not one."""
    try:
        return parse(text, "f")
    except Forbidden as error:
        assume("finite" not in str(error))
        raise


@settings(max_examples=200, deadline=None)
@given(_texts())
@example("def f(x, t1):\n    return 1.0 / (x * 0.0) + 1.0 / (x * (-0.0))\n")
@example("def f(x, t1):\n    t0 = x * t1\n    return t0 + t1\n")
def test_values_are_those_of_python_bit_for_bit(text: str) -> None:
    pairs = list(itertools.product(POINTS, repeat=2))
    program = _parsed(text)
    got = program.evaluate(*(np.array(column) for column in zip(*pairs, strict=True)))
    assert got.shape == (len(pairs),) and got.dtype == np.float64
    assert [_bits(v) for v in got.tolist()] == [_bits(_as_python(text, *pair)) for pair in pairs]


@settings(max_examples=200, deadline=None)
@given(_texts())
@example("def f(x, t1):\n    t0 = x * t1\n    return t0 + t1\n")
def test_rendering_and_parsing_gives_the_same_program(text: str) -> None:
    program = _parsed(text)
    rendered = program.render()
    again = parse("def f(x, t1):\n" + "".join(f"    {line}\n" for line in rendered.splitlines()), "f")
    assert repr(again) == repr(program)
    assert again.render() == rendered and identify(again) == identify(program)
    assert program.operations == len(program.steps) == rendered.count("\n")


def test_float32_is_float32_throughout() -> None:
    program = parse("def f(x):\n    return (x * 0.1 + 1e300) / 3.0\n", "f")
    x = np.array([1.0, 2.0], np.float32)
    got = program.evaluate(x)
    assert got.dtype == np.float32 and np.isinf(got).all()
    small = parse("def f(x):\n    return x * 0.1 / 3.0\n", "f").evaluate(x)
    assert small.tolist() == (x * np.float32(0.1) / np.float32(3.0)).tolist()


def test_division_by_zero_is_infinite_or_no_number() -> None:
    x = np.array([1.0, -1.0, 0.0])
    got = parse("def f(x):\n    return x / (x - x)\n", "f").evaluate(x)
    assert got[0] == np.inf and got[1] == -np.inf and np.isnan(got[2])


def test_a_constant_result_has_the_shape_of_the_argument() -> None:
    assert parse("def f(x):\n    return 2\n", "f").evaluate(np.zeros(3)).tolist() == [2.0, 2.0, 2.0]


def test_the_wrong_number_of_arguments_is_the_programs_fault() -> None:
    program = parse("def f(x, y):\n    return x + y\n", "f")
    for args in ((), (np.zeros(2),), (np.zeros(2),) * 3):
        with pytest.raises(Invalid, match="takes 2 arguments"):
            program.evaluate(*args)


@pytest.mark.parametrize(
    ("body", "operations"),
    [
        ("return x", 0),
        ("return 3", 0),
        ("return x + 1", 1),
        ("return -x", 1),
        ("return +x", 0),
        ("return -3.0 * x", 1),
        ("return 2 * 3 + 4 * x", 2),
        ("a = x * x\n    return a * a", 2),
        ("return x * x + x * x", 2),
        ("return x * y + y * x", 2),
        ("return (x - y) * (y - x)", 3),
        ("a = x / y\n    b = a * a\n    return a", 1),
        ("return (x + 1) * (1 + x)", 2),
    ],
)
def test_operations_are_counted_live_merged_and_folded(body: str, operations: int) -> None:
    assert parse(f"def f(x, y):\n    {body}\n", "f").operations == operations


def test_the_number_of_operations_is_bounded() -> None:
    body = "".join(f"    x = x * {i}.5\n" for i in range(1, MAX_OPERATIONS + 1))
    assert parse(f"def f(x):\n{body}    return x\n", "f").operations == MAX_OPERATIONS
    with pytest.raises(Forbidden, match="more than 256"):
        parse(f"def f(x):\n{body}    return x + 1\n", "f")


SIDE_EFFECT = "open('touched', 'w').write('1')"
REFUSED_EXPRESSIONS = (
    f"x + {SIDE_EFFECT}", "abs(x)", "x.real", "x[0]", "x < 1", "x == x", "x if x else 1", "x and 1", "not x", "~x",
    "x ** 2", "x % 2", "x // 2", "x @ x", "x << 1", "x | 1", "lambda: x", "(a := x)", "'x'", "f'{x}'", "b'x'", "1j",
    "True", "None", "...", "[x]", "(x, 1)", "{x}", "{x: 1}", "[x for x in x]", "(yield x)", "x * unknown", "*x",
    "1e999", "1 / 0", "1e300 * 1e300", "0.0 / 0.0 * x", "x + 1" + "0" * 399, "__import__('os')", "f(x)",
)  # fmt: skip
REFUSED_STATEMENTS = (
    SIDE_EFFECT, "import os", "from os import path", "global x", "nonlocal x", "x += 1", "x: float = 1.0", "del x",
    "pass", "a = b = x", "a, b = x, x", "x.y = 1", "x[0] = 1", "return x", "raise x", "assert x", "yield x",
    "if x: y = 1", "for y in x: a = 1", "while x: a = 1", "with x: a = 1", "try: a = 1\n    finally: a = 2",
    "def g(): return 1", "class A: pass", "x", "1", "match x:\n        case 1: a = 1", "a = x = y = 1", "(a) , = x",
)  # fmt: skip
REFUSED_FILES = (
    "", "x = 1", "'words'", f"{SIDE_EFFECT}\ndef f(x):\n    return x", "def g(x):\n    return x",
    "def f(x):\n    return x\ndef f(x):\n    return x", "def f(x):\n    return x\ndef g(x):\n    return x",
    "async def f(x):\n    return x", "f = lambda x: x", "class f:\n    pass", "import os\ndef f(x):\n    return x",
    f"@{SIDE_EFFECT}\ndef f(x):\n    return x", f"def f(x={SIDE_EFFECT}):\n    return x", "def f():\n    return 1",
    "def f(*x):\n    return 1", "def f(**x):\n    return 1", "def f(*, x):\n    return x", "def f(x):\n    return",
    "def f(x, y=1):\n    return x", "def f(x):\n    'words'", "def f(x):\n    y = x", "def f(x, x):\n    return x",
    f"def f(x: {SIDE_EFFECT}):\n    return x", f"def f(x) -> {SIDE_EFFECT}:\n    return x",
    "if 1:\n    def f(x):\n        return x", "def f(x):\n    return x\nf(1)",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.chdir(tmp_path)
    yield
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("expression", REFUSED_EXPRESSIONS)
def test_other_expressions_are_refused_wherever_they_stand(expression: str) -> None:
    for body in (f"return {expression}", f"y = {expression}\n    return x", f"return x + ({expression})"):
        with pytest.raises(Forbidden):
            parse(f"def f(x):\n    {body}\n", "f")


@pytest.mark.parametrize("statement", REFUSED_STATEMENTS)
def test_other_statements_are_refused(statement: str) -> None:
    with pytest.raises(Forbidden):
        parse(f"def f(x):\n    {statement}\n    return x\n", "f")


@pytest.mark.parametrize("text", REFUSED_FILES)
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(Forbidden):
        parse(text, "f")


def test_plain_annotations_and_positional_only_arguments_are_taken() -> None:
    assert (
        parse("'words'\ndef f(x: float, /, y: float) -> float:\n    'words'\n    return x / y\n", "f").operations == 1
    )


def test_constants_are_replaced_in_their_order() -> None:
    program = parse("def f(x):\n    return 2 * x + 3\n", "f")
    other = program.with_constants((5.0, 7.0))
    assert other.steps == program.steps and other.evaluate(np.array([1.0])).tolist() == [12.0]
    assert other.skeleton == program.skeleton
    with pytest.raises(ValueError, match="1 constants for 2 places"):
        program.with_constants((1.0,))


@settings(max_examples=100, deadline=None)
@given(_texts())
def test_building_from_the_expressions_gives_the_program(text: str) -> None:
    program = _parsed(text)
    builder = Builder(program.arguments)
    expressions, result = program.expressions()
    for symbol, left, right in expressions:
        builder.add(symbol, left, right)
    assert repr(builder.assemble(result)) == repr(program)
