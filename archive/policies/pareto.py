"""Parents are programs that lead somewhere, though none of them need be the best on the whole.

Instance-wise fronts after GEPA (Agrawal and others 2025, arXiv 2507.19457), or the front of the objectives.
"""

from __future__ import annotations

from typing import Literal

from archive.front import Costs
from archive.leads import InstanceLeads, Leads, ObjectiveLeads, Scores, drawn
from archive.policies.base import Choice, nothing_left
from archive.policies.history import History
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record

Fronts = Literal["auto", "instances", "objectives"]
_Case = tuple[Costs, Scores]


class Pareto(History[_Case]):
    """Parents by how much they lead: on how many instances, or at how many levels of the second objective.

    `fronts` "auto" is "objectives" where there are two, and "instances" elsewhere. On probation a program may lead
    before it is confirmed, and every other parent is one of the trusted.
    """

    def __init__(self, objectives: tuple[Objective, ...], probation: bool = False, fronts: Fronts = "auto") -> None:
        self._objectives = objectives
        self._by_objectives = fronts == "objectives" or (fronts == "auto" and len(objectives) > 1)
        super().__init__(probation)

    def ask(self, rng: Generator) -> Choice:
        """A program that leads, and another as inspiration."""
        first, second = (self._trusted, self._all) if rng.random() < 0.5 else (self._all, self._trusted)
        parent = drawn(first, rng) or drawn(second, rng)
        if parent is None:
            raise nothing_left()
        inspiration = drawn(self._trusted, rng)
        return Choice((parent,), () if inspiration is None else (inspiration,))

    def _keep(self, record: Record) -> _Case:
        metrics, results, first = record.verdict.metrics, record.verdict.results, self._objectives[0]
        costs = tuple(objective.cost(metrics[objective.metric]) for objective in self._objectives)
        if self._by_objectives:
            return costs, {}
        return costs, {one.instance_id: first.cost(one.score) for one in results if one.score is not None}

    def _clear(self) -> None:
        self._trusted = self._made()
        self._all = self._made() if self._probation else self._trusted

    def _made(self) -> Leads:
        return ObjectiveLeads() if self._by_objectives else InstanceLeads()

    def _open(self, name: str, kept: _Case) -> None:
        if self._probation:
            self._all.add(name, *kept)

    def _trust(self, name: str, kept: _Case) -> None:
        self._trusted.add(name, *kept)
