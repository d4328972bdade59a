"""A loop in miniature that drives a policy, for the tests of all of them."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from archive.policies import make_policy
from archive.policies.base import Choice, Policy, Terms
from evolve.core.rng import generator
from evolve.core.types import Objective, Promotion, Record, Status, Ticket, Verdict

ONE = (Objective("error", "minimize"),)
TWO = (*ONE, Objective("operations", "minimize"))
Outcome = tuple[Status, float, float, str]
# A measurement of one of the programs so far, and what it finds.
Measure = tuple[int, str]

OUTCOME = st.tuples(
    st.sampled_from([Status.OK, Status.OK, Status.OK, *Status]),
    st.sampled_from([1.0, 2.0, 3.0, 4.0]),
    st.sampled_from([1.0, 2.0, 3.0]),
    st.sampled_from(["none", "none", "accepted", "rejected", "repeated"]),
)
OUTCOMES = st.lists(OUTCOME, max_size=40)
MEASURE = st.tuples(st.integers(0, 100), st.sampled_from(["confirmed", "confirmed", "refused", "revoked"]))
STEPS = st.lists(st.one_of(OUTCOME, OUTCOME, MEASURE), max_size=60)
UNEVALUATED = [s for s in Status if s not in (Status.OK, Status.EQUIVALENT)]


def make_record(number: int, parents: Sequence[str], outcome: Outcome, program_id: str | None = None) -> Record:
    """The record of an expansion that ended so."""
    status, error, operations, kind = outcome
    scored = status.scored
    screened = status in (Status.NO_PROGRAM, Status.EDIT_FAILED, Status.UNCHANGED, Status.DUPLICATE, Status.FORBIDDEN)
    metrics = {"error": error, "operations": operations} if scored else {}
    stage = "screen" if screened else "train"
    verdict = Verdict(status, error if scored else None, metrics, stage=stage)
    promotion = Promotion(kind == "accepted", metrics, "set") if scored and kind in ("accepted", "rejected") else None
    ticket = Ticket(number, "expand", tuple(parents), (), "mutate", None, number)
    success = None if screened else float(scored and error < 3.0)
    name = program_id or (None if status is Status.NO_PROGRAM else f"p{number}")
    return Record(number, ticket, None, verdict, name, outcome=success, promotion=promotion)


def make_measured(number: int, original: Record, finding: str) -> Record:
    """The record of a measure ticket: the verdict of `original` once more, or one that supersedes it."""
    ticket = Ticket(number, "measure", (str(original.program_id),), (), "check", None, number)
    if finding == "revoked":
        verdict = Verdict(Status.FORBIDDEN, stage="check")
        return Record(number, ticket, None, verdict, original.program_id, supersedes=original.number)
    promotion = Promotion(False, original.verdict.metrics, "set") if finding == "refused" else None
    return Record(number, ticket, None, original.verdict, original.program_id, promotion=promotion)


class Play:
    """Drives a policy as the loop does, with a window of tickets in flight, and notes the names that it may use."""

    def __init__(
        self, name: str, objectives: tuple[Objective, ...] = TWO, starts: int = 1, probation: bool = False
    ) -> None:
        self.policy: Policy = make_policy(name, Terms(objectives, probation))
        self.probation = probation
        self.choices: list[Choice] = []
        self.starts = [f"p{number}" for number in range(starts)]
        # Records that brought in a scored program; programs that may be parents, and those that are trusted.
        self.scored: dict[str, Record] = {}
        self.allowed, self.trusted = set(self.starts), set(self.starts)
        self.number = 0
        for start in self.starts:
            self.scored[start] = make_record(self.number, (), (Status.OK, 2.0, 2.0, "none"))
            self.policy.plant(self.scored[start])
            self.number += 1

    def ask(self) -> Ticket:
        choice = self.policy.ask(generator(5, self.number, "policy"))
        self.choices.append(choice)
        ticket = Ticket(self.number, "expand", choice.parents, choice.inspirations, "mutate", None, self.number)
        self.policy.pending(ticket)
        self.number += 1
        return ticket

    def tell(self, ticket: Ticket, outcome: Outcome) -> None:
        repeated = "p0" if outcome[3] == "repeated" else None
        record = make_record(ticket.number, ticket.parents, outcome, repeated)
        self.policy.tell(record)
        if record.verdict.status is Status.OK and record.program_id not in (None, *self.scored):
            self.scored[str(record.program_id)] = record
            if outcome[3] != "rejected":
                self.allowed.add(str(record.program_id))
                self.trusted |= set() if self.probation else {str(record.program_id)}

    def measure(self, pick: int, finding: str) -> Record:
        """Begin to measure one of the programs so far; its record, not yet told."""
        original = list(self.scored.values())[pick % len(self.scored)]
        if finding == "revoked" and self.starts == [original.program_id]:
            finding = "confirmed"  # the last start program stays
        record = make_measured(self.number, original, finding)
        self.policy.pending(record.ticket)
        self.number += 1
        if finding == "revoked":
            self.starts = [start for start in self.starts if start != original.program_id]
        return record

    def hear(self, record: Record) -> None:
        """Tell the record of a measurement."""
        self.policy.tell(record)
        name = str(record.program_id)
        if record.supersedes is not None:
            self.allowed.discard(name)
            self.trusted.discard(name)
        elif name in self.allowed and record.promotion is None:
            self.trusted.add(name)

    def run(self, steps: Sequence[Outcome | Measure], window: int = 1) -> None:
        flying: list[Ticket | Record] = []
        for step in steps:
            if len(step) == 2:
                flying.append(self.measure(*step))
                continue
            while sum(isinstance(one, Ticket) for one in flying) < window:
                flying.append(self.ask())
                self.check()
            while isinstance(first := flying.pop(0), Record):
                self.hear(first)
            self.tell(first, step)
        for last in flying:
            self.hear(last) if isinstance(last, Record) else self.tell(last, (Status.NO_PROGRAM, 0.0, 0.0, "none"))

    def check(self) -> None:
        choice = self.choices[-1]
        assert choice.parents
        assert set(choice.parents) <= self.allowed
        assert set(choice.inspirations) <= self.trusted


def preferences(policy: Policy) -> list[Choice]:
    """What the policy would choose, drawn often; asking is all that shows its state."""
    return [policy.ask(generator(i, "preference")) for i in range(60)]
