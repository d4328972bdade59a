"""What every policy keeps to, whatever it prefers."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.policies import POLICIES, make_policy
from archive.policies.base import Choice, Policy
from evolve.core.errors import UsageError
from evolve.core.rng import generator
from evolve.core.types import Objective, Promotion, Record, Status, Ticket, Verdict

pytestmark = pytest.mark.parametrize("name", sorted(POLICIES))

ONE = (Objective("error", "minimize"),)
TWO = (*ONE, Objective("operations", "minimize"))
Outcome = tuple[Status, float, float, str]

OUTCOMES = st.lists(
    st.tuples(
        st.sampled_from([Status.OK, Status.OK, Status.OK, *Status]),
        st.sampled_from([1.0, 2.0, 3.0, 4.0]),
        st.sampled_from([1.0, 2.0, 3.0]),
        st.sampled_from(["none", "none", "accepted", "rejected", "repeated"]),
    ),
    max_size=40,
)
UNEVALUATED = [s for s in Status if s not in (Status.OK, Status.EQUIVALENT)]


def _record(number: int, parents: Sequence[str], outcome: Outcome, program_id: str | None = None) -> Record:
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


class Play:
    """Drives a policy as the loop does, with a window of tickets in flight, and notes the names that it may use."""

    def __init__(self, name: str, objectives: tuple[Objective, ...] = TWO, starts: int = 1) -> None:
        self.policy: Policy = make_policy(name, objectives)
        self.choices: list[Choice] = []
        self.allowed: set[str] = set()
        self.number = 0
        for _ in range(starts):
            record = _record(self.number, (), (Status.OK, 2.0, 2.0, "none"))
            self.policy.plant(record)
            self.allowed.add(f"p{self.number}")
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
        record = _record(ticket.number, ticket.parents, outcome, repeated)
        self.policy.tell(record)
        if record.verdict.status is Status.OK and outcome[3] != "rejected" and record.program_id is not None:
            self.allowed.add(record.program_id)

    def run(self, outcomes: list[Outcome], window: int = 1) -> None:
        flying: list[Ticket] = []
        for outcome in outcomes:
            while len(flying) < window:
                flying.append(self.ask())
                self.check()
            self.tell(flying.pop(0), outcome)
        for ticket in flying:
            self.tell(ticket, (Status.NO_PROGRAM, 0.0, 0.0, "none"))

    def check(self) -> None:
        choice = self.choices[-1]
        assert choice.parents and {*choice.parents, *choice.inspirations} <= self.allowed


def _preferences(policy: Policy) -> list[Choice]:
    """What the policy would choose, drawn often; asking is all that shows its state."""
    return [policy.ask(generator(i, "preference")) for i in range(60)]


@settings(max_examples=60, deadline=None)
@given(OUTCOMES, st.integers(1, 8), st.integers(1, 3))
def test_asks_name_only_start_programs_and_those_told_ok(
    name: str, outcomes: list[Outcome], window: int, starts: int
) -> None:
    Play(name, starts=starts).run(outcomes, window)


@settings(max_examples=40, deadline=None)
@given(OUTCOMES, st.integers(1, 8))
def test_replaying_the_calls_gives_the_same_asks(name: str, outcomes: list[Outcome], window: int) -> None:
    one, other = Play(name), Play(name)
    one.run(outcomes, window)
    other.run(outcomes, window)
    assert one.choices == other.choices
    assert _preferences(one.policy) == _preferences(other.policy)


@settings(max_examples=40, deadline=None)
@given(OUTCOMES, st.integers(1, 8))
def test_asking_changes_nothing(name: str, outcomes: list[Outcome], window: int) -> None:
    play = Play(name)
    play.run(outcomes, window)
    before = pickle.dumps(play.policy)
    _preferences(play.policy)
    assert pickle.dumps(play.policy) == before


@settings(max_examples=40, deadline=None)
@given(OUTCOMES, st.sampled_from([s for s in UNEVALUATED if s.value in ("no_program", "duplicate", "unchanged")]))
def test_a_record_that_was_not_evaluated_leaves_no_trace(name: str, outcomes: list[Outcome], status: Status) -> None:
    play = Play(name)
    play.run(outcomes)
    before = pickle.dumps(play.policy)
    tickets = [play.ask() for _ in range(5)]
    for ticket in tickets:
        play.tell(ticket, (status, 0.0, 0.0, "none"))
    assert pickle.dumps(play.policy) == before


def test_a_failure_becomes_no_parent_and_no_inspiration(name: str) -> None:
    for status in (*UNEVALUATED, Status.EQUIVALENT):
        play = Play(name)
        for _ in range(10):
            play.tell(play.ask(), (status, 0.1, 0.1, "none"))
        assert {i for c in _preferences(play.policy) for i in (*c.parents, *c.inspirations)} == {"p0"}


def test_a_program_that_the_gate_rejected_becomes_no_parent(name: str) -> None:
    play = Play(name)
    play.tell(play.ask(), (Status.OK, 0.1, 0.1, "rejected"))
    assert {i for c in _preferences(play.policy) for i in c.parents} == {"p0"}


def test_a_program_planted_or_told_twice_is_one_program(name: str) -> None:
    play = Play(name)
    play.tell(play.ask(), (Status.OK, 0.1, 0.1, "repeated"))
    assert {i for c in _preferences(play.policy) for i in (*c.parents, *c.inspirations)} == {"p0"}


def test_all_start_programs_of_the_front_are_chosen(name: str) -> None:
    policy = make_policy(name, TWO)
    for number, (error, operations) in enumerate([(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]):
        policy.plant(_record(number, (), (Status.OK, error, operations, "none")))
    assert {c.parents[0] for c in _preferences(policy)} == {"p0", "p1", "p2"}


def test_a_node_without_success_stays_selectable(name: str) -> None:
    play = Play(name, starts=2)
    for _ in range(60):
        play.tell(play.ask(), (Status.CRASHED, 0.0, 0.0, "none"))
    # Both start programs are equally good, and the hill keeps the first of equals.
    assert {c.parents[0] for c in _preferences(play.policy)} == ({"p0"} if name == "hill" else {"p0", "p1"})


def test_one_objective_is_enough(name: str) -> None:
    play = Play(name, ONE)
    play.run([(Status.OK, error, 1.0, "none") for error in (4.0, 1.0, 3.0, 0.5)], window=2)
    expected = {"hill": {"p4"}, "independent": {"p0"}}.get(name)
    parents = {c.parents[0] for c in _preferences(play.policy)}
    assert parents == expected if expected else len(parents) > 2


def test_an_unknown_policy_is_refused_with_the_names(name: str) -> None:
    with pytest.raises(UsageError, match="there is no policy") as caught:
        make_policy(f"{name}s", ONE)
    assert name in caught.value.remedy
