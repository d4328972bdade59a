"""The programs of moe-balancing: worked examples, an exact bound, the seed's rules, and README's figures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moe_programs import (
    BASELINES,
    FOLDER,
    PUBLISHED,
    FakeSession,
    Shape,
    instance_of,
    mean,
    plans,
    played,
    skewed,
    text_of,
    verifier,
    with_rules,
)
from scipy.optimize import LinearConstraint, milp

from evaluators.screen import find_block
from evolve.core.types import Instance, Split
from evolve.problem import load

NAMES = ("seed", *BASELINES)


def _plan(name: str, counts: Any, replicas: int, groups: int, nodes: int, gpus: int) -> Any:
    array = np.array(counts, dtype=np.int64)
    answer = FakeSession(text_of(name)).call("rebalance", array, replicas, groups, nodes, gpus)
    return plans.checked(answer, Shape(*array.shape, replicas, groups, nodes, gpus)).tolist()


# Worked examples

# The example in the README of DeepSeek's EPLB: two layers, groups of three experts.
LOADS = [
    [90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86],
    [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27],
]
PLACED = [
    [5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1],
    [7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1],
]


def test_the_example_of_deepseek() -> None:
    assert _plan("deepseek_hierarchical", LOADS, 16, 4, 2, 8) == PLACED


def test_the_hierarchical_policy_keeps_groups_on_nodes_and_the_others_do_not_mind() -> None:
    shape = Shape(3, 24, 32, 8, 4, 8)
    instance = skewed("groups", shape, sigma=1.3)
    for plan in verifier.play(FakeSession(text_of("deepseek_hierarchical")), instance):
        nodes = plan.reshape(3, 4, 8) // 3  # the groups on each node
        assert all(len(set(node)) == 2 for layer in nodes.tolist() for node in layer)


def test_where_nodes_do_not_divide_groups_the_hierarchical_policy_is_the_global_one() -> None:
    instance = skewed("undivided", Shape(3, 24, 32, 1, 4, 8))
    pair = [played(text_of(name), instance) for name in ("deepseek_hierarchical", "deepseek_greedy")]
    assert pair[0] == pair[1]


def test_greedy_by_hand() -> None:
    # Expert 0 gets both extra copies (12, then 6, as 5 < 6): copies of 4 4 4 5 3 1, which make 5 4 1 | 4 4 3.
    assert _plan("deepseek_greedy", [[12, 5, 3, 1]], 6, 1, 1, 2) == [[1, 0, 3, 0, 0, 2]]


def test_snake_by_hand() -> None:
    # Copies sorted: 5 of expert 1, 4 4 4 of expert 0, 3, 1; GPUs 0 1 1 0 0 1.
    assert _plan("vectorised_snake", [[12, 5, 3, 1]], 6, 1, 1, 2) == [[1, 0, 2, 0, 0, 3]]
    # 8 7 6 5 | 4 3 2 1: GPU 0 gets the first and the last.
    assert _plan("vectorised_snake", [[1, 2, 3, 4, 5, 6, 7, 8]], 8, 1, 1, 4) == [[7, 0, 6, 1, 5, 2, 4, 3]]


def test_round_robin_by_hand() -> None:
    assert _plan("round_robin", [[1, 9, 1, 1]], 6, 1, 1, 2) == [[0, 2, 0, 1, 3, 1]]


@pytest.mark.parametrize("name", NAMES)
def test_every_program_is_valid_on_every_shape_and_on_nothing_at_all(name: str) -> None:
    for shape in (*verifier.SHAPES.values(), Shape(1, 1, 1, 1, 1, 1), Shape(1, 5, 5, 5, 1, 1), Shape(2, 3, 8, 3, 2, 4)):
        fewer = Shape(min(shape.layers, 3), *(getattr(shape, part) for part in ("experts", "replicas", "groups")), 1, 1)
        for one in (fewer, Shape(fewer.layers, fewer.experts, fewer.replicas, fewer.groups, shape.nodes, shape.gpus)):
            counts = np.zeros((3, one.layers, one.experts), dtype=np.int64)
            counts[1:, 0, 0] = 7
            instance = verifier.make_instance("bare", "bare", one, counts)
            assert played(text_of(name), instance).value <= 1.0


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_names_its_source(name: str) -> None:
    words = FakeSession(text_of(name)).names["__doc__"]
    assert "arXiv" in words or name == "round_robin"


# An exact bound


def _least_peak(load: list[float], shape: Any) -> float:
    """The least possible load of the fullest GPU, by integer programming.

    y[e, c] = 1 where expert e has c copies; n[e, c, g] of them lie on GPU g. Each expert has one c, the sum over g of
    n[e, c, g] is c y[e, c], each GPU has its slots filled, and the peak is at least the sum of n[e, c, g] load[e] / c.
    """
    most, gpus = shape.replicas - shape.experts + 1, shape.gpus
    pairs = [(expert, copies) for expert in range(shape.experts) for copies in range(1, most + 1)]
    width = len(pairs) * (1 + gpus) + 1
    rows, low, high = [], [], []

    def add(cells: dict[int, float], least: float, greatest: float) -> None:
        row = np.zeros(width)
        row[list(cells)] = list(cells.values())
        rows.append(row)
        low.append(least)
        high.append(greatest)

    def at(pair: int, gpu: int) -> int:
        return len(pairs) * (1 + gpu) + pair

    for expert in range(shape.experts):
        add({pair: 1.0 for pair, (one, _) in enumerate(pairs) if one == expert}, 1, 1)
    for pair, (_, copies) in enumerate(pairs):
        add({pair: -copies, **{at(pair, gpu): 1.0 for gpu in range(gpus)}}, 0, 0)
    for gpu in range(gpus):
        add({at(pair, gpu): 1.0 for pair in range(len(pairs))}, shape.slots, shape.slots)
        work = {at(pair, gpu): load[expert] / copies for pair, (expert, copies) in enumerate(pairs)}
        add({**work, width - 1: -1.0}, -np.inf, 0)
    aim, whole = np.zeros(width), np.ones(width)
    aim[-1], whole[-1] = 1.0, 0.0
    found = milp(aim, constraints=LinearConstraint(np.array(rows), low, high), integrality=whole)
    assert found.success
    return float(found.fun)


def _exact(load: list[int], shape: Any) -> float:
    """The best balance of a layer."""
    return sum(load) / shape.gpus / _least_peak([float(tokens) for tokens in load], shape)


@pytest.mark.parametrize(
    ("load", "numbers", "best"),
    [
        ([6, 2, 2, 2], (1, 4, 6, 1, 1, 2), 1.0),  # 2 2 2 | 2 2 2
        ([8, 1, 1], (1, 3, 4, 1, 1, 2), 1.0),  # 4 1 | 4 1
        ([9, 3, 3], (1, 3, 4, 1, 1, 4), 15 / 4 / 4.5),
        ([4, 3, 2, 1], (1, 4, 4, 1, 1, 2), 1.0),
        ([5, 3, 2, 1, 1], (1, 5, 6, 1, 1, 3), 4 / 4.5),  # 2.5 2 | 2.5 1 | 3 1
    ],
)
def test_the_exact_bound_by_hand(load: list[int], numbers: tuple[int, ...], best: float) -> None:
    assert _exact(load, Shape(*numbers)) == pytest.approx(best)


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from([(1, 4, 6, 2, 1, 2), (1, 5, 6, 1, 1, 3), (1, 3, 4, 1, 2, 4), (1, 6, 8, 2, 1, 2)]),
    st.data(),
)
def test_no_plan_beats_the_exact_bound(numbers: tuple[int, ...], data: st.DataObject) -> None:
    shape = Shape(*numbers)
    load = data.draw(st.lists(st.integers(1, 99), min_size=shape.experts, max_size=shape.experts))
    instance = instance_of([[load], [load]], *numbers[2:])
    best = _exact(load, shape)
    extra = st.integers(0, shape.experts - 1)
    more = data.draw(st.lists(extra, min_size=shape.replicas - shape.experts, max_size=shape.replicas - shape.experts))
    any_plan = data.draw(st.permutations([*range(shape.experts), *more]))
    for plan in ([any_plan], *(_plan(name, [load], *numbers[2:]) for name in NAMES)):
        assert verifier.score(instance, [plan]).value <= best + 1e-6
    assert best <= verifier.floor(instance).value + 1e-6


def test_the_greedy_policy_is_near_the_exact_bound() -> None:
    shape = Shape(1, 6, 8, 1, 1, 2)
    shares = []
    for number in range(4):
        load = skewed(f"exact-{number}", shape, windows=2).truth[0, 0].tolist()
        got = verifier.score(instance_of([[load], [load]], 8, 1, 1, 2), [_plan("deepseek_greedy", [load], 8, 1, 1, 2)])
        shares.append(got.value / _exact(load, shape))
    assert 0.9 < np.mean(shares) <= 1.0


# The seed


@pytest.fixture(scope="module")
def train() -> list[Instance]:
    return verifier.instances(Split.TRAIN, load("moe-balancing").split_seed(Split.TRAIN), recorded=False)


def test_the_published_rules_in_the_block_make_the_seed_the_global_policy(train: list[Instance]) -> None:
    ours, theirs = mean(with_rules(**PUBLISHED), train), mean(text_of("deepseek_greedy"), train)
    assert ours == pytest.approx(theirs, abs=0.001)


def test_the_seed_lies_between_no_balancer_and_the_published_one(train: list[Instance]) -> None:
    scores = [mean(text_of(name), train) for name in ("round_robin", "seed", "deepseek_greedy")]
    assert scores[0] + 0.1 < scores[1] < scores[2] - 0.05


def test_what_is_remembered_serves_where_windows_differ_by_chance_alone() -> None:
    noisy = skewed("noise", Shape(4, 32, 40, 4, 2, 8), windows=8, drift=0.0, tokens=6.0)
    newest, all_alike = (mean(with_rules(**PUBLISHED, trust=value), [noisy]) for value in ("1.0", "1.0 / (1 + seen)"))
    assert all_alike > newest + 0.01
    shifting = skewed("shifts", Shape(4, 32, 40, 4, 2, 8), windows=8, shifts=(2, 4, 6), tokens=1_000.0)
    newest, all_alike = (
        mean(with_rules(**PUBLISHED, trust=value), [shifting]) for value in ("1.0", "1.0 / (1 + seen)")
    )
    assert newest > all_alike + 0.05


def _upsets(**traffic: Any) -> Any:
    """What `trust` is told, [windows but the first and the last, layers, (upset, moved)]."""
    text = text_of("seed").replace("    return 1.0\n", "    SEEN.append((upset, moved, seen))\n    return 1.0\n")
    session, instance = FakeSession(text), skewed("upsets", Shape(4, 64, 72, 4, 2, 8), windows=8, **traffic)
    session.names["SEEN"] = told = []
    verifier.play(session, instance)
    rows = np.array(told).reshape(6, 4, 3)
    assert rows[:, 0, 2].tolist() == [1, 2, 3, 4, 5, 6]
    return rows[:, :, :2]


@pytest.mark.parametrize("tokens", [5.0, 50.0, 5_000.0])
def test_upset_is_one_where_popularity_stays_however_many_tokens_there_are(tokens: float) -> None:
    assert float(_upsets(drift=0.0, tokens=tokens)[:, :, 0].mean()) == pytest.approx(1.0, abs=0.1)


def test_a_shift_is_seen_in_its_window_alone() -> None:
    upset, moved = _upsets(drift=0.0, tokens=500.0, shifts=(3,)).mean(axis=1).T
    assert upset[2] > 5.0 and moved[2] > 0.3
    assert np.delete(upset, 2).max() < 1.3 and np.delete(moved, 2).max() < 0.05


def test_the_block_holds_the_rules_alone() -> None:
    text = text_of("seed")
    block = find_block(text)
    assert re.findall(r"^def (\w+)", text[block.start : block.end], re.M) == ["trust", "worth", "cost"]


# README's figures


def _table() -> dict[str, dict[str, float]]:
    """The table of baselines: program -> column -> number."""
    readme = (Path(FOLDER) / "README.md").read_text()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in readme.splitlines() if "|" in line]
    at = next(number for number, row in enumerate(rows) if row[0] == "program")
    body = rows[at + 2 : at + 2 + len(NAMES)]
    return {row[0]: dict(zip(rows[at][1:], map(float, row[1:]), strict=True)) for row in body}


def test_the_table_has_every_program() -> None:
    assert sorted(_table()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_in_the_readme_are_those_of_train(name: str, train: list[Instance]) -> None:
    row = _table()[name]
    for metric in ("balance", "node_balance", "expert_slot_balance", "moved_replicas"):
        assert mean(text_of(name), train, metric) == pytest.approx(row[f"{metric} on train"], abs=0.002), metric
