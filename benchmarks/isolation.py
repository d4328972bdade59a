"""What isolation costs and how fast caches are simulated: medians of several rounds, with the smallest and the largest.

make bench
"""

from __future__ import annotations

import statistics
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from evaluators.process_cascade import ProcessEvaluator
from evaluators.verifier import load_verifier
from evolve.core.clock import cpu_seconds, monotonic_seconds
from evolve.core.types import Source
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load
from sandbox.bubblewrap import BubblewrapSandbox, available
from sandbox.limits import Limits

ROUNDS, SESSIONS, CALLS, REQUESTS = 5, 50, 5_000, 200_000

# A scalar priority over 16 residents drawn at random: gathering their features one by one is what costs.
SAMPLED = """
from random import random

class Sampled:
    def __init__(self, capacity):
        self.capacity, self.now = capacity, 0
        self.last, self.hits = [0] * capacity, [0] * capacity
    def hit(self, slot):
        self.now = self.now + 1
        self.last[slot] = self.now
        self.hits[slot] += 1
    def victim(self, ghost):
        self.now = now = self.now + 1
        last, hits, capacity = self.last, self.hits, self.capacity
        slots = [int(random() * capacity) for _ in range(16)]
        worths = [priority(now - last[slot], hits[slot]) for slot in slots]
        return slots[worths.index(min(worths))]
    def place(self, slot, ghost):
        self.last[slot], self.hits[slot] = self.now, 0

def priority(idle, hits):
    return -idle

def make_policy(capacity):
    return Sampled(capacity)
"""


def main() -> None:
    """Print one line a figure."""
    problem = load("cache-eviction")
    load_verifier(problem.folder)  # its modules can be imported from here on
    trace = __import__("workloads").trace("zipf+loop", 3, REQUESTS)
    capacity = len(set(trace)) // 100
    driver = _module("driver", problem.driver or "")
    for what, source, target in (
        ("first-in first-out", problem.baselines["fifo"], 1_000_000),
        ("scalar priority, 16 drawn residents", Source({"program.py": SAMPLED}, "make_policy"), 150_000),
        ("scalar priority, 16 slots in a row", problem.seed, 300_000),
    ):
        make_policy = _module("policy", source.main).make_policy
        report(what, "requests/CPU-s", lambda policy=make_policy: drive_rate(driver, policy, trace, capacity), target)
    log = driver.drive(_module("policy", problem.baselines["lru"].main).make_policy, trace, (capacity,))[0][1]
    report("replay of a decision log", "requests/CPU-s", lambda: replay_rate(trace, capacity, log), 2_000_000)
    reason = available()
    if reason is not None:
        print(f"no figures of the sandbox: {reason}")
        return
    report("session: open, call, close", "ms", session_milliseconds)
    report("session with numpy", "ms", lambda: session_milliseconds(("numpy",)))
    report("strict replay: one question", "us", call_microseconds)
    report("evaluation of the seed, one worker", "s", lambda: evaluation_seconds(problem))


def report(what: str, unit: str, measure: Callable[[], float], target: float | None = None) -> None:
    """Measure some rounds and print median, range and target."""
    figures = [measure() for _ in range(ROUNDS)]
    wanted = f"; at least {target:,.0f}" if target else ""
    digits = 0 if min(figures) >= 100 else 2
    low, median, high = min(figures), statistics.median(figures), max(figures)
    print(f"{what:38s} {median:12,.{digits}f} {unit} ({low:,.{digits}f} to {high:,.{digits}f}{wanted})", flush=True)


def drive_rate(driver: Any, make_policy: Any, trace: array[int], capacity: int) -> float:
    """Requests a CPU-second through the driver, without a sandbox around it."""
    began = cpu_seconds()
    driver.drive(make_policy, trace, (capacity,))
    return len(trace) / (cpu_seconds() - began)


def replay_rate(trace: array[int], capacity: int, log: array[int]) -> float:
    """Requests a CPU-second through the verifier's replay."""
    began = cpu_seconds()
    __import__("replay").miss_count(trace, capacity, log, False)
    return len(trace) / (cpu_seconds() - began)


def session_milliseconds(packages: tuple[str, ...] = ()) -> float:
    """Wall milliseconds of a session with one call, the median of many."""
    sandbox = BubblewrapSandbox(packages)
    source = Source({"program.py": "def answer():\n    return 42\n"}, "answer")
    seconds = []
    for _ in range(SESSIONS):
        began = monotonic_seconds()
        session = sandbox.open(source, Limits())
        session.call("answer")
        session.close()
        seconds.append(monotonic_seconds() - began)
    return 1e3 * statistics.median(seconds)


def call_microseconds() -> float:
    """Wall microseconds of one small call in an open session."""
    session = BubblewrapSandbox().open(Source({"program.py": "def step(x):\n    return x\n"}, "step"), Limits())
    began = monotonic_seconds()
    for number in range(CALLS):
        session.call("step", number)
    seconds = monotonic_seconds() - began
    session.close()
    return 1e6 * seconds / CALLS


def evaluation_seconds(problem: Problem) -> float:
    """Wall seconds from a program to its verdict: probe and train, each instance in a process of its own."""
    evaluator = make_evaluator(problem)
    if not isinstance(evaluator, ProcessEvaluator):
        raise TypeError("a problem without processes")
    _ = evaluator.evaluation_set
    began = monotonic_seconds()
    evaluator.evaluate(problem.seed)
    seconds = monotonic_seconds() - began
    evaluator.stage.verifier.close()
    return seconds


def _module(name: str, text: str) -> ModuleType:
    """A module of ours (a shipped driver or policy) in this process."""
    module = ModuleType(name)
    module.__file__ = str(Path(name).with_suffix(".py"))
    exec(compile(text, f"{name}.py", "exec"), module.__dict__)
    return module


if __name__ == "__main__":
    sys.exit(main())
