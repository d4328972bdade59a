"""What every policy keeps to when programs are measured again: on probation, confirmed, revoked."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_play import OUTCOME, STEPS, Measure, Outcome, Play, make_measured, make_record, preferences

from archive.policies import POLICIES
from archive.policies.base import Policy
from evolve.core.errors import ProblemError
from evolve.core.rng import generator
from evolve.core.types import Record, Status, Verdict

pytestmark = pytest.mark.parametrize("name", sorted(POLICIES))


def choices(policy: Policy) -> tuple[set[str], set[str]]:
    """All parents and all inspirations that the policy would choose."""
    asked = preferences(policy)
    return {i for c in asked for i in c.parents}, {i for c in asked for i in c.inspirations}


@pytest.mark.parametrize("probation", [False, True])
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(OUTCOME, st.sampled_from([None, None, 0, 1, 5, 100]), st.booleans()), max_size=30))
def test_a_revoked_program_leaves_no_trace(
    name: str, probation: bool, told: list[tuple[Outcome, int | None, bool]]
) -> None:
    """One policy meets cheats that are revoked some records later, the other hears at once that they are none."""
    cheated, warned = Play(name, probation=probation), Play(name, probation=probation)
    due: list[tuple[int, Record]] = []
    for at, (outcome, delay, confirmed) in enumerate(told):
        ticket = warned.ask()  # which never names a cheat
        cheated.policy.pending(ticket)
        record = make_record(ticket.number, ticket.parents, outcome)
        if record.verdict.status is not Status.OK or delay is None:
            for play in (cheated, warned):
                play.policy.tell(record)
                if record.verdict.status is Status.OK and confirmed:
                    play.policy.tell(make_measured(1000 + at, record, "confirmed"))
        else:
            cheated.policy.tell(record)
            warned.policy.tell(replace(record, verdict=Verdict(Status.FORBIDDEN), outcome=None, promotion=None))
            if confirmed:
                cheated.policy.tell(make_measured(1000 + at, record, "confirmed"))
            due.append((at + delay, record))
        for _, cheat in [one for one in due if one[0] <= at]:
            cheated.policy.tell(make_measured(2000 + at, cheat, "revoked"))
        due = [one for one in due if one[0] > at]
    for _, cheat in due:
        cheated.policy.tell(make_measured(3000, cheat, "revoked"))
    assert preferences(cheated.policy) == preferences(warned.policy)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.integers(0, 100), st.booleans())
def test_a_measurement_under_way_and_one_that_says_nothing_new_leave_no_trace(
    name: str, steps: list[Outcome | Measure], pick: int, probation: bool
) -> None:
    play = Play(name, starts=2, probation=probation)
    play.run(steps)
    before = pickle.dumps(play.policy)
    record = play.measure(pick, "confirmed")
    assert pickle.dumps(play.policy) == before
    play.hear(record)
    if not probation:
        assert pickle.dumps(play.policy) == before
    before = pickle.dumps(play.policy)
    play.hear(record)
    assert pickle.dumps(play.policy) == before
    for _ in range(2):
        before = pickle.dumps(play.policy)
        play.hear(make_measured(play.number, play.scored[str(record.program_id)], "revoked"))
    assert pickle.dumps(play.policy) == before


def test_on_probation_a_program_may_be_a_parent_but_no_inspiration_before_it_is_confirmed(name: str) -> None:
    play = Play(name, probation=True)
    for _ in range(8):
        play.tell(play.ask(), (Status.OK, 0.1, 0.1, "none"))
    parents, inspirations = choices(play.policy)
    assert inspirations == {"p0"}
    assert (parents == {"p0"}) == (name != "clade")
    play.hear(play.measure(1, "refused"))
    assert choices(play.policy)[1] == {"p0"}
    play.hear(play.measure(2, "confirmed"))
    expected = {"clade": {"p0", "p2"}, "hill": {"p2"}, "independent": {"p0"}}.get(name, {"p0", "p2"})
    assert choices(play.policy)[1] == expected


@pytest.mark.parametrize("probation", [False, True])
def test_a_child_of_a_program_revoked_meanwhile_is_told_like_any_other(name: str, probation: bool) -> None:
    play = Play(name, probation=probation)
    play.tell(play.ask(), (Status.OK, 0.5, 0.5, "none"))
    play.hear(play.measure(1, "confirmed"))
    flying = [play.ask() for _ in range(40)]
    late = [ticket for ticket in flying if ticket.parents == ("p1",)]
    assert bool(late) == (name != "independent")
    play.hear(play.measure(1, "revoked"))
    for ticket in late:
        play.tell(ticket, (Status.OK, 0.1, 0.1, "none"))
        play.hear(play.measure(len(play.scored) - 1, "confirmed"))
    parents, inspirations = choices(play.policy)
    assert "p1" not in parents | inspirations
    children = {f"p{ticket.number}" for ticket in late}
    assert bool(parents & children) == (name != "independent")


@pytest.mark.parametrize("probation", [False, True])
@pytest.mark.parametrize("findings", [["revoked"], ["confirmed", "revoked"], ["refused", "revoked"]])
def test_a_revoked_program_stays_revoked(name: str, probation: bool, findings: list[str]) -> None:
    play = Play(name, probation=probation)
    play.tell(play.ask(), (Status.OK, 0.1, 0.1, "none"))
    for finding in [*findings, "confirmed"]:
        play.hear(play.measure(1, finding))
    ticket = play.ask()
    play.policy.tell(make_record(ticket.number, ticket.parents, (Status.OK, 0.1, 0.1, "none"), "p1"))
    play.hear(play.measure(1, "confirmed"))
    assert choices(play.policy) == ({"p0"}, {"p0"})


def test_the_last_start_program_can_be_revoked_where_others_are_left(name: str) -> None:
    play = Play(name)
    play.tell(play.ask(), (Status.OK, 0.5, 0.5, "none"))
    play.policy.tell(make_measured(50, play.scored["p0"], "revoked"))
    if name != "independent":
        assert choices(play.policy) == ({"p1"}, {"p1"})
        play.policy.tell(make_measured(51, play.scored["p1"], "revoked"))
    with pytest.raises(ProblemError, match="every start program was revoked"):
        play.policy.ask(generator(1, "none"))
