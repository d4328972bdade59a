"""What models are asked: golden renderings, what must be in them, in which order, and how much of it."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from prompt_specimens import (
    BRIEF,
    C_BRIEF,
    C_FACTS,
    FACTS,
    PAIR_BRIEF,
    PAIR_FACTS,
    PARENT,
    program,
    with_sources,
    written,
)

from evolve.budget import Budget
from evolve.core.types import Failure, Source, Status, Ticket
from evolve.proposers.base import Brief, Context, IdeaRow
from evolve.proposers.llm.edits import EditError
from evolve.proposers.llm.facts import Facts
from evolve.proposers.llm.fence import open_fence
from evolve.proposers.llm.memory import Replies
from evolve.proposers.llm.prompts import OPERATORS, Prompts, TooLong, estimated_tokens
from evolve.proposers.llm.proposer import LLMProposer

GOLDEN = Path(__file__).parent / "golden"
KINDS = {"": (FACTS, BRIEF), "c": (C_FACTS, C_BRIEF), "two_files": (PAIR_FACTS, PAIR_BRIEF)}


def prompts(facts: Facts = FACTS, limit_tokens: int = 24_000) -> Prompts:
    return Prompts(facts, "Mind the loops.", limit_tokens=limit_tokens)


@pytest.fixture(scope="module")
def made() -> dict[str, Prompts]:
    return {kind: prompts(facts) for kind, (facts, _) in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operator", [*OPERATORS, "edit_failed"])
def test_golden_renderings(made: dict[str, Prompts], kind: str, operator: str) -> None:
    """EVOLVE_GOLDEN=write writes them anew: look at what changed."""
    brief = KINDS[kind][1]
    if operator == "edit_failed":
        error = EditError("edit 2: the SEARCH part is not in the program", "5:     return max(ages)", 1)
        before = made[kind].messages("mutate", brief)[1:]
        text = written(made[kind].repair_messages(before, "Idea: x\n<<<<<<< SEARCH\n", error))
    else:
        text = written(made[kind].messages(operator, brief))
    path = GOLDEN / kind / f"{operator}.txt"
    if os.environ.get("EVOLVE_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_what_comes_first_is_the_same_for_all() -> None:
    made = prompts()
    others = replace(BRIEF, parent=replace(PARENT, name="other"), stagnant=99, avoid=())
    systems = {made.messages(operator, one)[0]["content"] for operator in OPERATORS for one in (BRIEF, others)}
    assert len(systems) == 1 and systems == {prompts().messages("mutate", BRIEF)[0]["content"]}


ORDER = (
    "# Where the run stands",
    "# Ideas that were tried",
    "# The champion's code",
    "# The program to change",
    "# Another program (elite)",
    "# Another program (differs",
    "# What to do",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operator", ["mutate", "rewrite", "crossover", "simplify"])
def test_what_changes_least_comes_first(made: dict[str, Prompts], kind: str, operator: str) -> None:
    text = made[kind].messages(operator, KINDS[kind][1])[1]["content"]
    places = [re.search(rf"(?m)^{re.escape(heading)}", text) for heading in ORDER]
    starts = [place.start() for place in places if place]
    assert len(starts) == len(ORDER) and starts == sorted(starts)


SHOULD_SHOW = {
    "champion": ("mutate", "ch4mp"),
    "parent": ("mutate", "p4r3n7"),
    "baselines": ("mutate", "fifo"),
    "gap": ("paradigm", "0.4 away"),
    "inspirations": ("crossover", "return min(ages)"),
    "broken": ("repair", "IndexError: list index out of range"),
    "best_ideas": ("rewrite", "objects prove themselves"),
    "worst_ideas": ("rewrite", "crashed: NameError"),
    "failed_here": ("mutate", "heap: sooner"),
    "avoid": ("paradigm", "ghost list"),
    "approach": ("rewrite", "learned weights"),
    "stagnant": ("paradigm", "37 evaluations"),
    "known_ideas": ("paradigm", "- heap"),
}


@pytest.mark.parametrize("field", SHOULD_SHOW)
def test_no_part_of_the_brief_is_lost(field: str) -> None:
    operator, text = SHOULD_SHOW[field]
    assert text in prompts().messages(operator, BRIEF)[1]["content"]


def test_every_part_of_the_brief_is_looked_at() -> None:
    assert {field.name for field in fields(Brief)} - {"repairs"} == SHOULD_SHOW.keys()


def test_a_repair_keeps_its_idea_whatever_is_in_flight(made: dict[str, Prompts]) -> None:
    text = made[""].messages("repair", BRIEF)[1]["content"]
    assert "Keep the idea" in text and "last: why not" in text and "learned weights" in text
    assert "something else" not in text and "ghost list" not in text


def test_programs_speak_their_own_language(made: dict[str, Prompts]) -> None:
    system, user = (message["content"] for message in made["c"].messages("mutate", C_BRIEF))
    assert "`/* EVOLVE-BLOCK-START */` and `/* EVOLVE-BLOCK-END */` of gaps.h" in system
    assert "cc -O2 -o sort sort.c" in system and "begins with ```c," in system and "int main(void)" in system
    assert "```c\n/* Gaps" in user and "```h" not in user and "# EVOLVE" not in system + user
    system, user = (message["content"] for message in made["two_files"].messages("mutate", PAIR_BRIEF))
    assert "`# EVOLVE-BLOCK-START` and `# EVOLVE-BLOCK-END` of host.py" in system
    assert "`// EVOLVE-BLOCK-START` and `// EVOLVE-BLOCK-END` of kernel.cu" in system
    assert "written in python and cuda" in system and "begins with ```python or ```cuda," in system
    assert "kernel.cu:\n```cuda\n// EVOLVE" in user and "host.py:\n```python\n# EVOLVE" in user


def test_another_frame_is_shown_and_the_same_one_is_not_repeated() -> None:
    made = prompts()
    assert made.messages("mutate", BRIEF)[1]["content"].count("import math") == 1
    other = Source({"program.py": program("return 3").main.replace("math", "heapq")}, "evict")
    brief = with_sources(BRIEF, [program("return 1"), program("return 2"), other, program("return 4"), other])
    assert made.messages("mutate", brief)[1]["content"].count("import heapq") == 1


LONG = "x = 1\n    " * 3_000


def test_long_prompts_give_way_in_order() -> None:
    long = program(f"{LONG}return 1")
    brief = replace(BRIEF, inspirations=tuple(replace(one, source=long) for one in BRIEF.inspirations))
    for limit, others in ((24_000, 2), (12_000, 1), (2_000, 0)):
        messages = prompts(limit_tokens=limit).messages("mutate", brief)
        text = messages[1]["content"]
        assert "return max(ages)" in text and "Answer with" in text
        assert estimated_tokens(messages) <= limit and text.count("# Another program") == others


def test_neither_parent_of_a_crossover_is_left_out() -> None:
    """From no limit at all down to where there is no request, in small steps: both are there, and both in full."""
    first, second = program(f"a = 1\n    {LONG[:9_000]}return a"), program(f"b = 2\n    {LONG[:9_000]}return b")
    brief = with_sources(BRIEF, [program(LONG), first, second, program(LONG), first])
    brief = replace(brief, parent=replace(brief.parent, feedback="slow\n" * 900))
    sizes = set()
    for limit in range(24_000, 3_000, -1_500):
        try:
            messages = prompts(limit_tokens=limit).messages("crossover", brief)
        except TooLong as error:
            said = error.message
            sizes.add(0)
            continue
        text = messages[1]["content"]
        assert estimated_tokens(messages) <= limit
        for source in (first, second):
            assert source.main.partition("START\n")[2].partition("\n# EVOLVE")[0] in text
        sizes.add(len(text))
    assert len(sizes) > 2 and 0 in sizes and "request crossover takes" in said and f"limit is {limit:,}" in said


def test_a_program_to_mend_is_shown_in_full_or_not_asked_for() -> None:
    long = program(f"{LONG}return broken")
    brief = replace(BRIEF, broken=replace(BRIEF.broken or PARENT, source=long))
    assert long.main.strip() in prompts().messages("repair", brief)[1]["content"]
    with pytest.raises(TooLong, match="the limit is 5,000"):
        prompts(limit_tokens=5_000).messages("repair", brief)


def test_what_stands_around_a_long_block_gives_way_before_the_block() -> None:
    around = "".join(f"K{number} = {number}\n" for number in range(2_000))
    long = Source({"program.py": around + program("return max(ages)").main}, "evict")
    brief = replace(BRIEF, parent=replace(PARENT, source=long))
    text = prompts(limit_tokens=3_000).messages("mutate", brief)[1]["content"]
    assert "Its block:\n```python\ndef evict(ages):\n    return max(ages)\n```" in text and "K7" not in text


async def _unpaid(*_: object) -> Any:
    raise AssertionError("nothing is asked")


def test_a_ticket_whose_request_does_not_fit_is_a_failure_that_names_the_limit() -> None:
    replies = Replies((), _unpaid, _unpaid, Budget(9.0, 9), lambda ticket, messages: (0, 0.0))
    made = LLMProposer(FACTS.seed, prompts(limit_tokens=3_000), replies, lambda number, idea: None)
    ticket = Ticket(7, "expand", ("p4r3n7",), (), "mutate", "a-model", 0)
    parent = program(f"{LONG}return 1")
    context = Context((parent,), (), (), 0, brief=replace(BRIEF, parent=replace(PARENT, source=parent)))
    failure = asyncio.run(made.propose(ticket, context))
    assert isinstance(failure, Failure) and failure.status is Status.NO_PROGRAM
    assert "the limit is 3,000" in failure.reason and failure.cost.tokens == 0


def test_a_seed_that_does_not_fit_is_found_before_anything_is_paid() -> None:
    with pytest.raises(TooLong, match="the limit is 3,000"):
        prompts(replace(FACTS, seed=program(f"{LONG}return 1")), 3_000)


def test_thousands_of_ideas_fit() -> None:
    rows = tuple(IdeaRow(f"idea {number}", "why " * 60, 1, 1.0) for number in range(8))
    names = tuple(f"another way to do it, number {number}" for number in range(9_000))
    brief = replace(BRIEF, known_ideas=names, best_ideas=rows, worst_ideas=rows)
    for limit in (24_000, 3_000):
        messages = prompts(limit_tokens=limit).messages("paradigm", brief)
        assert estimated_tokens(messages) <= limit and names[-1] in messages[1]["content"]


def test_a_conversation_stays_below_the_limit() -> None:
    made = prompts(limit_tokens=2_500)
    messages = made.messages("mutate", BRIEF)
    error = EditError("edit 1: the SEARCH part is not in the program", "5: x", 0)
    longer = made.repair_messages(messages, "Idea: x\n" + "word " * 9_000 + "\ud800", error)
    assert estimated_tokens(longer) <= 2_500 and "left out" in longer[2]["content"]
    with pytest.raises(TooLong, match="edit_failed"):
        made.repair_messages(longer, "word " * 9_000, error)


def test_a_statement_that_is_cut_says_so() -> None:
    long = replace(FACTS, statement="## Rules\n\n```\n" + "a rule\n" * 20_000 + "```\n\n## The end\n")
    system = prompts(long).messages("mutate", BRIEF)[0]["content"]
    assert "[The statement is cut here for its length:" in system and "The end" not in system
    assert not open_fence(system) and "\n# The form of your answer\n" in system
