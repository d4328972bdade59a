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


def test_arrays_and_other_objects_are_compared_by_content() -> None:
    arrays = [np.full(3, place // 2) for place in range(12)]
    parts = split(arrays)
    for part in parts.values():
        assert all(count == 2 for count in Counter(int(one[0]) for one in part).values())

    class Trace:
        def __init__(self, name: str) -> None:
            self.name = name

        def __repr__(self) -> str:
            return f"Trace({self.name})"

    assert sum(map(len, split([Trace(str(place)) for place in range(9)]).values())) == 9


def test_what_can_not_be_divided_says_why() -> None:
    with pytest.raises(UsageError, match="4 groups can not be divided into 5"):
        split([1, 1, 2, 3, 4])
    with pytest.raises(UsageError, match="2 names for 3 items"):
        split([1, 2, 3], groups=["a", "b"])
    with pytest.raises(UsageError, match="positive part"):
        split(range(10), shares={**SHARES, Split.GATE: 0.0})
