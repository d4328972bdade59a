"""The values that travel round the loop. All are frozen; none does input or output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from evolve.core.extent import Extent

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

    Where there are several files, the entry is `MODULE.FUNCTION`: their order says nothing. A `command` is text of any
    language that the problem's command runs; its entry is `run`.
    """

    files: Mapping[str, str]
    entry: str
    language: Language = "python"

    @property
    def function(self) -> str:
        """The name of the function to call, without its module."""
        return self.entry.rpartition(".")[2]

    @property
    def entry_file(self) -> str:
        """The file of the function to call. Raises ValueError where there are several and the entry names none."""
        module = self.entry.rpartition(".")[0]
        if module:
            return f"{module}.py"
        (name,) = self.files
        return name

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
    """The right to one proposal; journaled before work starts. `parents` and `inspirations` are program ids.

    `model` names the language model that proposes, None the offline proposer. `mends` is the record of the broken
    program that is to be repaired. `idea` is an approach that the proposal must follow, `avoid` are ideas that were in
    flight when it was asked. `told` is how many records were told by then, where that does not follow from `number`.
    """

    number: int
    kind: Literal["expand", "measure"]
    parents: tuple[str, ...]
    inspirations: tuple[str, ...]
    operator: str
    model: str | None
    seed: int
    mends: int | None = None
    idea: str = ""
    avoid: tuple[str, ...] = ()
    told: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a proposal consumed beyond its own evaluation: tuning (in evaluations), tokens and dollars.

    `usd` is None where a price is unknown, which is not zero.
    """

    evaluations: float = 0.0
    tokens: int = 0
    usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a language model answered to attempt `attempt` (from 0) of a ticket, and what that cost.

    `request` is what was sent, as plain JSON data without any key: "messages" (each with "role" and "content") and the
    sampling parameters. `digest` (BLAKE2b-128) stands for the request when a replay asks whether it is the same.
    `finish` is the provider's finish reason, such as "stop" or "length". `cached_tokens` are those of the prompt that
    the provider had cached. `usd` is None where the price is unknown.
    """

    ticket: int
    attempt: int
    model: str
    request: Mapping[str, Any]
    digest: str
    text: str
    finish: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    usd: float | None = None
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """Its name within the run."""
        return f"{self.ticket}.{self.attempt}"


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
    """A proposal that gave no program: `status` is `NO_PROGRAM`, `EDIT_FAILED` or `UNCHANGED`.

    `idea` is what it was about, as far as that is known; of a list of approaches, one a line.
    """

    ticket: Ticket
    status: Status
    reason: str
    cost: Cost = Cost()
    idea: str = ""
    reply_ids: tuple[str, ...] = ()


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
    only between verdicts of the same `evaluation_set`. `extent` is None where train is measured at once.
    """

    status: Status
    value: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    feedback: str = ""
    results: tuple[Result, ...] = ()
    stage: str = "screen"
    evaluation_set: str = ""
    extent: Extent | None = None

    def __post_init__(self) -> None:
        if self.status.scored != (self.value is not None):
            raise ValueError(f"a verdict of status {self.status} with value {self.value}")

    @property
    def evaluated(self) -> bool:
        """True where the candidate passed the screen and so cost an evaluation."""
        return self.stage != "screen"

    @property
    def share(self) -> float:
        """The share of train's runs that the metrics stand on."""
        return 1.0 if self.extent is None else self.extent.done / self.extent.total

    @property
    def whole(self) -> bool:
        """True where nothing of train is missing: what is not whole is never champion."""
        return self.extent is None or self.extent.done >= self.extent.total

    @property
    def common(self) -> Mapping[str, float]:
        """Metrics on what every scored program of the run was measured on: the first batch, or train at once."""
        return self.metrics if self.extent is None else self.extent.first


@dataclass(frozen=True, slots=True)
class Question:
    """A question that the gate was asked, counted from 1 in each run. For people alone: no search is told of it.

    `groups` is how many independent groups were compared, `fixed` whether all questions meet the same instances.
    `statistic` is Student's t of the paired differences, None where an instance failed or all groups differ alike;
    `needed` is what it had to exceed.

    Where times were compared, `groups` counts pairs of processes, `statistic` is the program's time as a share of the
    champion's, and `needed`, which is below 1, what it had to be below.
    """

    number: int
    groups: int
    fixed: bool
    statistic: float | None = None
    needed: float | None = None

    @property
    def timed(self) -> bool:
        """Whether times were compared: Student's t must exceed three at least."""
        return self.needed is not None and self.needed < 1.0


@dataclass(frozen=True, slots=True)
class Promotion:
    """The answer to a would-be champion. `question` is set where hidden instances were asked.

    `metrics` are those of the proof of an exact problem, and those of train elsewhere.
    """

    accepted: bool
    metrics: Mapping[str, float]
    evaluation_set: str
    reason: str = ""
    question: Question | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One finished ticket, as it is committed and told.

    `outcome` is the success (1.0) or not (0.0) that clade statistics pool, None where the ticket
    says nothing about its parent. `promotion` is set for those that asked the gate. `failure` is a proposal that was
    paid for and gave no program; `gain` is by how much the program's quantile among the run's scored records exceeds
    its parent's (at least 0), where models propose.
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
    failure: Failure | None = None
    gain: float | None = None

    @property
    def evaluations(self) -> float:
        """What the record is charged: one where a candidate was evaluated, or its batches, and the tuning before it."""
        tuning = self.candidate.cost.evaluations if self.candidate else 0.0
        if self.verdict.extent is not None:
            return tuning + self.verdict.extent.charge
        return tuning + (1.0 if self.candidate and self.verdict.evaluated else 0.0)


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
