"""What reading the archive gives: frozen rows that know nothing of SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from evolve.core.types import Promotion, Source, Status, Ticket, Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


@dataclass(frozen=True, slots=True)
class Improvement:
    """A record that was better than all before it: `value` is its first objective's, `evaluations` what the run had
    been charged with it, None where that is no number."""

    number: int
    program_id: str
    evaluations: float | None
    value: float


@dataclass(frozen=True, slots=True)
class Spending:
    """What the replies of one model took in a run: tokens, wall seconds, and dollars where these are known; `unpriced`
    counts the replies whose price is not."""

    replies: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    usd: float
    unpriced: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Pulse:
    """What changes with everything that a page shows. Two that are equal mean that nothing was written in between.

    `runs`, `records` and `replies` count those of the whole archive, `finals` the results of openings of final sets;
    `event` numbers the latest event, `ended` counts runs that ended, the latest at `last_end`. `live` gives the records
    of each run that has not ended, whether its process lives or not.
    """

    runs: int
    ended: int
    last_end: str | None
    records: int
    replies: int
    finals: int
    event: int
    live: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FinalRow:
    """A program's metrics on the final set of a problem version, at its so-and-so-many-eth opening (from 1)."""

    problem_version: str
    opening: int
    run_id: str
    program_id: str
    metrics: Mapping[str, float]
    opened_at: str


@dataclass(frozen=True, slots=True)
class ProgramLine:
    """A program in a list of those of a run: `number` is the record that brought it, `parents` are program ids.

    `status`, `value` and `metrics` are by the last record that superseded that one, if any did.
    """

    number: int
    program_id: str
    status: Status
    value: float | None
    metrics: Mapping[str, float]
    idea: str
    operator: str
    model: str | None
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The programs of a run [N] in the order of their records, each with its first parent.

    `numbers` are those of the records that brought them, `parents` places in these arrays, -1 where there is none.
    `statuses` are places in `STATUSES`. `values` (of the first objective) and `outcomes` are not-a-number where there
    is none; these three are by the last record that superseded the program's, if any did. `evaluations` is what the
    program's first record was charged.
    """

    numbers: NDArray[np.int64]
    program_ids: list[str]
    parents: NDArray[np.int64]
    statuses: NDArray[np.int8]
    values: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    evaluations: NDArray[np.float64]


STATUSES = tuple(Status)
"""Statuses by their place: `Tree.statuses` names them so."""


@dataclass(frozen=True, slots=True)
class Equivalent:
    """A program that computes the same as another one: the run and the record in which that was seen."""

    program_id: str
    run_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records from `first` to before `end` of a run: how many have each status, of those at its beginning that were
    counted."""

    first: int
    end: int
    counts: Mapping[Status, int]


@dataclass(frozen=True, slots=True)
class ArmSum:
    """What proposals of one operator and model (None: no model) came to: `records`, those of them that were `scored`,
    the sum of their gains, and dollars as far as they are known; the price of `unpriced` records is not."""

    model: str | None
    operator: str
    records: int
    scored: int
    gain: float
    usd: float
    unpriced: int


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """A program with its metrics on the whole of train; `refused` where the gate did not let its record pass."""

    number: int
    program_id: str
    metrics: Mapping[str, float]
    refused: bool
