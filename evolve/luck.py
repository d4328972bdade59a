"""How much of the champion's score was luck, by the records of a run with sampled evidence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from archive.standing import standing
from evaluators.posterior import LEAST_PROGRAMS, Curse, left_out
from evaluators.statistics import group_means
from evolve.core.types import Objective, Record, Status

LEAST_GROUPS = 10
"""As for the gate: with fewer groups what each of them says is mostly chance."""


def champions_luck(
    records: Iterable[Record], champion: str, objective: Objective, groups: Sequence[str]
) -> Curse | None:
    """How much worse the champion (a program id) is expected to be on new instances than on train; positive is worse.

    `records` are a run's, in order; `groups` holds the independent unit of each run of train, in order. Compared are
    all programs with a score on train that is no better than the champion's: what is better the gate has turned down.

    None where nothing can be said: the champion or 10 programs have no results there, there are fewer than 10 groups,
    or the first objective is not the mean over instances of what the verifier calls the score.
    """
    rows = {one.program_id: one for one in standing(records) if _is_comparable(one, objective, len(groups))}
    best = rows.get(champion)
    if best is None or len(set(groups)) < LEAST_GROUPS:
        return None
    limit = objective.cost(best.verdict.metrics[objective.metric])
    field = [one for one in rows.values() if objective.cost(one.verdict.metrics[objective.metric]) >= limit]
    if len(field) < LEAST_PROGRAMS:
        return None
    return left_out([[-mean for mean in group_means(groups, _costs(one, objective))] for one in field])


def group_costs(record: Record, objective: Objective, groups: Sequence[str]) -> list[float] | None:
    """The mean cost on each group; None where the record has no results, or the objective is not their mean."""
    return group_means(groups, _costs(record, objective)) if _is_comparable(record, objective, len(groups)) else None


def _is_comparable(record: Record, objective: Objective, instances: int) -> bool:
    verdict = record.verdict
    if verdict.status is not Status.OK or verdict.stage != "train" or len(verdict.results) != instances:
        return False
    mean = float(np.mean([objective.cost(cost) for cost in _costs(record, objective)] or [math.nan]))
    return math.isclose(mean, verdict.metrics.get(objective.metric, math.nan), rel_tol=1e-9, abs_tol=1e-12)


def _costs(record: Record, objective: Objective) -> list[float]:
    return [objective.cost(one.score) for one in record.verdict.results if one.score is not None]
