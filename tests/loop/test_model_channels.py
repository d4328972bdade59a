"""A model that knows nothing but what its prompt says: the search succeeds, and without any one part of it it fails.

Six words are to be found. Each is told in one place only: in a traceback, in the verifier's words on the worst
instance, in the ledger of ideas, in the code of another program, among the ideas in flight, and by a change of
paradigm.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.store import Archive
from evolve import run
from evolve.problem import Problem
from evolve.proposers.llm.prompts import shipped_prompts
from evolve.proposers.llm.scripted import Scripted, ScriptedModel

pytestmark = pytest.mark.bubblewrap

VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score

WORDS = {"given", "topaz", "amber", "cobalt", "indigo", "jade", "omega"}


def instances(split, seed):
    for number in range(2):
        yield Instance(f"{split}-{number}", f"group-{number}", ("clue-topaz",), number)


def score(instance, output):
    if type(output) is not list:
        raise Invalid("clue-cobalt: no list")
    right = len(WORDS & {word for word in output if type(word) is str}) / len(WORDS) - instance.truth * 0.01
    return Score(right, {"right": right}, "clue-amber" if instance.truth else "nothing")
"""
PROGRAM = """
# EVOLVE-BLOCK-START
{comment}
def arrange(text):
    {first}
    return {words}
# EVOLVE-BLOCK-END
"""
HEADINGS = {
    "amber": "Its worst instances",
    "indigo": "# Another program",
    "cobalt": "# Ideas that did not help",
    "jade": "These ideas are being tried",
    "omega": "Follow this approach",
}
WITHOUT = {
    "topaz": ("repair.j2", "{{ brief.broken.feedback | fenced(feedback_characters) }}"),
    "amber": ("parts/parent.j2", "{{ brief.parent.feedback | fenced(feedback_characters) }}"),
    "cobalt": ("parts/ledger.j2", "- {{ row | idea_row }}"),
    "indigo": ("parts/inspirations.j2", "{{ one.source | code(whole_inspirations) }}"),
    "jade": ("parts/constraints.j2", "- {{ idea | inline }}"),
    "omega": ("paradigm.j2", "Nothing has improved"),
}


class Reader:
    """Reads its prompt, and writes the parent's words with all those that the prompt tells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turn = 0

    def __call__(self, request: dict[str, Any]) -> Scripted | str:
        text = request["messages"][-1]["content"]
        with self._lock:
            self._turn += 1
            turn = self._turn
        if "list five approaches" in text:
            return "1. clue-omega: the last word\n" if "Nothing has improved" in text else "I would rather not."
        if "# The program to mend" in text:
            return program("mended: its message told more", words_of(text) | {"topaz"} & clues(text, "What was seen"))
        if turn % 9 == 1:
            return program("look at the arguments: they may tell", words_of(text), f"raise ValueError(text, {turn})")
        if turn == 2:
            return program("no list: it is shorter", set(), "return text")
        comment = re.search(r"(?s)# The program to change.*?START\n(.*?)\n", text)
        kept = comment[1] if comment else ""
        if turn % 8 == 3:
            first = f"import time; time.sleep(0.1); turn = {turn}"
            return program("clue-jade: take time", words_of(text), first, kept)
        words = words_of(text)
        for word, heading in HEADINGS.items():
            # What one place tells may stand in another one too, and must not be read there.
            part = text.partition("# The program to change")[2] if word == "amber" else text
            part = part.partition("# Another program")[0] if word == "amber" else part
            words |= {word} & clues(part, heading)
        return program("add what is told: more words are better", words, f"turn = {turn}", kept)


def program(idea: str, words: set[str], first: str = "pass", comment: str = "") -> str:
    body = PROGRAM.format(comment=comment, first=first, words=sorted(words))
    return f"Idea: {idea}\n```python{body}```"


def words_of(text: str) -> set[str]:
    """The words that the program to change returns, and those of the program that it is to be joined with."""
    words: set[str] = set()
    for heading in ("The program to (?:change|mend)", r"Another program \(second parent\)"):
        found = re.search(rf"(?s)# {heading}.*?return (\[.*?\])", text)
        words |= set(re.findall(r"'(\w+)'", found[1])) if found else set()
    return words


def clues(text: str, heading: str) -> set[str]:
    """What is told below a heading, up to the next one."""
    part = text.partition(heading)[2]
    ends = r"(?m)^# (?!EVOLVE|clue)|^Changes of this program|^Follow this|^These ideas"
    part = re.split(ends, part, maxsplit=1)[0]
    return set(re.findall(r"clue-(\w+)", part))


@pytest.fixture
def problem(write_problem: Callable[..., Problem]) -> Problem:
    seed = PROGRAM.format(comment="", first="pass", words="[]")
    other = PROGRAM.format(comment="# clue-indigo", first="pass", words="['given']")
    return write_problem("words", kind="sort", keys='isolation = "stage"', verifier=VERIFIER, seed=seed, other=other)


def searched(problem: Problem, folder: Path, evaluations: int, prompts: Path | None = None) -> set[str]:
    """The words that the best program of a search returns."""
    with ScriptedModel(Reader()) as model:
        result = run(
            problem.folder,
            model="openai/reader",
            api_base=model.url,
            evaluations=evaluations,
            archive=folder / "a.db",
            start="baselines",
            prompts=prompts,
            final_check=False,
            workers=1,
        )
    with Archive.open(folder / "a.db") as archive:
        text = archive.program(result.front[0].program_id).source.files["program.py"]
    found = set(re.findall(r"'(\w+)'", text.rpartition("return ")[2]))
    assert result.front[0].metrics["right"] == pytest.approx(len(found) / (len(WITHOUT) + 1) - 0.005)
    return found


def test_all_parts_of_the_prompt_together_find_every_word(problem: Problem, tmp_path: Path) -> None:
    # Replies are records in the order in which they come, which a busy machine changes: a word may be found later.
    assert any(searched(problem, tmp_path / str(most), most) == {"given", *WITHOUT} for most in (250, 600, 1500))


@pytest.mark.parametrize("word", WITHOUT)
def test_without_one_part_of_the_prompt_its_word_is_missing(problem: Problem, tmp_path: Path, word: str) -> None:
    name, part = WITHOUT[word]
    shipped = (shipped_prompts() / name).read_text()
    assert part in shipped
    override = tmp_path / "prompts" / name
    override.parent.mkdir(parents=True)
    override.write_text(shipped.replace(part, ""))
    found = searched(problem, tmp_path, 120, tmp_path / "prompts")
    assert word not in found and found & ({*WITHOUT} - {word})
