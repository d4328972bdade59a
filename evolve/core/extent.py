"""How much of train a verdict stands on, where train is measured in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolve.core.types import Verdict


@dataclass(frozen=True, slots=True)
class Extent:
    """`done` of `total` runs of train are behind the metrics; `new` of them are charged to the record that says so.

    `first` are the metrics on the first batch: every scored program of a run has them, so they can be compared.
    """

    done: int
    total: int
    new: int
    first: Mapping[str, float] = field(default_factory=dict)

    @property
    def charge(self) -> float:
        """What the record is charged, in evaluations."""
        return self.new / self.total


def extended(earlier: Verdict, batch: Verdict) -> Verdict:
    """What is known of a program after another batch: metrics over all of them, results and charge of the batch.

    The metrics are means, so they are pooled by the number of runs. A failed batch leaves no score. Both verdicts have
    an extent, that of `batch` being of the batch alone.
    """
    before, after = earlier.extent, batch.extent
    if before is None or after is None:
        raise ValueError("only verdicts of batches can be extended")
    if not batch.status.scored:
        return replace(batch, extent=replace(after, done=before.done))
    extent = replace(after, done=before.done + after.done, first=before.first)

    def pooled(old: float, new: float) -> float:
        return (old * before.done + new * after.done) / extent.done

    metrics = {name: pooled(value, batch.metrics[name]) for name, value in earlier.metrics.items()}
    # The same means in the same order, so that the value is its metric to the last bit.
    value = pooled(earlier.value or 0.0, batch.value or 0.0)
    return replace(batch, value=value, metrics=metrics, extent=extent)


def together(earlier: Verdict, later: Verdict) -> Verdict:
    """An extended verdict as if all its batches had been one: the results and the charge of both."""
    before, after = earlier.extent, later.extent
    if before is None or after is None:
        raise ValueError("only verdicts of batches can be put together")
    extent = replace(after, new=before.new + after.new)
    return replace(later, results=(*earlier.results, *later.results), extent=extent)
