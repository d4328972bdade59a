"""What both databases keep of a value. Checked before it is queued, so that a bad one fails alone.

Inside a transaction it would end the run: SQLite's driver raises at whole numbers beyond 64 bits and at lone
surrogates and turns not-a-number into null, PostgreSQL refuses a NUL, and both refuse texts of a gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from math import isnan
from reprlib import repr as shortened
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, Table

from evolve.core.errors import ArchiveError

LONGEST = 1 << 28
"""Characters of a stored text."""
MOST_TOKENS = 1 << 40
"""Of one reply. No model has read or written so many, and the sum over a run keeps within 64 bits."""

_SIGNED = frozenset({"seed", "run_seed"})
_MOST = dict.fromkeys(("prompt_tokens", "completion_tokens", "cached_tokens"), MOST_TOKENS)


def check(table: Table, row: Mapping[str, Any]) -> None:
    """Raise ValueError that names the first column of `row` whose value one of the databases does not keep."""
    takes = _columns(table)
    for name, value in row.items():
        test, nullable, wanted = takes[name]
        if not (nullable if value is None else test(value)):
            raise ValueError(f"its {name} is {shortened(value)}, not {wanted}")


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Turn whatever making the rows of `what` raises into an `ArchiveError` that names it."""
    try:
        yield
    except ArchiveError:
        raise
    except Exception as error:  # a value may be anything: what is wrong with it, is wrong with it alone
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        raise ArchiveError(
            f"{what} can not be stored: {reason[:300]}", "Leave it out or correct it; the archive goes on without it."
        ) from error


class _Takes(NamedTuple):
    """What a column takes."""

    test: Callable[[Any], bool]
    nullable: bool
    wanted: str


@cache
def _columns(table: Table) -> dict[str, _Takes]:
    """What each column takes, by name."""
    return {column.name: _takes(column) for column in table.columns}


def _takes(column: Column[Any]) -> _Takes:
    nullable = bool(column.nullable)
    if isinstance(column.type, Boolean):
        return _Takes(lambda value: type(value) is bool, nullable, "true or false")
    if isinstance(column.type, Float):
        return _Takes(_is_real, nullable, "a number")
    if isinstance(column.type, Integer):
        most = _MOST.get(column.name, (1 << (63 if isinstance(column.type, BigInteger) else 31)) - 1)
        least = -most - 1 if column.name in _SIGNED else 0
        wanted = f"a whole number up to {most}"
        return _Takes(lambda value: type(value) is int and least <= value <= most, nullable, wanted)
    return _Takes(_is_text, nullable, f"a text of up to {LONGEST} characters without NUL and lone surrogates")


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isnan(value)


def _is_text(value: Any) -> bool:
    if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
        return False
    try:
        # What is ASCII, as all JSON texts are, knows that of itself.
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False
