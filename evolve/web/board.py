"""The rows of a leaderboard: programs that runs found, and what was known before, on the same final instances."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from archive.rows import RunRow
from evolve.core.types import Objective
from evolve.final import FLOOR
from evolve.known import Known

LEVEL = 0.95
Kind = Literal["found", "baseline", "seed", "floor"]
Finals = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much a found program is better than `over` in the first objective, positive is better.

    `low` and `high` bound it with 95 % after `openings` of the final set: none where the comparison is exact.
    """

    over: str
    mean: float
    low: float | None
    high: float | None
    groups: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A program on final. `metrics` are those of final; of one that was not there yet they are those of train."""

    kind: Kind
    name: str
    program_id: str
    run_id: str
    metrics: Mapping[str, float]
    on_final: bool
    gain: Gain | None = None

    @property
    def value(self) -> Mapping[str, float]:
        """The metrics of the program alone, without comparisons and without those of one kind of instance."""
        return {name: one for name, one in self.metrics.items() if is_own(name)}


def is_own(name: str) -> bool:
    """False for what compares the program with others, or counts one kind of workload alone."""
    return "/" not in name and not name.startswith("ahead") and name != "groups"


def widened(mean: float, low: float, high: float, groups: int, openings: int) -> tuple[float, float]:
    """The interval of a mean so that all of `openings` looks at one final set hold together with 95 %.

    Each of k intervals is made for a level of 1 - .05 / k (Bonferroni's inequality). Student's t interval grows by the
    ratio of the two quantiles with `groups` - 1 degrees of freedom.
    """
    from scipy.stats import t

    if groups < 2 or openings <= 1 or not math.isfinite(low) or not math.isfinite(high):
        return low, high
    error = 1.0 - LEVEL
    ratio = float(t.ppf(1.0 - error / (2 * openings), groups - 1) / t.ppf(1.0 - error / 2, groups - 1))
    return mean - ratio * (mean - low), mean + ratio * (high - mean)


def entries(
    run: RunRow,
    known: Known | None,
    finals: Finals,
    objectives: Sequence[Objective],
    openings: int,
    train: Mapping[str, Mapping[str, float]] = {},
) -> list[Entry]:
    """What one run has on final, or, before it ended, its best program on train (`train`, by program id)."""
    names = {one.program_id: one.name for one in known.programs} if known else {}
    seed = known.programs[0].program_id if known else ""
    if not objectives:
        return []
    if not finals:
        return [
            Entry("found", program_id[:10], program_id, run.id, metrics, False) for program_id, metrics in train.items()
        ]
    rows = []
    for program_id, metrics in finals.items():
        kind = _kind(program_id, names, seed)
        name = names.get(program_id, program_id[:10])
        gain = _gain(objectives, finals, names, program_id, openings) if kind == "found" else None
        rows.append(Entry(kind, name, "" if kind == "floor" else program_id, run.id, metrics, True, gain))
    return rows


def _kind(program_id: str, names: Mapping[str, str], seed: str) -> Kind:
    if program_id == FLOOR:
        return "floor"
    if program_id == seed:
        return "seed"
    return "baseline" if program_id in names else "found"


def _gain(
    objectives: Sequence[Objective], finals: Finals, names: Mapping[str, str], program_id: str, openings: int
) -> Gain | None:
    """Against the best baseline on final; with two objectives, the best of those that cost no more."""
    first = objectives[0]
    own = finals[program_id]
    rivals = [
        (other, row)
        for other, row in finals.items()
        if other in names and first.metric in row and first.metric in own and _affordable(objectives, row, own)
    ]
    if not rivals:
        return None
    best, row = min(rivals, key=lambda one: first.cost(one[1][first.metric]))
    mean = first.cost(row[first.metric]) - first.cost(own[first.metric])
    champion = own.get("ahead") == 0.0 and own.get("ahead_low") == 0.0
    if "ahead_low" not in row or not champion:
        return Gain(names[best], mean, None, None, None)
    groups = int(row["groups"])
    low, high = widened(row["ahead"], row["ahead_low"], row["ahead_high"], groups, openings)
    return Gain(names[best], row["ahead"], low, high, groups)


def _affordable(objectives: Sequence[Objective], row: Mapping[str, float], own: Mapping[str, float]) -> bool:
    """Whether a rival costs no more in the second objective. A measured time counts for itself: all are rivals."""
    if len(objectives) < 2 or "ahead" in own:
        return True
    second = objectives[1]
    if second.metric not in row or second.metric not in own:
        return True
    return second.cost(row[second.metric]) <= second.cost(own[second.metric])


def merged(runs: Iterable[Sequence[Entry]], objectives: Sequence[Objective]) -> list[Entry]:
    """The rows of several runs in one table, best first: what was known stands in it once, as it was last measured.

    Programs without final stand at the end. With two objectives the order is that of the first.
    """
    known: dict[tuple[Kind, str], Entry] = {}
    found: dict[tuple[str, str], Entry] = {}
    for rows in runs:
        for one in rows:
            if one.kind == "found":
                found[one.program_id, one.run_id] = one
            else:
                known[one.kind, one.name] = one
    first = objectives[0]
    rows = [*known.values(), *found.values()]
    return sorted(rows, key=lambda one: (not one.on_final, first.cost(one.metrics.get(first.metric, math.inf))))
