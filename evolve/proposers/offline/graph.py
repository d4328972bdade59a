"""Moves made for straight-line programs, on expressions instead of text.

Insert an operation, remove one, rewire an operand, change an operator, square, reuse; and crossover by
grafting an expression of one program into another. A move may leave an expression that is dead: assembling
drops it.
"""

from __future__ import annotations

from collections.abc import Callable

from evolve.core.errors import Forbidden
from evolve.core.rng import Generator, draw
from sandbox.straight_line import Builder, StraightLine, Value, constant

SYMBOLS = "+-*/"
_SYMBOL_WEIGHTS = (0.3, 0.2, 0.25, 0.25)
_CONSTANT_SHARE = 0.35
_MAX_EDITS = 6

Nodes = list[list[object]]


class Draft:
    """An editable program: operation i is `symbols[i]` applied to `operands[i]`; the last is the result."""

    def __init__(self, program: StraightLine) -> None:
        expressions, result = program.expressions()
        if result[0] != "s":  # a bare argument or constant becomes an operation to edit
            expressions.append(("*", result, ("c", 1.0)))
        self.arguments = program.arguments
        self.symbols = [symbol for symbol, _, _ in expressions]
        self.operands = [[left, right] for _, left, right in expressions]

    def assemble(self) -> StraightLine:
        """The edited program, written in one of the ways that free constants make equal (see `_Canonical`).

        Raises Forbidden where folding gave a constant that is not finite.
        """
        canonical = _Canonical(self.arguments)
        program = self._write(canonical)
        if not canonical.left_over:
            return program
        # A sign that floated to the top and found nothing to take it in has cost an operation.
        fixed = self._write(_Canonical(self.arguments, floating=False))
        return program if program.operations <= fixed.operations else fixed

    def _write(self, canonical: _Canonical) -> StraightLine:
        values: list[Signed] = []
        for symbol, operands in zip(self.symbols, self.operands, strict=True):
            left, right = (values[int(v[1])] if v[0] == "s" else (v, 1) for v in operands)
            values.append(canonical.add(symbol, left, right))
        return canonical.assemble(values[-1])

    # Moves: each draws what it needs from `rng`.

    def insert(self, rng: Generator) -> None:
        """Put a new operation on one edge, or on top."""
        at = int(rng.integers(len(self.symbols) + 1))
        new = [self._random_value(rng, at), self._random_value(rng, at)]
        if at == len(self.symbols):
            new[int(rng.integers(2))] = ("s", at - 1)
            edge = None
        else:
            edge = self.operands[int(rng.integers(at, len(self.symbols)))], int(rng.integers(2))
            below = edge[0][edge[1]]
            if below[0] != "s" or below[1] < at:
                new[int(rng.integers(2))] = below
        self._renumber(at, +1)
        self.symbols.insert(at, SYMBOLS[draw(rng, _SYMBOL_WEIGHTS)])
        self.operands.insert(at, new)
        if edge is not None:
            edge[0][edge[1]] = ("s", at)

    def remove(self, rng: Generator) -> None:
        """Take one operation out; one of its operands takes its place."""
        if len(self.symbols) < 2:
            return
        at = int(rng.integers(len(self.symbols)))
        heir = self.operands.pop(at)[int(rng.integers(2))]
        self.symbols.pop(at)
        for operands in self.operands[at:]:
            operands[:] = [heir if value == ("s", at) else value for value in operands]
        self._renumber(at + 1, -1)

    def rewire(self, rng: Generator) -> None:
        """Let one operand be something else."""
        i = int(rng.integers(len(self.symbols)))
        self.operands[i][int(rng.integers(2))] = self._random_value(rng, i)

    def change_operator(self, rng: Generator) -> None:
        """Another operator, or the operands swapped."""
        i = int(rng.integers(len(self.symbols)))
        if rng.random() < 0.3:
            self.operands[i].reverse()
        self.symbols[i] = SYMBOLS[int(rng.integers(4))]

    def square(self, rng: Generator) -> None:
        """Make one operation the square of something in scope."""
        i = int(rng.integers(len(self.symbols)))
        value = self._random_variable(rng, i)
        self.symbols[i], self.operands[i] = "*", [value, value]

    def reuse(self, rng: Generator) -> None:
        """Replace a constant by an intermediate or argument in scope."""
        spots = [(i, side) for i, pair in enumerate(self.operands) for side in (0, 1) if pair[side][0] == "c"]
        if spots:
            i, side = spots[int(rng.integers(len(spots)))]
            self.operands[i][side] = self._random_variable(rng, i)

    def graft(self, rng: Generator, donor: Draft) -> None:
        """Crossover: one expression of `donor`, with all that it needs, replaces an operand here."""
        needed = sorted(donor.ancestors(int(rng.integers(len(donor.symbols)))))
        place = {old: new for new, old in enumerate(needed)}
        copied = [[("s", place[int(v[1])]) if v[0] == "s" else v for v in donor.operands[old]] for old in needed]
        self._renumber(0, len(needed))
        edge = self.operands[int(rng.integers(len(self.symbols)))]
        edge[int(rng.integers(2))] = ("s", len(needed) - 1)
        self.symbols[:0] = [donor.symbols[old] for old in needed]
        self.operands[:0] = copied

    def ancestors(self, top: int) -> set[int]:
        """Indices of all operations that operation `top` needs, itself included."""
        found, pending = set[int](), [top]
        while pending:
            i = pending.pop()
            if i not in found:
                found.add(i)
                pending += [int(value[1]) for value in self.operands[i] if value[0] == "s"]
        return found

    def _random_value(self, rng: Generator, at: int) -> Value:
        if rng.random() < _CONSTANT_SHARE:
            return "c", float(10.0 ** rng.uniform(-1.0, 1.5)) * (1.0 if rng.random() < 0.5 else -1.0)
        return self._random_variable(rng, at)

    def _random_variable(self, rng: Generator, at: int) -> Value:
        index = int(rng.integers(at + len(self.arguments)))
        return ("a", index) if index < len(self.arguments) else ("s", index - len(self.arguments))

    def _renumber(self, start: int, by: int) -> None:
        """Move references to operations `start` and later."""
        for operands in self.operands:
            operands[:] = [("s", v[1] + by) if v[0] == "s" and v[1] >= start else v for v in operands]


