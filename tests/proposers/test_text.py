"""Edits of ordinary Python: what every child keeps, and every kind of edit made."""

from __future__ import annotations

import ast
import contextlib
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaluators.normal_form import normalise
from evaluators.screen import outside_block
from evolve.core.errors import Forbidden
from evolve.core.rng import generator
from evolve.core.types import Source
from evolve.proposers.offline import text
from evolve.proposers.offline.text import Page, crossover, edit

START, END = "# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END"

CACHE = f'''"""Größe — a cache (ordinary program)."""
import math

LIMIT = 3  # outside


{START}
def priority(key, size, hits, clock):
    """The worth of a key — "größer" is better."""
    age = clock - hits  # é: how long ago
    weight = 0.5  # 日本語 comment
    if age > LIMIT and size <= 64:
        weight = weight * 2.0  # ⅔
        label = "naïve – 日本"; weight += len(label) / 100
    elif age == 0:
        weight = 1
    total = (
        hits * weight
        + size / (age + 1)  # inside brackets
        - math.log(
            size + 1
        )
    )
    for step in range(3):
        if step < age:
            total = total - step * 0.1

    def inner(value):
        bonus = value * 2
        return bonus + weight

    text = f"ü{{total:.3f}} {{age + 1}}" + 'é' * 2
    return inner(total) + len(text) * 0.01
{END}


def helper(a):
    return a + 1  # outside
'''

TABS = (
    f"def f(xs, n):\n\t{START}\n\tbest = 0\n\tfor i, x in enumerate(xs):\n\t\tif x > best:  # größer\n"
    f"\t\t\tbest = x * 2\n\t\t\tn = n - 1\n\twhile n > 0:\n\t\tn -= 1; best += 1\n\treturn best + n * 1.5\n\t{END}\n"
)

FEEDS = (
    f"# form feed \f and other \x1c \x85 \u2028 breaks\ndef f(x):\n    {START}\n    a = 1.5  # \f \u2028 \x85 here\n"
    f"    s = 'é\u2028\x0b\x85'; b = a * x  # 日\n\f\n    c = b + a if x > 2 else b - 1\n    return c / (a + 1)\n"
    f"    {END}\n# end"
)

PROGRAMS = {
    "cache": Source({"a.py": CACHE}, "priority"),
    "tabs": Source({"a.py": TABS}, "f"),
    "feeds": Source({"a.py": FEEDS}, "f"),
    "seed": Source({"a.py": f"def f(x):\n    {START}\n    return 1.0 + x\n    {END}\n"}, "f"),
}
SOURCES = st.sampled_from(sorted(PROGRAMS))
SEEDS = st.integers(0, 10**6)


def _check(child: Source, parent: Source) -> None:
    tree = ast.parse(child.main)
    names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert parent.entry in names
    assert outside_block(child.main) == outside_block(parent.main)
    assert normalise(child.main) != normalise(parent.main)
    assert child.entry == parent.entry and set(child.files) == set(parent.files)


@settings(max_examples=100, deadline=None)
@given(SOURCES, SEEDS)
def test_every_child_keeps_what_it_must(name: str, seed: int) -> None:
    child = parent = PROGRAMS[name]
    rng = generator(seed, "edit")
    for _ in range(3):
        try:
            child = edit(parent, rng)
        except Forbidden:
            assume(parent is not PROGRAMS[name])  # the shipped programs always have a child
            return
        _check(child, parent)
        parent = child


@settings(max_examples=120, deadline=None)
@given(SOURCES, SOURCES, SEEDS)
def test_children_with_a_donor_keep_it_too(name: str, donor: str, seed: int) -> None:
    _check(edit(PROGRAMS[name], generator(seed, "edit"), PROGRAMS[donor]), PROGRAMS[name])


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_seed_gives_the_same_child(name: str) -> None:
    children = [[edit(PROGRAMS[name], generator(seed, "e")).main for seed in range(15)] for _ in range(2)]
    assert children[0] == children[1] and len(set(children[0])) > 3


@settings(max_examples=200, deadline=None)
@given(SOURCES, SEEDS)
def test_comments_on_other_lines_survive(name: str, seed: int) -> None:
    """Every line of the parent that is gone had a part of what was changed; what is new stands in one place."""
    parent = PROGRAMS[name].main.split("\n")
    child = edit(PROGRAMS[name], generator(seed, "edit")).main.split("\n")
    same = 0
    while same < min(len(parent), len(child)) and parent[same] == child[same]:
        same += 1
    tail = 0
    while tail < min(len(parent), len(child)) - same and parent[-1 - tail] == child[-1 - tail]:
        tail += 1
    changed = set(range(same, len(parent) - tail))
    if not changed:
        return
    tree = ast.parse("\n".join(parent))
    page = Page("\n".join(parent))
    spans = [
        range(node.lineno - 1, node.end_lineno or node.lineno) for node in (*page.expressions(), *page.statements())
    ]
    pairs = [range(a.lineno - 1, b.end_lineno or b.lineno) for a, b in text._neighbours(page.statements())]
    assert tree and any(changed <= set(span) for span in (*spans, *pairs))


