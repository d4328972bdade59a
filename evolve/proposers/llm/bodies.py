"""What of a text stands in a block: the text may be a whole file, the block with its markers, or its body alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaluators.comment_style import style_of
from evaluators.screen import END, START, find_block
from evolve.core.errors import Forbidden
from evolve.proposers.llm.places import indentation, shift_to


def body_of(text: str, name: str, before: str, body: str, after: str) -> str | None:
    """The new body of the block of file `name`, which now is `before + body + after`; None where it can not be told.

    What a whole file says outside of the block is left out, whatever it is. The indentation of the block is kept.
    """
    lines = _between_marks(text, name)
    if lines is None:
        return None
    level, marked = _level(body, name), START in text and END in text
    if not marked:
        lines = _without_frame(lines, before, after, within=bool(indentation(level)))
    own = _level("\n".join(lines), name)
    shift = shift_to([level], [own]) if level and own else None
    kept = "".join(f"{line}\n" for line in lines)
    return shift(kept) if shift is not None else kept


def _between_marks(text: str, name: str) -> list[str] | None:
    """The lines between marker lines, as far as there are any; one alone may be left out, and neither come twice."""
    try:
        block = find_block(text, name)
    except Forbidden:
        pass
    else:
        return _split(text[block.start : block.end])
    lines = _split(text)
    starts = [at for at, line in enumerate(lines) if START in line]
    ends = [at for at, line in enumerate(lines) if END in line]
    if len(starts) > 1 or len(ends) > 1 or (starts and ends and starts[0] > ends[0]):
        return None
    return lines[starts[0] + 1 if starts else 0 : ends[0] if ends else len(lines)]


def _without_frame(lines: list[str], before: str, after: str, within: bool) -> list[str]:
    """The lines less those that are ours around the block, up to blanks.

    Where the block stands within a function, the function's head alone tells where it begins.
    """
    head, tail = _plain(before), _plain(after)
    stripped = [line.strip() for line in lines]
    filled = [at for at, line in enumerate(stripped) if line]
    begin, end = 0, len(lines)
    if head and [stripped[at] for at in filled[: len(head)]] == head:
        begin = filled[len(head) - 1] + 1
    elif head and within and stripped.count(head[-1]) == 1:
        begin = stripped.index(head[-1]) + 1
    overlap = len(tail) if begin == 0 else max(_overlaps([stripped[at] for at in filled], tail), default=0)
    if overlap and [stripped[at] for at in filled[-overlap:]] == tail[:overlap]:
        end = filled[-overlap]
    elif begin and tail and len(tail[0]) > len("return;") and stripped[begin:].count(tail[0]) == 1:
        end = stripped.index(tail[0], begin)
    if end < len(lines):
        # Blank lines before what follows the block are part of the frame too.
        end = max((at + 1 for at in filled if at < end), default=begin)
    return lines[begin : max(begin, end)]


def _overlaps(lines: Sequence[str], tail: Sequence[str]) -> Iterator[int]:
    """How many of the last lines are the first of `tail`: all such numbers."""
    for count in range(1, min(len(lines), len(tail)) + 1):
        if lines[-count] == tail[0] and lines[len(lines) - count :] == tail[:count]:
            yield count


def _level(text: str, name: str) -> str:
    """The first line that is neither blank nor a comment: its indentation is that of the block."""
    comments = style_of(name).line
    return next((line for line in text.split("\n") if line.strip() and not line.strip().startswith(comments)), "")


def _plain(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip() and START not in line and END not in line]


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []
