"""What the tests of semantic-cache share: its modules, a session in this process, other rules, and small workloads."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from evaluators.verifier import load_verifier
from evolve.core.types import Instance, Score, Split

FOLDER = Path(__file__).parents[2] / "problems" / "semantic-cache"
verifier: Any = load_verifier(FOLDER)
costs: Any = importlib.import_module("cache_costs")
streams: Any = importlib.import_module("query_streams")
categories: Any = importlib.import_module("query_categories")

WINDOW = streams.WINDOW_SECONDS
SEED = (FOLDER / "seed.py").read_text(encoding="utf-8")
BASELINES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((FOLDER / "baselines").glob("*.py"))}
TRAIN_SEED, FINAL_SEED = 12, 15

Configure = Callable[[Any, int], Any]

# A query of a small workload: seconds since the start of its window, meaning, version, angle in degrees.
Query = tuple[float, int, int, float]


def program(text: str) -> Configure:
    """The entry of a program's text."""
    space: dict[str, Any] = {"__name__": "program"}
    exec(compile(text, "program.py", "exec"), space)
    entry: Configure = space["configure"]
    return entry


def ruled(radius: str = "0.1", windows: str = "4.0", weight: str = "traffic") -> str:
    """The seed's text with other expressions in its three rules."""
    text = SEED
    for before, after in (("0.1", radius), ("4.0", windows), ("traffic", weight)):
        assert text.count(f"    return {before}\n") == 1
        text = text.replace(f"    return {before}\n", f"    return @{after}\n")
    return text.replace("return @", "return ")


def fixed(*settings: Sequence[Any]) -> Configure:
    """Always the same answer."""
    return lambda statistics, capacity: [list(one) for one in settings]


class FakeSession:
    """Calls the program in this process; `asked` keeps what it was told."""

    def __init__(self, configure: Configure) -> None:
        self.configure, self.asked, self.renewed = configure, list[Any](), 0

    def call(self, entry: str, *args: Any) -> Any:
        assert entry == "configure"
        self.asked.append(args)
        return self.configure(*args)

    def renew(self) -> None:
        self.renewed += 1


def played(configure: Configure, instance: Instance) -> Score:
    """The score of a program on an instance."""
    found: Score = verifier.score(instance, verifier.play(FakeSession(configure), instance))
    return found


def mean(configure: Configure, instances: Sequence[Instance]) -> float:
    """Its mean score."""
    return float(np.mean([played(configure, one).value for one in instances]))


@cache
def train() -> tuple[Instance, ...]:
    """The workloads of train."""
    return tuple(verifier.instances(Split.TRAIN, TRAIN_SEED))


def stream_of(*windows: Sequence[Query], audited: bool = True, **prices: float) -> dict[str, Any]:
    """A category's data, with one sequence of queries a window; vectors lie in a plane."""
    rows = [(at * WINDOW + time, *rest) for at, window in enumerate(windows) for time, *rest in window]
    angles = np.radians([row[3] for row in rows])
    return {
        "starts": np.cumsum([0, *map(len, windows)]),
        "times": np.array([row[0] for row in rows], dtype=np.float64),
        "meanings": np.array([row[1] for row in rows], dtype=np.int64),
        "versions": np.array([row[2] for row in rows], dtype=np.int64),
        "vectors": np.stack([np.cos(angles), np.sin(angles)], axis=1),
        "audited": np.full(len(rows), audited),
        "loads": np.ones(len(windows)),
        "model_seconds": 2.0,
        "model_money": 3.0,
        "penalty": 20.0,
    } | prices


def workload_of(capacity: int, *found: dict[str, Any]) -> Instance:
    """An instance of some categories."""
    windows = len(found[0]["starts"]) - 1
    return verifier.make_instance(
        "some",
        "some",
        {"capacity": capacity, "window_seconds": WINDOW, "windows": windows, "categories": list(found)},
    )


def cosine(degrees: float) -> float:
    """Of two directions that far apart."""
    return math.cos(math.radians(degrees))
