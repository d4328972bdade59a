"""The seed and the baselines of moe-affinity: worked examples, what must be equal, and the figures in the README."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from moe_affinity_tools import BASELINES, FOLDER, NAMES, SPLIT_SEEDS, hops, hops_on_profile, seed, small, verifier
from moe_affinity_tools import with_rules as seed_with

from evolve.core.types import Instance, Split

SHAPES = ((4, 8, 4, 2), (5, 8, 2, 1), (3, 8, 8, 1), (4, 16, 8, 4), (3, 16, 4, 4))


@pytest.fixture(scope="module")
def train() -> list[Instance]:
    found: list[Instance] = verifier.instances(Split.TRAIN, SPLIT_SEEDS[Split.TRAIN])
    return found


def _some() -> list[Instance]:
    return [small(f"some-{shape}", *shape) for shape in SHAPES]


def _mean(place: Any, instances: list[Instance]) -> float:
    return float(np.mean([verifier.score(one, place(one.args[0].copy(), *one.args[1:])).value for one in instances]))


def test_every_baseline_is_here_and_cites_its_source() -> None:
    assert tuple(sorted(path.stem for path in (FOLDER / "baselines").glob("*.py"))) == NAMES
    assert all(module.__doc__ for module in BASELINES.values())


@pytest.mark.parametrize("name", ["seed", *NAMES])
def test_placements_are_valid_the_same_again_and_leave_their_question_alone(name: str) -> None:
    place = seed.place if name == "seed" else BASELINES[name].place
    for one in _some():
        question, gpus, nodes = one.args
        before = question.copy()
        placement = place(question, gpus, nodes)
        found = hops.checked(placement, len(question) + 1, question.shape[1], gpus)
        assert (question == before).all()
        assert (found == hops.checked(place(question, gpus, nodes), *found.shape, gpus)).all()


@pytest.mark.parametrize("name", ["seed", *NAMES])
def test_experts_without_any_token_are_placed_too(name: str) -> None:
    place = seed.place if name == "seed" else BASELINES[name].place
    hops.checked(place(np.zeros((3, 8, 8), dtype=np.int64), 4, 2), 4, 8, 4)


def test_the_seed_places_contiguous_shares() -> None:
    for one in _some():
        transitions, gpus, nodes = one.args
        row = [expert // (transitions.shape[1] // gpus) for expert in range(transitions.shape[1])]
        assert seed.place(transitions, gpus, nodes) == [row] * (len(transitions) + 1)


def test_the_seed_with_the_greedy_rule_is_the_greedy_chain(train: list[Instance]) -> None:
    place = seed_with("inflow", "load")
    for one in [*_some(), *train]:
        assert place(*one.args) == BASELINES["greedy_chain"].place(*one.args), one.id


def test_a_rule_that_sees_both_sides_beats_the_greedy_chain(train: list[Instance]) -> None:
    both = ("inflow + outflow + near", "load * lead")
    chain, better = (_mean(seed_with(*rules), train) for rules in (("inflow", "load"), both))
    assert better < chain - 0.02


def test_the_greedy_chain_by_hand() -> None:
    # Expert 3 has most tokens and goes to GPU 0 with expert 2; then experts follow most of their tokens while there is
    # room: of the second layer 0 (40, all from GPU 0), 1 (30: 20 from GPU 0), and the rest what is left.
    transitions = np.zeros((1, 4, 4), dtype=np.int64)
    transitions[0, 3] = [35, 5, 0, 0]
    transitions[0, 2] = [5, 15, 5, 0]
    transitions[0, 1] = [0, 10, 0, 2]
    transitions[0, 0] = [0, 0, 10, 0]
    assert BASELINES["greedy_chain"].place(transitions, 2, 1) == [[1, 1, 0, 0], [0, 0, 1, 1]]


def test_facts_are_what_the_docstring_says(monkeypatch: pytest.MonkeyPatch) -> None:
    one = small("facts", 4, 8, 4, 2)
    told: list[tuple[float, ...]] = []
    turns: list[tuple[float, ...]] = []

    def gain(*facts: float) -> float:
        told.append(facts)
        return facts[0] + facts[1]

    def urgency(*facts: float) -> float:
        turns.append(facts)
        return facts[0]

    monkeypatch.setattr(seed, "gain", gain)
    monkeypatch.setattr(seed, "urgency", urgency)
    seed.place(*one.args)
    assert {type(fact) for facts in told + turns for fact in facts} == {float}
    inflow, outflow, near, kin, full, load = np.array(told).T
    assert min(inflow.min(), outflow.min()) == 0.0 and max(inflow.max(), outflow.max()) <= 1.0
    assert (inflow + outflow <= near + 1e-9).all() and near.max() <= 2.0 + 1e-9
    assert (outflow[: 8 * 4] == 0.0).all() and outflow[-8 * 4 * 2 :].max() > 0.0  # nothing is placed after it at first
    assert set(full.tolist()) == {0.0, 0.5} and load.mean() == pytest.approx(1.0, abs=0.2)
    assert kin.min() >= 0.0 and kin.mean() == pytest.approx(1.0, abs=0.3)
    load, pull, lead, focus = np.array(turns).T
    assert load.reshape(-1, 8).mean(axis=1) == pytest.approx(1.0)
    assert lead.min() >= 0.0 and (lead <= pull).all() and pull.max() <= 2.0
    assert focus.min() >= 1 / 8 and focus.max() <= 1.0


def test_the_staged_solver_joins_what_belongs_together() -> None:
    # Four groups that tokens never leave, but for a few from group 0 to 1 and from 2 to 3: these share a node.
    transitions = np.zeros((3, 8, 8), dtype=np.int64)
    groups = [[0, 5], [1, 7], [2, 3], [4, 6]]
    for members in groups:
        transitions[:, members, members] = transitions[:, members, members[::-1]] = 20
    for one, other in ((groups[0], groups[1]), (groups[2], groups[3])):
        transitions[:, one[0], other[0]] = transitions[:, other[0], one[0]] = 3
    placement = BASELINES["exflow_staged"].place(transitions, 4, 2)
    for row in placement:
        gpus = [{int(row[expert]) for expert in members} for members in groups]
        assert [len(gpu) for gpu in gpus] == [1] * 4
        assert {min(gpus[0]) // 2, min(gpus[1]) // 2} != {min(gpus[2]) // 2, min(gpus[3]) // 2}
        assert min(gpus[0]) // 2 == min(gpus[1]) // 2
    assert (np.array(placement) == placement[0]).all()


def test_no_exchange_within_a_layer_improves_the_staged_placement_of_one_node() -> None:
    one = small("local", 4, 8, 4)
    placement = np.array(BASELINES["exflow_staged"].place(*one.args))
    least = hops_on_profile(one, placement)
    for layer in range(4):
        for first in range(8):
            for second in range(first):
                other = placement.copy()
                other[layer, [first, second]] = other[layer, [second, first]]
                assert hops_on_profile(one, other) >= least


def _in_readme() -> dict[str, float]:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    return {name: float(value) for name, value in re.findall(r"^\| `(\w+)` \| (\d\.\d+) \|", text, re.MULTILINE)}


def test_figures_of_the_readme_are_those_of_train(train: list[Instance]) -> None:
    written = _in_readme()
    assert set(written) == {"seed", *NAMES, "floor"}
    measured = {name: _mean(module.place, train) for name, module in BASELINES.items()}
    measured["seed"] = _mean(seed.place, train)
    measured["floor"] = float(np.mean([verifier.floor(one).value for one in train]))
    assert measured == pytest.approx(written, abs=0.002)
    assert measured["floor"] < measured["exflow_staged"] < measured["greedy_chain"] < measured["random_shares"]
