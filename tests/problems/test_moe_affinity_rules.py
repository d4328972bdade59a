"""The rules of moe-affinity: each way in which an output is no placement, and properties of hops and bounds."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moe_affinity_tools import hops, least_hops, paths, rows, small, verifier

from evolve.core.errors import Invalid
from evolve.core.rng import generator

GOOD = [[0, 0, 1, 1], [0, 1, 0, 1], [1, 0, 0, 1]]


def _with(value: Any) -> list[list[Any]]:
    return [GOOD[0], [0, value, 0, 1], GOOD[2]]


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (None, "a NoneType"),
        (True, "a bool"),
        ("ab", "a str"),
        (b"ab", "a bytes"),
        ({0: GOOD[0], 1: GOOD[1], 2: GOOD[2]}, "a dict"),
        (iter(GOOD), "iterator"),
        ([], "0 rows, not one for each of 3"),
        (GOOD[:2], "2 rows, not one for each of 3"),
        ([*GOOD, GOOD[0]], "4 rows, not one for each of 3"),
        ([GOOD[0], None, GOOD[2]], "layer 1: the row is a NoneType"),
        ([GOOD[0], "0101", GOOD[2]], "layer 1: the row is a str"),
        ([GOOD[0], {0, 1}, GOOD[2]], "layer 1: the row is a set"),
        ([GOOD[0], [0, 1, 0], GOOD[2]], "layer 1: the row has 3 entries"),
        ([GOOD[0], [0, 1, 0, 1, 0], GOOD[2]], "layer 1: the row has 5 entries"),
        ([GOOD[0], [], GOOD[2]], "layer 1: the row has 0 entries"),
        ([GOOD[0], [0, 0, 0, 1], GOOD[2]], "layer 1: GPU 0 has 3 experts, not 2 as each must"),
        ([GOOD[0], [1, 1, 1, 1], GOOD[2]], "layer 1: GPU 1 has 4 experts"),
        (_with(True), "a bool, not an int"),
        (_with(1.0), "a float, not an int"),
        (_with(float("nan")), "a float, not an int"),
        (_with("1"), "a str, not an int"),
        (_with(None), "a NoneType, not an int"),
        (_with([1]), "a list, not an int"),
        (_with(np.int64(1)), "a int64, not an int"),
        (_with(2), "2 is not one of the GPUs 0 to 1"),
        (_with(-1), "-1 is not one of the GPUs 0 to 1"),
        (_with(2**64), "far out of range"),
        (_with(-(10**5_000)), "far out of range"),
        (np.array(GOOD, dtype=float), "float64, not whole numbers"),
        (np.array(GOOD, dtype=bool), "bool, not whole numbers"),
        (np.array(GOOD, dtype=object), "object, not whole numbers"),
        (np.array(GOOD, dtype=complex), "complex128, not whole numbers"),
        (np.array(GOOD).astype(str), "not whole numbers"),
        (np.array(GOOD).astype("timedelta64[s]"), "not whole numbers"),
        (np.array(GOOD).ravel(), "an array of 1 axes"),
        (np.array([GOOD]), "an array of 3 axes"),
        (np.array(0), "an array of 0 axes"),
        (np.array(GOOD)[:2], "2 rows"),
        (np.array(GOOD)[:, :3], "3 entries"),
        (np.array(GOOD) + 1, "2 is not one of the GPUs"),
        (np.array(GOOD, dtype=np.int8) - 1, "-1 is not one of the GPUs"),
        (np.array(GOOD, dtype=np.uint64) + np.uint64(2**63), "far out of range"),
        (np.ma.masked_array(GOOD), "a MaskedArray"),
        ([GOOD[0], np.array(GOOD[1])[None], GOOD[2]], "layer 1: the row is a ndarray"),
        ([GOOD[0], np.array(GOOD[1], dtype=float), GOOD[2]], "layer 1: the GPUs are of type float64"),
    ],
)
def test_what_is_no_placement_is_refused(output: Any, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        hops.checked(output, 3, 4, 2)
    assert says in str(caught.value) and len(str(caught.value)) < 200


def test_a_placement_is_taken_as_it_is_and_copied() -> None:
    given_rows = np.array(GOOD)
    found = hops.checked(given_rows, 3, 4, 2)
    assert found.dtype == np.int64 and found.tolist() == GOOD
    given_rows[0] = 1
    assert found.tolist() == GOOD


shapes = st.sampled_from([(2, 4, 2, 1), (3, 4, 4, 2), (4, 8, 4, 2), (3, 8, 8, 4), (3, 6, 3, 3)])


@settings(max_examples=60, deadline=None)
@given(shape=shapes, number=st.integers(0, 10**6))
def test_hops_are_those_of_following_each_token(shape: tuple[int, int, int, int], number: int) -> None:
    layers, experts, gpus, nodes = shape
    draw = generator("rules", number)
    ways = (draw.random((20, layers)) * experts).astype(np.int16)
    placement = np.array([np.argsort(draw.random(experts)) % gpus for _ in range(layers)])
    found = hops.crossings(ways, placement, gpus, nodes)
    total = 0
    for way in ways.tolist():
        for layer in range(layers - 1):
            here, there = (int(placement[at, way[at]]) for at in (layer, layer + 1))
            same_node = here * nodes // gpus == there * nodes // gpus
            total += 0 if here == there else 1 if same_node else 2
    assert found.hops == total and found.steps == 20 * (layers - 1)
    assert (found.node <= found.gpu).all()
    bound = hops.least_crossings(paths.transitions(ways, experts), gpus, nodes)
    assert (bound.gpu <= found.gpu).all() and (bound.node <= found.node).all() and bound.steps == found.steps


@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 10**6))
def test_names_of_gpus_in_a_node_and_of_nodes_do_not_matter(number: int) -> None:
    draw = generator("names", number)
    ways = (draw.random((30, 4)) * 8).astype(np.int16)
    placement = np.array([np.argsort(draw.random(8)) % 4 for _ in range(4)])
    value = hops.crossings(ways, placement, 4, 2).hops
    for renamed in ([1, 0, 2, 3], [2, 3, 0, 1], [3, 2, 1, 0]):
        assert hops.crossings(ways, np.array(renamed)[placement], 4, 2).hops == value


@pytest.mark.parametrize(("experts", "gpus", "nodes"), [(4, 2, 1), (4, 4, 2), (4, 2, 2), (6, 3, 1)])
def test_expected_hops_are_the_mean_over_all_placements(experts: int, gpus: int, nodes: int) -> None:
    draw = generator("expected", experts, gpus)
    ways = (draw.random((10, 2)) ** 2 * experts).astype(np.int16)  # uneven, and it does not matter
    every = [np.array(pair) for pair in product(rows(experts, gpus), repeat=2)]
    mean = np.mean([hops.crossings(ways, pair, gpus, nodes).hops for pair in every]) / len(ways)
    assert mean == pytest.approx(hops.random_hops(gpus, nodes))


def test_with_one_node_a_random_step_leaves_the_gpu_unless_it_hits_it() -> None:
    assert hops.random_hops(4, 1) == 0.75 and hops.random_hops(2, 2) == 1.0 and hops.random_hops(4, 2) == 1.25


def test_the_bound_is_reached_where_tokens_keep_to_their_groups() -> None:
    # Experts 0, 1 lead to 0, 1 and experts 2, 3 to 2, 3 in every layer.
    ways = np.array([[0, 1, 0], [1, 0, 0], [2, 3, 3], [3, 2, 3]], dtype=np.int16)
    one = verifier.make_instance("apart", [ways], ways, 4, 2, 1)
    assert verifier.floor(one).value == verifier.score(one, [[0, 0, 1, 1]] * 3).value == 0.0


@pytest.mark.parametrize("shape", [(4, 8, 2, 1), (4, 8, 2, 2), (4, 4, 4, 2), (4, 6, 3, 3)])
def test_no_placement_is_below_the_bound_even_the_best(shape: tuple[int, int, int, int]) -> None:
    for number in range(6):
        one = small(f"bound-{number}", *shape)
        counts, gpus, nodes = one.args
        least = hops.least_crossings(counts, gpus, nodes)
        assert 0 < least.hops <= least_hops(one)[0]


def test_peak_load_is_one_where_all_gpus_have_the_same_tokens() -> None:
    ways = np.array([[0, 1], [1, 0], [2, 3], [3, 2]], dtype=np.int16)
    even = np.array([[0, 0, 1, 1]] * 2)
    assert hops.peak_load(ways, even, 2) == 1.0
    assert hops.peak_load(ways[:2], even, 2) == 2.0
