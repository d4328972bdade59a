"""What evaluating a program came to, where another one of the same function may have been evaluated before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evolve.core.keys import Keys
from evolve.core.types import Verdict

Known = Callable[[Keys], bool]
"""Says of a program that passed the probe whether its score on train is known, so that it need not be run there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """`verdict` is None where the probe was passed and the score is known. `keys` is None where the program has none:
    it was stopped on the probe, gave no plain data, or its problem's scores are never taken over."""

    verdict: Verdict | None
    keys: Keys | None = None


def unknown(keys: Keys) -> bool:
    """The `Known` that knows nothing: programs are evaluated in full."""
    return False
