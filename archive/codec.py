"""Records to rows. Loss-free: what `archive.reading` makes of the rows equals what was committed.

What no row can be made of raises TypeError, ValueError or whatever reading its values raises: see `bounds.alone`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from json.encoder import encode_basestring_ascii as _quoted
from math import isfinite, isnan
from typing import Any

from evolve.core.extent import Extent
from evolve.core.types import Candidate, Failure, ModelReply, Question, Record, Source, Status, Ticket

Row = dict[str, Any]

NOTHING_NEW = frozenset({Status.NO_PROGRAM, Status.EDIT_FAILED, Status.UNCHANGED, Status.DUPLICATE})
"""Of records that brought no program into their run."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def packed(value: Any) -> str:
    """Canonical JSON: sorted keys, no blanks, ASCII. Raises TypeError or ValueError for what is not JSON."""
    return _encode(dict(value) if isinstance(value, Mapping) else value)


# Texts and flat objects are put together here: an encoder is made for each value otherwise, which takes longer than all
# the rest.


def packed_text(text: str) -> str:
    """A text as JSON. Raises TypeError for what is none."""
    return _quoted(text)


def packed_texts(texts: Iterable[str]) -> str:
    """A list of texts as JSON. Raises TypeError for what is none."""
    if isinstance(texts, str):
        raise TypeError("one text where several are due")
    return f"[{','.join(map(_quoted, texts))}]"


def packed_metrics(metrics: Mapping[str, float]) -> str:
    """Metrics as canonical JSON; infinities and not-a-number, which JSON lacks, as texts."""
    values = {name: float(metrics[name]) for name in sorted(metrics)}
    return _object({name: repr(value) if isfinite(value) else f'"{value!r}"' for name, value in values.items()})


def _object(packed: Mapping[str, str]) -> str:
    """An object of values that are packed, in their order."""
    return f"{{{','.join([f'{_quoted(name)}:{value}' for name, value in packed.items()])}}}"


def packed_extent(extent: Extent) -> str:
    """How much of train a verdict stands on, as JSON."""
    counts = {"done": extent.done, "total": extent.total, "new": extent.new}
    return _encode({**counts, "first": packed_metrics(extent.first)})


def packed_source(source: Source) -> str:
    """A program as canonical JSON."""
    files = _object({name: _quoted(source.files[name]) for name in sorted(source.files)})
    return _object({"entry": _quoted(source.entry), "files": files, "language": _quoted(source.language)})


def digest(text: str) -> str:
    """BLAKE2b-128 of a stored text, hexadecimal."""
    return blake2b(text.encode("ascii"), digest_size=16).hexdigest()


def real(value: float | None, what: str) -> float | None:
    """A double that both databases keep: not-a-number is refused, and minus zero is zero."""
    if value is None:
        return None
    if isinstance(value, (str, bytes, bool)):
        raise TypeError(f"{what} is {type(value).__name__}")
    number = float(value)
    if isnan(number):
        raise ValueError(f"{what} is not a number")
    return number + 0.0


def price(usd: float | None, what: str) -> float | None:
    """Dollars, None where they are unknown. Raises ValueError for less than nothing and for not-a-number."""
    if usd is not None and usd < 0.0:
        raise ValueError(f"{what} is {usd} dollars")
    return real(usd, what)


def ticket_row(run_id: str, ticket: Ticket) -> Row:
    """The row of a ticket."""
    return {
        "run_id": run_id,
        "number": ticket.number,
        "kind": ticket.kind,
        "parents": packed_texts(ticket.parents),
        "inspirations": packed_texts(ticket.inspirations),
        "operator": ticket.operator,
        "model": ticket.model,
        "seed": ticket.seed,
        "mends": ticket.mends,
        "idea": packed_text(ticket.idea) if ticket.idea else None,
        "avoid": packed_texts(ticket.avoid) if ticket.avoid else None,
        "told": ticket.told,
    }


def record_row(run_id: str, record: Record) -> Row:
    """The row of a record, its candidate's source left out: whether that is stored depends on its program."""
    verdict = record.verdict
    return {
        "run_id": run_id,
        "number": record.number,
        "ticket_number": record.ticket.number,
        "program_id": record.program_id,
        "skeleton_id": record.skeleton_id,
        "status": verdict.status.value,
        "value": real(verdict.value, f"the value of record {record.number}"),
        "metrics": packed_metrics(verdict.metrics),
        "feedback": packed_text(verdict.feedback),
        "stage": verdict.stage,
        "evaluation_set": verdict.evaluation_set,
        "outcome": real(record.outcome, f"the outcome of record {record.number}"),
        "supersedes": record.supersedes,
        "evaluations": real(record.evaluations, f"the charge of record {record.number}"),
        "source": None,
        "gain": real(record.gain, f"the gain of record {record.number}"),
        "extent": None if verdict.extent is None else packed_extent(verdict.extent),
        **_proposal_columns(record.candidate or record.failure, record.number),
    }


def _proposal_columns(proposal: Candidate | Failure | None, number: int) -> Row:
    if proposal is None:
        names = ("idea", "reply_ids", "cost_evaluations", "cost_tokens", "cost_usd", "failed")
        return dict.fromkeys(names)
    return {
        "idea": packed_text(proposal.idea),
        "reply_ids": packed_texts(proposal.reply_ids),
        "cost_evaluations": real(proposal.cost.evaluations, f"the cost of record {number}"),
        "cost_tokens": proposal.cost.tokens,
        "cost_usd": real(proposal.cost.usd, f"the cost of record {number}"),
        "failed": isinstance(proposal, Failure) or None,
    }


def reply_row(run_id: str, reply: ModelReply) -> tuple[Row, list[Row]]:
    """The row of a reply, and those of its messages."""
    rows, messages = [], []
    for message in reply.request.get("messages", ()):
        content = packed_text(message["content"])
        key = digest(content)
        rows.append({"digest": key, "content": content})
        messages.append({**message, "content": key})
    row = {
        "run_id": run_id,
        "ticket_number": reply.ticket,
        "attempt": reply.attempt,
        "model": reply.model,
        "request": packed({**reply.request, "messages": messages}),
        "digest": reply.digest,
        "text": packed_text(reply.text),
        "finish": reply.finish,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "cached_tokens": reply.cached_tokens,
        "usd": price(reply.usd, f"the price of reply {reply.id}"),
        "seconds": real(reply.seconds, f"the time of reply {reply.id}"),
    }
    return row, rows


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
            "accepted": bool(promotion.accepted),
            "metrics": packed_metrics(promotion.metrics),
            "evaluation_set": promotion.evaluation_set,
            "reason": packed_text(promotion.reason),
            **_question(promotion.question),
        }


def _question(question: Question | None) -> Row:
    if question is None:
        return dict.fromkeys(("question", "group_count", "fixed", "statistic", "needed"))
    figures = {"statistic": question.statistic, "needed": question.needed}
    return {"question": question.number, "group_count": question.groups, "fixed": question.fixed, **figures}


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
