"""Where edits fit, what is shown of a program where they do not, and that none of it is slow."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.core.types import Source
from evolve.proposers.llm.answer import Answer, Edit
from evolve.proposers.llm.edits import MAX_EDITS, EditError, apply
from evolve.proposers.llm.nearest import nearest, numbered
from evolve.proposers.llm.places import Place, Shift, places

BODY = ["def weigh(x):", "    total = 0.0", "    for item in x:", "        total += item", "    return total"]


def block(body: str) -> Source:
    return Source({"program.py": f"import a\n# EVOLVE-BLOCK-START\n{body}# EVOLVE-BLOCK-END\nimport b\n"}, "weigh")


def applied(body: str, *edits: Edit) -> str:
    text = apply(block(body), Answer("", edits)).main
    return text.removeprefix("import a\n# EVOLVE-BLOCK-START\n").removesuffix("# EVOLVE-BLOCK-END\nimport b\n")


@pytest.mark.parametrize("line", range(1, len(BODY)))
def test_one_letter_amiss_is_found(line: str) -> None:
    number = int(line)
    wrong = BODY[number][:-1] + "#"
    assert f"{number + 3}: {BODY[number]}" in nearest(BODY, wrong, 3)


def test_the_lines_that_follow_tell_places_apart() -> None:
    """The same first line stands three times; what comes after it decides."""
    lines = [line for value in "abc" for line in ("for i in rows:", f"    use_{value}(i)", "", "", "", "")]
    assert "9:     use_b(i)" in nearest(lines, "for i in rows:\n    use_b(j)\n", 2)
    assert "use_c" not in nearest(lines, "for i in rows:\n    use_b(j)\n", 2)


def test_nothing_is_shown_where_nothing_is_alike_and_never_much() -> None:
    assert nearest(BODY, "§§§§") == nearest([], "x") == nearest(BODY, "\n") == ""
    shown = nearest(["x" * 10_000] * 5_000, "xxx\n" * 5_000)
    assert 40 * 200 < len(shown) < 45 * 220
    assert numbered(["a", "b", "c"], -1, 2, 7) == "7: a\n8: b"


def test_an_exact_place_wins_over_one_that_is_only_like_it() -> None:
    text = "  x\nx\n"
    assert places(text, "x\n") == [Place(4, 6)]
    assert places("x  \ny\n", "x\n") == [Place(0, 4)]
    assert places("\tx\n\n\ty\n", "x\n  \ny\n\n") == [Place(0, 7, Shift(add="\t"))]
    assert places("x\n  y\n", "x\n    y\n") == []  # not one common indentation
    assert places("\tx\n", "    x\n") == []  # tabs are no blanks
    assert places(" " * 300 + "x\n", "x\n") == []  # nobody indents so far


def test_indentation_moves_with_the_edit() -> None:
    """What is added and what is dropped; a string's line that stands further left stays."""
    assert applied("    a\n    b\n", Edit("a\nb\n", "if c:\n\n    d\n")) == "    if c:\n\n        d\n"
    assert applied("a\nb\n", Edit("    a\n    b\n", '    c = """\n  d\n    """\n')) == 'c = """\n  d\n"""\n'


def test_only_line_breaks_end_lines() -> None:
    """Other characters that Python takes for one may stand in a program's strings."""
    body = 'a = "x\u2028y\x0cz"\nb\n'
    assert applied(body, Edit('a = "x\u2028y\x0cz"\n', 'a = "\u2028 \x85"\n')) == 'a = "\u2028 \x85"\nb\n'
    assert applied("    b\n", Edit("b\n", 'b = "\x85c"\n')) == '    b = "\x85c"\n'
    assert places("a\u2028y\n", "y\n") == []


