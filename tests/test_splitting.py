"""evolve.split: five splits, disjoint by group and by content."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evolve import Split, split
from evolve.core.errors import UsageError
from evolve.splitting import SHARES

ITEMS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40)), min_size=20, max_size=80)


def _clusters(items: list[tuple[int, int]]) -> int:
    """Groups; here an item names its group, so that no two groups share one."""
    return len({item[0] for item in items})


@given(ITEMS, st.integers(0, 3))
def test_no_group_and_no_item_is_in_two_splits(items: list[tuple[int, int]], seed: int) -> None:
    assume(_clusters(items) >= 5)
    parts = split(items, groups=lambda item: item[0], seed=seed)
    assert Counter(item for part in parts.values() for item in part) == Counter(items)
    for one, other in combinations(parts.values(), 2):
        assert not {item[0] for item in one} & {item[0] for item in other}
        assert not set(one) & set(other)
    assert all(parts.values())


def test_groups_that_share_an_item_stay_together() -> None:
    names = [f"file {place}" for place in range(20)]
    data = [*range(18), 0, 1]  # the last two groups repeat items of the first two
    parts = split(data, groups=names)
    for part in parts.values():
        assert part.count(0) in (0, 2) and part.count(1) in (0, 2)


def test_shares_are_kept_and_order_too() -> None:
    parts = split(list(range(1000)))
    for one, share in SHARES.items():
        assert len(parts[one]) == pytest.approx(1000 * share, abs=5)
        assert parts[one] == sorted(parts[one])
    assert list(parts) == list(Split)


def test_the_division_depends_on_names_and_seed_alone() -> None:
    data = list(range(50))
    parts = split(data)
    again = split(data[::-1])
    assert {one: set(part) for one, part in parts.items()} == {one: set(part) for one, part in again.items()}
    assert split(data, seed=1) != parts


def test_arrays_are_compared_by_content() -> None:
    arrays = [np.full(3, place // 2) for place in range(12)]
    parts = split(arrays)
    for part in parts.values():
        assert all(count == 2 for count in Counter(int(one[0]) for one in part).values())


class Trace:
    """A thing that is no plain data; it says its address of itself."""

    def __init__(self, name: str) -> None:
        self.name = name


def test_other_objects_need_groups_and_their_addresses_decide_nothing() -> None:
    with pytest.raises(UsageError, match="Trace is no plain data") as caught:
        split([Trace(str(place)) for place in range(9)])
    assert "groups=" in caught.value.remedy
    parts = [split([Trace(str(place)) for place in range(9)], groups=lambda one: one.name) for _ in range(2)]
    first, second = ([[one.name for one in part] for part in each.values()] for each in parts)
    assert first == second and sum(map(len, first)) == 9


def test_an_object_in_two_groups_joins_them() -> None:
    shared = Trace("shared")
    parts = split([shared, *(Trace(str(place)) for place in range(8)), shared], groups=range(10))
    assert [part.count(shared) for part in parts.values() if shared in part] == [2]


def test_groups_are_told_apart_by_content() -> None:
    data = list(range(12))
    lists = split(data, groups=lambda item: [item // 2, "day"])
    for part in lists.values():
        assert {item // 2 for item in part} == {item // 2 for item in part if item % 2} and len(part) % 2 == 0
    assert split(data, groups=([item // 2, "day"] for item in data)) == lists
    assert split(data, groups=np.arange(12)) == split(data, groups=range(12))


@pytest.mark.parametrize(
    ("name", "message"),
    [(float("nan"), "NaN is no name of a group"), (np.float32("nan"), "NaN is no name"), (object(), "no plain data")],
)
def test_what_names_no_group_is_refused(name: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        split(range(9), groups=[*range(8), name])


def test_what_can_not_be_divided_says_why() -> None:
    with pytest.raises(UsageError, match="4 groups can not be divided into 5"):
        split([1, 1, 2, 3, 4])
    with pytest.raises(UsageError, match="2 names for 3 items"):
        split([1, 2, 3], groups=["a", "b"])
    for share in (0.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="positive part"):
            split(range(10), shares={**SHARES, Split.GATE: share})
