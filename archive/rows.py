"""What reading the archive gives: frozen rows that know nothing of SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evolve.core.types import Promotion, Source, Ticket, Verdict


class RunStatus(StrEnum):
    """`RUNNING` is leased to a live process, `ENDED` was ended, `INTERRUPTED` is neither and can be resumed."""

    RUNNING = "running"
    ENDED = "ended"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as it was begun, and how it ended. Dates are ISO 8601, UTC; `seconds` is None until it ended."""

    id: str
    problem: str
    problem_version: str
    config: Mapping[str, Any]
    run_seed: int
    started_at: str
    ended_at: str | None
    stop_reason: str | None
    seconds: float | None
    status: RunStatus


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of a list of runs.

    `proposals` counts finished tickets (of kind "expand": measurements propose nothing), `evaluations` what they
    were charged, `programs` the distinct programs. `seconds` is what the run said when it ended, else the time up to
    its last sign of life. `sandboxes` says where its programs were run, in the order in which it went on in another.
    `replies` and `tokens` are what models answered, `usd` the sum of what is known to have been paid for it, `unpriced`
    the number of replies whose price is not known.
    """

    id: str
    problem: str
    started_at: str
    ended_at: str | None
    stop_reason: str | None
    status: RunStatus
    proposals: int
    evaluations: float
    programs: int
    seconds: float
    sandboxes: tuple[str, ...] = ()
    replies: int = 0
    tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class ProgramRow:
    """A program as one run knew it.

    `number` is the record that brought it into run `run_id`; `verdict` and `promotion` are what later records, which
    supersede that one or confirm it, left of it (see `archive.standing`). `parents` are program ids, `children`
    counts distinct programs of the same run that have it as a parent.
    """

    program_id: str
    skeleton_id: str | None
    source: Source
    idea: str
    run_id: str
    number: int
    verdict: Verdict
    ticket: Ticket
    promotion: Promotion | None
    parents: tuple[str, ...]
    children: int
