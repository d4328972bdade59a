"""Hostile source text: refused before the parser sees it, or parsed without harm."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evolve.core.errors import Forbidden
from sandbox import syntax
from sandbox.syntax import MAX_SOURCE_BYTES, parse

FULL = MAX_SOURCE_BYTES - 16
QUOTES = ('"', "'", '"""', "'''")


def fill(part: str, size: int = FULL) -> str:
    return part * (size // len(part))


def nested_strings(inner: str) -> str:
    for quote in QUOTES:
        inner = f"f{quote}{{{inner}}}{quote}"
    return inner


REFUSED_UNREAD = {
    "size": "x" * (MAX_SOURCE_BYTES + 1),
    "size in bytes": "#" + "é" * (MAX_SOURCE_BYTES // 2),
    "minus": fill("-") + "1",
    "minus apart": fill("- \t\f") + "1",
    "minus continued": fill("-\\\n") + "1",
    "minus in lines": "x = (" + fill("-\n") + "1)",
    "minus with comments": "x = (" + fill("- # why\n") + "1)",
    "carriage returns": "x = (" + fill("-\r") + "1)",
    "not": fill("not ") + "1",
    "not and tilde": "x = " + "not ~" * 60 + "1",
    "not with comments": "x = (" + fill("not #\n") + "1)",
    "lambda": fill("lambda:") + "1",
    "lambda of names": fill("lambda x, *y, z=0:") + "1",
    "round brackets": fill("("),
    "square brackets": "x = " + "[" * 101 + "]" * 101,
    "curly brackets": "x = " + "{" * 101,
    "mixed brackets": "x = " + "([{" * 34,
    "calls": fill("f("),
    "after a string": "x = '(' + " + "(" * 101,
    "after a continued string": "x = 'a\\\r\nb'; y = " + "(" * 101,
    "open string": '"""' + "'" + '"""' + "(" * 101,
    "decimal": "x = " + "1" * 401,
    "full of digits": fill("7"),
    "underscores": "x = " + "1_" * 400 + "1",
    "hexadecimal": "x = 0x" + "f" * 400,
    "capital hexadecimal": "x = 0X" + fill("F"),
    "octal": "x = 0o" + "7" * 400,
    "binary": "x = 0B" + "1" * 400,
    "fraction": "x = 1." + "1" * 401,
}

ACCEPTED = {
    "brackets in a comment": "# " + "(" * 300 + "\nx = 1",
    "brackets in strings": "x = [" + "'([{', \"([{\", " * 200 + "]",
    "brackets in a long string": 'x = """' + "(\n" * 300 + '"""',
    "brackets after an escape": "x = [" + r"'\'((', r'\((', " * 100 + "]",
    "brackets of both quotes": "x = [" + '"\'(", ' * 200 + "]",
    "a ruler": "# " + "-" * 400 + "\nx = 1",
    "a ruler in a docstring": '"""' + "~" * 400 + '"""',
    "digits in a string": f"x = '{'7' * 5000}'",
    "digits in a comment": f"# {'7' * 5000}",
    "digits in a name": f"x{'7' * 500} = 1",
    "400 digits": "x = " + "1" * 400,
    "400 digits apart": "x = " + "_".join("1" * 400),
    "sums of strings": "x = " + "+".join(["'a'"] * 150),
    "signs": "x = [" + "-1, +1, ~1, not 1, " * 200 + "]",
    "lambdas": "x = [" + "lambda a, b=1: 1, " * 200 + "]",
    "brackets side by side": "x = [" + "(), [], {}, " * 300 + "]",
    "100 brackets": "x = " + "[" * 100 + "]" * 100,
    "carriage returns": "x = 1\r\nif x:\r\n\ty = 2\r\n",
    "old carriage returns": "x = 1\ry = 2\r",
    "form feeds": "x = 1\n\f\ny = 2\n",
    "tabs": "if 1:\n\tx = 1\n",
    "names of other scripts": "größe = 1\n数 = größe\n",
    "invalid escapes": "x = '\\d'",
    "is with a literal": "x = 1 is 1",
    "coding": "# coding: utf-16\nx = 1",
    "an even string": "x = " + "''" * 400,
}

NOT_PYTHON = {
    "null byte": "x = 1\0",
    "surrogate": "x = '\ud800'",
    "byte order mark": "\ufeffx = 1",
    "words": "well, this is prose.",
    "open bracket": "x = (1",
    "open string": "x = '1",
    "open long string": 'x = """1',
    "bad escape": "x = '\\N{nothing}'",
    "old print": "print 1",
    "leading zero": "x = 01",
    "other digits": "x = ١٢",
}

# Each is as large as a source may be, or as deep as the interpreter lets it.
HOSTILE = {
    **REFUSED_UNREAD,
    "sum": fill("1+") + "1",
    "attributes": "a" + fill(".a"),
    "calls of calls": "f" + fill("()"),
    "subscripts": "x" + fill("[0]"),
    "comparisons": fill("1<") + "1",
    "powers": fill("1**") + "1",
    "powers of minus": fill("1**-") + "1",
    "ternaries": fill("1 if 1 else ") + "1",
    "half ternaries": fill("1 if ") + "1",
    "and or not": fill("1 and not 1 or ") + "1",
    "await": "async def f():\n x = " + fill("await ") + "1",
    "yield": "def f():\n x = " + fill("yield ") + "1",
    "yield in brackets": "def f():\n x = " + fill("(yield ", 700) + "1",
    "walrus": fill("(x:=", 390) + "1",
    "stars": "f(" + fill("*") + "a)",
    "ifs": "".join(" " * i + "if 1:\n" for i in range(700)) + " " * 700 + "x",
    "elifs": "if 1: x\n" + fill("elif 1: x\n"),
    "classes": "".join("\t" * i + "class A:\n" for i in range(99)) + "\t" * 99 + "x",
    "decorators": fill("@a\n") + "def f(): x",
    "lambda defaults": "x = " + fill("lambda x=") + "1",
    "lambda newlines": "x = (" + fill("lambda x,\ny:") + "1)",
    "patterns": "match x:\n case " + fill("1|") + "1: x",
    "targets": fill("a=") + "1",
    "comprehension": "x = [x " + fill("for x in x if x "),
    "quotes": fill('"'),
    "escaped quotes": "(" * 101 + fill("'\\"),
    "escaped long quotes": "(" * 101 + fill("'''\\'"),
    "more escaped long quotes": "(" * 101 + fill('"""\\"'),
    "broken strings": fill('"\\\n'),
    "quotes in comments": fill("#'\n"),
    "backslashes": fill("\\"),
    "almost long numbers": fill("9" * 399 + " "),
    "almost long chains": fill("-" * 99 + "1"),
    "almost long chains apart": fill((" " * 200 + "-") * 99 + "1"),
    "almost lambdas": fill("lambda x,"),
    "format strings": fill('f"{x}" '),
    "nested format strings": nested_strings("1"),
    "minus in format strings": nested_strings("-" * 5000 + "1"),
    "powers in format strings": nested_strings("1**" * 2000 + "1"),
    "not in format strings": nested_strings("not " * 5000 + "1"),
    "brackets in a format string": "f'{" + "(" * 199 + "1" + ")" * 199 + "}'",
    "format specifications": 'f"' + "{x:" * 90 + "}" * 90 + '"',
    "indents": fill("if 1:\n \tx\n"),
    **NOT_PYTHON,
}

CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from test_syntax import HOSTILE
from evolve.core.errors import Forbidden
from sandbox.syntax import parse

for name, text in HOSTILE.items():
    start = time.process_time()
    try:
        parse(text)
    except Forbidden:
        pass
    print(f"{time.process_time() - start:.4f} {name}", flush=True)
"""


def _no_parser(*_: object, **__: object) -> ast.Module:
    raise AssertionError("the parser was called")


@pytest.mark.parametrize("name", REFUSED_UNREAD)
def test_refused_before_the_parser_sees_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "ast", SimpleNamespace(parse=_no_parser))
    start = time.process_time()
    with pytest.raises(Forbidden):
        parse(REFUSED_UNREAD[name])
    assert time.process_time() - start < 0.25  # a twentieth of a second on an idle machine


def test_a_refusal_names_the_bound_and_the_line() -> None:
    for text, words in (
        ("\n\nx = " + "(" * 101, "line 3: nested deeper than 100"),
        ("'''\n\n'''\nx = " + "-" * 101 + "1", "line 4: nested deeper than 100"),
        ("# (\r\nx = " + "1" * 401, "line 2: a literal of more than 400 digits"),
        ("x" * (MAX_SOURCE_BYTES + 1), "262,145 bytes of source; at most 262,144"),
        ("x = 1\ny = = 1", "line 2: not Python"),
    ):
        with pytest.raises(Forbidden, match=words):
            parse(text)


@pytest.mark.parametrize("name", ACCEPTED)
def test_harmless_text_is_parsed(name: str) -> None:
    text = ACCEPTED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ast.dump(parse(text)) == ast.dump(ast.parse(text))


@pytest.mark.parametrize("name", NOT_PYTHON)
def test_what_is_not_python_is_refused(name: str) -> None:
    with pytest.raises(Forbidden):
        parse(NOT_PYTHON[name])


def test_deep_trees_are_refused_after_parsing() -> None:
    assert parse("+".join(["1"] * 150))
    for text in ("+".join(["1"] * 250), "a" + ".a" * 250, "if 1: x\n" + "elif 1: x\n" * 250):
        with pytest.raises(Forbidden, match="deep"):
            parse(text)


def test_hostile_text_neither_kills_the_interpreter_nor_holds_it() -> None:
    """In a process of its own, where every text must end in a tree or a refusal."""
    here = Path(__file__).parent
    command = [sys.executable, "-c", CHILD, str(here)]
    done = subprocess.run(command, cwd=here.parents[1], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-200:] + done.stderr[-2000:]
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert [name for _, name in lines] == list(HOSTILE)
    slow = {name: seconds for seconds, name in lines if float(seconds) > 5.0}
    assert not slow


PARTS = [
    *"()[]{}\"'#\\\n\r\t\f -+~:=,.;@*<%!1f_xé",
    '"""',
    "'''",
    "\r\n",
    "\\\n",
    "f'",
    "rb'",
    "{x}",
    "not ",
    "lambda ",
    "lambda:",
    "if ",
    "else ",
    "for x in ",
    "yield ",
    "await ",
    "def f():",
    "class A:",
    "match x:\n case ",
    "return ",
    "0x1",
    "1_0",
    "1e9",
    "\ud800",
    "\0",
    "\ufeff",
    "\u2028",
]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PARTS), max_size=40).map("".join)), st.integers(1, 40))
@example("x = '\\\r\n'", 1)
def test_any_text_gives_a_tree_or_forbidden(text: str, times: int) -> None:
    text *= times
    try:
        tree = parse(text)
    except Forbidden:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ast.dump(tree) == ast.dump(ast.parse(text))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=60).map("".join))
def test_strings_and_comments_are_found_where_the_tokenizer_finds_them(text: str) -> None:
    """In text that is Python, what is left of it without strings and comments has balanced brackets."""
    try:
        parse(text)
    except Forbidden:
        return
    code = syntax._STRING_OR_COMMENT.sub(syntax._blank, text.replace("\r\n", "\n").replace("\r", "\n"))
    for opening, closing in ("()", "[]", "{}"):
        assert code.count(opening) == code.count(closing)