_MOVES: tuple[tuple[Callable[[Draft, Generator], None], float], ...] = (
    (Draft.insert, 0.30),
    (Draft.remove, 0.18),
    (Draft.rewire, 0.20),
    (Draft.change_operator, 0.10),
    (Draft.square, 0.07),
    (Draft.reuse, 0.15),
)


def mutate(program: StraightLine, rng: Generator) -> StraightLine:
    """A program one or a few moves away. Raises Forbidden where the moves made nothing that can run."""
    draft = Draft(program)
    weights = [weight for _, weight in _MOVES]
    for _ in range(min(1 + int(rng.poisson(0.5)), _MAX_EDITS)):
        _MOVES[draw(rng, weights)][0](draft, rng)
    return draft.assemble()


def crossover(program: StraightLine, donor: StraightLine, rng: Generator) -> StraightLine:
    """`program` with one expression of `donor` grafted in. Raises Forbidden as `mutate`."""
    if program.arguments != donor.arguments:
        raise Forbidden("the parents take different arguments")
    draft = Draft(program)
    draft.graft(rng, Draft(donor))
    return draft.assemble()


Signed = tuple[Value, int]
"""A value and the sign, 1 or -1, that is still to be applied to it."""


class _Canonical:
    """Writes t - c as t + c', t / c as t * c', c - t as -(t + c'), and lets signs float up until a constant
    or a difference takes them in (unless not `floating`). Most ways to write a small program fall together."""

    def __init__(self, arguments: tuple[str, ...], floating: bool = True) -> None:
        self.floating = floating
        self.left_over = False
        self.builder = Builder(arguments)

    def add(self, symbol: str, left: Signed, right: Signed) -> Signed:
        """The signed value of `left symbol right`."""
        (a, sign_a), (b, sign_b) = _fold_sign(left), _fold_sign(right)
        if symbol == "-":
            if a == b and sign_a == sign_b:
                return ("c", 0.0), 1
            return self._sum(a, sign_a, b, -sign_b)
        if symbol == "+":
            return self._sum(a, sign_a, b, sign_b)
        if symbol == "/" and a == b:
            return ("c", 1.0), sign_a * sign_b
        if symbol == "/" and b[0] == "c" and b[1] and a[0] != "c":
            symbol, b = "*", constant(1.0 / b[1])
        if a[0] == "c" or b[0] == "c":  # the constant takes the sign in
            sign = sign_a * sign_b
            a, b = (("c", sign * a[1]), b) if a[0] == "c" else (a, ("c", sign * b[1]))
            return self.builder.add(symbol, a, b), 1
        return self.builder.add(symbol, a, b), sign_a * sign_b

    def assemble(self, result: Signed) -> StraightLine:
        """The program that returns a signed value."""
        value, sign = _fold_sign(result)
        if sign > 0:
            return self.builder.assemble(value)
        symbol, left, right = self.builder.expressions[int(value[1])] if value[0] == "s" else ("", value, value)
        if symbol == "-":
            return self.builder.assemble(self.builder.add("-", right, left))
        if symbol == "+" and "c" in (left[0], right[0]):
            (_, number), other = (left, right) if left[0] == "c" else (right, left)
            return self.builder.assemble(self.builder.add("-", ("c", -number), other))
        self.left_over = True
        return self.builder.assemble(self.builder.add("*", ("c", -1.0), value))

    def _sum(self, a: Value, sign_a: int, b: Value, sign_b: int) -> Signed:
        if not self.floating and sign_b < 0 and b[0] != "c":
            return self.builder.add("-", a, b), 1
        if a[0] == "c":
            a, sign_a, b, sign_b = b, sign_b, a, sign_a
        if b[0] == "c":
            return self.builder.add("+", a, ("c", sign_a * sign_b * b[1])), sign_a
        if sign_a == sign_b:
            return self.builder.add("*", a, ("c", 2.0)) if a == b else self.builder.add("+", a, b), sign_a
        if a == b:
            return ("c", 0.0), 1
        first, second, sign = (a, b, sign_a) if a < b else (b, a, sign_b)
        return self.builder.add("-", first, second), sign


def _fold_sign(signed: Signed) -> Signed:
    (kind, number), sign = signed
    return (("c", sign * number), 1) if kind == "c" else signed
