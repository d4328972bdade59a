"""Programs that look ahead, each in its own way, against the driver that holds the whole row of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from evaluators.anticipation import AnticipationCheck
from evaluators.process_cascade import ProcessEvaluator
from evolve.core.types import Source, Split, Status
from evolve.evaluation import make_evaluator
from evolve.problem import Problem

pytestmark = pytest.mark.bubblewrap
WriteProblem = Callable[..., Problem]

HEAD = """
class G:
    def __init__(self):
        self.at, self.last = 0, 0
        self.prepare()
    def prepare(self):
        pass
    def see(self, bit):
        self.at, self.last = self.at + 1, bit
    def guess(self):
        bits = self.bits()
        return bits[self.at] if bits and self.at < len(bits) else self.last
    def bits(self):
{}

def make_guesser():
    return G()
"""

CHEATS = {
    "walks frames": """
        import sys
        frame = sys._getframe()
        while frame:
            if isinstance(frame.f_locals.get("bits"), list):
                return frame.f_locals["bits"]
            frame = frame.f_back""",
    "uses gc": """
        import gc
        rows = [o for o in gc.get_objects() if type(o) is list and len(o) == 60 and set(map(str, o)) <= {"0", "1"}]
        rows = [r for r in rows if all(type(b) is int for b in r)]
        return rows[0] if rows else None""",
    "keeps a reference to the row": """
        if not hasattr(self, "row"):
            import sys
            self.row = None
            for depth in range(2, 8):
                try:
                    self.row = self.row or sys._getframe(depth).f_locals.get("bits")
                except ValueError:
                    break
        return self.row""",
    "reads the driver's memory": """
        import ctypes, sys
        frame, depth = sys._getframe(), 0
        while frame.f_back and frame.f_code.co_name != "drive":
            frame = frame.f_back
        if frame.f_code.co_name != "drive":
            return None
        address = id(frame.f_locals["bits"])
        return list(ctypes.cast(address, ctypes.py_object).value)""",
    "looks one bit ahead now and then": """
        import sys
        frame = sys._getframe()
        while frame:
            if isinstance(frame.f_locals.get("bits"), list):
                bits = frame.f_locals["bits"]
                ones = sum(bits[self.at:])
                return [int(ones * 2 > len(bits) - self.at)] * 60
            frame = frame.f_back""",
    "patches the driver": """
        import sys
        driver = sys.modules.get("driver") or next(
            (m for m in sys.modules.values() if hasattr(m, "drive") and hasattr(m, "step")), None)
        if driver:
            driver.step = lambda make, bit: 1
            frame = sys._getframe()
            while frame:
                if isinstance(frame.f_locals.get("bits"), list):
                    return frame.f_locals["bits"]
                frame = frame.f_back""",
}


def _program(body: str) -> Source:
    return Source({"program.py": HEAD.format(body)}, "make_guesser")


@pytest.fixture
def evaluator(write_problem: WriteProblem) -> Iterator[ProcessEvaluator]:
    made = make_evaluator(write_problem("guess"))
    assert isinstance(made, ProcessEvaluator)
    yield made
    made.stage.verifier.close()


@pytest.mark.parametrize("body", CHEATS.values(), ids=CHEATS.keys())
def test_a_cheat_is_forbidden(evaluator: ProcessEvaluator, body: str) -> None:
    source = _program(body)
    verdict = evaluator.evaluate(source)
    assert verdict.status is Status.OK, verdict.feedback  # its score alone tells nothing
    found = AnticipationCheck(evaluator.stage, ()).check(source, 1, 1)
    assert found is not None and found.status is Status.FORBIDDEN, found
    assert found.value is None and found.stage == "anticipation"


def test_the_cheats_are_worth_catching(evaluator: ProcessEvaluator) -> None:
    verdict = evaluator.evaluate(_program(CHEATS["walks frames"]))
    assert verdict.value == 1.0


def test_a_cheat_that_knows_the_training_row_by_heart_still_fails_strictly(evaluator: ProcessEvaluator) -> None:
    """It looks ahead only where the whole row is one that it knows, so another future never shows it."""
    (first, second) = evaluator.stage.verifier.instances(Split.TRAIN)
    rows = [first.args[0], second.args[0]]
    peek = HEAD.format(f"""
        import sys
        frame = sys._getframe()
        while frame:
            row = frame.f_locals.get("bits")
            if isinstance(row, list) and row in {rows}:
                return row
            frame = frame.f_back""")
    source = Source({"program.py": peek}, "make_guesser")
    found = AnticipationCheck(evaluator.stage, ()).check(source, 1, 2)
    assert found is not None and found.status is Status.FORBIDDEN


def test_honest_programs_pass(evaluator: ProcessEvaluator) -> None:
    honest = _program("        return None")
    counts = honest.with_main(honest.main.replace("else self.last", "else self.at % 2"))
    for source in (honest, counts):
        for seed in range(4):
            assert AnticipationCheck(evaluator.stage, ()).check(source, seed, 2) is None


def test_chance_from_the_given_generator_is_repeatable(evaluator: ProcessEvaluator) -> None:
    body = "        import random\n        return [int(random.random() < 0.5)] * 60"
    assert AnticipationCheck(evaluator.stage, ()).check(_program(body), 1, 2) is None


def test_what_does_not_repeat_itself_is_invalid_not_forbidden(evaluator: ProcessEvaluator) -> None:
    body = "        import os\n        return [os.urandom(1)[0] & 1] * 60"
    found = AnticipationCheck(evaluator.stage, ()).check(_program(body), 1, 1)
    assert found is not None and found.status is Status.INVALID and "second time" in found.feedback


def test_strict_scores_come_from_confirmed_replays(evaluator: ProcessEvaluator) -> None:
    check = AnticipationCheck(evaluator.stage, ())
    instance = evaluator.stage.verifier.instances(Split.FINAL)[2]
    status, metrics, _ = check.score_strictly(_program("        return None"), Split.FINAL, instance)
    assert status is Status.OK and 0.0 < metrics["right"] < 1.0
    status, metrics, words = check.score_strictly(_program(CHEATS["walks frames"]), Split.FINAL, instance)
    assert status is Status.FORBIDDEN and not metrics and "one at a time" in words
