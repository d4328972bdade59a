"""What a program computes, as a key: two programs with the same outputs on the probe are one function.

After Gillard and others 2023 (Unified Functional Hashing, arXiv 2302.05433). What counts as the same output is decided
here, once:

    NaN            one NaN, whatever its bits
    -0.0           0.0
    floats         rounded to `bits` of the mantissa, float32 and float16 to what they have at most; what would
                   round to infinity is kept as it is
    bool, int      apart from each other and from floats: a verifier may refuse one of them
    list, tuple    apart, order kept
    exception      by the name of its class, apart from all values: its words are no result
    dict           by its items, sorted: the order of a dict is no content
    arrays         data type and shape kept, memory layout not; rounded by value, whatever the order of bytes
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolve.core.keys import Keys

MANTISSA_BITS = 53
MOST_ITEMS = 200_000
"""An output of more parts than that has no key: taking it apart would cost more than running the program."""
LONG = 16
"""From this length on a row of plain numbers is turned into bytes at once: one by one they take a hundred times as long
as the hash."""
_ROWS: tuple[set[type], ...] = ({float}, {int})
_LARGEST_BYTES = {"f": 8, "c": 16}
_UNSIGNED = {2: (np.uint16, 11), 4: (np.uint32, 24), 8: (np.uint64, 53)}


@dataclass(frozen=True, slots=True)
class Raised:
    """A Python exception in the place of an output, by the name of its class."""

    name: str


@dataclass(frozen=True)
class Hashing:
    """Makes the keys of one problem's programs in one place.

    `bits` is the problem's `hash_bits`. `surroundings` is whatever else decides a score and may differ from run to run:
    the evaluation set, limits, versions of the interpreter and of packages.
    """

    bits: int
    surroundings: str

    def keys(self, outputs: Sequence[Any], *more: object) -> Keys | None:
        """The keys of a program with these outputs on the probe, in order; None where one of them is not plain data, or
        has more than `MOST_ITEMS` parts.

        `more` is what its score depends on besides its outputs, such as the number of its operations.
        """
        where = "|".join((self.surroundings, *map(str, more)))
        try:
            if _left_of(MOST_ITEMS, outputs) < 0:
                return None
            function = functional_key(outputs, where, self.bits)
            exact = function if self.bits >= MANTISSA_BITS else functional_key(outputs, where)
        except (TypeError, RecursionError):
            return None
        return Keys(function, exact)


def functional_key(outputs: Iterable[Any], evaluation_set: str, bits: int = MANTISSA_BITS) -> str:
    """BLAKE2b-128 of the outputs, plain data in the order of the instances, within one evaluation set.

    `bits` of 53 tells all doubles apart. Raises TypeError for what is not plain data.
    """
    digest = blake2b(f"{evaluation_set}|{bits}|".encode(), digest_size=16)
    for output in outputs:
        digest.update(canonical(output, bits))
    return digest.hexdigest()


def canonical(value: Any, bits: int = MANTISSA_BITS) -> bytes:
    """A value as bytes: equal for values that count as the same, prefix-free within a sequence.

    Raises TypeError for what is not plain data.
    """
    match value:
        case None | bool():
            return repr(value).encode()[:1]
        case int():
            text = _digits(value)
            return f"i{len(text)}:{text}".encode()
        case float():
            return b"f" + rounded(np.array([value]), bits).tobytes()
        case str():
            data = value.encode("utf-8", "surrogatepass")
            return b"s" + struct.pack("<Q", len(data)) + data
        case bytes():
            return b"b" + struct.pack("<Q", len(value)) + value
        case list() | tuple():
            kind = b"l" if isinstance(value, list) else b"t"
            row = _row(value, bits) if len(value) >= LONG else None
            body = b"".join(canonical(one, bits) for one in value) if row is None else row
            return kind + struct.pack("<Q", len(value)) + body
        case dict():
            items = sorted(canonical(key, bits) + canonical(one, bits) for key, one in value.items())
            return b"d" + struct.pack("<Q", len(items)) + b"".join(items)
        case array():
            return b"a" + _array(np.asarray(value), bits)
        case np.ndarray():
            return b"n" + _array(value, bits)
        case Raised():
            return b"e" + canonical(value.name)
    raise TypeError(f"a {type(value).__name__} is no plain data")


def _left_of(items: int, value: Any) -> int:
    """What is left of a number of items after those of a value; below zero, at once, where it has more."""
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if not isinstance(value, list | tuple):
        return items - 1
    if len(value) >= LONG and set(map(type, value)) in _ROWS:
        return items - 1
    for one in value:
        if items < 0:
            break
        items = _left_of(items, one)
    return items


def _row(values: Sequence[Any], bits: int) -> bytes | None:
    """Numbers of one type as bytes; None for other values. Which way a row goes depends on its types alone."""
    kinds = set(map(type, values))
    if kinds == {float}:
        return b"F" + rounded(np.array(values), bits).tobytes()
    if kinds == {int}:
        text = ",".join(map(_digits, values))
        return b"I" + struct.pack("<Q", len(text)) + text.encode()
    return None


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # the interpreter writes no more than sys.get_int_max_str_digits()
        raise TypeError(f"a number of {value.bit_length():,} bits is no plain data") from None


def _array(values: NDArray[Any], bits: int) -> bytes:
    kind = values.dtype.kind
    if kind not in "biufc" or (kind in "fc" and values.dtype.itemsize > _LARGEST_BYTES[kind]):
        raise TypeError(f"an array of {values.dtype} is no plain data")
    native = values.astype(values.dtype.newbyteorder("="), copy=False)
    if kind == "c":
        body = rounded(np.stack([native.real, native.imag], axis=-1), bits).tobytes()
    elif kind == "f":
        body = rounded(native, bits).tobytes()
    else:
        body = np.ascontiguousarray(native).tobytes()
    return f"{values.dtype.str}{values.shape}|".encode() + body


def rounded(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Floats with `bits` of mantissa, half away from zero, one NaN and no minus zero; same type and shape.

    Their bytes are in the order of this machine. What would round to infinity stays as it is.

    Rounding adds half a unit to the integer that an IEEE 754 number is and clears what lies below: a carry moves
    into the exponent, where it belongs.
    """
    unsigned, precision = _UNSIGNED[values.dtype.itemsize]
    cleaned = np.ascontiguousarray(
        np.where(np.isnan(values), np.nan, values + 0.0).astype(values.dtype.newbyteorder("="))
    )
    drop = precision - bits
    if drop <= 0:
        return cleaned
    pattern = cleaned.view(unsigned)
    half, mask = unsigned(1 << (drop - 1)), unsigned(((1 << (8 * values.dtype.itemsize)) - 1) ^ ((1 << drop) - 1))
    turned = ((pattern + half) & mask).view(cleaned.dtype)
    return np.where(np.isfinite(cleaned) & np.isfinite(turned), turned, cleaned)
