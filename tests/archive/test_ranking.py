"""The top-quarter rule against the definition, record by record."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.ranking import RECENT, TOP_SHARE, Ranking, _Table, dominators
from evolve.core.errors import CallOrderError
from evolve.core.rng import generator

Costs = tuple[float, ...]


def _dominates(one: Costs, other: Costs) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def _naive(records: list[Costs]) -> bool:
    """The last record's rule, from the definition: fewer than a quarter have fewer dominators."""
    dominators = [sum(_dominates(other, record) for other in records) for record in records]
    return sum(count < dominators[-1] for count in dominators) < TOP_SHARE * len(records)


def _check(records: list[Costs], objectives: int) -> None:
    ranking = Ranking(objectives)
    for end, record in enumerate(records, 1):
        assert ranking.add(record) == _naive(records[:end])


# Few distinct values, so that ties are the rule.
SMALL = st.integers(0, 5).map(float)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(SMALL), max_size=40))
def test_one_objective(records: list[Costs]) -> None:
    _check(records, 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(SMALL, SMALL), max_size=40))
def test_two_objectives(records: list[Costs]) -> None:
    _check(records, 2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)), max_size=25))
def test_any_costs_that_are_numbers(records: list[Costs]) -> None:
    _check(records, 2)


@settings(max_examples=50, deadline=None)
@given(st.lists(SMALL, min_size=1, max_size=40), st.floats(0.1, 10.0))
def test_the_unit_of_a_cost_does_not_matter(values: list[float], unit: float) -> None:
    one, other = Ranking(1), Ranking(1)
    assert [one.add((v,)) for v in values] == [other.add((v * unit - 3.0,)) for v in values]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(SMALL, SMALL, st.none() | st.integers(0, 1000)), max_size=60))
def test_what_is_removed_counts_no_more(steps: list[tuple[float, float, int | None]]) -> None:
    """A step adds its costs, or only notes them, or removes one of the records that are left."""
    ranking, left = Ranking(2), []
    for error, size, pick in steps:
        if pick is None or not left:
            left.append((error, size))
            if pick is None:
                assert ranking.add((error, size)) == _naive(left)
            else:
                ranking.note((error, size))
        else:
            ranking.remove(left.pop(pick % len(left)))
        table = ranking._ranks
        assert isinstance(table, _Table) and len(ranking) == len(left)
        table._count()
        ranked = zip(*table._costs[:, : len(left)], table._dominators, strict=False)
        assert sorted(ranked) == sorted((*one, sum(_dominates(other, one) for other in left)) for one in left)
    for record in reversed(left):
        ranking.remove(record)
    with pytest.raises(CallOrderError, match="no ranked record"):
        ranking.remove((1.0, 1.0))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(SMALL, SMALL), max_size=60) | st.lists(st.tuples(st.floats(allow_nan=False), SMALL)))
def test_dominators_of_all_at_once(records: list[Costs]) -> None:
    counts = dominators(np.array(records, dtype=float).reshape(-1, 2).T)
    assert counts.tolist() == [sum(_dominates(other, one) for other in records) for one in records]


@pytest.mark.parametrize("objectives", [1, 2])
def test_what_was_noted_counts_as_if_it_had_been_added(objectives: int) -> None:
    values = [tuple(map(float, row)) for row in generator(4, "noted").integers(0, 40, (500, objectives))]
    added, noted = Ranking(objectives), Ranking(objectives)
    for number, costs in enumerate(values):
        answer = added.add(costs)
        if number % 100 in (3, 4, 60):  # few waited, none, many
            assert noted.add(costs) == answer
        else:
            noted.note(costs)
        if number % 100 in (70, 75):
            assert noted.quantile(costs) == added.quantile(costs) and noted.share(costs) == added.share(costs)
            noted.remove(costs)
            added.remove(costs)


def test_one_objective_when_recent_costs_were_merged() -> None:
    values = generator(5, "merged").integers(0, 500, 2 * RECENT + 100).astype(float)
    ranking = Ranking(1)
    for value in values:
        ranking.note((value,))
    for value in values[: RECENT // 2]:
        ranking.remove((value,))
    left = values[RECENT // 2 :]
    for value in (-1.0, 0.0, 17.0, 499.0, 1000.0):
        assert ranking.quantile((value,)) == 1.0 - (left < value).mean()
    with pytest.raises(CallOrderError, match="no ranked record"):
        ranking.remove((0.5,))


def test_what_was_never_added_can_not_be_removed() -> None:
    ranking = Ranking(2)
    ranking.add((1.0, 2.0))
    for costs in ((1.0, 3.0), (2.0, 1.0), (0.0, 0.0)):
        with pytest.raises(CallOrderError, match="no ranked record"):
            ranking.remove(costs)
    ranking.remove((1.0, 2.0))


def test_the_first_is_in_the_top_quarter_and_equals_share_a_rank() -> None:
    ranking = Ranking(1)
    assert [ranking.add((1.0,)) for _ in range(9)] == [True] * 9
    assert not ranking.add((2.0,)) and ranking.add((0.5,))


def test_more_records_than_were_reserved() -> None:
    values = generator(1, "ranking").random((2500, 2))
    ranking = Ranking(2)
    outcomes = [ranking.add((float(a), float(b))) for a, b in values]
    better = (values[:, None, :] <= values[None, :, :]).all(2) & (values[:, None, :] < values[None, :, :]).any(2)
    for end in (1000, 1024, 1025, 2048, 2049, 2500):
        dominators = better[:end, :end].sum(0)
        assert outcomes[end - 1] == (int((dominators < dominators[-1]).sum()) < TOP_SHARE * end)
    assert 0.2 < np.mean(outcomes) < 0.3
