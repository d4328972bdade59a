"""Writes baselines/*.py: the best polynomials and rational functions for 2**x on [0, 1] in relative error.

The exchange algorithm is that of E. Ya. Remez (Comptes rendus de l'Academie des sciences 199, 1934), with
the step for rational functions as in J.-M. Muller, Elementary Functions, 3rd ed., Birkhauser 2016,
chapter 3. `python remez.py` rewrites the files. All arithmetic is decimal with 50 digits, so the files are
the same on every machine; each constant is rounded once, to the nearest double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Final

POLYNOMIALS: Final = (1, 2, 3, 4, 5, 6)
RATIONALS: Final = ((1, 1), (2, 1), (2, 2), (3, 2))
FRACTIONS: Final = (1, 2, 3)
_DIGITS: Final = 50
_GRID: Final = 1000
_ROUNDS: Final = 30
_SETTLED: Final = Decimal("1e-9")

Vector = list[Decimal]


@dataclass(frozen=True)
class Minimax:
    """P(x) / Q(x), coefficients from the constant up, Q of leading coefficient 1; `error` is the levelled error."""

    numerator: Sequence[Decimal]
    denominator: Sequence[Decimal]
    error: Decimal

    def relative_error(self, x: Decimal) -> Decimal:
        """P / (Q 2**x) - 1 at one point."""
        return _horner(self.numerator, x) / (_horner(self.denominator, x) * _exp2(x)) - 1


@cache
def remez(n: int, m: int) -> Minimax:
    """The quotient of degrees n and m whose largest |P / (Q 2**x) - 1| on [0, 1] is least.

    Raises RuntimeError where the exchange does not settle.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        grid = [Decimal(i) / _GRID for i in range(_GRID + 1)]
        best = _interpolate(n, m)
        # The error of the interpolation has n + m + 1 zeros, so it alternates often enough to start from.
        for _ in range(_ROUNDS):
            nodes = _extrema(best, grid, n + m + 2)
            if max(abs(best.relative_error(x)) for x in nodes) <= abs(best.error) * (1 + _SETTLED):
                return best
            best = _level(best, nodes)
    raise RuntimeError(f"the exchange for degrees {n} and {m} did not settle")


@cache
def _exp2(x: Decimal) -> Decimal:
    return (x * Decimal(2).ln()).exp()


def _horner(coefficients: Sequence[Decimal], x: Decimal) -> Decimal:
    value = Decimal(0)
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value


def _interpolate(n: int, m: int) -> Minimax:
    """The quotient through n + m + 1 points that crowd at the ends: linear once Q's leading one is fixed."""
    count = n + m + 1
    # 3 s**2 - 2 s**3 is close to Chebyshev's spacing and needs no cosine.
    places = [(2 * Decimal(i) + 1) / (2 * count) for i in range(count)]
    points = [s * s * (3 - 2 * s) for s in places]
    rows = [[*_powers(x, n + 1, Decimal(1)), *_powers(x, m, -_exp2(x))] for x in points]
    solution = _solve(rows, [_exp2(x) * x**m for x in points])
    return Minimax(solution[: n + 1], [*solution[n + 1 :], Decimal(1)], Decimal(0))


def _level(start: Minimax, nodes: Sequence[Decimal]) -> Minimax:
    """Newton's method on P(x_i) = Q(x_i) 2**x_i (1 + (-1)**i E) for the coefficients and E."""
    n, m = len(start.numerator) - 1, len(start.denominator) - 1
    best = start
    for _ in range(6 if m else 1):
        rows, right = [], []
        for i, x in enumerate(nodes):
            y, sign = _exp2(x), (-1) ** i
            target = y * (1 + sign * best.error)
            p, q = _horner(best.numerator, x), _horner(best.denominator, x)
            rows.append([*_powers(x, n + 1, Decimal(1)), *_powers(x, m, -target), -q * y * sign])
            right.append(q * target - p)
        change = _solve(rows, right)
        top = [a + b for a, b in zip(best.numerator, change, strict=False)]
        bottom = [a + b for a, b in zip(best.denominator, [*change[n + 1 : -1], Decimal(0)], strict=True)]
        best = Minimax(top, bottom, best.error + change[-1])
    return best


def _powers(x: Decimal, count: int, scale: Decimal) -> Vector:
    """scale * x**k for k below count; decimal has no 0**0."""
    values = [scale]
    for _ in range(count - 1):
        values.append(values[-1] * x)
    return values[:count]


def _solve(rows: list[Vector], right: Vector) -> Vector:
    """Gauss's elimination with partial pivoting, for a handful of unknowns."""
    table = [[*row, value] for row, value in zip(rows, right, strict=True)]
    size = len(table)
    for k in range(size):
        pivot = max(range(k, size), key=lambda i: abs(table[i][k]))
        table[k], table[pivot] = table[pivot], table[k]
        for i in range(k + 1, size):
            factor = table[i][k] / table[k][k]
            table[i] = [a - factor * b for a, b in zip(table[i], table[k], strict=True)]
    solution: Vector = []
    for k in reversed(range(size)):
        known = sum((a * b for a, b in zip(table[k][k + 1 : size], solution, strict=True)), Decimal(0))
        solution.insert(0, (table[k][size] - known) / table[k][k])
    return solution


