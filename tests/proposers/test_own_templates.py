"""Templates of one's own: any file may be replaced, and whatever is wrong with one is said with its name and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_specimens import BRIEF, FACTS

from evolve.core.errors import UsageError
from evolve.proposers.llm.edits import EditError
from evolve.proposers.llm.prompts import OPERATORS, Prompts, digest_of, shipped_prompts

SHIPPED = sorted(path.relative_to(shipped_prompts()).as_posix() for path in shipped_prompts().rglob("*.j2"))


def prompts(folder: Path) -> Prompts:
    return Prompts(FACTS, "Mind the loops.", str(folder))


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def everything(made: Prompts) -> str:
    requests = [made.messages(operator, BRIEF) for operator in OPERATORS]
    requests.append(made.repair_messages(made.smallest(), "Idea: x", EditError("edit 1: why", "5: x", 1)))
    return "".join(message["content"] for messages in requests for message in messages)


@pytest.mark.parametrize("name", SHIPPED)
def test_any_file_takes_the_place_of_the_shipped_one(tmp_path: Path, name: str) -> None:
    before = everything(prompts(tmp_path))
    put(tmp_path, name, "Words of my own.\n")
    assert "Words of my own." not in before and "Words of my own." in everything(prompts(tmp_path))


def test_a_part_that_is_replaced_is_gone_and_the_digest_tells(tmp_path: Path) -> None:
    path = put(tmp_path, "parts/ledger.j2", "")
    text = prompts(tmp_path).messages("mutate", BRIEF)[1]["content"]
    assert "two queues" not in text and "p4r3n7" in text
    before = digest_of(tmp_path)
    path.write_text("x")
    assert digest_of(tmp_path) != before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mutat.j2", "x", "nearest template is mutate.j2"),
        ("parts/parents.j2", "x", "nearest template is parts/parent.j2"),
        ("mutate.j2", "a\n{% if %}", "mutate.j2, line 2"),
        ("mutate.j2", "{{ brief.nothing }}", "mutate.j2, line 1: .*nothing"),
        ("mutate.j2", "{{ ().__class__.__base__.__subclasses__() }}", "mutate.j2, line 1: .*unsafe"),
        ("mutate.j2", "a\n\n{{ 1 + 'a' }}", "mutate.j2, line 3: TypeError"),
        ("mutate.j2", "a\n{{ 1 / 0 }}", "mutate.j2, line 2: ZeroDivisionError"),
        ("parts/parent.j2", "a\n{{ brief.parent.idea.nothing() }}", "parts/parent.j2, line 2: "),
        ("parts/ledger.j2", "\n{{ brief | metrics }}", "parts/ledger.j2, line 2: AttributeError"),
        ("parts/ledger.j2", "{{ brief | nothing }}", "parts/ledger.j2, line 1: .*nothing"),
        ("system.j2", "{{ facts.limits[7] + 1 }}", "system.j2, line 1: "),
        ("edit_failed.j2", "{{ reason.missing.more }}", "edit_failed.j2, line 1: "),
        ("mutate.j2", '{% include "parts/nothing.j2" %}', "mutate.j2, line 1: .*nothing.j2"),
        ("mutate.j2", '{% include "mutate.j2" %}', "mutate.j2, line 1: RecursionError"),
    ],
)
def test_what_is_wrong_is_said_with_template_and_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    put(tmp_path, name, text)
    with pytest.raises(UsageError, match=said):
        prompts(tmp_path)


def test_a_template_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "mutate.j2").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"mutate.j2: UnicodeDecodeError"):
        prompts(tmp_path)


ENDLESS = [
    "{% for i in range(10 ** 9) %}x{% endfor %}",
    "{% for i in range(1000000000) %}x{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}" + "{{ facts_of_nothing | default('x') }}" * 60 + "{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{{ 'x' * 1000000000000 }}",
    "{{ [1] * 1000000000000 }}",
    "{{ 9 ** 9 ** 9 ** 9 }}",
]


@pytest.mark.parametrize("text", ENDLESS)
def test_a_template_that_does_not_end_is_an_error(tmp_path: Path, text: str) -> None:
    put(tmp_path, "mutate.j2", f"a\n{text}")
    with pytest.raises(UsageError, match=r"mutate.j2(, line 2)?: .*(rounds|characters|big|numbers)"):
        prompts(tmp_path)


def test_loops_of_sensible_length_and_products_of_numbers_are_fine(tmp_path: Path) -> None:
    loop = "{% for i in range(3) %}{{ loop.index * 1.5 }}{{ ', ' if not loop.last }}{% else %}none{% endfor %}"
    put(tmp_path, "mutate.j2", f"{loop} of {{{{ loop_less | default(3 * 4) }}}}")
    assert prompts(tmp_path).messages("mutate", BRIEF)[1]["content"] == "1.5, 3.0, 4.5 of 12\n"


BARE = [
    ("mutate.j2", "{{ brief.parent.idea }}"),
    ("parts/parent.j2", "```\n{{ brief.parent.feedback }}\n```"),
    ("parts/ledger.j2", "{% for row in brief.best_ideas %}{{ row.hypothesis }}{% endfor %}"),
    ("repair.j2", "{{ brief.broken.source.main }}"),
    ("paradigm.j2", "{{ brief.known_ideas | join('\n') }}"),
    ("parts/constraints.j2", "{{ brief.approach }}"),
    ("edit_failed.j2", "{{ nearest }}"),
    ("mutate.j2", "````\nleft open\n"),
]


@pytest.mark.parametrize(("name", "text"), BARE)
def test_text_of_programs_may_not_stand_as_it_is(tmp_path: Path, name: str, text: str) -> None:
    put(tmp_path, name, text)
    with pytest.raises(UsageError, match=r"as it is\n.*\| fenced"):
        prompts(tmp_path)


def test_fences_close_wherever_a_template_puts_them(tmp_path: Path) -> None:
    put(tmp_path, "mutate.j2", "Its idea: {{ brief.parent.idea | fenced }}{% if true %}# Next\n{% endif %}# And so on")
    text = prompts(tmp_path).messages("mutate", BRIEF)[1]["content"]
    assert text == "Its idea: \n```text\noldest first: age predicts reuse\n```\n\n# Next\n\n# And so on\n"
