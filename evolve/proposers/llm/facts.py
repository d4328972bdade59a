"""What models are told of a problem: its statement, objectives, limits and the part that may change.

Nothing of gate, report and final may enter a prompt. What an author writes for people alone, such as what the splits
hold and how baselines were measured, stands in a README.md below headings that end in "(for people)"; see `for_models`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluators.comment_style import marker_line, style_of
from evaluators.screen import END, START
from evolve.core.types import Objective, Source
from evolve.problem import Problem
from evolve.proposers.llm.fence import closed, fence_after, language_of
from sandbox.limits import MEBIBYTE

_FOR_PEOPLE = re.compile(r"\(\s*for people\b", re.IGNORECASE)
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_UNDERLINE = re.compile(r" {0,3}(?:(=+)|-+)[ \t]*$")


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that may change between two lines, which are given as they stand in it."""

    name: str
    start_marker: str
    end_marker: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a prompt says of a problem. Nothing of gate, report and final, and no seed of a split.

    `limits` are phrases such as "256 MiB of memory". `imports` is empty where a program imports nothing of Python.
    `build` and `run` are commands, where commands run the program. `beside` are names and texts of files that are there
    and may not change.
    """

    title: str
    statement: str
    objectives: tuple[Objective, ...]
    limits: tuple[str, ...]
    imports: str
    knowledge: str
    seed: Source
    sampled: bool = True
    build: str = ""
    run: str = ""
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def entry(self) -> str:
        """What is called; for a command `run`."""
        return self.seed.entry

    @property
    def open_files(self) -> tuple[OpenFile, ...]:
        """The files of the program that may change."""
        return tuple(filter(None, (_open_file(name, text) for name, text in self.seed.files.items())))

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of what may change, as fences name them."""
        names = [file.name for file in self.open_files] or list(self.seed.files)
        return tuple(dict.fromkeys(map(language_of, names)))


def _open_file(name: str, text: str) -> OpenFile | None:
    found = [marker_line(word).search(text) for word in (START, END)]
    if None in found:
        return None
    start, end = (match[0].strip() if match else style_of(name).comment("") for match in found)
    return OpenFile(name, start, end)


def facts_of(problem: Problem) -> Facts:
    """The facts of a problem: README.md and knowledge.md of its folder, its objectives, limits and packages."""
    imports = ", ".join(["Python's standard library", *problem.packages])
    if problem.sandbox == "straight_line":
        imports = "none; the block holds assignments and a return of arithmetic (+ - * /) on arguments and numbers"
    elif problem.command is not None:
        imports = ""
    return Facts(
        title=problem.title,
        statement=for_models(_text(problem.folder / "README.md")) or problem.title,
        objectives=problem.objectives,
        limits=tuple(_limits(problem)),
        imports=imports,
        knowledge=for_models(_text(problem.folder / "knowledge.md")),
        seed=problem.seed,
        sampled=problem.evidence == "sampled",
        build=problem.command.build or "" if problem.command else "",
        run=problem.command.run if problem.command else "",
        beside=tuple(_beside(problem)),
    )


def for_models(text: str) -> str:
    """A text of Markdown without its title and without the sections that are for people.

    Such a section has a heading that ends in "(for people)", and goes on to the next heading of its level or above:
    what stands below smaller headings belongs to it. A fence that the text leaves open is closed.
    """
    lines = text.strip().split("\n")
    kept: list[str] = []
    fence, hidden = "", 0
    for number, line in enumerate(lines):
        level = 0 if fence else _level(line, lines[number + 1] if number + 1 < len(lines) else "")
        fence = fence_after(line, fence)
        if level and not (hidden and level > hidden):
            hidden = level if _FOR_PEOPLE.search(line) else 0
        if not hidden:
            kept.append(line)
    if kept and kept[0].startswith("# "):
        kept = kept[1:]  # the title, which a prompt gives already
    return closed("\n".join(kept).strip())


def _level(line: str, below: str) -> int:
    """The level of a heading, 1 for the largest; 0 where the line is none."""
    if heading := _HEADING.match(line):
        return len(heading[1])
    underline = _UNDERLINE.match(below) if line.strip() else None
    return 0 if underline is None else 1 if underline[1] else 2


def _limits(problem: Problem) -> Iterator[str]:
    if problem.sandbox == "straight_line":
        yield f"at most {problem.search.max_operations} operations"
        yield "constants are fitted after your answer: the form of the arithmetic counts, rough values are enough"
        return
    limits = problem.limits
    if problem.timing is not None and not problem.is_timed:
        yield "the second objective is the program's time as a share of the reference's, in pairs of fresh processes"
        yield f"a difference below {problem.second_effect:.2g} of the time is none; timed answers are the scored ones"
    elif problem.timing is not None:
        yield "the score is the program's time as a share of the reference's, measured in pairs of fresh processes"
        yield f"a difference below {problem.minimum_effect:.2g} of the time is none; every timed answer is checked"
    what = "a question, three times as much for all questions of an instance" if problem.interactive else "an instance"
    yield f"{limits.cpu_seconds:g} s of processor time and {limits.wall_seconds:g} s in all for {what}"
    yield f"{limits.memory_bytes // MEBIBYTE} MiB of memory"
    yield "one process" if limits.processes == 1 else f"{limits.processes} processes"
    yield "no network, and no files but those in /tmp"
    if limits.gpus:
        yield "one GPU"


def _beside(problem: Problem) -> Iterator[tuple[str, str]]:
    """Files of text that a command's program has beside it. Data that are no text say nothing to a model."""
    for name, content in problem.command.files.items() if problem.command else ():
        if b"\0" in content:
            continue
        try:
            yield name, content.decode("utf-8")
        except UnicodeDecodeError:
            continue


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
