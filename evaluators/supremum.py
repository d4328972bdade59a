"""A proven bound of the relative error of a straight-line program over a whole real interval.

The interval is cut into cells. On a cell of centre c and half-width h, Taylor's formula bounds the
error e = f / reference - 1 by

    |e(c)| + h |e'(c)| + h**2 |e''(c)| / 2 + h**3 sup |e'''| / 6,

where the supremum is an interval enclosure over the cell and the others are enclosures at a point
(Moore, Kearfott and Cloud, Introduction to Interval Analysis, SIAM 2009, on Taylor forms and automatic
differentiation; Chevillard, Harrison, Joldes and Lauter, Efficient and accurate computation of upper bounds
of approximation errors, Theoretical Computer Science 412, 2011, treat the same question in Sollya). Cells
whose bound exceeds what is attained somewhere are halved. Every rounding of this computation is inside the
enclosures, so the bound holds for the real function, whatever the machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evolve.core.errors import Invalid
from sandbox.straight_line import StraightLine

Array = NDArray[np.float64]

_ROUNDING: Final = 2.0**-53  # half an ulp, relative, of any rounded result
_SLACK: Final = 1.0 + 2.0**-49  # more than the eight roundings that any radius below suffers
_TINY: Final = 1e-300  # more than all that underflow can take away
_FIRST_CELLS: Final = 256
_ORDER: Final = 3  # of the term that is enclosed over a whole cell
_SMALLEST_CELL: Final = 2.0**-32  # of the interval
_LN2: Final = math.log(2.0)
_TABLE_BITS: Final = 10


@dataclass(frozen=True, slots=True)
class Ball:
    """The reals within `rad` of `mid`, elementwise on float64 arrays that broadcast.

    Midpoint-radius arithmetic: S. M. Rump, Fast and parallel interval arithmetic, BIT 39 (1999). The
    radius of a result covers the operands' radii and the rounding of the midpoint. A radius that is
    infinite or NaN says that nothing is known.
    """

    mid: Array
    rad: Array

    @staticmethod
    def exact(value: float) -> Ball:
        """The single number `value`."""
        return Ball(np.asarray(value, np.float64), np.zeros(()))

    def __add__(self, other: Ball) -> Ball:
        mid = self.mid + other.mid
        return Ball(mid, (self.rad + other.rad + _ROUNDING * abs(mid)) * _SLACK + _TINY)

    def __sub__(self, other: Ball) -> Ball:
        mid = self.mid - other.mid
        return Ball(mid, (self.rad + other.rad + _ROUNDING * abs(mid)) * _SLACK + _TINY)

    def __mul__(self, other: Ball) -> Ball:
        mid = self.mid * other.mid
        spread = abs(self.mid) * other.rad + self.rad * (abs(other.mid) + other.rad)
        return Ball(mid, (spread + _ROUNDING * abs(mid)) * _SLACK + _TINY)

    def __truediv__(self, other: Ball) -> Ball:
        # |a/b - a0/b0| <= (rad a + |a0/b0| rad b) / (|b0| - rad b).
        mid = self.mid / other.mid
        least = (abs(other.mid) - other.rad) * (2.0 - _SLACK)
        spread = (self.rad + (abs(mid) + _TINY) * other.rad) / least
        rad = (spread + _ROUNDING * abs(mid)) * _SLACK + _TINY
        return Ball(mid, np.where(least > 0.0, rad, np.inf))

    def most(self) -> Array:
        """The largest absolute value; infinite where nothing is known."""
        value = (abs(self.mid) + self.rad) * _SLACK
        return np.where(np.isfinite(value), value, np.inf)

    def least(self) -> Array:
        """The smallest absolute value, at least zero."""
        value = abs(self.mid) - self.rad * _SLACK
        return np.where(np.isfinite(value), np.maximum(value * (2.0 - _SLACK), 0.0), 0.0)


Series = tuple[Ball | None, ...]
"""Enclosures of the Taylor coefficients f, f', f''/2, ...; None is zero because nothing there depends on x.

The first is never None. Once a division fails, each coefficient that is not None is unknown and stays so: a
later factor of zero makes NaN, which is unknown too. So finite coefficients prove that every division is sound.
"""

Reference = Callable[[Ball, int], Series]
"""From a ball of arguments and an order to the reference's Taylor coefficients on it, up to that order."""

Expansion = Callable[[StraightLine, Ball, int], Series]
"""`evaluate` or `evaluate_extended`."""


@dataclass(frozen=True, slots=True)
class Supremum:
    """`attained` <= sup |f / reference - 1| <= `bound`; `attained` is reached at (about) `worst_x`."""

    bound: float
    attained: float
    worst_x: float
    cells: int


