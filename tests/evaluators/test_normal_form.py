"""Which texts are the same program, and which are not."""

from __future__ import annotations

import itertools
import keyword

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.normal_form import normalise
from evolve.core.errors import Forbidden

PROGRAM = '''
"""A module."""
import math


def f(items, limit=3):
    """Words."""
    total = 0
    for item in items:
        if item > limit:
            total = total + item
    best = [value * 2 for value in items]
    return total, best
'''


def test_comments_layout_docstrings_and_local_names_do_not_count() -> None:
    other = """import math   # one
def f(items, limit = 3) :


        # another comment
        s = (0)
        for i in items:
            if i > limit: s = (s
                + i)
        b = [ v*2 for v in items ]; return (s, b)
"""
    assert normalise(other) == normalise(PROGRAM)
    assert normalise(PROGRAM.replace('"""Words."""', "'other'")) == normalise(PROGRAM)
    assert normalise(PROGRAM.replace("\n", "\r\n")) == normalise(PROGRAM)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("limit=3", "limit=4"),
        ("> limit", ">= limit"),
        ("total + item", "item + total"),
        ("* 2", "* 2.0"),
        ("return total, best", "return best, total"),
        ("def f", "def g"),
        ("items", "things"),
        ("import math", "import cmath"),
        ("total = 0\n", "total = best = 0\n"),
        ("if item > limit", "if total > limit"),
        ("if item > limit", "if items > limit"),
    ],
)
def test_everything_else_counts(old: str, new: str) -> None:
    assert old in PROGRAM
    assert normalise(PROGRAM.replace(old, new)) != normalise(PROGRAM)


DIFFERENT = [
    "def f(x):\n a = 1\n def g():\n  b = 2\n  return a + b\n return g()",
    "def f(x):\n a = 1\n def g():\n  b = 2\n  return b + b\n return g()",
    "def f(x):\n a = 1\n def g():\n  b = 2\n  return a + a\n return g()",
    "def f(x):\n a = 1\n def g():\n  b = 2\n  return b + a\n return g()",
    "def f(x):\n a = 1\n def g():\n  nonlocal a\n  a = 2\n  return a + a\n return g()",
    "def f(x):\n global a\n a = 1\n return a",
    "def f(x):\n global b\n b = 1\n return b",
    "def f(*x):\n x = list(x)\n return x",
    "def f(*x):\n y = list(x)\n return x",
    "def f(*, x):\n x = list(x)\n return x",
    "def f(*, x):\n y = list(x)\n return y",
    "def f(x):\n import math as m\n m = m.pi\n return m",
    "def f(x):\n import math as n\n m = n.pi\n return n",
    "def f(x):\n a = 1\n return a",
    "def f(x):\n a = 1\n return local0",
    "def f(x):\n a = 1\n return x",
    "def f(x):\n try: return 1\n except E as a:\n  a = 2\n  return a",
    "def f(x):\n try: return 1\n except E as b:\n  a = 2\n  return b",
]


def test_different_programs_have_different_normal_forms() -> None:
    for one, other in itertools.combinations(DIFFERENT, 2):
        assert normalise(one) != normalise(other), (one, other)


def test_methods_and_nested_functions_are_renamed_consistently() -> None:
    one = "class A:\n def f(self):\n  a = 1\n  def g(y):\n   c = a + y\n   return c\n  return g"
    other = "class A:\n def f(self):\n  k = 1\n  def g(y):\n   a = k + y\n   return a\n  return g"
    assert normalise(one) == normalise(other)


NAMES = st.from_regex(r"[a-z]{1,6}", fullmatch=True).filter(lambda name: not keyword.iskeyword(name))


@settings(max_examples=100, deadline=None)
@given(st.lists(NAMES.filter(lambda n: n not in ("items", "limit", "math", "f")), min_size=4, max_size=4, unique=True))
def test_any_consistent_renaming_is_the_same_program(names: list[str]) -> None:
    renamed = PROGRAM
    for index, old in enumerate(("total", "item ", "best", "value")):
        renamed = renamed.replace(old, f"@{index}" + old[len(old.rstrip()) :])
    renamed = renamed.replace("+ item", "+ @1").replace("if item", "if @1")
    for index, new in enumerate(names):
        renamed = renamed.replace(f"@{index}", new)
    assert normalise(renamed) == normalise(PROGRAM)


def test_what_is_not_python_is_forbidden() -> None:
    with pytest.raises(Forbidden):
        normalise("def f(:")
