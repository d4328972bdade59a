"""The rows of a leaderboard: programs that runs found, and what was known before, on the same final instances."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np

from archive.rows import RunRow
from evolve.core.types import Objective
from evolve.display.ladder import gain_over, shown_objective
from evolve.display.program import is_own as is_own_metric
from evolve.events import ScoredProgram
from evolve.final import FLOOR
from evolve.known import Known

LEVEL = 0.95
COMPARED = frozenset(("ahead", "ahead_low", "ahead_high", "groups"))
"""What the row of a program on final has where the champion was compared with it."""
MOST_FOUND = 1_000
"""Rows of a leaderboard that were found; more nobody reads, and each is compared with all others."""
Kind = Literal["found", "baseline", "seed", "floor"]
Finals = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much a found program is better than `over` in the first objective, positive is better.

    `low` and `high` bound it with 95 % after all openings of the final set: none where it is `exact`, by proofs of
    both, and none where the program was not compared there.
    """

    over: str
    mean: float
    low: float | None
    high: float | None
    groups: int | None
    exact: bool = False

    @property
    def beyond_doubt(self) -> int:
        """1 for better, -1 for worse, 0 where neither is beyond doubt."""
        low, high = (self.mean, self.mean) if self.exact else (self.low, self.high)
        return 0 if low is None or high is None else (low > 0.0) - (high < 0.0)


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
    """As `evolve.display.program.is_own`, and no count of groups, which has a column of its own."""
    return name != "groups" and is_own_metric(name)


def widened(mean: float, low: float, high: float, groups: int, openings: int) -> tuple[float, float]:
    """The interval of a mean so that all of `openings` looks at one final set hold together with 95 %.

    Each of k intervals is made for a level of 1 - .05 / k (Bonferroni's inequality). Student's t interval grows by the
    ratio of the two quantiles with `groups` - 1 degrees of freedom, or with one where there is a single group: a time
    has an interval there too.
    """
    if openings <= 1 or not math.isfinite(low) or not math.isfinite(high):
        return low, high
    ratio = _wider(max(1, groups - 1), openings)
    return mean - ratio * (mean - low), mean + ratio * (high - mean)


@lru_cache(maxsize=1024)
def _wider(freedom: int, openings: int) -> float:
    from scipy.special import stdtrit  # Student's quantile; scipy.stats takes ten times as long to load

    error = 1.0 - LEVEL
    return float(stdtrit(freedom, 1.0 - error / (2 * openings)) / stdtrit(freedom, 1.0 - error / 2))


def entries(
    run: RunRow,
    known: Known | None,
    finals: Finals,
    objectives: Sequence[Objective],
    openings: int,
    train: Finals = MappingProxyType({}),
) -> list[Entry]:
    """What one run has on final, or, before it was opened, its best program on train.

    `train` holds metrics on train by program id: of that program, or, where evidence is exact, of all that were on
    final. Then train is a proof, the final set adds figures of another sort, and what was known stands beside them
    with its own proof. Without objectives there is nothing to tell.
    """
    if not objectives:
        return []
    programs = known.programs if known else ()
    names = {one.program_id: one.name for one in programs}
    if not finals:
        return [Entry("found", one[:10], one, run.id, metrics, False) for one, metrics in train.items()]
    exact = not any(objectives[0].metric in row for row in finals.values())
    if exact:
        given = {one.program_id: one.metrics for one in programs}
        finals = {**given, **{one: {**train.get(one, {}), **row} for one, row in finals.items()}}
    rows = []
    for program_id, metrics in finals.items():
        kind = _kind(program_id, names, programs[0].program_id if programs else "")
        name = names.get(program_id, program_id[:10])
        gain = _gain(objectives, finals, names, program_id, openings, exact) if kind == "found" else None
        rows.append(Entry(kind, name, "" if kind == "floor" else program_id, run.id, metrics, True, gain))
    return rows


def _kind(program_id: str, names: Mapping[str, str], seed: str) -> Kind:
    if program_id == FLOOR:
        return "floor"
    if program_id == seed:
        return "seed"
    return "baseline" if program_id in names else "found"


def shown_metric(objectives: Sequence[Objective], rows: Iterable[Mapping[str, float]]) -> Objective:
    """The metric that people read: see `evolve.display.ladder`."""
    return shown_objective(objectives, [ScoredProgram("", "", row) for row in rows])


def _gain(
    objectives: Sequence[Objective],
    finals: Finals,
    names: Mapping[str, str],
    program_id: str,
    openings: int,
    exact: bool,
) -> Gain | None:
    """Against the best baseline on final; with two objectives, the best of those that cost no more."""
    own = finals[program_id]
    rivals = {one: row for one, row in finals.items() if one in names and _affordable(objectives, row, own)}
    shown = shown_metric(objectives, [own, *rivals.values()])
    rivals = {one: row for one, row in rivals.items() if shown.metric in row}
    if not rivals or shown.metric not in own:
        return None
    best = min(rivals, key=lambda one: shown.cost(rivals[one][shown.metric]))
    row = rivals[best]
    champion = own.get("ahead") == 0.0 and own.get("ahead_low") == 0.0
    if not row.keys() >= COMPARED or not math.isfinite(row["groups"]) or not champion:
        return Gain(names[best], gain_over(shown, own, row), None, None, None, exact)
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

    Better is what fewer others dominate (Fonseca and Fleming 1993), which with one objective is the usual order; among
    equals the first objective decides. Programs without final stand at the end. Of those that were found, the best
    `MOST_FOUND` in the first objective have a row.
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
    best = sorted(found.values(), key=lambda one: (not one.on_final, _cost(one, first)))[:MOST_FOUND]
    rows = [*known.values(), *best]
    ranks = {id(row): rank for row, rank in zip(rows, dominators(rows, objectives), strict=True)}
    return sorted(rows, key=lambda one: (ranks[id(one)], _cost(one, first)))


def dominators(rows: Sequence[Entry], objectives: Sequence[Objective]) -> list[float]:
    """How many of the rows on final dominate each; infinitely many for what is not on final, or has no score there."""
    if not rows:
        return []
    costs = np.array([[_cost(row, one) for one in objectives] for row in rows])
    final = costs[[row.on_final and row.kind != "floor" for row in rows]]
    return [
        float(((final <= cost).all(1) & (final < cost).any(1)).sum())
        if row.on_final and not np.isposinf(cost).any()
        else math.inf
        for row, cost in zip(rows, costs, strict=True)
    ]


def _cost(row: Entry, objective: Objective) -> float:
    """Less is better. What is missing or not a number is worse than all else; a floor need not have every metric."""
    cost = objective.cost(row.metrics.get(objective.metric, math.nan))
    return cost if not math.isnan(cost) else -math.inf if row.kind == "floor" else math.inf