@np.errstate(all="ignore")  # overflow and 0/0 end as infinite radii
def bound_relative_error(
    program: StraightLine,
    reference: Reference,
    lower: float,
    upper: float,
    *,
    tolerance: float = 1e-6,
    cell_limit: int = 1 << 16,
) -> Supremum:
    """Bound sup |f / reference - 1| over the real interval [lower, upper] for a program of one argument.

    Division by zero gives infinity, and division by that zero again, as in IEEE arithmetic: c / (1 / x) has the
    value 0 at 0. What has no value so (infinity less infinity, say) is refused.

    Cells are halved until no bound exceeds the attained error by more than the fraction `tolerance` (and the
    width of the enclosures at points, about 1e-15), or `cell_limit` cells were looked at: the bound
    is then looser, and still a bound.

    Raises:
        Invalid: a denominator may vanish on the interval, or a value may overflow; nothing is proven.
    """
    if len(program.arguments) != 1:
        raise Invalid(f"a program of one argument is bounded, this has {len(program.arguments)}")
    if not all(map(math.isfinite, program.constants)):
        raise Invalid("a constant is not finite")
    try:
        return _bound(program, reference, lower, upper, tolerance, cell_limit, evaluate)
    except Invalid:  # slower and less tight, so only where it is needed
        return _bound(program, reference, lower, upper, tolerance, cell_limit, evaluate_extended)


def _bound(
    program: StraightLine,
    reference: Reference,
    lower: float,
    upper: float,
    tolerance: float,
    cell_limit: int,
    expand: Expansion,
) -> Supremum:
    half = (upper - lower) / (2 * _FIRST_CELLS)
    smallest = _SMALLEST_CELL * (upper - lower)
    # Centres of cells are rounded; a wider half-width leaves no gap between neighbours.
    gap = 2.0**-46 * max(abs(lower), abs(upper))
    centres: Array = lower + half * (2.0 * np.arange(_FIRST_CELLS, dtype=np.float64) + 1.0)
    ends = np.array([lower, upper])
    best = _most_attained(_error_at(program, reference, ends, 0.0, 0, expand), ends)
    settled, cells = 0.0, 0
    while True:
        points = _error_at(program, reference, centres, 0.0, _ORDER - 1, expand)
        over_cells = _error_at(program, reference, centres, half + gap, _ORDER, expand)
        bounds = _cell_bounds(points, over_cells, half + gap)
        cells += len(centres)
        best = max(best, _most_attained(points, centres))
        # Finer cells can not show less than the enclosure at a point.
        undecided = ~(bounds <= best[0] * (1.0 + tolerance) + 2.0 * _known(points[0]).rad)
        settled = max(settled, float(bounds[~undecided].max(initial=0.0)))
        if cells + 2 * int(undecided.sum()) > cell_limit or half < smallest or not undecided.any():
            break
        half *= 0.5
        centres = np.concatenate((centres[undecided] - half, centres[undecided] + half))
    return Supremum(max(settled, _loosest(bounds, centres)), *best, cells)


def _loosest(bounds: Array, centres: Array) -> float:
    place = int(np.argmax(bounds))
    if not np.isfinite(bounds[place]):
        where = f"near x = {centres[place]:.9g}"
        raise Invalid(f"{where} a denominator may vanish or a value overflow: no error is proven")
    return float(bounds[place])


def _most_attained(error: Series, places: Array) -> tuple[float, float]:
    least = np.broadcast_to(_known(error[0]).least(), places.shape)
    worst = int(np.argmax(least))
    return float(least[worst]), float(places[worst])


def _cell_bounds(points: Series, cells: Series, half: float) -> Array:
    bound = _known(cells[-1]).most()
    for coefficient in reversed(points):  # Horner's scheme in the half-width; all terms are positive
        bound = (bound * half + _known(coefficient).most()) * _SLACK + _TINY
    return np.where(np.isfinite(bound), bound, np.inf)


def _error_at(
    program: StraightLine, reference: Reference, centres: Array, half: float, order: int, expand: Expansion
) -> Series:
    """Taylor coefficients of f / reference - 1 on the balls of radius `half` about `centres`."""
    x = Ball(centres, np.full(centres.shape, half))
    truth = reference(x, order)
    value = expand(program, x, order)
    # (f - y) / y rather than f / y - 1: the centre of the quotient is as small as the error.
    return divide(tuple(_minus(f, y) for f, y in zip(value, truth, strict=True)), truth)


def evaluate(program: StraightLine, x: Ball, order: int) -> Series:
    """Enclosures of the program's Taylor coefficients on the balls `x`, up to `order`."""
    zeros: Series = (None,) * order
    slots: list[Series] = [(x, Ball.exact(1.0), *zeros)[: order + 1]]
    slots.extend((Ball.exact(c), *zeros) for c in program.constants)
    for operator, left, right in program.steps:
        u, v = slots[left], slots[right]
        match operator:
            case "+":
                slots.append(tuple(_plus(a, b) for a, b in zip(u, v, strict=True)))
            case "-":
                slots.append(tuple(_minus(a, b) for a, b in zip(u, v, strict=True)))
            case "*":
                slots.append(multiply(u, v))
            case _:
                slots.append(divide(u, v))
    return slots[program.result]


