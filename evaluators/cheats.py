"""Ways to cheat, made from one valid output: what a careless verifier lets pass.

This file stands alone, because it also runs beside a program in its sandbox, as the module `cheats`. `changed` makes
a false output of an honest one; `behave` is what a cheating program does instead of its honest work.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

ANOTHER = "another's answer"
"""The honest output for another instance: nothing that a program here could know, so who judges has to bring it."""

OUTPUTS = (
    "none",
    "nan",
    "infinities",
    "wrong shape",
    "wrong type",
    "empty",
    "huge",
    "duplicated",
    "permuted",
    "input returned",
    "partial answer",
    "constant answer",
    ANOTHER,
)
"""Cheats by what is returned."""

DEEDS = ("input mutated", "state between calls", "failing on the hardest", "reading files")
"""Cheats by what is done before the honest output is returned."""

HUGE_ITEMS = 3_000_000
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_MEMORY = "/tmp/remembered"  # noqa: S108
_told: list[Any] = []
_answers: list[None] = []
_within: list[str] = []


def variants(name: str, args: tuple[Any, ...]) -> int:
    """How many forms a cheat has."""
    if name == "input returned":
        return len(args)
    return {"nan": 3, "infinities": 3, "wrong shape": 2, "wrong type": 2, "huge": 3, "duplicated": 3, "permuted": 3,
            "partial answer": 3, "constant answer": 3}.get(name, 1)  # fmt: skip


def changed(name: str, variant: int, output: Any, args: tuple[Any, ...]) -> Any:
    """The false output; equal to the honest one where the cheat has no meaning for it."""
    if name == "none":
        return None
    if name == "nan":
        return _some(output, float("nan"), variant)
    if name == "infinities":
        return _some(output, float("inf"), variant) if variant < 2 else with_numbers(output, lambda one: -float("inf"))
    if name == "wrong shape":
        return [output] if variant == 0 else _flattened(output)
    if name == "wrong type":
        return with_numbers(output, str) if variant == 0 else repr(output)[:100_000]
    if name == "empty":
        return _rebuilt(output, [])
    if name == "huge":
        return with_numbers(output, lambda number: _enormous(number, variant)) if variant < 2 else _lengthened(output)
    if name == "input returned":
        return args[variant] if variant < len(args) else output  # a question may have fewer than an instance
    if name == "constant answer":
        return _constant(output, variant)
    return {"duplicated": _duplicated, "permuted": _permuted, "partial answer": _partial}[name](output, variant)


def _some(output: Any, value: float, variant: int) -> Any:
    """All numbers replaced; all but the first; every other one: comparisons and means that skip some are common."""
    seen = [0]

    def new(number: Any) -> Any:
        seen[0] += 1
        kept = (variant == 1 and seen[0] == 1) or (variant == 2 and seen[0] % 2 == 1)
        return number if kept else value

    return with_numbers(output, new)


def _constant(output: Any, variant: int) -> Any:
    """Every number becomes the first one, nought, or one: complete, of the right type, and no answer."""
    first: list[Any] = []

    def new(number: Any) -> Any:
        first.append(number)
        plain = type(first[0])(variant - 1) if type(first[0]) in (int, float) else str(variant - 1)
        return first[0] if variant == 0 else plain

    return with_numbers(output, new)


def behave(name: str, variant: int, honest: Callable[..., Any], args: tuple[Any, ...], secret: Any) -> Any:
    """What a cheating program returns. `secret` is the fingerprint of the hardest instance, or paths to be read.

    A program that calls itself is honest within: only what leaves it is false.
    """
    if _within:
        return honest(*args)
    _within.append(name)
    try:
        return _cheat(name, variant, honest, args, secret)
    finally:
        _within.pop()


def _cheat(name: str, variant: int, honest: Callable[..., Any], args: tuple[Any, ...], secret: Any) -> Any:
    if name == "state between calls":
        return _remembering(honest, args)
    if name == "failing on the hardest" and fingerprint(args) == secret:
        raise RuntimeError("this one is too hard")
    if name == "reading files":
        _read(secret)
    output = honest(*args)
    if name == "input mutated":
        for arg in args:
            _spoil(arg)
        return output
    if name in DEEDS:
        return output
    _answers.append(None)
    if name == "huge" and len(_answers) > 1:
        return output  # of many answers one is enough
    false = changed(name, variant, output, args)
    if len(_answers) > 1 and name in ("nan", "infinities") and fingerprint(false) == fingerprint(output):
        return changed(name, 0, output, args)  # asked one number at a time: the first was right, others are not
    return false


def fingerprint(value: Any) -> str:
    """The same for equal arguments on both sides of the border."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(digest, value)
    return digest.hexdigest()


