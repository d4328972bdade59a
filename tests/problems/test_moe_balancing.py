"""moe-balancing: what a valid plan is, what it scores, and what the program sees when."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import astuple
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moe_programs import FOLDER, FakeSession, Shape, instance_of, loads, plans, skewed, text_of, verifier

from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Instance, Split
from evolve.problem import load

SHAPE = Shape(2, 4, 6, 2, 1, 2)
GOOD = [[0, 1, 2, 3, 0, 1], [3, 2, 1, 0, 0, 0]]


# Rules


def test_a_plan_may_come_as_lists_tuples_or_integers_of_any_width() -> None:
    expected = np.array(GOOD)
    strided = np.array([[*row, *row] for row in GOOD], dtype=np.uint8)[:, :6]
    fortran = np.asfortranarray(expected.astype(np.int16))
    for plan in (GOOD, tuple(map(tuple, GOOD)), expected, expected.astype(np.uint64), strided, fortran):
        found = plans.checked(plan, SHAPE)
        assert found.dtype == np.int64 and found.flags.c_contiguous and (found == expected).all()


def _put(value: Any) -> list[list[Any]]:
    return [GOOD[0], [value, *GOOD[1][1:]]]


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (None, "NoneType"),
        ({0: GOOD[0], 1: GOOD[1]}, "dict"),
        ("012301", "str"),
        ([], "0 layers"),
        (GOOD[:1], "1 layers"),
        ([*GOOD, GOOD[0]], "3 layers"),
        ([GOOD[0], None], "layer 1 of the plan is a NoneType"),
        ([GOOD[0], {0, 1, 2, 3, 4, 5}], "layer 1 of the plan is a set"),
        ([np.array(row) for row in GOOD], "layer 0 of the plan is a ndarray"),
        ([GOOD[0], GOOD[1][:-1]], "layer 1 of the plan has 5 slots"),
        ([[*row, 0, 1] for row in GOOD], "layer 0 of the plan has 8 slots"),  # more replicas than there are
        (_put(True), "layer 1, slot 0: a bool"),
        (_put(3.0), "a float"),
        (_put(math.nan), "a float"),
        (_put(None), "a NoneType"),
        (_put("3"), "a str"),
        (_put([3]), "a list"),
        (_put(np.int64(3)), "a int64"),
        (_put(-1), "layer 1, slot 0: the expert is not one of 0 to 3"),
        (_put(4), "not one of 0 to 3"),
        (_put(10**30), "not one of 0 to 3"),
        (_put(2), "layer 1: expert 3 has no replica"),
        (np.array(GOOD, dtype=float), "float64"),
        (np.array(GOOD) > 0, "bool"),
        (np.array(GOOD, dtype=object), "object"),
        (np.array(GOOD, dtype=complex), "complex128"),
        (np.array(GOOD).astype("U1"), "<U1"),
        (np.array(GOOD).astype("m8[s]"), "timedelta64"),
        (np.array(GOOD).ravel(), r"the shape \(12,\)"),
        (np.array(GOOD)[None], r"the shape \(1, 2, 6\)"),
        (np.array(GOOD).T, r"the shape \(6, 2\)"),
        (np.zeros((2, 0), dtype=int), r"the shape \(2, 0\)"),
        (np.int64(3), "int64"),
        (np.array(3), r"the shape \(\)"),
        (np.array(_put(-1)), "layer 1, slot 0: the expert is not one of 0 to 3"),
        (np.array(_put(4)), "not one of 0 to 3"),
        (np.array(_put(2**63), dtype=np.uint64), "not one of 0 to 3"),
        (np.array(_put(2)), "layer 1: expert 3 has no replica"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused(plan: Any, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        plans.checked(plan, SHAPE)
    with pytest.raises(Invalid, match=why):
        verifier.score(instance_of(np.ones((3, 2, 4)), 6, 2, 1, 2), [GOOD, plan])


@pytest.mark.parametrize("output", [None, GOOD, [], [GOOD], [GOOD] * 3, {0: GOOD, 1: GOOD}, np.array([GOOD] * 2)])
def test_there_is_one_plan_for_each_window_but_the_last(output: Any) -> None:
    with pytest.raises(Invalid, match="plan"):
        verifier.score(instance_of(np.ones((3, 2, 4)), 6, 2, 1, 2), output)


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 4, 6, 2, 1, 2),
        (2, 4, 3, 2, 1, 1),
        (2, 4, 6, 2, 1, 4),
        (2, 4, 6, 3, 1, 2),
        (2, 4, 6, 2, 4, 2),
        (2, 4, 6.0, 2, 1, 2),
        (2, True, 6, 1, 1, 2),
        (2, 4, 2**40, 2, 1, 2),
    ],
)
def test_a_machine_that_can_not_be_is_refused(numbers: tuple[Any, ...]) -> None:
    with pytest.raises(ProblemError, match="Let gpus divide replicas"):
        Shape(*numbers)


@pytest.mark.parametrize(
    "counts",
    [
        np.ones((2, 2, 4)),
        np.ones((1, 2, 4), int),
        np.ones((2, 4), int),
        -np.ones((2, 2, 4), int),
        np.ones((2, 2, 5), int),
    ],
)
def test_counts_that_are_none_are_refused(counts: Any) -> None:
    with pytest.raises(ProblemError):
        verifier.make_instance("some", "some", SHAPE, counts)


# Scores


def test_a_score_by_hand() -> None:
    """Two layers; the plan of window 0 is judged on window 1, that of window 1 on window 2."""
    windows = [[[9, 9, 9, 9]] * 2, [[12, 6, 2, 4], [0, 0, 0, 0]], [[2, 2, 2, 2], [6, 1, 1, 4]]]
    instance = instance_of(windows, 6, 2, 2, 2)
    first = [[0, 1, 2, 3, 0, 1], [0, 0, 0, 1, 2, 3]]
    second = [[0, 0, 1, 2, 3, 1], [0, 1, 0, 2, 3, 3]]
    score = verifier.score(instance, [first, second])
    # Window 1, layer 0: slots 6 3 2 | 4 6 3, GPUs 11 and 13, mean 12. Layer 1 has no token: 1.
    # Window 2, layer 0: slots 1 1 1 | 2 2 1, GPUs 3 and 5, mean 4. Layer 1: slots 3 1 3 | 1 2 2, GPUs 7 and 5, mean 6.
    assert score.value == score.metrics["balance"] == pytest.approx((12 / 13 + 1 + 4 / 5 + 6 / 7) / 4)
    slots = (4 / 6 + 1 + (8 / 6) / 2 + 2 / 3) / 4
    assert score.metrics["expert_slot_balance"] == pytest.approx(slots)
    assert score.metrics["node_balance"] == score.value  # a GPU a node
    # Layer 0: the first GPU has 0 1 2, then 0 0 1: one 0 is new; the second 3 0 1, then 2 3 1: 2 is new.
    # Layer 1: 0 0 0, then 0 1 0: 1 is new; 1 2 3, then 2 3 3: one 3 is new.
    assert score.metrics["moved_replicas"] == pytest.approx(4 / 12)
    assert "layer 0 with the plan of window 1, whose fullest GPU has 1.25 times the mean of window 2" in score.feedback


def test_nodes_hold_consecutive_gpus() -> None:
    instance = instance_of([[[1] * 4]] * 2 + [[[8, 4, 2, 2]]], 4, 1, 2, 4)
    score = verifier.score(instance, [[[0, 1, 2, 3]], [[0, 3, 1, 2]]])
    assert score.metrics["node_balance"] == pytest.approx((1 + 8 / 10) / 2)
    assert score.metrics["balance"] == pytest.approx((1 + 4 / 8) / 2)
    assert score.metrics["moved_replicas"] == 3 / 4


def test_where_on_a_gpu_a_copy_lies_counts_for_nothing() -> None:
    before, after = plans.checked(GOOD, SHAPE), plans.checked([[2, 0, 1, 1, 3, 0], [1, 3, 2, 0, 0, 0]], SHAPE)
    assert plans.moved(before, after, SHAPE) == 0.0
    assert plans.moved(before, plans.checked([[0, 1, 2, 3, 0, 0], GOOD[1]], SHAPE), SHAPE) == 1 / 12


def test_one_plan_moves_nothing() -> None:
    assert verifier.score(instance_of(np.ones((2, 2, 4)), 6, 2, 1, 2), [GOOD]).metrics["moved_replicas"] == 0.0


@st.composite
def situations(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """A shape, two windows of counts, and a valid plan."""
    gpus, slots = draw(st.sampled_from([1, 2, 3, 4])), draw(st.integers(1, 4))
    experts, layers = draw(st.integers(1, gpus * slots)), draw(st.integers(1, 3))
    shape = Shape(layers, experts, gpus * slots, 1, 1, gpus)
    counts = draw(st.lists(st.integers(0, 1_000), min_size=2 * layers * experts, max_size=2 * layers * experts))
    rows = []
    for _ in range(layers):
        extra = draw(
            st.lists(st.integers(0, experts - 1), min_size=gpus * slots - experts, max_size=gpus * slots - experts)
        )
        rows.append(draw(st.permutations([*range(experts), *extra])))
    return shape, np.array(counts).reshape(2, layers, experts), rows


@settings(max_examples=100, deadline=None)
@given(situations())
def test_what_holds_for_any_plan(situation: tuple[Any, Any, Any]) -> None:
    shape, counts, rows = situation
    instance = verifier.make_instance("some", "some", shape, counts)
    score, bound = verifier.score(instance, [rows]), verifier.floor(instance)
    assert 0.0 < score.metrics["expert_slot_balance"] <= score.value + 1e-12
    assert 1 / shape.gpus - 1e-12 <= score.value <= bound.value + 1e-12 and bound.value <= 1.0
    assert score.metrics["expert_slot_balance"] <= bound.metrics["expert_slot_balance"] + 1e-12
    # The slots serve all tokens, and what lies on one GPU may lie there in any order.
    served = plans.slot_loads(plans.checked(rows, shape), counts[1])
    assert served.sum(axis=1) == pytest.approx(counts[1].sum(axis=1))
    size = shape.replicas // shape.gpus
    turned = [[expert for at in range(0, len(row), size) for expert in row[at : at + size][::-1]] for row in rows]
    assert verifier.score(instance, [turned]).value == pytest.approx(score.value)
    # Numbers of experts are names.
    names = np.random.default_rng(1).permutation(shape.experts)
    renamed = verifier.make_instance("some", "some", shape, counts[:, :, np.argsort(names)])
    assert verifier.score(renamed, [names[np.array(rows)]]).value == pytest.approx(score.value)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=4), st.integers(0, 4))
def test_the_least_slot_is_that_of_the_best_of_all_replications(load: list[int], extra: int) -> None:
    replicas = len(load) + extra
    ways = product(range(1, extra + 2), repeat=len(load))
    best = min(
        max(tokens / copies for tokens, copies in zip(load, way, strict=True)) for way in ways if sum(way) == replicas
    )
    assert plans.least_slot(load, replicas) == pytest.approx(best)


# What is seen when


class _Watching(FakeSession):
    """Notes what crosses the border; answers with what `answer` makes of the arguments."""

    def __init__(self, answer: Callable[..., Any]) -> None:
        self.names, self.seen = {"rebalance": answer}, []

    def call(self, entry: str, *args: Any) -> Any:
        self.seen.append((entry, *args))
        return super().call(entry, *args)


def _plain(load: Any, replicas: int, groups: int, nodes: int, gpus: int) -> Any:
    return [[slot % load.shape[1] for slot in range(replicas)]] * len(load)


def test_windows_are_handed_over_one_at_a_time_and_the_last_never() -> None:
    instance = skewed("seen", Shape(2, 8, 12, 4, 2, 4), windows=4)
    session = _Watching(_plain)
    output = verifier.play(session, instance)
    assert len(output) == 3 and verifier.score(instance, output).value > 0
    windows = [instance.args[0], *instance.truth]
    for (entry, seen, *machine), window in zip(session.seen, windows, strict=False):
        assert entry == "rebalance" and machine == [12, 4, 2, 4]
        assert seen.dtype == np.int64 and (seen == window).all()
    assert len(session.seen) == 3
    assert verifier.shape_of(instance) == Shape(2, 8, 12, 4, 2, 4)


def test_a_program_that_spoils_its_input_spoils_nothing() -> None:
    instance = skewed("spoiled", Shape(2, 8, 12, 4, 2, 4))
    before = instance.args[0].copy(), instance.truth.copy()

    def spoil(load: Any, *machine: int) -> Any:
        load[:] = 7
        return _plain(load, *machine)

    output = verifier.play(_Watching(spoil), instance)
    assert (instance.args[0] == before[0]).all() and (instance.truth == before[1]).all()
    assert verifier.score(instance, output) == verifier.score(instance, verifier.play(_Watching(_plain), instance))


def test_a_wrong_plan_ends_the_play_at_once() -> None:
    session = _Watching(lambda load, *machine: load)
    with pytest.raises(Invalid, match="shape"):
        verifier.play(session, skewed("wrong", Shape(2, 8, 12, 4, 2, 4)))
    assert len(session.seen) == 1


# Splits


def _numbers(instance: Instance) -> tuple[int, ...]:
    return astuple(verifier.shape_of(instance))


def _content(instance: Instance) -> tuple[Any, ...]:
    return instance.args[1:], instance.args[0].tobytes(), instance.truth.tobytes()


@pytest.fixture(scope="module")
def every() -> dict[Split, list[Instance]]:
    problem = load("moe-balancing")
    return {split: verifier.instances(split, problem.split_seed(split), recorded=False) for split in Split}


def test_splits_are_disjoint_and_always_the_same(every: dict[Split, list[Instance]]) -> None:
    contents = [_content(instance) for instances in every.values() for instance in instances]
    assert len(set(contents)) == len(contents)
    problem = load("moe-balancing")
    for split in (Split.TRAIN, Split.GATE):
        again = verifier.instances(split, problem.split_seed(split), recorded=False)
        assert [_content(one) for one in again] == [_content(one) for one in every[split]]
        other = verifier.instances(split, problem.split_seed(split) + 1, recorded=False)
        assert all((one.truth != two.truth).any() for one, two in zip(every[split], other, strict=True))


def test_a_model_is_a_group(every: dict[Split, list[Instance]]) -> None:
    for split, instances in every.items():
        assert len({instance.group for instance in instances}) == len(instances) == len(verifier.GENERATED[split])
        assert all(len(instance.truth) + 1 == verifier.WINDOWS for instance in instances)
    assert len(every[Split.TRAIN]) >= 10 and len(every[Split.GATE]) >= 12 and len(every[Split.FINAL]) >= 20


def test_report_and_final_have_kinds_and_sizes_that_the_search_never_meets(every: dict[Split, list[Instance]]) -> None:
    used = {split: set(verifier.GENERATED[split]) for split in Split}
    kinds = {split: {kind for kind, _ in pairs} for split, pairs in used.items()}
    assert kinds[Split.GATE] == kinds[Split.TRAIN] >= kinds[Split.PROBE]
    assert kinds[Split.FINAL] == kinds[Split.REPORT] == set(loads.KINDS)
    assert len(kinds[Split.FINAL] - kinds[Split.TRAIN]) == 5
    for split in (Split.REPORT, Split.FINAL):
        assert (58, 256, 288, 8, 4, 32) in {_numbers(instance) for instance in every[split]}
    assert (3, 256, 288, 8, 4, 32) in {_numbers(instance) for instance in every[Split.TRAIN]}


def test_the_reduced_size_has_fewer_layers() -> None:
    problem = load("moe-balancing@compare")
    reduced = verifier.instances(Split.FINAL, problem.split_seed(Split.FINAL), layers=4, recorded=False)
    assert {_numbers(instance)[0] for instance in reduced} == {4}
    assert problem.profile is not None


def test_the_problem_loads_with_its_baselines() -> None:
    problem = load("moe-balancing")
    assert sorted(problem.baselines) == sorted(path.stem for path in (FOLDER / "baselines").glob("*.py"))
    assert problem.seed.main == text_of("seed")


def test_evenness_has_no_warning_and_no_number_for_nothing() -> None:
    assert plans.evenness(np.array([[0.0, 0.0], [1.0, 3.0]])).tolist() == [1.0, 2 / 3]
    assert all(first != second for first, second in pairwise(verifier.SHAPES.values()))
