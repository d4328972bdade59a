"""Which programs get the next batch of train, and what becomes of those that do not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from evolve.core.extent import Extent, extended, together
from evolve.core.types import Objective, Result, Status, Verdict
from evolve.racing import Race

GAIN = Objective("gain", "maximize")
SIZE = Objective("size", "minimize")
NAMES = [f"t{number}" for number in range(8)]
ORDER = [[(name, f"group {name}") for name in NAMES[start : start + 4]] for start in (0, 4)]


def _verdict(scores: Sequence[float], size: float = 1.0) -> Verdict:
    mean, first = sum(scores) / len(scores), sum(scores[:4]) / 4
    results = tuple(Result(name, Status.OK, score) for name, score in zip(NAMES, scores, strict=False))
    extent = Extent(len(scores), 8, len(scores), {"gain": first, "size": size})
    return Verdict(Status.OK, mean, {"gain": mean, "size": size}, "", results, "train", "s", extent)


CHAMPION = _verdict([1.0, 2.0, 3.0, 4.0, 9.0, 9.0, 9.0, 9.0])


def _race(minimum_effect: float = 0.0, objectives: tuple[Objective, ...] = (GAIN,)) -> Race:
    return Race(ORDER, objectives, minimum_effect)


def test_the_lead_is_the_mean_of_the_paired_differences_and_a_standard_error() -> None:
    lead = _race().lead(_verdict([2.0, 2.0, 3.0, 4.0]), [CHAMPION])
    assert lead == pytest.approx(0.25 + 0.5 / math.sqrt(4))  # differences 1, 0, 0, 0, of standard deviation 1/2
    less = Race(ORDER, (Objective("gain", "minimize"),), 0.0).lead(_verdict([2.0, 2.0, 3.0, 4.0]), [CHAMPION])
    assert less == pytest.approx(-0.25 + 0.5 / math.sqrt(4))


def test_only_the_common_prefix_is_compared() -> None:
    """The champion is far better on the second batch, which nobody else was measured on."""
    assert _race().lead(_verdict([1.5, 2.5, 3.5, 4.5]), [CHAMPION]) == pytest.approx(0.5)


def test_a_gain_below_the_minimum_effect_is_none() -> None:
    assert _race(0.1).lead(_verdict([1.2, 2.2, 3.2, 4.2]), [CHAMPION]) == pytest.approx(0.2 - 0.1 * 2.5)


def test_members_of_a_group_are_no_independent_evidence() -> None:
    order = [[(name, f"group {number // 2}") for number, name in enumerate(NAMES[:4])]]
    lead = Race(order, (GAIN,), 0.0).lead(_verdict([2.0, 3.0, 3.0, 4.0]), [CHAMPION])
    assert lead == pytest.approx(0.5 + math.sqrt(0.5) / math.sqrt(2))  # two groups, differences 1 and 0
    one = Race([[(name, "group") for name in NAMES[:4]]], (GAIN,), 0.0)
    assert one.lead(_verdict([0.0] * 4), [CHAMPION]) == math.inf
    assert one.lead(_verdict([0.0] * 4), []) == math.inf


def test_with_two_objectives_the_rival_is_as_good_in_the_second() -> None:
    small, large = _verdict([1.0, 2.0, 3.0, 4.0] * 2, 1.0), _verdict([5.0, 6.0, 7.0, 8.0] * 2, 9.0)
    race = _race(objectives=(GAIN, SIZE))
    assert race.lead(_verdict([2.0, 3.0, 4.0, 5.0], 2.0), [large, small]) == pytest.approx(1.0)
    assert race.lead(_verdict([2.0, 3.0, 4.0, 5.0], 9.0), [large, small]) == pytest.approx(-3.0)
    assert race.lead(_verdict([2.0, 3.0, 4.0, 5.0], 0.5), [large, small]) == math.inf


def test_the_most_promising_is_next_and_the_clearly_worse_are_out_for_good() -> None:
    race = _race()
    for name, scores in {"poor": [0.0, 1.0, 2.0, 3.0], "same": [1.0, 2.0, 3.0, 4.0]}.items():
        race.enter(name, _verdict(scores))
    race.enter("good", _verdict([1.5, 2.5, 3.5, 4.5]))
    race.enter("best", _verdict([2.0, 3.0, 4.0, 5.0]))
    assert race.drop([CHAMPION]) == ["poor", "same"]
    assert race.due([CHAMPION]) == "best"
    race.begin("best")
    assert race.due([CHAMPION]) == "good"
    race.begin("good")
    assert race.due([CHAMPION]) is None
    race.end("best")
    assert race.due([CHAMPION]) == "best"
    race.leave("best")
    assert race.due([CHAMPION]) is None
    better = _verdict([3.0, 4.0, 5.0, 6.0] * 2)
    assert race.drop([better]) == ["good"]
    race.end("good")
    assert race.due([CHAMPION]) is None


def test_batches_are_pooled_by_their_runs() -> None:
    first = _verdict([1.0, 2.0, 3.0, 4.0])
    batch = Verdict(
        Status.OK, 8.0, {"gain": 8.0, "size": 1.0}, "", tuple(Result(n, Status.OK, 8.0) for n in NAMES[4:6]), "train",
        "s", Extent(2, 8, 2),
    )  # fmt: skip
    more = extended(first, batch)
    assert more.value == more.metrics["gain"] == pytest.approx((10.0 + 16.0) / 6)
    assert more.extent == Extent(6, 8, 2, first.metrics)
    assert len(more.results) == 2 and not more.whole and more.share == 0.75
    both = together(first, more)
    assert both.extent == Extent(6, 8, 6, first.metrics) and both.value == more.value
    assert [result.instance_id for result in both.results] == NAMES[:6]


def test_a_failed_batch_leaves_no_score() -> None:
    first = _verdict([1.0, 2.0, 3.0, 4.0])
    failed = Verdict(Status.CRASHED, feedback="t5: it crashed", stage="train", extent=Extent(0, 8, 4))
    found = extended(first, failed)
    assert found.status is Status.CRASHED and found.value is None and not found.metrics
    assert found.extent == Extent(4, 8, 4)
    assert found.extent.charge == 0.5
    with pytest.raises(ValueError, match="only verdicts of batches"):
        extended(first, Verdict(Status.CRASHED))
    with pytest.raises(ValueError, match="only verdicts of batches"):
        together(Verdict(Status.CRASHED), first)
