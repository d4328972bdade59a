"""What comes from programs and earlier replies as it may stand in a prompt: fenced, cut, nothing in it hidden.

Fences are those of CommonMark 0.31, section 4.5, and so is how the end of one is told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import PurePath

_RUN = re.compile(r"`+")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_KEPT = "\n\t"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BEGINNINGS = re.compile(r"^(?:[#>~=|<\s]|[-+*](?=\s|$)|[0-9]{1,9}[.)](?=\s|$))+")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# Letters and marks that show nothing (Default_Ignorable_Code_Point of Unicode) and are in none of those categories.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

LANGUAGES = {
    "py": "python",
    **dict.fromkeys(["c", "h"], "c"),
    **dict.fromkeys(["cc", "cpp", "cxx", "hpp", "hh"], "cpp"),
    "cu": "cuda",
    "rs": "rust",
    **dict.fromkeys(["js", "mjs", "cjs"], "javascript"),
    "ts": "typescript",
    **dict.fromkeys(["sh", "bash", "zsh"], "bash"),
    **dict.fromkeys(["pl", "pm"], "perl"),
    "rb": "ruby",
    "jl": "julia",
    "kt": "kotlin",
    "cs": "csharp",
    "hs": "haskell",
    **dict.fromkeys(["ml", "mli"], "ocaml"),
    **dict.fromkeys(["f90", "f95", "f03", "f08"], "fortran"),
    **dict.fromkeys(["s", "asm"], "asm"),
    **dict.fromkeys(["adb", "ads"], "ada"),
    **dict.fromkeys(["yaml", "yml"], "yaml"),
}


def language_of(name: str) -> str:
    """The language of a file, as fences name it: "python", "c", "cuda"; its suffix where that is not known."""
    suffix = PurePath(name).suffix[1:].lower()
    return LANGUAGES.get(suffix, suffix if suffix.isalnum() and suffix.isascii() else "text")


def visible(text: str) -> str:
    """The text without escape sequences; other control, bidi and zero-width characters and surrogates are written out.

    Blanks and line breaks stay. What is left can be encoded as UTF-8.
    """
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if text.isascii():
        return _CONTROLS.sub(lambda found: _written_out(found[0]), text)
    return "".join(_written_out(c) if _is_hidden(c) else c for c in text)


def _is_hidden(c: str) -> bool:
    return c not in _KEPT and (unicodedata.category(c) in _HIDDEN or _BLANK.match(c) is not None)


def _written_out(c: str) -> str:
    return f"\\u{ord(c):04x}" if ord(c) <= 0xFFFF else f"\\U{ord(c):08x}"


def cut(text: str, characters: int) -> str:
    """The beginning and the end of a text that is too long, with a note of how much is left out between them."""
    if len(text) <= characters:
        return text
    head = characters * 2 // 3
    tail = characters - head
    return f"{text[:head]}\n[... {len(text) - characters:,} characters left out ...]\n{text[len(text) - tail :]}"


def fenced(text: str, characters: int | None = 8_000, language: str = "") -> str:
    """The text as a fenced block that nothing within it can close; whole where `characters` is None.

    It begins and ends with a line break, so that the fences have lines of their own wherever a template puts it.
    """
    if characters is not None:
        text = cut(text, characters)
    shown = visible(text).strip("\n")
    if characters is not None:
        shown = cut(shown, characters + 100)  # what is written out has grown
    longest = max((len(run) for run in _RUN.findall(shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}{language or 'text'}\n{shown}\n{fence}\n"


def inline(text: str, characters: int = 300) -> str:
    """One line of plain words that begins no heading, list, quotation or fence; what is too long ends in "...".

    Line breaks become blanks, backticks apostrophes.
    """
    words = " ".join(visible(text[: 4 * characters]).split()).replace("`", "'")
    words = _BEGINNINGS.sub("", words)
    return words if len(words) <= characters else f"{words[: characters - 3]}..."


def fence_after(line: str, fence: str) -> str:
    """The fence that is open after a line, where `fence` was open before it; empty for none."""
    found = _FENCE.match(line)
    if fence:
        closes = found is not None and found[1].startswith(fence) and not found[2].strip()
        return "" if closes else fence
    return found[1] if found and not (found[1][0] == "`" and "`" in found[2]) else ""


def lines_and_fences(text: str) -> Iterator[tuple[str, bool]]:
    """Each line of a text, and whether it belongs to a fenced block; the fences themselves do."""
    fence = ""
    for line in text.split("\n"):
        before, fence = fence, fence_after(line, fence)
        yield line, bool(before or fence)


def open_fence(text: str) -> str:
    """The fence that is still open at the end of a text; empty for none."""
    fence = ""
    for line in text.split("\n"):
        fence = fence_after(line, fence)
    return fence


def closed(text: str) -> str:
    """The text with the fence closed that it leaves open."""
    fence = open_fence(text)
    return f"{text.rstrip()}\n{fence}" if fence else text


def beginning(text: str, characters: int, what: str) -> str:
    """Whole lines from the beginning of a text that is too long, and a sentence that says so."""
    if len(text) <= characters:
        return text
    kept = text[:characters].rpartition("\n")[0] or text[:characters]
    return f"{closed(kept)}\n\n[{what} is cut here for its length: {len(text) - len(kept):,} characters are left out.]"


def tidied(text: str) -> str:
    """No more than one blank line between paragraphs outside of fences, and one before each heading."""
    kept: list[str] = []
    for line, inside in lines_and_fences(text.strip()):
        blank_before = not kept or not kept[-1].strip()
        if not inside and not line.strip() and blank_before:
            continue
        if not inside and line.startswith("# ") and not blank_before:
            kept.append("")
        kept.append(line)
    return "\n".join(kept) + "\n"