def _extrema(approximation: Minimax, grid: Sequence[Decimal], count: int) -> Vector:
    """The place of the largest error in each of the `count` runs of one sign."""
    errors = [approximation.relative_error(x) for x in grid]
    runs: list[list[int]] = [[0]]
    for i in range(1, len(grid)):
        if (errors[i] > 0) != (errors[i - 1] > 0):
            runs.append([])
        runs[-1].append(i)
    if len(runs) != count:
        raise RuntimeError(f"{len(runs)} alternations where {count} are needed")
    return [_top(grid, errors, max(run, key=lambda i: abs(errors[i]))) for run in runs]


def _top(grid: Sequence[Decimal], errors: Vector, peak: int) -> Decimal:
    """The vertex of the parabola through three neighbours on the even grid."""
    if peak in (0, len(grid) - 1):
        return grid[peak]
    left, middle, right = errors[peak - 1 : peak + 2]
    return grid[peak] + (grid[1] - grid[0]) * (left - right) / (2 * (left - 2 * middle + right))


def _quotient(top: Sequence[Decimal], bottom: Sequence[Decimal]) -> tuple[Vector, Vector]:
    """Whole part and remainder of top / bottom; the leading coefficient of bottom is 1."""
    rest, whole = list(top), [Decimal(0)] * (len(top) - len(bottom) + 1)
    for k in reversed(range(len(whole))):
        whole[k] = rest[k + len(bottom) - 1]
        for i, coefficient in enumerate(bottom):
            rest[k + i] -= whole[k] * coefficient
    return whole, rest[: len(bottom) - 1]


def _number(value: Decimal) -> str:
    return repr(float(value))


def _horner_lines(name: str, coefficients: Sequence[Decimal], monic: bool) -> list[str]:
    """Assignments to `name`, one a step of Horner's scheme; a leading one costs no multiplication."""
    *rest, last = coefficients
    start = "x" if monic else f"{_number(last)} * x"
    lines = [f"{name} = {start} + {_number(rest.pop())}"]
    lines.extend(f"{name} = {name} * x + {_number(coefficient)}" for coefficient in reversed(rest))
    return lines


def _polynomial(n: int) -> list[str]:
    return [*_horner_lines("p", remez(n, 0).numerator, False), "return p"]


def _rational(n: int, m: int) -> list[str]:
    best = remez(n, m)
    top = _horner_lines("p", best.numerator, False)
    return [*top, *_horner_lines("q", best.denominator, True), "return p / q"]


def _fraction(n: int) -> list[str]:
    """b0 + a1 / (s + b1 + a2 / (s + a3 / ...)) with s = x - 1/2, n at most 3.

    The inner b are zero: r(s) r(-s) is constant for the best r, as it is for 2**s. The innermost
    quotients are cleared, because they would divide by zero at s = 0.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        whole, levels = _levels(remez(n, n))
        half = Decimal("0.5")
        if any(abs(b + half) > Decimal("1e-15") for _, b in levels[1:]):
            raise RuntimeError("the continued fraction is not symmetric")
        b0, b1, a = _number(whole), _number(levels[0][1] + half), [_number(value) for value, _ in levels]
        if n == 1:
            return [f"f = x + {_number(levels[0][1])}", f"return {b0} + {a[0]} / f"]
    if n == 2:
        return ["s = x - 0.5", f"f = (s + {b1}) * s + {a[1]}", f"return {b0} + {a[0]} * s / f"]
    inner = [f"g = {a[1]} * s / (s * s + {a[2]})", f"f = s + {b1} + g"]
    return ["s = x - 0.5", *inner, f"return {b0} + {a[0]} / f"]


def _levels(best: Minimax) -> tuple[Decimal, list[tuple[Decimal, Decimal]]]:
    """b0 and the pairs (a, b) of b0 + a1 / (x + b1 + a2 / (x + b2 + ...)), by Euclid's algorithm."""
    bottom = list(best.denominator)
    whole, rest = _quotient(best.numerator, bottom)
    levels: list[tuple[Decimal, Decimal]] = []
    while rest:
        monic = [value / rest[-1] for value in rest]
        inner, following = _quotient(bottom, monic)
        levels.append((rest[-1], inner[0]))
        bottom, rest = monic, following
    return whole[0], levels


def _program(docstring: str, lines: Sequence[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines).replace("+ -", "- ")
    return (
        f'"""{docstring}"""\n\n\ndef exp2(x):\n    """2**x for 0 <= x < 1."""\n'
        f"    # EVOLVE-BLOCK-START\n{body}\n    # EVOLVE-BLOCK-END\n"
    )


def programs() -> dict[str, str]:
    """The text of every baseline, by file name."""
    files: dict[str, str] = {}
    for n in POLYNOMIALS:
        what = f"Polynomial of degree {n}, least maximum relative error (Remez 1934), Horner's scheme."
        files[f"polynomial_{n}.py"] = _program(what, _polynomial(n))
    for n, m in RATIONALS:
        what = f"Rational function of degrees {n} and {m}, least maximum relative error (Remez 1934), Horner's scheme."
        files[f"rational_{n}_{m}.py"] = _program(what, _rational(n, m))
    for n in FRACTIONS:
        what = f"Rational function of degrees {n} and {n}, least maximum relative error (Remez 1934), nested quotients."
        files[f"fraction_{n}_{n}.py"] = _program(what, _fraction(n))
    return files


def main() -> None:
    """Rewrite the files beside this one."""
    folder = Path(__file__).with_name("baselines")
    folder.mkdir(exist_ok=True)
    for name, text in programs().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
