"""Edits of ordinary Python inside the EVOLVE-BLOCK, found on the syntax tree and made on the text.

Only the characters of the changed node are rewritten, so comments and layout around it survive. Each edit
gives text that parses and keeps everything outside the block.
"""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from evaluators.normal_form import names_defined, normalise
from evaluators.screen import Block, find_block
from evolve.core.errors import Forbidden
from evolve.core.rng import Generator
from evolve.core.types import Source
from sandbox.syntax import parse

_TRIES = 30
_ARITHMETIC: tuple[type[ast.operator], ...] = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_COMPARISONS: tuple[type[ast.cmpop], ...] = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@dataclass(frozen=True)
class Edit:
    """Replace `text[start:end]` by `new`."""

    start: int
    end: int
    new: str

    def apply(self, text: str) -> str:
        """The edited text."""
        return text[: self.start] + self.new + text[self.end :]


def edit(source: Source, rng: Generator, donor: Source | None = None) -> Source:
    """A child of `source` that parses, keeps the entry point and differs after normalisation.

    With a `donor`, statements of its block may be inserted too. Raises Forbidden where no try gave one.
    """
    page = Page(source.main)
    before = normalise(source.main)
    makers = [*_EDITS, _insert_from(donor)] if donor else list(_EDITS)
    for _ in range(_TRIES):
        made = makers[int(rng.integers(len(makers)))](page, rng)
        if made is None:
            continue
        text = made.apply(page.text)
        try:
            if normalise(text) != before and _is_sound(text, source):
                return source.with_main(text)
        except Forbidden:
            continue
    raise Forbidden(f"no edit of {_TRIES} gave another program")


def crossover(source: Source, donor: Source) -> Source:
    """`source` with the whole block of `donor`.

    Raises Forbidden where either has no single block, or the donor's does not fit (another indentation).
    """
    block, other = find_block(source.main), find_block(donor.main)
    text = Edit(block.start, block.end, donor.main[other.start : other.end]).apply(source.main)
    parse(text)
    return source.with_main(text)


class Page:
    """A parsed file with the nodes of its block and their places in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parse(text)
        self.block: Block = find_block(text)
        # Python's lines: str.splitlines would also break at form feeds and other characters.
        self._lines = [0, *(found.end() for found in re.finditer(r"\r\n?|\n", text)), len(text)]
        self._parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Start and end of a node in characters (the tree counts UTF-8 bytes within a line)."""
        line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
        end_line, end_column = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self._offset(line, column), self._offset(end_line, end_column)

    def nodes(self, *kinds: type[ast.AST]) -> list[ast.AST]:
        """Nodes of these kinds that lie wholly inside the block, in order of the text."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, kinds) and hasattr(n, "lineno") and self._inside(n)]
        return sorted(found, key=self.span)

    def statements(self) -> list[ast.stmt]:
        """Statements inside the block that stand alone on their lines; docstrings say what is there and stay."""
        found = [n for n in self.nodes(ast.stmt) if isinstance(n, ast.stmt) and self._alone(n)]
        return [n for n in found if not (isinstance(n, ast.Expr) and _is_text(n.value))]

    def expressions(self) -> list[ast.expr]:
        """Expressions that are read (not assigned to), inside the block."""
        return [
            node
            for node in self.nodes(ast.expr)
            if isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
            and isinstance(node, ast.expr)
            and not _is_text(node)
            and not isinstance(self._parents.get(node), (ast.JoinedStr, ast.FormattedValue, ast.keyword, ast.arguments))
            and not (isinstance(self._parents.get(node), ast.Call) and self._is_callee(node))
        ]

    def names_before(self, node: ast.AST) -> list[str]:
        """Names that have a value where `node` stands: arguments, and names assigned on earlier lines."""
        line = node.lineno  # type: ignore[attr-defined]
        names: dict[str, None] = {}
        for function in ast.walk(self.tree):
            if isinstance(function, ast.FunctionDef) and function.lineno <= line <= (function.end_lineno or line):
                names.update({a.arg: None for a in function.args.args})
                for child in ast.walk(function):
                    if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store) and child.lineno < line:
                        names[child.id] = None
        return list(names)

    def replace(self, node: ast.AST, new: ast.AST) -> Edit:
        """Replace a node's own characters. Expressions are parenthesised where they are not atoms."""
        start, end = self.span(node)
        text = ast.unparse(ast.fix_missing_locations(new))
        atom = isinstance(new, (ast.Name, ast.Constant, ast.Call, ast.stmt)) and not text.startswith("-")
        return Edit(start, end, text if atom or not isinstance(new, ast.expr) else f"({text})")

    def line_span(self, statement: ast.stmt) -> tuple[int, int]:
        """Start and end of a statement's whole lines, the line break included."""
        last = statement.end_lineno or statement.lineno
        return self._lines[statement.lineno - 1], self._lines[min(last, len(self._lines) - 1)]

    def text_of(self, statement: ast.stmt) -> str:
        """A statement's whole lines."""
        start, end = self.line_span(statement)
        return self.text[start:end]

    def _offset(self, line: int, column: int) -> int:
        start = self._lines[line - 1]
        content = self.text[start : self._lines[line]] if line < len(self._lines) else ""
        return start + (column if content.isascii() else len(content.encode()[:column].decode()))

    def _inside(self, node: ast.AST) -> bool:
        start, end = self.span(node)
        return self.block.start <= start and end <= self.block.end

    def _alone(self, node: ast.stmt) -> bool:
        start, end = self.line_span(node)
        inner_start, inner_end = self.span(node)
        before, after = self.text[start:inner_start], self.text[inner_end:end].strip()
        return not before.strip() and (not after or after.startswith("#"))

    def _is_callee(self, node: ast.AST) -> bool:
        parent = self._parents.get(node)
        return isinstance(parent, ast.Call) and parent.func is node