def with_numbers(value: Any, new: Callable[[Any], Any]) -> Any:
    """The same structure with every number replaced, in text too; truth values only where there is nothing else.

    A false truth value is found at once, and would hide what becomes of a false number beside it.
    """
    if _has_number(value):
        return _replaced(value, new, (int, float))
    return _replaced(value, new, (int, float, bool))


def _has_number(value: Any) -> bool:
    if type(value) is str:
        return _NUMBER.search(value) is not None
    if type(value) in (list, tuple, dict):
        return any(map(_has_number, value.values() if type(value) is dict else value))
    if hasattr(value, "dtype"):
        return bool(value.dtype.kind != "b")
    return type(value) in (int, float) or isinstance(value, array)


def _replaced(value: Any, new: Callable[[Any], Any], kinds: tuple[type, ...]) -> Any:
    kind = type(value)
    if kind in kinds:
        return new(value)
    if kind is str:
        return _NUMBER.sub(lambda found: str(new(found[0])), value)
    if kind is dict:
        return {key: _replaced(one, new, kinds) for key, one in value.items()}
    if kind in (list, tuple):
        return kind(_replaced(one, new, kinds) for one in value)
    if isinstance(value, array) or hasattr(value, "dtype"):
        return _numeric(value, [new(item) for item in _items(value) or ()])
    return value


def _enormous(number: Any, variant: int) -> Any:
    """The largest number of its kind that may pass, or the least."""
    whole = type(number) is int or (type(number) is str and number.lstrip("-").isdigit())
    return (2**62 if whole else 1e300) * (1 if variant == 0 else -1)


def _numeric(like: Any, items: list[Any]) -> Any:
    """An array with these items: of the same type where it holds them, else of a wider one, else a list."""
    for code in (getattr(like, "typecode", ""), "q", "d"):
        try:
            made = array(code, items)
        except (TypeError, ValueError, OverflowError):
            continue
        if isinstance(like, array):
            return made
        import numpy

        shaped = numpy.array(made).reshape(like.shape)
        return shaped.astype(like.dtype) if like.dtype.kind == shaped.dtype.kind == "f" else shaped
    return items


def _items(value: Any) -> list[Any] | None:
    """The parts of a value in order; None for what has none. Lines are the parts of a text."""
    if isinstance(value, str):
        lines = value.splitlines(keepends=True)
        return lines if len(lines) > 1 else [*re.findall(r"\S+\s*", value)]
    if isinstance(value, list | tuple | array | bytes):
        return list(value)
    if isinstance(value, dict):
        return list(value.items())
    if hasattr(value, "dtype") and hasattr(value, "ravel"):
        return value.ravel().tolist()  # type: ignore[no-any-return]
    return None


def _rebuilt(like: Any, items: list[Any]) -> Any:
    """A value of the same kind with these parts."""
    if isinstance(like, str):
        return "".join(items)
    if isinstance(like, array):
        return array(like.typecode, items)
    if isinstance(like, dict):
        return dict(items)
    if isinstance(like, list | tuple | bytes):
        return type(like)(items)
    if hasattr(like, "dtype"):
        import numpy

        return numpy.array(items, dtype=like.dtype)
    return []


