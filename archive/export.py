"""A run as lines of JSON: what was searched and found, nothing of when, where and how fast.

The first line is the run, then come its programs, each before the first record that uses it, and its
records in order of number, and last the final results. Keys are sorted and there are no blanks, so equal
runs give equal bytes, with any number of workers and however commits were grouped. Times, memory, host,
dates and the run's id are left out, and so are settings that change cost alone (`COURSELESS`). Infinities and
not-a-number, which JSON lacks, are the texts "inf", "-inf" and "nan"; what is unknown is null.
With replies, the tickets and replies follow, and an end that seals the lines before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from hashlib import blake2b
from math import isfinite
from typing import TYPE_CHECKING, Any

from archive.codec import packed
from evolve.core.extent import Extent
from evolve.core.types import Candidate, Cost, ModelReply, Promotion, Record, Source, Ticket, Verdict

if TYPE_CHECKING:
    from archive.rows import RunRow
    from archive.store import Archive

VERSION = 1
"""Of the lines' form; stands in the first."""

COURSELESS = frozenset(
    {
        "workers",
        "engine",
        "archive",
        "cache",
        "folder",
        "sandbox",
        "confinement",
        "prompts_folder",
        "replay",
        "objectives",
    }
)
"""Settings at the top of a run's configuration that do not change what is searched, name places, or follow from the
problem's version."""


def lines(archive: Archive, run_id: str, replies: bool = False) -> Iterator[str]:
    """The lines of a run, without line ends; with `replies` those of its tickets and of what models answered, too.

    A file with these can be replayed: see `archive.replay`. Raises `UsageError` where there is no such run.
    """
    seal = Seal()
    for line in _lines(archive, archive.run(run_id), replies):
        text = packed(line)
        yield text
        seal.add(text)
    if replies:
        yield packed(seal.line())


class Seal:
    """Number and digest of a recording's lines, so that one that was cut off or changed is known for it."""

    def __init__(self) -> None:
        self._count = 0
        self._hash = blake2b(digest_size=16)

    def add(self, text: str) -> None:
        """Take in a line, without its end."""
        self._count += 1
        self._hash.update(text.encode(errors="surrogatepass") + b"\n")

    def line(self) -> dict[str, Any]:
        """The last line."""
        return {"type": "end", "lines": self._count, "digest": self._hash.hexdigest()}


def _lines(archive: Archive, run: RunRow, replies: bool) -> Iterator[dict[str, Any]]:
    yield {
        "type": "run",
        "version": VERSION,
        "problem": run.problem,
        "problem_version": run.problem_version,
        "run_seed": run.run_seed,
        "config": {key: value for key, value in run.config.items() if key not in COURSELESS},
        "stop_reason": run.stop_reason,
    }
    sources: dict[str, Source] = {}
    for record in archive.records(run.id):
        candidate, program = record.candidate, record.program_id
        if candidate is not None and program is not None and program not in sources:
            sources[program] = candidate.source
            yield {"type": "program", "program_id": program, **_source(candidate.source)}
        known = sources.get(program) if program is not None else None
        yield _record(record, known)
    for program, metrics in sorted(archive.final_results(run.id).items()):
        yield {"type": "final", "program_id": program, "metrics": _metrics(metrics)}
    if replies:
        # A run that goes on adds while this reads: the replies are read before the tickets that they name.
        answers = archive.replies(run.id)
        for ticket in archive.tickets(run.id):
            yield {"type": "ticket", "ticket": _ticket(ticket)}
        for reply in answers:
            yield {"type": "reply", **_reply(reply)}


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
        **_of_models(record),
    }


def _of_models(record: Record) -> dict[str, Any]:
    """What only records of runs with models have."""
    found: dict[str, Any] = {} if record.gain is None else {"gain": _number(record.gain)}
    if (failure := record.failure) is not None:
        found["failure"] = {"idea": failure.idea, "reply_ids": failure.reply_ids, "cost": _cost(failure.cost)}
    return found


def _reply(reply: ModelReply) -> dict[str, Any]:
    """All of it but how long it took."""
    values = {field.name: getattr(reply, field.name) for field in fields(reply) if field.name != "seconds"}
    return values | {"usd": _number(reply.usd)}


def _cost(cost: Cost) -> dict[str, Any]:
    return {"evaluations": _number(cost.evaluations), "tokens": cost.tokens, "usd": _number(cost.usd)}


def _source(source: Source) -> dict[str, Any]:
    return {"files": dict(source.files), "entry": source.entry, "language": source.language}


_SELDOM = ("mends", "idea", "avoid", "told")


def _ticket(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "kind": ticket.kind,
        "parents": ticket.parents,
        "inspirations": ticket.inspirations,
        "operator": ticket.operator,
        "model": ticket.model,
        "seed": ticket.seed,
        # Only what is set, so that runs without models read as they always did.
        **{name: value for name in _SELDOM if (value := getattr(ticket, name)) not in (None, "", ())},
    }


def _candidate(candidate: Candidate, known: Source | None) -> dict[str, Any]:
    """The candidate; `source` is null where it is the text on its program's line."""
    return {
        "source": None if candidate.source == known else _source(candidate.source),
        "idea": candidate.idea,
        "reply_ids": candidate.reply_ids,
        "cost": _cost(candidate.cost),
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
        # Only where train is measured in batches, so that other runs read as they always did.
        **({} if verdict.extent is None else {"extent": _extent(verdict.extent)}),
    }


def _extent(extent: Extent) -> dict[str, Any]:
    return {"done": extent.done, "total": extent.total, "new": extent.new, "first": _metrics(extent.first)}


def _promotion(promotion: Promotion) -> dict[str, Any]:
    return {
        "accepted": promotion.accepted,
        "metrics": _metrics(promotion.metrics),
        "evaluation_set": promotion.evaluation_set,
        "reason": promotion.reason,
        **({"question": asdict(promotion.question)} if promotion.question else {}),
    }


def _metrics(metrics: Mapping[str, float]) -> dict[str, float | str | None]:
    return {name: _number(value) for name, value in metrics.items()}


def _number(value: float | None) -> float | str | None:
    """A number as JSON has it; infinities and not-a-number as texts."""
    return value if value is None or isfinite(value) else repr(value)
