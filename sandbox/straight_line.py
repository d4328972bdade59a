"""Programs that are only arithmetic: checked by whitelist, then run in place, vectorised.

A straight-line program is one function whose body is assignments of `+ - * /` over its arguments,
earlier names and numbers, and one `return`. Such a program can not loop, call, read or write, so it
needs no process. It is never compiled by Python: the tree becomes a `StraightLine` and that is interpreted.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evolve.core.errors import Forbidden, Invalid
from sandbox.syntax import parse as parse_python

MAX_OPERATIONS = 256
OPERATORS: Final = "+-*/"
_SYMBOLS: Final[dict[type[ast.operator], str]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_UFUNCS: Final = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}

Step = tuple[str, int, int]
"""(operator, left slot, right slot)."""


@dataclass(frozen=True)
class StraightLine:
    """A program as a list of steps over numbered slots.

    Slots 0 .. A-1 are the arguments, A .. A+C-1 the constants, and each step fills the next slot.
    Only live steps are kept, equal steps are merged, and operands of `+` and `*` are ordered, so
    `len(steps)` is the number of operations that a machine has to do.
    """

    arguments: tuple[str, ...]
    constants: tuple[float, ...]
    steps: tuple[Step, ...]
    result: int

    @property
    def operations(self) -> int:
        """The number of `+ - * /` that one call performs."""
        return len(self.steps)

    @cached_property
    def skeleton(self) -> tuple[Step, ...]:
        """The steps alone: two programs with the same skeleton differ only in constants."""
        return (*self.steps, ("=", self.result, len(self.arguments)))

    def evaluate(self, *args: NDArray[np.floating]) -> NDArray[np.floating]:
        """Run on whole arrays, in the arrays' precision: float32 in, float32 arithmetic throughout.

        Overflow, division by zero and invalid operations give infinities and NaN, as on a machine.

        Raises:
            Invalid: the program takes another number of arguments.
        """
        if len(args) != len(self.arguments):
            raise Invalid(f"the program takes {len(self.arguments)} arguments, not {len(args)}")
        dtype = args[0].dtype
        with np.errstate(all="ignore"):
            slots: list[NDArray[np.floating]] = [*args, *(np.asarray(c, dtype) for c in self.constants)]
            for operator, left, right in self.steps:
                slots.append(_UFUNCS[operator](slots[left], slots[right]))
        return np.broadcast_to(slots[self.result], args[0].shape)

    def expressions(self) -> tuple[list[Expression], Value]:
        """The steps with operands instead of slots, and the result: what a `Builder` takes."""
        first, first_step = len(self.arguments), len(self.arguments) + len(self.constants)

        def operand(slot: int) -> Value:
            if slot < first:
                return "a", slot
            return ("c", self.constants[slot - first]) if slot < first_step else ("s", slot - first_step)

        return [(op, operand(left), operand(right)) for op, left, right in self.steps], operand(self.result)

    def render(self) -> str:
        """The body as Python text, one operation a line, unindented."""
        expressions, result = self.expressions()
        prefix = "t"
        while any(name.startswith(prefix) for name in self.arguments):
            prefix += "_"

        def text(value: Value) -> str:
            kind, number = value
            if kind == "c":
                return repr(number)
            return self.arguments[int(number)] if kind == "a" else f"{prefix}{int(number)}"

        lines = [f"{prefix}{i} = {text(left)} {op} {text(right)}" for i, (op, left, right) in enumerate(expressions)]
        return "\n".join([*lines, f"return {text(result)}"])

    def with_constants(self, constants: tuple[float, ...]) -> StraightLine:
        """The same skeleton with other constants, in the order of `self.constants`."""
        if len(constants) != len(self.constants):
            raise ValueError(f"{len(constants)} constants for {len(self.constants)} places")
        return StraightLine(self.arguments, tuple(map(float, constants)), self.steps, self.result)


def parse(text: str, entry: str) -> StraightLine:
    """Check `text` against the whitelist and translate the function `entry`.

    Raises:
        Forbidden: anything but one function of positional arguments, assignments of arithmetic to
            names, and a final return; more than 256 operations; a constant that is not finite.
    """
    tree = parse_python(text)
    return _Translator(_only_function(tree, entry)).translate()


def _only_function(tree: ast.Module, entry: str) -> ast.FunctionDef:
    functions: list[ast.FunctionDef] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            functions.append(node)
        elif not _is_docstring(node):
            raise Forbidden(f"line {node.lineno}: only the function {entry} may stand in the file")
    if len(functions) != 1 or functions[0].name != entry:
        raise Forbidden(f"the file must hold one function, named {entry}")
    function = functions[0]
    spec = function.args
    plain = (*spec.posonlyargs, *spec.args)
    if function.decorator_list or spec.vararg or spec.kwarg or spec.kwonlyargs or spec.defaults or not plain:
        raise Forbidden(f"line {function.lineno}: {entry} takes plain positional arguments and no decorators")
    if len({argument.arg for argument in plain}) < len(plain):
        raise Forbidden(f"line {function.lineno}: {entry} has two arguments of one name")
    # Python runs annotations when it loads the file.
    notes = [function.returns, *(argument.annotation for argument in plain)]
    if getattr(function, "type_params", ()) or not all(note is None or isinstance(note, ast.Name) for note in notes):
        raise Forbidden(f"line {function.lineno}: annotations may only be names")
    return function


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


Value = tuple[str, float]
"""An operand before slots are numbered: ("a", argument), ("c", number) or ("s", index of an expression)."""

Expression = tuple[str, Value, Value]


class Builder:
    """Collects expressions and assembles them: merged, ordered, dead ones dropped, slots numbered."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self.arguments = arguments
        self.expressions: list[Expression] = []
        self._known: dict[str, Value] = {}

    def add(self, symbol: str, left: Value, right: Value) -> Value:
        """The value of `left symbol right`; folds constants, merges what stands already.

        Raises:
            Forbidden: a folded constant is not finite, or more than 256 operations.
        """
        if left[0] == right[0] == "c":  # folded, as any compiler does
            with np.errstate(all="ignore"):
                return constant(float(_UFUNCS[symbol](np.float64(left[1]), right[1])))
        if symbol in "+*" and right < left:  # so that `c + x` and `x + c` are the same
            left, right = right, left
        key = repr((symbol, left, right))  # as text, because 0.0 == -0.0
        if key not in self._known:
            if len(self.expressions) >= MAX_OPERATIONS:
                raise Forbidden(f"more than {MAX_OPERATIONS} operations")
            self._known[key] = ("s", len(self.expressions))
            self.expressions.append((symbol, left, right))
        return self._known[key]

    def assemble(self, result: Value) -> StraightLine:
        """The program that returns `result`, without what it does not need."""
        live = self._live(result)
        order = [index for index in range(len(self.expressions)) if index in live]
        constants = [v for index in order for kind, v in self.expressions[index][1:] if kind == "c"]
        constants += [result[1]] if result[0] == "c" else []
        first_step = len(self.arguments) + len(constants)
        place = {index: first_step + i for i, index in enumerate(order)}
        next_constant = iter(range(len(self.arguments), first_step))

        def slot(value: Value) -> int:
            kind, number = value
            if kind == "c":
                return next(next_constant)  # every occurrence is a constant of its own, free to be tuned
            return int(number) if kind == "a" else place[int(number)]

        steps = tuple((op, slot(left), slot(right)) for op, left, right in map(self.expressions.__getitem__, order))
        return StraightLine(self.arguments, tuple(constants), steps, slot(result))

    def _live(self, result: Value) -> set[int]:
        live: set[int] = set()
        pending = [result]
        while pending:
            kind, number = pending.pop()
            if kind == "s" and int(number) not in live:
                live.add(int(number))
                pending.extend(self.expressions[int(number)][1:])
        return live


