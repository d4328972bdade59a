"""The frames that cross the border of a sandbox: plain data in, plain data out, nothing that runs.

This file stands alone (standard library, numpy only where an array is met), because the same text is loaded on
both sides. A frame is a header of 32 bytes (magic and version, kind, length of the payload, nonce) and a payload
that holds one value. A value is a tag of one byte and what belongs to it, little endian throughout:

    None, True, False    the tag alone
    int                  8 bytes, signed; beyond that a count of bytes (2) and the bytes, at most 4096 bits
    float                8 bytes, so that NaN, infinities and -0.0 survive
    str, bytes           a length (8 bytes) and the bytes; text is UTF-8 without lone surrogates
    list, tuple, dict    a count (4 bytes) and the items; a list of 64-bit ints or of floats is packed, 8 bytes each
    array.array          typecode, item size, length in bytes, bytes
    numpy.ndarray        dtype, shape, bytes in C order; kinds b, i, u, f and c up to 64-bit parts
    numpy scalars        as the Python number that they are

Types are matched by identity. No method of a foreign object is ever called, and a subclass is a foreign object.
"""

from __future__ import annotations

import sys
from struct import Struct
from struct import error as struct_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    # At run time these would be most of what a session's start costs; so would `array`, imported where it is used.
    from array import array
    from collections.abc import Callable
    from typing import Any

OPEN, READY, REFUSED, LOADED, CALL, VALUE, FAILURE = range(1, 8)

MAGIC = b"EVW1"
HEADER = Struct("<4sB3xQ16s")
HEADER_BYTES = HEADER.size
MAX_DEPTH = 64
MAX_INT_BYTES = 512
MAX_ITEMS = 1 << 22
"""Items of one value that are not packed numbers: what bounds the memory that a frame can ask for."""

ARRAY_ITEMS = 64
"""What an array counts as, however short: an object of a few bytes on the wire takes hundreds in memory."""

ARRAY_CODES = "bBhHiIlLqQfd"
DTYPES = ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16")
INTS = ("int8", "int16", "int32", "int64", "intc", "long", "longlong")
SCALARS = ("bool_", *INTS, *(f"u{name}" for name in INTS), "float16", "float32", "float64")

_NONE, _TRUE, _FALSE, _INT, _BIG, _FLOAT, _STR, _BYTES = b"NTFiIdsb"
_LIST, _TUPLE, _DICT, _INTS, _FLOATS, _ARRAY, _NDARRAY = b"ltDqfaA"
_PACK_FROM = 8
_CHECK_EVERY = 256
_BIG_ENDIAN = sys.byteorder == "big"

# What `type.__name__` and `type.__module__` are, whatever a metaclass says; the latter may be anything.
_TYPE_NAME: Callable[[type], str] = type.__dict__["__name__"].__get__
_TYPE_MODULE: Callable[[type], object] = type.__dict__["__module__"].__get__
_ON_A_DEVICE = {"cupy": "cupy.asnumpy(value)", "torch": "value.cpu().numpy()", "jaxlib": "numpy.asarray(value)"}

_TAG_INT = Struct("<Bq")
_TAG_FLOAT = Struct("<Bd")
_TAG_SIZE = Struct("<BQ")
_TAG_COUNT = Struct("<BI")
_SHORT = Struct("<H")
_COUNT = Struct("<I")
_SIZE = Struct("<Q")
_INT64 = Struct("<q")
_FLOAT64 = Struct("<d")


