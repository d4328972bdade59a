"""A loop in miniature that drives a policy, for the tests of all of them. Needs hypothesis.

Programs are called p0, p1, ... by the number of their ticket; of what becomes of a ticket an `Outcome` says what a
policy may look at.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from archive.policies.base import Choice, Policy, Terms
from archive.policies.guard import Guarded
from evolve.core.rng import generator
from evolve.core.types import Candidate, Objective, Promotion, Record, Result, Source, Status, Ticket, Verdict

ONE = (Objective("error", "minimize"),)
TWO = (*ONE, Objective("operations", "minimize"))
TERMS = Terms(TWO)
Make = Callable[[Terms], Policy]
Outcome = tuple[Status, float, float, str]
"""Status, the two objectives, and what befalls it: "accepted" or "rejected" by the gate, "repeated" as p0, "none"."""
Measure = tuple[int, str]
"""A measurement of one of the programs so far, and what it finds."""

UNEVALUATED = [status for status in Status if not status.scored]
OUTCOME = st.tuples(
    st.sampled_from([Status.OK, Status.OK, Status.OK, *Status]),
    st.sampled_from([1.0, 2.0, 3.0, 4.0]),
    st.sampled_from([1.0, 2.0, 3.0]),
    st.sampled_from(["none", "none", "accepted", "rejected", "repeated"]),
)
MEASURE = st.tuples(st.integers(0, 100), st.sampled_from(["confirmed", "confirmed", "refused", "revoked"]))
OUTCOMES = st.lists(OUTCOME, max_size=20)
STEPS = st.lists(st.one_of(OUTCOME, OUTCOME, MEASURE), max_size=30)

_SCREENED = (Status.NO_PROGRAM, Status.EDIT_FAILED, Status.UNCHANGED, Status.DUPLICATE, Status.FORBIDDEN)
_LATER = 10**6  # numbers of tickets that no play has reached


def make_record(number: int, parents: Sequence[str], outcome: Outcome, program_id: str | None = None) -> Record:
    """The record of an expansion that ended so."""
    status, error, operations, kind = outcome
    screened = status in _SCREENED
    metrics = {"error": error, "operations": operations} if status.scored else {}
    results = tuple(
        Result(f"i{place}", Status.OK, error + (number * 7 + place * 3) % 5 / 4.0) for place in range(3 * status.scored)
    )
    value = error if status.scored else None
    verdict = Verdict(status, value, metrics, results=results, stage="screen" if screened else "train")
    gated = status.scored and kind in ("accepted", "rejected")
    promotion = Promotion(kind == "accepted", metrics, "set") if gated else None
    ticket = Ticket(number, "expand", tuple(parents), (), "mutate", None, number)
    name = program_id or (None if status is Status.NO_PROGRAM else f"p{number}")
    source = Source({"program.py": "x" * int(number % 7 + operations)}, "f")
    candidate = Candidate(ticket, source, "") if name is not None else None
    outcome_counted = None if screened else float(status.scored and error < 3.0)
    return Record(number, ticket, candidate, verdict, name, outcome=outcome_counted, promotion=promotion)


def make_measured(number: int, original: Record, finding: str) -> Record:
    """The record of a measure ticket: the verdict of `original` once more, or one that supersedes it."""
    ticket = Ticket(number, "measure", (str(original.program_id),), (), "check", None, number)
    if finding == "revoked":
        verdict = Verdict(Status.FORBIDDEN, stage="check")
        return Record(number, ticket, None, verdict, original.program_id, supersedes=original.number)
    promotion = Promotion(False, original.verdict.metrics, "set") if finding == "refused" else None
    return Record(number, ticket, None, original.verdict, original.program_id, promotion=promotion)


class Play:
    """Drives a policy as the loop does, with a window of tickets in flight, and notes the names that it may use.

    `journal` holds its calls, `ask` left out: what a resumed run calls. With `asks` false the tickets are those of
    another play's journal, or any program's that may be a parent.
    """

    def __init__(self, make: Make, terms: Terms = TERMS, starts: int = 1) -> None:
        made = make(terms)
        self.policy = made if isinstance(made, Guarded) else Guarded(made)
        self.probation = terms.probation
        self.choices: list[Choice] = []
        self.journal: list[tuple[str, Record | Ticket]] = []
        self.starts = [f"p{number}" for number in range(starts)]
        # Records that brought in a scored program; programs that may be parents, and those that are trusted.
        self.scored: dict[str, Record] = {}
        self.allowed, self.trusted = set(self.starts), set(self.starts)
        self.number = 0
        for start in self.starts:
            self.scored[start] = make_record(self.number, (), (Status.OK, 2.0, 2.0, "none"))
            self._call("plant", self.scored[start])
            self.number += 1

    def ask(self) -> Ticket:
        """A ticket that the policy chose."""
        choice = self.policy.ask(generator(5, self.number, "policy"))
        self.choices.append(choice)
        return self.begin(choice)

    def begin(self, choice: Choice) -> Ticket:
        """A ticket of this choice, whoever made it."""
        ticket = Ticket(self.number, "expand", choice.parents, choice.inspirations, "mutate", None, self.number)
        self._call("pending", ticket)
        self.number += 1
        return ticket

    def tell(self, ticket: Ticket, outcome: Outcome) -> Record:
        """What became of a ticket."""
        record = make_record(ticket.number, ticket.parents, outcome, "p0" if outcome[3] == "repeated" else None)
        self._call("tell", record)
        name = str(record.program_id)
        if record.verdict.status is Status.OK and name not in self.scored:
            self.scored[name] = record
            if outcome[3] != "rejected":
                self.allowed.add(name)
                self.trusted |= set() if self.probation else {name}
        return record

    def measure(self, pick: int, finding: str) -> Record:
        """Begin to measure one of the programs so far; its record, not yet told."""
        original = list(self.scored.values())[pick % len(self.scored)]
        if finding == "revoked" and self.starts == [original.program_id]:
            finding = "confirmed"  # the last start program stays
        record = make_measured(self.number, original, finding)
        self._call("pending", record.ticket)
        self.number += 1
        if finding == "revoked":
            self.starts = [start for start in self.starts if start != original.program_id]
        return record

    def hear(self, record: Record) -> None:
        """Tell the record of a measurement."""
        self._call("tell", record)
        name = str(record.program_id)
        if record.supersedes is not None:
            self.allowed.discard(name)
            self.trusted.discard(name)
        elif name in self.allowed and record.promotion is None:
            self.trusted.add(name)

    def measured(self, pick: int, finding: str) -> None:
        """Measure, and hear of it at once."""
        self.hear(self.measure(pick, finding))

    def run(self, steps: Sequence[Outcome | Measure], window: int = 1) -> None:
        """One step after the other. Every fifth ticket is nobody's choice, as those are that mend or check."""
        flying: list[Ticket | Record] = []
        for step in steps:
            if len(step) == 2:
                flying.append(self.measure(*step))
                continue
            while sum(isinstance(one, Ticket) for one in flying) < window:
                if self.number % 5 == 0:
                    flying.append(self.begin(Choice((max(self.allowed),))))
                    continue
                flying.append(self.ask())
                self.check(self.choices[-1])
            while isinstance(first := flying.pop(0), Record):
                self.hear(first)
            self.tell(first, step)
        for last in flying:
            self.hear(last) if isinstance(last, Record) else self.tell(last, (Status.NO_PROGRAM, 0.0, 0.0, "none"))

    def check(self, choice: Choice) -> None:
        """The choice names what it may now."""
        assert choice.parents
        assert set(choice.parents) <= self.allowed
        assert set(choice.inspirations) <= self.trusted

    def _call(self, what: str, about: Record | Ticket) -> None:
        self.journal.append((what, about))
        replay(self.policy, self.journal[-1:])


def replay(policy: Guarded, journal: Sequence[tuple[str, Record | Ticket]]) -> None:
    """Make the calls of a journal; after each record an evaluation is spent."""
    for what, about in journal:
        getattr(policy, what)(about)
        if isinstance(about, Record):
            policy.spend(about.evaluations)


def preferences(policy: Policy, turns: int = 1) -> list[Choice]:
    """What a policy would choose, drawn often; asking is all that shows its state.

    Where members take turns, one ticket after the other is asked of a copy until each had `turns` in all.
    """
    copied = copy.deepcopy(policy) if turns > 1 else policy
    found = []
    for turn in range(turns):
        asked = [copied.ask(generator(place, turn, "preference")) for place in range(max(8, 40 // turns))]
        found += asked
        if turns > 1:
            copied.pending(Ticket(_LATER + turn, "expand", asked[0].parents, (), "mutate", None, 0))
    return found
