"""What prompts tell of problems: the sections for models, and nothing of gate, report and final."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from prompt_specimens import C_FACTS, FACTS, PAIR_FACTS

from evolve.core.errors import ProblemError
from evolve.core.types import Split
from evolve.problem import FILE, Problem, load, shipped_folder
from evolve.proposers.llm.facts import facts_of, for_models
from evolve.proposers.llm.prompts import Prompts

SHIPPED = {path.parent.name: path.parent for path in sorted(shipped_folder().rglob(FILE))}
HIDDEN = (Split.GATE, Split.REPORT, Split.FINAL)


@cache
def system_of(name: str) -> tuple[Problem, str]:
    problem = load(SHIPPED[name])
    return problem, Prompts(facts_of(problem)).smallest()[0]["content"]


# What each split holds by its README.md or verifier.py, as it could be written, where the search does not see it too.
FORBIDDEN = {
    "cache-eviction": (
        "burst",
        "newest",
        "births",
        "10,000 requests",
        "16,000",
        "45 %",
        "third of the files",
        "each six times",
        ".072",
        ".088",
        "phase+scan",
        "drift+loop",
    ),
    "moe-balancing": (
        "steep",
        "linked",
        "restless",
        "deepseek-r1",
        "mixtral",
        "qwen3",
        "1.055",
        "seven rounds",
        "58 layers",
    ),
    "moe-affinity": ("16e16g4n", "64e16g4n", "loose", "1.4 .. 1.8", "each eight times", "64 experts"),
    "paging-predictions": (
        "nested",
        "sweep",
        "walk",
        "sets+scan",
        "to and fro",
        "random walk",
        "each twice",
        "160",
        "240",
    ),
    "semantic-cache": (
        "burst",
        "surge",
        "studio",
        "gateway",
        "terse",
        "story",
        "three queries in ten",
        "each eight times",
    ),
    "smooth": ("the gate asks at other points", "report and final at others again"),
    "deceptive": (),
    "exp2": ("4096", "uniform random", "1,065,353,216", "float32", "subnormal", "last place", "8.73", "10.03"),
    "scheduling": ("120", "4, 8", ".5, .7, .9", ".4, .8", "seeds 0, 1 and 2"),
    "policy": ("1,500", "2 2 1", "8 4 2 1 1", ".6, .75, .9", "300", "Poisson", "least work left beyond doubt"),
    "numeric": ("every 4th", "float32", "max_ulp", "6.03", "8.27", "40,000 evaluations"),
    "command": (),
}


def test_every_shipped_problem_is_looked_at() -> None:
    assert FORBIDDEN.keys() == SHIPPED.keys()


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_of_the_later_splits_is_told(name: str) -> None:
    problem, system = system_of(name)
    readme = (problem.folder / "README.md").read_text()
    for words in FORBIDDEN[name]:
        assert words in readme, "what is forbidden should stand in the README.md, for people"
        assert not re.search(rf"(?<![\w.,]){re.escape(words)}(?!\w)", system)
    assert not re.search(r"(?i)\b(probe|train|gate|report|final|split_seed|\[splits\])\b", system)


def ids_of(problem: Problem, split: Split) -> set[str]:
    """Names of a split's instances, of their groups, and of the kinds that these names tell."""
    try:
        found = list(problem.verifier.instances(split, problem.split_seed(split)))
    except ProblemError:
        return set()  # proven, or run on all inputs: there are no instances
    names = {one.id for one in found} | {one.group for one in found}
    return names | {re.sub(r"[-/]?\d+$", "", name) for name in names}


@pytest.mark.parametrize("name", SHIPPED)
def test_no_name_of_a_hidden_instance_group_or_kind_is_told(name: str) -> None:
    problem, system = system_of(name)
    seen = ids_of(problem, Split.PROBE) | ids_of(problem, Split.TRAIN)
    hidden = set().union(*(ids_of(problem, split) for split in HIDDEN)) - seen
    assert hidden
    told = [one for one in hidden if re.search(rf"(?<![\w+]){re.escape(one)}(?![\w+])", system)]
    assert not told


@pytest.mark.parametrize("name", SHIPPED)
def test_a_statement_is_whole_where_it_matters(name: str) -> None:
    problem, system = system_of(name)
    assert problem.title in system and "for people" not in system and "cut here" not in system
    assert f"# {problem.folder.name}" not in system and "# NAME" not in system
    for objective in problem.objectives:
        assert f"- `{objective.metric}`: " in system


def test_problems_that_new_writes_hide_what_is_for_people() -> None:
    for path in sorted((shipped_folder() / "_templates" / "_wrapped").rglob("README.md")):
        shown = for_models(path.read_text())
        assert "PROGRAM is run as" in shown and "verifier.py" not in shown and "What to change" not in shown


README = """# A problem

Find it.

## Score

Smaller is better.

### How baselines were measured (for people)

hidden 1

#### Below it

hidden 2

### Metrics

Shown again.

## Splits (For People only)

hidden 3

```
# not a heading
hidden 4
```

### Below it

hidden 5

Notes (for people)
------------------

hidden 6

## Limits

    # code, no heading

```
## Splits (for people)
```

The end.
"""


def test_sections_for_people_are_left_out_with_all_that_is_below_them() -> None:
    shown = for_models(README)
    assert "hidden" not in shown and "Below it" not in shown and "A problem" not in shown
    assert shown.startswith("Find it.") and shown.endswith("The end.")
    for words in (
        "Smaller is better.",
        "Shown again.",
        "## Limits",
        "# code, no heading",
        "## Splits (for people)\n```",
    ):
        assert words in shown


def test_odd_statements() -> None:
    assert for_models("") == "" and for_models("# Only a title") == ""
    assert for_models("# All of it (for people)\n\ntext") == ""
    assert for_models("text\n```\nopen") == "text\n```\nopen\n```"
    assert for_models("(for people) is no heading") == "(for people) is no heading"
    assert for_models("a\n\n***\n\n---\nb") == "a\n\n***\n\n---\nb"


def test_a_problem_without_a_statement_has_its_title(tmp_path: Path) -> None:
    folder = tmp_path / "problem"
    folder.mkdir()
    for path in SHIPPED["scheduling"].iterdir():
        if path.is_file() and path.suffix != ".md":
            (folder / path.name).write_bytes(path.read_bytes())
    facts = facts_of(load(folder))
    assert facts.statement == facts.title and facts.knowledge == ""


def test_markers_are_those_of_the_files() -> None:
    (python,) = FACTS.open_files
    assert (python.start_marker, python.end_marker) == ("# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END")
    (c,) = C_FACTS.open_files
    assert (c.start_marker, c.end_marker) == ("/* EVOLVE-BLOCK-START */", "/* EVOLVE-BLOCK-END */")
    assert [file.name for file in PAIR_FACTS.open_files] == ["host.py", "kernel.cu"]
    assert PAIR_FACTS.languages == ("python", "cuda") and C_FACTS.languages == ("c",)


def test_who_writes_arithmetic_is_told_that_constants_are_fitted() -> None:
    _, system = system_of("exp2")
    assert "- at most 10 operations\n- constants are fitted after your answer" in system
    assert "constants are fitted" not in system_of("scheduling")[1]


def test_a_command_shows_what_stands_beside_its_program() -> None:
    facts = facts_of(load(SHIPPED["command"]))
    assert [name for name, _ in facts.beside] == ["sort.c"] and facts.build.startswith("cc ") and facts.run == "./sort"
    _, system = system_of("command")
    assert "```c\n/* Shell sort: the order of the gaps" in system and '#include "gaps.h"' in system
    assert "allowed imports" not in system and "is what is called" not in system
