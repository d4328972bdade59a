"""The number by which runs are compared, and the curve of its best so far."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evolve.comparison.figure import BestSoFar, Figure, best_so_far
from evolve.core.types import Candidate, Objective, Promotion, Record, Source, Status, Ticket, Verdict
from evolve.events import ScoredProgram

ERROR, OPERATIONS = Objective("error", "minimize"), Objective("operations", "minimize")
GAIN = Objective("gain", "maximize")


def _known(*metrics: dict[str, float]) -> list[ScoredProgram]:
    return [ScoredProgram(f"p{place}", f"p{place}", one) for place, one in enumerate(metrics)]


def test_one_objective_is_its_best_value_in_its_own_unit() -> None:
    figure = Figure.of((ERROR,), _known({"error": 1.0}))
    assert figure.value([{"error": 0.4}, {"error": 0.3}]) == 0.3 and figure.value([]) is None
    assert Figure.of((GAIN,), _known({"gain": 1.0})).value([{"gain": 0.4}, {"gain": 0.3}]) == 0.4


def test_two_objectives_are_the_area_within_the_worst_that_was_known() -> None:
    figure = Figure.of(
        (ERROR, OPERATIONS), _known({"error": 4.0, "operations": 2.0}, {"error": 1.0, "operations": 6.0})
    )
    assert figure.objective == Objective("hypervolume", "maximize")
    one, other = {"error": 3.0, "operations": 2.0}, {"error": 1.0, "operations": 5.0}
    assert figure.value([one]) == (4 - 3) * (6 - 2)
    assert figure.value([one, other]) == (4 - 3) * (6 - 2) + (3 - 1) * (6 - 5)
    assert figure.value([other, one, one, {"error": 3.5, "operations": 3.0}]) == figure.value([one, other])
    assert figure.value([{"error": 5.0, "operations": 1.0}, {"error": 0.1, "operations": 7.0}]) == 0.0


def test_an_error_with_digits_is_measured_in_digits() -> None:
    metrics = {"error": 1e-2, "digits": 2.0, "operations": 3.0}
    figure = Figure.of((ERROR, OPERATIONS), _known(metrics))
    assert figure.value([{"error": 1e-5, "digits": 5.0, "operations": 1.0}]) == pytest.approx((5 - 2) * (3 - 1))


def test_area_is_the_mean_over_the_budget() -> None:
    course = BestSoFar((1.0, 4.0, 6.0), (1.0, 2.0, 5.0))
    assert course.area(10.0) == pytest.approx((4 * 1.0 + 2 * 2.0 + 4 * 5.0) / 10)
    assert course.area(5.0) == pytest.approx((4 * 1.0 + 1 * 2.0) / 5)
    assert [course.at(one) for one in (0.0, 3.9, 4.0, 99.0)] == [1.0, 1.0, 2.0, 5.0]
    for wrong in (lambda: BestSoFar((), ()).area(1.0), lambda: BestSoFar((), ()).at(1.0)):
        with pytest.raises(ValueError, match="without a value"):
            wrong()


def _record(number: int, gain: float, promoted: bool, operator: str = "grow") -> Record:
    ticket = Ticket(number, "expand", (), (), operator, None, 0)
    candidate = Candidate(ticket, Source({"p.py": ""}, "f"), "")
    verdict = Verdict(Status.OK, gain, {"gain": gain}, stage="train")
    return Record(number, ticket, candidate, verdict, f"p{number}", promotion=Promotion(promoted, {"gain": gain}, ""))


def test_only_what_was_promoted_counts_and_what_was_revoked_never_did() -> None:
    figure = Figure.of((GAIN,), _known({"gain": 0.0}))
    records = [
        replace(_record(0, 0.1, False, "start"), promotion=None),
        _record(1, 0.5, False),
        _record(2, 0.3, True),
        _record(3, 0.9, True),
    ]
    assert best_so_far(records, figure) == BestSoFar((1.0, 3.0, 4.0), (0.1, 0.3, 0.9))
    ticket = Ticket(4, "measure", ("p3",), (), "check", None, 0)
    revoked = Record(4, ticket, None, Verdict(Status.FORBIDDEN, stage="train"), "p3", supersedes=3)
    assert best_so_far([*records, revoked], figure) == BestSoFar((1.0, 3.0), (0.1, 0.3))
