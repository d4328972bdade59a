"""Replies in forms that were not asked for, and replies that are made to be slow to read."""

from __future__ import annotations

import pytest

from evolve.proposers.llm.answer import Edit, Text, read_answer, read_approaches

EDIT = "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("line", "idea"),
    [
        ("Idea: hit_count**2: C# and x**2 stay", "hit_count**2: C# and x**2 stay"),
        ('> **Idea**: *"Two queues"* — they prove themselves', "Two queues: they prove themselves"),
        ("## Idea\n\nTwo queues: why", "Two queues: why"),
        ("Idea:\n**Two queues**: why", "Two queues: why"),
        ("Ideas are many.", ""),
    ],
)
def test_ideas_keep_their_words_and_lose_decoration(line: str, idea: str) -> None:
    assert read_answer(f"{line}\n{EDIT}").idea == idea


def test_exact_markers_win_over_what_only_looks_like_them() -> None:
    """An underline of five signs within an edit is a line of the program."""
    text = "<<<<<<< SEARCH\nTitle\n=====\nold\n=======\nTitle\n=====\nnew\n>>>>>>> REPLACE\n"
    assert read_answer(text).edits == (Edit("Title\n=====\nold\n", "Title\n=====\nnew\n"),)


def test_one_inexact_edit_beside_an_exact_one_is_not_lost() -> None:
    inexact = EDIT.replace("<<<<<<<", "<<<<<").replace("=======", "=====").replace(">>>>>>>", ">>>>>")
    assert len(read_answer(EDIT + inexact).edits) == 2


@pytest.mark.parametrize("prose", ["", "```\nThis should help.\n"])
def test_a_replacement_without_its_end_holds_no_prose(prose: str) -> None:
    text = f"```\n<<<<<<< SEARCH\nold\n=======\nnew\n{prose}\n\n"
    assert read_answer(text).edits == (Edit("old\n", "new\n"),)


@pytest.mark.parametrize("fence", ["```python kernel.cu", "```cuda:kernel.cu", '```cuda title="kernel.cu"'])
def test_the_name_of_a_file_may_stand_in_the_fence(fence: str) -> None:
    assert read_answer(f"{fence}\n{EDIT}```\n").edits[0].path == "kernel.cu"
    assert read_answer(f"{fence}\nint a;\n```\n").texts == (Text("int a;\n", "kernel.cu"),)


@pytest.mark.parametrize(
    "text", ["old\n=======\nnew\n>>>>>>> REPLACE\n", f"{EDIT}old\n=======\nnew\n>>>>>>> REPLACE\n"]
)
def test_an_edit_without_its_beginning_is_broken_and_no_program(text: str) -> None:
    answer = read_answer(f"```\n{text}```\n")
    assert "no SEARCH line" in answer.broken and not answer.texts


def test_nothing_after_a_broken_edit_counts_as_fine() -> None:
    answer = read_answer(f"{EDIT}<<<<<<< SEARCH\nold\n{EDIT}{EDIT}")
    assert len(answer.edits) == 1 and "=======" in answer.broken


def test_a_program_between_markers_needs_no_fence() -> None:
    text = "# EVOLVE-BLOCK-START\npass\n# EVOLVE-BLOCK-END\n"
    assert read_answer(f"Idea: x\nHere it is:\n{text}That is all.").texts == (Text(text),)


def test_thoughts_are_dropped() -> None:
    thought = f"I can't see it yet.\n{EDIT}"
    assert read_answer(f"{thought}</think>\nIdea: x").edits == ()
    assert not read_answer(f"<think>\n{thought}</think>\nIdea: x").refusal
    assert len(read_answer(f"<think>\nhm\n{EDIT}").edits) == 1
    in_code = EDIT.replace("new", 'text.replace("<think>", "")')
    assert read_answer(in_code).edits[0].replace == 'text.replace("<think>", "")\n'


def test_approaches_are_told_from_what_explains_them() -> None:
    numbered = "1. **LRU**: recent\n   - costs little\n- is old\n### 2. Belady: future\n"
    assert read_approaches(numbered, []) == ("LRU: recent", "Belady: future")
    assert read_approaches("- LRU: recent\n  - costs little\n- **Belady** - future\n", []) == (
        "LRU: recent",
        "Belady: future",
    )


LONG = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "=====" + " " * LONG + "!",
        "```" + " " * LONG + "`",
        "<think></think>\n" * (LONG // 16),
        "<think>" * (LONG // 7),
        "Idea: x" + " " * LONG + "-" * LONG,
        "-" + " " * LONG + "\n1. " + "*_" * LONG,
        "a." * LONG + "!\n<<<<<<< SEARCH\n",
        "<<<<<<< SEARCH\na\n=======\n" + "\n" * LONG,
    ],
)
def test_no_line_is_slow_to_read(text: str) -> None:
    """The test's own limit is the bound: what is quadratic in a megabyte takes hours."""
    read_answer(text)
    read_approaches(text, [])
