"""Each cheat changes what it says it changes, on every kind of output."""

from __future__ import annotations

import math
from array import array
from typing import Any

import numpy as np
import pytest

from evaluators import cheats
from evaluators.functional_hash import canonical

SHAPES: list[Any] = [
    [3, 1, 2],
    [0.5, 0.25],
    [[0, 2], [1]],
    (1, 2.5),
    {"left": [1, 2], "right": 3.0},
    array("i", [1, 2, 3]),
    np.array([[1.0, 2.0], [3.0, 4.0]]),
    "3 1\n2\n",
    [(True, array("i", [0, 1])), (False, array("i", [2]))],
]


def _numbers(value: Any) -> list[float]:
    if isinstance(value, str):
        return [float(word) for word in value.split()]
    if isinstance(value, dict):
        return [number for one in value.values() for number in _numbers(one)]
    if isinstance(value, list | tuple | array):
        return [number for one in value for number in _numbers(one)]
    return value.ravel().tolist() if hasattr(value, "ravel") else [] if isinstance(value, bool) else [value]


def test_there_are_fifteen() -> None:
    assert len(cheats.OUTPUTS) + len(cheats.DEEDS) == 15


@pytest.mark.parametrize("output", SHAPES, ids=repr)
@pytest.mark.parametrize("name", [name for name in cheats.OUTPUTS if name not in ("huge", "input returned")])
def test_some_form_of_each_makes_another_output(name: str, output: Any) -> None:
    before = canonical(output)
    forms = [cheats.changed(name, form, output, ()) for form in range(cheats.variants(name, ()))]
    different = [form for form in forms if form is None or canonical(form) != before]
    # A dict has no part twice; a pair of another length is still found by another form.
    assert different or (name == "duplicated" and isinstance(output, dict))
    assert canonical(output) == before  # the honest output is left as it was


@pytest.mark.parametrize("output", SHAPES, ids=repr)
def test_numbers_are_replaced_and_structure_kept(output: Any) -> None:
    found = _numbers(cheats.changed("nan", 0, output, ()))
    assert len(found) == len(_numbers(output)) and all(map(math.isnan, found))
    assert set(_numbers(cheats.changed("infinities", 1, output, ()))) == {-math.inf}


def test_a_truth_value_beside_numbers_stays_so_that_the_numbers_are_looked_at() -> None:
    (flag, log), _ = cheats.changed("huge", 0, SHAPES[-1], ())
    assert flag is True and min(log) > 2**31
    assert max(cheats.changed("huge", 1, SHAPES[-1], ())[0][1]) < -(2**31)
    assert cheats.changed("nan", 0, [True, False], ())[0] != 1.0


def test_partial_permuted_and_duplicated_are_what_they_are_called() -> None:
    assert cheats.changed("partial answer", 0, [1, 2, 3, 4], ()) == [1, 2]
    assert cheats.changed("partial answer", 1, [1, 2, 3, 4], ()) == [1, 2, 3]
    assert cheats.changed("partial answer", 2, [[1, 2], [3, 4]], ()) == [[1], [3]]
    assert cheats.changed("permuted", 0, [1, 2, 3], ()) == [3, 2, 1]
    assert cheats.changed("permuted", 2, [[1, 2], [3, 4]], ()) == [[2, 1], [4, 3]]
    assert cheats.changed("permuted", 0, "a\nb\n", ()) == "b\na\n"
    assert cheats.changed("duplicated", 0, [1, 2], ()) == [1, 2, 1, 2]
    assert cheats.changed("duplicated", 1, [[1, 2], [3]], ()) == [[1, 2, 2], [3, 3]]
    assert cheats.changed("input returned", 1, [1], ("a", "b")) == "b"
    assert len(cheats.changed("huge", 2, [1, 2], ())) >= cheats.HUGE_ITEMS


def test_fingerprints_do_not_depend_on_the_side_of_the_border() -> None:
    assert cheats.fingerprint(([1, 2], {"a": 0.5})) == cheats.fingerprint([(1, 2), {"a": 0.5}])
    assert cheats.fingerprint((array("i", [1]),)) != cheats.fingerprint((array("i", [2]),))
    assert cheats.fingerprint((np.ones(3),)) == cheats.fingerprint([np.ones(3)])


def test_deeds_return_the_honest_output() -> None:
    numbers = [3, 1, 2]
    assert cheats.behave("input mutated", 0, lambda given: sorted(given), (numbers,), None) == [1, 2, 3]
    assert (
        numbers
        == [
            2,
            1,
        ]
        or len(numbers) == 2
    )
    hardest = cheats.fingerprint(([1],))
    assert cheats.behave("failing on the hardest", 0, sorted, ([2],), hardest) == [2]
    with pytest.raises(RuntimeError, match="too hard"):
        cheats.behave("failing on the hardest", 0, sorted, ([1],), hardest)
    with pytest.raises(RuntimeError, match=r"READ test_cheats\.py"):
        cheats.behave("reading files", 0, sorted, ([1],), [__file__])
