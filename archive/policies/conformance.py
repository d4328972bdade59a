"""The contract of `archive.policies.base` as tests, for whoever writes a policy. Needs pytest and hypothesis.

Subclass `PolicyConformance` in a test module, say how the policy is made, and run pytest::

    class TestMine(PolicyConformance):
        def make(self, terms):
            return Mine(terms.objectives, terms.probation)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.policies.base import Choice, Policy, Terms
from archive.policies.guard import Guarded
from archive.policies.play import (
    ONE,
    OUTCOME,
    OUTCOMES,
    STEPS,
    TERMS,
    TWO,
    UNEVALUATED,
    Measure,
    Outcome,
    Play,
    make_measured,
    make_record,
    preferences,
    replay,
)
from evolve.core.errors import CallOrderError, ProblemError
from evolve.core.rng import generator
from evolve.core.types import Record, Status, Verdict

__all__ = ["PolicyConformance"]

PROBATIONS = pytest.mark.parametrize("probation", [False, True])


# Of each test there is one function and many classes; and a busy machine is no fault of a policy.
_CHECKS = [HealthCheck.differing_executors, HealthCheck.too_slow]


def _often(examples: int) -> Callable[[Any], Any]:
    return settings(max_examples=examples, deadline=None, suppress_health_check=_CHECKS)


class PolicyConformance:
    """Runs over any policy. `turns` is how many tickets it takes until each of those who take turns had one; `learns`
    is false for one that chooses start programs alone."""

    turns = 1
    learns = True

    def make(self, terms: Terms) -> Policy:
        """The policy, for a run of these terms."""
        raise NotImplementedError

    # -- order of calls

    def test_unknown_and_repeated_tickets_are_refused(self) -> None:
        """And nothing comes of them. A revocation alone may be told without its ticket."""
        play = self.play()
        told = play.tell(play.ask(), (Status.OK, 1.0, 1.0, "none"))
        flying, before = play.ask(), self.preferences(play)
        stranger = make_record(50, ("p0",), (Status.OK, 0.5, 0.5, "none"))
        for record in (told, stranger, make_measured(51, told, "confirmed")):
            with pytest.raises(CallOrderError, match="is not pending"):
                play.policy.tell(record)
        for ticket in (told.ticket, flying, play.scored["p0"].ticket):
            with pytest.raises(CallOrderError, match="is not newer"):
                play.policy.pending(ticket)
        with pytest.raises(CallOrderError, match="planted after"):
            play.policy.plant(stranger)
        assert self.preferences(play) == before
        revocation = make_measured(52, told, "revoked")
        play.policy.tell(revocation)
        with pytest.raises(CallOrderError):
            play.policy.tell(revocation)

    def test_a_start_program_is_planted_once(self) -> None:
        play = self.play()
        with pytest.raises(CallOrderError, match="is not newer"):
            play.policy.plant(play.scored["p0"])

    # -- what may be chosen

    @_often(12)
    @given(STEPS, st.integers(1, 8), st.integers(1, 3), st.booleans(), st.sampled_from([12.0, float("inf")]))
    def test_asks_name_only_start_programs_and_those_told_ok_and_not_revoked(
        self, steps: list[Outcome | Measure], window: int, starts: int, probation: bool, evaluations: float
    ) -> None:
        """And on probation inspirations are confirmed. Whatever of the budget is spent."""
        play = self.play(Terms(TWO, probation, evaluations), starts)
        play.run(steps, window)
        for choice in self.preferences(play):
            play.check(choice)

    def test_a_failure_becomes_no_parent_and_no_inspiration(self) -> None:
        for status in (*UNEVALUATED, Status.EQUIVALENT):
            play = self.play()
            for _ in range(10):
                play.tell(play.ask(), (status, 0.1, 0.1, "none"))
            assert self.chosen(play) == ({"p0"}, {"p0"})

    def test_a_program_that_the_gate_rejected_becomes_no_parent(self) -> None:
        play = self.play()
        play.tell(play.ask(), (Status.OK, 0.1, 0.1, "rejected"))
        assert self.chosen(play)[0] == {"p0"}

    def test_a_program_planted_or_told_twice_is_one_program(self) -> None:
        play = self.play()
        play.tell(play.ask(), (Status.OK, 0.1, 0.1, "repeated"))
        assert self.chosen(play) == ({"p0"}, {"p0"})

    def test_a_better_program_is_chosen_by_what_learns(self) -> None:
        for terms in (Terms(ONE), Terms(TWO)):
            play = self.play(terms)
            for number in range(2 * self.turns):
                play.tell(play.ask(), (Status.OK, 1.0 / (number + 2), 1.0, "none"))
            assert (self.chosen(play)[0] != {"p0"}) == self.learns

    # -- determinism

    @_often(12)
    @given(STEPS, st.integers(1, 8), st.booleans(), st.sampled_from([12.0, float("inf")]))
    def test_a_resumed_policy_is_where_it_was(
        self, steps: list[Outcome | Measure], window: int, probation: bool, evaluations: float
    ) -> None:
        """It gets the same calls, but for `ask`, which changes nothing; and asked again it chooses the same."""
        terms = Terms(TWO, probation, evaluations)
        live, again, resumed = self.play(terms), self.play(terms), self.guarded(terms)
        live.run(steps, window)
        again.run(steps, window)
        replay(resumed, live.journal)
        assert live.choices == again.choices
        assert self.preferences(live) == self.preferences(again) == preferences(resumed, self.turns)

    @_often(6)
    @given(OUTCOMES, st.sampled_from([Status.NO_PROGRAM, Status.DUPLICATE, Status.UNCHANGED]))
    def test_a_record_that_was_not_evaluated_leaves_no_trace(self, outcomes: list[Outcome], status: Status) -> None:
        """But that it was somebody's turn."""
        play = self.play()
        play.run(outcomes)
        before = self.preferences(play)
        tickets = [play.ask() for _ in range(self.turns * 2)]
        for ticket in tickets:
            play.tell(ticket, (status, 0.0, 0.0, "none"))
        assert self.preferences(play) == before

    # -- measurements

    @PROBATIONS
    @_often(12)
    @given(st.lists(st.tuples(OUTCOME, st.sampled_from([None, None, 0, 1, 5, 100]), st.booleans()), max_size=25))
    def test_a_revoked_program_leaves_no_trace(
        self, probation: bool, told: list[tuple[Outcome, int | None, bool]]
    ) -> None:
        """One policy meets cheats that are revoked some records later, the other hears at once that they are none."""
        cheated, warned = self.play(Terms(TWO, probation)), self.play(Terms(TWO, probation))
        due: list[tuple[int, Record]] = []
        for at, (outcome, delay, confirmed) in enumerate(told):
            ticket = warned.ask()  # which never names a cheat
            cheated.begin(Choice(ticket.parents, ticket.inspirations))
            record = make_record(ticket.number, ticket.parents, outcome)
            is_scored = record.verdict.status is Status.OK
            hears: tuple[Play, ...] = (cheated, warned)
            cheated.policy.tell(record)
            if is_scored and delay is not None:
                hears = (cheated,)
                due.append((at + delay, record))
                warned.policy.tell(replace(record, verdict=Verdict(Status.FORBIDDEN), outcome=None, promotion=None))
            else:
                warned.policy.tell(record)
            for play in hears if is_scored and confirmed else ():
                _measured(play, record, "confirmed")
            for _, cheat in [one for one in due if one[0] <= at]:
                _measured(cheated, cheat, "revoked")
            due = [one for one in due if one[0] > at]
            warned.number = cheated.number
        for _, cheat in due:
            _measured(cheated, cheat, "revoked")
        assert self.preferences(cheated) == self.preferences(warned)

    @_often(6)
    @given(STEPS, st.integers(0, 100), st.booleans())
    def test_a_measurement_under_way_and_one_that_says_nothing_new_leave_no_trace(
        self, steps: list[Outcome | Measure], pick: int, probation: bool
    ) -> None:
        play = self.play(Terms(TWO, probation), starts=2)
        play.run(steps)
        before = self.preferences(play)
        record = play.measure(pick, "confirmed")
        assert self.preferences(play) == before
        play.hear(record)
        if not probation:
            assert self.preferences(play) == before
        for finding in ("confirmed", "revoked"):
            play.measured(pick, finding)
            before = self.preferences(play)
            play.measured(pick, finding)
            assert self.preferences(play) == before

    def test_on_probation_a_program_is_no_inspiration_before_it_is_confirmed(self) -> None:
        play = self.play(Terms(TWO, True))
        for _ in range(self.turns):
            play.tell(play.ask(), (Status.OK, 0.1, 0.1, "none"))
            play.tell(play.ask(), (Status.OK, 0.1, 0.1, "none"))
            play.measured(len(play.scored) - 1, "refused")
        assert self.chosen(play)[1] == {"p0"}
        for pick in range(len(play.scored)):
            play.measured(pick, "confirmed")
        assert (self.chosen(play)[1] != {"p0"}) == self.learns

    @PROBATIONS
    def test_a_child_of_a_program_revoked_meanwhile_is_told_like_any_other(self, probation: bool) -> None:
        play = self.play(Terms(TWO, probation))
        play.tell(play.ask(), (Status.OK, 0.5, 0.5, "none"))
        play.measured(1, "confirmed")
        late = [play.begin(Choice(("p1",), ("p0",))) for _ in range(2 * self.turns)]
        play.measured(1, "revoked")
        for ticket in late:
            play.tell(ticket, (Status.OK, 0.1, 0.1, "none"))
            play.measured(len(play.scored) - 1, "confirmed")
        parents, inspirations = self.chosen(play)
        assert "p1" not in parents | inspirations
        assert bool(parents & {f"p{ticket.number}" for ticket in late}) == self.learns

    @PROBATIONS
    @pytest.mark.parametrize("findings", [["revoked"], ["confirmed", "revoked"], ["refused", "revoked"]])
    def test_a_revoked_program_stays_revoked(self, probation: bool, findings: list[str]) -> None:
        play = self.play(Terms(TWO, probation))
        told = play.tell(play.ask(), (Status.OK, 0.1, 0.1, "none"))
        for finding in [*findings, "confirmed"]:
            play.measured(1, finding)
        for _ in range(self.turns):
            ticket = play.ask()
            play.policy.tell(make_record(ticket.number, ticket.parents, (Status.OK, 0.1, 0.1, "none"), told.program_id))
            play.measured(1, "confirmed")
        assert self.chosen(play) == ({"p0"}, {"p0"})

    def test_the_last_start_program_can_be_revoked_where_others_are_left(self) -> None:
        play = self.play()
        told = play.tell(play.ask(), (Status.OK, 0.5, 0.5, "none"))
        _measured(play, play.scored["p0"], "revoked")
        if self.learns:
            assert self.chosen(play) == ({"p1"}, {"p1"})
            _measured(play, told, "revoked")
        with pytest.raises(ProblemError, match="every start program was revoked"):
            play.policy.ask(generator(1, "none"))

    # -- how the policy is driven

    def play(self, terms: Terms = TERMS, starts: int = 1) -> Play:
        """A loop that drives the policy."""
        return Play(self.make, terms, starts)

    def guarded(self, terms: Terms) -> Guarded:
        """The policy, made and nothing more."""
        made = self.make(terms)
        return made if isinstance(made, Guarded) else Guarded(made)

    def preferences(self, play: Play) -> list[Choice]:
        """What it would choose now."""
        return preferences(play.policy, self.turns)

    def chosen(self, play: Play) -> tuple[set[str], set[str]]:
        """All parents and all inspirations that it would choose now."""
        asked = self.preferences(play)
        return {i for c in asked for i in c.parents}, {i for c in asked for i in c.inspirations}


def _measured(play: Play, original: Record, finding: str) -> None:
    """Have a program measured; whether its play knows of it or not."""
    record = make_measured(play.number, original, finding)
    play.policy.pending(record.ticket)
    play.policy.tell(record)
    play.number += 1
