"""Code with classes for colours, line by line.

What comes out is HTML; every character of the text went through `visible` and was escaped, so that nothing of it is
markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from markupsafe import Markup, escape

from evolve.core.clock import thread_cpu_seconds
from evolve.web.text import visible

MOST_CHARACTERS = 200_000
MOST_LINES = 10_000
LONGEST_LINE = 5_000
LEXING_SECONDS = 0.5
"""For some texts a lexer takes time by the square of their length: what it has not reached by then stays plain."""

_LEXERS = {
    ".py": "python",
    ".c": "c",
    ".h": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".hpp": "cpp",
    ".cu": "cuda",
    ".cuh": "cuda",
    ".rs": "rust",
    ".go": "go",
    ".js": "javascript",
    ".ts": "typescript",
    ".java": "java",
    ".jl": "julia",
    ".sh": "bash",
    ".toml": "toml",
    ".json": "json",
    ".sql": "sql",
}
"""Languages by the ending of a file's name: few, so that no other lexer is at the choice of who names a file."""


@dataclass(frozen=True, slots=True)
class Highlighted:
    """The lines of a text as HTML. `cut` says that more follows than is shown."""

    lines: tuple[Markup, ...]
    cut: bool


def suffix_of(name: str) -> str:
    """The ending of a file's name where it is one of those known, else `.txt`."""
    suffix = PurePosixPath(name).suffix
    return suffix if suffix in _LEXERS else ".txt"


@lru_cache(maxsize=32)
def highlighted(name: str, text: str) -> Highlighted:
    """The first `MOST_CHARACTERS` and `MOST_LINES` of a file's text in the colours of its language."""
    shown = visible(text[:MOST_CHARACTERS])
    kept = shown.split("\n")[:MOST_LINES]
    whole = len(text) <= MOST_CHARACTERS and shown.count("\n") < MOST_LINES
    if whole and len(kept) > 1 and kept[-1] == "":
        kept.pop()
    lines = tuple(_lines(suffix_of(name), "\n".join(kept)))
    return Highlighted(lines, not whole)


def _lines(suffix: str, text: str) -> Iterator[Markup]:
    line: list[Markup] = []
    for style, part in _parts(suffix, text):
        first, *more = part.split("\n")
        line.append(_span(style, first))
        for rest in more:
            yield Markup("").join(line)
            line = [_span(style, rest)]
    yield Markup("").join(line)


def _span(style: str, text: str) -> Markup:
    if not text or not style:
        return escape(text)
    return Markup('<span class="{}">{}</span>').format(style, text)


def _parts(suffix: str, text: str) -> Iterator[tuple[str, str]]:
    """Pieces of the text in order, each with its class; together they are the text."""
    lexer = _LEXERS.get(suffix)
    if lexer is None or max(map(len, text.split("\n"))) > LONGEST_LINE:
        yield "", text
        return
    from pygments.lexers import get_lexer_by_name

    stop = thread_cpu_seconds() + LEXING_SECONDS
    reached = 0
    # Not `get_tokens`, which changes ends of lines: these pieces lie one behind the other in the text as it is.
    for place, kind, part in get_lexer_by_name(lexer).get_tokens_unprocessed(text):
        if place != reached or thread_cpu_seconds() > stop:
            break
        yield _style(kind), part
        reached += len(part)
    if reached < len(text):
        yield "", text[reached:]


def _style(kind: Any) -> str:
    """One of a few classes: `k` keywords, `s` strings, `m` numbers, `c` comments, `n` names defined or built in."""
    from pygments.token import Comment, Keyword, Name, Number, Operator, String

    if kind in Comment:
        return "c"
    if kind in String:
        return "s"
    if kind in Number:
        return "m"
    if kind in Keyword or kind is Operator.Word:
        return "k"
    named = (Name.Function, Name.Class, Name.Decorator, Name.Builtin, Name.Exception)
    return "n" if any(kind in one for one in named) else ""
