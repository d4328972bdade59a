"""The template for policies: slowdown by hand, strict replay, and a dispatcher that looks ahead."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from template_problems import POLICY, module, values

from evaluators.anticipation import AnticipationCheck
from evaluators.process_cascade import ProcessEvaluator
from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Source, Split, Status
from evolve.evaluation import make_evaluator

DISPATCHERS = [POLICY.folder / "seed.py", *sorted((POLICY.folder / "baselines").glob("*.py"))]


@pytest.mark.bubblewrap
def test_dispatching_baselines_are_in_a_plausible_order() -> None:
    found = values(POLICY)
    assert found["seed"] == found["join_shortest_queue"] == 1.0
    assert found["least_work_left"] < 1.0 < found["round_robin"]  # sizes and speeds are worth knowing


class _InProcess:
    """A session that runs the driver here."""

    def __init__(self, make_dispatcher: Any) -> None:
        self.driver, self.make_dispatcher = module(POLICY.folder / "driver.py"), make_dispatcher

    def call(self, entry: str, *args: Any) -> Any:
        return getattr(self.driver, entry)(self.make_dispatcher, *args)


def _arrivals() -> Instance:
    made: Instance = POLICY.verifier.make_instance("three", [(1.0, 4.0), (1.0, 2.0), (1.0, 2.0)], (2.0, 1.0))
    return made


def test_choices_are_worth_what_they_come_to_by_hand() -> None:
    instance = _arrivals()
    # Shortest queues are 0, 1, 0: the first job has just left when the third one comes.
    assert instance.truth == pytest.approx((1 + 2 + 1) / 3)
    found = POLICY.verifier.score(instance, array("i", [0, 0, 1]))  # the second job waits for one, the third for none
    assert found.metrics["mean_slowdown"] == pytest.approx((1 + 2 + 2) / 3)
    assert found.value == found.metrics["relative_slowdown"] == pytest.approx(5 / 4)
    assert found.metrics["fastest_share"] == pytest.approx(2 / 3)
    assert POLICY.verifier.score(instance, [0, 0, 1]) == found


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (None, "a NoneType"),
        ((0, 0, 1), "a tuple"),
        (np.zeros(3, np.int64), "a ndarray"),
        ("001", "a str"),
        ([0, 0], "2 choices for 3 jobs"),
        ([0] * 4, "4 choices for 3 jobs"),
        ([0, 0, True], "job 2: the server is a bool"),
        ([0, 0.0, 1], "job 1: the server is a float"),
        (array("d", [0, 0, 1]), "job 0: the server is a float"),
        ([None, 0, 1], "job 0: the server is a NoneType"),
        ([0, 0, 2], "not one of 0 to 1"),
        (array("i", [0, -1, 0]), "not one of 0 to 1"),
        ([0, 0, 10**5_000], "not one of 0 to 1"),
    ],
)
def test_what_is_no_choice_of_servers_is_invalid(output: Any, says: str) -> None:
    instance = _arrivals()
    for read in (POLICY.verifier.score, lambda *args: POLICY.verifier.decisions(*args, 0.5)):
        with pytest.raises(Invalid, match=says):
            read(instance, output)


@pytest.mark.parametrize("path", DISPATCHERS, ids=lambda path: path.stem)
def test_strict_replay_equals_the_driver(path: Path) -> None:
    make_dispatcher, driver = module(path).make_dispatcher, module(POLICY.folder / "driver.py")
    instances = [POLICY.verifier.instances(split, 9)[place] for split, place in ((Split.PROBE, 1), (Split.FINAL, 2))]
    for instance in instances:
        fast = driver.drive(make_dispatcher, *instance.args)
        assert POLICY.verifier.play(_InProcess(make_dispatcher), instance) == fast
        assert type(fast) is array and fast.typecode == "i"


@pytest.mark.parametrize("answer", [True, 1.0, None, 2, -1])
def test_strict_replay_refuses_what_is_no_server(answer: Any) -> None:
    class Session:
        def call(self, entry: str, *args: Any) -> Any:
            return answer

    with pytest.raises(Invalid, match="choose: the server is"):
        POLICY.verifier.play(Session(), _arrivals())


def test_a_splice_goes_on_as_the_other_and_decisions_are_of_the_shared_part() -> None:
    one, other = POLICY.verifier.instances(Split.PROBE, 1)
    joined = POLICY.verifier.spliced(one, other, 0.4)
    assert joined.args == (one.args[0][:120] + other.args[0][120:], one.args[1])
    assert POLICY.verifier.decisions(one, [0] * 300, 0.4) == [0] * 120
    driver = module(POLICY.folder / "driver.py")
    for path in DISPATCHERS:
        logs = [driver.drive(module(path).make_dispatcher, *each.args) for each in (one, joined)]
        assert POLICY.verifier.decisions(one, logs[0], 0.4) == POLICY.verifier.decisions(joined, logs[1], 0.4)


def test_sizes_and_gaps_have_the_moments_that_they_should() -> None:
    sizes = np.array(POLICY.verifier.make_sizes(generator("sizes"), 40_000, 1.5, 100.0))
    assert sizes.min() >= 1.0 and sizes.max() <= 100.0
    assert np.median(sizes) == pytest.approx((1.0 - 0.5 * (1.0 - 100.0**-1.5)) ** (-1.0 / 1.5), rel=0.02)
    for bursty, spread in ((False, 1.0), (True, 1.5)):
        gaps = np.array(POLICY.verifier.make_gaps(generator("gaps"), 40_000, bursty))
        assert gaps.mean() == pytest.approx(1.0, rel=0.05)
        assert gaps.std() / gaps.mean() == pytest.approx(spread, rel=0.1)


@pytest.fixture
def evaluator() -> Iterator[ProcessEvaluator]:
    made = make_evaluator(POLICY)
    assert isinstance(made, ProcessEvaluator)
    yield made
    made.stage.verifier.close()


CHEAT = """
import sys


class Dispatcher:
    def __init__(self):
        self.at = 0

    def choose(self, size, works, lengths):
        self.at += 1
        frame = sys._getframe()
        while frame and "arrivals" not in frame.f_locals:
            frame = frame.f_back
        if frame is None or self.at >= len(frame.f_locals["arrivals"]):
            return works.index(min(works))
        # Leaves the server that will be idle first to a smaller job that comes next.
        ahead = frame.f_locals["arrivals"][self.at][1]
        order = sorted(range(len(works)), key=works.__getitem__)
        return order[1] if ahead < size else order[0]


def make_dispatcher(speeds):
    return Dispatcher()
"""


@pytest.mark.bubblewrap
@pytest.mark.parametrize("strictly", [False, True])
def test_a_dispatcher_that_looks_ahead_is_forbidden(evaluator: ProcessEvaluator, strictly: bool) -> None:
    source = Source({"program.py": CHEAT}, POLICY.seed.entry)
    assert evaluator.evaluate(source).status is Status.OK  # its score alone tells nothing
    found = AnticipationCheck(evaluator.stage).check(source, 1, strictly, {})
    assert found is not None and found.status is Status.FORBIDDEN, found


@pytest.mark.bubblewrap
def test_the_seed_and_a_baseline_with_a_memory_do_not_look_ahead(evaluator: ProcessEvaluator) -> None:
    for source, strictly in ((POLICY.seed, True), (POLICY.baselines["sita_e"], False)):
        verdict = evaluator.evaluate(source)
        recorded = {result.instance_id: result.score for result in verdict.results if result.score is not None}
        assert AnticipationCheck(evaluator.stage).check(source, 2, strictly, recorded) is None
