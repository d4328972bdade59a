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


def test_there_are_seventeen_with_the_answer_to_another_instance() -> None:
    assert len(cheats.OUTPUTS) + len(cheats.DEEDS) == 17


@pytest.mark.parametrize("output", SHAPES, ids=repr)
@pytest.mark.parametrize(
    "name", [name for name in cheats.OUTPUTS if name not in ("huge", "input returned", cheats.ANOTHER)]
)
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
    assert set(_numbers(cheats.changed("infinities", 2, output, ()))) == {-math.inf}


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


def test_some_numbers_are_kept_where_a_mean_or_a_maximum_would_skip_the_others() -> None:
    first, *rest = cheats.changed("nan", 1, [3, 1, 2], ())
    assert first == 3 and all(map(math.isnan, rest))
    assert [math.isnan(one) for one in cheats.changed("nan", 2, [3, 1, 2, 4], ())] == [False, True, False, True]


def test_a_constant_answer_is_complete_and_of_the_right_type() -> None:
    assert cheats.changed("constant answer", 0, [3, 1, 2], ()) == [3, 3, 3]
    assert cheats.changed("constant answer", 1, [[0.5], [1.5, 2.5]], ()) == [[0.0], [0.0, 0.0]]
    assert cheats.changed("constant answer", 2, "3 1\n", ()) == "1 1\n"
    assert cheats.changed("constant answer", 1, array("i", [4, 5]), ()) == array("i", [0, 0])


def test_a_repeated_part_can_keep_the_length() -> None:
    assert cheats.changed("duplicated", 2, [3, 1, 2], ()) == [3, 1, 3]
    assert cheats.changed("partial answer", 0, b"abcd", ()) == b"ab" and cheats.changed("empty", 0, b"ab", ()) == b""


def test_a_program_that_calls_itself_is_honest_within() -> None:
    def count(number: int) -> int:
        return cheats.behave("none", 0, honest, (number,), None)  # type: ignore[no-any-return]

    def honest(number: int) -> int:
        return 0 if number == 0 else 1 + count(number - 1)

    assert count(3) is None
    assert cheats.behave("input mutated", 0, honest, (3,), None) == 3


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
