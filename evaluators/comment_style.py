"""How comments are written in the languages that file names tell: for markers, headers, and what is not to be edited.

Only what a suffix decides is known. Of a language that is not listed nothing is taken for a comment but lines that
begin with `#` or `//`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True, slots=True)
class CommentStyle:
    """Beginnings of comments that end with the line, the first being the usual one, and pairs around others.

    `quotes` are the characters around text; with `short_quotes` a single quote is around one character alone.
    """

    line: tuple[str, ...]
    block: tuple[tuple[str, str], ...] = ()
    quotes: str = "\"'"
    short_quotes: bool = False

    def comment(self, text: str) -> str:
        """One line as a comment."""
        if self.line:
            return f"{self.line[0]} {text}".rstrip()
        start, end = self.block[0]
        return f"{start} {text.replace(end, '')} {end}"


_C = CommentStyle(("//",), (("/*", "*/"),), '"', short_quotes=True)
_SCRIPT = CommentStyle(("//",), (("/*", "*/"),), "\"'`")
_HASH = CommentStyle(("#",), quotes="\"'")
_UNKNOWN = CommentStyle(("#", "//"))

_STYLES: dict[str, CommentStyle] = {
    **dict.fromkeys(
        ["c", "h", "cc", "cpp", "cxx", "hpp", "hh", "cu", "rs", "java", "kt", "swift", "scala", "zig", "d", "cs", "m"],
        _C,
    ),
    **dict.fromkeys(["js", "mjs", "cjs", "ts", "go", "php", "dart", "groovy", "v", "sv"], _SCRIPT),
    **dict.fromkeys(
        [
            "py",
            "sh",
            "bash",
            "zsh",
            "pl",
            "pm",
            "rb",
            "r",
            "jl",
            "awk",
            "tcl",
            "nim",
            "ex",
            "exs",
            "cr",
            "yaml",
            "yml",
            "toml",
            "mk",
            "cmake",
        ],
        _HASH,
    ),
    **dict.fromkeys(["lua", "sql"], CommentStyle(("--",), (("--[[", "]]"), ("/*", "*/")))),
    **dict.fromkeys(["hs", "elm"], CommentStyle(("--",), (("{-", "-}"),), '"', short_quotes=True)),
    **dict.fromkeys(["adb", "ads", "vhd", "vhdl"], CommentStyle(("--",), (), '"', short_quotes=True)),
    **dict.fromkeys(["ml", "mli"], CommentStyle((), (("(*", "*)"),), '"', short_quotes=True)),
    **dict.fromkeys(["pas", "pp"], CommentStyle(("//",), (("(*", "*)"), ("{", "}")), "'")),
    **dict.fromkeys(["lisp", "el", "clj", "scm", "rkt"], CommentStyle((";",), (), '"')),
    **dict.fromkeys(["s", "asm", "ll"], CommentStyle((";", "#", "//"), (("/*", "*/"),))),
    **dict.fromkeys(["tex", "erl", "hrl", "pro"], CommentStyle(("%",))),
    **dict.fromkeys(["f90", "f95", "f03", "f08"], CommentStyle(("!",))),
    **dict.fromkeys(["html", "xml", "svg"], CommentStyle((), (("<!--", "-->"),))),
    "css": CommentStyle((), (("/*", "*/"),)),
}

# A comment that holds the marker alone, in any of the styles above.
_BEGINNINGS, _ENDS = r"#+|//+|--+|;+|%+|!+|/\*+|<!--|\(\*|\{-", r"\*/|-->|\*\)|-\}"


def style_of(name: str) -> CommentStyle:
    """The style of a file of that name."""
    return _STYLES.get(PurePath(name).suffix[1:].lower(), _UNKNOWN)


def marker_line(word: str) -> re.Pattern[str]:
    """A whole line, less its line break, that is a comment of any language and says `word` alone."""
    return re.compile(rf"^[ \t]*(?:{_BEGINNINGS})[ \t]*{word}[ \t]*(?:{_ENDS})?[ \t]*$", re.M)
