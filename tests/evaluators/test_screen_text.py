"""The screen for programs of any language: markers in their comments, the frame of the seed, and their ids."""

from __future__ import annotations

import pytest

from evaluators.comment_style import style_of
from evaluators.screen import find_block, screen_command, screen_program
from evolve.core.errors import Forbidden
from evolve.core.types import Source
from sandbox.syntax import MAX_SOURCE_BYTES

SEED = "int main(void) {\n// EVOLVE-BLOCK-START\n    return 1;\n// EVOLVE-BLOCK-END\n}\n"


def command(text: str, name: str = "a.c") -> Source:
    return Source({name: text}, "run", "command")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("# {}", ""), ("  // {}", ""), ("-- {}", ""), ("; {}", ""), (";; {}", ""), ("% {}", ""), ("/* {}", " */"),
        ("<!-- {}", " -->"), ("(* {}", " *)"), ("\t{{- {}", " -}}"), ("//{}  ", ""), ("! {}", ""),
    ],
)  # fmt: skip
def test_markers_stand_in_comments_of_any_language(start: str, end: str) -> None:
    lines = [f"{start.format(word)}{end.format()}" for word in ("EVOLVE-BLOCK-START", "EVOLVE-BLOCK-END")]
    text = f"a\n{lines[0]}\nb\nc\n{lines[1]}\nd\n"
    block = find_block(text)
    assert text[block.start : block.end] == "b\nc\n"


@pytest.mark.parametrize(
    "text", ["", "// EVOLVE-BLOCK-END\n// EVOLVE-BLOCK-START\n", SEED + SEED, "x EVOLVE-BLOCK-START"]
)
def test_a_seed_without_one_block_is_told_both_lines(text: str) -> None:
    for name, lines in {
        "a.c": ("// EVOLVE-BLOCK-START", "// EVOLVE-BLOCK-END"),
        "a.sh": ("# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END"),
        "a.lua": ("-- EVOLVE-BLOCK-START", "-- EVOLVE-BLOCK-END"),
        "a.ml": ("(* EVOLVE-BLOCK-START *)", "(* EVOLVE-BLOCK-END *)"),
        "a.css": ("/* EVOLVE-BLOCK-START */", "/* EVOLVE-BLOCK-END */"),
    }.items():
        with pytest.raises(Forbidden) as caught:
            screen_command(command(text, name), command(text, name))
        assert all(line in str(caught.value) for line in lines)
        # The two lines do what they are said to do.
        assert find_block(f"{lines[0]}\nx\n{lines[1]}\n")


def test_what_stands_outside_of_the_block_stays() -> None:
    child = command(SEED.replace("return 1", "return 2"))
    assert screen_program("bubblewrap", child, command(SEED)).program is child
    for other in (SEED.replace("main", "other"), SEED + "\n", SEED.replace("// EVOLVE-BLOCK-START", "/* x */")):
        with pytest.raises(Forbidden):
            screen_command(command(other), command(SEED))
    assert screen_command(command("no markers at all"), None).program_id


def test_ids_are_those_of_the_text_less_blanks_and_less_numbers() -> None:
    one = screen_command(command("a = 10;\nb = x1;\n"), None)
    same = screen_command(command("\n\na = 10;  \n\t\nb = x1;\t"), None)
    assert (one.program_id, one.skeleton_id) == (same.program_id, same.skeleton_id)
    moved = screen_command(command("a = 0x2F;\nb = x1;\n"), None)
    assert moved.program_id != one.program_id and moved.skeleton_id == one.skeleton_id
    renamed = screen_command(command("a = 10;\nb = x2;\n"), None)
    assert renamed.skeleton_id != one.skeleton_id
    assert screen_command(command("  a = 10;\nb = x1;\n"), None).program_id != one.program_id


def test_size_and_bytes_are_bounded() -> None:
    for text in ("x" * (MAX_SOURCE_BYTES + 1), "a\0b"):
        with pytest.raises(Forbidden):
            screen_command(command(text), None)
    assert screen_command(command("\ud800"), None).program_id


def test_a_line_as_a_comment_of_each_language() -> None:
    assert style_of("a.py").comment("x") == "# x"
    assert style_of("A.C").comment("") == "//"
    assert style_of("a.html").comment("x --> y") == "<!-- x  y -->"
