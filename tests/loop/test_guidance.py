"""Who is asked what: distinct requests in flight, ideas to be avoided, repairs, and the same course after a stop."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_play import OBJECTIVES, Play, prompt_of, source_of

from evolve.agenda import REPAIRS
from evolve.briefing import RECENT, Vectors
from evolve.core.types import Candidate, Record, Result, Status, Ticket, Verdict
from evolve.crew import CROSSOVER, MUTATE, PARADIGM, REPAIR, REWRITE

SEEDS = st.integers(0, 10_000)
PATIENT = settings(deadline=None, max_examples=30)


@PATIENT
@given(SEEDS)
def test_no_two_requests_in_flight_are_the_same_and_what_they_try_is_avoided(seed: int) -> None:
    play = Play(seed, Random(seed))
    for _ in range(150):
        before = [prompt_of(ticket) for ticket in play.flying.values() if ticket.model]
        ideas = {play.ideas.get(number, ticket.idea) for number, ticket in play.flying.items()} - {""}
        made = play.step()
        if isinstance(made, Ticket) and made.model:
            assert prompt_of(made) not in before
            assert set(made.avoid) == ideas and len(set(made.avoid)) == len(made.avoid)


@PATIENT
@given(SEEDS, st.integers(1, 150))
def test_a_search_that_goes_on_asks_what_the_first_would_have_asked(seed: int, steps: int) -> None:
    play = Play(seed, Random(seed))
    for _ in range(steps):
        play.step()
    again = play.resumed()
    assert (again.asked, again.settled, again.told) == (play.search.asked, play.search.settled, play.search.told)
    assert again.shown_front() == play.search.shown_front()
    if play.search.ready():
        (ticket, context), (other, seen) = play.search.ask(), again.ask()
        assert ticket == other
        assert context == seen  # the brief as well


@PATIENT
@given(SEEDS)
def test_every_move_of_a_model_is_what_its_ticket_says(seed: int) -> None:
    play = Play(seed, Random(seed))
    for _ in range(300):
        play.step()
    by_number = {record.number: record for record in play.records}
    scored = {record.program_id for record in play.records if record.verdict.status is Status.OK}
    tickets = [ticket for ticket in play.tickets.values() if ticket.model]
    assert all(parent in scored for ticket in tickets for parent in ticket.parents)
    mended = [ticket for ticket in tickets if ticket.operator == REPAIR]
    for ticket in mended:
        broken = by_number[ticket.mends if ticket.mends is not None else -1]
        assert broken.verdict.value is None and broken.ticket.parents[0] == ticket.parents[0]
    assert max(Counter(ticket.mends for ticket in mended).values(), default=0) <= 1
    depth: dict[int, int] = {}
    for record in play.records:
        mends = record.ticket.mends
        depth[record.number] = 0 if mends is None else depth[mends] + 1
    assert max(depth.values()) <= REPAIRS
    assert all(len(set(t.parents)) == 2 for t in tickets if t.operator == CROSSOVER)
    assert all(t.model == "strong" for t in tickets if t.operator == PARADIGM)
    follow = [ticket for ticket in tickets if ticket.idea and ticket.operator == MUTATE]
    begun = {ticket.idea for ticket in tickets if ticket.operator == REWRITE}
    assert {ticket.idea for ticket in follow} <= begun


def test_a_long_search_has_used_every_move() -> None:
    play = Play(3, Random(3))
    for _ in range(1_200):
        play.step()
    used = {(ticket.model is not None, ticket.operator) for ticket in play.tickets.values()}
    assert {operator for model, operator in used if model} == {
        MUTATE, REWRITE, CROSSOVER, "simplify", REPAIR, PARADIGM,
    }  # fmt: skip
    assert (False, "numbers") in used and (False, "swap") in used


def test_a_model_that_does_not_answer_is_asked_nothing() -> None:
    play = Play(1, Random(1))
    assert play.search.guidance
    play.search.guidance.available = lambda name: False
    for _ in range(200):
        play.step()
    # A repair goes back to the model whose program it is, and no other ticket of a model is made.
    assert not [ticket for ticket in play.tickets.values() if ticket.model]


def record(name: str, scores: list[float], number: int = 1) -> Record:
    ticket = Ticket(number, "expand", ("p",), (), "mutate", "m", 1)
    results = tuple(Result(f"i{i}", Status.OK, score) for i, score in enumerate(scores))
    value = sum(scores) / max(1, len(scores))
    verdict = Verdict(Status.OK, value, {"right": value}, "", results, "train", "e")
    return Record(number, ticket, Candidate(ticket, source_of(name), ""), verdict, name)


def test_the_farthest_of_the_better_half_comes_first() -> None:
    vectors = Vectors(OBJECTIVES[0])
    assert vectors.farthest("a") == []
    for name, scores in {"a": [1, 0], "b": [1, 0.1], "c": [0, 1], "poor": [0, 0], "worse": [-5, -5]}.items():
        vectors.add(record(name, scores))
    assert vectors.farthest("a") == ["c", "b"]
    assert vectors.farthest("nobody") == []
    vectors.add(record("short", [1]))
    vectors.remove("c")
    assert vectors.farthest("a")[0] != "c" and "short" not in vectors.farthest("a")
    vectors.add(record("a", [0, 1]))
    assert vectors.farthest("a")[0] == "b"


@pytest.mark.parametrize("count", [RECENT - 1, RECENT + 5])
def test_the_latest_programs_are_known_in_bounded_memory(count: int) -> None:
    vectors = Vectors(OBJECTIVES[0])
    for number in range(count):
        vectors.add(record(f"p{number}", [float(number), float(-number)]))
    known = len(vectors.farthest(f"p{count - 1}"))
    assert bool(vectors.farthest("p0")) is (count <= RECENT)
    assert known <= RECENT and known >= (min(count, RECENT) - 1) // 2
