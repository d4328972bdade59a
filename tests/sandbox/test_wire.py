"""What crosses the border of a sandbox: plain data comes back as it was, and no bytes whatever do harm."""

from __future__ import annotations

import math
import struct
import subprocess
import sys
import tracemalloc
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from sandbox import wire

NONCE = bytes(range(16))
LIMIT = 1 << 20

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**4095), 2**4095)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
)
KEYS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
ARRAYS = st.sampled_from("bBhHiIlLqQ").map(lambda code: array(code, [0, 1, 100])) | st.lists(st.floats()).map(
    lambda numbers: array("d", numbers)
)
VALUES = st.recursive(
    SCALARS | ARRAYS | st.lists(st.integers(-(2**63), 2**63 - 1)) | st.lists(st.floats(allow_nan=False), min_size=8),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)
DTYPES = (
    np_st.boolean_dtypes()
    | np_st.integer_dtypes(endianness="?")
    | np_st.unsigned_integer_dtypes(endianness="?")
    | np_st.floating_dtypes(endianness="?", sizes=(16, 32, 64))
    | np_st.complex_number_dtypes(endianness="?", sizes=(64, 128))
)
NDARRAYS = np_st.arrays(DTYPES, np_st.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


def back(value: Any) -> Any:
    return wire.decode(wire.encode(value, LIMIT))


def same(one: Any, two: Any) -> bool:
    """Equal in type and bits, at every depth."""
    if type(one) is not type(two):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return same(list(one.items()), list(two.items()))
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", two)
    if isinstance(one, array):
        return one.typecode == two.typecode and one.tobytes() == two.tobytes()
    return bool(one == two)


@given(VALUES)
@settings(deadline=None)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert same(back(value), value)


@given(NDARRAYS)
@settings(deadline=None)
def test_an_array_comes_back_in_shape_type_and_bits(value: np.ndarray) -> None:
    found = back(value)
    assert type(found) is np.ndarray
    assert found.shape == value.shape
    assert found.dtype == value.dtype.newbyteorder("=")
    assert found.tobytes() == value.astype(value.dtype.newbyteorder("=")).tobytes()
    assert found.flags.writeable


@pytest.mark.parametrize("number", [math.nan, -math.nan, math.inf, -math.inf, -0.0, 5e-324])
def test_every_float_keeps_its_bits(number: float) -> None:
    assert struct.pack("d", back(number)) == struct.pack("d", number)
    assert struct.pack("d", back([number] * 9)[5]) == struct.pack("d", number)


@pytest.mark.parametrize("code", wire.ARRAY_CODES)
def test_every_typecode_crosses(code: str) -> None:
    assert same(back(array(code, [0, 1, 2])), array(code, [0, 1, 2]))


def test_arrays_that_are_not_in_c_order_or_not_native_are_normalised() -> None:
    value = np.arange(6, dtype=">i4").reshape(2, 3).T
    found = back(value)
    assert found.tolist() == value.tolist()
    assert found.dtype == np.dtype("=i4")
    assert back(np.arange(10.0)[::-3]).tolist() == [9.0, 6.0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("scalar", "number"),
    [
        (np.float64(1.5), 1.5),
        (np.float32(0.5), 0.5),
        (np.float16(2), 2.0),
        (np.int8(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.longlong(7), 7),
        (np.intc(7), 7),
        (np.bool_(True), True),
    ],
)
def test_numpy_scalars_become_python_numbers(scalar: Any, number: Any) -> None:
    assert same(back([scalar, {scalar: scalar}]), [number, {number: number}])


def test_the_encoding_says_nothing_of_history() -> None:
    assert wire.encode([1.0] * 9) == wire.encode([float("1")] * 9)
    assert wire.encode({"a": 1, "b": 2}) != wire.encode({"b": 2, "a": 1})
    assert wire.encode(True) != wire.encode(1) != wire.encode(1.0)


class Hostile:
    """Every hook that an encoder might call by mistake."""

    def _called(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a foreign object's method was called")

    __reduce__ = __reduce_ex__ = __array__ = __iter__ = __len__ = __getitem__ = __index__ = _called  # type: ignore[assignment]
    __float__ = __bytes__ = __str__ = __repr__ = __getattribute__ = __array_interface__ = _called  # type: ignore[assignment]


class Disguise(type):
    """A metaclass whose classes claim to be list."""

    def __hash__(cls) -> int:
        return hash(list)

    def __eq__(cls, other: object) -> bool:
        return True

    @property
    def __name__(cls) -> str:
        raise AssertionError("a foreign metaclass's property was read")


class Disguised(metaclass=Disguise):
    pass


def subclass(kind: type, value: Any) -> Any:
    return type(f"My{kind.__name__}", (kind,), {})(value)


FOREIGN = {
    "object": object(),
    "hooks": Hostile(),
    "metaclass": Disguised(),
    "list": subclass(list, [1]),
    "dict": subclass(dict, {}),
    "tuple": subclass(tuple, (1,)),
    "int": subclass(int, 3),
    "float": subclass(float, 3.0),
    "str": subclass(str, "x"),
    "bytes": subclass(bytes, b"x"),
    "array": type("MyArray", (array,), {})("d", [1.0]),
    "ndarray": np.arange(3).view(type("MyNdarray", (np.ndarray,), {})),
    "masked": np.ma.masked_array([1, 2]),
    "set": {1},
    "bytearray": bytearray(b"x"),
    "memoryview": memoryview(b"x"),
    "complex": 1j,
    "range": range(3),
    "generator": (i for i in range(3)),
    "function": len,
    "type": int,
    "numpy complex": np.complex128(1j),
    "numpy text": np.str_("x"),
    "numpy date": np.datetime64("2020"),
    "wide float": np.longdouble(1.5),
    "object dtype": np.array([None]),
    "structured": np.zeros(2, dtype=[("a", "i4")]),
    "text dtype": np.array(["a"]),
    "dates": np.array(["2020"], dtype="M8[D]"),
    "wide dtype": np.zeros(2, dtype=np.longdouble),
    "unicode array": array("u", "ab"),
    "surrogate": "\ud800",
    "wide int": 1 << 4096,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_objects_are_refused_untouched(name: str) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.encode({"a": [0, 1, 2, FOREIGN[name]]}, LIMIT)
    assert caught.value.where == "['a'][3]"
    with pytest.raises(wire.WireError):
        wire.encode([FOREIGN[name]] * 20, LIMIT)


def test_a_list_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(wire.WireError, match="levels"):
        wire.encode(value, LIMIT)


def test_a_small_object_that_means_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    value: Any = [0]
    for _ in range(50):
        value = (value, value)
    with pytest.raises(wire.WireError, match="more than 100000 bytes"):
        wire.encode(value, 100_000)
    monkeypatch.setattr(wire, "MAX_ITEMS", 10_000)
    with pytest.raises(wire.WireError, match="more than 10000 items"):
        wire.encode(value)


@pytest.mark.parametrize("value", [b"x" * 100, "x" * 100, [None] * 100, [0.5] * 100, array("d", [0.0] * 100)])
def test_an_encoding_over_the_limit_is_refused(value: Any) -> None:
    assert len(wire.encode(value, 2000)) >= 100
    with pytest.raises(wire.WireError, match="more than 90 bytes"):
        wire.encode(value, 90)
    with pytest.raises(wire.WireError, match="more than 90 bytes"):
        wire.encode(np.zeros(100), 90)


def test_depth_is_limited_on_both_sides() -> None:
    value: Any = 0
    for _ in range(wire.MAX_DEPTH):
        value = [value]
    assert same(back(value), value)
    with pytest.raises(wire.WireError, match="levels"):
        wire.encode([value])
    with pytest.raises(wire.WireError):
        wire.decode(b"l\1\0\0\0" + wire.encode(value))
    with pytest.raises(wire.WireError):
        wire.decode(b"l\1\0\0\0" * 100_000 + b"N")


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"")
@example(b"s" + struct.pack("<Q", 2**63) + b"x")
@example(b"l" + struct.pack("<I", 2**32 - 1))
@example(b"q" + struct.pack("<I", 2**32 - 1))
@example(b"D\2\0\0\0" + b"NN" + b"NN")
@example(b"D\1\0\0\0" + b"l\0\0\0\0" + b"N")
@example(b"A" + b"\3<f8" + b"\2" + struct.pack("<QQ", 2**63, 2**63))
@example(b"A" + b"\3<f8" + b"\2" + struct.pack("<QQ", 0, 2**63))
@example(b"A" + b"\3|b1" + b"\1" + struct.pack("<Q", 1) + b"\2")
@example(b"A" + b"\2|O" + b"\1" + struct.pack("<Q", 1) + bytes(8))
@example(b"A" + b"\3<f8" + b"\xff" + struct.pack("<Q", 1) * 255 + bytes(8))
@example(b"ad\x04" + struct.pack("<Q", 4) + bytes(4))
@example(b"ad\x08" + struct.pack("<Q", 7) + bytes(7))
@example(b"s" + struct.pack("<Q", 1) + b"\xff")
@example(b"NN")
def test_any_bytes_are_a_value_or_a_wire_error(data: bytes) -> None:
    try:
        wire.decode(data)
    except wire.WireError:
        return


@given(VALUES | NDARRAYS, st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_frame_is_a_value_or_a_wire_error(value: Any, data: st.DataObject) -> None:
    good = bytearray(wire.encode(value, LIMIT))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(good)))
    for damaged in (bytes(good), bytes(good[:cut]), bytes(good + b"\0")):
        try:
            wire.decode(damaged)
        except wire.WireError:
            continue


@pytest.mark.parametrize(
    "payload",
    [
        b"l" + struct.pack("<I", 2**16) + b"l\0\0\0\0" * 2**16,
        b"l" + struct.pack("<I", 2**16) + b"D\0\0\0\0" * 2**16,
        b"l" + struct.pack("<I", 2**23) + b"N" * 2**23,
        b"l" + struct.pack("<I", 2**31),
        b"q" + struct.pack("<I", 2**31) + bytes(100),
        b"b" + struct.pack("<Q", 2**62),
    ],
)
def test_memory_stays_within_a_small_multiple_of_the_frame(payload: bytes) -> None:
    tracemalloc.start()
    try:
        wire.decode(payload)
    except wire.WireError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2**20 + 16 * len(payload)


def test_a_dict_built_to_collide_can_be_given_up() -> None:
    keys = [k * (2**61 - 1) for k in range(1, 20_001)]
    payload = b"D" + struct.pack("<I", len(keys)) + b"".join(wire.encode(key) + b"N" for key in keys)
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise wire.WireError("enough")

    with pytest.raises(wire.WireError, match="enough"):
        wire.decode(payload, check)


def test_a_header_is_checked() -> None:
    data = wire.frame(wire.VALUE, NONCE, b"N")
    assert wire.parse_header(data, 33) == (wire.VALUE, 1, NONCE)
    with pytest.raises(wire.WireError, match="no frame"):
        wire.parse_header(b"x" + data[1:], 100)
    with pytest.raises(wire.WireError, match="more than 32"):
        wire.parse_header(data, 32)
    lying = struct.pack("<4sB3xQ16s", wire.MAGIC, wire.VALUE, 2**64 - 1, NONCE)
    with pytest.raises(wire.WireError, match="more than"):
        wire.parse_header(lying, 2**40)


def test_it_stands_alone_and_starts_light() -> None:
    text = "import sys; sys.path[:0] = [sys.argv[1]]; import wire; wire.decode(wire.encode([1.5, 'a', {1: b''}]))"
    text += "; print(sorted({'typing', 'collections', 're', 'numpy', 'pickle', 'sandbox', 'array'} & set(sys.modules)))"
    folder = str(Path(wire.__file__).parent)
    done = subprocess.run([sys.executable, "-I", "-S", "-c", text, folder], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_array_where_numpy_is_missing_says_so() -> None:
    text = "import sys; sys.path[:0] = [sys.argv[1]]; import wire\ntry: wire.decode(bytes.fromhex(sys.argv[2]))\n"
    text += "except wire.WireError as error: print(error)"
    command = [sys.executable, "-I", "-S", "-c", text, str(Path(wire.__file__).parent), wire.encode(np.zeros(1)).hex()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "numpy is not among the packages" in done.stdout
