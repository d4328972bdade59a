"""Moves on what a function returns, for functions that weigh or judge: priorities, scores, conditions.

A weighted sum of simple terms is where heuristics of this kind begin, so growing one term is a step that
selection can judge. `hoist` is the way back (Kinnear 1993): without it expressions only grow.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable

from evolve.core.errors import Forbidden
from evolve.core.rng import Generator
from evolve.core.types import Source
from evolve.proposers.offline.text import Edit, Page

_OPERANDS = (ast.BinOp, ast.BoolOp, ast.IfExp, ast.UnaryOp, ast.Compare)


def grow(source: Source, rng: Generator) -> Source:
    """A child one of whose returned values has one more term or condition, over the function's own arguments.

    Raises Forbidden where the block returns nothing that can grow.
    """
    page = Page(source.main)
    returns = [node for node in page.nodes(ast.Return) if isinstance(node, ast.Return) and node.value is not None]
    places = [(node.value, names) for node in returns if node.value and (names := page.names_before(node))]
    if not places:
        raise Forbidden("the block returns nothing of its arguments")
    value, names = places[int(rng.integers(len(places)))]
    new = _grow_condition(value, names, rng) if _is_condition(value) else _grow_number(value, names, rng)
    return source.with_main(page.replace(value, new).apply(page.text))


def hoist(source: Source, rng: Generator) -> Source:
    """A child with an expression of the block replaced by one of its own parts.

    Raises Forbidden where no expression has parts.
    """
    page = Page(source.main)
    places = [node for node in page.expressions() if isinstance(node, _OPERANDS) or _is_plain_call(node)]
    if not places:
        raise Forbidden("the block has no expression with parts")
    node = places[int(rng.integers(len(places)))]
    parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    if isinstance(node, ast.Call):
        parts = list(node.args)
    part = parts[int(rng.integers(len(parts)))]
    return source.with_main(Edit(*page.span(node), f"({ast.unparse(part)})").apply(page.text))


def _is_plain_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and bool(node.args) and not any(isinstance(a, ast.Starred) for a in node.args)


def _is_condition(node: ast.expr) -> bool:
    truth = isinstance(node, ast.Constant) and isinstance(node.value, bool)
    return truth or isinstance(node, ast.Compare | ast.BoolOp) or _is_negation(node)


def _is_negation(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def _grow_condition(value: ast.expr, names: list[str], rng: Generator) -> ast.expr:
    condition = _condition(names, rng)
    if isinstance(value, ast.Constant):
        return condition
    operator: ast.boolop = ast.Or() if rng.random() < 0.5 else ast.And()
    return ast.BoolOp(operator, [copy.deepcopy(value), condition])


def _grow_number(value: ast.expr, names: list[str], rng: Generator) -> ast.expr:
    old, term = copy.deepcopy(value), _term(names, rng)
    kind = int(rng.integers(6))
    if kind < 4:
        weighted = ast.BinOp(_number(rng), ast.Mult(), term)
        return ast.BinOp(old, ast.Add() if rng.random() < 0.5 else ast.Sub(), weighted)
    shifted = ast.BinOp(_number(rng), ast.Add(), term)
    return ast.BinOp(old, ast.Div() if kind == 4 else ast.Mult(), shifted)


def _condition(names: list[str], rng: Generator) -> ast.expr:
    left = _name(names, rng)
    right = _name(names, rng) if rng.random() < 0.25 else _number(rng)
    return ast.Compare(left, [ast.Gt() if rng.random() < 0.5 else ast.Lt()], [right])


def _term(names: list[str], rng: Generator) -> ast.expr:
    """A name, or a simple function of one or two."""
    shapes: tuple[Callable[[], ast.expr], ...] = (
        lambda: _name(names, rng),
        lambda: ast.Call(ast.Name("min", ast.Load()), [_name(names, rng), _number(rng)], []),
        lambda: ast.IfExp(_condition(names, rng), ast.Constant(1.0), ast.Constant(0.0)),
        lambda: ast.BinOp(_name(names, rng), ast.Mult(), _name(names, rng)),
        lambda: ast.BinOp(_name(names, rng), ast.Div(), ast.BinOp(_number(rng), ast.Add(), _name(names, rng))),
    )
    return shapes[int(rng.integers(len(shapes)))]()


def _name(names: list[str], rng: Generator) -> ast.expr:
    return ast.Name(names[int(rng.integers(len(names)))], ast.Load())


def _number(rng: Generator) -> ast.expr:
    """A positive number between 0.05 and 10, with few digits."""
    return ast.Constant(float(f"{10.0 ** rng.uniform(-1.3, 1.0):.2g}"))
