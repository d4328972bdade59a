"""problem.toml read and checked: what is said of a wrong key, with its line and the nearest valid one."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evolve.core.errors import ProblemError
from evolve.problem_file import ProblemFile, tables

_REPEATED = "objectives"
_NAMED = {"profiles": "profiles.NAME"}
_QUITE_NEAR = 0.8


def read(path: Path) -> ProblemFile:
    """The file, checked.

    Raises:
        ProblemError: it is missing, not TOML, or holds a wrong key; names the line and the nearest valid key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return ProblemFile.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        raise ProblemError(f"{path} does not exist", "A problem folder needs a problem.toml.") from None
    except OSError as error:
        raise ProblemError(f"{path} can not be read: {error.strerror}", "Make the file readable.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProblemError(f"{path} is not TOML: {error}", "Mend the file at that line.") from None
    except ValidationError as error:
        explained = "; ".join(_explain(item, text) for item in error.errors()[:5])
        raise ProblemError(f"{path}: {explained}", "Mend these keys; docs/problems.md lists all.") from None


def _explain(item: Any, text: str) -> str:
    location = tuple(item["loc"])
    place = ".".join(str(part) for part in location)
    number = line_of(text, location)
    where = f"line {number}: " if number else ""
    if item["type"] == "extra_forbidden":
        return f"{where}{place}: unknown key; {_suggestion(location)}"
    words = item["msg"].removeprefix("Value error, ")
    if location == (_REPEATED,) and isinstance(item["input"], Mapping):
        words = f"there may be two of them, so write {_written(_REPEATED)}"
    return f"{where}{place}: {words}" if place else words


def _suggestion(location: tuple[Any, ...]) -> str:
    """The table that has the key, where it stands in the wrong one; else the key that is nearest, in any table.

    Of two that are equally near it is that of the key's own table; one of another table must be quite near.
    """
    models = dict(tables())
    names = [str(part) for part in location if isinstance(part, str)]
    # A profile has a name of its own: profiles.compare.evaluations.
    key, own = names[-1], models.get(names[0] if len(names) > 1 else "", ProblemFile)
    homes = [name for name, model in models.items() if key in model.model_fields and model is not own]
    if homes:
        return f"it belongs {_under(homes[0])}"
    nearest = difflib.get_close_matches(key, own.model_fields, n=1, cutoff=0.0)[0]
    best, words = _likeness(key, nearest), _written(nearest) if own is ProblemFile else nearest
    for name, model in models.items():
        for other in difflib.get_close_matches(key, model.model_fields, n=1, cutoff=_QUITE_NEAR):
            if model is not own and _likeness(key, other) > best:
                best, words = _likeness(key, other), f"{other} {_under(name)}"
    return f"the nearest valid one is {words}"


def _likeness(one: str, other: str) -> float:
    # The order of the two matters a little: this is the one that get_close_matches takes.
    return difflib.SequenceMatcher(None, other, one).ratio()


def _under(table: str) -> str:
    if not table:
        return "at the top, before the first table"
    return f"under {_written(table) if table == _REPEATED else f'[{_NAMED.get(table, table)}]'}"


def _written(key: str) -> str:
    return f"[[{key}]]" if key == _REPEATED else key


_TEXT = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*+"""|' + r"'''(?:[^']|'(?!''))*+'''", re.S)
_HEADER = re.compile(r"^\s*\[(\[)?\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""^\s*["']?([A-Za-z0-9_-]+)["']?\s*[=.]""")


def line_of(text: str, location: tuple[Any, ...]) -> int | None:
    """The line (from 1) of a key, or of the nearest table around it; None where neither stands in the text."""
    lines = _lines_by_place(text)
    wanted = location
    while wanted:
        if wanted in lines:
            return lines[wanted]
        wanted = wanted[:-1]
    return None


def _lines_by_place(text: str) -> Mapping[tuple[Any, ...], int]:
    """Where each table and key begins: {("search",): 4, ("search", "start"): 6, ("objectives", 0, "metric"): 9}."""
    plain = _TEXT.sub(lambda found: '""' + "\n" * found.group().count("\n"), text)
    lines: dict[tuple[Any, ...], int] = {}
    table: tuple[Any, ...] = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(plain.splitlines(), 1):
        if header := _HEADER.match(line):
            name = header[2].replace('"', "").replace("'", "")
            table = tuple(part.strip() for part in name.split("."))
            if header[1]:
                table = (*table, counts.get(name, 0))
                counts[name] = counts.get(name, 0) + 1
            lines.setdefault(table[:1], number)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines
