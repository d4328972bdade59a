"""Every limit ends a run, requests are reserved before they are sent, and what is unknown is not zero."""

from __future__ import annotations

import pytest

from evolve.budget import Budget, Price, check_prices, cost_estimate
from evolve.core.config import check_budget
from evolve.core.errors import UsageError
from evolve.core.rng import generator
from evolve.core.types import Candidate, Cost, Failure, ModelReply, Record, Source, Status, Ticket, Verdict
from evolve.outlook import chance_of_improvement, sentence

PRICE = Price(input_usd=1e-6, cached_input_usd=1e-7, output_usd=4e-6)


def ticket(kind: str = "expand") -> Ticket:
    return Ticket(0, "measure" if kind == "measure" else "expand", (), (), "mutate", "cheap", 0)


def evaluated(cost: Cost = Cost(), kind: str = "expand") -> Record:  # noqa: B008
    candidate = Candidate(ticket(kind), Source({"program.py": ""}, "solve"), "", cost=cost)
    return Record(0, candidate.ticket, candidate, Verdict(Status.OK, 1.0, stage="train"), "p")


def failed(cost: Cost) -> Record:
    failure = Failure(ticket(), Status.NO_PROGRAM, "no code", cost)
    return Record(0, failure.ticket, None, Verdict(Status.NO_PROGRAM), None, failure=failure)


def reply(prompt: int, completion: int, usd: float | None) -> ModelReply:
    return ModelReply(3, 1, "cheap", {}, "", "", prompt_tokens=prompt, completion_tokens=completion, usd=usd)


def test_evaluations_and_proposals_end_a_run_with_what_is_in_flight() -> None:
    budget = Budget(2.0, 3)
    budget.settle(evaluated())
    assert budget.stop_reason(0) is None and budget.stop_reason(1) == "evaluations"
    budget.settle(failed(Cost()))
    budget.settle(failed(Cost()))
    assert (budget.evaluations, budget.proposals, budget.fruitless) == (1.0, 3, 2)
    assert budget.stop_reason(0) == "proposals"


def test_a_check_proposes_nothing() -> None:
    budget = Budget(2.0, 3)
    budget.settle(evaluated(kind="measure"))
    assert (budget.evaluations, budget.proposals) == (0.0, 0)


def test_a_request_is_reserved_settled_and_released() -> None:
    budget = Budget(100, 100, usd_limit=1.0, tokens_limit=1_000)
    assert budget.reserve("0.0", 400, 0.5) and budget.reserve("1.0", 400, 0.25)
    assert not budget.reserve("2.0", 400, 0.1), "200 tokens are left"
    assert not budget.reserve("2.0", 100, 0.3), "a quarter of a dollar is left"
    assert budget.reserve("2.0", 200, 0.25)
    assert budget.stop_reason(3) == "usd"
    budget.settle_request("0.0", 100, 0.125)
    budget.release("2.0")
    assert (budget.tokens, budget.usd, budget.stop_reason(1)) == (100, 0.125, None)
    assert budget.reserve("3.0", 500, 0.625) and not budget.reserve("4.0", 1, 0.0)
    with pytest.raises(ValueError, match="reserved already"):
        budget.reserve("3.0", 1, 0.0)


@pytest.mark.parametrize("limit", ["usd", "tokens"])
def test_what_does_not_cover_the_smallest_request_ends_the_run(limit: str) -> None:
    budget = Budget(
        100, 100, usd_limit=1.0 if limit == "usd" else None, tokens_limit=1_000 if limit == "tokens" else None
    )
    budget.expect(100, 0.1)
    budget.settle_request("0.0", 899, 0.899)
    assert budget.stop_reason(0) is None
    budget.settle_request("1.0", 2, 0.002)
    assert budget.stop_reason(0) == limit
    exact = Budget(100, 100, usd_limit=1.0, tokens_limit=1_000)
    exact.settle_request("0.0", 1_000, 1.0)
    assert exact.stop_reason(0) == "usd", "nothing is left, whatever a request takes"


