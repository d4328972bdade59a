"""Rows of numbers in text of any language: tables, coefficients, sequences of gaps, and what can be done to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evolve.core.rng import Generator
from evolve.proposers.offline.text import Edit
from evolve.proposers.offline.tokens import Number, Token, TokenPage, read_number

_MOST_ELEMENTS = 256
_SMALL = 0.2


@dataclass(frozen=True)
class Row:
    """Numbers one after another, each with the token that says it, and what stands between two."""

    tokens: tuple[Token, ...]
    numbers: tuple[Number, ...]
    separator: str


def rows(page: TokenPage) -> list[Row]:
    """Two numbers or more between commas in brackets, and three or more between blanks; not those with comments."""
    found: list[Row] = []
    run: list[Token] = []
    commas = spaces = 0
    code = [token for token in page.tokens if token.kind != "break"]
    for index, token in enumerate(code):
        after = _after(code, index)
        if token.kind == "number":
            run.append(token)
        elif not run or token.kind not in ("space", "mark") or (token.kind == "mark" and token.text != ","):
            run, commas, spaces = [], 0, 0
            continue
        commas += token.text == ","
        spaces += token.kind == "space"
        if run and token.kind == "number" and not _goes_on(code, index):
            row = _row(page, run, commas, _before(code, run[0]), after)
            if row is not None:
                found.append(row)
            run, commas, spaces = [], 0, 0
    return found


def _goes_on(code: list[Token], index: int) -> bool:
    """Whether another number follows, after blanks and at most one comma."""
    commas = 0
    for token in code[index + 1 :]:
        if token.kind == "number":
            return True
        commas += token.text == ","
        if token.kind not in ("space", "mark") or commas > 1 or (token.kind == "mark" and token.text != ","):
            return False
    return False


def _before(code: list[Token], first: Token) -> str:
    earlier = [token.text for token in code if token.end <= first.start and token.kind not in ("space", "comment")]
    return earlier[-1] if earlier else ""


def _after(code: list[Token], index: int) -> str:
    """The next text that is code, a comma before the end of a list left out."""
    later = [token.text for token in code[index + 1 : index + 8] if token.kind not in ("space", "comment")]
    later = later[1:] if later[:1] == [","] else later
    return later[0] if later else ""


def _row(page: TokenPage, run: list[Token], commas: int, before: str, after: str) -> Row | None:
    numbers = [read_number(token.text) for token in run]
    known = tuple(number for number in numbers if number is not None)
    if len(known) < len(run) or len(run) > _MOST_ELEMENTS:
        return None
    brackets = {"{": "}", "[": "]", **({"(": ")"} if page.style.line[:1] == ("#",) else {})}
    if commas and len(run) >= 2 and brackets.get(before) == after:
        return Row(tuple(run), known, ", ")
    lines = page.text.count("\n", run[0].start, run[-1].end)
    return Row(tuple(run), known, " ") if not commas and len(run) >= 3 and not lines else None


def moved(number: Number, rng: Generator, step: float) -> str:
    """A number near it in the space of signed logarithms; an integer becomes another integer."""
    value = math.sinh(math.asinh(number.value) + step * float(rng.standard_normal()))
    if number.is_integer and round(abs(value)) == round(number.value):
        value = number.value + (1 if number.value < 1 or rng.random() < 0.5 else -1)
    return number.written(value)


def change_row(page: TokenPage, rng: Generator) -> Edit | None:
    """Move an element or several, insert one, or take one out."""
    found = rows(page)
    if not found:
        return None
    row = found[int(rng.integers(len(found)))]
    choice = rng.random()
    if choice < 0.45:
        return _move_some(page, row, rng)
    if choice < 0.75:
        return _insert(row, rng)
    return _remove(page, row, rng)


def cross_rows(page: TokenPage, donor: TokenPage, rng: Generator) -> Edit | None:
    """The beginning of a row, and the end of one of the donor's."""
    mine, theirs = rows(page), rows(donor)
    if not mine or not theirs:
        return None
    place = int(rng.integers(len(mine)))
    row, other = mine[place], theirs[place if len(theirs) == len(mine) else int(rng.integers(len(theirs)))]
    cut, again = int(rng.integers(len(row.tokens) + 1)), int(rng.integers(len(other.tokens) + 1))
    texts = [token.text for token in (*row.tokens[:cut], *other.tokens[again:])]
    start, end = row.tokens[0].start, row.tokens[-1].end
    if not texts or _has_comment(page, start, end):
        return None
    return Edit(start, end, row.separator.join(texts))


def _move_some(page: TokenPage, row: Row, rng: Generator) -> Edit:
    share = 1.0 if rng.random() < 0.2 else 1.5 / len(row.tokens)
    chosen = {i for i in range(len(row.tokens)) if rng.random() < share} or {int(rng.integers(len(row.tokens)))}
    step = float(rng.choice([0.05, 0.2, 0.7]))
    first, last = row.tokens[min(chosen)], row.tokens[max(chosen)]
    text, at = "", first.start
    for index in sorted(chosen):
        token = row.tokens[index]
        text += page.text[at : token.start] + moved(row.numbers[index], rng, step)
        at = token.end
    return Edit(first.start, last.end, text)


def _insert(row: Row, rng: Generator) -> Edit:
    """A number between two others, or beyond the end as far as the last two are apart (in logarithms)."""
    place = int(rng.integers(len(row.tokens) + 1))
    logs = [math.asinh(number.value) for number in row.numbers]
    value = math.sinh(min(_between(logs, place) + _SMALL * float(rng.standard_normal()), 700.0))
    text = row.numbers[max(0, place - 1)].written(value)
    if place == len(row.tokens):
        end = row.tokens[-1].end
        return Edit(end, end, row.separator + text)
    start = row.tokens[place].start
    return Edit(start, start, text + row.separator)


def _between(logs: Sequence[float], place: int) -> float:
    if 0 < place < len(logs):
        return (logs[place - 1] + logs[place]) / 2
    end, neighbour = (logs[0], logs[1]) if place == 0 else (logs[-1], logs[-2])
    return 2 * end - neighbour


def _remove(page: TokenPage, row: Row, rng: Generator) -> Edit | None:
    place = int(rng.integers(len(row.tokens)))
    if place + 1 < len(row.tokens):
        start, end = row.tokens[place].start, row.tokens[place + 1].start
    else:
        start, end = row.tokens[place - 1].end, row.tokens[place].end
    return None if _has_comment(page, start, end) else Edit(start, end, "")


def _has_comment(page: TokenPage, start: int, end: int) -> bool:
    return any(token.kind == "comment" and start <= token.start < end for token in page.tokens)
