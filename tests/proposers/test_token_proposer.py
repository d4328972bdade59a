"""Moves on text of any language: the lexer, rows of numbers, and what no move may touch."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.screen import find_block, outside_block, screen_command
from evolve.core.errors import Forbidden
from evolve.core.rng import generator
from evolve.core.types import Candidate, Failure, Source, Status, Ticket
from evolve.proposers.base import Context
from evolve.proposers.offline import is_python, operators, propose_text
from evolve.proposers.offline.number_lists import change_row, cross_rows, rows
from evolve.proposers.offline.token_proposer import OPERATORS, change, change_numbers, propose
from evolve.proposers.offline.tokens import read_number, token_page

C = """#include <stdio.h>
int before = 1;
// EVOLVE-BLOCK-START
#include "table 7.h"
static const int gaps[] = {701, 301, 132, 57, 23, 10, 4, 1}; /* keep 99, 98 */
static double rate = 1.5f, big = 0x1Fu, small = 1e-3;
static const char *text = "never 5 \\" // no comment", quote = '7';
static int step(int a, int b) {
    int c = a + b * 2; // leave 3 alone
    if (a < b && c >= 10UL) {
        c -= 1'000;
        a = c;
        b = a;
    }
    return c;
}
// EVOLVE-BLOCK-END
int after = 2;
"""
DONOR = C.replace("701, 301, 132, 57, 23, 10, 4, 1", "1750, 700, 250, 100, 31, 9, 3, 1").replace("a + b * 2", "b * 7")
SHELL = """#!/bin/sh
# EVOLVE-BLOCK-START
count=$#  # not ${#1} 44
for gap in 701 301 132 57; do
    if [ "$gap" -lt 100 ]; then echo 'a 5 # b'; fi
    total=$((total + gap * 3))
