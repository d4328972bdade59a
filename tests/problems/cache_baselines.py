"""What the tests of cache-eviction's baselines share: the baselines, their hits on a trace, and short traces."""

from __future__ import annotations

import importlib.util
import random
from array import array
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from hypothesis import strategies as st

FOLDER = Path(__file__).parents[2] / "problems" / "cache-eviction"
NAMES = ("arc", "fifo", "lfu", "lhd", "lirs", "lru", "s3_fifo", "sieve", "two_q", "w_tinylfu")


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"cache_baseline_{Path(path).stem}", FOLDER / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


driver = _load("driver.py")
MODULES = {name: _load(f"baselines/{name}.py") for name in NAMES}


def zipf_trace(seed: int, objects: int, length: int, skew: float) -> array[int]:
    """Independent requests, the object of rank r with a probability as r to the power of minus `skew`."""
    weights = [rank**-skew for rank in range(1, objects + 1)]
    return array("q", random.Random(seed).choices(range(objects), weights, k=length))


short_traces = st.builds(
    zipf_trace, st.integers(0, 2**32), st.integers(1, 60), st.integers(0, 400), st.sampled_from((0.0, 0.5, 1.0))
)


def replay(trace: Iterable[int], capacity: int, log: Iterable[int]) -> list[bool]:
    """Hits, request by request; every decision must be possible, and every one must be used."""
    residents: dict[int, int] = {}
    names: list[int] = []
    decisions, hits = iter(log), []
    for number in trace:
        hits.append(number in residents)
        if hits[-1]:
            continue
        slot = len(names)
        if slot < capacity:
            names.append(number)
        else:
            slot = next(decisions)
            assert 0 <= slot < capacity
            del residents[names[slot]]
            names[slot] = number
        residents[number] = slot
    assert next(decisions, None) is None
    return hits


def hits_of(name: str, trace: Iterable[int], capacity: int) -> list[bool]:
    """Hits of a baseline, request by request, as its log of decisions gives them."""
    trace = array("q", trace)
    ((bypasses, log),) = driver.drive(MODULES[name].make_policy, trace, [capacity])
    assert bypasses is False
    return replay(trace, capacity, log)
