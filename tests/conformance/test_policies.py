"""What every policy keeps to, whatever it prefers."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_play import ONE, OUTCOMES, STEPS, TWO, UNEVALUATED, Measure, Outcome, Play, make_record, preferences

from archive.policies import POLICIES, make_policy
from archive.policies.base import Terms
from evolve.core.errors import UsageError
from evolve.core.types import Status

pytestmark = pytest.mark.parametrize("name", sorted(POLICIES))


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(1, 8), st.integers(1, 3), st.booleans())
def test_asks_name_only_start_programs_and_those_told_ok_and_not_revoked(
    name: str, steps: list[Outcome | Measure], window: int, starts: int, probation: bool
) -> None:
    play = Play(name, starts=starts, probation=probation)
    play.run(steps, window)
    for choice in preferences(play.policy):
        play.choices.append(choice)
        play.check()


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 8), st.booleans())
def test_replaying_the_calls_gives_the_same_asks(
    name: str, steps: list[Outcome | Measure], window: int, probation: bool
) -> None:
    one, other = Play(name, probation=probation), Play(name, probation=probation)
    one.run(steps, window)
    other.run(steps, window)
    assert one.choices == other.choices
    assert preferences(one.policy) == preferences(other.policy)


@settings(max_examples=40, deadline=None)
@given(OUTCOMES, st.integers(1, 8))
def test_asking_changes_nothing(name: str, outcomes: list[Outcome], window: int) -> None:
    play = Play(name)
    play.run(outcomes, window)
    before = pickle.dumps(play.policy)
    preferences(play.policy)
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
        assert {i for c in preferences(play.policy) for i in (*c.parents, *c.inspirations)} == {"p0"}


def test_a_program_that_the_gate_rejected_becomes_no_parent(name: str) -> None:
    play = Play(name)
    play.tell(play.ask(), (Status.OK, 0.1, 0.1, "rejected"))
    assert {i for c in preferences(play.policy) for i in c.parents} == {"p0"}


def test_a_program_planted_or_told_twice_is_one_program(name: str) -> None:
    play = Play(name)
    play.tell(play.ask(), (Status.OK, 0.1, 0.1, "repeated"))
    assert {i for c in preferences(play.policy) for i in (*c.parents, *c.inspirations)} == {"p0"}


def test_all_start_programs_of_the_front_are_chosen(name: str) -> None:
    policy = make_policy(name, Terms(TWO))
    for number, (error, operations) in enumerate([(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)]):
        policy.plant(make_record(number, (), (Status.OK, error, operations, "none")))
    assert {c.parents[0] for c in preferences(policy)} == {"p0", "p1", "p2"}


def test_a_node_without_success_stays_selectable(name: str) -> None:
    play = Play(name, starts=2)
    for _ in range(60):
        play.tell(play.ask(), (Status.CRASHED, 0.0, 0.0, "none"))
    # Both start programs are equally good, and the hill keeps the first of equals.
    assert {c.parents[0] for c in preferences(play.policy)} == ({"p0"} if name == "hill" else {"p0", "p1"})


def test_one_objective_is_enough(name: str) -> None:
    play = Play(name, ONE)
    play.run([(Status.OK, error, 1.0, "none") for error in (4.0, 1.0, 3.0, 0.5)], window=2)
    expected = {"hill": {"p4"}, "independent": {"p0"}}.get(name)
    parents = {c.parents[0] for c in preferences(play.policy)}
    assert parents == expected if expected else len(parents) > 2


def test_an_unknown_policy_is_refused_with_the_names(name: str) -> None:
    with pytest.raises(UsageError, match="there is no policy") as caught:
        make_policy(f"{name}s", Terms(ONE))
    assert name in caught.value.remedy
