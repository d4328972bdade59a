"""ask, settle, tell: call order, the front, the gate's answer, duplicates in flight."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluators.screen import Screened, screen
from evolve.budget import PATIENCE_PROPOSALS, Budget
from evolve.core.config import RunConfig
from evolve.core.errors import CallOrderError
from evolve.core.types import Candidate, Cost, Promotion, Record, Status, Ticket, Verdict
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load
from evolve.proposers.base import Context
from evolve.proposers.offline import operators
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.step import Work
from sandbox.straight_line import StraightLine

WINDOW = 4


@pytest.fixture(scope="module")
def problem() -> Problem:
    return load("float32-exp2")


def _search(problem: Problem) -> SearchState:
    config = RunConfig(seed=1, policy="clade", window=WINDOW, start="seed", evaluations=100.0, proposals=100)
    rules = Rules(problem.objectives, problem.minimum_effect, operators(problem.sandbox))
    return SearchState(config, rules, {0: problem.seed})


def _work(problem: Problem, ticket: Ticket, body: str) -> Work:
    """What a step would give for a program with this body."""
    head, tail = problem.seed.main.split("    # EVOLVE-BLOCK-START\n")
    end = tail[tail.index("    # EVOLVE-BLOCK-END") :]
    source = problem.seed.with_main(f"{head}    # EVOLVE-BLOCK-START\n    return {body}\n{end}")
    screened: Screened[StraightLine] = screen(source, problem.seed)
    verdict = make_evaluator(problem).evaluate(screened.program)
    return Work(ticket, Candidate(ticket, source, "test"), verdict, screened)


def _finish(search: SearchState, work: Work, proven: dict[str, float] | None = None) -> Record:
    record = search.settle(work)
    if search.is_contender(record):
        record = search.promote(record, Promotion(True, proven or dict(record.verdict.metrics), "gate"))
    search.tell(record)
    return record


def _begin(problem: Problem) -> SearchState:
    search = _search(problem)
    ticket, context = search.ask()
    assert ticket.operator == "start"
    assert context.parents == ()
    _finish(search, _work(problem, ticket, "1.0 + x"))
    return search


def test_nothing_is_asked_before_the_seed_is_told(problem: Problem) -> None:
    search = _search(problem)
    search.ask()
    assert not search.ready()
    with pytest.raises(CallOrderError):
        search.ask()


def test_the_window_bounds_what_is_in_flight(problem: Problem) -> None:
    search = _begin(problem)
    tickets = []
    while search.ready():
        tickets.append(search.ask()[0])
    assert [t.number for t in tickets] == list(range(1, WINDOW + 1))
    _finish(search, _work(problem, tickets[0], "0.97 * x + 0.97"))
    assert search.ready()
    assert search.ask()[0].number == WINDOW + 1
    assert not search.ready()


def test_context_shows_parents_and_only_what_was_told(problem: Problem) -> None:
    search = _begin(problem)
    ticket, context = search.ask()
    assert isinstance(context, Context)
    assert len(context.parents) == 1
    assert context.horizon == ticket.number - WINDOW
    assert context.best_by_size == ((1.0, pytest.approx(0.0615, abs=1e-3)),)


def test_records_are_told_once_and_in_order(problem: Problem) -> None:
    search = _begin(problem)
    (first, _), (second, _) = search.ask(), search.ask()
    with pytest.raises(CallOrderError):
        search.settle(_work(problem, second, "0.97 * x + 0.97"))
    record = _finish(search, _work(problem, first, "0.97 * x + 0.97"))
    with pytest.raises(CallOrderError):
        search.tell(record)
    with pytest.raises(CallOrderError):
        search.tell(replace(record, number=7))


def test_a_twin_in_flight_is_a_duplicate_in_commit_order(problem: Problem) -> None:
    search = _begin(problem)
    (first, _), (second, _) = search.ask(), search.ask()
    original = _finish(search, _work(problem, first, "0.97 * x + 0.97"))
    twin = _finish(search, _work(problem, second, "0.97 + x * 0.97"))
    assert original.verdict.status is Status.OK
    assert twin.verdict.status is Status.DUPLICATE
    assert twin.outcome is None
    assert twin.evaluations == 0.0
    assert twin.program_id == original.program_id


def test_the_gate_turns_down_what_is_no_strict_improvement(problem: Problem) -> None:
    search = _begin(problem)
    (first, _), (second, _) = search.ask(), search.ask()
    _finish(search, _work(problem, first, "0.97 * x + 0.97"))
    # Better on train's points, worse when proven: a pole between the points, say.
    refused = _finish(
        search, _work(problem, second, "0.9702 * x + 0.9702"), {"max_relative_error": 9.0, "operations": 2.0}
    )
    assert refused.promotion is not None
    assert not refused.promotion.accepted
    assert refused.program_id not in {champion.program_id for champion in search.settled_front()}
    assert [p.metrics["operations"] for p in search.shown_front()] == [2.0, 1.0]


def test_gains_below_the_minimum_effect_do_not_ask_the_gate(problem: Problem) -> None:
    search = _begin(problem)
    (first, _), (second, _) = search.ask(), search.ask()
    _finish(search, _work(problem, first, "0.97 * x + 0.97"))
    same = search.settle(_work(problem, second, "0.970000001 * x + 0.970000001"))
    assert same.verdict.status is Status.OK
    assert not search.is_contender(same)


def test_replaying_records_gives_the_same_search(problem: Problem) -> None:
    live, replayed = _begin(problem), _search(problem)
    bodies = ["0.97 * x + 0.97", "x * x + 1.0", "0.0 / x", "1.0 + 0.7 * x + 0.3 * x * x", "x + 0.9", "2.0 - x"]
    records = []
    for body in bodies:
        ticket, _ = live.ask()
        records.append(_finish(live, _work(problem, ticket, body)))
    seed_ticket, _ = replayed.ask()
    _finish(replayed, _work(problem, seed_ticket, "1.0 + x"))
    for record in records:
        replayed.ask(record.ticket)
        replayed.restore(record)
        replayed.tell(record)
    assert replayed.settled_front() == live.settled_front()
    assert replayed.known == live.known
    assert [live.ask() for _ in range(WINDOW)] == [replayed.ask() for _ in range(WINDOW)]


def test_failures_have_no_value_and_count_as_failed_expansions(problem: Problem) -> None:
    search = _begin(problem)
    ticket, _ = search.ask()
    record = _finish(search, _work(problem, ticket, "1.0 / x"))
    assert record.verdict.status is Status.INVALID
    assert record.verdict.value is None
    assert record.outcome == 0.0
    assert record.evaluations == 1.0
    with pytest.raises(ValueError, match="with value"):
        Verdict(Status.INVALID, value=0.0)


def _told(number: int, status: Status, stage: str, tuning: float = 0.0) -> Record:
    ticket = Ticket(number, "expand", (), (), "mutate", None, 0)
    value = 1.0 if status.scored else None
    candidate = Candidate(ticket, load("float32-exp2").seed, "", cost=Cost(evaluations=tuning))
    return Record(number, ticket, candidate, Verdict(status, value, stage=stage), None)


def test_the_budget_charges_tuning_and_reserves_what_is_in_flight() -> None:
    budget = Budget(evaluations_limit=10.0, proposals_limit=100)
    assert budget.stop_reason(9) is None
    assert budget.stop_reason(10) == "evaluations"
    budget.settle(_told(0, Status.OK, "train", tuning=4.5))
    budget.settle(_told(1, Status.INVALID, "screen", tuning=0.5))
    assert budget.evaluations == 6.0
    assert budget.stop_reason(4) == "evaluations"


def test_the_budget_ends_a_search_that_finds_nothing_new() -> None:
    budget = Budget(evaluations_limit=1e9, proposals_limit=10**9)
    for number in range(PATIENCE_PROPOSALS):
        assert budget.stop_reason(0) is None
        budget.settle(_told(number, Status.DUPLICATE, "screen"))
    assert budget.stop_reason(0) == "exhausted"
    budget.settle(_told(0, Status.OK, "train"))
    assert budget.stop_reason(0) is None
