"""Offline proposals for programs of any language: moves on numbers, operators, names, lines and rows of numbers.

Everything is done on the text of the block (see `tokens`); quoted text and comments stay as they are.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import TypeVar

from evaluators.screen import outside_block, screen_command
from evolve.core.errors import Forbidden
from evolve.core.rng import Generator, generator
from evolve.core.types import Candidate, Failure, Source, Status, Ticket
from evolve.proposers.base import Context
from evolve.proposers.offline.number_lists import change_row, cross_rows, moved
from evolve.proposers.offline.text import Edit
from evolve.proposers.offline.tokens import Token, TokenPage, read_number, token_page

OPERATORS = {"rows": 0.30, "numbers": 0.25, "edit": 0.15, "lines": 0.15, "crossover": 0.15}
# Numbers that have a name of their own are what an author means to be changed. All at once are moved only if few.
_NAMED_SHARE, _FEW = 0.6, 12
_DEFINES = re.compile(
    r"\s*(?:#\s*define\s+\w+\s|(?:(?:static|export|final|public|pub|inline)\s+)*(?:const|constexpr|val)\b|[A-Z][A-Z0-9_]+\s*:?=)"
)
_TRIES = 40
_STEPS, _STEP_WEIGHTS = (1, 2, 3), (0.55, 0.30, 0.15)

_GROUPS = (
    ("<", "<=", ">", ">=", "==", "!="),
    ("+", "-", "*", "/", "%"),
    ("&", "|", "^"),
    ("<<", ">>"),
    ("&&", "||"),
    ("+=", "-=", "*=", "/="),
    ("&=", "|=", "^="),
    ("++", "--"),
)
_EXCHANGE = {operator: group for group in _GROUPS for operator in group}
# Of shells and Perl, where comments begin with #.
_WORDS = ("lt", "le", "gt", "ge", "eq", "ne")
# Words of common languages that an exchange could only break.
_KEYWORDS = frozenset(
    """
    if else elif elsif elseif unless while until for foreach do done then fi case esac switch default break continue
    return goto in of let var const my our local fn func function def sub end begin static inline struct enum union
    typedef class impl trait public private protected void int long short char float double unsigned signed bool size_t
    auto register extern volatile mut pub use package import new delete sizeof true false null nil None True False and
    or not match loop where yield await async try catch finally throw
    """.split()  # noqa: SIM905
)

_T = TypeVar("_T")
Maker = Callable[[TokenPage, Generator], Edit | None]


def propose(ticket: Ticket, context: Context) -> Candidate | Failure:
    """A changed child of the ticket's parent. Depends on ticket and context alone."""
    rng = generator(ticket.seed, "propose")
    parent = context.parents[0]
    donor = context.inspirations[0] if context.inspirations else parent
    try:
        child = change(ticket.operator, parent, donor, rng)
    except Forbidden as error:
        return Failure(ticket, Status.NO_PROGRAM, str(error))
    if child is None:
        return Failure(ticket, Status.UNCHANGED, f"{_TRIES} tries gave the parent again")
    return Candidate(ticket, child, ticket.operator)


def change(operator: str, parent: Source, donor: Source, rng: Generator) -> Source | None:
    """A child of `parent` by that move, or by any other where it finds nothing; None where all fail.

    Raises Forbidden where either has no single block.
    """
    (name,) = parent.files
    token_page(name, parent.main)
    other = token_page(name, donor.main)
    makers = _makers(operator, other)
    before, outside = screen_command(parent, None).program_id, outside_block(parent.main)
    for attempt in range(_TRIES):
        text = parent.main
        for _ in range(int(rng.choice(_STEPS, p=_STEP_WEIGHTS))):
            page = token_page(name, text)
            # A block without numbers or rows has other moves.
            chosen = makers if attempt < _TRIES // 2 else _ANY
            made = chosen[int(rng.integers(len(chosen)))](page, rng)
            text = made.apply(text) if made is not None else text
        child = parent.with_main(text)
        try:
            if screen_command(child, None).program_id != before and outside_block(text) == outside:
                return child
        except Forbidden:
            continue
    return None


def _makers(operator: str, donor: TokenPage) -> tuple[Maker, ...]:
    if operator == "crossover":
        return (
            lambda page, rng: cross_rows(page, donor, rng),
            lambda page, rng: _take_numbers(page, donor, rng),
            lambda page, rng: _take_lines(page, donor, rng),
            lambda page, rng: Edit(page.start, page.end, donor.text[donor.start : donor.end]),
        )
    # Of a Python program a file in another language is drawn with the moves of Python.
    return _MOVES.get(operator, _ANY)


def change_numbers(page: TokenPage, rng: Generator) -> Edit | None:
    """Some numbers or all, moved a little or much."""
    tokens = [token for token in page.tokens if token.kind == "number"]
    if not tokens:
        return None
    named = [token for token in tokens if _DEFINES.match(page.line_of(token))]
    if named and rng.random() < _NAMED_SHARE:
        tokens = named
    share = 1.0 if len(tokens) <= _FEW and rng.random() < 0.2 else 1.5 / len(tokens)
    chosen = [token for token in tokens if rng.random() < share] or [tokens[int(rng.integers(len(tokens)))]]
    step = float(rng.choice([0.1, 0.3, 1.0]))
    return _rewrite(page, [(token, _moved(token, rng, step)) for token in chosen])