class WireError(Exception):
    """A value that may not cross, or bytes that are no value. `where` is the path to it, e.g. `[3]["a"]`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.where = ""

    def within(self, step: str) -> WireError:
        """The same error, seen from one level further out."""
        self.where = step + self.where
        return self


def frame(kind: int, nonce: bytes, payload: bytes | bytearray) -> bytes:
    """Header and payload. `nonce` has 16 bytes."""
    return HEADER.pack(MAGIC, kind, len(payload), nonce) + payload


def parse_header(data: bytes | bytearray, limit: int) -> tuple[int, int, bytes]:
    """Kind, payload length and nonce of the frame that `data` begins with (at least `HEADER_BYTES` long).

    Raises WireError where it is no header, or announces a frame of more than `limit` bytes.
    """
    magic, kind, length, nonce = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise WireError("bytes that are no frame")
    if length + HEADER_BYTES > limit:
        raise WireError(f"a frame of {length + HEADER_BYTES} bytes, more than {limit}")
    return kind, length, nonce


def encode(value: Any, limit: int = sys.maxsize) -> bytes:
    """The payload for `value`. Raises WireError, with the path, where it is not plain data or over `limit` bytes."""
    writer = _Writer(limit)
    _ENCODERS.get(id(type(value)), _put_other)(writer, value, 0)
    writer.reserve(0)
    return bytes(writer.out)


class _Writer:
    __slots__ = ("items", "limit", "out")

    def __init__(self, limit: int) -> None:
        self.out = bytearray()
        self.limit = limit
        self.items = MAX_ITEMS

    def reserve(self, size: int) -> None:
        """Refuses before anything is copied."""
        if len(self.out) + size > self.limit:
            raise WireError(f"more than {self.limit} bytes")

    def array(self, size: int) -> None:
        """Begins an array of `size` bytes."""
        self.items -= ARRAY_ITEMS
        if self.items < 0:
            raise WireError(f"more than {MAX_ITEMS} items, an array counted as {ARRAY_ITEMS}")
        self.reserve(size)

    def enter(self, tag: int, count: int, parts: int, depth: int) -> None:
        """Begins a container of `count` items of so many parts. Every item takes at least one byte."""
        self.items -= parts * count
        if self.items < 0:
            raise WireError(f"more than {MAX_ITEMS} items")
        if depth >= MAX_DEPTH:
            raise WireError(f"more than {MAX_DEPTH} levels")
        self.reserve(parts * count)
        self.out += _TAG_COUNT.pack(tag, count)


def _put_int(writer: _Writer, value: int, depth: int) -> None:
    try:
        writer.out += _TAG_INT.pack(_INT, value)
    except struct_error:
        size = value.bit_length() // 8 + 1
        if value.bit_length() > 8 * MAX_INT_BYTES:
            raise WireError(f"an int of more than {8 * MAX_INT_BYTES} bits") from None
        writer.reserve(size)
        writer.out.append(_BIG)
        writer.out += _SHORT.pack(size) + value.to_bytes(size, "little", signed=True)


def _put_str(writer: _Writer, value: str, depth: int) -> None:
    writer.reserve(len(value))
    try:
        _put_block(writer, _STR, value.encode())
    except UnicodeEncodeError:
        raise WireError("text with a lone surrogate") from None


def _put_block(writer: _Writer, tag: int, data: bytes) -> None:
    writer.reserve(len(data))
    writer.out += _TAG_SIZE.pack(tag, len(data))
    writer.out += data


def _put_list(writer: _Writer, value: list[Any], depth: int) -> None:
    if len(value) < _PACK_FROM or not _put_packed(writer, value):
        _put_items(writer, value, depth, _LIST)


def _put_items(writer: _Writer, value: list[Any] | tuple[Any, ...], depth: int, tag: int = _TUPLE) -> None:
    writer.enter(tag, len(value), 1, depth)
    index = -1
    try:
        for item in value:
            index += 1
            _ENCODERS.get(id(type(item)), _put_other)(writer, item, depth + 1)
    except WireError as error:
        raise error.within(f"[{index}]") from None


def _put_packed(writer: _Writer, value: list[Any]) -> bool:
    """Writes a list of floats, or of ints of 64 bits, as one block; False where it is neither."""
    kind = id(type(value[0]))
    if kind not in _PACKED or list(map(id, map(type, value))).count(kind) != len(value):
        return False
    from array import array

    tag, code = _PACKED[kind]
    writer.reserve(8 * len(value))
    try:
        block = array(code, value)
    except OverflowError:
        return False
    writer.out += _TAG_COUNT.pack(tag, len(block)) + _little_endian(block).tobytes()
    return True


def _little_endian(numbers: array[Any]) -> array[Any]:
    """The same numbers in the order of bytes that frames have; and back."""
    if _BIG_ENDIAN:
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def _put_dict(writer: _Writer, value: dict[Any, Any], depth: int) -> None:
    writer.enter(_DICT, len(value), 2, depth)
    key: Any = None
    try:
        for key, item in value.items():
            _ENCODERS.get(id(type(key)), _put_other)(writer, key, depth + 1)
            _ENCODERS.get(id(type(item)), _put_other)(writer, item, depth + 1)
    except WireError as error:
        shown = repr(key)[:60] if type(key) is str or type(key) is int else "..."
        raise error.within(f"[{shown}]") from None


def _put_array(writer: _Writer, value: array[Any], depth: int) -> None:
    size = len(value) * value.itemsize
    if value.typecode not in ARRAY_CODES:
        raise WireError(f"an array.array of typecode {value.typecode!r}")
    writer.array(size)
    writer.out += bytes((_ARRAY, ord(value.typecode), value.itemsize)) + _SIZE.pack(size)
    writer.out += _little_endian(value).tobytes()


def _put_ndarray(writer: _Writer, value: Any, depth: int) -> None:
    if value.dtype.newbyteorder("<").str not in DTYPES:
        raise WireError(f"a numpy array of dtype {value.dtype.str[:40]}")
    writer.array(value.nbytes)
    value = value.astype(value.dtype.newbyteorder("<"), order="C", copy=False)
    name = value.dtype.str.encode()
    writer.out += bytes((_NDARRAY, len(name))) + name + bytes((value.ndim,))
    for side in value.shape:
        writer.out += _SIZE.pack(side)
    writer.out += value.tobytes()


def _put_scalar(writer: _Writer, value: Any, depth: int) -> None:
    number = value.item()
    _ENCODERS.get(id(type(number)), _put_other)(writer, number, depth)


def _put_other(writer: _Writer, value: Any, depth: int) -> None:
    """What the table does not know: an array the first time that one is met, or a refusal."""
    _learn("array", ("array",), _put_array)
    _learn("numpy", ("ndarray",), _put_ndarray)
    _learn("numpy", SCALARS, _put_scalar)
    encoder = _ENCODERS.get(id(type(value)))
    if encoder is None:
        raise WireError(f"a value of type {_TYPE_NAME(type(value))[:60]}{_advice(type(value))}")
    encoder(writer, value, depth)


def _advice(kind: type) -> str:
    """What makes plain data of an array of another library, by the name of its module."""
    package = module.partition(".")[0] if type(module := _TYPE_MODULE(kind)) is str else ""
    return f" of {package}: return {_ON_A_DEVICE[package]}" if package in _ON_A_DEVICE else ""


def _learn(module: str, names: tuple[str, ...], encoder: Callable[[_Writer, Any, int], None]) -> None:
    """Adds types of a module that is in use to the table. Nobody has a value of it before that."""
    found = [getattr(sys.modules.get(module), name, None) for name in names]
    _ENCODERS.update({id(kind): encoder for kind in found if isinstance(kind, type)})


# Keyed by id: looking a type up by itself would call __hash__ and __eq__ of its metaclass.
_ENCODERS: dict[int, Callable[[_Writer, Any, int], None]] = {
    id(type(None)): lambda writer, value, depth: writer.out.append(_NONE),
    id(bool): lambda writer, value, depth: writer.out.append(_TRUE if value else _FALSE),
    id(int): _put_int,
    id(float): lambda writer, value, depth: writer.out.extend(_TAG_FLOAT.pack(_FLOAT, value)),
    id(str): _put_str,
    id(bytes): lambda writer, value, depth: _put_block(writer, _BYTES, value),
    id(list): _put_list,
    id(tuple): _put_items,
    id(dict): _put_dict,
}
_PACKED = {id(int): (_INTS, "q"), id(float): (_FLOATS, "d")}


def decode(payload: bytes | bytearray, check: Callable[[], None] | None = None) -> Any:
    """The value of a payload, in fresh objects. Raises WireError and nothing else, whatever the bytes are.

    Memory stays within a small multiple of the payload and `MAX_ITEMS` objects. `check` is called now and then, and may
    raise WireError to give up: keys, long tuples above all, can be chosen so that a dict of them takes very long.
    """
    reader = _Reader(payload, check)
    try:
        value, at = _DECODERS[payload[0]](reader, 1, 0)
    except WireError:
        raise
    except ImportError:
        raise WireError("a numpy array, and numpy is not among the packages here") from None
    except Exception as error:
        raise WireError(f"bytes that are no value ({type(error).__name__})") from None
    if at != len(payload):
        raise WireError("bytes after the value")
    return value


class _Reader:
    __slots__ = ("check", "data", "items")

    def __init__(self, data: bytes | bytearray, check: Callable[[], None] | None) -> None:
        self.data = data
        self.items = MAX_ITEMS
        self.check = check

    def block(self, at: int, size: int) -> bytes | bytearray:
        """Exactly `size` bytes: a slice alone would be silently short."""
        if size > len(self.data) - at:
            raise WireError("a length beyond the end")
        return self.data[at : at + size]

    def array(self) -> None:
        """Begins an array."""
        self.items -= ARRAY_ITEMS
        if self.items < 0:
            raise WireError("too many arrays")

    def count(self, at: int, depth: int, parts: int = 1) -> int:
        """The count of a container, believed only where so many items can follow."""
        (count,) = _COUNT.unpack_from(self.data, at)
        self.items -= parts * count
        if parts * count > len(self.data) - at - 4 or self.items < 0 or depth >= MAX_DEPTH:
            raise WireError("a container that is too large or too deep")
        return int(count)


def _take_big(reader: _Reader, at: int, depth: int) -> tuple[int, int]:
    (size,) = _SHORT.unpack_from(reader.data, at)
    if size > MAX_INT_BYTES + 1:
        raise WireError("an int that is too large")
    return int.from_bytes(reader.block(at + 2, size), "little", signed=True), at + 2 + size


def _take_bytes(reader: _Reader, at: int, depth: int) -> tuple[bytes, int]:
    (size,) = _SIZE.unpack_from(reader.data, at)
    return bytes(reader.block(at + 8, size)), at + 8 + size


def _take_str(reader: _Reader, at: int, depth: int) -> tuple[str, int]:
    data, at = _take_bytes(reader, at, depth)
    return data.decode(), at


def _take_list(reader: _Reader, at: int, depth: int) -> tuple[list[Any], int]:
    data = reader.data
    count = reader.count(at, depth)
    at += 4
    items = []
    for index in range(count):
        item, at = _DECODERS[data[at]](reader, at + 1, depth + 1)
        items.append(item)
        if index % _CHECK_EVERY == _CHECK_EVERY - 1 and reader.check is not None:
            reader.check()
    return items, at


def _take_tuple(reader: _Reader, at: int, depth: int) -> tuple[tuple[Any, ...], int]:
    items, at = _take_list(reader, at, depth)
    return tuple(items), at


def _take_dict(reader: _Reader, at: int, depth: int) -> tuple[dict[Any, Any], int]:
    data = reader.data
    count = reader.count(at, depth, 2)
    at += 4
    items: dict[Any, Any] = {}
    for index in range(count):
        key, at = _DECODERS[data[at]](reader, at + 1, depth + 1)
        items[key], at = _DECODERS[data[at]](reader, at + 1, depth + 1)
        if (index % _CHECK_EVERY == 0 or type(key) is tuple) and reader.check is not None:
            reader.check()
    if len(items) != count:
        raise WireError("a dict with the same key twice")
    return items, at


def _take_packed(code: str) -> Callable[[_Reader, int, int], tuple[list[Any], int]]:
    def take(reader: _Reader, at: int, depth: int) -> tuple[list[Any], int]:
        (count,) = _COUNT.unpack_from(reader.data, at)
        return _numbers(code, reader.block(at + 4, 8 * count)).tolist(), at + 4 + 8 * count

    return take


def _take_array(reader: _Reader, at: int, depth: int) -> tuple[array[Any], int]:
    from array import array

    reader.array()
    code = chr(reader.data[at])
    if code not in ARRAY_CODES or array(code).itemsize != reader.data[at + 1]:
        raise WireError("an array.array of another machine")
    (size,) = _SIZE.unpack_from(reader.data, at + 2)
    return _numbers(code, reader.block(at + 10, size)), at + 10 + size


def _numbers(code: str, data: bytes | bytearray) -> array[Any]:
    from array import array

    numbers = array(code)
    numbers.frombytes(data)
    return _little_endian(numbers)


def _take_ndarray(reader: _Reader, at: int, depth: int) -> tuple[Any, int]:
    import numpy

    reader.array()
    size = reader.data[at]
    name = bytes(reader.block(at + 1, size)).decode()
    sides = reader.data[at + 1 + size]
    at += 2 + size
    if name not in DTYPES:
        raise WireError("a numpy array of another dtype")
    shape = [_SIZE.unpack_from(reader.data, at + 8 * axis)[0] for axis in range(sides)]
    at += 8 * sides
    dtype = numpy.dtype(name)
    length = dtype.itemsize
    for side in shape:
        length *= side
    data = numpy.frombuffer(bytearray(reader.block(at, length)), dtype)
    if dtype.kind == "b" and data.view("u1").max(initial=0) > 1:
        raise WireError("booleans that are neither true nor false")
    return data.reshape(shape).astype(dtype.newbyteorder("="), copy=False), at + length


_DECODERS: dict[int, Callable[[_Reader, int, int], tuple[Any, int]]] = {
    _NONE: lambda reader, at, depth: (None, at),
    _TRUE: lambda reader, at, depth: (True, at),
    _FALSE: lambda reader, at, depth: (False, at),
    _INT: lambda reader, at, depth: (_INT64.unpack_from(reader.data, at)[0], at + 8),
    _BIG: _take_big,
    _FLOAT: lambda reader, at, depth: (_FLOAT64.unpack_from(reader.data, at)[0], at + 8),
    _STR: _take_str,
    _BYTES: _take_bytes,
    _LIST: _take_list,
    _TUPLE: _take_tuple,
    _DICT: _take_dict,
    _INTS: _take_packed("q"),
    _FLOATS: _take_packed("d"),
    _ARRAY: _take_array,
    _NDARRAY: _take_ndarray,
}
