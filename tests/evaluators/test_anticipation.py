"""Programs that look ahead, each in its own way, against the driver that holds the whole row of bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluators.anticipation import AnticipationCheck
from evaluators.guilt import fault_place
from evaluators.process_cascade import ProcessEvaluator
from evolve.core.types import Source, Split, Status, Verdict
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load

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


def _scores(verdict: Verdict) -> dict[str, float]:
    return {result.instance_id: result.score for result in verdict.results if result.score is not None}


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
    for strictly in (False, True):
        found = AnticipationCheck(evaluator.stage).check(source, 1, strictly, _scores(verdict))
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
    found = AnticipationCheck(evaluator.stage).check(source, 1, True, {})
    assert found is not None and found.status is Status.FORBIDDEN


def test_a_record_that_was_luck_is_not_kept(evaluator: ProcessEvaluator) -> None:
    """A program that cheats until some hour, and not when it is checked."""
    source = _program("        return None")
    honest = evaluator.evaluate(source)
    check = AnticipationCheck(evaluator.stage)
    lucky = dict.fromkeys(_scores(honest), 1.0)
    for strictly in (False, True):
        assert check.check(source, 1, strictly, _scores(honest)) is None
        found = check.check(source, 1, strictly, lucky)
        assert found is not None and found.status is Status.INVALID and "same result again" in found.feedback


def test_stalling_in_a_strict_replay_is_forbidden_and_no_fault_of_the_verifier(write_problem: WriteProblem) -> None:
    body = """
        import sys, time
        frame = sys._getframe()
        while frame:
            if frame.f_code.co_name == "step":
                time.sleep(0.5)
            frame = frame.f_back"""
    for limit in ("wall_seconds = 300", "wall_seconds = 2"):
        name = f"guess-{limit[-3:].strip()}"
        file = write_problem(name, kind="guess", toml=f"\n[verifier]\n{limit}\n").folder / "problem.toml"
        file.write_text(file.read_text().replace("wall_seconds = 20", "wall_seconds = 1"))
        made = make_evaluator(load(file.parent))
        assert isinstance(made, ProcessEvaluator)
        found = AnticipationCheck(made.stage).check(_program(body), 1, True, {})
        made.stage.verifier.close()
        assert found is not None and found.status is Status.FORBIDDEN, found
        assert fault_place(found) is None


def test_honest_programs_pass(evaluator: ProcessEvaluator) -> None:
    honest = _program("        return None")
    counts = honest.with_main(honest.main.replace("else self.last", "else self.at % 2"))
    for source in (honest, counts):
        for seed, strictly in ((1, False), (2, False), (3, True)):
            assert AnticipationCheck(evaluator.stage).check(source, seed, strictly, {}) is None


def test_chance_from_the_given_generator_is_repeatable(evaluator: ProcessEvaluator) -> None:
    body = "        import random\n        return [int(random.random() < 0.5)] * 60"
    assert AnticipationCheck(evaluator.stage).check(_program(body), 1, True, {}) is None


def test_what_does_not_repeat_itself_is_invalid_not_forbidden(evaluator: ProcessEvaluator) -> None:
    body = "        import os\n        return [os.urandom(1)[0] & 1] * 60"
    found = AnticipationCheck(evaluator.stage).check(_program(body), 1, False, {})
    assert found is not None and found.status is Status.INVALID and "same result again" in found.feedback


def test_strict_scores_come_from_the_replay_alone(evaluator: ProcessEvaluator) -> None:
    check = AnticipationCheck(evaluator.stage)
    instance = evaluator.stage.verifier.instances(Split.FINAL)[2]
    status, metrics, _ = check.score_strictly(_program("        return None"), Split.FINAL, instance)
    assert status is Status.OK and 0.0 < metrics["right"] < 1.0
    # There is nothing ahead to see: the cheat gets what its decisions without it are worth.
    assert check.score_strictly(_program(CHEATS["walks frames"]), Split.FINAL, instance)[1] == metrics


@pytest.mark.parametrize(("deaths", "found"), [(2, None), (9, Status.FORBIDDEN)])
def test_a_death_in_a_replay_is_tried_again(
    write_problem: WriteProblem, tmp_path: Path, deaths: int, found: Status | None
) -> None:
    file = write_problem("guess").folder / "verifier.py"
    dying = (
        "def play(session, instance):\n"
        "    import os, pathlib\n"
        f"    count = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "    count.write_text(count.read_text() + 'x' if count.exists() else 'x')\n"
        f"    if len(count.read_text()) <= {deaths}:\n        os.abort()\n"
    )
    file.write_text(file.read_text().replace("def play(session, instance):\n", dying))
    made = make_evaluator(load(file.parent))
    assert isinstance(made, ProcessEvaluator)
    verdict = AnticipationCheck(made.stage).check(_program("        return None"), 1, True, {})
    made.stage.verifier.close()
    assert (verdict.status if verdict else None) is found