@pytest.mark.parametrize("slots", [1, 4, 16])
def test_a_limit_is_exceeded_by_one_request_a_slot_at_most(slots: int) -> None:
    """Requests take up to three times what was reserved for them, and end in any order."""
    rng, budget, limit = generator("budget", slots), Budget(1e9, 10**9, usd_limit=5.0), 5.0
    budget.expect(0, 0.01)
    flying: dict[str, float] = {}
    asked, most = 0, 0.0
    while True:
        while len(flying) < slots and budget.stop_reason(len(flying)) is None:
            expected = float(rng.uniform(0.01, 0.1))
            if not budget.reserve(str(asked), 0, expected):
                break
            flying[str(asked)] = expected * float(rng.uniform(0.2, 3.0))
            most = max(most, flying[str(asked)])
            asked += 1
        if not flying:
            break
        key = list(flying)[int(rng.integers(len(flying)))]
        budget.settle_request(key, 0, flying.pop(key))
    assert limit - 0.1 <= budget.usd <= limit + slots * most


def test_reservations_that_hold_are_never_exceeded() -> None:
    rng, budget = generator("budget"), Budget(1e9, 10**9, tokens_limit=10_000)
    flying: dict[str, int] = {}
    for number in range(2_000):
        tokens = int(rng.integers(1, 300))
        if budget.reserve(str(number), tokens, None):
            flying[str(number)] = int(rng.integers(0, tokens + 1))
        elif flying:
            key = next(iter(flying))
            budget.settle_request(key, flying.pop(key), None)
        assert budget.tokens + sum(flying.values()) <= 10_000
    assert budget.tokens > 9_000


def test_a_price_that_is_unknown_is_not_zero() -> None:
    budget = Budget(100, 100, tokens_limit=1_000)
    assert budget.reserve("0.0", 10, None)
    budget.settle_request("0.0", 10, None)
    assert (budget.usd, budget.tokens, budget.unpriced) == (0.0, 10, 1)
    assert not Budget(100, 100, usd_limit=1.0).reserve("0.0", 10, None)


def test_dollars_are_not_limited_where_a_price_is_unknown() -> None:
    check_prices({"cheap": PRICE}, 5.0)
    check_prices({"cheap": PRICE, "mine": None}, None)
    with pytest.raises(UsageError, match="mine") as refused:
        check_prices({"cheap": PRICE, "mine": None}, 5.0)
    assert "input_usd_per_million" in refused.value.remedy and "output_usd_per_million" in refused.value.remedy


def test_a_server_that_counts_below_zero_gives_nothing_back() -> None:
    budget = Budget(100, 100, usd_limit=1.0, tokens_limit=1_000)
    budget.settle_request("0.0", 500, 0.5)
    budget.settle_request("1.0", -400, -0.4)
    budget.settle_request("2.0", 1, float("nan"))
    assert (budget.tokens, budget.usd) == (501, 0.5)


def test_a_resumed_run_has_paid_what_it_paid() -> None:
    budget = Budget(100, 100, usd_limit=1.0, tokens_limit=1_000)
    budget.restore([reply(300, 100, 0.75), reply(100, 50, None)])
    assert (budget.requests, budget.tokens, budget.usd, budget.unpriced) == (2, 550, 0.75, 1)
    assert not budget.reserve("9.0", 10, 0.3)


def test_the_share_of_a_record_is_that_of_the_limit_it_uses_most() -> None:
    budget = Budget(1_000.0, 50_000, usd_limit=10.0, tokens_limit=1_000_000)
    assert budget.share(evaluated()) == 1 / 1_000
    assert budget.share(evaluated(Cost(evaluations=4.0))) == 5 / 1_000
    assert budget.share(evaluated(Cost(tokens=9_000, usd=0.05))) == 9 / 1_000
    assert budget.share(failed(Cost(tokens=1_000, usd=0.3))) == pytest.approx(0.03)
    assert budget.share(failed(Cost(usd=None))) == 1 / 50_000
    assert Budget(1_000.0, 50_000).share(failed(Cost(tokens=10**6, usd=5.0))) == 1 / 50_000
    budget.settle(evaluated())
    assert budget.share(evaluated()) == 1 / 1_000, "what was spent before is no part of it"


