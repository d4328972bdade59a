"""Exact optima of small cases of moe-affinity: the integer program, dynamic programming, what baselines lack."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from moe_affinity_tools import BASELINES, hops, hops_on_profile, least_hops, rows, seed, small, verifier, with_rules
from scipy.optimize import Bounds, LinearConstraint, linear_sum_assignment, milp
from scipy.sparse import lil_matrix

from evolve.core.types import Instance, Split


def _program(instance: Instance) -> int:
    """The integer program that ExFlow states (arXiv 2401.08383, and its authors' solver), with hops as costs.

    Binary x[l, e, p] says that expert e of layer l lies in part p; parts are the GPUs, and the nodes too, whose x are
    sums of those of their GPUs. Each expert lies on one GPU, each GPU has its share of each layer. For a pair of
    experts that tokens go between, cost >= x[l, i, p] - x[l + 1, j, p] for every part is 1 where the parts differ.
    """
    transitions, gpus, nodes = instance.args
    layers, experts = len(transitions) + 1, transitions.shape[1]
    used = [(layer, int(i), int(j)) for layer, counts in enumerate(transitions) for i, j in np.argwhere(counts)]
    places = layers * experts * gpus
    kinds = [(gpus, 1), (nodes, gpus // nodes)]
    costs = np.concatenate([np.zeros(places), [transitions[pair] for _ in kinds for pair in used]])

    def at(layer: int, expert: int, gpu: int) -> int:
        return (layer * experts + expert) * gpus + gpu

    equal, shares = lil_matrix((layers * (experts + gpus), len(costs))), []
    for layer in range(layers):
        for expert, gpu in product(range(experts), range(gpus)):
            equal[layer * (experts + gpus) + expert, at(layer, expert, gpu)] = 1
            equal[layer * (experts + gpus) + experts + gpu, at(layer, expert, gpu)] = 1
        shares += [1] * experts + [experts // gpus] * gpus
    apart = lil_matrix((len(used) * (gpus + nodes), len(costs)))
    line = 0
    for kind, (parts, size) in enumerate(kinds):
        for number, (layer, i, j) in enumerate(used):
            for part in range(parts):
                for gpu in range(part * size, (part + 1) * size):
                    apart[line, at(layer, i, gpu)] = -1
                    apart[line, at(layer + 1, j, gpu)] = 1
                apart[line, places + kind * len(used) + number] = 1
                line += 1
    integral = np.concatenate([np.ones(places), np.zeros(2 * len(used))])
    found = milp(
        costs,
        integrality=integral,
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(equal.tocsr(), shares, shares), LinearConstraint(apart.tocsr(), 0, np.inf)],
    )
    assert found.success
    return round(found.fun)


@pytest.mark.parametrize("shape", [(3, 4, 2, 1), (3, 4, 4, 2), (3, 6, 3, 1), (3, 6, 2, 2)])
def test_the_integer_program_and_dynamic_programming_agree(shape: tuple[int, int, int, int]) -> None:
    one = small(f"program-{shape}", *shape, tokens=60)
    least, placement = least_hops(one)
    assert _program(one) == least == hops_on_profile(one, placement)


@pytest.mark.parametrize("shape", [(3, 4, 2, 1), (3, 4, 2, 2), (2, 4, 4, 2), (2, 6, 3, 3)])
def test_no_placement_has_fewer_hops(shape: tuple[int, int, int, int]) -> None:
    one = small(f"exhaustive-{shape}", *shape)
    transitions, gpus, _ = one.args
    every = product(list(rows(transitions.shape[1], gpus)), repeat=len(transitions) + 1)
    assert min(hops_on_profile(one, placement) for placement in every) == least_hops(one)[0]


def _ratio(one: Instance, placement: object) -> float:
    transitions, gpus, nodes = one.args
    return hops_on_profile(one, placement) / int(transitions.sum()) / hops.random_hops(gpus, nodes)


@pytest.fixture(scope="module")
def eight() -> list[Instance]:
    """Models of eight experts as train has them, one on four GPUs and one on two."""
    found = [one for one in verifier.instances(Split.TRAIN, 101) if one.args[0].shape[1] == 8]
    return found[:2]


def test_how_near_the_baselines_come_to_the_optimum_on_what_they_see(eight: list[Instance]) -> None:
    assert [one.args[1] for one in eight] == [4, 2]
    better = with_rules("inflow + outflow + 0.1 * kin", "load * lead")
    places = {name: module.place for name, module in BASELINES.items()} | {"seed": seed.place, "better": better}
    best = [_ratio(one, least_hops(one)[1]) for one in eight]
    found = {name: [_ratio(one, place(*one.args)) for one in eight] for name, place in places.items()}
    for ratios in found.values():
        assert all(ratio >= least - 1e-12 for ratio, least in zip(ratios, best, strict=True))
    above = {name: float(np.mean(ratios)) - float(np.mean(best)) for name, ratios in found.items()}
    assert above["exflow_staged"] < 0.01 < above["better"] < above["greedy_chain"] < above["random_shares"]


def test_one_expert_a_gpu_is_as_easy_as_an_assignment() -> None:
    """With one node and one expert on each GPU a step's hops depend on how two layers match, whatever comes before."""
    one = small("assignment", 5, 8, 8)
    placement = [np.arange(8)]
    for counts in one.args[0]:
        before, after = linear_sum_assignment(counts, maximize=True)
        row = np.empty(8, dtype=int)
        row[after] = placement[-1][before]
        placement.append(row)
    least = hops_on_profile(one, placement)
    for module in (*BASELINES.values(), seed):
        assert hops_on_profile(one, module.place(*one.args)) >= least
