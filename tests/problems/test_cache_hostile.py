"""Policies that look for the future where the driver keeps it: all end as forbidden, and leave no outcome behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evaluators.process_cascade import ProcessEvaluator
from evolve.core.types import Source, Split, Status
from evolve.engine.worker import Worker
from evolve.problem import Problem, load

pytestmark = pytest.mark.bubblewrap

# Evicts the resident whose next request is farthest away (Belady 1966), where `future()` finds the trace.
BELADY = """
import sys
class Oracle(Window):
    bypasses = False
    def __init__(self, capacity):
        super().__init__(capacity)
        self.at, self.found = 0, None
    def hit(self, slot):
        super().hit(slot)
        self.at += 1
    def place(self, slot, ghost):
        super().place(slot, ghost)
        self.at += 1
    def victim(self, ghost):
        slot = super().victim(ghost)
        found = self.future() if self.capacity > 100 and self.at % 2 == 0 else None
        if not found:
            return slot
        trace, names = found
        ahead = list(trace[self.at:self.at + 100])
        away = [ahead.index(name) if name in ahead else 100 for name in names]
        return away.index(max(away))
    def future(self):
{}

def make_policy(capacity):
    return Oracle(capacity)
"""

WALKS_FRAMES = """
        frame = sys._getframe()
        while frame:
            if "trace" in frame.f_locals and "names" in frame.f_locals:
                return frame.f_locals["trace"], frame.f_locals["names"]
            frame = frame.f_back"""

USES_GC = """
        import gc
        from array import array
        if self.found is None:
            every = gc.get_objects()
            traces = [o[0] for o in every if type(o) is tuple and o and type(o[0]) is array]
            own = [id(o) for o in vars(self).values()]
            rows = [o for o in every if type(o) is list and len(o) == self.capacity and id(o) not in own]
            rows = [o for o in rows if all(type(n) is int for n in o) and len(set(o)) == len(o)]
            self.found = (traces[0], rows[0]) if traces and rows else ()
        return self.found"""

KEEPS_A_REFERENCE = """
        if self.found is None:
            depth = 1
            while True:
                try:
                    local = sys._getframe(depth).f_locals
                except ValueError:
                    return None
                if "trace" in local and "names" in local:
                    self.found = local["trace"], local["names"]
                    break
                depth += 1
        return self.found"""

READS_MEMORY = """
        import ctypes
        if self.found is None:
            frame = sys._getframe()
            while frame and not ("trace" in frame.f_locals and "names" in frame.f_locals):
                frame = frame.f_back
            if frame is None:
                return None
            self.found = id(frame.f_locals["trace"]), id(frame.f_locals["names"])
        trace, names = self.found
        return ctypes.cast(trace, ctypes.py_object).value, ctypes.cast(names, ctypes.py_object).value"""

CHEATS = {"frames": WALKS_FRAMES, "gc": USES_GC, "reference": KEEPS_A_REFERENCE, "memory": READS_MEMORY}


def _cheat(problem: Problem, body: str) -> Source:
    return problem.seed.with_main(problem.seed.main + BELADY.format(body))


@pytest.fixture(scope="module")
def problem() -> Problem:
    return load("cache-eviction")


@pytest.fixture(scope="module")
def worker(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    yield from _worker(str(problem.folder), tmp_path_factory)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """With traces a tenth as long."""
    yield from _worker("cache-eviction@compare", tmp_path_factory)


def _worker(place: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    patch = pytest.MonkeyPatch()
    patch.setenv("EVOLVE_DATA", str(tmp_path_factory.mktemp("empty")))  # generated workloads only
    made = Worker(place)
    yield made
    assert isinstance(made.evaluator, ProcessEvaluator)
    made.evaluator.stage.verifier.close()
    patch.undo()


@pytest.mark.parametrize("name", CHEATS)
def test_looking_ahead_scores_well_and_ends_as_forbidden(problem: Problem, worker: Worker, name: str) -> None:
    source = _cheat(problem, CHEATS[name])
    assert isinstance(worker.evaluator, ProcessEvaluator)
    stage = worker.evaluator.stage
    run = stage.run(source, Split.TRAIN, stage.verifier.instances(Split.TRAIN)[0])
    assert run.score is not None, run.feedback
    honest = stage.run(problem.seed, Split.TRAIN, stage.verifier.instances(Split.TRAIN)[0])
    assert honest.score is not None and run.score.value > honest.score.value + 0.01
    # A strict replay takes ten times as long, and is the same for whatever looked ahead.
    for strictly in (False, True) if name == "memory" else (False,):
        found = worker.check(source, 1, strictly, {})
        assert found is not None and found.status is Status.FORBIDDEN, found


CARRIES = """
SEEN = []

class Carrier(Window):
    bypasses = False
    def __init__(self, capacity):
        super().__init__(capacity)
        SEEN.append(0)
    def victim(self, ghost):
        slot = super().victim(ghost)
        SEEN[-1] += 1
        return (slot + sum(SEEN[:-1])) % self.capacity

def make_policy(capacity):
    return Carrier(capacity)
"""


def test_what_one_capacity_saw_is_the_future_of_the_next(problem: Problem, quick: Worker) -> None:
    """The whole trace has gone by before the second policy begins: what it is told by the first is look-ahead."""
    source = problem.seed.with_main(problem.seed.main + CARRIES)
    for strictly in (False, True):
        found = quick.check(source, 1, strictly, {})
        assert found is not None and found.status is Status.FORBIDDEN, found


def test_the_seed_and_every_baseline_are_honest(problem: Problem, quick: Worker) -> None:
    for name, source in {"seed": problem.seed, **problem.baselines}.items():
        assert quick.check(source, 2, False, {}) is None, name


def test_a_baseline_decides_alike_one_request_at_a_time(problem: Problem, quick: Worker) -> None:
    for name in ("arc", "s3_fifo"):
        status, metrics, words = quick.final(problem.baselines[name], 0, strictly=True)
        assert status is Status.OK, words
        assert metrics == quick.final(problem.baselines[name], 0, strictly=False)[1]
