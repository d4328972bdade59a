"""What a model's reply holds: an idea, and edits or whole texts. Strict first, then as lenient as is safe.

Replies are hostile input: everything here takes time linear in their length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from evaluators.screen import END, START
from evolve.proposers.llm.idea import idea_key, split_idea

MAX_NAME, MAX_IDEA, MAX_APPROACHES = 60, 300, 5
MAX_REPLY_CHARACTERS = 2_000_000
"""What is read of a reply: no program that may be evaluated is as long."""
MAX_PROSE, MAX_MARK = 2_000, 200
"""What is read of a line of prose, and how long a marker, a fence or a file's name may be."""

_MARKER = re.compile(r"^[ \t>*]*(?P<sign><{5,9}|={5,9}|>{5,9})[ \t]*(?P<word>[A-Za-z]*)[ \t:.`*]*$")
_WORDS = {"<": ("SEARCH", "ORIGINAL", "HEAD", "OLD"), "=": ("",), ">": ("REPLACE", "UPDATED", "NEW", "HEAD", "")}
_STRICT = {"<<<<<<< SEARCH": "<", "=======": "=", ">>>>>>> REPLACE": ">"}
_FENCE = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[^`\n]*)$")
_IDEA = re.compile(r"^[ \t>#*_-]*idea[ \t*_]*(?:[:\-–—]|$)[ \t*_]*(?P<text>.*)$", re.IGNORECASE)
_ITEM = re.compile(r"^(?P<indent>[ \t]*)[#*_> \t]*(?:(?P<number>\d{1,2})[.):]|[-*•])[ \t*_]+(?P<text>.+)$")
_PATH = re.compile(r"^[ \t`*#]*(?:file(?:name)?[ \t]*:[ \t*`]*)?(?P<path>[\w./+-]+\.\w{1,8})[ \t`*:]*$", re.IGNORECASE)
_INFO = re.compile(r"[ \t:=\"'{}]+")
_DECORATION = re.compile(r"[`\"“”«»]+|(?<![\w*_])[*_#]+|[*_]+(?![\w*_])")
_SEPARATOR = re.compile(r"\s*(?::|\s[-–—]\s|—)\s*")
_THOUGHT = re.compile(
    r"^[ \t]*<(?P<open>think|thinking|reasoning)>|</(?P<close>think|thinking|reasoning)>", re.I | re.M
)
_REFUSAL = re.compile(
    r"\b(?:i['’]?m (?:sorry|unable|not able)|as an ai\b|i (?:can['’]?t|cannot|can not|won['’]?t|will not|am unable to)"
    r" (?:help|assist|comply|do (?:this|that|it)|provide|fulfil|write|create|generate|continue|answer|take part)\b)",
    re.IGNORECASE,
)

_NO_DIVIDER = "a SEARCH block has no ======= line"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `search` by `replace` in the file `path`, or in whichever it fits where that is empty."""

    search: str
    replace: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A whole file, or the body of its block. `cut` is True where it was cut off, so that its end is not there."""

    text: str
    path: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply. `broken` says what is wrong with the first edit block that could not be read; none after it is."""

    idea: str
    edits: tuple[Edit, ...] = ()
    texts: tuple[Text, ...] = ()
    refusal: bool = False
    broken: str = ""

    @property
    def has_program(self) -> bool:
        """Whether there is anything to apply, or an edit that can be mended."""
        return bool(self.edits or self.texts or self.broken)


def read_answer(text: str, cut_off: bool = False) -> Answer:
    """The idea and the program of a reply. Edits win over whole texts, which then only explain them.

    `cut_off` says that the reply ended because it was too long: what lacks its end then lacks more than that.
    """
    lines = _lines(text)
    edits, broken = _edits(lines, cut_off)
    texts = () if edits or broken else tuple(_texts(lines, cut_off)) or _between_markers(lines)
    refusal = not (edits or texts or broken) and _REFUSAL.search("\n".join(lines)[:MAX_PROSE]) is not None
    return Answer(_idea(lines), edits, texts, refusal, broken)


def read_approaches(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The approaches of a list, each "NAME: hypothesis", without those whose names are known; at most five.

    Where items are numbered, others only explain them, as do those that are further indented than the first.
    """
    items = [match for line in _lines(text) if (match := _ITEM.match(line[:MAX_PROSE]))]
    items = [item for item in items if item["number"]] or items
    seen = {"", *map(idea_key, known)}
    found: list[str] = []
    for item in items:
        idea = clean_idea(item["text"])
        key = idea_key(split_idea(idea)[0])
        if len(item["indent"]) <= len(items[0]["indent"]) and key not in seen:
            seen.add(key)
            found.append(idea)
    return tuple(found[:MAX_APPROACHES])


def clean_idea(text: str) -> str:
    """One line "NAME: hypothesis" of a model's words: no control or bidi characters, no decoration, bounded."""
    plain = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in text[:MAX_PROSE])
    plain = " ".join(_DECORATION.sub("", plain).split())
    plain = re.sub(r"^(?:idea|name)\s*:\s*", "", plain, flags=re.IGNORECASE).strip(" :-–—")
    parts = _SEPARATOR.split(plain, maxsplit=1)
    name, hypothesis = parts[0], parts[1] if len(parts) > 1 else ""
    if len(name) > MAX_NAME:
        # Without a name, the sentence is the hypothesis, and its beginning the name.
        hypothesis, name = hypothesis or name, name[:MAX_NAME].rsplit(" ", 1)[0]
    idea = f"{name.strip()}: {hypothesis.strip()}" if hypothesis.strip() else name.strip()
    return idea[:MAX_IDEA].strip()


