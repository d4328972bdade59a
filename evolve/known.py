"""What a run knew when it began: seed and baselines, with their texts and scores, kept for who reads its archive later.

Whoever shows a run has then no need of the problem's files, and runs no program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evolve.core.types import Source
from evolve.events import ScoredProgram

if TYPE_CHECKING:
    from evolve.problem import Problem

KNOWN_EVENT = "known"
"""The event of a run's archive that holds it."""
_ID = re.compile("[0-9a-f]{1,64}")


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
    """What `known_to_json` was given. Raises ValueError, TypeError, LookupError or AttributeError for anything else."""
    programs = tuple(_program(one) for one in data["programs"])
    sources = {one["program_id"]: _source(one) for one in data["programs"]}
    if not programs:
        raise ValueError("there is no seed")
    return Known(_text(data["title"]), programs, sources)


def _program(data: Mapping[str, Any]) -> ScoredProgram:
    if not _ID.fullmatch(data["program_id"]):
        raise ValueError("a program's id has digits and letters a to f")
    metrics = {name: float(text) for name, text in data["metrics"].items()}
    return ScoredProgram(_text(data["name"]), data["program_id"], metrics)


def _source(data: Mapping[str, Any]) -> Source:
    files = {name: _text(text) for name, text in data["files"].items()}
    return Source(files, _text(data["entry"]), data["language"])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("it is no text")
    return value


def known_of(events: Sequence[tuple[str, Mapping[str, Any]]]) -> Known | None:
    """What a run knew, by its events; None for a run that did not say it, or said it as no version of this does."""
    said = next((payload for kind, payload in events if kind == KNOWN_EVENT), None)
    if said is None:
        return None
    try:
        return known_from_json(said)
    except (LookupError, TypeError, ValueError, AttributeError):  # archives are imported: whatever stands there
        return None
