"""What an author asks to be made a problem: read, checked, and turned into a draft."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder, all_suffixes
from pathlib import Path

from evaluators.comment_style import style_of
from evaluators.screen import END, START, find_block
from evolve.core.errors import Forbidden, UsageError
from evolve.core.types import Direction
from evolve.draft import Draft
from evolve.problem_file import FILE
from sandbox.syntax import MAX_SOURCE_BYTES

SEED_MARK = "{seed}"
_TAKEN = {FILE, "verifier.py", "README.md", "expected.json", "baselines"}
_OURS = {"evolve", "evaluators", "sandbox", "archive"}
_WORDS = re.compile(
    r"(?P<more>per_s(?:ec(?:ond)?)?s?(?![a-z])|ops_per\w*|throughput|flops|accuracy|(?<![a-z])hits?(?![a-z])|utili[sz]"
    r"|reward|speedup)"
    r"|(?P<less>second|time|latenc|cost|error|loss|miss|byte|size|memory|tardi|makespan|regret|distance|ops|operations"
    r"|steps|rmse|(?<![a-z])(?:mae|mse|gap)s?(?![a-z])|(?<![a-z])bins(?![a-z])|delay|duration|elapsed|violation|energy)",
    re.I,
)
_PIECE = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|\{seed\}""", re.S)
_BOUNDARY = r"\s'\"=;|&()<>:,"
_INTERPRETERS = re.compile(r"\b(?:python|ruby|perl|julia|Rscript|\w*awk|tclsh|\w*sh\b)")


@dataclass(frozen=True)
class Wish:
    """What the author asked for: paths of the program and of other files, commands, and the metric or None.

    `folders` of this machine are shown to the program; absolute paths.
    """

    program: Path
    run: str
    build: str | None = None
    files: Sequence[Path] = ()
    metric: str | None = None
    direction: Direction | None = None
    folders: Sequence[Path] = ()


def drafted(place: Path, wish: Wish) -> Draft:
    """The problem at `place` as it is known before the program has run.

    Raises:
        UsageError: a file can not be read or has a name that it can not have, no comment of its language is known,
            `{seed}` stands in quotes, or a folder can not be shown.
    """
    program, notes = wish.program.name, list[str]()
    _check_names(wish)
    text = _read(wish.program)
    if START not in text and END not in text:
        text = enclosed(text, program)
        notes.append(f"all of {program} may change: move its EVOLVE-BLOCK lines to enclose less")
    try:
        find_block(text, program)
    except Forbidden as error:
        remedy = "Mend these lines, or take them out to let all of it change."
        raise UsageError(f"{wish.program}: {error}", remedy) from None
    if SEED_MARK in (wish.build or ""):
        raise UsageError(f"{SEED_MARK} has no meaning in --build: all seeds run one build", "Take it out.")
    run, build = (_local(command, (wish.program, *wish.files), notes) for command in (wish.run, wish.build or ""))
    command = with_argument(run)
    metric = wish.metric or "score"
    extra = {path.name: _content(path, notes) for path in wish.files}
    beside = {path.name: _read(path) for path in wish.files if _has_block(path.name, extra[path.name])}
    if beside:
        notes.append(f"{', '.join(sorted(beside))} may change too, between the EVOLVE-BLOCK lines")
    draft = Draft(
        name=place.name,
        program=program,
        run=command,
        build=build or None,
        seeded=command != run,
        metric=metric,
        direction=wish.direction or guessed_direction(metric) or "maximize",
        text=text,
        extra={name: data for name, data in extra.items() if name not in beside},
        beside=beside,
        folders=_folders(place, wish.folders),
        notes=notes,
    )
    if not draft.seeded:
        notes.append(f"one input for all splits; with {SEED_MARK} in --run the program gets seeds that differ")
    return draft


def enclosed(text: str, name: str) -> str:
    """All of a program between the two marker lines, in its language's comments; a first line `#!` stays first.

    Raises UsageError where the name does not tell how comments are written, or where text before the code is printed.
    """
    head = text[: text.find("\n") + 1] if text.startswith("#!") and "\n" in text else ""
    style = style_of(name)
    known = style is not style_of("") or _INTERPRETERS.search(head)
    if not known or name.lower().endswith(".php"):
        raise UsageError(
            f"it is not known how comments are written in {name}, and where they may stand",
            f"Add two comments to it, each a line of its own, around what may change: {START} and {END}.",
        )
    first, last = map(style.comment, (START, END))
    body = text[len(head) :]
    return f"{head}{first}\n{body}{'' if body.endswith(chr(10)) else chr(10)}{last}\n"


