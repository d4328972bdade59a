"""The bandit over models and moves, on simulated gains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pytest

from evolve.bandit import Bandit
from evolve.core.rng import Generator, generator
from evolve.crew import OFFLINE, Arm

GOOD, POOR = ("strong", "mutate"), ("cheap", "mutate")
EVEN = {GOOD: 1.0, POOR: 1.0}
COST = 0.001


def simulate(
    bandit: Bandit,
    rng: Generator,
    draws: int,
    chances: Mapping[Arm, float],
    costs: Mapping[Arm, float] | None = None,
    allowed: Callable[[Arm], bool] = lambda arm: True,
    gain: float = 0.3,
) -> Counter[Arm]:
    """Draw and tell one ticket at a time, with `gain` or, by the arm's chance, none. How often each arm was drawn."""
    drawn: Counter[Arm] = Counter()
    for _ in range(draws):
        arm = bandit.draw(rng, allowed)
        drawn[arm] += 1
        bandit.pending(arm)
        bandit.tell(arm, gain * (rng.random() < chances[arm]), (costs or {}).get(arm, COST))
    return drawn


def test_the_better_arm_is_found_and_a_change_of_it_is_followed() -> None:
    bandit, rng = Bandit(EVEN), generator("bandit", 1)
    simulate(bandit, rng, 200, {GOOD: 0.8, POOR: 0.1})
    assert simulate(bandit, rng, 200, {GOOD: 0.8, POOR: 0.1})[GOOD] > 150
    simulate(bandit, rng, 300, {GOOD: 0.1, POOR: 0.8})
    assert simulate(bandit, rng, 200, {GOOD: 0.1, POOR: 0.8})[POOR] > 150


def test_the_better_arm_is_found_where_all_gains_are_small() -> None:
    bandit, rng, chances = Bandit(EVEN), generator("bandit", 11), {GOOD: 0.8, POOR: 0.1}
    simulate(bandit, rng, 300, chances, gain=0.02)
    assert simulate(bandit, rng, 200, chances, gain=0.02)[GOOD] > 150


def test_of_two_arms_with_equal_gain_the_cheap_one_is_drawn() -> None:
    bandit, rng = Bandit(EVEN), generator("bandit", 2)
    drawn = simulate(bandit, rng, 400, {GOOD: 0.5, POOR: 0.5}, {GOOD: 30.0 * COST, POOR: COST})
    assert drawn[POOR] > 350


def test_an_arm_that_is_dear_is_worth_it_where_it_gains_more_for_its_cost() -> None:
    bandit, rng = Bandit(EVEN), generator("bandit", 3)
    chances, costs = {GOOD: 0.9, POOR: 0.05}, {GOOD: 3.0 * COST, POOR: COST}
    simulate(bandit, rng, 200, chances, costs)
    assert simulate(bandit, rng, 200, chances, costs)[GOOD] > 120


def test_no_arm_falls_below_the_floor() -> None:
    bandit, rng = Bandit(EVEN), generator("bandit", 4)
    draws, hopeless = 4_000, {GOOD: 1.0, POOR: 0.0}
    drawn = simulate(bandit, rng, draws, hopeless, {GOOD: COST, POOR: 1_000.0 * COST})
    expected = draws * bandit.floor / 2
    assert bandit.floor == 0.1
    assert 0.7 * expected < drawn[POOR] < 1.5 * expected
    assert Bandit({("m", str(n)): 1.0 for n in range(10)}).floor == 0.05


def test_tickets_in_flight_spread_simultaneous_draws() -> None:
    def poor_draws(with_pending: bool) -> int:
        bandit, rng = Bandit(EVEN), generator("bandit", 5)
        for _ in range(3):
            bandit.tell(GOOD, 1.0, COST)
            bandit.tell(POOR, 0.0, COST)
        drawn: Counter[Arm] = Counter()
        for _ in range(40):
            arm = bandit.draw(rng, lambda arm: True)
            drawn[arm] += 1
            if with_pending:
                bandit.pending(arm)
        return drawn[POOR]

    assert poor_draws(with_pending=True) > 2 * poor_draws(with_pending=False)


