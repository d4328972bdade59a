"""What the tests of moe-balancing share: its modules, its programs, and a session in this process."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.verifier import load_verifier
from evolve.core.rng import generator
from evolve.core.types import Instance

FOLDER = Path(__file__).parents[2] / "problems" / "moe-balancing"
BASELINES = ("deepseek_greedy", "deepseek_hierarchical", "round_robin", "vectorised_snake")
verifier = load_verifier(FOLDER)
plans: Any = importlib.import_module("expert_plans")
loads: Any = importlib.import_module("expert_loads")
Shape: Any = plans.Shape

# Of the seed, and of the rules that make it DeepSeek's global policy.
RULES = {"trust": "1.0", "worth": "load - copies", "cost": "-room"}
PUBLISHED = {"worth": "load / copies", "cost": "load"}


def text_of(name: str) -> str:
    """The program `seed`, or that of a baseline."""
    return (FOLDER / ("seed.py" if name == "seed" else f"baselines/{name}.py")).read_text()


def with_rules(**rules: str) -> str:
    """The seed with another value returned by some of its rules."""
    text = text_of("seed")
    for name, value in rules.items():
        head, tail = text.split(f"def {name}(")
        old, new = f"    return {RULES[name]}\n", f"    return {value}\n"
        assert old in tail
        text = f"{head}def {name}({tail.replace(old, new, 1)}"
    return text


class FakeSession:
    """Calls a program in this process, as a sandbox would in its own."""

    def __init__(self, text: str) -> None:
        self.names: dict[str, Any] = {}
        exec(compile(text, "program", "exec"), self.names)

    def call(self, entry: str, *args: Any) -> Any:
        return self.names[entry](*args)


def played(text: str, instance: Instance) -> Any:
    """The score of a program."""
    return verifier.score(instance, verifier.play(FakeSession(text), instance))


def mean(text: str, instances: list[Instance], metric: str = "balance") -> float:
    """Mean of a metric over instances, each played by a fresh program."""
    return float(np.mean([played(text, instance).metrics[metric] for instance in instances]))


def instance_of(counts: Any, replicas: int, groups: int, nodes: int, gpus: int) -> Instance:
    """An instance of counts [windows, layers, experts]."""
    array = np.array(counts, dtype=np.int64)
    shape = Shape(array.shape[1], array.shape[2], replicas, groups, nodes, gpus)
    return verifier.make_instance("some", "some", shape, array)


def skewed(name: str, shape: Any, windows: int = 3, **traffic: Any) -> Instance:
    """An instance of generated counts."""
    how = {"sigma": 1.0, "drift": 0.2, **traffic}
    counts = loads.generated(loads.Traffic(**how), windows, shape.layers, shape.experts, generator("test", name))
    return verifier.make_instance(name, name, shape, counts)
