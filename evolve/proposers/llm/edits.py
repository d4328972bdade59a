"""Edits and whole texts of a reply put into a program: inside its EVOLVE-BLOCKs, and nowhere else.

One path for Python, C, CUDA and all other languages: only the markers' comment style is theirs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluators.comment_style import marker_line
from evaluators.screen import END, START, find_block
from evolve.core.errors import Forbidden
from evolve.core.types import Source
from evolve.proposers.llm.answer import Answer, Edit, Text
from evolve.proposers.llm.bodies import body_of
from evolve.proposers.llm.nearest import nearest, numbered
from evolve.proposers.llm.places import MAX_PLACES, places
from sandbox.syntax import MAX_SOURCE_BYTES

MAX_EDITS = 100
"""Edits of one reply: each is looked for in the whole program."""


class EditError(Exception):
    """An answer that can not be applied. `nearest` are the actual lines that come nearest, numbered; `applied` says how
    many edits before this one were fine."""

    def __init__(self, reason: str, nearest: str = "", applied: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.nearest, self.applied = reason, nearest, applied


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the program in three parts; `body` is None where it has no block and so may not change."""

    before: str
    body: str | None
    after: str

    @property
    def text(self) -> str:
        return self.before + (self.body or "") + self.after


def apply(source: Source, answer: Answer) -> Source:
    """The program with the answer's edits, or with its whole texts in the place of blocks.

    Raises EditError.
    """
    files = {name: _split(name, text) for name, text in source.files.items()}
    if not _open(files):
        raise EditError("no file of the program has an EVOLVE-BLOCK")
    if answer.edits or answer.broken:
        _edit(files, answer)
    else:
        _rewrite(files, answer.texts, source.entry)
    return replace(source, files={name: file.text for name, file in files.items()})


def _split(name: str, text: str) -> _File:
    try:
        block = find_block(text, name)
    except Forbidden:
        return _File(text, None, "")
    return _File(text[: block.start], text[block.start : block.end], text[block.end :])


def _open(files: dict[str, _File]) -> list[str]:
    """Names of the files that may change."""
    return [name for name, file in files.items() if file.body is not None]


def _edit(files: dict[str, _File], answer: Answer) -> None:
    if len(answer.edits) > MAX_EDITS:
        raise EditError(f"there are {len(answer.edits)} edits; at most {MAX_EDITS} are read: send the whole block")
    for number, edit in enumerate(answer.edits):
        try:
            name = _file_of(edit, files)
            files[name] = _edited(files[name], edit)
        except EditError as error:
            raise EditError(f"edit {number + 1}: {error.reason}", error.nearest, number) from None
    if answer.broken:
        raise EditError(answer.broken, applied=len(answer.edits))


def _file_of(edit: Edit, files: dict[str, _File]) -> str:
    if edit.path:
        return _named(edit.path, files)
    open_ones = _open(files)
    fitting = [name for name in open_ones if places(files[name].body or "", _without_marks(edit.search))]
    if len(open_ones) == 1 or len(fitting) == 1:
        return (fitting or open_ones)[0]
    if not fitting:
        raise _not_found(list(files.values()), edit.search)
    raise EditError(f"the edit fits {len(fitting)} files; name one of {', '.join(fitting)} on the line before it")


def _named(path: str, files: dict[str, _File]) -> str:
    """The file that a path means: its own name, or the same name in another folder. Nothing else can be reached."""
    same = [name for name in files if f"/{path}".endswith(f"/{name}") or f"/{name}".endswith(f"/{path}")]
    name = path if path in files else same[0] if len(same) == 1 else ""
    if not name and len(files) == 1:
        # Models invent names for the only file; what they mean is clear.
        name = next(iter(files))
    if not name:
        near = difflib.get_close_matches(path.rsplit("/", 1)[-1], files, n=1, cutoff=0.0)
        raise EditError(f"there is no file {path[:100]}; the nearest is {near[0]}")
    if files[name].body is None:
        raise EditError(f"{name} has no EVOLVE-BLOCK: it may not change")
    return name


