"""What each policy holds to beyond the contract of all: rounds, cells, fronts, turns and cuts."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from archive.front import Costs, coverage, covers, joined
from archive.grid import Grid, Settler
from archive.leads import InstanceLeads, ObjectiveLeads, drawn
from archive.policies import make_policy
from archive.policies.base import Choice, Policy, Terms
from archive.policies.islands import Islands
from archive.policies.play import ONE, OUTCOMES, TWO, Outcome, Play, preferences
from archive.policies.portfolio import Portfolio, sizes
from evolve.core.rng import generator
from evolve.core.types import Status

LEVEL = st.integers(0, 4).map(float)
FEATURE = st.one_of(st.none(), st.integers(-3, 30).map(float))
OK = Status.OK
SIMPLE = Terms(ONE)


def made(text: str, terms: Terms = SIMPLE) -> Play:
    return Play(lambda given: make_policy(text, given), terms)


def parents(policy: Policy) -> set[str]:
    return {choice.parents[0] for choice in preferences(policy)}


# -- hill, sequential


def test_a_round_samples_the_same_best_and_moves_when_it_is_over() -> None:
    play = made("hill:samples=3")
    seen = []
    for number in range(9):
        seen.append(parents(play.policy))
        play.tell(play.ask(), (OK, 1.0 / (number + 1), 1.0, "none"))
    assert seen == [{"p0"}] * 3 + [{"p3"}] * 3 + [{"p6"}] * 3


def test_what_was_not_evaluated_is_no_sample() -> None:
    play = made("hill:samples=2")
    play.tell(play.ask(), (OK, 0.5, 1.0, "none"))
    for _ in range(5):
        play.tell(play.ask(), (Status.DUPLICATE, 0.0, 0.0, "none"))
    assert parents(play.policy) == {"p0"}
    play.tell(play.ask(), (Status.CRASHED, 0.0, 0.0, "none"))
    assert parents(play.policy) == {"p1"}


def test_a_chain_goes_on_from_the_last_valid_program_however_bad() -> None:
    play = made("sequential")
    for error, status in ((9.0, OK), (8.0, Status.INVALID), (99.0, OK)):
        play.tell(play.ask(), (status, error, 1.0, "none"))
    assert parents(play.policy) == {"p3"}
    play.measured(2, "revoked")
    assert parents(play.policy) == {"p1"}


# -- fronts


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(LEVEL, LEVEL), max_size=25))
def test_no_member_of_a_front_is_covered_and_all_others_are(told: list[Costs]) -> None:
    front: dict[str, Costs] = {}
    for number, costs in enumerate(told):
        front = dict(joined(front, f"p{number}", costs))
    for name, costs in front.items():
        assert not any(covers(other, costs) for key, other in front.items() if key != name)
    assert all(any(covers(costs, one) for costs in front.values()) for one in told)
    assert coverage(front, dict(enumerate(told))) == 1.0  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(LEVEL, min_size=3, max_size=3), min_size=1, max_size=20))
def test_leaders_on_instances_are_never_dominated_and_lead_everywhere_together(told: list[list[float]]) -> None:
    """Weights are on how many instances each leads, and none is there in vain."""
    leads = InstanceLeads()
    for number, scores in enumerate(told):
        leads.add(f"p{number}", (math.fsum(scores),), {f"i{at}": cost for at, cost in enumerate(scores)})
    best = [min(column) for column in zip(*told, strict=True)]
    led = {name: {at for at, cost in enumerate(told[int(name[1:])]) if cost == best[at]} for name in leads.weights()}
    assert {name: float(len(places)) for name, places in led.items()} == leads.weights()
    assert set().union(*led.values()) == {0, 1, 2}
    for name, places in led.items():
        mine = told[int(name[1:])]
        assert not any(covers(tuple(one), tuple(mine)) and one != mine for one in told)
        assert places - set().union(*(other for key, other in led.items() if key != name))


def test_a_program_is_drawn_by_how_many_instances_it_leads() -> None:
    leads = InstanceLeads()
    leads.add("wide", (1.0,), {"a": 0.0, "b": 0.0, "c": 0.0, "d": 9.0})
    leads.add("narrow", (2.0,), {"a": 5.0, "b": 5.0, "c": 5.0, "d": 0.0})
    leads.add("middling", (0.5,), {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0})
    assert leads.weights() == {"wide": 3.0, "narrow": 1.0}
    drawings = Counter(drawn(leads, generator(number, "draw")) for number in range(400))
    assert 240 < drawings["wide"] < 360 and drawings["narrow"] == 400 - drawings["wide"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(LEVEL, LEVEL), min_size=1, max_size=20))
def test_the_weight_on_the_front_is_the_number_of_levels_at_which_a_program_is_the_best(told: list[Costs]) -> None:
    leads = ObjectiveLeads()
    for number, costs in enumerate(told):
        leads.add(f"p{number}", costs, {})
    wins: Counter[str] = Counter()
    for level in {costs[1] for costs in told}:
        able = [number for number, costs in enumerate(told) if costs[1] <= level]
        wins[f"p{min(able, key=lambda number: (*told[number], number))}"] += 1
    assert leads.weights() == {name: float(count) for name, count in wins.items()}


# -- cells


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(LEVEL, FEATURE, FEATURE), min_size=1, max_size=60), st.integers(1, 5))
def test_the_best_of_a_cell_never_worsens(told: list[tuple[float, float | None, float | None]], bins: int) -> None:
    """Each program's cell has one that is as good, wherever the bounds have moved; where they stay, so does what was
    reached."""
    grid = Grid(bins)
    before: dict[tuple[int, ...], float] = {}
    for number, (cost, *features) in enumerate(told):
        bounds = grid._bounds
        grid.add(Settler(f"p{number}", cost, tuple(features)))
        now = {cell: settler.cost for cell, settler in grid._cells.items()}
        if grid._bounds is bounds:
            assert all(now[cell] <= reached for cell, reached in before.items())
        before = now
        for known, *place in told[: number + 1]:
            elite = grid.elite(tuple(place))
            assert elite is not None and elite.cost <= known
    assert len(grid) <= (bins + 1) ** 2
    assert {grid.draw(generator(number, "cell")) for number in range(40)} <= {f"p{at}" for at in range(len(told))}


def test_few_values_have_a_cell_each_and_many_are_parted_evenly() -> None:
    grid = Grid(4)
    for number in range(4):
        grid.add(Settler(f"p{number}", 1.0, (float(10**number),)))
    assert len(grid) == 4
    for number in range(200):
        grid.add(Settler(f"q{number}", 2.0, (float(number),)))
    assert len(grid._bounds[0]) == 3 and len(grid) == 4
    assert [one.name for one in grid.best(1)] == ["p0"]


def test_islands_evolve_apart_and_send_their_best_round_a_ring() -> None:
    play = made("islands:count=3,every=6,bins=2")
    islands = play.policy.inner
    assert isinstance(islands, Islands)
    homes = [{one.name for one in grid._settlers.values()} for grid in islands._trusted]
    assert homes == [{"p0"}] * 3
    for number in range(5):
        play.tell(play.ask(), (OK, 1.0 - number / 10, 1.0, "none"))
    homes = [{one.name for one in grid._settlers.values()} for grid in islands._trusted]
    assert homes == [{"p0", "p1", "p4"}, {"p0", "p2", "p5"}, {"p0", "p3"}]
    play.tell(play.ask(), (OK, 0.9, 1.0, "none"))
    homes = [{one.name for one in grid._settlers.values()} for grid in islands._trusted]
    assert homes == [{"p0", "p1", "p4", "p3"}, {"p0", "p2", "p5", "p4"}, {"p0", "p3", "p6", "p5"}]


# -- portfolio


def test_how_many_go_on() -> None:
    assert [sizes(count) for count in (12, 9, 6, 4, 3, 2, 1)] == [
        (5, 2, 1), (4, 2, 1), (3, 2, 1), (3, 2, 1), (2, 1, 1), (2, 1, 1), (1, 1, 1),
    ]  # fmt: skip


MEMBERS = "portfolio:members=hill+clade+islands:count=2+pareto+sequential"


@settings(max_examples=15, deadline=None)
@given(OUTCOMES, st.integers(1, 6), st.sampled_from([160.0, math.inf]))
def test_a_dropped_member_is_never_asked_again(outcomes: list[Outcome], window: int, evaluations: float) -> None:
    """And each record is told to the member whose ticket it was: what one finds another does not know."""
    play = made(MEMBERS, Terms(TWO, evaluations=evaluations))
    portfolio = play.policy.inner
    assert isinstance(portfolio, Portfolio)
    asked: list[int] = []
    for place, member in enumerate(portfolio._members):
        inner = member.policy.inner  # type: ignore[attr-defined]

        def ask(rng: object, place: int = place, choose: object = inner.ask) -> Choice:
            asked.append(place)
            return choose(rng)  # type: ignore[operator, no-any-return]

        inner.ask = ask
    flying = []
    for outcome in outcomes * 2:
        while len(flying) < window:
            active = portfolio.active
            flying.append(play.ask())
            assert asked[-1] in active
        play.tell(flying.pop(0), outcome)
        play.policy.spend(8.0)
        assert set(portfolio.active) <= set(active)
    passed = sum(portfolio._spent >= share * evaluations for share in (0.25, 0.5, 0.75))
    assert len(portfolio.active) == (5, *sizes(5))[passed]


def test_the_member_with_the_best_program_goes_on() -> None:
    for best in range(4):
        play = made("portfolio:members=hill+hill+hill+hill", Terms(ONE, evaluations=400.0))
        portfolio = play.policy.inner
        assert isinstance(portfolio, Portfolio)
        for number in range(40):
            ticket = play.ask()
            play.tell(ticket, (OK, 0.1 if number % 4 == best else 1.0, 1.0, "none"))
        for left in (3, 2, 1):
            play.policy.spend(100.0)
            assert len(portfolio.active) == left and best in portfolio.active


def test_of_equal_members_the_one_goes_on_whose_tickets_succeed() -> None:
    play = made("portfolio:members=hill+hill", Terms(ONE, evaluations=100.0))
    portfolio = play.policy.inner
    assert isinstance(portfolio, Portfolio)
    for number in range(20):
        play.tell(play.ask(), (OK if number % 2 else Status.CRASHED, 2.5, 1.0, "none"))
    play.policy.spend(75.0)
    assert portfolio.active == (1,)


def test_a_ticket_of_somebody_elses_program_goes_to_who_knows_it() -> None:
    play = made("portfolio:members=hill+clade")
    play.tell(play.ask(), (OK, 0.5, 1.0, "none"))  # p1 is the hill's
    ticket = play.begin(Choice(("p1",)))  # in the turn of the clade, which does not know it
    play.tell(ticket, (OK, 0.25, 1.0, "none"))
    assert parents(play.policy) == {"p2"}  # the hill's turn
