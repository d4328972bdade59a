"""What the tests of moe-affinity share: its modules, programs with another rule, small instances, exact optima."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluators.verifier import load_verifier
from evolve.core.rng import generator
from evolve.core.types import Instance, Split

FOLDER = Path(__file__).parents[2] / "problems" / "moe-affinity"
verifier = load_verifier(FOLDER)
hops: Any = importlib.import_module("expert_hops")
paths: Any = importlib.import_module("expert_paths")
NAMES = ("exflow_staged", "greedy_chain", "random_shares")
SPLIT_SEEDS = {Split.PROBE: 21, Split.TRAIN: 22, Split.GATE: 23, Split.REPORT: 24, Split.FINAL: 26}


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"moe_affinity_{Path(path).stem}", FOLDER / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


seed = _load("seed.py")
BASELINES = {name: _load(f"baselines/{name}.py") for name in NAMES}


def with_rules(gain: str, urgency: str) -> Any:
    """The seed's `place` with other expressions in its block."""
    text = (FOLDER / "seed.py").read_text(encoding="utf-8")
    assert text.count("return full\n") == text.count("return 0.0\n") == 1
    names: dict[str, Any] = {}
    exec(text.replace("return full\n", f"return {gain}\n").replace("return 0.0\n", f"return {urgency}\n"), names)
    return names["place"]


def small(name: str, layers: int, experts: int, gpus: int, nodes: int = 1, tokens: int = 400) -> Instance:
    """An instance of one profiled domain and another one."""
    draw = generator("test", name)
    base = paths.model(draw, layers, experts)
    profiled, held_out = (paths.sample(draw, paths.domain(draw, base, 0.2), tokens) for _ in range(2))
    made: Instance = verifier.make_instance(name, [profiled], held_out, experts, gpus, nodes)
    return made


def hops_on_profile(instance: Instance, placement: Any) -> int:
    """Hops of the profiled tokens, from their transitions, in the plainest way."""
    transitions, gpus, nodes = instance.args
    total = 0
    for counts, row, after in zip(transitions.tolist(), placement, placement[1:], strict=False):
        for i, j in product(range(len(row)), repeat=2):
            here, there, size = int(row[i]), int(after[j]), gpus // nodes
            total += counts[i][j] * ((here != there) + (here // size != there // size))
    return total


def rows(experts: int, gpus: int) -> Iterator[list[int]]:
    """Every way to give each GPU the same number of experts."""

    def dealt(free: tuple[int, ...], gpu: int) -> Iterator[dict[int, int]]:
        if gpu == gpus:
            yield {}
            return
        for chosen in combinations(free, experts // gpus):
            for rest in dealt(tuple(one for one in free if one not in chosen), gpu + 1):
                yield {**dict.fromkeys(chosen, gpu), **rest}

    for found in dealt(tuple(range(experts)), 0):
        yield [found[expert] for expert in range(experts)]


def least_hops(instance: Instance) -> tuple[int, list[list[int]]]:
    """The optimum on the profile, by dynamic programming over all rows of a layer, and a placement that has it."""
    transitions, gpus, nodes = instance.args
    every = np.array(list(rows(transitions.shape[1], gpus)))
    kinds = [np.eye(gpus)[every]] + ([np.eye(nodes)[every // (gpus // nodes)]] if nodes > 1 else [])
    costs: NDArray[np.float64] = np.zeros(len(every))
    choices = []
    for counts in transitions:
        kept = sum(
            np.einsum("aig,ij->ajg", of, counts).reshape(len(every), -1) @ of.reshape(len(every), -1).T for of in kinds
        )
        reached = costs[:, None] + len(kinds) * counts.sum() - kept
        choices.append(reached.argmin(axis=0))
        costs = reached.min(axis=0)
    at = int(costs.argmin())
    best = [at]
    for choice in reversed(choices):
        best.append(int(choice[best[-1]]))
    return round(float(costs.min())), [every[one].tolist() for one in reversed(best)]