def _lines(text: str) -> list[str]:
    """The reply without what the model thought aloud before it."""
    spoken = _spoken(text.replace("\r\n", "\n").replace("\r", "\n"))
    return spoken[:MAX_REPLY_CHARACTERS].removesuffix("\n").split("\n")


def _spoken(text: str) -> str:
    kept: list[str] = []
    at, thinking = 0, False
    for tags, tag in enumerate(_THOUGHT.finditer(text), 1):
        if tag["open"] and not thinking:
            kept.append(text[at : tag.start()])
            at, thinking = tag.end(), True
        elif tag["close"] and (thinking or tags == 1):
            # With an end alone, the beginning was the last word of the request.
            at, thinking = tag.end(), False
    # What was cut off while thinking says nothing; what has a program after all is read.
    return "".join([*kept, text[at:]])


def _idea(lines: Sequence[str]) -> str:
    """The first idea; one whose line has only the word stands in the next."""
    heading = False
    for line in lines:
        match = _IDEA.match(line[:MAX_PROSE])
        if (match or heading) and (idea := clean_idea(match["text"] if match else line)):
            return idea
        heading = match is not None or (heading and not line.strip())
    return ""


def _fence(line: str) -> re.Match[str] | None:
    return _FENCE.match(line) if ("```" in line or "~~~" in line) and len(line) <= MAX_MARK else None


def _path(line: str) -> str:
    match = _PATH.match(line) if len(line) <= MAX_MARK else None
    return match["path"] if match else ""


def _path_in(info: str) -> str:
    """The file that a fence's info string names, as in "python program.py" or "cuda:kernel.cu"."""
    return next(filter(None, map(_path, _INFO.split(info))), "")


def _strict(line: str) -> str:
    return _STRICT.get(line, "")


def _lenient(line: str) -> str:
    match = _MARKER.match(line) if len(line) <= MAX_MARK else None
    sign = match["sign"][0] if match else ""
    return sign if match and match["word"].upper() in _WORDS[sign] else ""