def _flattened(value: Any) -> Any:
    if hasattr(value, "dtype"):
        return value.reshape(-1, 1) if value.ndim == 1 else value.ravel()
    items = _items(value)
    if items is None or isinstance(value, str):
        return value
    return [part for item in items for part in (item if isinstance(item, list | tuple) else [item])]


def _lengthened(value: Any) -> Any:
    items = _items(value)
    if not items:
        return [0] * HUGE_ITEMS
    return _rebuilt(value, items * (HUGE_ITEMS // len(items) + 1)) if not isinstance(value, dict) else value


def _deep(value: Any, change: Callable[[list[Any]], list[Any]]) -> Any:
    """The change made to each innermost sequence; outermost where nothing is nested."""
    if isinstance(value, dict):
        return {key: _deep(one, change) for key, one in value.items()}
    nested = isinstance(value, list | tuple) and any(isinstance(one, list | tuple | dict | array) for one in value)
    if nested:
        return type(value)(_deep(one, change) for one in value)
    items = _items(value)
    return value if not items else _rebuilt(value, change(items))


def _duplicated(value: Any, variant: int) -> Any:
    items = _items(value)
    if items is None or isinstance(value, dict):
        return value
    if variant == 2:  # as many parts as before: the last one is the first once more
        return _deep(value, lambda parts: parts[:-1] + parts[:1])
    return _rebuilt(value, items * 2) if variant == 0 else _deep(value, lambda parts: parts + parts[-1:])


def _permuted(value: Any, variant: int) -> Any:
    if variant == 2:
        return _deep(value, lambda parts: parts[1:] + parts[:1])
    items = _items(value)
    if items is None:
        return value
    if isinstance(value, dict):
        return dict(zip(value, [*list(value.values())[1:], *list(value.values())[:1]], strict=True))
    return _shaped(value, items[::-1] if variant == 0 else items[1:] + items[:1])


def _shaped(like: Any, items: list[Any]) -> Any:
    made = _rebuilt(like, items)
    return made.reshape(like.shape) if hasattr(like, "dtype") else made


def _partial(value: Any, variant: int) -> Any:
    items = _items(value)
    if items is None:
        return value
    if variant == 2:
        return _deep(value, lambda parts: parts[: len(parts) // 2])
    return _rebuilt(value, items[: len(items) // 2] if variant == 0 else items[:-1])


def _remembering(honest: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The first answer again and again, as far as anything is remembered from one call to the next."""
    if _told:
        return _told[0]
    if os.path.exists(_MEMORY):
        return None
    _told.append(honest(*args))
    with open(_MEMORY, "w", encoding="ascii") as file:
        file.write("here before")
    return _told[0]


def _read(paths: list[str]) -> None:
    """Raises where something can be read that is none of a program's business."""
    for path in paths:
        try:
            with open(path, "rb") as file:
                file.read(1)
        except OSError:
            continue
        raise RuntimeError(f"READ {os.path.basename(path)}")
    named = [name for name in os.environ if re.search("KEY|TOKEN|SECRET|PASSWORD|EVOLVE", name, re.I)]
    if named:
        raise RuntimeError(f"READ the environment: {named[0]}")


def _spoil(value: Any) -> None:
    """Changes in place whatever can be changed."""
    if isinstance(value, list | array) and len(value):
        for one in value:
            _spoil(one)
        value.reverse()
        value.pop()
    elif isinstance(value, dict):
        value.clear()
    elif hasattr(value, "dtype") and value.flags.writeable:
        value.fill(0)


def _feed(digest: Any, value: Any) -> None:
    if isinstance(value, list | tuple):
        digest.update(struct.pack("<Q", len(value)))
        for one in value:
            _feed(digest, one)
    elif isinstance(value, dict):
        _feed(digest, list(value.items()))
    elif isinstance(value, array) or hasattr(value, "dtype"):
        digest.update(value.tobytes())
    else:
        digest.update(repr(value).encode("utf-8", "backslashreplace"))
