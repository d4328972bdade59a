"""The values that travel round the loop. All are frozen; none does input or output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Direction = Literal["minimize", "maximize"]
Language = Literal["python", "command"]


class Status(StrEnum):
    """What became of a candidate. Only `OK` and `EQUIVALENT` carry a score; failures never become numbers."""

    OK = "ok"
    EQUIVALENT = "equivalent"
    INVALID = "invalid"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    OUTPUT_FLOOD = "output_flood"
    FORBIDDEN = "forbidden"
    NO_PROGRAM = "no_program"
    EDIT_FAILED = "edit_failed"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"

    @property
    def scored(self) -> bool:
        """True where a verdict of this status has a value."""
        return self in (Status.OK, Status.EQUIVALENT)


class Split(StrEnum):
    """Disjoint sets of instances: two for the search, one each for promotion, comparison and belief."""

    PROBE = "probe"
    TRAIN = "train"
    GATE = "gate"
    REPORT = "report"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Source:
    """A program: its files, the name of the function to call, and its language.

    A `command` is text of any language that the problem's command runs; its entry is `run`.
    """

    files: Mapping[str, str]
    entry: str
    language: Language = "python"

    @property
    def main(self) -> str:
        """Text of the only file. Raises ValueError where there are several."""
        (text,) = self.files.values()
        return text

    def with_main(self, text: str) -> Source:
        """The same program with the text of its only file replaced."""
        (name,) = self.files
        return Source({name: text}, self.entry, self.language)


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to one proposal; journaled before work starts. `parents` and `inspirations` are program ids."""

    number: int
    kind: Literal["expand", "measure"]
    parents: tuple[str, ...]
    inspirations: tuple[str, ...]
    operator: str
    model: str | None
    seed: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a proposal consumed beyond its own evaluation: tuning (in evaluations), tokens and dollars."""

    evaluations: float = 0.0
    tokens: int = 0
    usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Measurement:
    """A batch of constant vectors that a proposer tried on one lifted program; told to no policy.

    `evaluations` is what the batch is charged: each vector the share of train's points that it was tried on.
    """

    skeleton_id: str
    purpose: str
    vectors: int
    evaluations: float
    best_loss: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed program, the idea behind it, and what proposing it cost."""

    ticket: Ticket
    source: Source
    idea: str
    reply_ids: tuple[str, ...] = ()
    cost: Cost = Cost()
    measurements: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A proposal that gave no program: `status` is `NO_PROGRAM`, `EDIT_FAILED` or `UNCHANGED`."""

    ticket: Ticket
    status: Status
    reason: str
    cost: Cost = Cost()


@dataclass(frozen=True, slots=True)
class Result:
    """What one instance gave. `score` is None unless `status` is ok."""

    instance_id: str
    status: Status
    score: float | None
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a program is worth on one evaluation set.

    `value` is the first objective's metric, None for every failure. Values may be compared
    only between verdicts of the same `evaluation_set`.
    """

    status: Status
    value: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    feedback: str = ""
    results: tuple[Result, ...] = ()
    stage: str = "screen"
    evaluation_set: str = ""

    def __post_init__(self) -> None:
        if self.status.scored != (self.value is not None):
            raise ValueError(f"a verdict of status {self.status} with value {self.value}")

    @property
    def evaluated(self) -> bool:
        """True where the candidate passed the screen and so cost an evaluation."""
        return self.stage != "screen"


@dataclass(frozen=True, slots=True)
class Promotion:
    """The gate's answer to a would-be champion, on the gate's own evaluation set."""

    accepted: bool
    metrics: Mapping[str, float]
    evaluation_set: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One finished ticket, as it is committed and told.

    `outcome` is the success (1.0) or not (0.0) that clade statistics pool, None where the ticket
    says nothing about its parent. `promotion` is set for those that asked the gate.
    """

    number: int
    ticket: Ticket
    candidate: Candidate | None
    verdict: Verdict
    program_id: str | None
    skeleton_id: str | None = None
    outcome: float | None = None
    promotion: Promotion | None = None
    supersedes: int | None = None

    @property
    def evaluations(self) -> float:
        """What the record is charged: one where a candidate was evaluated, and the tuning before it."""
        if self.candidate is None:
            return 0.0
        return self.candidate.cost.evaluations + (1.0 if self.verdict.evaluated else 0.0)


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric and the direction in which it is better."""

    metric: str
    direction: Direction

    def cost(self, value: float) -> float:
        """The value with its sign chosen so that less is better."""
        return value if self.direction == "minimize" else -value


@dataclass(frozen=True, slots=True)
class Instance:
    """One case of a problem. `args` go to the candidate, `truth` never does; `group` is the independent unit."""

    id: str
    group: str
    args: tuple[Any, ...]
    truth: Any = None


@dataclass(frozen=True, slots=True)
class Score:
    """A verifier's reading of one output."""

    value: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    feedback: str = ""