class _Reader:
    """Reads SEARCH/REPLACE blocks line by line. `loose` is True once one lacked its end."""

    def __init__(self, marker: Callable[[str], str], cut_off: bool) -> None:
        self._cut_off = cut_off
        self.edits: list[Edit] = []
        self.broken, self.loose = "", False
        self._marker, self._part, self._before, self._path = marker, "", "", ""
        self._in_fence = self._divided = False
        self._search: list[str] = []
        self._replace: list[str] = []

    def read(self, lines: Sequence[str]) -> tuple[tuple[Edit, ...], str]:
        """All edits up to the first that can not be read, and what is wrong with that."""
        for line in lines:
            self._feed(line)
            if self.broken:
                break
        if self._part == "search":
            self.broken = self.broken or "the reply was cut off within a SEARCH block"
        elif self._part == "replace" and self._cut_off:
            self.broken = self.broken or "the reply was cut off within a REPLACE block"
        elif self._part == "replace":
            self._finish(ended=False)
        return tuple(self.edits), self.broken

    def _feed(self, line: str) -> None:
        sign = self._marker(line)
        if sign == "<":
            self._open()
        elif sign == "=" and self._part == "search":
            self._part = "replace"
        elif sign == ">" and self._part == "search":
            self.broken = _NO_DIVIDER
        elif sign == ">" and self._part == "replace":
            self._finish()
        elif self._part:
            (self._search if self._part == "search" else self._replace).append(line)
        elif sign == "=":
            self._divided = True
        elif sign == ">":
            self.broken = "an edit has no SEARCH line" if self._divided else ""
        elif (fence := _fence(line)) is not None:
            self._in_fence = bool(fence["info"].strip()) or not self._in_fence
            self._before = _path_in(fence["info"]) or self._before
        elif line.strip():
            self._before = line

    def _open(self) -> None:
        if self._part == "search":
            self.broken = _NO_DIVIDER
        elif self._part == "replace":
            self._finish(ended=False)
        self._part, self._path, self._search, self._replace = "search", _path(self._before), [], []

    def _finish(self, ended: bool = True) -> None:
        replacement = self._replace
        if not ended:
            self.loose = True
            ends = (at for at, line in enumerate(replacement) if at and self._in_fence and _fence(line))
            replacement = replacement[: next(ends, None)]
            while replacement and not replacement[-1].strip():
                replacement.pop()
        self.edits.append(Edit(_unfenced(self._search), _unfenced(replacement), self._path))
        self._part, self._divided = "", False


def _edits(lines: Sequence[str], cut_off: bool) -> tuple[tuple[Edit, ...], str]:
    """Blocks whose markers are all as they were asked for; else whatever may be meant as one."""
    if not any("<<<<<" in line or ">>>>>" in line for line in lines):
        return (), ""
    strict = _Reader(_strict, cut_off)
    edits, broken = strict.read(lines)
    if edits and not broken and not strict.loose and len(edits) == sum(_lenient(line) == "<" for line in lines):
        return edits, ""
    return _Reader(_lenient, cut_off).read(lines)


def _unfenced(lines: Sequence[str]) -> str:
    """The lines without a code fence around all of them, and with a line break at the end of each."""
    first, last = 0, len(lines)
    while last > first and _fence(lines[last - 1]):
        last -= 1
    if last > first and _fence(lines[first]):
        first += 1
    return "".join(f"{line}\n" for line in lines[first:last])


def _texts(lines: Sequence[str], cut_off: bool) -> Iterator[Text]:
    """Fenced blocks in order; the last may lack its end."""
    fence, path, before = "", "", ""
    body: list[str] = []
    for line in lines:
        match = _fence(line)
        if not fence:
            if match:
                fence, body = match["fence"], []
                path = _path_in(match["info"]) or _path(before)
            elif line.strip():
                before = line
        elif match and match["fence"].startswith(fence) and not match["info"].strip():
            yield Text("".join(f"{one}\n" for one in body), path)
            fence, before = "", ""
        else:
            body.append(line)
    if fence and any(line.strip() for line in body):
        yield Text("".join(f"{one}\n" for one in body), path, cut_off)


def _between_markers(lines: Sequence[str]) -> tuple[Text, ...]:
    """A program that was sent without a fence, where its marker lines tell it from prose."""
    starts = [at for at, line in enumerate(lines) if START in line]
    ends = [at for at, line in enumerate(lines) if END in line]
    if not starts or not ends or ends[-1] < starts[-1]:
        return ()
    return (Text("".join(f"{line}\n" for line in lines[starts[-1] : ends[-1] + 1])),)
