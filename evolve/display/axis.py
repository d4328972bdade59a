"""An axis of a small picture: from values to pixels, and where its ticks stand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

DECADES = 100.0
"""Positive values that span more than this factor stand on a logarithmic axis."""
HUGE = 1e300
"""What is larger than this, infinite or no number can not be drawn."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high`, on pixels from `start` to `end`; either may be the larger one in pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float, *, logarithmic: bool | None = None) -> Axis:
        """An axis on which all `values` below HUGE can be seen. They decide where `logarithmic` is None."""
        finite = [value for value in values if abs(value) < HUGE] or [0.0, 1.0]
        low, high = min(finite), max(finite)
        log = low > 0 and (logarithmic if logarithmic is not None else high / low > DECADES)
        if log:
            return cls(low, high if high > low else 10.0 * low, start, end, True)
        margin = 0.06 * (high - low) or 0.5 * abs(high) or 0.5
        return cls(low - margin, high + margin, start, end, False)

    def at(self, value: float) -> float:
        """The pixel of a value that can be drawn, rounded to a tenth."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        return round(self.start + (self.end - self.start) * (value - low) / (high - low), 1)

    def ticks(self) -> list[float]:
        """Two to eight round values on the axis."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            stride = max(1, math.ceil((last - first + 1) / 6))
            powers = [10.0**power for power in range(first, last + 1, stride)]
            return powers if len(powers) > 1 else [self.low, self.high]
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 2))
        step *= next(factor for factor in (5.0, 2.0, 1.0, 0.5) if (self.high - self.low) / (factor * step) >= 3)
        places = range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
        return [float(f"{step * place:.12g}") for place in places]
