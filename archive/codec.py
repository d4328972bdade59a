"""Records to rows. Loss-free: what `archive.reading` makes of the rows equals what was committed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from math import isfinite, isnan
from typing import Any

from evolve.core.errors import ArchiveError
from evolve.core.types import Candidate, Record, Source, Status, Ticket

Row = dict[str, Any]

NOTHING_NEW = frozenset({Status.NO_PROGRAM, Status.EDIT_FAILED, Status.UNCHANGED, Status.DUPLICATE})
"""Of records that brought no program into their run."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode
_REAL = "Commit no value that is not a number: a failed instance has no score."


def packed(value: Any) -> str:
    """Canonical JSON: sorted keys, no blanks, ASCII. Raises TypeError or ValueError for what is not JSON."""
    return _encode(dict(value) if isinstance(value, Mapping) else value)


def packed_metrics(metrics: Mapping[str, float]) -> str:
    """Metrics as canonical JSON; infinities and not-a-number, which JSON lacks, as texts."""
    values = {name: float(value) for name, value in metrics.items()}
    return _encode({name: value if isfinite(value) else repr(value) for name, value in values.items()})


def packed_source(source: Source) -> str:
    """A program as canonical JSON."""
    return _encode({"entry": source.entry, "files": dict(source.files), "language": source.language})


def digest(text: str) -> str:
    """BLAKE2b-128 of a stored text, hexadecimal."""
    return blake2b(text.encode("ascii"), digest_size=16).hexdigest()


def real(value: float | None, what: str) -> float | None:
    """A double that both databases keep: not-a-number is refused, and minus zero is zero."""
    if value is None:
        return None
    number = float(value)
    if isnan(number):
        raise ArchiveError(f"{what} is not a number", _REAL)
    return number + 0.0


def ticket_row(run_id: str, ticket: Ticket) -> Row:
    """The row of a ticket."""
    return {
        "run_id": run_id,
        "number": ticket.number,
        "kind": ticket.kind,
        "parents": _encode(ticket.parents),
        "inspirations": _encode(ticket.inspirations),
        "operator": ticket.operator,
        "model": ticket.model,
        "seed": ticket.seed,
    }


def record_row(run_id: str, record: Record) -> Row:
    """The row of a record, its candidate's source left out: whether that is stored depends on its program."""
    verdict, candidate = record.verdict, record.candidate
    return {
        "run_id": run_id,
        "number": record.number,
        "ticket_number": record.ticket.number,
        "program_id": record.program_id,
        "skeleton_id": record.skeleton_id,
        "status": verdict.status.value,
        "value": real(verdict.value, f"the value of record {record.number}"),
        "metrics": packed_metrics(verdict.metrics),
        "feedback": _encode(verdict.feedback),
        "stage": verdict.stage,
        "evaluation_set": verdict.evaluation_set,
        "outcome": real(record.outcome, f"the outcome of record {record.number}"),
        "supersedes": record.supersedes,
        "evaluations": real(record.evaluations, f"the charge of record {record.number}"),
        "source": None,
        **_candidate_columns(candidate, record.number),
    }


def _candidate_columns(candidate: Candidate | None, number: int) -> Row:
    if candidate is None:
        names = ("idea", "reply_ids", "cost_evaluations", "cost_tokens", "cost_usd")
        return dict.fromkeys(names)
    return {
        "idea": _encode(candidate.idea),
        "reply_ids": _encode(candidate.reply_ids),
        "cost_evaluations": real(candidate.cost.evaluations, f"the cost of record {number}"),
        "cost_tokens": candidate.cost.tokens,
        "cost_usd": real(candidate.cost.usd, f"the cost of record {number}"),
    }


def result_rows(run_id: str, record: Record) -> Iterable[Row]:
    """A row for each instance's result."""
    for position, result in enumerate(record.verdict.results):
        what = f"a result of record {record.number}"
        yield {
            "run_id": run_id,
            "number": record.number,
            "position": position,
            "instance_id": result.instance_id,
            "status": result.status.value,
            "score": real(result.score, what),
            "cpu_seconds": real(result.cpu_seconds, what),
            "wall_seconds": real(result.wall_seconds, what),
            "peak_bytes": result.peak_bytes,
        }


def measurement_rows(run_id: str, record: Record) -> Iterable[Row]:
    """A row for each batch of constants that was tried for the candidate."""
    for position, batch in enumerate(record.candidate.measurements if record.candidate else ()):
        yield {
            "run_id": run_id,
            "number": record.number,
            "position": position,
            "skeleton_id": batch.skeleton_id,
            "purpose": batch.purpose,
            "vectors": batch.vectors,
            "evaluations": real(batch.evaluations, f"a measurement of record {record.number}"),
            "best_loss": None if isnan(batch.best_loss) else float(batch.best_loss) + 0.0,
        }


def gate_rows(run_id: str, record: Record) -> Iterable[Row]:
    """The row of the gate's answer, where the gate was asked."""
    if promotion := record.promotion:
        yield {
            "run_id": run_id,
            "number": record.number,
            "accepted": promotion.accepted,
            "metrics": packed_metrics(promotion.metrics),
            "evaluation_set": promotion.evaluation_set,
            "reason": _encode(promotion.reason),
        }


def edge_rows(run_id: str, record: Record) -> Iterable[Row]:
    """A row for each parent and inspiration of a program that the record brought into the run."""
    ticket, child = record.ticket, record.program_id
    if child is None or ticket.kind != "expand" or record.verdict.status in NOTHING_NEW:
        return
    for role, ids in (("parent", ticket.parents), ("inspiration", ticket.inspirations)):
        for position, parent in enumerate(ids):
            yield {
                "run_id": run_id,
                "number": record.number,
                "role": role,
                "position": position,
                "child_id": child,
                "parent_id": parent,
            }