def constant(number: float) -> Value:
    """A constant operand. Raises Forbidden where it is not a finite float64."""
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise Forbidden("a constant is not a finite number")
    return "c", value


class _Translator:
    """From a checked function to expressions."""

    def __init__(self, function: ast.FunctionDef) -> None:
        self.function = function
        self.builder = Builder(tuple(a.arg for a in (*function.args.posonlyargs, *function.args.args)))
        self.names: dict[str, Value] = {name: ("a", i) for i, name in enumerate(self.builder.arguments)}

    def translate(self) -> StraightLine:
        *body, last = self.function.body
        for node in body:
            if _is_docstring(node):
                continue
            if not (isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)):
                raise Forbidden(f"line {node.lineno}: only `name = arithmetic` may stand here")
            self.names[node.targets[0].id] = self.value(node.value)
        if not (isinstance(last, ast.Return) and last.value is not None):
            raise Forbidden(f"line {last.lineno}: the last statement must be `return arithmetic`")
        return self.builder.assemble(self.value(last.value))

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float() as number):
                return constant(number)
            case ast.Name(id=name):
                if name in self.names:
                    return self.names[name]
                raise Forbidden(f"line {node.lineno}: the name {name} has no value yet")
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.value(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                kind, number = inner = self.value(operand)
                return ("c", -number) if kind == "c" else self.builder.add("*", ("c", -1.0), inner)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SYMBOLS:
                return self.builder.add(_SYMBOLS[type(op)], self.value(left), self.value(right))
        raise Forbidden(f"line {node.lineno}: only + - * /, names and numbers may stand here")
