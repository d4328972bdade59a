"""What each finished run is worth: its course, and its champions on the report split, which no search has seen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from archive.rows import RunRow
from archive.store import Archive
from evaluators.cascade import Evaluator
from evaluators.screen import screen_baseline
from evolve.choice import CHOICE_EVENT
from evolve.comparison.figure import BestSoFar, Figure, best_so_far
from evolve.comparison.plan import Trial
from evolve.core.types import Source, Status
from evolve.engine.base import Engine, Task
from evolve.picture import front_of

AT_ONCE = 32
EVENT = "report"
"""The kind of the event of a run in which its worth is kept."""


@dataclass(frozen=True, slots=True)
class Worth:
    """A run's course on train, and the figure of its champions on report; `final` is None where they failed there.

    `programs` are the champions, `failure` says of the first that failed how it did.
    """

    course: BestSoFar
    final: float | None
    programs: tuple[str, ...]
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for the archive."""
        course = {"spent": list(self.course.spent), "values": list(self.course.values)}
        return {"course": course, "final": self.final, "programs": list(self.programs), "failure": self.failure}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Worth:
        """What `to_json` gave."""
        course = BestSoFar(tuple(data["course"]["spent"]), tuple(data["course"]["values"]))
        return cls(course, data["final"], tuple(data["programs"]), data["failure"])


Answer = tuple[Status, Mapping[str, float], str]
Ask = Callable[[Source], Awaitable[Answer]]
"""Status, metrics and feedback of a program on report."""


def asking(engine: Engine) -> Ask:
    """Programs are measured by the engine."""

    async def ask(source: Source) -> Answer:
        answer: Answer = await engine.run(Task("report", (source,)))
        return answer

    return ask


def in_place(evaluator: Evaluator) -> Ask:
    """Arithmetic is measured where it is asked."""

    async def ask(source: Source) -> Answer:
        return evaluator.report(screen_baseline(source).program)

    return ask


async def worths(
    archive: Archive,
    runs: Mapping[Trial, RunRow],
    ask: Ask,
    figure: Figure,
    in_usd: bool,
    progress: Callable[[int, int], None],
) -> dict[Trial, Worth]:
    """The worth of every run; what the archive does not hold yet is measured, and kept there."""
    done = 0

    async def worth(trial: Trial, run: RunRow) -> Worth:
        nonlocal done
        events = dict(archive.events(run.id))  # the last of each kind
        if EVENT in events:
            found = Worth.from_json(events[EVENT])
        else:
            found = await _measured(archive, run.id, ask, figure, in_usd, events.get(CHOICE_EVENT))
            archive.add_event(run.id, EVENT, found.to_json())
        done += 1
        progress(done, len(runs))
        return found

    # Few at a time: the records of a run are many, and all runs together would not fit into memory.
    gate = asyncio.Semaphore(AT_ONCE)

    async def in_turn(trial: Trial, run: RunRow) -> Worth:
        async with gate:
            return await worth(trial, run)

    found = await asyncio.gather(*(in_turn(trial, run) for trial, run in runs.items()))
    archive.flush()
    return dict(zip(runs, found, strict=True))


async def _measured(
    archive: Archive, run_id: str, ask: Ask, figure: Figure, in_usd: bool, choice: Mapping[str, Any] | None
) -> Worth:
    records = list(archive.records(run_id))
    course = best_so_far(records, figure, in_usd)
    sources = {record.program_id: record.candidate.source for record in records if record.candidate}
    champions = [one.program_id for one in front_of(records, figure.objectives)]
    if choice is not None:
        champions = [str(choice["program"]["program_id"])]
    answers = await asyncio.gather(*(ask(sources[one]) for one in champions))
    good = [metrics for status, metrics, _ in answers if status is Status.OK]
    failure = next((f"{status}: {text}" for status, _, text in answers if status is not Status.OK), "")
    return Worth(course, figure.value(good), tuple(champions), failure)