done
# EVOLVE-BLOCK-END
"""
QUIET = ("keep 99, 98", "leave 3 alone", 'never 5 \\" // no comment', "'7'", '"table 7.h"')


def command(text: str, name: str = "a.c") -> Source:
    return Source({name: text}, "run", "command")


def ticket(operator: str, seed: int) -> Ticket:
    return Ticket(1, "expand", (), (), operator, None, seed)


def block_of(source: Source) -> str:
    block = find_block(source.main)
    return source.main[block.start : block.end]


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.c", "x = 10UL + 0x1Fu - 1e-3 * .5f / 1'000;", ["10UL", "0x1Fu", "1e-3", ".5f", "1'000"]),
        ("a.rs", "let x: u8 = 7_u8; for i in 0..10 { y = 1_000i64; 'a: z.0 }", ["7_u8", "0", "10", "1_000i64", "0"]),
        ("a.js", "v2 = x1 + 3n + 1.5e+10; // 4", ["3n", "1.5e+10"]),
        ("a.pl", "my $x = $#a + ${#b} + 5; # 6", ["5"]),
        ("a.lua", "x = 1 -- 2\ny = 3", ["1", "3"]),
        ("a.asm", "mov eax, 0x10 ; 7", ["0x10"]),
        ("a.hs", "x = 4 {- 5 -} + 6 -- 7", ["4", "6"]),
        ("a.c", 'char c = \'3\', *s = "4\\"5"; /* 6 */ d = 7;', ["7"]),
        ("a.sh", "echo 'a\n3' \"4\n\" 5 \\# 6", ["5", "6"]),
    ],
)
def test_numbers_are_found_where_they_are_code(name: str, text: str, wanted: list[str]) -> None:
    page = token_page(name, f"# EVOLVE-BLOCK-START\n{text}\n# EVOLVE-BLOCK-END\n")
    assert [token.text for token in page.tokens if token.kind == "number"] == wanted


@pytest.mark.parametrize(
    ("literal", "other", "wanted"),
    [
        ("10UL", 12.2, "12UL"), ("0x1Fu", 255.0, "0xffu"), ("0b101", 6.0, "0b110"), ("1'000", 1234.0, "1234"),
        ("1_000i64", 7.0, "7i64"), ("1.5f", 2.0, "2.0f"), ("1e-3", 2e-7, "2e-07"), ("2.0", -3.0, "3.0"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_it_was(literal: str, other: float, wanted: str) -> None:
    number = read_number(literal)
    assert number is not None and number.written(other) == wanted


def test_rows_are_tables_in_brackets_and_words_in_a_line() -> None:
    assert [[t.text for t in row.tokens] for row in rows(token_page("a.c", C))] == [
        ["701", "301", "132", "57", "23", "10", "4", "1"]
    ]
    assert [row.separator for row in rows(token_page("a.sh", SHELL))] == [" "]
    call = "// EVOLVE-BLOCK-START\nf(1, 2, 3);\nint a[2][2] = {{1, 2}, {3, 4,}};\n// EVOLVE-BLOCK-END\n"
    assert [len(row.tokens) for row in rows(token_page("a.c", call))] == [2, 2]


def test_numbers_with_a_name_are_moved_first_and_many_never_all_at_once() -> None:
    block = "#define WAYS 8\nstatic const int SHIFT = 3;\n" + "".join(f"x{n} = y + {n};\n" for n in range(20))
    text = f"// EVOLVE-BLOCK-START\n{block}// EVOLVE-BLOCK-END\n"
    page = token_page("a.c", text)
    named, most = 0, 0
    for seed in range(200):
        made = change_numbers(page, generator(seed, "numbers"))
        assert made is not None
        lines = [one for one, other in zip(made.apply(text).split("\n"), text.split("\n"), strict=True) if one != other]
        named += all(line.startswith(("#define", "static const")) for line in lines)
        most = max(most, len(lines))
    assert 90 < named < 180 and most < 12


def test_rows_grow_shrink_and_move() -> None:
    page = token_page("a.c", C)
    lengths = set()
    for seed in range(60):
        made = change_row(page, generator(seed, "row"))
        assert made is not None
        (row, *_) = rows(token_page("a.c", made.apply(C)))
        lengths.add(len(row.tokens))
    assert lengths == {7, 8, 9}
    crossed = {made.new for seed in range(60) if (made := cross_rows(page, token_page("a.c", DONOR), generator(seed)))}
    assert any("701" in text and "31, 9" in text for text in crossed)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(sorted(OPERATORS)), st.sampled_from([("a.c", C), ("a.sh", SHELL)]))
def test_only_the_block_changes_and_no_comment_or_text_in_quotes(
    seed: int, operator: str, program: tuple[str, str]
) -> None:
    name, text = program
    parent = command(text, name)
    donor = command(DONOR if name == "a.c" else text, name)
    made = propose(ticket(operator, seed), Context((parent,), (donor,), (), 0))
    if isinstance(made, Failure):
        assert made.status is Status.UNCHANGED
        return
    assert outside_block(made.source.main) == outside_block(text)
    assert screen_command(made.source, parent).program_id != screen_command(parent, parent).program_id
    words = [word for word in QUIET if word in text]
    lines = [line for line in made.source.main.splitlines() if any(word in line for word in words)]
    for line in lines:
        # A line may be gone or stand twice, but what is quoted in it is as it was.
        assert any(all((word in line) == (word in old) for word in words) for old in text.splitlines())


@settings(max_examples=30, deadline=None)
@given(st.text(st.sampled_from("ab1 2,.(){}[]'\"\\#/*-+<=\n"), max_size=80), st.integers(0, 1000))
def test_any_text_is_changed_or_refused(text: str, seed: int) -> None:
    for name in ("a.c", "a.pl", "a.lua", "a.unknown"):
        parent = command(f"x\n// EVOLVE-BLOCK-START\n{text}\n// EVOLVE-BLOCK-END\ny\n", name)
        made = propose(ticket("edit", seed), Context((parent,), (), (), 0))
        if isinstance(made, Candidate):
            assert outside_block(made.source.main) == outside_block(parent.main)
            assert made.source.main != parent.main


def test_every_move_finds_something_in_an_ordinary_block() -> None:
    context = Context((command(C),), (command(DONOR),), (), 0)
    for operator in OPERATORS:
        made = [propose(ticket(operator, seed), context) for seed in range(20)]
        assert len({block_of(one.source) for one in made if isinstance(one, Candidate)}) > 3, operator


def test_an_empty_block_gives_nothing_and_no_block_is_refused() -> None:
    empty = command("// EVOLVE-BLOCK-START\n// EVOLVE-BLOCK-END\n")
    assert change("numbers", empty, empty, generator(0)) is None
    with pytest.raises(Forbidden, match="// EVOLVE-BLOCK-START"):
        change("numbers", command("int x;\n"), empty, generator(0))
    made = propose(ticket("rows", 0), Context((command("x"),), (), (), 0))
    assert isinstance(made, Failure) and made.status is Status.NO_PROGRAM


def test_python_that_a_command_runs_is_edited_by_its_syntax() -> None:
    script = command("# EVOLVE-BLOCK-START\nlimit = 10\nprint(limit * 2)\n# EVOLVE-BLOCK-END\n", "a.py")
    assert is_python(script) and not is_python(command(C))
    assert operators("bubblewrap", command(C)) == OPERATORS != operators("bubblewrap", script)
    for operator in operators("bubblewrap", script):
        made = [propose_text(ticket(operator, seed), Context((script,), (), (), 0)) for seed in range(5)]
        assert any(isinstance(one, Candidate) and one.source.main != script.main for one in made), operator
