"""The confidence sequence for a median: exact error at every look, and the order statistics it consists of."""

from __future__ import annotations

import math

import pytest

from evaluators.sequential import log_capital, median_bounds, rank


def error(looks: int, level: float) -> float:
    """The exact chance that 0 is ever ruled out in as many looks, where each sign is fair."""
    alive, ruled_out = {0: 1.0}, 0.0
    for count in range(1, looks + 1):
        after: dict[int, float] = {}
        for above, chance in alive.items():
            for found in (above, above + 1):
                after[found] = after.get(found, 0.0) + chance / 2.0
        gone = [above for above in after if min(above, count - above) < rank(count, level)]
        ruled_out += sum(after.pop(above) for above in gone)
        alive = after
    return ruled_out


@pytest.mark.parametrize("level", [0.01, 0.05])
def test_looking_after_each_of_many_observations_errs_no_more_often_than_allowed(level: float) -> None:
    assert level / 5.0 < error(40, level) < error(400, level) <= level


def test_looking_as_often_at_a_fixed_sample_interval_would_err_too_often() -> None:
    # What the sequence is for: a sign test at 1 % each, after each of 40 observations, errs several times as often.
    def fixed(count: int) -> int:
        tail, place = 0.0, 0
        while (tail := tail + math.comb(count, place) / 2.0**count) <= 0.005:
            place += 1
        return place

    alive, ruled_out = {0: 1.0}, 0.0
    for count in range(1, 41):
        after = {above: (alive.get(above, 0.0) + alive.get(above - 1, 0.0)) / 2.0 for above in range(count + 1)}
        ruled_out += sum(after.pop(above) for above in list(after) if min(above, count - above) < fixed(count))
        alive = after
    assert ruled_out > 0.03


def test_capital_is_a_fair_game_that_starts_at_one() -> None:
    assert log_capital(0, 0) == pytest.approx(0.0)
    for count, above in [(0, 0), (3, 1), (17, 17), (39, 20)]:
        later = (math.exp(log_capital(count + 1, above)) + math.exp(log_capital(count + 1, above + 1))) / 2.0
        assert later == pytest.approx(math.exp(log_capital(count, above)))


def test_ten_observations_on_one_side_rule_zero_out_at_one_percent_and_nine_do_not() -> None:
    assert median_bounds([0.1 * number for number in range(1, 11)], 0.01) == (0.1, 1.0)
    assert median_bounds([0.1] * 9, 0.01) == (-math.inf, math.inf)
    assert median_bounds([], 0.01) == (-math.inf, math.inf)


def test_bounds_are_order_statistics_and_no_outlier_moves_them() -> None:
    values = [float(number) for number in range(-20, 20)]
    place = rank(40, 0.01)
    assert median_bounds(values, 0.01) == (values[place - 1], values[-place])
    assert median_bounds([-1e9, *values[1:-1], 1e9], 0.01) == (values[place - 1], values[-place])


def test_values_that_equal_the_median_are_no_evidence_against_it() -> None:
    low, high = median_bounds([0.0] * 30 + [1.0] * 10, 0.01)
    assert low == 0.0 <= high


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5])
def test_a_level_that_is_no_chance_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="a level of"):
        rank(40, level)
