"""What a caller who evaluates on machines of their own tells, and how the archive keeps it until it is a record."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from itertools import takewhile
from numbers import Real
from typing import Any

from evolve.core.errors import CallOrderError, UsageError
from evolve.core.types import Candidate, Cost, Measurement, Record, Source, Status, Ticket, Verdict
from evolve.events import ScoredProgram
from evolve.problem import Problem
from evolve.programs import SEED, screened

TOLD = "told"
"""Stage of a verdict that a caller told, and the key that marks a run of such verdicts in its configuration."""

ASKED_EVENT, TOLD_EVENT = "asked", "told"

FAILURES = (
    Status.INVALID,
    Status.CRASHED,
    Status.TIMED_OUT,
    Status.OUT_OF_MEMORY,
    Status.OUTPUT_FLOOD,
    Status.FORBIDDEN,
)
"""What a caller may tell of a program that has no score."""


def evaluation_set(version: str) -> str:
    """The name under which told scores are compared: BLAKE2b-128 of the problem's version, and that they were told."""
    return blake2b(f"{version}|{TOLD}".encode(), digest_size=16).hexdigest()


def check_kind(run_id: str, begun: object, wanted: str | None) -> None:
    """Raises UsageError where a run is to go on in another way than it was begun: by whom evaluated and proposed."""
    if begun == wanted:
        return
    if begun is None:
        raise UsageError(f"run {run_id} is evaluated by Evolve itself", f"Continue it: evolve run --resume {run_id}.")
    if wanted is None:
        raise UsageError(
            f"run {run_id} is evaluated by its caller", f"Continue it in Python: evolve.Search(resume={run_id!r})."
        )
    remedy = "Give Search the same proposer again." if begun == "given" else "Leave the proposer out."
    raise UsageError(f"run {run_id} was begun with another proposer", remedy)


def told_verdict(
    problem: Problem, metrics: Mapping[str, float] | None, failure: str | None, status: Status | str | None
) -> Verdict:
    """The verdict of a told program: its metrics, or why it has none.

    Raises:
        UsageError: neither or both are given, an objective is missing, a value is no finite number, or the status
            is none of `FAILURES`.
    """
    if (metrics is None) == (failure is None and status is None):
        raise UsageError("tell() takes either metrics or a failure", 'Give one: tell(7, failure="out of memory").')
    if metrics is not None:
        checked = _checked(problem, metrics)
        value = checked[problem.objectives[0].metric]
        return Verdict(Status.OK, value, checked, stage=TOLD, evaluation_set=evaluation_set(problem.version))
    allowed = ", ".join(one.value for one in FAILURES)
    if status is not None and status not in FAILURES:
        raise UsageError(f"{str(status)!r} is no status of a failure", f"Choose one of {allowed}.")
    what = Status.INVALID if status is None else Status(status)
    if failure is not None and not isinstance(failure, str):
        raise UsageError(f"the failure {failure!r} is no text", "Say in words what went wrong.")
    return Verdict(what, feedback=failure or "", stage=TOLD, evaluation_set=evaluation_set(problem.version))


def _checked(problem: Problem, metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics as finite doubles. Raises UsageError for the first that is not."""
    wanted = [objective.metric for objective in problem.objectives]
    if not isinstance(metrics, Mapping):
        raise UsageError(f"metrics are no {type(metrics).__name__}", f"Give a mapping: {{{wanted[0]!r}: 1.5}}.")
    missing = [name for name in wanted if name not in metrics]
    if missing:
        raise UsageError(f"the metrics lack {missing[0]!r}", f"Tell every objective: {', '.join(wanted)}.")
    checked = {}
    for name, value in metrics.items():
        number = _finite(value)
        if not isinstance(name, str) or number is None:
            raise UsageError(
                f"the metric {name!r} is {value!r}, which is no finite number under a name",
                "A program without a score is a failure: tell(number, failure='why').",
            )
        checked[name] = number + 0.0  # minus zero is zero
    return checked


def _finite(value: object) -> float | None:
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def verdict_to_json(number: int, verdict: Verdict) -> dict[str, Any]:
    """The event that keeps a told verdict."""
    told = {"status": verdict.status.value, "metrics": dict(verdict.metrics), "failure": verdict.feedback}
    return {"number": number, **told}


def verdict_from_json(problem: Problem, data: Mapping[str, Any]) -> Verdict:
    """What `verdict_to_json` was given."""
    if data["metrics"]:
        return told_verdict(problem, data["metrics"], None, None)
    return told_verdict(problem, None, data["failure"], data["status"])


def candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    """The event that keeps a program while it is evaluated elsewhere: what is told must meet the same program."""
    source, cost = candidate.source, candidate.cost
    return {
        "number": candidate.ticket.number,
        "source": {"files": dict(source.files), "entry": source.entry, "language": source.language},
        "idea": candidate.idea,
        "reply_ids": list(candidate.reply_ids),
        "cost": [cost.evaluations, cost.tokens, cost.usd],
        # Losses may be infinite, which JSON lacks.
        "measurements": [
            [one.skeleton_id, one.purpose, one.vectors, one.evaluations, repr(float(one.best_loss))]
            for one in candidate.measurements
        ],
    }


def candidate_from_json(ticket: Ticket, data: Mapping[str, Any]) -> Candidate:
    """What `candidate_to_json` was given."""
    batches = tuple(
        Measurement(skeleton_id, purpose, vectors, evaluations, float(best_loss))
        for skeleton_id, purpose, vectors, evaluations, best_loss in data["measurements"]
    )
    replies = tuple(data["reply_ids"])
    return Candidate(ticket, Source(**data["source"]), data["idea"], replies, Cost(*data["cost"]), batches)


def told_programs(problem: Problem, records: Iterable[Record]) -> tuple[ScoredProgram, tuple[ScoredProgram, ...]]:
    """The seed and those baselines that a run started from, with the metrics that were told of them.

    Raises CallOrderError where nothing was told of the seed yet.
    """
    starts = takewhile(lambda record: record.ticket.operator == "start", records)
    told = {one.program_id: one.verdict.metrics for one in starts if one.verdict.status is Status.OK}
    named = [(name, screened(problem, name).program_id) for name in (SEED, *problem.baselines)]
    programs = [ScoredProgram(name, known, told[known]) for name, known in named if known in told]
    if not programs or programs[0].name != SEED:
        raise CallOrderError("nothing was told of the seed program yet", "Ask for proposal 0, and tell its metrics.")
    return programs[0], tuple(programs[1:])