@pytest.mark.parametrize("maker", text._EDITS, ids=lambda maker: maker.__name__)
def test_every_kind_of_edit_gives_children(maker: text.Maker) -> None:
    parent = PROGRAMS["cache"]
    page = Page(parent.main)
    good = set()
    for seed in range(200):
        made = maker(page, generator(seed, "kind"))
        if made is None:
            continue
        child = parent.with_main(made.apply(parent.main))
        assert outside_block(child.main) == outside_block(parent.main)
        try:
            if normalise(child.main) != normalise(parent.main):
                good.add(child.main)
        except Forbidden:
            continue
    assert len(good) >= 5


def test_edits_reach_constants_operators_and_comparisons() -> None:
    parent = PROGRAMS["tabs"]
    children = "\n".join(edit(parent, generator(seed, "reach")).main for seed in range(400))
    for wanted in (
        r"x (<|<=|>=|==|!=) best",
        r"n [*+/] 1\b",
        r"n \* 3\.0|n \* 0\.75|n \* \(-1\.5\)",
        r"if \w+ (<|<=|>|>=) .* else",
        r"\t\tv0 = ",
        r"best = 0\n\tbest = 0\n",
        r"\tn = n - 1\n\t\t\tbest = x \* 2\n",
        rf"{START}\n\tfor i, x",
    ):
        assert re.search(wanted, children), wanted


def test_places_are_those_of_the_text() -> None:
    """Line breaks that are none to Python, and characters of several bytes, shift nothing."""
    for source in PROGRAMS.values():
        page = Page(source.main)
        for node in page.nodes(ast.Name, ast.Constant, ast.BinOp, ast.Return, ast.Assign):
            start, end = page.span(node)
            part = source.main[start:end]
            kind = "exec" if isinstance(node, ast.stmt) else "eval"
            if not any(isinstance(up, ast.JoinedStr) for up in _above(page, node)):
                again = ast.parse(f"({part})" if kind == "eval" else part, mode="exec").body[0]
                value = again.value if kind == "eval" and isinstance(again, ast.Expr) else again
                assert ast.unparse(value) == ast.unparse(node)


def _above(page: Page, node: ast.AST | None) -> list[ast.AST]:
    found = []
    while node is not None:
        node = page._parents.get(node)
        found += [node] if node is not None else []
    return found


def test_crossover_takes_the_whole_block() -> None:
    parent, donor = (
        PROGRAMS["seed"],
        PROGRAMS["seed"].with_main(
            PROGRAMS["seed"].main.replace("return 1.0 + x", "y = x * x\n    return y").replace("(x)", "(x )")
        ),
    )
    child = crossover(parent, donor)
    assert child.main == f"def f(x):\n    {START}\n    y = x * x\n    return y\n    {END}\n"
    with pytest.raises(Forbidden):
        crossover(parent, Source({"a.py": "x = 1\n"}, "f"))


def test_statements_of_a_donor_arrive() -> None:
    donor = Source({"a.py": f"def f(x):\n    {START}\n    marker = x * 7.25\n    return marker\n    {END}\n"}, "f")
    children = [edit(PROGRAMS["tabs"], generator(seed, "d"), donor).main for seed in range(150)]
    assert any("\tmarker = x * 7.25\n" in child for child in children)


def test_deep_expressions_are_edited_without_running_out_of_stack() -> None:
    deep = "+".join(["x * 1"] * 190)
    source = Source({"a.py": f"def f(x):\n    {START}\n    return {deep}\n    {END}\n"}, "f")
    for seed in range(25):
        _check(edit(source, generator(seed, "deep")), source)


@pytest.mark.parametrize("body", ["    pass\n", "    'words'\n    pass\n"])
def test_a_block_with_nothing_to_edit_is_refused(body: str) -> None:
    source = Source({"a.py": f"def f():\n    {START}\n{body}    {END}\n"}, "f")
    page = Page(source.main)
    assert not page.nodes(ast.BinOp, ast.Compare) and page.statements()
    children = []
    for seed in range(10):
        with contextlib.suppress(Forbidden):
            children.append(edit(source, generator(seed, "none")))
    for child in children:
        _check(child, source)


def test_the_entry_point_is_never_lost() -> None:
    source = Source({"a.py": f"{START}\ndef f(x):\n    return x + 1\n\n\ndef g(x):\n    return x\n{END}\n"}, "f")
    for seed in range(60):
        _check(edit(source, generator(seed, "entry")), source)
