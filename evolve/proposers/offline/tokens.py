"""Text of any language as tokens, so far as edits need it: what is a number, a name, an operator, and what is not code.

No grammar is known. Where a language means something else, an edit makes a program that does not compile, which costs
little; text in quotes and comments are recognised with care, because edits there would be no programs of their own.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from evaluators.comment_style import CommentStyle, style_of
from evaluators.screen import find_block

_DIGITS = r"[0-9](?:[_']?[0-9])*"
_SUFFIX = r"_?(?:[uif](?:8|16|32|64|128|size)|[uUlLzZfFdDnN]{1,3})"
_NUMBER = (
    r"0[xX][0-9a-fA-F](?:[_']?[0-9a-fA-F])*(?:[uUlLzZnN]{1,3}|_?[ui](?:8|16|32|64|128|size))?(?!\w)"
    rf"|0[bB][01](?:[_']?[01])*(?:{_SUFFIX})?(?!\w)|0[oO][0-7](?:[_']?[0-7])*(?:{_SUFFIX})?(?!\w)"
    rf"|(?:{_DIGITS}(?:\.{_DIGITS}|\.(?![.\w])|\.(?=[fFlL]\b))?|(?<![\w)\]])\.{_DIGITS})(?:[eE][+-]?[0-9]+)?(?:{_SUFFIX})?(?!\w)"
)
_OPERATOR = r"<<=|>>=|\*\*|->|=>|::|\+\+|--|<=>|<=|>=|===|!==|==|!=|<<|>>|&&|\|\||[-+*/%&|^]=|\.\.+|[-+*/%&|^<>=!~?:]"
_SPLIT_NUMBER = re.compile(rf"(0[xX]|0[bB]|0[oO])?(.*?)({_SUFFIX})?")
_BASES = {"0x": (16, "x"), "0b": (2, "b"), "0o": (8, "o")}


@dataclass(frozen=True, slots=True)
class Token:
    """`text[start:end]` of a file. Kinds: number, name, operator, mark, quoted, comment, space, break, other."""

    kind: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class TokenPage:
    """A file with the tokens that lie whole within its block."""

    text: str
    style: CommentStyle
    start: int
    end: int
    tokens: tuple[Token, ...]

    @property
    def code(self) -> list[Token]:
        """The tokens less blanks and comments."""
        return [token for token in self.tokens if token.kind not in ("space", "break", "comment")]

    def line_of(self, token: Token) -> str:
        """The line in which a token begins, up to it."""
        return self.text[self.text.rfind("\n", 0, token.start) + 1 : token.start]


def token_page(name: str, text: str) -> TokenPage:
    """The file of that name. Raises Forbidden where it has no single block."""
    block, style = find_block(text, name), style_of(name)
    inside = (token for token in _scan(text, style) if block.start <= token.start and token.end <= block.end)
    return TokenPage(text, style, block.start, block.end, tuple(inside))


@lru_cache(maxsize=8)
def _scan(text: str, style: CommentStyle) -> tuple[Token, ...]:
    found = _pattern(style).finditer(text)
    return tuple(Token(match.lastgroup or "other", match.start(), match.end(), match.group()) for match in found)


@lru_cache(maxsize=16)
def _pattern(style: CommentStyle) -> re.Pattern[str]:
    blocks = [rf"{re.escape(start)}(?s:.*?)(?:{re.escape(end)}|\Z)" for start, end in style.block]
    # In shells and Perl a # in $#, ${#name} and \# begins no comment.
    lines = [("(?<![$\\\\{&])" if start == "#" else "") + re.escape(start) + r"[^\n]*" for start in style.line]
    quoted = [rf"{q}(?:[^{q}\\]|\\[\s\S])*+{q}|{q}[^\n]*" for q in style.quotes]
    if style.short_quotes:
        quoted.append(r"'(?:\\[^\n]{1,10}?|[^\\'\n])'")
    includes = [r"#[ \t]*include[^\n]*"] if "/*" in dict(style.block) else []
    parts = {
        "comment": "|".join([*blocks, *lines]),
        "quoted": "|".join([*includes, *quoted]),
        "number": _NUMBER,
        "name": r"[A-Za-z_]\w*",
        "operator": _OPERATOR,
        "mark": r"[()\[\]{},;.]",
        "break": r"\n",
        "space": r"[^\S\n]+",
        "other": r"[0-9]\w*|[\s\S]",
    }
    return re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in parts.items()))


@dataclass(frozen=True, slots=True)
class Number:
    """A literal taken apart: its value, what marks its base and type, and whether it is an integer."""

    value: float
    prefix: str
    suffix: str
    is_integer: bool

    def written(self, value: float) -> str:
        """The absolute of another value as a literal of the same kind; integers are rounded."""
        value = abs(value)
        if not self.is_integer:
            text = f"{value:.6g}"
            return (text if any(mark in text for mark in ".en") else f"{text}.0") + self.suffix
        code = _BASES[self.prefix.lower()][1] if self.prefix else "d"
        return f"{self.prefix}{round(value):{code}}{self.suffix}"


def read_number(literal: str) -> Number | None:
    """The number that a token says; None where it is too large to be moved."""
    split = _SPLIT_NUMBER.fullmatch(literal)
    if split is None:
        return None
    prefix, digits, suffix = split[1] or "", re.sub("[_']", "", split[2]), split[3] or ""
    if prefix.lower() == "0x":  # f and d are digits there
        digits, suffix = re.fullmatch(r"([0-9a-fA-F]*)(.*)", re.sub("[_']", "", literal[2:])).groups()  # type: ignore[union-attr]
    try:
        if prefix:
            return Number(float(int(digits, _BASES[prefix.lower()][0])), prefix, suffix, True)
        whole = digits.isdigit() and not suffix.lower().startswith(("f", "d"))
        value = float(digits)
    except (ValueError, OverflowError):
        return None
    return Number(value, "", suffix, whole) if math.isfinite(value) else None
