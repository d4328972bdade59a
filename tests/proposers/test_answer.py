"""What is read of a model's reply."""

from __future__ import annotations

import pytest

from evolve.proposers.llm.answer import MAX_IDEA, Edit, read_answer, read_approaches

EDIT = "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("line", "idea"),
    [
        ("Idea: Two queues: objects prove themselves first", "Two queues: objects prove themselves first"),
        ("**Idea:** Two queues - they prove themselves", "Two queues: they prove themselves"),
        ("## Idea: `Two queues`", "Two queues"),
        ("idea – Two queues: x", "Two queues: x"),
        ("Idea: evil\u202ename\x1b[31m: why", "evil name [31m: why"),
    ],
)
def test_the_idea(line: str, idea: str) -> None:
    assert read_answer(f"{line}\n{EDIT}").idea == idea


def test_an_idea_is_short_and_may_be_missing() -> None:
    assert read_answer(EDIT).idea == ""
    assert len(read_answer(f"Idea: {'long ' * 500}\n{EDIT}").idea) <= MAX_IDEA


@pytest.mark.parametrize(
    "text",
    [
        EDIT,
        "```\n" + EDIT + "```\n",
        "<<<<<< search\nold\n=====\nnew\n>>>>>> replace",
        "<<<<<<< ORIGINAL\r\nold\r\n=======\r\nnew\r\n>>>>>>> UPDATED\r\n",
        "<<<<<<< SEARCH\n```python\nold\n```\n=======\n```python\nnew\n```\n>>>>>>> REPLACE",
        "<<<<<<< SEARCH\nold\n=======\nnew\n",
        "<think>\n<<<<<<< SEARCH\nnot this\n=======\nx\n>>>>>>> REPLACE\n</think>\n" + EDIT,
    ],
)
def test_edits_are_read_leniently(text: str) -> None:
    assert read_answer(text).edits == (Edit("old\n", "new\n"),)


def test_paths_stand_before_edits() -> None:
    text = f"src/kernel.cu\n{EDIT}\n{EDIT}`host.c`\n{EDIT}"
    assert [edit.path for edit in read_answer(text).edits] == ["src/kernel.cu", "src/kernel.cu", "host.c"]


def test_an_edit_without_its_middle_is_said_to_be_broken() -> None:
    answer = read_answer("<<<<<<< SEARCH\nold\n>>>>>>> REPLACE\n")
    assert not answer.edits and "=======" in answer.broken and answer.has_program
    assert "cut off" in read_answer("<<<<<<< SEARCH\nold\n").broken


def test_whole_texts() -> None:
    answer = read_answer("Idea: x\nkernel.c\n```c\nint a;\n```\ntext\n```\nint b;\n")
    assert [(one.text, one.path, one.cut) for one in answer.texts] == [
        ("int a;\n", "kernel.c", False),
        ("int b;\n", "", False),
    ]


def test_what_lacks_its_end_is_whole_unless_the_reply_was_cut_off() -> None:
    edit = "<<<<<<< SEARCH\nold\n=======\nnew\n"
    assert read_answer(edit).edits == (Edit("old\n", "new\n"),) and not read_answer(edit).broken
    assert not read_answer(edit, cut_off=True).edits
    assert "cut off within a REPLACE" in read_answer(edit, cut_off=True).broken
    closed = read_answer(f"{edit}>>>>>>> REPLACE\n{edit}", cut_off=True)
    assert len(closed.edits) == 1 and "cut off" in closed.broken
    text = "```python\ndef solve(x):\n    return"
    assert [read_answer(text, cut_off).texts[0].cut for cut_off in (False, True)] == [False, True]


def test_refusals_and_replies_without_code() -> None:
    assert read_answer("I'm sorry, but I can't help with that.").refusal
    assert not read_answer("Idea: x\nI would use a heap.").has_program
    assert not read_answer("Idea: x\nI would use a heap.").refusal
    assert not read_answer("You are right, I can not have it anymore.").refusal


def test_approaches() -> None:
    text = "Here:\n1. **Two queues**: prove\n2) LRU - recent\n- Two  Queues: again\n3. Belady: future\n" + "".join(
        f"{n}. Another {n}: x\n" for n in range(4, 12)
    )
    found = read_approaches(text, ["lru"])
    assert found[:2] == ("Two queues: prove", "Belady: future") and len(found) == 5


@pytest.mark.parametrize(
    "part", ["<", "```\n", "<think>", "<<<<<<< SEARCH\n", "Idea: ", "a\n", "=======\n", "1. x", " ", "`"]
)
def test_megabytes_of_anything_are_read_in_linear_time(part: str) -> None:
    """A minute is the test's limit; a quadratic reading of 5 MB takes hours."""
    read_answer(part * (5_000_000 // len(part)))
    read_approaches(part * (5_000_000 // len(part)), [])
