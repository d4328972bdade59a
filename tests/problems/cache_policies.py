"""What the tests of cache-eviction share: its modules, three policies, a cheat, and a session in this process."""

from __future__ import annotations

import importlib
import importlib.util
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from evaluators.verifier import load_verifier
from evolve.core.rng import generator
from evolve.core.types import Instance

FOLDER = Path(__file__).parents[2] / "problems" / "cache-eviction"
verifier = load_verifier(FOLDER)
replay: Any = importlib.import_module("replay")
traces: Any = importlib.import_module("traces")

small_traces = st.lists(st.integers(0, 6), min_size=1, max_size=60).map(lambda names: array("i", names))
capacities = st.integers(1, 4)


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"cache_eviction_{name}", FOLDER / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


driver, seed = _load("driver"), _load("seed")


class Lru:
    """Least recently used, by slots."""

    def __init__(self, capacity: int) -> None:
        self.order: dict[int, None] = {}

    def hit(self, slot: int) -> None:
        del self.order[slot]
        self.order[slot] = None

    def victim(self, ghost: int) -> int:
        slot = next(iter(self.order))
        del self.order[slot]
        return slot

    def place(self, slot: int, ghost: int) -> None:
        self.order[slot] = None


class Whimsical:
    """Uses every freedom there is: bypasses, remembers in any cell or none; depends on all that it is told."""

    bypasses = True

    def __init__(self, capacity: int) -> None:
        self.capacity, self.state = capacity, 1

    def _mix(self, *told: int) -> None:
        for value in told:
            self.state = (self.state * 6_364_136_223_846_793_005 + value + 7) % 2**64

    def hit(self, slot: int) -> None:
        self._mix(1, slot)

    def victim(self, ghost: int) -> int:
        self._mix(2, ghost)
        return (self.state >> 33) % (self.capacity + 1) - 1

    def remember(self, slot: int) -> int:
        self._mix(3, slot)
        return (self.state >> 33) % (self.capacity + 1) - 1

    def place(self, slot: int, ghost: int) -> None:
        self._mix(4, slot, ghost)


class Oracle(Lru):
    """A cheat: it has found the trace in its process and evicts whoever is requested last from now on."""

    trace: Sequence[int] = ()

    def __init__(self, capacity: int) -> None:
        self.now, self.names = 0, [-1] * capacity

    def hit(self, slot: int) -> None:
        self.now += 1

    def victim(self, ghost: int) -> int:
        rest = list(self.trace[self.now :])
        waits = [rest.index(name) if name in rest else len(self.trace) for name in self.names]
        return waits.index(max(waits))

    def place(self, slot: int, ghost: int) -> None:
        self.names[slot] = self.trace[self.now]
        self.now += 1


def oracle(trace: Sequence[int]) -> type[Oracle]:
    """The cheat for one trace."""
    return type("OracleOfOne", (Oracle,), {"trace": trace})


POLICIES: list[Callable[[int], Any]] = [seed.make_policy, Lru, Whimsical]


class FakeSession:
    """Calls the driver in this process, as a sandbox would in its own; `answers` are put in place of its replies."""

    def __init__(self, make_policy: Callable[[int], Any], answers: dict[str, Any] | None = None) -> None:
        self.make_policy, self.answers = make_policy, answers or {}

    def call(self, entry: str, *args: Any) -> Any:
        reply = getattr(driver, entry)(self.make_policy, *args)
        return self.answers.get(entry, reply)

    def renew(self) -> None:
        """A fresh process would know nothing of the policies before; these policies keep nothing in common."""


def instance_of(trace: Sequence[int], *sizes: int) -> Instance:
    """An instance of that trace, at the given capacities or its usual ones."""
    return verifier.make_instance("some", "some", array("i", trace), sizes or None)


def drive(make_policy: Callable[[int], Any], instance: Instance) -> Any:
    """What the driver gives."""
    return driver.drive(make_policy, *instance.args)


def random_trace(name: str, objects: int, requests: int) -> array[int]:
    """Requests whose popularity falls with the number of the object."""
    draws = (generator("test", name).random(requests) ** 2 * objects).astype(int)
    return array("i", draws.tolist())


def misses_by_hand(trace: Sequence[int], capacity: int, log: Sequence[int]) -> int:
    """Another way to the same number: keep the cache as a mapping from slot to name."""
    slots: dict[int, int] = {}
    decisions, misses = list(log), 0
    for name in trace:
        if name in slots.values():
            continue
        misses += 1
        slot = len(slots) if len(slots) < capacity else decisions.pop(0)
        if slot >= 0:
            slots[slot] = name
    assert not decisions
    return misses