def test_a_told_ticket_is_in_flight_no_more() -> None:
    told, quiet = Bandit(EVEN), Bandit(EVEN)
    for _ in range(20):
        told.pending(GOOD)
    for bandit in (told, quiet):
        for _ in range(20):
            bandit.tell(GOOD, 0.5, COST)
    assert draws(told) == draws(quiet)


def draws(bandit: Bandit) -> list[Arm]:
    return [bandit.draw(generator("draws", n), lambda arm: True) for n in range(100)]


@pytest.mark.parametrize("rule", ["thompson", "uniform"])
def test_an_arm_that_is_not_allowed_is_never_drawn(rule: str) -> None:
    bandit, rng = Bandit(EVEN | {OFFLINE: 1.0}, rule), generator("bandit", 6)
    drawn = simulate(bandit, rng, 300, {GOOD: 1.0, POOR: 0.0, OFFLINE: 0.0}, allowed=lambda arm: arm != GOOD)
    assert drawn[GOOD] == 0 and drawn[POOR] > 0 and drawn[OFFLINE] > 0
    with pytest.raises(ValueError, match="no arm"):
        bandit.draw(rng, lambda arm: False)


def test_the_same_calls_give_the_same_state_and_a_draw_changes_none() -> None:
    one, other = Bandit(EVEN), Bandit(EVEN)
    calls = simulate(one, generator("bandit", 7), 50, {GOOD: 0.5, POOR: 0.2})
    assert calls == simulate(other, generator("bandit", 7), 50, {GOOD: 0.5, POOR: 0.2})
    for _ in range(10):
        other.draw(generator("bandit", 8), lambda arm: True)
    assert one.rows() == other.rows() and draws(one) == draws(other)


def test_the_control_draws_all_arms_alike_whatever_they_gain() -> None:
    bandit, rng = Bandit(EVEN | {OFFLINE: 100.0}, "uniform"), generator("bandit", 9)
    drawn = simulate(bandit, rng, 3_000, {GOOD: 1.0, POOR: 0.0, OFFLINE: 0.0})
    assert all(900 < count < 1_100 for count in drawn.values())


def test_a_prior_weight_multiplies_what_an_arm_promises() -> None:
    bandit, rng = Bandit({GOOD: 9.0, POOR: 1.0}), generator("bandit", 10)
    drawn = Counter(bandit.draw(rng, lambda arm: True) for _ in range(500))
    assert drawn[GOOD] > 400


def test_an_arm_of_unknown_cost_is_taken_to_cost_the_mean() -> None:
    bandit = Bandit(EVEN | {OFFLINE: 1.0})
    for _ in range(20):
        bandit.tell(POOR, 0.0, 0.1)
        bandit.tell(OFFLINE, 0.0, COST)
    drawn = Counter(draws(bandit))
    # At its true cost, unknown as yet, the untried arm could be as hopeless as POOR; it is neither that nor free.
    assert drawn[OFFLINE] > drawn[GOOD] > drawn[POOR]


def test_the_rows_show_what_was_drawn_and_told() -> None:
    bandit = Bandit(EVEN)
    assert [row.mean_gain for row in bandit.rows()] == [None, None]
    for gain, cost in ((0.2, 0.01), (0.2, 0.01)):
        bandit.pending(GOOD)
        bandit.tell(GOOD, gain, cost)
    bandit.pending(POOR)
    good, poor = bandit.rows()
    assert (good.arm, good.trials, poor.trials) == (GOOD, 2, 0)
    assert good.mean_gain == pytest.approx(0.2) and good.mean_cost_share == pytest.approx(0.01)
    assert good.share_of_draws == pytest.approx(2 / 3) and poor.mean_cost_share is None


def test_what_can_not_be_is_refused() -> None:
    for arms, rule in (({}, "thompson"), ({GOOD: 0.0}, "thompson"), (EVEN, "greedy")):
        with pytest.raises(ValueError):
            Bandit(arms, rule)
    for gain, cost in ((1.5, COST), (-0.1, COST), (float("nan"), COST), (0.5, 0.0), (0.5, float("inf"))):
        with pytest.raises(ValueError, match="gain"):
            Bandit(EVEN).tell(GOOD, gain, cost)
