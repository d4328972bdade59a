"""Comparisons of policies as an archive holds them: runs with one tag, and what each was worth on report.

Nothing is run here: what `evolve compare` has not measured yet is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from archive.rows import RunRow, RunStatus
from evolve.bandit import RULES
from evolve.comparison.figure import HYPERVOLUME
from evolve.comparison.outcome import Comparison
from evolve.comparison.plan import TAG, Trial, by_trial, is_done, rule_of
from evolve.comparison.reporting import EVENT, Worth
from evolve.core.errors import UsageError
from evolve.core.types import Objective
from evolve.web.desk import STRANGE, Desk, objectives

_MADE: dict[tuple[str, str, int, frozenset[str]], Comparison | None] = {}
_MOST_MADE = 64


@dataclass(frozen=True)
class Trials:
    """The runs of one comparison by trial, in the order in which they were begun, and the worths that are known.

    Which policy the others were compared with is not stored: pages take the first one, and offer the others.
    """

    id: str
    title: str
    archive: str
    runs: Mapping[Trial, RunRow]
    worths: Mapping[Trial, Worth]

    @property
    def first(self) -> RunRow:
        """The run that was begun first."""
        return next(iter(self.runs.values()))

    @property
    def policies(self) -> tuple[str, ...]:
        """In the order in which they were begun."""
        return tuple(dict.fromkeys(trial.policy for trial in self.runs))

    @property
    def seeds(self) -> tuple[int, ...]:
        """In order."""
        return tuple(sorted({trial.seed for trial in self.runs}))

    @property
    def expected(self) -> int:
        """Runs that a whole comparison of these policies and seeds has."""
        return len(self.policies) * len(self.seeds)

    @property
    def ended(self) -> int:
        """Runs that came to their end."""
        return sum(is_done(row) for row in self.runs.values())

    @property
    def running(self) -> list[str]:
        """Ids of runs that go on now."""
        return [row.id for row in self.runs.values() if row.status is RunStatus.RUNNING]

    @property
    def is_whole(self) -> bool:
        """Whether every policy has its worth for every seed."""
        return len(self.worths) == self.expected

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """Those that the runs searched for."""
        return objectives(self.first)

    def comparison(self, control: int) -> Comparison | None:
        """As `_made`, which takes a second where there are many seeds, and is remembered."""
        key = (self.archive, self.id, control, frozenset(self.runs[trial].id for trial in self.worths))
        if key not in _MADE:
            while len(_MADE) >= _MOST_MADE:
                _MADE.pop(next(iter(_MADE)), None)
            _MADE[key] = self._made(control)
        return _MADE[key]

    def _made(self, control: int) -> Comparison | None:
        """What can be said by now, against the so-and-so-many-eth of the policies that have been measured.

        It has the seeds for which all of these have their worths. None where it can not be made of what there is.
        Raises UsageError for a control beyond the last.
        """
        policies = tuple(one for one in self.policies if any(trial.policy == one for trial in self.worths))
        seeds = tuple(one for one in self.seeds if all(Trial(policy, one) in self.worths for policy in policies))
        if not self.objectives or len(policies) < 2 or not seeds:
            return None
        if control >= len(policies):
            raise UsageError(f"comparison {self.id} has no policy {control}", f"Begin at /compare/{self.id}.")
        usd = self.first.config.get("usd")
        budget = self.first.config.get("evaluations") if usd is None else usd
        if not isinstance(budget, int | float) or budget <= 0:
            return None
        two = len(self.objectives) == 2
        return Comparison(
            id=self.id,
            problem=self.first.problem,
            title=self.title,
            figure=Objective(HYPERVOLUME, "maximize") if two else self.objectives[0],
            unit="evaluations" if usd is None else "usd",
            budget=float(budget),
            policies=policies,
            control=policies[control],
            seeds=seeds,
            worths={policy: [self.worths[Trial(policy, one)] for one in seeds] for policy in policies},
            runs={policy: [self.runs[Trial(policy, one)].id for one in seeds] for policy in policies},
            archive=self.archive,
            seconds=0.0,
        )


def every(desk: Desk) -> list[Trials]:
    """All comparisons of the archive, the latest first."""
    groups: dict[str, list[RunRow]] = {}
    for row in desk.archive.tagged(TAG):
        if _is_trial(row):
            groups.setdefault(row.config[TAG], []).append(row)
    return [_trials(desk, name, rows) for name, rows in reversed(groups.items())]


def one(desk: Desk, name: str) -> Trials:
    """The comparison of that id. Raises UsageError where there is none."""
    rows = [row for row in desk.archive.tagged(TAG) if row.config[TAG] == name and _is_trial(row)]
    if not rows:
        raise UsageError(f"the archive has no comparison {name!r}", "See the list of comparisons: /compare.")
    return _trials(desk, name, rows)


def _trials(desk: Desk, name: str, rows: Iterable[RunRow]) -> Trials:
    rows = list(rows)
    rules = {rule for row in rows if (rule := rule_of(row.config.get("models"))) is not None}
    rule = next((one for one in RULES if one in rules), None)
    runs = by_trial(rows, rule)
    known = desk.known(rows[0].id)
    said = desk.archive.said(EVENT, [row.id for row in runs.values()])
    worths = {trial: worth for trial, row in runs.items() if (worth := _worth(said.get(row.id))) is not None}
    drawn = {trial: worth for trial, worth in worths.items() if worth.course.values}
    return Trials(name, known.title if known else rows[0].problem, desk.archive.where, runs, drawn)


def _worth(said: Any) -> Worth | None:
    """What a run said of its worth; None where it said nothing, or nothing that can be drawn."""
    try:
        worth = Worth.from_json(said)
        course = [*worth.course.spent, *worth.course.values]
        is_drawn = len(worth.course.spent) == len(worth.course.values) and all(map(_is_number, course))
    except STRANGE:
        return None
    return worth if is_drawn and (worth.final is None or _is_number(worth.final)) else None


def _is_trial(row: RunRow) -> bool:
    """Whether it is what `evolve compare` begins: archives are imported, and a configuration may hold anything."""
    models = row.config.get("models")
    is_read = models is None or (isinstance(models, Mapping) and isinstance(models.get("bandit", ""), str))
    return isinstance(row.config[TAG], str) and isinstance(row.config.get("policy"), str) and is_read


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
