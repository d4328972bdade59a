"""Parsing of hostile Python text: bounded before the parser sees it, because the parser is not.

A deep nest or a long integer literal costs CPython quadratic time or its stack, so size, depth and
literal length are checked on the text; the depth of the tree is checked once more after parsing.
"""

from __future__ import annotations

import ast
import re
import warnings

from evolve.core.errors import Forbidden

MAX_SOURCE_BYTES = 256 * 1024
MAX_DEPTH = 100
MAX_LITERAL_DIGITS = 400

# Every repeat is possessive and no match needs a closing quote: hostile text can not make them backtrack.
_NUMBER = re.compile(r"(?<!\w)[0-9](?:_?[0-9a-fA-FxXoO])*+")
_PREFIX = re.compile(r"[-+~]|\bnot\b|\blambda\b[^:\n]{0,200}:")
_PREFIX_CHAIN = re.compile(rf"(?:(?:{_PREFIX.pattern})[\s\\]*+)++")
_STRING_OR_COMMENT = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?|"(?:[^"\\\n]|\\.)*+"?|#[^\n]*|'''
    r"""'''(?:[^'\\]|\\.|'(?!''))*+(?:''')?|'(?:[^'\\\n]|\\.)*+'?""",
    re.S,
)
_OPEN, _CLOSE = "([{", ")]}"


def parse(text: str) -> ast.Module:
    """The module's syntax tree.

    Raises:
        Forbidden: larger than 256 KiB, nested deeper than 100, an integer literal of more than 400 digits,
            a null byte, or not Python at all. The message names the bound and the line.
    """
    characters = _check_text(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # which kind an invalid escape raises depends on the interpreter
            tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"line {line}: " if line else ""
        raise Forbidden(f"{where}not Python: {getattr(error, 'msg', error)}") from None
    except (RecursionError, MemoryError):
        raise Forbidden(f"nested deeper than {MAX_DEPTH}") from None
    if characters > 2 * MAX_DEPTH - 4:  # each level of the tree takes a character at least, but for the last ones
        _check_depth(tree)
    return tree


def _check_text(text: str) -> int:
    """How many characters count, a number as one; refuses what is too large or visibly too deep."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_SOURCE_BYTES:
        raise Forbidden(f"{size:,} bytes of source; at most {MAX_SOURCE_BYTES:,} are read")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    code = _STRING_OR_COMMENT.sub(_blank, text)
    for number in _NUMBER.finditer(code):
        if len(number.group().replace("_", "")) > MAX_LITERAL_DIGITS:
            line = code.count("\n", 0, number.start()) + 1
            raise Forbidden(f"line {line}: a literal of more than {MAX_LITERAL_DIGITS} digits")
    for chain in _PREFIX_CHAIN.finditer(code):
        if chain.end() - chain.start() > MAX_DEPTH and len(_PREFIX.findall(chain.group())) > MAX_DEPTH:
            line = code.count("\n", 0, chain.start()) + 1
            raise Forbidden(f"line {line}: nested deeper than {MAX_DEPTH}")
    # Most programs have fewer brackets than the bound has levels: nothing to count then.
    if sum(map(code.count, _OPEN)) > MAX_DEPTH:
        _check_brackets(code)
    return len("".join(_NUMBER.sub("0", code).split()))


def _blank(found: re.Match[str]) -> str:
    """Nothing in the place of a comment, an empty string and the line breaks in that of a string."""
    old = found.group()
    return "" if old[0] == "#" else "''" + "\n" * old.count("\n")


def _check_brackets(code: str) -> None:
    depth = 0
    for position, character in enumerate(code):
        if character in _OPEN:
            depth += 1
            if depth > MAX_DEPTH:
                line = code.count("\n", 0, position) + 1
                raise Forbidden(f"line {line}: nested deeper than {MAX_DEPTH}")
        elif character in _CLOSE:
            depth -= 1


def _check_depth(tree: ast.AST) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(2 * MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise Forbidden(f"the syntax tree is deeper than {2 * MAX_DEPTH}")
