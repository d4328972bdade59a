"""The static stage: markers, whitelist, and the names under which a program is remembered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from evaluators.normal_form import names_defined, normalise
from evolve.core.errors import Forbidden
from evolve.core.types import Source
from sandbox import straight_line
from sandbox.straight_line import StraightLine

_START = re.compile(r"^[ \t]*# EVOLVE-BLOCK-START[ \t]*\n", re.M)
_END = re.compile(r"^[ \t]*# EVOLVE-BLOCK-END[ \t]*$", re.M)


@dataclass(frozen=True, slots=True)
class Block:
    """The part of a file that may change: `text[start:end]`, whole lines between the markers."""

    start: int
    end: int


Program = TypeVar("Program", StraightLine, Source)


@dataclass(frozen=True)
class Screened(Generic[Program]):
    """A program that may be evaluated: a checked graph, or a text that only a sandbox will run.

    Same `program_id`: same program; same `skeleton_id`: up to constants.
    """

    program: Program
    program_id: str
    skeleton_id: str


def find_block(text: str) -> Block:
    """The only evolvable block of a file.

    Raises:
        Forbidden: there is not exactly one START marker followed by one END marker.
    """
    starts, ends = list(_START.finditer(text)), list(_END.finditer(text))
    if len(starts) != 1 or len(ends) != 1 or ends[0].start() < starts[0].end():
        raise Forbidden("the file must hold one # EVOLVE-BLOCK-START line and, after it, one # EVOLVE-BLOCK-END line")
    return Block(starts[0].end(), ends[0].start())


def outside_block(text: str) -> tuple[str, str]:
    """What stands before and after the block; a candidate may change neither."""
    block = find_block(text)
    return text[: block.start], text[block.end :]


def identify(program: StraightLine) -> tuple[str, str]:
    """(program_id, skeleton_id): BLAKE2b-128 of the normalised program with and without its constants.

    Names, comments, layout, dead statements, repeated expressions and the order of statements and of the
    operands of + and * do not count. Each value is named by the digest of what it is made of (Merkle 1987).
    """
    arguments = [f"a{i}" for i in range(len(program.arguments))]
    values = _digests(program, [*arguments, *(constant.hex() for constant in program.constants)])
    return _digest(f"{len(arguments)}|{values[program.result]}"), identify_skeleton(program)


def identify_skeleton(program: StraightLine) -> str:
    """The skeleton_id alone. Equal shapes need not be equal values, so users of each value count as well."""
    first = len(program.arguments)
    shapes = _digests(program, [*(f"a{i}" for i in range(first)), *("c" for _ in program.constants)])
    users: list[list[str]] = [[] for _ in shapes]
    for slot, (operator, left, right) in enumerate(program.steps, first + len(program.constants)):
        for side, operand in enumerate((left, right)):
            users[operand].append(shapes[slot] + (str(side) if operator in "-/" else ""))
    places = sorted(f"{shape}:{','.join(sorted(used))}" for shape, used in zip(shapes, users, strict=True))
    return _digest(f"{first}|{shapes[program.result]}|{places}")


def screen_program(sandbox: str, source: Source, seed: Source | None) -> Screened[Any]:
    """Check a program for the sandbox of that name without running it; `seed` is None for files of their own.

    Raises:
        Forbidden: as `screen` or `screen_text`.
    """
    if sandbox == "straight_line":
        return screen(source, seed) if seed else screen_baseline(source)
    return screen_text(source, seed)


def screen(source: Source, seed: Source) -> Screened[StraightLine]:
    """Check a candidate of straight-line arithmetic without running it.

    Raises:
        Forbidden: text outside the block differs from the seed's, or the whitelist refuses the program.
    """
    _check_outside(source, seed)
    return screen_baseline(source)


def screen_baseline(source: Source) -> Screened[StraightLine]:
    """As `screen`, for programs that people wrote as files of their own: there is no outside to keep."""
    program = straight_line.parse(source.main, source.entry)
    program_id, skeleton_id = identify(program)
    return Screened(program, program_id, skeleton_id)


def screen_text(source: Source, seed: Source | None) -> Screened[Source]:
    """Check ordinary Python that a sandbox will run. What it does is not judged here: the sandbox is there for that.

    Comments, layout, docstrings and the names of local variables do not count in its ids.

    Raises:
        Forbidden: text outside the block differs from the seed's, it is not Python or out of bounds, or nothing at
            the top level of the file defines the entry.
    """
    if seed is not None:
        _check_outside(source, seed)
    if source.entry not in names_defined(source.main):
        raise Forbidden(f"nothing in the file defines {source.entry}")
    return Screened(source, _digest(normalise(source.main)), _digest(normalise(source.main, constants=False)))


def _check_outside(source: Source, seed: Source) -> None:
    if outside_block(source.main) != _outside_seed(seed.main):
        raise Forbidden("the text outside the EVOLVE-BLOCK differs from the seed's")


@lru_cache(maxsize=16)
def _outside_seed(text: str) -> tuple[str, str]:
    return outside_block(text)


def _digests(program: StraightLine, names: list[str]) -> list[str]:
    """A name for each slot, made from those of arguments and constants."""
    names = names.copy()
    for operator, left, right in program.steps:
        operands = [names[left], names[right]]
        if operator in "+*":
            operands.sort()
        names.append(_digest(operator.join(operands)))
    return names


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