@pytest.mark.parametrize(
    ("edits", "reason", "shown"),
    [
        ((Edit("total = 0\n", "x\n"),), "edit 1: .*not in the program", "4:     total = 0.0"),
        ((Edit("import b\n", "x\n"),), "outside", ""),
        ((Edit("\n\n", "x\n"),), "empty", "3: def weigh"),
        ((Edit(BODY[4] + "\n", BODY[4] + "\n"), Edit("total\n", "x\n")), "edit 2", "total = 0.0"),
        ((Edit("x\n", "y\n"),) * (MAX_EDITS + 1), "101 edits; at most 100", ""),
        ((Edit(BODY[4] + "\n", "x\n" * 200_000),), "at most 262,144", ""),
    ],
)
def test_reasons(edits: tuple[Edit, ...], reason: str, shown: str) -> None:
    with pytest.raises(EditError, match=reason) as caught:
        applied("".join(f"{line}\n" for line in BODY), *edits)
    assert shown in caught.value.nearest


def test_several_places_are_counted_and_named() -> None:
    with pytest.raises(EditError, match="fits 3 places, such as lines 3 and 5: add lines"):
        applied("x\ny\nx\n\nx\n", Edit("x\n", "z\n"))
    with pytest.raises(EditError, match="fits 20 places or more"):
        applied("x\n" * 30, Edit("x\n", "z\n"))


def test_an_empty_block_takes_an_empty_search() -> None:
    assert applied("", Edit("", "x\n")) == "x\n"
    assert applied("\n", Edit("", "x\n")) == "x\n"


def test_an_edit_without_a_path_goes_where_it_fits() -> None:
    both = "# EVOLVE-BLOCK-START\n{}\n# EVOLVE-BLOCK-END\n"
    source = Source({"k/a.cu": both.format("int a;\nint c;"), "b.c": both.format("int b;\nint c;")}, "run", "command")
    assert "int d;" in apply(source, Answer("", (Edit("int b;\n", "int d;\n"),))).files["b.c"]
    for path in ("./k/a.cu", "a.cu", "/src/k/a.cu"):
        assert "int d;" in apply(source, Answer("", (Edit("int a;\n", "int d;\n", path),))).files["k/a.cu"]
    with pytest.raises(EditError, match=r"fits 2 files; name one of k/a\.cu, b\.c"):
        apply(source, Answer("", (Edit("int c;\n", "int d;\n"),)))
    with pytest.raises(EditError, match="not in the program") as caught:
        apply(source, Answer("", (Edit("int bb;\n", "int d;\n"),)))
    assert "int" in caught.value.nearest
    with pytest.raises(EditError, match=r"no file other/a\.cu; the nearest is k/a\.cu"):
        apply(source, Answer("", (Edit("int a;\n", "int d;\n", "other/a.cu"),)))


@pytest.mark.parametrize(
    ("body", "search"),
    [
        ("x\n" * 100_000, "x\n" * 50_000 + "y\n"),
        ("ab\n" * 80_000, ("ab\n" * 100 + "ac\n") * 400),
        ("ab" * 50 + "ba" * 50 + "\n", "ba" * 50 + "abb" * 33 + "\n"),
        (" " * 100_000 + "x\n", "x\n"),
    ],
)
def test_no_search_is_slow(body: str, search: str) -> None:
    """The test's own limit is the bound: comparing slices line by line takes minutes."""
    with pytest.raises(EditError):
        applied(body, Edit(search, "z\n" * 100_000))


WORDS = st.sampled_from(
    ["x", " x", "    x", "\tx", "", "  ", "y = 1", "# EVOLVE-BLOCK-END", "EVOLVE-BLOCK-START", "\x0c"]
)
TEXTS = st.lists(WORDS, max_size=6).map("\n".join)


@settings(max_examples=200, deadline=None)
@given(body=st.lists(WORDS, max_size=6), edits=st.lists(st.builds(Edit, TEXTS, TEXTS), min_size=1, max_size=3))
def test_no_edit_reaches_the_frame(body: list[str], edits: list[Edit]) -> None:
    inside = "".join(f"{line}\n" for line in body if "BLOCK" not in line)
    source = block(inside)
    try:
        text = apply(source, Answer("", tuple(edits))).main
    except EditError:
        return
    assert text.startswith("import a\n# EVOLVE-BLOCK-START\n") and text.endswith("# EVOLVE-BLOCK-END\nimport b\n")
    assert text.count("EVOLVE-BLOCK") == 2