def _edited(file: _File, edit: Edit) -> _File:
    body = file.body or ""
    search, new = _without_marks(edit.search), _without_marks(edit.replace)
    if len(new) > MAX_SOURCE_BYTES:
        raise EditError(f"the replacement has {len(new):,} characters; at most {MAX_SOURCE_BYTES:,} are read")
    if not search.strip():
        if body.strip():
            raise EditError("the SEARCH part is empty", numbered(body.split("\n"), 0, 5, _first(file)))
        return replace(file, body=new)
    found = places(body, search)
    if not found:
        raise _not_found([file], search)
    if len(found) > 1:
        count = f"{len(found)} places" if len(found) < MAX_PLACES else f"{MAX_PLACES} places or more"
        lines = body.count("\n", 0, found[0].start), body.count("\n", 0, found[1].start)
        where = " and ".join(str(line + _first(file)) for line in lines)
        reason = f"the SEARCH part fits {count}, such as lines {where}: add lines around it"
        raise EditError(reason, nearest(body.split("\n"), search, _first(file)))
    (place,) = found
    return replace(file, body=body[: place.start] + place.shift(new) + body[place.end :])


def _first(file: _File) -> int:
    """The number of the first line of the block."""
    return file.before.count("\n") + 1


def _not_found(files: Sequence[_File], search: str) -> EditError:
    """Why: it stands where nothing may change, or nowhere; with the nearest lines of the first file that has any."""
    outside = [part for file in files for part in (file.before, file.after)]
    if any(places(part, search) for part in outside if part):
        return EditError("the SEARCH part is outside of the EVOLVE-BLOCK, where nothing may change")
    shown = (nearest(file.body.split("\n"), search, _first(file)) for file in files if file.body)
    return EditError("the SEARCH part is not in the program", next(filter(None, shown), ""))


def _rewrite(files: dict[str, _File], texts: Sequence[Text], entry: str) -> None:
    """Put whole texts into blocks: each into the file that it names, else the likeliest into the only one."""
    open_ones = _open(files)
    if not texts:
        raise EditError("the answer holds no code")
    if len(files) == 1:
        chosen = {open_ones[0]: _likeliest(texts, entry)}
    else:
        chosen = {_named(text.path, files): text for text in texts if text.path}
        if not chosen and len(open_ones) > 1:
            raise EditError(f"name the file before each block of code: {', '.join(open_ones)}")
        chosen = chosen or {open_ones[0]: _likeliest(texts, entry)}
    for name, text in chosen.items():
        if text.cut and not marker_line(END).search(text.text):
            raise EditError("the reply was cut off within the code")
        if len(text.text) > MAX_SOURCE_BYTES:
            raise EditError(f"the code has {len(text.text):,} characters; at most {MAX_SOURCE_BYTES:,} are read")
        files[name] = replace(files[name], body=_body(name, text.text, files[name]))


def _body(name: str, text: str, file: _File) -> str:
    body = body_of(text, name, file.before, file.body or "", file.after)
    if body is None:
        raise EditError(f"which part is the block can not be told: send one {START} line and, after it, one {END} line")
    if not body.strip():
        raise EditError("the block of code is empty")
    return body


def _likeliest(texts: Sequence[Text], entry: str) -> Text:
    """The text with markers, else the one that defines the entry, else the longest."""
    marked = [text for text in texts if START in text.text]
    defining = [text for text in texts if re.search(rf"\b{re.escape(entry)}\b", text.text)]
    return max(marked or defining or texts, key=lambda text: len(text.text))


def _without_marks(text: str) -> str:
    """Marker lines around the rest are no part of it. Raises EditError where they stand within it."""
    if START not in text and END not in text:
        return text
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    marked = [number for number in filled if START in lines[number] or END in lines[number]]
    if any(number not in (filled[0], filled[-1]) for number in marked):
        raise EditError("an edit may hold no EVOLVE-BLOCK marker")
    return "\n".join(line for number, line in enumerate(lines) if number not in marked)