def hopeless(budget: Budget, evaluations: int) -> None:
    for _ in range(evaluations):
        budget.settle(evaluated())
        budget.tell(evaluated(), best_changed=False)


def test_patience_ends_a_run_that_will_hardly_improve() -> None:
    budget = Budget(500, 10_000, patience=0.04)
    hopeless(budget, 200)
    assert budget.outlook() == (200, 300) and budget.stop_reason(0) is None
    hopeless(budget, 200)
    assert budget.outlook() == (400, 100) and chance_of_improvement(400, 100) < 0.04
    assert budget.stop_reason(0) == "patience"
    assert sentence(*budget.outlook()).startswith("no improvement for 400 evaluations; chance of one in the 100 left:")
    budget.tell(evaluated(), best_changed=True)
    assert budget.outlook() == (0, 99) and budget.stop_reason(0) is None
    assert Budget(500, 10_000).patience is None


def test_patience_waits_for_twenty_evaluations_and_counts_no_checks() -> None:
    budget = Budget(100, 10_000, patience=0.9)
    hopeless(budget, 19)
    budget.tell(evaluated(kind="measure"), best_changed=False)
    assert budget.outlook() == (19, 81) and budget.stop_reason(0) is None
    hopeless(budget, 1)
    assert budget.stop_reason(0) == "patience"


def test_what_is_left_is_what_the_tightest_limit_leaves() -> None:
    budget = Budget(1_000, 100_000, usd_limit=2.0, tokens_limit=10**9)
    hopeless(budget, 100)
    assert budget.outlook() == (100, 900)
    budget.settle_request("0.0", 5_000, 1.5)
    assert budget.outlook() == (100, 33), "a quarter of the dollars is left"
    few = Budget(1_000, 150)
    hopeless(few, 100)
    assert few.outlook() == (100, 50)


def test_an_estimate_lies_between_the_cheapest_cached_and_the_dearest_fresh() -> None:
    strong = Price(input_usd=1e-5, cached_input_usd=1e-6, output_usd=4e-5)
    estimate = cost_estimate({"cheap": PRICE, "strong": strong}, 100, 10_000, 1_000)
    assert estimate.low == pytest.approx(0.5) and estimate.high == pytest.approx(14.0)
    assert str(estimate) == "the models may cost 0.50 to 14.00 USD"
    unknown = cost_estimate({"cheap": PRICE, "mine": None}, 100, 10_000, 1_000)
    assert (unknown.low, unknown.high) == (None, None) and "unknown" in str(unknown)
    assert str(cost_estimate({"own": Price(0.0, 0.0, 0.0)}, 100, 10_000, 1_000)) == "the models cost nothing"
    assert str(cost_estimate({"cheap": PRICE}, 1, 1_000, 0)) == "the models may cost 0.0001 to 0.001 USD"


def test_cached_tokens_are_part_of_the_prompt() -> None:
    assert PRICE.usd(1_000, 400, 100) == pytest.approx(600e-6 + 40e-6 + 400e-6)
    assert PRICE.usd(1_000, 5_000, 0) == pytest.approx(100e-6)


def test_limits_that_are_none_are_refused_by_name() -> None:
    check_budget(10, 10, None, usd=0.5, tokens=1_000, patience=0.05)
    for limits, name in (
        ({"usd": 0.0}, "--usd"),
        ({"usd": float("inf")}, "--usd"),
        ({"tokens": -1}, "--tokens"),
        ({"patience": 0.0}, "--patience"),
        ({"patience": 1.0}, "--patience"),
        ({"patience": float("nan")}, "--patience"),
    ):
        with pytest.raises(UsageError, match=name):
            check_budget(10, 10, None, **limits)  # type: ignore[arg-type]