def guessed_direction(metric: str) -> Direction | None:
    """`minimize` for names of what one has too much of, such as times and errors; None where no word is known.

    The last word that is known decides: `accuracy_loss` is a loss, and `bytes_per_second` a speed.
    """
    found = [match.lastgroup for match in _WORDS.finditer(metric)]
    return ("minimize" if found[-1] == "less" else "maximize") if found else None


def with_argument(command: str) -> str:
    """The command with `"$1"` for each {seed} and quotes around it. Raises UsageError where others enclose it."""

    def turned(found: re.Match[str]) -> str:
        if found[0].strip("'\"") == SEED_MARK:
            return '"$1"'
        if SEED_MARK in found[0]:
            raise UsageError(f"{SEED_MARK} stands in quotes: {found[0]}", f"Write {SEED_MARK} without quotes in --run.")
        return found[0]

    return _PIECE.sub(turned, command)


def _check_names(wish: Wish) -> None:
    paths = (wish.program, *wish.files)
    for place, path in enumerate(paths):
        what, name = ("a file" if place else "the program"), path.name
        if name in _TAKEN:
            raise UsageError(f"{what} can not be called {name}", "Rename the file.")
        if not name or name.startswith(".") or not name.isprintable():
            raise UsageError(
                f"{what} can not be called {name!r}: it begins with a dot or holds a control character",
                "Rename the file.",
            )
        if name in (other.name for other in paths[:place]):
            raise UsageError(f"two files are called {name}: all lie in one folder", "Rename one of them.")
        suffix = next((one for one in all_suffixes() if name.endswith(one)), "")
        if suffix and _is_module(name.removesuffix(suffix), path):
            raise UsageError(f"{name} would hide the module {name.removesuffix(suffix)}", "Rename the file.")
    for words in (wish.run, wish.build or "", wish.metric or ""):
        if "\0" in words or words.encode("utf-8", "replace").decode() != words:
            raise UsageError(f"{words!r} is no text in UTF-8", "Write it in UTF-8.")


def _is_module(stem: str, path: Path) -> bool:
    """Whether a verifier beside a file of that name could no longer import what it means by the name.

    Where the file itself lies, and in problems that were loaded before, modules of that name are no one else's.
    """
    if stem in sys.stdlib_module_names or stem in _OURS:
        return True
    if not stem.isidentifier():
        return False
    own = {Path.cwd(), path.absolute().parent.resolve()}
    places = [place for place in sys.path if place and Path(place).resolve() not in own]
    spec = PathFinder.find_spec(stem, [place for place in places if not (Path(place) / FILE).exists()])
    return spec is not None and spec.origin is not None


def _local(command: str, paths: Iterable[Path], notes: list[str]) -> str:
    """In the sandbox all files lie in the current folder, whatever folder they were named with."""
    for path in paths:
        given, name = str(path), path.name

        def turned(found: re.Match[str], name: str = name) -> str:
            before = found.string[: found.start()].rstrip(" \t'\"")
            return f"./{name}" if not before or before[-1] in ";|&(\n" else name

        if given == name:
            continue
        words = re.compile(rf"(?<![^{_BOUNDARY}])(?:\./)?{re.escape(given)}(?![^{_BOUNDARY}])")
        command, count = words.subn(turned, command)
        if count:
            notes.append(f"{given} is called {name} in the sandbox, and so in the command")
    return command


def _folders(place: Path, folders: Sequence[Path]) -> tuple[str, ...]:
    for folder in folders:
        if not folder.is_absolute() or not folder.is_dir():
            raise UsageError(f"there is no folder {folder}", "Give --folder absolute paths of folders that exist.")
        if place.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"{folder} would show the program the verifier", "Name a smaller folder.")
    return tuple(map(str, folders))


def _read(path: Path) -> str:
    """The text, without a byte order mark, its lines ended by line feeds alone."""
    data = _bytes(path)
    if len(data) > MAX_SOURCE_BYTES:
        raise UsageError(
            f"{path} has {len(data):,} bytes; at most {MAX_SOURCE_BYTES:,} are read", "Name a smaller one."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} can not be read as text: {error}", "Name a readable UTF-8 file.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _has_block(name: str, data: bytes) -> bool:
    """Whether a file has a block that may change, and so is part of the program."""
    try:
        find_block(data.decode("utf-8-sig").replace("\r\n", "\n"), name)
    except (UnicodeDecodeError, Forbidden):
        return False
    return True


def _content(path: Path, notes: list[str]) -> bytes:
    data = _bytes(path)
    if os.access(path, os.X_OK):
        notes.append(f"{path.name} is not executable in the sandbox: run it by its interpreter, as in: sh {path.name}")
    return data


def _bytes(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} can not be read: it is no file", "Name a file.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can not be read: {error}", "Name a readable file.") from None
