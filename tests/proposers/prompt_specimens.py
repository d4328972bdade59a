"""Facts and briefs for tests of prompts: one problem in Python, one in C, one of two files."""

from __future__ import annotations

from dataclasses import replace

from evolve.core.types import Objective, Source, Status
from evolve.proposers.base import Brief, IdeaRow, Shown
from evolve.proposers.llm.facts import Facts

Messages = list[dict[str, str]]


def program(body: str) -> Source:
    text = f"import math\n\n# EVOLVE-BLOCK-START\ndef evict(ages):\n    {body}\n# EVOLVE-BLOCK-END\n"
    return Source({"program.py": text}, "evict")


def table(numbers: str) -> Source:
    text = (
        f"/* Gaps of a Shell sort. */\n/* EVOLVE-BLOCK-START */\nint gaps[] = {{{numbers}}};\n/* EVOLVE-BLOCK-END */\n"
    )
    return Source({"gaps.h": text}, "run", "command")


def pair(body: str) -> Source:
    host = f"# EVOLVE-BLOCK-START\ndef launch(n):\n    {body}\n# EVOLVE-BLOCK-END\n"
    kernel = f"// EVOLVE-BLOCK-START\n// {body}\n__global__ void add(float *x) {{}}\n// EVOLVE-BLOCK-END\n"
    return Source({"host.py": host, "kernel.cu": kernel}, "launch")


FACTS = Facts(
    "Cache eviction",
    "A cache has room for a few of many objects.",
    (Objective("saved", "maximize"), Objective("moves", "minimize")),
    ("6 s of processor time", "256 MiB of memory"),
    "Python's standard library, numpy",
    "Recency alone loses on loops.",
    program("return 0"),
)
C_FACTS = Facts(
    "Shell sort",
    "Find the gaps.",
    (Objective("cpu_seconds", "minimize"),),
    ("5 s of processor time",),
    "",
    "",
    table("1"),
    build="cc -O2 -o sort sort.c",
    run="./sort",
    beside=(("sort.c", '#include "gaps.h"\nint main(void) { return 0; }'),),
)
PAIR_FACTS = replace(FACTS, title="Two files", seed=pair("return 0"), sampled=False)

PARENT = Shown(
    "p4r3n7",
    "parent",
    program("return max(ages)"),
    {"saved": 0.25, "moves": 3.0},
    "oldest first: age predicts reuse",
    "worst on loop-1 (saved -0.1): a loop of 40\nworst on scan-2 (saved 0.0): a scan",
)
BRIEF = Brief(
    champion=Shown("ch4mp", "champion", program("return ages[0]"), {"saved": 0.5, "moves": 2.0}, "first: it is quick"),
    parent=PARENT,
    baselines=(Shown("fifo", "baseline", None, {"saved": 0.0, "moves": 1.0}),),
    gap="saved: champion 0.5; best baseline (fifo) 0; bound that no program can beat 0.9, 0.4 away",
    inspirations=(
        Shown("el1te", "elite", program("return min(ages)"), {"saved": 0.4, "moves": 2.0}, "youngest: bursts"),
        Shown("f4r", "differs most from the parent", program("return 7"), {"saved": 0.3, "moves": 2.0}),
    ),
    broken=Shown(
        "br0ken",
        "broken",
        program("return ages[99]"),
        {},
        "last: why not",
        "loop-1: IndexError: list index out of range\n  program.py, line 5, in evict\n    return ages[99]",
        Status.CRASHED,
    ),
    best_ideas=(IdeaRow("two queues", "objects prove themselves", 3, 0.5),),
    worst_ideas=(IdeaRow("random", "no pattern", 2, None, "crashed: NameError"),),
    failed_here=(Shown("f41l", "failed", None, {}, "heap: sooner", "edit 1: not in the program", Status.EDIT_FAILED),),
    avoid=("ghost list: remember who left",),
    approach="learned weights: fit them to the past",
    stagnant=37,
    known_ideas=("two queues", "random", "heap"),
    repairs=2,
)


def with_sources(brief: Brief, make: list[Source]) -> Brief:
    """The brief with other programs: champion, parent, two inspirations, the broken one."""
    champion, parent, elite, far, broken = make
    assert brief.broken is not None
    return replace(
        brief,
        champion=replace(brief.champion, source=champion),
        parent=replace(brief.parent, source=parent),
        inspirations=tuple(
            replace(one, source=source) for one, source in zip(brief.inspirations, (elite, far), strict=True)
        ),
        broken=replace(brief.broken, source=broken),
    )


C_BRIEF = with_sources(BRIEF, [table(text) for text in ("9, 4, 1", "8, 1", "7, 3, 1", "5, 1", "6, 2")])
PAIR_BRIEF = with_sources(BRIEF, [pair(f"return {number}") for number in range(1, 6)])


def written(messages: Messages) -> str:
    return "".join(f"<<{message['role']}>>\n{message['content']}\n" for message in messages)
