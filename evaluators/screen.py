"""The static stage: markers, whitelist, and the names under which a program is remembered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from evaluators.comment_style import marker_line, style_of
from evaluators.normal_form import names_defined, normal_forms
from evolve.core.errors import Forbidden
from evolve.core.types import Source
from sandbox import straight_line
from sandbox.straight_line import StraightLine
from sandbox.syntax import MAX_SOURCE_BYTES

START, END = "EVOLVE-BLOCK-START", "EVOLVE-BLOCK-END"
_START, _END = marker_line(START), marker_line(END)
_NUMBER = re.compile(r"(?<![A-Za-z_])[0-9][0-9A-Za-z_.']*")


@dataclass(frozen=True, slots=True)
class Block:
    """The part of a file that may change: `text[start:end]`, whole lines between the markers."""

    start: int
    end: int


Program = TypeVar("Program", StraightLine, Source)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Screened(Generic[Program]):
    """A program that may be evaluated: a checked graph, or a text that only a sandbox will run.

    Same `program_id`: same program; same `skeleton_id`: up to constants.
    """

    program: Program
    program_id: str
    skeleton_id: str


def find_block(text: str, name: str = "program.py") -> Block:
    """The only evolvable block of a file, between markers in comments of whatever language.

    Raises:
        Forbidden: there is not exactly one START marker followed by one END marker; gives both lines as they are
            written in the language of a file of that `name`.
    """
    starts, ends = list(_START.finditer(text)), list(_END.finditer(text))
    if len(starts) != 1 or len(ends) != 1 or ends[0].start() <= starts[0].end():
        first, last = map(style_of(name).comment, (START, END))
        raise Forbidden(f"the file must hold one {first} line and, after it, one {last} line")
    return Block(starts[0].end() + 1, ends[0].start())


def outside_block(text: str, name: str = "program.py") -> tuple[str, str]:
    """What stands before and after the block; a candidate may change neither. Raises Forbidden as `find_block`."""
    block = find_block(text, name)
    return text[: block.start], text[block.end :]


def evolvable(source: Source) -> list[str]:
    """Names of the files that may change, in order: those with marker lines, and the only file of a program.

    Raises:
        Forbidden: no file has any.
    """
    if len(source.files) == 1:
        return list(source.files)
    names = sorted(name for name, text in source.files.items() if _START.search(text) or _END.search(text))
    if not names:
        raise Forbidden(f"none of the files {', '.join(sorted(source.files))} has {START} and {END} lines")
    return names


def frame(source: Source) -> Mapping[str, tuple[str, ...]]:
    """What of each file may not change: what stands around its block, or all of it.

    Raises:
        Forbidden: no file has a block, or one has marker lines that enclose none; names it where there are several.
    """
    names = evolvable(source)
    return {
        name: _in_file(source, name, outside_block) if name in names else (text,) for name, text in source.files.items()
    }


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
        Forbidden: as `screen`, `screen_text` or `screen_command`.
    """
    if source.language == "command":
        return screen_command(source, seed)
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
        Forbidden: text outside the blocks differs from the seed's, it is not Python or out of bounds, or nothing at
            the top level of the entry's file defines the entry. Names the file where there are several.
    """
    _check_size(source)
    if seed is not None:
        _check_outside(source, seed)
    if source.function not in _in_file(source, source.entry_file, lambda text, name: names_defined(text)):
        where = source.entry_file if len(source.files) > 1 else "the file"
        raise Forbidden(f"nothing in {where} defines {source.function}")
    forms = {name: _in_file(source, name, _python_forms) for name in sorted(source.files)}
    return Screened(source, *_ids(forms))


def screen_command(source: Source, seed: Source | None) -> Screened[Source]:
    """Check a program of any language that a command will run. Nothing of its language is known here.

    Blank lines and blanks at the ends of lines do not count in its ids, and numbers not in that of its skeleton.

    Raises:
        Forbidden: text outside the block differs from the seed's, or it is larger than 256 KiB or holds a null byte.
    """
    _check_size(source)
    forms = {name: _in_file(source, name, _text_forms) for name in sorted(source.files)}
    if seed is not None:
        _check_outside(source, seed)
    return Screened(source, *_ids(forms))


def _check_size(source: Source) -> None:
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in source.files.values())
    if size > MAX_SOURCE_BYTES:
        raise Forbidden(f"{size:,} bytes of source; at most {MAX_SOURCE_BYTES:,} are read")


def _check_outside(source: Source, seed: Source) -> None:
    if source.files.keys() != seed.files.keys():
        raise Forbidden(f"the program's files are {', '.join(sorted(seed.files))}: none is added, and none taken out")
    for name, fixed in _frame_of_seed(tuple(seed.files.items())).items():
        text = source.files[name]
        if len(fixed) == 1:
            if text != fixed[0]:
                raise Forbidden(f"{name} has no EVOLVE-BLOCK, and differs from the seed's")
        elif _in_file(source, name, outside_block) != fixed:
            where = f"{name}: " if len(seed.files) > 1 else ""
            raise Forbidden(f"{where}the text outside the EVOLVE-BLOCK differs from the seed's")


@lru_cache(maxsize=16)
def _frame_of_seed(files: tuple[tuple[str, str], ...]) -> Mapping[str, tuple[str, ...]]:
    return frame(Source(dict(files), ""))


def _in_file(source: Source, name: str, read: Callable[[str, str], _T]) -> _T:
    """What `read` makes of a file's text and name; what it refuses names the file where there are several."""
    try:
        return read(source.files[name], name)
    except Forbidden as error:
        if len(source.files) == 1:
            raise
        raise Forbidden(f"{name}: {error}") from None


def _python_forms(text: str, name: str) -> tuple[str, str]:
    """What counts of a file of a Python program, with its numbers and without."""
    if not name.endswith(".py"):
        return _text_forms(text, name)
    return normal_forms(text)


def _text_forms(text: str, name: str) -> tuple[str, str]:
    if "\0" in text:
        raise Forbidden("the text holds a null byte")
    lines = "\n".join(filter(None, map(str.rstrip, text.split("\n"))))
    return lines, _NUMBER.sub("0", lines)


def _ids(forms: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """(program_id, skeleton_id) of a program's files, with and without numbers."""
    if len(forms) == 1:
        ((whole, skeleton),) = forms.values()
        return _digest(whole), _digest(skeleton)
    wholes, skeletons = zip(*forms.values(), strict=True)
    return _digest(repr((*forms, *wholes))), _digest(repr((*forms, *skeletons)))


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
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
