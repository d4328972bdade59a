"""What a run's final check said, as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from archive.rows import RunRow
from evolve.core.types import Objective
from evolve.display.final_table import final_grids, final_sentence
from evolve.display.grid import Column, Grid, Row
from evolve.display.text import SHORT_ID, metric_text
from evolve.events import ScoredProgram
from evolve.final import FLOOR
from evolve.web.board import is_own
from evolve.web.desk import Desk, objectives

Finals = Mapping[str, Mapping[str, float]]
MOST_ROWS = 200
MOST_METRICS = 12


@dataclass(frozen=True, slots=True)
class FinalCheck:
    """Seed and baselines with what they had on train, the programs found, the champion first, and metrics on final."""

    objectives: tuple[Objective, ...]
    seed: ScoredProgram
    baselines: tuple[ScoredProgram, ...]
    front: tuple[ScoredProgram, ...]
    final: Finals

    @property
    def sentence(self) -> str:
        """Who is beaten beyond doubt; empty where no intervals were made."""
        try:
            return final_sentence(self)
        except KeyError:
            return ""

    @property
    def grids(self) -> list[Grid]:
        """The tables of `evolve run`; where the check made no intervals, or not for all, one of all metrics."""
        try:
            return final_grids(self) or [self._plain()]
        except KeyError:
            return [self._plain()]

    @property
    def links(self) -> dict[str, str]:
        """Addresses of programs by what the first cell of a row says."""
        named = {one.name: one.program_id for one in (self.seed, *self.baselines)}
        found = {one: one for one in self.final if one != FLOOR}
        front = {f"found {one.program_id[:SHORT_ID]}": one.program_id for one in self.front}
        return {name: f"/programs/{one}" for name, one in (found | named | front).items()}

    def _plain(self) -> Grid:
        names = {one.program_id: one.name for one in (self.seed, *self.baselines)}
        names |= {one.program_id: f"found {one.program_id[:SHORT_ID]}" for one in self.front}
        first = self.objectives[0]
        wanted = dict.fromkeys([*(one.metric for one in self.objectives), *_own(self.final)])
        metrics = [name for name in wanted if any(name in row for row in self.final.values())][:MOST_METRICS]
        rows = [
            Row((names.get(one, one), *(metric_text(name, row.get(name)) for name in metrics)))
            for one, row in sorted(self.final.items(), key=lambda one: (self._cost(first, one[1]), one[0] in names))
        ][:MOST_ROWS]
        heads = [Column("program", right=False), *(Column(name.replace("_", " ")) for name in metrics)]
        return Grid("final", heads, rows)

    @staticmethod
    def _cost(objective: Objective, metrics: Mapping[str, float]) -> float:
        """For an order: what is not known is last, as what is not a number."""
        value = metrics.get(objective.metric, math.inf)
        return math.inf if math.isnan(value) or objective.metric not in metrics else objective.cost(value)


def _own(finals: Finals) -> list[str]:
    return sorted({name for row in finals.values() for name in row if is_own(name)})


def final_check(desk: Desk, run: RunRow) -> FinalCheck | None:
    """The latest final check of a run; None where there was none, or the run did not say what it looked for or knew."""
    known, openings, wanted = desk.known(run.id), desk.openings(run), objectives(run)
    if known is None or not openings or not wanted:
        return None
    finals = openings[-1]
    names = {one.program_id for one in known.programs}
    found = [one for one in finals if one not in names and one != FLOOR]
    # The champion is ahead of itself by nothing; a start program may be it.
    champions = [one for one, row in finals.items() if row.get("ahead") == 0.0 == row.get("ahead_low")]
    order = dict.fromkeys([*sorted(champions, key=lambda one: one in names)[:1], *found])
    front = tuple(ScoredProgram(one[:SHORT_ID], one, finals[one]) for one in order)
    return FinalCheck(wanted, known.programs[0], known.programs[1:], front, finals)