def change_operator(page: TokenPage, rng: Generator) -> Edit | None:
    """Another operator of the same kind, between two operands."""
    code = page.code
    words = page.style.line[:1] == ("#",)
    places = []
    for left, token, right in zip(code, code[1:], code[2:], strict=False):
        is_word = words and token.kind == "name" and token.text in _WORDS
        is_binary = token.text in _EXCHANGE and _is_operand(left) and right.text not in (")", ",", ";", "]", "}")
        if is_word or is_binary or token.text in ("++", "--"):
            places.append(token)
    place = _pick(places, rng)
    if place is None:
        return None
    options = [other for other in _EXCHANGE.get(place.text, _WORDS) if other != place.text]
    return Edit(place.start, place.end, options[int(rng.integers(len(options)))])


def change_name(page: TokenPage, rng: Generator) -> Edit | None:
    """Another name of the block in the place of one; what is called for what is called."""
    code = page.code
    called = [token for token, after in itertools.pairwise(code) if after.text == "(" and _is_own(token)]
    plain = [token for token in code if _is_own(token) and token not in called]
    names = called if called and rng.random() < 0.1 else plain
    token = _pick(names, rng)
    others = sorted({other.text for other in names} - {token.text}) if token else []
    if token is None or not others:
        return None
    return Edit(token.start, token.end, others[int(rng.integers(len(others)))])


def name_for_number(page: TokenPage, rng: Generator) -> Edit | None:
    """A number where a name stood, or a name of the block where a number stood; not where a table is all there is."""
    names = [token for token in page.code if _is_own(token)]
    if len({token.text for token in names}) < 2:
        return None
    numbers = [token for token in page.code if token.kind == "number"]
    first, second = (names, numbers) if rng.random() < 0.5 else (numbers, names)
    token, other = _pick(first, rng), _pick(second, rng)
    return Edit(token.start, token.end, other.text) if token is not None and other is not None else None


def swap_lines(page: TokenPage, rng: Generator) -> Edit | None:
    """Exchange two neighbouring lines."""
    pairs = [(a, b) for a, b in itertools.pairwise(_lines(page)) if a[1] == b[0]]
    pair = _pick(pairs, rng)
    if pair is None:
        return None
    (start, middle), (_, end) = pair
    return Edit(start, end, page.text[middle:end] + page.text[start:middle])


def duplicate_line(page: TokenPage, rng: Generator) -> Edit | None:
    """Write one line twice."""
    line = _pick(_lines(page), rng)
    return Edit(line[1], line[1], page.text[line[0] : line[1]]) if line is not None else None


def delete_line(page: TokenPage, rng: Generator) -> Edit | None:
    """Take one line out."""
    line = _pick(_lines(page), rng)
    return Edit(*line, "") if line is not None else None


_EDITS: tuple[Maker, ...] = (change_operator, change_operator, change_name, change_name, name_for_number)
_LINES: tuple[Maker, ...] = (swap_lines, duplicate_line, delete_line)
_MOVES: dict[str, tuple[Maker, ...]] = {
    "rows": (change_row,),
    "numbers": (change_numbers,),
    "edit": _EDITS,
    "lines": _LINES,
}
_ANY: tuple[Maker, ...] = (change_row, change_numbers, *_EDITS, *_LINES)


def _take_numbers(page: TokenPage, donor: TokenPage, rng: Generator) -> Edit | None:
    """Some numbers from the same places of a donor that has as many."""
    mine = [token for token in page.tokens if token.kind == "number"]
    theirs = [token for token in donor.tokens if token.kind == "number"]
    if not mine or len(mine) != len(theirs):
        return None
    taken = [(a, b.text) for a, b in zip(mine, theirs, strict=True) if a.text != b.text and rng.random() < 0.5]
    return _rewrite(page, taken) if taken else None


def _take_lines(page: TokenPage, donor: TokenPage, rng: Generator) -> Edit | None:
    """A line of the donor in the place of one, or before it."""
    here, there = _pick(_lines(page), rng), _pick(_lines(donor), rng)
    if here is None or there is None:
        return None
    end = here[1] if rng.random() < 0.6 else here[0]
    return Edit(here[0], end, donor.text[there[0] : there[1]])


def _lines(page: TokenPage) -> list[tuple[int, int]]:
    """Start and end of lines with code and no comment, whose brackets are closed: a statement each, as a rule."""
    found = []
    line: list[Token] = []
    start = page.start
    for token in page.tokens:
        if token.kind != "break":
            line.append(token)
            continue
        depth = sum((t.text in ("(", "[", "{")) - (t.text in (")", "]", "}")) for t in line if t.kind == "mark")
        plain = not any(t.kind == "comment" or "\n" in t.text for t in line)
        covered = sum(t.end - t.start for t in line) == token.start - start
        if plain and covered and not depth and any(t.kind in ("number", "name", "quoted") for t in line):
            found.append((start, token.end))
        line, start = [], token.end
    return found


def _rewrite(page: TokenPage, changes: list[tuple[Token, str]]) -> Edit:
    """All changes, which are in the order of the text, as one edit."""
    text, at = "", changes[0][0].start
    for token, new in changes:
        text += page.text[at : token.start] + new
        at = token.end
    return Edit(changes[0][0].start, at, text)


def _moved(token: Token, rng: Generator, step: float) -> str:
    number = read_number(token.text)
    return token.text if number is None else moved(number, rng, step)


def _is_operand(token: Token) -> bool:
    return token.kind in ("number", "name", "quoted") or token.text in (")", "]")


def _is_own(token: Token) -> bool:
    return token.kind == "name" and token.text not in _KEYWORDS


def _pick(items: list[_T], rng: Generator) -> _T | None:
    return items[int(rng.integers(len(items)))] if items else None
