"""What records say of their parents, by each kind of outcome."""

from __future__ import annotations

import pytest

from archive.outcomes import OUTCOMES, Outcomes, check_outcome, is_promising
from evolve.core.errors import UsageError
from evolve.core.rng import generator


def test_top_quarter() -> None:
    outcomes = Outcomes("top-quarter", 1, 0.0)
    assert [outcomes.add((cost,)) for cost in (5.0, 4.0, 6.0, 3.0, 5.0)] == [1.0, 1.0, 0.0, 1.0, 0.0]


def test_improvement_beyond_the_least_effect() -> None:
    outcomes = Outcomes("improvement", 1, 0.1)
    assert outcomes.add((10.0,)) == 0.0
    assert outcomes.add((8.9,), (10.0,)) == 1.0
    assert outcomes.add((9.1,), (10.0,)) == 0.0
    assert outcomes.add((-11.5,), (-10.0,)) == 1.0  # a share of the value's size, whatever its sign


def test_improvement_in_one_of_two_objectives() -> None:
    outcomes = Outcomes("improvement", 2, 0.1)
    cases = {(8.0, 3.0): 1.0, (8.0, 4.0): 0.0, (10.0, 2.0): 1.0, (9.5, 3.0): 0.0, (10.5, 1.0): 0.0}
    assert [outcomes.add(costs, (10.0, 3.0)) for costs in cases] == list(cases.values())


def test_max_backed_is_the_expected_rank() -> None:
    outcomes = Outcomes("max-backed", 1, 0.0)
    found = [outcomes.add((cost,)) for cost in (5.0, 4.0, 6.0, 3.0)]
    assert found == pytest.approx([1 / 2, 2 / 3, 1 / 4, 4 / 5], abs=1e-6)
    assert all((one * 2**20).is_integer() for one in found)  # sums are exact in any order
    assert is_promising(found[3]) and not is_promising(found[1])


@pytest.mark.parametrize("kind", OUTCOMES)
@pytest.mark.parametrize("objectives", [1, 2])
def test_outcomes_go_on_as_they_were_where_records_were_noted(kind: str, objectives: int) -> None:
    rows = [tuple(map(float, row)) for row in generator(1, "rows").integers(1, 30, (300, objectives))]
    whole, resumed = Outcomes(kind, objectives, 0.01), Outcomes(kind, objectives, 0.01)
    expected = [whole.add(costs, rows[0]) for costs in rows]
    for costs in rows[:200]:
        resumed.note(costs)
    assert [resumed.add(costs, rows[0]) for costs in rows[200:]] == expected[200:]


@pytest.mark.parametrize("kind", OUTCOMES)
def test_a_removed_record_was_never_there(kind: str) -> None:
    outcomes, honest = Outcomes(kind, 1, 0.0), Outcomes(kind, 1, 0.0)
    for cost in (3.0, 1.0, 2.0, 2.0):
        outcomes.add((cost,))
        honest.add((cost,))
    outcomes.add((0.0,))
    outcomes.remove((0.0,))
    assert outcomes.add((2.0,), (2.5,)) == honest.add((2.0,), (2.5,))


def test_failures_are_not_promising_and_unknown_kinds_are_refused() -> None:
    assert not is_promising(None) and not is_promising(0.0) and is_promising(1.0)
    with pytest.raises(UsageError, match="there is no outcome 'luck'"):
        check_outcome("luck")
