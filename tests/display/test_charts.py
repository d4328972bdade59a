"""Small pictures: what is drawn where, and what can not be drawn."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from evolve.core.types import Objective
from evolve.display import chart
from evolve.display.axis import Axis
from evolve.display.curve import Curve
from evolve.events import ScoredProgram

from .conftest import ERROR, SIZE, committed, program, started

HOSTILE = "<script>alert('1')</script> & \"quoted\""


@pytest.mark.parametrize(
    "values",
    [[1.2, 9.6], [3.0, 3.0], [0.0], [], [1e-9, 1.0], [1.0, 50.0], [-5e-4, 2e-4], [1e-299, 1e299], [7.0, math.inf],
     [math.nan], [5.0, math.nextafter(5.0, 6.0)], [1e15, 1e15 + 2]],
)  # fmt: skip
def test_ticks_are_few_and_stand_on_the_axis(values: list[float]) -> None:
    axis = Axis.over(values, 10.0, 110.0)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 8
    assert all(9.9 <= axis.at(tick) <= 110.1 for tick in ticks)


def test_a_wide_range_of_positive_values_is_logarithmic() -> None:
    axis = Axis.over([1e-4, 1.0], 0.0, 100.0)
    assert [axis.at(value) for value in (1e-4, 1e-2, 1.0)] == [0.0, 50.0, 100.0]
    assert Axis.over([-1e-4, 1.0], 0.0, 100.0).logarithmic is False


def test_the_curve_is_a_step_line_over_the_dotted_baseline() -> None:
    text = chart.curve([(1.0, 9.0), (10.0, 5.0)], ERROR, (5.0, "best baseline: " + HOSTILE), 100.0)
    drawn = ElementTree.fromstring(text)
    assert HOSTILE in "".join(drawn.itertext())
    assert "<script" not in text
    paths = [one.get("d", "") for one in drawn.iter("{http://www.w3.org/2000/svg}path") if one.get("stroke-width")]
    dotted, line = paths
    # Right to the tenth evaluation, which is half way on the logarithmic axis; down there to the baseline, and on.
    left, high, middle, low, right, end = (float(one) for one in re.findall(r"[\d.]+", line))
    assert re.sub(r"[\d.]+", "", line) == "M HVHV"
    assert middle == pytest.approx((left + right) / 2, abs=0.1)
    assert high < low == end == float(dotted.split()[1].split("H")[0])


def test_what_is_no_number_is_left_out() -> None:
    assert chart.curve([], ERROR, None, 10.0) == ""
    assert chart.curve([(1.0, math.inf), (2.0, math.nan)], ERROR, (1.0, "x"), 10.0) == ""
    drawn = chart.curve([(1.0, math.inf), (2.0, 3.0)], ERROR, (math.nan, "no such line"), 10.0)
    assert "nan" not in drawn and "inf" not in drawn and "no such line" not in drawn
    assert chart.ranking(ERROR, [program("a", math.nan)], []) == ""
    assert chart.front((ERROR, SIZE), ERROR, [], []) == ""
    partly = chart.front(
        (ERROR, SIZE), ERROR, [program("a", 1.0), program("b", math.inf)], [ScoredProgram("c", "c", {})]
    )
    assert partly.count("<rect") == 1 and "<circle" not in partly


def test_the_ranking_has_the_best_at_the_top_whatever_the_direction() -> None:
    known, found = [program("low", 1.0), program("high", 3.0)], [program("mine", 2.0)]
    for direction, order in (("minimize", ["low", "found mine", "high"]), ("maximize", ["high", "found mine", "low"])):
        objective = Objective("max_error", direction)  # type: ignore[arg-type]
        texts = [one.text for one in ElementTree.fromstring(chart.ranking(objective, known, found)).iter() if one.text]
        assert [text for text in texts if text in order] == order


def test_long_and_hostile_names_in_the_ranking() -> None:
    text = chart.ranking(ERROR, [program(HOSTILE, 1.0), program("n" * 99, 2.0)], [])
    assert "<script" not in text and "n" * 30 not in text
    ElementTree.fromstring(text)


def test_the_front_of_both_directions_ends_at_the_dearest() -> None:
    assert chart.staircase([(2, 5.0), (1, 9.0), (3, 6.0)], ERROR, SIZE, 4) == [(1, 9.0), (2, 9.0), (2, 5.0), (4, 5.0)]
    speed = Objective("speed", "maximize")
    assert chart.staircase([(10, 1.0), (5, 0.5)], ERROR, speed, 5) == [(10, 1.0), (5, 1.0), (5, 0.5), (5, 0.5)]


def test_one_objective_keeps_the_best_and_the_best_baseline() -> None:
    curve = Curve((ERROR,))
    curve.update(started(program("seed", 9.0), program("poor", 4.0), program("good", 3.0), program("odd", math.nan)))
    for number, value in enumerate((8.0, 8.5, math.nan, 2.0), start=5):
        curve.update(committed(number, program("found", value)))
    curve.update(committed(20))
    assert curve.points() == [(1.0, 9.0), (5.0, 8.0), (8.0, 2.0)]
    assert curve.level == (3.0, "best baseline: good")


def test_a_seed_without_a_value_does_not_stop_the_curve() -> None:
    curve = Curve((ERROR,))
    curve.update(started(program("seed", math.nan)))
    curve.update(committed(3, program("found", 2.0)))
    assert (curve.points(), curve.level) == ([(3.0, 2.0)], None)


def test_two_objectives_keep_the_largest_gain_at_the_same_cost() -> None:
    curve = Curve((ERROR, SIZE))
    curve.update(started(program("seed", 9.0, 1), program("cheap", 4.0, 2), program("dear", 1.0, 5)))
    curve.update(committed(3))
    curve.update(committed(4, program("f", 3.0, 3)))
    curve.update(committed(5, program("f", 3.0, 3), program("g", 0.5, 6)))
    curve.update(committed(6, program("f", 2.0, 3), program("g", 0.5, 6)))
    assert curve.points() == [(4.0, 1.0), (6.0, 2.0)]
    assert curve.figure.direction == "maximize"
