"""What a run knew when it began: seed and baselines, with their texts and scores, kept for who reads its archive later.

Whoever shows a run has then no need of the problem's files, and runs no program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evolve.core.types import Source
from evolve.events import ScoredProgram

if TYPE_CHECKING:
    from evolve.problem import Problem

KNOWN_EVENT = "known"
"""The event of a run's archive that holds it."""


@dataclass(frozen=True, slots=True)
class Known:
    """`programs` are the seed and the baselines after it, scored on train; `sources` their texts by program id."""

    title: str
    programs: tuple[ScoredProgram, ...]
    sources: Mapping[str, Source]


def known_to_json(problem: Problem, programs: Sequence[ScoredProgram]) -> dict[str, Any]:
    """The event of a run of `problem` that begins with these programs, the seed first."""
    texts = {programs[0].name: problem.seed, **problem.baselines}
    rows = [
        {
            "name": one.name,
            "program_id": one.program_id,
            "metrics": {name: repr(float(value)) for name, value in one.metrics.items()},
            "files": dict(texts[one.name].files),
            "entry": texts[one.name].entry,
            "language": texts[one.name].language,
        }
        for one in programs
    ]
    return {"title": problem.title, "programs": rows}


def known_from_json(data: Mapping[str, Any]) -> Known:
    """What `known_to_json` was given."""
    programs = tuple(
        ScoredProgram(one["name"], one["program_id"], {name: float(text) for name, text in one["metrics"].items()})
        for one in data["programs"]
    )
    sources = {one["program_id"]: Source(one["files"], one["entry"], one["language"]) for one in data["programs"]}
    return Known(data["title"], programs, sources)


def known_of(events: Sequence[tuple[str, Mapping[str, Any]]]) -> Known | None:
    """What a run knew, by its events; None for a run that did not say it."""
    said = next((payload for kind, payload in events if kind == KNOWN_EVENT), None)
    return None if said is None else known_from_json(said)
