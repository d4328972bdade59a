"""The problem moe-affinity: its splits, and scores against hand-computed ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from moe_affinity_tools import FOLDER, SPLIT_SEEDS, small, verifier

from evolve.core.clock import cpu_seconds
from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Instance, Split
from evolve.problem import load

COUNTS = {Split.PROBE: 2, Split.TRAIN: 12, Split.GATE: 48, Split.REPORT: 16, Split.FINAL: 24}


@pytest.fixture(scope="module")
def found() -> dict[Split, list[Instance]]:
    return {split: verifier.instances(split, SPLIT_SEEDS[split]) for split in Split}


def _content(one: Instance) -> tuple[bytes, bytes]:
    return one.args[0].tobytes(), one.truth.tobytes()


def test_the_splits_are_those_of_problem_toml_and_share_nothing(found: dict[Split, list[Instance]]) -> None:
    problem = load(FOLDER)
    assert {split: problem.split_seed(split) for split in Split} == SPLIT_SEEDS
    assert {split: len(instances) for split, instances in found.items()} == COUNTS
    every = [one for instances in found.values() for one in instances]
    assert len({one.group for one in every}) == len({_content(one) for one in every}) == sum(COUNTS.values())
    for split, instances in found.items():
        assert len({one.id for one in instances}) == COUNTS[split]
        assert {one.group for one in instances} == {f"{split}/{one.id}" for one in instances}


def test_the_same_seed_gives_the_same_instances_and_another_one_others(found: dict[Split, list[Instance]]) -> None:
    for split in (Split.TRAIN, Split.GATE):
        again = verifier.instances(split, SPLIT_SEEDS[split])
        assert list(map(_content, again)) == list(map(_content, found[split]))
        other = verifier.instances(split, 77)
        assert set(map(_content, other)).isdisjoint(map(_content, again))
        assert [one.id for one in other] == [one.id for one in again]


def test_every_instance_has_the_shape_of_its_name(found: dict[Split, list[Instance]]) -> None:
    started = cpu_seconds()
    verifier.instances(Split.FINAL, 3)
    assert cpu_seconds() - started < 5.0
    for one in (one for instances in found.values() for one in instances):
        (transitions, gpus, nodes), held_out = one.args, one.truth
        layers, experts = len(transitions) + 1, transitions.shape[1]
        assert one.id.split("-")[1] == f"{experts}e{gpus}g{nodes}n"
        assert transitions.shape == (layers - 1, experts, experts) and transitions.dtype == np.int64
        assert (transitions.sum(axis=(1, 2)) == verifier.DOMAINS * verifier.PROFILED).all()
        assert held_out.shape == (verifier.HELD_OUT, layers) and held_out.dtype == np.int16
        assert held_out.min() >= 0 and held_out.max() < experts
        assert 6 <= layers <= 24 and experts in (8, 16, 32, 64) and 2 <= gpus <= 16 and 1 <= nodes <= 4


def test_final_has_sizes_and_natures_that_the_search_never_sees() -> None:
    kinds = {split: set(verifier.KINDS[split]) for split in Split}
    assert kinds[Split.GATE] == kinds[Split.TRAIN]
    assert {nature for nature, _ in kinds[Split.TRAIN]} == {"plain"}
    assert {nature for nature, _ in kinds[Split.FINAL]} == set(verifier.NATURES)
    assert len(kinds[Split.FINAL] - kinds[Split.TRAIN] - kinds[Split.PROBE] - kinds[Split.REPORT]) == 6


def test_a_profile_is_smaller() -> None:
    few = verifier.instances(Split.GATE, 5, share=0.5, gate_rounds=2)
    assert len(few) == 12
    assert {len(one.truth) for one in few} == {verifier.HELD_OUT // 2}
    assert {int(one.args[0][0].sum()) for one in few} == {verifier.DOMAINS * verifier.PROFILED // 2}
    assert load("moe-affinity@compare").verifier.instances(Split.GATE, 5)[0].truth.shape == few[0].truth.shape


def _by_hand() -> Instance:
    # Three layers of four experts on two nodes of one GPU each pair: GPUs 0, 1 on node 0 and 2, 3 on node 1.
    held_out = np.array([[0, 1, 3], [0, 0, 0], [2, 2, 1], [3, 1, 3]], dtype=np.int16)
    profiled = np.array([[0, 1, 2], [1, 1, 2]], dtype=np.int16)
    made: Instance = verifier.make_instance("train/by-hand", [profiled, profiled[:1]], held_out, 4, 4, 2)
    return made


def test_an_instance_of_ones_own_adds_up_the_domains() -> None:
    one = _by_hand()
    assert (one.id, one.group) == ("by-hand", "train/by-hand")
    first, second = one.args[0].tolist()
    assert first == [[0, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert second == [[0, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_a_placement_is_worth_what_it_comes_to_by_hand() -> None:
    # As numbered: 0 -> 1 -> 3 makes 1 + 2 hops, 0 -> 0 -> 0 none, 2 -> 2 -> 1 makes 0 + 2, 3 -> 1 -> 3 makes 2 + 2.
    found = verifier.score(_by_hand(), [[0, 1, 2, 3]] * 3)
    assert found.metrics["hops_per_token"] == (3 + 0 + 2 + 4) / 4
    assert found.metrics["cross_gpu_share"] == 5 / 8 and found.metrics["cross_node_share"] == 4 / 8
    # A random placement leaves the GPU three times in four, and the node every other time: 1.25 hops a step.
    assert found.value == found.metrics["hop_ratio"] == pytest.approx((9 / 8) / 1.25)
    # Tokens of the fullest GPU: two of four, two, two; a mean one has one.
    assert found.metrics["peak_load"] == 2.0
    assert "from layer 1 to 2" in found.feedback and "2.25 hops a token" in found.feedback


def test_exchanging_two_experts_changes_the_steps_of_their_layer_alone() -> None:
    # Experts 1 and 0 of the second layer change places: 1 + 2 -> 0 + 2, 0 + 0 -> 1 + 1, 2 unchanged, 2 + 2 unchanged.
    found = verifier.score(_by_hand(), [[0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 2, 3]])
    assert found.metrics["hops_per_token"] == (2 + 2 + 2 + 4) / 4


def test_a_tuple_and_arrays_are_placements_too() -> None:
    one = _by_hand()
    plain = [[0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 1, 0]]
    value = verifier.score(one, plain).value
    transposed = np.array(plain, dtype=np.uint8).T.copy().T
    assert not transposed.flags.c_contiguous
    for output in (tuple(map(tuple, plain)), np.array(plain), transposed, list(np.array(plain, dtype=np.int32))):
        assert verifier.score(one, output).value == value


def test_scoring_changes_neither_instance_nor_output() -> None:
    one = small("unchanged", 4, 8, 4, 2)
    output = [[expert // 2 for expert in range(8)]] * 4
    before = _content(one)
    first = verifier.score(one, output)
    assert verifier.score(one, output) == first and _content(one) == before
    assert output == [[0, 0, 1, 1, 2, 2, 3, 3]] * 4


@pytest.mark.parametrize(("experts", "gpus", "nodes"), [(8, 3, 1), (8, 4, 3), (8, 16, 1), (8, 1, 1), (8, 4, 0)])
def test_machines_that_can_not_share_equally_are_refused(experts: int, gpus: int, nodes: int) -> None:
    way = np.zeros((1, 2), dtype=np.int16)
    with pytest.raises(ProblemError) as caught:
        verifier.make_instance("odd", [way], way, experts, gpus, nodes)
    assert caught.value.remedy


def test_score_refuses_what_breaks_a_rule(found: dict[Split, list[Instance]]) -> None:
    one: Any = found[Split.TRAIN][0]
    with pytest.raises(Invalid, match="not one for each of 8 layers"):
        verifier.score(one, [])
