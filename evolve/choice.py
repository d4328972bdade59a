"""The last word on which program of a stochastic problem is the best: the one that no luck decides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archive.standing import standing
from evaluators.posterior import LEAST_PROGRAMS, against_field, lower_quantile
from evolve.core.types import Objective, Record, Status
from evolve.events import ScoredProgram
from evolve.luck import group_costs

CHOICE_EVENT = "choice"
"""The event of a run's archive that holds what was chosen."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The program whose worth is highest even with bad luck, and the one of the best mean, which may be the same.

    `lower` is what the first is worth with a probability of 95 %, `lower_of_best` the same of the other: by how much
    they exceed the field's median, in the first objective, more being better.
    """

    program: ScoredProgram
    best_mean: str
    lower: float
    lower_of_best: float

    def __str__(self) -> str:
        return (
            f"chosen by what it is worth with a probability of 95 %: {self.lower:+.4g} against the median program, "
            f"where {self.best_mean[:10]}, of the best mean, has {self.lower_of_best:+.4g}"
        )


def final_choice(records: Iterable[Record], objective: Objective, groups: Sequence[str]) -> Choice | None:
    """The choice among the programs that have all of train; `groups` holds the independent unit of each run of train.

    None where it makes no difference, or fewer than 10 programs or two units say nothing of the field.
    """
    rows = [one for one in standing(records) if one.verdict.status is Status.OK and one.verdict.whole]
    table = [(one, costs) for one in rows if (costs := group_costs(one, objective, groups)) is not None]
    if len(table) < LEAST_PROGRAMS or len(set(groups)) < 2:
        return None
    means, errors = against_field([[-cost for cost in costs] for _, costs in table])
    lower = lower_quantile(means, errors)
    chosen, best = int(lower.argmax()), int(means.argmax())
    if chosen == best:
        return None
    record = table[chosen][0]
    program_id, idea = record.program_id or "", record.candidate.idea if record.candidate else ""
    program = ScoredProgram(program_id[:10], program_id, record.verdict.metrics, idea)
    return Choice(program, table[best][0].program_id or "", float(lower[chosen]), float(lower[best]))
