"""Found against known, for one and for two objectives, minimised and maximised."""

from __future__ import annotations

import pytest

from evolve.core.types import Objective, Promotion, Record, Status, Ticket, Verdict
from evolve.display.ladder import climb, dominates, shown_objective
from evolve.events import ScoredProgram
from evolve.picture import front_of

ERROR = Objective("error", "minimize")
SIZE = Objective("size", "minimize")
SPEED = Objective("speed", "maximize")


def program(name: str, **metrics: float) -> ScoredProgram:
    return ScoredProgram(name, f"id-{name}", metrics)


def test_known_is_the_best_baseline_that_costs_no_more() -> None:
    baselines = [program("small", error=0.5, size=1), program("poor", error=0.9, size=3)]
    found = program("f", error=0.4, size=2)
    first, second, third = climb([ERROR, SIZE], program("seed", error=2.0, size=1), baselines, [found])
    assert (first.level, first.known, first.found, first.gain) == (1, baselines[0], None, None)
    assert (second.level, second.known, second.found) == (2, baselines[0], found)
    assert second.gain == pytest.approx(0.1)
    assert second.dominated == ("poor",)
    assert third.known == baselines[0]


def test_the_seed_is_known_where_no_baseline_is_so_cheap() -> None:
    seed = program("seed", error=1.0, size=2)
    baselines = [program("dear", error=0.1, size=3)]
    front = [program("f1", error=2.0, size=1), program("f2", error=0.75, size=2)]
    assert [(rung.known, rung.gain) for rung in climb([ERROR, SIZE], seed, baselines, front)] == [
        (None, None),
        (seed, 0.25),
        (baselines[0], None),
    ]


def test_digits_are_shown_where_every_program_has_them() -> None:
    with_digits = program("a", error=1e-3, size=2, digits=3.0)
    assert shown_objective([ERROR, SIZE], [with_digits]).metric == "digits"
    assert shown_objective([ERROR, SIZE], [with_digits, program("b", error=1.0, size=1)]) == ERROR
    found = program("c", error=1e-4, size=2, digits=4.0)
    (rung,) = climb([ERROR, SIZE], with_digits, [with_digits], [found])
    assert rung.gain == pytest.approx(1.0)


def test_seed_and_baselines_on_the_front_are_not_found() -> None:
    seed, baseline = program("seed", error=0.1, size=1), program("known", error=0.05, size=2)
    (rung,) = climb([ERROR, SIZE], seed, [baseline], [seed, baseline])
    assert rung.found is None


def test_one_objective_to_maximize() -> None:
    baselines = [program("slow", speed=2.0), program("fast", speed=5.0)]
    (rung,) = climb([SPEED], program("seed", speed=1.0), baselines, [program("new", speed=7.0)])
    assert rung.level is None
    assert rung.known == baselines[1]
    assert rung.gain == 2.0
    assert rung.dominated == ("slow", "fast")


def test_equal_programs_do_not_dominate() -> None:
    assert not dominates([ERROR, SIZE], program("a", error=1, size=1), program("b", error=1, size=1))
    assert not dominates([ERROR, SIZE], program("a", error=0, size=2), program("b", error=1, size=1))
    assert dominates([ERROR, SPEED], program("a", error=1, speed=3), program("b", error=1, speed=2))


def record(number: int, *, proven: bool | None, **metrics: float) -> Record:
    ticket = Ticket(number, "expand", (), (), "graft", None, 1)
    verdict = Verdict(Status.OK, metrics["error"], metrics)
    promotion = None if proven is None else Promotion(proven, metrics, "gate")
    return Record(number, ticket, None, verdict, f"p{number}", promotion=promotion)


def test_front_holds_promoted_programs_that_nothing_dominates() -> None:
    records = [
        record(0, proven=True, error=0.5, size=2),
        record(1, proven=True, error=0.4, size=2),
        record(2, proven=False, error=0.0, size=1),
        record(3, proven=None, error=0.0, size=1),
        record(4, proven=True, error=0.9, size=1),
    ]
    assert [one.program_id for one in front_of(records, [ERROR, SIZE])] == ["p1", "p4"]
    assert [one.program_id for one in front_of(records[:2], [ERROR])] == ["p1"]
