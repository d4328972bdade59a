"""A run as lines of JSON: what was searched and found, nothing of when, where and how fast.

The first line is the run, then come its programs, each before the first record that uses it, and its
records in order of number, and last the final results. Keys are sorted and there are no blanks, so equal
runs give equal bytes, with any number of workers and however commits were grouped. Times, memory, host,
dates and the run's id are left out, and so are settings that change cost alone (`COURSELESS`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from archive.codec import packed
from evolve.core.types import Candidate, Promotion, Record, Source, Ticket, Verdict

if TYPE_CHECKING:
    from archive.store import Archive

VERSION = 1
"""Of the lines' form; stands in the first."""

COURSELESS = frozenset({"workers", "engine", "archive", "cache", "folder", "sandbox", "confinement"})
"""Settings at the top of a run's configuration that do not change what is searched, or name places."""


def lines(archive: Archive, run_id: str) -> Iterator[str]:
    """The lines of a run, without line ends. Raises `UsageError` where there is no such run."""
    run = archive.run(run_id)
    yield packed(
        {
            "type": "run",
            "version": VERSION,
            "problem": run.problem,
            "problem_version": run.problem_version,
            "run_seed": run.run_seed,
            "config": {key: value for key, value in run.config.items() if key not in COURSELESS},
            "stop_reason": run.stop_reason,
        }
    )
    sources: dict[str, Source] = {}
    for record in archive.records(run.id):
        candidate, program = record.candidate, record.program_id
        if candidate is not None and program is not None and program not in sources:
            sources[program] = candidate.source
            yield packed({"type": "program", "program_id": program, **_source(candidate.source)})
        known = sources.get(program) if program is not None else None
        yield packed(_record(record, known))
    for program, metrics in sorted(archive.final_results(run.id).items()):
        yield packed({"type": "final", "program_id": program, "metrics": _metrics(metrics)})


def _record(record: Record, known: Source | None) -> dict[str, Any]:
    return {
        "type": "record",
        "number": record.number,
        "ticket": _ticket(record.ticket),
        "candidate": _candidate(record.candidate, known) if record.candidate else None,
        "verdict": _verdict(record.verdict),
        "program_id": record.program_id,
        "skeleton_id": record.skeleton_id,
        "outcome": _number(record.outcome),
        "promotion": _promotion(record.promotion) if record.promotion else None,
        "supersedes": record.supersedes,
    }


def _source(source: Source) -> dict[str, Any]:
    return {"files": dict(source.files), "entry": source.entry, "language": source.language}


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "kind": ticket.kind,
        "parents": ticket.parents,
        "inspirations": ticket.inspirations,
        "operator": ticket.operator,
        "model": ticket.model,
        "seed": ticket.seed,
    }


def _candidate(candidate: Candidate, known: Source | None) -> dict[str, Any]:
    """The candidate; `source` is null where it is the text on its program's line."""
    cost = candidate.cost
    return {
        "source": None if candidate.source == known else _source(candidate.source),
        "idea": candidate.idea,
        "reply_ids": candidate.reply_ids,
        "cost": {"evaluations": _number(cost.evaluations), "tokens": cost.tokens, "usd": _number(cost.usd)},
        "measurements": [
            {
                "skeleton_id": batch.skeleton_id,
                "purpose": batch.purpose,
                "vectors": batch.vectors,
                "evaluations": _number(batch.evaluations),
                "best_loss": _number(batch.best_loss),
            }
            for batch in candidate.measurements
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "status": verdict.status.value,
        "value": _number(verdict.value),
        "metrics": _metrics(verdict.metrics),
        "feedback": verdict.feedback,
        "results": [
            {"instance_id": result.instance_id, "status": result.status.value, "score": _number(result.score)}
            for result in verdict.results
        ],
        "stage": verdict.stage,
        "evaluation_set": verdict.evaluation_set,
    }


def _promotion(promotion: Promotion) -> dict[str, Any]:
    return {
        "accepted": promotion.accepted,
        "metrics": _metrics(promotion.metrics),
        "evaluation_set": promotion.evaluation_set,
        "reason": promotion.reason,
    }


def _metrics(metrics: Mapping[str, float]) -> dict[str, float | str | None]:
    return {name: _number(value) for name, value in metrics.items()}


def _number(value: float | None) -> float | str | None:
    """A number as JSON has it; infinities and not-a-number as texts."""
    return value if value is None or isfinite(value) else repr(value)
