"""What a picture of a run is drawn from, read from the archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evolve.core.types import Objective, Record, Status
from evolve.display.ladder import shown_objective
from evolve.display.text import SHORT_ID
from evolve.events import ScoredProgram

if TYPE_CHECKING:
    from archive.store import Archive


@dataclass(frozen=True, slots=True)
class RunPicture:
    """What a picture is drawn from.

    `history` holds, in order, the metrics of each record that was scored on all of train, and the evaluations spent
    until then.
    `shown` is the metric on the vertical axis; the first objective, or one that reads better.
    """

    title: str
    objectives: tuple[Objective, ...]
    shown: Objective
    seed: ScoredProgram
    baselines: tuple[ScoredProgram, ...]
    front: tuple[ScoredProgram, ...]
    history: tuple[tuple[float, Mapping[str, float]], ...]


def run_picture(
    archive: Archive,
    run_id: str,
    title: str,
    objectives: tuple[Objective, ...],
    seed: ScoredProgram,
    baselines: tuple[ScoredProgram, ...],
) -> RunPicture:
    """The picture of a run, named by its full id. `title` is of the problem; seed and baselines are as on train."""
    from archive.standing import standing  # SQLAlchemy loads with it

    records = list(archive.records(run_id))
    front = front_of(records, objectives)
    history = []
    evaluations = 0.0
    for record in standing(records):
        evaluations += record.evaluations
        refused = record.promotion is not None and not record.promotion.accepted
        if record.verdict.status is Status.OK and record.verdict.whole and not refused:
            history.append((evaluations, record.verdict.metrics))
    shown = shown_objective(objectives, [seed, *baselines, *front])
    words = f"{title}: run {run_id}, {evaluations:,.0f} evaluations"
    return RunPicture(words, objectives, shown, seed, baselines, tuple(front), tuple(history))


def front_of(records: Iterable[Record], objectives: Sequence[Objective]) -> list[ScoredProgram]:
    """The programs that passed the gate and that no other one dominates, best first objective first.

    Compared are the metrics that the gate proved, shown are those of train, as the search does. With one
    objective it is the best program alone.
    """
    from archive.standing import standing  # SQLAlchemy loads with it

    front: list[tuple[tuple[float, ...], ScoredProgram]] = []
    for record in standing(records):
        if record.promotion is None or not record.promotion.accepted or record.program_id is None:
            continue
        costs = tuple(objective.cost(record.promotion.metrics[objective.metric]) for objective in objectives)
        front = [(other, program) for other, program in front if not _covers(costs, other)]
        idea = record.candidate.idea if record.candidate else ""
        name = record.program_id[:SHORT_ID]
        front.append((costs, ScoredProgram(name, record.program_id, record.verdict.metrics, idea)))
    return [program for _, program in sorted(front, key=lambda pair: pair[0])]


def _covers(better: tuple[float, ...], worse: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(better, worse, strict=True))
