"""What changed between two texts: nothing is lost, and no text takes long."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.web import difference, highlighting
from evolve.web.text import visible

LINES = st.lists(
    st.sampled_from(["", "a", "b", "c", "d = 1", "\u202e", "e\tf"]) | st.text(string.printable[:-4], max_size=4)
)
TAG = re.compile("<[^>]*>")


def _kept(text: str) -> list[str]:
    return (
        [visible(line.removesuffix("\r")) for line in text.split("\n")[: -1 if text.endswith("\n") else None]]
        if text
        else []
    )


@settings(max_examples=80, deadline=None)
@given(LINES, LINES)
def test_both_texts_stand_in_it_in_order(old_lines: list[str], new_lines: list[str]) -> None:
    old, new = "\n".join(old_lines), "\n".join(new_lines)
    found = difference.difference(old, new)
    rows = [row for stretch in found.stretches for row in stretch.lines]
    left = [(row.old.number, "".join(text for _, text in row.old.pieces)) for row in rows if row.old]
    right = [(row.new.number, "".join(text for _, text in row.new.pieces)) for row in rows if row.new]
    assert left == list(enumerate(_kept(old), 1)) and right == list(enumerate(_kept(new), 1))
    for row in rows:
        assert (row.kind == "removed") == (row.new is None) and (row.kind == "added") == (row.old is None)
        if row.kind == "same":
            assert row.old and row.new and row.old.pieces == row.new.pieces
    assert all(row.kind == "same" for stretch in found.stretches if stretch.folded for row in stretch.lines)
    assert (found.added, found.removed) != (0, 0) or _kept(old) == _kept(new)


def test_what_did_not_change_is_folded() -> None:
    lines = [f"line {number}" for number in range(100)]
    found = difference.difference("\n".join(lines), "\n".join([*lines[:50], "new", *lines[50:]]))
    assert [(one.folded, len(one.lines)) for one in found.stretches] == [(True, 47), (False, 7), (True, 47)]


def test_changed_words_are_marked_in_lines_that_are_alike() -> None:
    ((stretch),) = difference.difference("x = near + far", "x = near * far").stretches
    (row,) = stretch.lines
    assert row.old and row.new
    assert row.old.pieces == ((False, "x = near "), (True, "+"), (False, " far"))
    assert row.new.pieces == ((False, "x = near "), (True, "*"), (False, " far"))


@pytest.mark.parametrize("period", [2, 50, 2500])
def test_lines_that_come_again_and_again_take_no_long_comparison(period: int) -> None:
    old = "\n".join(str(number % period) for number in range(5000))
    new = "\n".join(str(number * 7 % period) if number % 2 else f"x{number % period}" for number in range(5000))
    # A tenth of a second; without the bound on pairs minutes, and the time of tests is limited.
    assert difference.difference(old, new).added


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.sampled_from("ab<>&\"'#\\\n\r\t \f{}()/*0\u202e\x1b\x00\ud800")),
    st.sampled_from([".py", ".c", ".js", ".x"]),
)
def test_highlighted_lines_are_the_text(text: str, suffix: str) -> None:
    found = highlighting.highlighted(f"a{suffix}", text)
    plain = "\n".join(TAG.sub("", line) for line in found.lines)
    for entity, one in (("&lt;", "<"), ("&gt;", ">"), ("&#34;", '"'), ("&#39;", "'"), ("&amp;", "&")):
        plain = plain.replace(entity, one)
    assert plain == (visible(text)[:-1] if visible(text).endswith("\n") and len(visible(text)) > 0 else visible(text))
    assert not found.cut


@pytest.mark.parametrize("piece", ["\n ", "/", "("])
@pytest.mark.parametrize("name", ["a.py", "a.c"])
def test_no_text_holds_the_colouring_up(piece: str, name: str) -> None:
    # The lexers alone would take a quarter of an hour, and the time of tests is limited.
    found = highlighting.highlighted(name, piece * (400_000 // len(piece)))
    assert found.cut and sum(map(len, found.lines)) < 5_000_000


def test_endings_that_are_not_known_have_no_colours() -> None:
    assert highlighting.suffix_of("../../x.py") == ".py" and highlighting.suffix_of("a.exe\x00") == ".txt"
    assert highlighting.highlighted("a.unknown", "def f(): pass").lines == ("def f(): pass",)
