"""The short lists of the best at each level: sorted, bounded, without the same optimum twice."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from archive.elites import PER_CELL, SAME, Elites
from evolve.core.rng import generator
from evolve.core.types import Objective, Record, Status, Ticket, Verdict

TWO = (Objective("error", "minimize"), Objective("size", "minimize"))
ONE = (Objective("score", "maximize"),)


def _record(number: int, metrics: dict[str, float], status: Status = Status.OK) -> Record:
    ticket = Ticket(number, "expand", (), (), "mutate", None, 0)
    value = next(iter(metrics.values())) if status.scored else None
    return Record(number, ticket, None, Verdict(status, value, metrics, stage="train"), f"p{number}")


@given(st.lists(st.tuples(st.floats(1e-9, 1.0), st.integers(1, 4)), min_size=1, max_size=120))
def test_cells_hold_the_best_distinct_costs(points: list[tuple[float, int]]) -> None:
    elites = Elites(TWO)
    for number, (error, size) in enumerate(points):
        elites.add(_record(number, {"error": error, "size": float(size)}))
    for size in {size for _, size in points}:
        cell = elites._cells[float(size)]
        costs = [cost for cost, _ in cell]
        assert costs == sorted(costs)
        assert 1 <= len(cell) <= PER_CELL
        assert all(b - a > SAME * a for a, b in itertools.pairwise(costs))
        best = min(error for error, s in points if s == size)
        assert costs[0] <= best * (1.0 + SAME)


def _check_removal(points: list[tuple[int, int, bool]]) -> None:
    """Costs lie so close that most programs keep others out, and cells overflow."""
    elites, fresh = Elites(TWO), Elites(TWO)
    for number, (error, size, stays) in enumerate(points):
        record = _record(number, {"error": 1.0 + 0.45 * SAME * error, "size": float(size)})
        elites.add(record)
        if stays:
            fresh.add(record)
    for number, (_, _, stays) in enumerate(points):
        if not stays:
            elites.remove(f"p{number}")
            elites.remove(f"p{number}")
    elites.remove("nobody")
    assert (elites._cells, elites._seen, elites._entered) == (fresh._cells, fresh._seen, fresh._entered)
    assert bool(elites) == (len(elites) > 0)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 2), st.booleans()), max_size=60))
def test_a_program_that_is_removed_was_never_there(points: list[tuple[int, int, bool]]) -> None:
    _check_removal(points)


def test_removals_from_crowded_cells() -> None:
    rng = generator(2, "removals")
    for _ in range(60):
        _check_removal([(int(rng.integers(61)), 1, bool(rng.random() < 0.7)) for _ in range(80)])


def test_a_program_is_added_once() -> None:
    elites = Elites(ONE)
    elites.add(_record(0, {"score": 0.5}))
    elites.add(_record(0, {"score": 0.9}))
    assert elites._cells == {0.0: [(-0.5, "p0")]}
    assert elites._seen == {0.0: 1}


def test_draws_reach_every_level_and_are_repeatable() -> None:
    def draws() -> list[str]:
        elites = Elites(TWO)
        for number in range(40):
            elites.add(_record(number, {"error": 0.9**number, "size": float(number % 4)}))
        rng = generator(7, "draws")
        return [elites.draw(rng) for _ in range(400)]

    assert draws() == draws()
    assert {int(name[1:]) % 4 for name in draws()} == {0, 1, 2, 3}


def test_one_objective_has_one_cell_and_more_is_better_where_so_declared() -> None:
    elites = Elites(ONE)
    for number, score in enumerate([0.1, 0.5, 0.3]):
        elites.add(_record(number, {"score": score}))
    elites.add(_record(3, {"score": 9.0}, Status.INVALID))
    ((_, cell),) = elites._cells.items()
    assert [name for _, name in cell] == ["p1", "p2", "p0"]
    assert len(elites) == 3


def test_of_two_the_less_expanded_is_drawn() -> None:
    elites = Elites(ONE)
    for number, score in enumerate([0.1, 0.5]):
        elites.add(_record(number, {"score": score}))
    elites.count_expansion("p1", 50)
    rng = generator(1, "balance")
    drawn = [elites.draw(rng) for _ in range(200)]
    assert drawn.count("p0") > 60  # the worse of the two comes up in at least one of two draws that often
