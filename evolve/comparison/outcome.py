"""What a comparison found: each policy's runs, its difference from the control, and what can be said of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evaluators.paired import PairedDifference, holm, paired_difference, pairs_needed
from evaluators.statistics import LEVEL
from evolve.comparison.reporting import Worth
from evolve.core.types import Objective

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

Measure = Literal["final", "area"]
MEASURES: tuple[Measure, ...] = ("final", "area")


@dataclass(frozen=True, slots=True)
class Row:
    """A policy in one measure: `values` by seed, None where the champion failed on report, and their `median`.

    `difference` from the control and `p` after Holm's correction are None for the control itself. `verdict` says what
    is shown: "better", "worse", "" where no difference could be shown, "control".
    """

    measure: Measure
    policy: str
    values: tuple[float | None, ...]
    median: float | None
    difference: PairedDifference | None = None
    p: float | None = None

    @property
    def verdict(self) -> Literal["better", "worse", "", "control"]:
        if self.difference is None or self.p is None:
            return "control"
        if self.p > 1.0 - LEVEL:
            return ""
        return "better" if self.difference.effect > 0 else "worse"

    @property
    def failed(self) -> int:
        """Runs whose champion failed on report."""
        return sum(value is None for value in self.values)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs of several policies with the same seeds and budget.

    `unit` is what the budget counts, `evaluations` or `usd`, and `budget` how many of them each run had. `figure` is
    what is compared (see `evolve.comparison.figure`). `worths` and `runs` hold, by policy, what each run is worth and
    its id, in the order of `seeds`. `archive` says where the runs are, without a password.
    """

    id: str
    problem: str
    title: str
    figure: Objective
    unit: str
    budget: float
    policies: tuple[str, ...]
    control: str
    seeds: tuple[int, ...]
    worths: Mapping[str, Sequence[Worth]]
    runs: Mapping[str, Sequence[str]]
    archive: str
    seconds: float

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """First by measure, then in the order of the policies. All p-values are corrected together."""
        bare = [self._row(measure, policy) for measure in MEASURES for policy in self.policies]
        tested = [row for row in bare if row.difference is not None]
        corrected = iter(holm([row.difference.p for row in tested if row.difference]))
        return tuple(
            row if row.difference is None else Row(row.measure, row.policy, row.values, row.median, row.difference, p)
            for row, p in ((row, None if row.difference is None else next(corrected)) for row in bare)
        )

    def of(self, measure: Measure) -> tuple[Row, ...]:
        """The rows of one measure."""
        return tuple(row for row in self.rows if row.measure == measure)

    @property
    def tests(self) -> int:
        """How many p-values are corrected together."""
        return len(MEASURES) * (len(self.policies) - 1)

    @property
    def seeds_needed(self) -> int:
        """With fewer seeds nothing can be shown, whatever they say."""
        return pairs_needed(self.tests)

    def sentences(self) -> Iterator[str]:
        """What is shown and what is not, in words."""
        if len(self.seeds) < self.seeds_needed:
            yield (
                f"With {len(self.seeds)} seeds no difference can be shown, whatever they say: {self.tests} tests need "
                f"{self.seeds_needed} at least."
            )
            return
        for measure, words in (("final", "At the end"), ("area", "On the way")):
            rows: list[Row] = [row for row in self.rows if row.measure == measure]
            for verdict in ("better", "worse"):
                if names := [f"{row.policy} (p {p_text(row.p)})" for row in rows if row.verdict == verdict]:
                    yield f"{words}, {verdict} than {self.control}: {', '.join(names)}."
            if names := [row.policy for row in rows if row.verdict == ""]:
                yield f"{words}, no difference from {self.control} could be shown for {', '.join(names)}."

    def to_json(self) -> dict[str, Any]:
        """What `evolve compare --json` prints."""
        return {
            "comparison": self.id,
            "problem": self.problem,
            "archive": self.archive,
            "figure": asdict(self.figure),
            "unit": self.unit,
            "budget": self.budget,
            "seeds": list(self.seeds),
            "policies": list(self.policies),
            "control": self.control,
            "tests": self.tests,
            "seeds_needed": self.seeds_needed,
            "sentences": list(self.sentences()),
            "seconds": self.seconds,
            "rows": [_row_json(row) for row in self.rows],
            "runs": [
                {"policy": policy, "seed": seed, "run_id": run_id, **worth.to_json()}
                for policy in self.policies
                for seed, run_id, worth in zip(self.seeds, self.runs[policy], self.worths[policy], strict=True)
            ],
        }

    def plot(self, path: str | Path | None = None) -> Picture:
        """The curves and the differences as a picture; with `path` (.svg, .png or .pdf) it is written there too.

        Raises UsageError where the suffix is another, or matplotlib is missing.
        """
        from evolve.comparison.picture import draw
        from evolve.plot import file_format

        kind = file_format(Path(path)) if path is not None else ""
        picture = draw(self)
        if path is not None:
            picture.save(path, kind)
        return picture

    def __str__(self) -> str:
        from evolve.comparison.table import text

        return text(self)

    def _row(self, measure: Measure, policy: str) -> Row:
        values, known = self._values(measure, policy), self._values(measure, self.control)
        scored = sorted((value for value in values if value is not None), key=self.figure.cost)
        # A failed run is worse than every other, so the median is that of the better half where many failed.
        costs = sorted(math.inf if value is None else self.figure.cost(value) for value in values)
        middle = statistics.median(costs) if scored else math.inf
        median = self.figure.cost(middle) if math.isfinite(middle) else None
        if policy == self.control:
            return Row(measure, policy, values, median)
        ahead = [self._ahead(one, other) for one, other in zip(values, known, strict=True)]
        return Row(measure, policy, values, median, paired_difference(ahead))

    def _values(self, measure: Measure, policy: str) -> tuple[float | None, ...]:
        worths = self.worths[policy]
        if measure == "final":
            return tuple(worth.final for worth in worths)
        return tuple(worth.course.area(self.budget) for worth in worths)

    def _ahead(self, value: float | None, control: float | None) -> float:
        """By how much a value is better; a run that failed is infinitely worse than one that did not."""
        if value is None or control is None:
            return 0.0 if value is control else math.inf if control is None else -math.inf
        return self.figure.cost(control) - self.figure.cost(value)


def p_text(p: float | None) -> str:
    """A p-value for a table: two digits that mean something."""
    if p is None:
        return ""
    return "<0.0001" if p < 1e-4 else f"{p:.4f}" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "measure": row.measure,
        "policy": row.policy,
        "median": row.median,
        "failed": row.failed,
        "difference": asdict(row.difference) if row.difference else None,
        "p_corrected": row.p,
        "verdict": row.verdict,
    }