def evaluate_extended(program: StraightLine, x: Ball, order: int) -> Series:
    """As `evaluate`, with every value kept as a quotient and nothing divided before the end.

    Quotients are never reduced: where a value is infinite its lower part is 0, where it is undefined both parts
    are, and stay so. A lower part that is not 0 at the end therefore proves that the value exists.
    """
    zeros: Series = (None,) * order
    one: Series = (Ball.exact(1.0), *zeros)
    values: list[tuple[Series, Series]] = [((x, Ball.exact(1.0), *zeros)[: order + 1], one)]
    values.extend(((Ball.exact(c), *zeros), one) for c in program.constants)
    for operator, left, right in program.steps:
        (u, below_u), (v, below_v) = values[left], values[right]
        match operator:
            case "*":
                values.append((multiply(u, v), multiply(below_u, below_v)))
            case "/":
                values.append((multiply(u, below_v), multiply(below_u, v)))
            case _:
                combine = _plus if operator == "+" else _minus
                crossed = zip(multiply(u, below_v), multiply(v, below_u), strict=True)
                values.append((tuple(combine(a, b) for a, b in crossed), multiply(below_u, below_v)))
    return divide(*values[program.result])


def multiply(u: Series, v: Series) -> Series:
    """Cauchy's product: (uv)_k = sum of u_i v_(k-i)."""
    result: list[Ball | None] = []
    for k in range(len(u)):
        total: Ball | None = None
        for i in range(k + 1):
            total = _plus(total, _times(u[i], v[k - i]))
        result.append(total)
    return tuple(result)


def divide(u: Series, v: Series) -> Series:
    """The quotient q of u = q v: q_k = (u_k - sum over i < k of q_i v_(k-i)) / v_0."""
    denominator = _known(v[0])
    quotient: list[Ball | None] = []
    for k in range(len(u)):
        rest = u[k]
        for i in range(k):
            rest = _minus(rest, _times(quotient[i], v[k - i]))
        # A zero over a denominator that may vanish is not zero: only the division can tell.
        quotient.append(None if rest is None and k else _known(rest) / denominator)
    return tuple(quotient)


def _known(ball: Ball | None) -> Ball:
    return Ball.exact(0.0) if ball is None else ball


def _plus(a: Ball | None, b: Ball | None) -> Ball | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _minus(a: Ball | None, b: Ball | None) -> Ball | None:
    if b is None:
        return a
    return Ball(-b.mid, b.rad) if a is None else a - b


def _times(a: Ball | None, b: Ball | None) -> Ball | None:
    return None if a is None or b is None else a * b


def exp2(x: Ball, order: int) -> Series:
    """The reference 2**x, |x| <= 1000: coefficients 2**x (ln 2)**k / k!.

    2**x = 2**(i / 1024) exp(t) with |t| < 3.4e-4. The first factor comes from a table made with exact
    integers, the second from its series up to t**5 (remainder below 3e-24), so that no mathematical library
    has to be trusted: the total of the roundings is below 3 * 2**-53, and 4 are allowed for.
    """
    place = np.rint(x.mid * 1024.0)
    t = (x.mid - place / 1024.0) * _LN2
    tail = t * (1.0 + t * (0.5 + t * (1.0 / 6.0 + t * (1.0 / 24.0 + t / 120.0))))
    index = place.astype(np.int64)
    head = np.ldexp(_roots_of_two()[index & 1023], (index >> 10).astype(np.int32))
    mid = head + head * tail
    reach = x.rad * (_LN2 * _SLACK)
    # exp(r) - 1 <= r + r**2 for 0 <= r <= 1.
    spread = np.where(reach <= 1.0, reach + reach * reach, np.inf)
    error = 4.0 * _ROUNDING
    y = Ball(mid, mid * (error + spread * (1.0 + error)) * _SLACK + _TINY)
    log = Ball(np.asarray(_LN2), np.asarray(2.0**-53))
    series = [y]
    for k in range(1, order + 1):
        series.append(series[-1] * log if k == 1 else series[-1] * log / Ball.exact(float(k)))
    return tuple(series)


@cache
def _roots_of_two() -> Array:
    """2**(i / 1024) for i in 0 .. 1023, each correctly rounded from 200-bit integers."""
    precision = 200
    powers = [1 << precision]
    root = 2 << precision
    for _ in range(_TABLE_BITS):
        root = math.isqrt(root << precision)
        powers += [(power * root) >> precision for power in powers]
    return np.sort(np.array([power / (1 << precision) for power in powers]))
