"""Where the programs of one problem stand: the rows of its leaderboard, from all runs of one version."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cached_property

from archive.rows import RunRow
from evolve.comparison.plan import TAG
from evolve.core.errors import UsageError
from evolve.core.types import Objective
from evolve.known import Known
from evolve.web.board import Entry, entries, merged, shown_metric
from evolve.web.desk import Desk, board_address, objectives

MOST_WAITING = 100
"""So many runs that were not on final yet, the latest, have a row."""
MOST_ASKED = 20
"""So many of the latest runs are asked for what was known before them."""


class Standings:
    """One version of a problem as the archive has it; without `version` the one of its latest run.

    Raises UsageError where the archive has no run of the problem, or of that version.
    """

    def __init__(self, desk: Desk, problem: str, version: str | None = None) -> None:
        self._desk = desk
        self.problem = problem
        every = desk.runs_of(problem)
        if not every:
            raise UsageError(f"the archive has no run of {problem!r}", "See the list of problems.")
        self.versions = list(dict.fromkeys(run.problem_version for run in reversed(every)))
        self.version = self.versions[0] if version is None else desk.one_version(self.versions, version)
        self.runs = [run for run in every if run.problem_version == self.version]

    @property
    def address(self) -> str:
        """That of its leaderboard, below which its other pages stand."""
        return board_address(self.problem, self.version)

    @cached_property
    def objectives(self) -> tuple[Objective, ...]:
        """Those of the latest run; empty for runs that did not say them."""
        return objectives(self.runs[-1])

    @cached_property
    def title(self) -> str:
        """What the problem calls itself; its name where no run says it."""
        return self.known.title if self.known else self.problem

    @cached_property
    def known(self) -> Known | None:
        """Seed and baselines of this version, by the latest run that says them: they are the same for all."""
        latest = self.runs[: -MOST_ASKED - 1 : -1]
        return next((known for run in latest if (known := self._desk.known(run.id))), None)

    @cached_property
    def openings(self) -> int:
        """How often the final set of this version was opened, over all runs."""
        return self._desk.archive.final_openings(self.version)

    @cached_property
    def rows(self) -> list[Entry]:
        """All rows, best first: see `board.merged`."""
        return merged([*self._opened.values(), *self._waiting], self.objectives) if self.objectives else []

    @cached_property
    def on_final(self) -> list[Entry]:
        """The rows that are on final, best first. It takes no look at runs that were not there."""
        return merged(self._opened.values(), self.objectives) if self.objectives else []

    @cached_property
    def _opened(self) -> dict[tuple[str, int], list[Entry]]:
        """By run and opening: each compares its own champion with what was known, and a run that went on has more."""
        finals: dict[tuple[str, int], dict[str, dict[str, float]]] = defaultdict(dict)
        for row in self._desk.archive.finals(self.problem):
            if row.problem_version == self.version:
                finals[row.run_id, row.opening][row.program_id] = dict(row.metrics)
        runs = {run.id: run for run in self.runs}
        return {key: self._entries(runs[key[0]], rows) for key, rows in finals.items() if key[0] in runs}

    @property
    def _waiting(self) -> list[list[Entry]]:
        """What the latest runs that were not on final have on train; not those of comparisons, which never go there."""
        opened = {run_id for run_id, _ in self._opened}
        runs = [run for run in self.runs if run.id not in opened and TAG not in run.config]
        return [self._entries(run, {}) for run in runs[-MOST_WAITING:]]

    def _entries(self, run: RunRow, finals: dict[str, dict[str, float]]) -> list[Entry]:
        if not finals:
            train = self._desk.best_on_train(run)
        elif any(self.objectives[0].metric in row for row in finals.values()):
            train = {}
        else:
            train = self._desk.on_train(run, finals)
        return entries(run, self.known, finals, self.objectives, self.openings, train)

    @cached_property
    def shown(self) -> Objective | None:
        """The metric that people read; None without objectives."""
        if not self.objectives:
            return None
        return shown_metric(self.objectives, [row.metrics for row in self.on_final])

    @property
    def best(self) -> Entry | None:
        """The best program that a run found, on final; None where there is none yet.

        With two objectives it is the one that gains most on what is known at the same cost.
        """
        if self.shown is None:
            return None
        name = self.shown.metric
        found = [
            row for row in self.on_final if row.kind == "found" and not math.isnan(row.metrics.get(name, math.nan))
        ]
        if len(self.objectives) > 1 and any(row.gain for row in found):
            return max(found, key=lambda row: row.gain.mean if row.gain else -math.inf)
        return next(iter(found), None)
