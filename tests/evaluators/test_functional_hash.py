"""What counts as the same output: the table of evaluators/functional_hash.py, line by line."""

from __future__ import annotations

import math
import struct
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.functional_hash import canonical, functional_key, rounded

OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000123))[0]
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (float("nan"), OTHER_NAN),
        (0.0, -0.0),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.array([0.0, np.nan]), np.array([-0.0, OTHER_NAN])),
        (np.asfortranarray(np.ones((2, 3))), np.ones((2, 3))),
    ],
)
def test_these_count_as_the_same(one: Any, other: Any) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (True, 1),
        (False, None),
        ([1], (1,)),
        ([1, 2], [2, 1]),
        ([[1], 2], [[1, 2]]),
        ("1", 1),
        ("a", b"a"),
        (math.inf, -math.inf),
        (math.inf, math.nan),
        (12, [1, 2]),
        (np.ones(2), np.ones((1, 2))),
        (np.ones(2), np.ones(2, dtype=np.float32)),
        (np.ones(2), [1.0, 1.0]),
        (array("i", [1]), array("q", [1])),
        (np.array([1]), np.array([True])),
        ({"a": 1}, [("a", 1)]),
    ],
)
def test_these_are_told_apart(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)


def test_low_bits_do_not_count_where_the_problem_says_so() -> None:
    near = 1.0 + 2.0**-50
    assert canonical(near, 40) == canonical(1.0, 40)
    assert canonical(near) != canonical(1.0)
    # Rounded, not cut: what lies on both sides of a step is the same all the same.
    assert canonical(1.0 - 2.0**-52, 40) == canonical(1.0, 40)
    assert canonical(np.float32([1 + 2.0**-23]), 40) != canonical(np.float32([1.0]), 40)
    assert canonical(np.array([near + 1j]), 40) == canonical(np.array([1.0 + 1j]), 40)


@given(st.floats(min_value=1e-300, max_value=1e300), st.booleans(), st.integers(2, 53))
def test_rounding_stays_within_half_a_step(size: float, negative: bool, bits: int) -> None:
    value = -size if negative else size
    (found,) = rounded(np.array([value]), bits)
    assert abs(found - value) <= math.ldexp(0.5, math.frexp(value)[1] - bits)
    assert rounded(np.array([found]), bits)[0] == found


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", ">f4", "<f2", ">f2"])
def test_the_largest_numbers_are_not_infinite(kind: str) -> None:
    largest = np.array([np.finfo(kind).max, -np.finfo(kind).max], dtype=kind)
    assert canonical(largest, 5) != canonical(np.array([np.inf, -np.inf], dtype=kind), 5)
    assert canonical(largest, 5) == canonical(largest.copy(), 5)


@pytest.mark.parametrize("kind", ["f8", "f4", "c16", "c8"])
def test_arrays_of_another_byte_order_are_rounded_by_value(kind: str) -> None:
    for order in "<>":
        one, near, far = (np.array([value], dtype=order + kind) for value in (1.0, 1.0 + 2.0**-20, 1.5))
        assert canonical(one, 10) == canonical(near, 10) != canonical(far, 10)
    (found,) = rounded(np.array([1.0 + 2.0**-20], dtype=">f8"), 10)
    assert found == 1.0
    assert canonical(np.array([1], dtype="<i4")) != canonical(np.array([1], dtype=">i4"))


@given(PLAIN)
def test_a_value_is_the_same_as_itself_and_not_as_a_list_of_it(value: Any) -> None:
    assert canonical(value) == canonical(value)
    assert canonical([value]) != canonical(value)


def test_a_key_depends_on_outputs_order_and_evaluation_set() -> None:
    key = functional_key([1.0, 2.0], "set")
    assert key == functional_key([1.0, 2.0], "set") and len(key) == 32
    assert (
        len({key, functional_key([2.0, 1.0], "set"), functional_key([1.0, 2.0], "other"), functional_key([1.0], "set")})
        == 4
    )


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        np.array(["a"]),
        [1, object()],
        pytest.param(1 << 20000, id="a number of 6021 digits"),
        np.ones(2, np.longdouble),
        np.ones(1, np.clongdouble),
    ],
)
def test_what_is_no_plain_data_has_no_key(value: Any) -> None:
    with pytest.raises(TypeError):
        functional_key([value], "set")