_T = TypeVar("_T")
Maker = Callable[[Page, Generator], Edit | None]


def _pick(items: list[_T], rng: Generator) -> _T | None:
    return items[int(rng.integers(len(items)))] if items else None


def change_constant(page: Page, rng: Generator) -> Edit | None:
    """Scale a number, move it by one, or give it a usual value."""
    node = _pick([n for n in page.nodes(ast.Constant) if _is_number(n)], rng)
    if not isinstance(node, ast.Constant) or not isinstance(node.value, int | float):
        return None
    value = node.value
    if isinstance(value, int):
        options: list[float] = [value + 1, value - 1, value * 2, value // 2, 0, 1, 2]
    else:
        options = [value * float(1.0 + 0.2 * rng.standard_normal()), value * 2.0, value / 2.0, -value, 0.0, 1.0]
    return page.replace(node, ast.Constant(_pick(options, rng)))


def change_operator(page: Page, rng: Generator) -> Edit | None:
    """Another arithmetic operator."""
    node = _pick(page.nodes(ast.BinOp), rng)
    if not isinstance(node, ast.BinOp):
        return None
    new = copy.deepcopy(node)
    new.op = _ARITHMETIC[int(rng.integers(len(_ARITHMETIC)))]()
    return page.replace(node, new)


def change_comparison(page: Page, rng: Generator) -> Edit | None:
    """Another comparison operator."""
    node = _pick([n for n in page.nodes(ast.Compare) if isinstance(n, ast.Compare) and len(n.ops) == 1], rng)
    if not isinstance(node, ast.Compare):
        return None
    new = copy.deepcopy(node)
    new.ops = [_COMPARISONS[int(rng.integers(len(_COMPARISONS)))]()]
    return page.replace(node, new)


def replace_expression(page: Page, rng: Generator) -> Edit | None:
    """A name, number or expression of the block in the place of another."""
    node = _pick(page.expressions(), rng)
    if node is None:
        return None
    options: list[ast.expr] = [ast.Name(name, ast.Load()) for name in page.names_before(node)]
    options += [e for e in page.expressions() if e.lineno <= node.lineno and e is not node]
    new = _pick(options, rng)
    return page.replace(node, copy.deepcopy(new)) if new is not None else None


def wrap_expression(page: Page, rng: Generator) -> Edit | None:
    """Combine an expression with a name in scope or a number by an arithmetic operator."""
    node = _pick(page.expressions(), rng)
    if node is None:
        return None
    names = page.names_before(node)
    other: ast.expr = ast.Constant(round(float(rng.uniform(-2, 2)), 3))
    if names and rng.random() < 0.6:
        other = ast.Name(names[int(rng.integers(len(names)))], ast.Load())
    operator = _ARITHMETIC[int(rng.integers(len(_ARITHMETIC)))]()
    return page.replace(node, ast.BinOp(copy.deepcopy(node), operator, other))


def insert_statement(page: Page, rng: Generator) -> Edit | None:
    """A new name for an expression of the block, before a statement that may then use it."""
    statement, value = _pick(page.statements(), rng), _pick(page.expressions(), rng)
    if statement is None or value is None:
        return None
    names = {n.id for n in ast.walk(page.tree) if isinstance(n, ast.Name)}
    name = next(f"v{i}" for i in range(len(names) + 1) if f"v{i}" not in names)
    start, _ = page.line_span(statement)
    indent = page.text[start : page.span(statement)[0]]
    return Edit(start, start, f"{indent}{name} = {ast.unparse(value)}\n")


def delete_statement(page: Page, rng: Generator) -> Edit | None:
    """Take one statement out."""
    statement = _pick(page.statements(), rng)
    return Edit(*page.line_span(statement), "") if statement is not None else None


def duplicate_statement(page: Page, rng: Generator) -> Edit | None:
    """Write one statement twice."""
    statement = _pick(page.statements(), rng)
    if statement is None or isinstance(statement, ast.Return):
        return None
    end = page.line_span(statement)[1]
    return Edit(end, end, page.text_of(statement))


def swap_statements(page: Page, rng: Generator) -> Edit | None:
    """Exchange two neighbouring statements of the same depth."""
    pairs = list(_neighbours(page.statements()))
    pair = _pick(pairs, rng)
    if pair is None:
        return None
    (start, middle), (begin, end) = page.line_span(pair[0]), page.line_span(pair[1])
    return Edit(start, end, page.text[begin:end] + page.text[middle:begin] + page.text[start:middle])


def insert_condition(page: Page, rng: Generator) -> Edit | None:
    """Make a value depend on a comparison of names in scope."""
    node = _pick(page.expressions(), rng)
    names = page.names_before(node) if node is not None else []
    if node is None or not names:
        return None
    left = ast.Name(names[int(rng.integers(len(names)))], ast.Load())
    right: ast.expr = ast.Name(names[int(rng.integers(len(names)))], ast.Load())
    if rng.random() < 0.5 or ast.dump(left) == ast.dump(right):
        right = ast.Constant(round(float(rng.uniform(-1, 2)), 3))
    test = ast.Compare(left, [_COMPARISONS[int(rng.integers(4))]()], [right])
    options: list[ast.expr] = [ast.Name(name, ast.Load()) for name in names] + page.expressions()
    other = _pick(options, rng) or node
    return page.replace(node, ast.IfExp(test, copy.deepcopy(node), copy.deepcopy(other)))


_EDITS: tuple[Maker, ...] = (
    change_constant,
    change_operator,
    change_comparison,
    replace_expression,
    wrap_expression,
    insert_statement,
    delete_statement,
    duplicate_statement,
    swap_statements,
    insert_condition,
)


def _insert_from(donor: Source) -> Maker:
    """An edit that copies one statement of the donor's block in."""
    other = Page(donor.main)

    def insert(page: Page, rng: Generator) -> Edit | None:
        place, statement = _pick(page.statements(), rng), _pick(other.statements(), rng)
        if place is None or statement is None:
            return None
        start = page.line_span(place)[0]
        indent = page.text[start : page.span(place)[0]]
        lines = ast.unparse(statement).splitlines()
        return Edit(start, start, "".join(f"{indent}{line}\n" for line in lines))

    return insert


def _neighbours(statements: list[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.stmt]]:
    for first, second in itertools.pairwise(statements):
        if first.col_offset == second.col_offset and (first.end_lineno or 0) < second.lineno:
            yield first, second


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _is_sound(text: str, source: Source) -> bool:
    """Whether the entry is still defined and no `return` has left its function, which only the compiler would see.

    A program that a command runs has no entry, and neither has a file that is not the entry's.
    """
    if source.language == "python" and source.entry and source.entry not in names_defined(text):
        return False
    return not _returns_outside(parse(text))


def _returns_outside(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return False
    return isinstance(node, ast.Return) or any(map(_returns_outside, ast.iter_child_nodes(node)))
