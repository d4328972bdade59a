"""What a run says while it goes on. Listeners only watch: nothing that they do reaches the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from evolve.core.types import Record, Status


@dataclass(frozen=True, slots=True)
class ScoredProgram:
    """A program with its metrics, for tables and fronts: a baseline, the seed, or one that was found.

    `idea` is what its proposer said of it, empty where that was nothing.
    """

    name: str
    program_id: str
    metrics: Mapping[str, float]
    idea: str = ""


@dataclass(frozen=True, slots=True)
class Spending:
    """What models have cost so far, the run's earlier parts included.

    `usd` is the sum of known prices; `unpriced` counts replies whose price is not known. `in_flight` are requests now.
    """

    replies: int = 0
    tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    in_flight: int = 0

    def __str__(self) -> str:
        if self.replies and self.unpriced == self.replies:
            return f"{self.replies:,} replies, {self.tokens:,} tokens, price unknown"
        unknown = f" and {self.unpriced:,} replies of unknown price" if self.unpriced else ""
        return f"{self.replies:,} replies, {self.tokens:,} tokens, ${self.usd:.2f}{unknown}"


@dataclass(frozen=True, slots=True)
class Preparing:
    """Seed and baselines are being evaluated: `done` of `total`. Then, where times are the score, noise is measured."""

    done: int
    total: int
    noise: bool = False


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Seed and baselines are evaluated, workers are up. `replayed` records were already in the archive."""

    run_id: str
    problem: str
    archive: str
    seed: ScoredProgram
    baselines: tuple[ScoredProgram, ...]
    evaluations_limit: float | None
    proposals_limit: int | None
    seconds_limit: float | None
    replayed: int
    usd_limit: float | None = None
    tokens_limit: int | None = None
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody is about to be asked whether the run may cost what it may cost: the screen is theirs until it starts."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that whoever looks must know before the run starts, in one sentence or two."""

    text: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The sandbox is away, and has been for `away_seconds`; it is tried again in `next_seconds`. Nothing is lost."""

    message: str
    away_seconds: float
    next_seconds: float

    def __str__(self) -> str:
        return (
            f"sandbox not available: {self.message}; trying again in {self.next_seconds:.0f} s; "
            "Ctrl-C stops, --resume continues"
        )


@dataclass(frozen=True, slots=True)
class WentOn:
    """The sandbox is back after `away_seconds`."""

    away_seconds: float

    def __str__(self) -> str:
        return f"sandbox available again, after {self.away_seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class RecordCommitted:
    """A record is durable. `front` is what is best so far (one program, or the front), best first objective first."""

    record: Record
    evaluations: float
    proposals: int
    seconds: float
    front: tuple[ScoredProgram, ...]
    spending: Spending | None = None


@dataclass(frozen=True, slots=True)
class Recalled:
    """A run goes on from a snapshot: of the records in it no events come, `latest` is the last of them. `counts` are
    the proposals in it, by status, `course` the improvements: evaluations and the best figure."""

    latest: RecordCommitted
    counts: Mapping[Status, int]
    course: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class FinalProgress:
    """The final check is `done` of `total` units through, `seconds` after its start."""

    done: int
    total: int
    seconds: float
    programs: int


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over and everything that it found is durable. `final` maps program id to final metrics."""

    run_id: str
    stop_reason: str
    evaluations: float
    proposals: int
    seconds: float
    front: tuple[ScoredProgram, ...]
    final: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    final_seconds: float = 0.0
    note: str = ""
    """Why it stopped in a sentence, where the reason alone does not say it."""


Event = (
    Warned | Preparing | Asking | RunStarted | Recalled | Paused | WentOn | RecordCommitted | FinalProgress | RunEnded
)
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener that watches nothing."""


def both(first: Listener, second: Listener) -> Listener:
    """A listener that tells each event to two, in this order."""

    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell
