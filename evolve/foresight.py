"""What a run says at its end of what it has not seen: more evaluations, and new instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from archive.store import Archive
from evaluators.posterior import Curse
from evolve.core.types import Objective, Split
from evolve.display.curve import Curve
from evolve.engine.base import Engine, Task
from evolve.events import Event, Listener, RecordCommitted, RunStarted, ScoredProgram, Spending, ignore
from evolve.luck import champions_luck
from evolve.problem import Problem
from evolve.prospect import Gain, Prospect, gain_ahead

FORESIGHT_EVENT = "foresight"
"""The event of a run's archive that holds what it said, for `evolve show`."""
DRAINED = ("exhausted", "replayed")
"""Endings after which more evaluations would bring nothing."""


class Trail:
    """A listener that keeps the course of a run, and passes each event on to `listener`. Nothing reaches the search.

    The course is (evaluations told, best figure) at the start and at each improvement. With one objective the figure is
    the best value. With two it is the largest gain on what is known at the same cost, 0 at the start: the best of the
    first objective alone is often a program that was known. Evaluations are those of the records that were told, so the
    course depends on no worker's speed.
    """

    def __init__(self, objectives: Sequence[Objective], listener: Listener = ignore) -> None:
        self.listener = listener
        self._curve = Curve(objectives)
        self._two = len(objectives) == 2
        self.told = 0.0
        self.run_id = ""
        self.front: tuple[ScoredProgram, ...] = ()
        self.spending = Spending()
        self._known: frozenset[str] = frozenset()

    def __getstate__(self) -> dict[str, object]:
        """Without the listener: whoever reads the state has one of their own."""
        return {name: value for name, value in self.__dict__.items() if name != "listener"}

    def __call__(self, event: Event) -> None:
        """Take in one event and pass it on."""
        match event:
            case RunStarted():
                self.run_id = event.run_id
                self._known = frozenset(one.program_id for one in (event.seed, *event.baselines))
                self._curve.update(event)
            case RecordCommitted():
                self.told += event.record.evaluations if event.record.ticket.kind != "measure" else 0.0
                self.front, self.spending = event.front, event.spending or self.spending
                self._curve.update(replace(event, evaluations=self.told))
        self.listener(event)

    @property
    def figure(self) -> str:
        """The name of what is best so far."""
        return self._curve.figure.metric

    @property
    def course(self) -> tuple[tuple[float, float], ...]:
        """The course so far, the figure as it is."""
        return tuple(self._curve.points())

    @property
    def champion(self) -> ScoredProgram | None:
        """The best program; None where it was known before the run, and so was selected by nobody."""
        best = self.front[0] if self.front else None
        return best if best and best.program_id not in self._known else None

    def points(self) -> list[tuple[float, float]]:
        """In order; more is better."""
        points = [(spent, -self._curve.figure.cost(value)) for spent, value in self._curve.points()]
        return [(0.0, 0.0), *points] if self._two and (not points or points[0][1] > 0.0) else points


async def foresee(
    trail: Trail, problem: Problem, engine: Engine, archive: Archive, reason: str, seconds: float
) -> tuple[Prospect | None, Curse | None]:
    """What a run of `seconds` that ended for `reason` says of more evaluations and of new instances.

    It is also put into the archive, as an event.
    """
    ahead = prospect(trail, reason, seconds)
    luck = None
    if problem.evidence == "sampled" and trail.champion and reason != "interrupted":
        records = archive.records(trail.run_id)
        luck = champions_luck(records, trail.champion.program_id, problem.objectives[0], await units(engine))
    archive.add_event(trail.run_id, FORESIGHT_EVENT, foresight_json(ahead, luck))
    return ahead, luck


async def units(engine: Engine) -> list[str]:
    """The independent unit of each run of train, in the order in which a program's results stand."""
    order: list[list[tuple[str, str]]] = await engine.run(Task("order", ()))
    groups: list[str] = [unit for batch in order for _, unit in batch]
    return groups or await engine.run(Task("groups", (Split.TRAIN,)))


def prospect(trail: Trail, reason: str, seconds: float) -> Prospect | None:
    """What as many evaluations again would bring; None where there were none, or nothing is left to be tried."""
    if reason in DRAINED or trail.told <= 0.0:
        return None
    points, spent = trail.points(), trail.spending
    gain = gain_ahead(points, trail.told)
    usd = None if spent.unpriced else spent.usd
    return Prospect(trail.figure, trail.told, max(0, len(points) - 1), gain, seconds, spent.tokens, usd)


def foresight_json(ahead: Prospect | None, curse: Curse | None) -> dict[str, Any]:
    """Both as the archive's event holds them, and as `--json` prints them; null where nothing is known."""
    return {"prospect": asdict(ahead) if ahead else None, "luck": asdict(curse) if curse else None}


def foresight_from_json(stored: Mapping[str, Any]) -> tuple[Prospect | None, Curse | None]:
    """What `foresight_json` gave. Raises KeyError or TypeError for what it never gave."""
    ahead, curse = stored["prospect"], stored["luck"]
    if ahead is not None:
        ahead = Prospect(**{**ahead, "gain": Gain(**ahead["gain"]) if ahead["gain"] else None})
    return ahead, None if curse is None else Curse(**curse)
