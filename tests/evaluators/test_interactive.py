"""Interactive problems: the verifier asks one question at a time, and nothing of the future is there to be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import evolve
from archive.store import Archive
from evaluators.guilt import fault_place_of
from evaluators.process_cascade import ProcessEvaluator
from evolve.check.report import Grade
from evolve.check.whole import check_problem
from evolve.core.errors import ProblemError
from evolve.core.types import Source, Status, Verdict
from evolve.evaluation import make_evaluator
from evolve.problem import Problem

pytestmark = pytest.mark.bubblewrap
WriteProblem = Callable[..., Problem]

INTERACTIVE = "interactive = true"
PROGRAM = """
class G:
    ones = seen = 0

    def see(self, bit):
        self.ones, self.seen = self.ones + bit, self.seen + 1

    def guess(self):
{}


def make_guesser():
    return G()
"""
HONEST = "        return int(2 * self.ones >= self.seen)"

# Each looks for the row of bits, which in a driven problem stands in the driver's process, and would score 1.
CHEATS = {
    "walks the stack": """
        import sys
        frame = sys._getframe()
        while frame:
            for name, value in frame.f_locals.items():
                if type(value) is list and len(value) == 60:
                    return value[self.seen]
            frame = frame.f_back
""",
    "asks the collector": """
        import gc
        for one in gc.get_objects():
            if type(one) is list and len(one) == 60 and all(type(bit) is int and bit in (0, 1) for bit in one):
                return one[self.seen]
""",
    "looks into modules": """
        import sys
        for module in list(sys.modules.values()):
            for value in list(vars(module).values()):
                if type(value) is list and len(value) == 60 and all(type(bit) is int for bit in value):
                    return value[self.seen]
""",
    "remembers rows in a file": """
        import os
        path = "/tmp/row"
        known = open(path).read() if os.path.exists(path) else ""
        if len(known) > self.seen:
            return int(known[self.seen])
        with open(path, "a") as file:
            file.write("1" if self.ones > self.seen // 2 else "0")
""",
}


@pytest.fixture
def guess(write_problem: WriteProblem) -> Problem:
    return write_problem("guess", keys=INTERACTIVE)


@pytest.fixture
def evaluator(guess: Problem) -> Iterator[ProcessEvaluator]:
    with _evaluating(guess) as made:
        yield made


@contextmanager
def _evaluating(problem: Problem) -> Iterator[ProcessEvaluator]:
    made = make_evaluator(problem)
    assert isinstance(made, ProcessEvaluator)
    yield made
    made.stage.close()


def _program(body: str = HONEST) -> Source:
    return Source({"program.py": PROGRAM.format(body)}, "make_guesser")


def _scores(verdict: Verdict) -> list[float | None]:
    return [result.score for result in verdict.results]


def test_it_scores_what_it_would_beside_a_driver(write_problem: WriteProblem, evaluator: ProcessEvaluator) -> None:
    verdict = evaluator.evaluate(_program())
    assert verdict.status is Status.OK
    with _evaluating(write_problem("driven", kind="guess")) as driven:
        assert _scores(verdict) == _scores(driven.evaluate(_program()))
    assert all(result.cpu_seconds > 0.0 and result.peak_bytes > 0 for result in verdict.results)


@pytest.mark.parametrize("body", CHEATS.values(), ids=CHEATS.keys())
def test_no_cheat_finds_what_is_to_come(evaluator: ProcessEvaluator, body: str) -> None:
    verdict = evaluator.evaluate(_program(f"{body}\n{HONEST}"))
    assert verdict.status is Status.OK
    assert _scores(verdict) == _scores(evaluator.evaluate(_program()))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("        return 1 / (self.seen - 3)", Status.CRASHED, "ZeroDivisionError"),
        ("        return 'one'", Status.INVALID, "a guess that is no integer"),
        ("        return self", Status.INVALID, "G"),
        ("        while self.seen == 5: pass\n        return 0", Status.TIMED_OUT, "processor time"),
        ("        import os\n        os._exit(0)", Status.CRASHED, "exit status 0"),
        ("        print('x' * 3_000_000)\n        return 0", Status.OUTPUT_FLOOD, "printed more"),
        ("        return [0] * 20_000_000", Status.OUT_OF_MEMORY, ""),
    ],
)
def test_what_ends_a_play_is_the_programs_status(
    evaluator: ProcessEvaluator, body: str, status: Status, words: str
) -> None:
    seat = evaluator.stage.seat
    evaluator.stage.seat = replace(seat, limits=replace(seat.limits, cpu_seconds=0.5))
    verdict = evaluator.evaluate(_program(body))
    assert (verdict.status, verdict.value) == (status, None), verdict.feedback
    assert words in verdict.feedback


def test_a_play_may_refuse_an_answer_at_once(write_problem: WriteProblem) -> None:
    verifier = (
        "from evolve.core.errors import Invalid\nfrom evolve.core.types import Instance, Score\n\n\n"
        "def instances(split, seed):\n    return [Instance(f'{split}-0', 'a', (seed,), 5)]\n\n\n"
        "def play(session, instance):\n    answer = session.call('arrange', 1)\n"
        "    if answer < 0:\n        raise Invalid(f'{answer} is too little')\n    return [answer]\n\n\n"
        "def score(instance, output):\n    return Score(output[0], {'right': output[0]})\n"
    )
    problem = write_problem("sort", keys=INTERACTIVE, verifier=verifier)
    with _evaluating(problem) as made:
        good = made.evaluate(Source({"program.py": "def arrange(x):\n    return x + 1.5"}, "arrange"))
        assert (good.status, good.value) == (Status.OK, 2.5)
        bad = made.evaluate(Source({"program.py": "def arrange(x):\n    return -3"}, "arrange"))
        assert (bad.status, bad.feedback.splitlines()[0]) == (Status.INVALID, "probe-0: -3 is too little")
        assert bad.results[0].cpu_seconds > 0.0
        fault = made.evaluate(Source({"program.py": "def arrange(x):\n    return None"}, "arrange"))
        assert fault.status is Status.INVALID
        assert fault_place_of(fault.feedback) is not None  # the verifier's own exception, known as such


@pytest.mark.parametrize("answer", ["nested", "many"], ids=["deeper than a frame may be", "more than a frame may hold"])
def test_a_log_that_can_not_be_kept_is_the_programs_doing(write_problem: WriteProblem, answer: str) -> None:
    verifier = (
        "from evolve.core.types import Instance, Score\n\n\n"
        "def instances(split, seed):\n    return [Instance(f'{split}-0', 'a', (seed,), 5)]\n\n\n"
        "def play(session, instance):\n    return [[session.call('arrange', n)] for n in range(3)]\n\n\n"
        "def score(instance, output):\n    return Score(1.0, {'right': 1.0})\n"
    )
    problem = write_problem("sort", keys=INTERACTIVE, verifier=verifier, toml="reply_mebibytes = 64\n")
    body = "deep = 0\n    for _ in range(63):\n        deep = [deep]\n    return deep"
    if answer == "many":
        body = "return [None] * 2_000_000"
    with _evaluating(problem) as made:
        verdict = made.evaluate(Source({"program.py": f"def arrange(x):\n    {body}"}, "arrange"))
    assert verdict.status is Status.INVALID, verdict.feedback
    assert "answers that can not be" in verdict.feedback
    assert fault_place_of(verdict.feedback) is None


def test_what_a_stopped_program_used_is_that_of_all_its_calls(evaluator: ProcessEvaluator) -> None:
    busy = (
        "        import time\n        end = time.process_time() + 0.06\n"
        "        while time.process_time() < end:\n            pass\n"
    )
    first, third = (
        evaluator.evaluate(_program(f"{busy}        return 1 // (self.seen - {last})")).results[0] for last in (0, 2)
    )
    assert first.status is third.status is Status.CRASHED
    assert first.cpu_seconds > 0.05
    assert third.cpu_seconds > 0.15
    assert third.wall_seconds > 0.15
    assert third.peak_bytes > 0


def test_a_verifier_without_play_says_what_is_missing(write_problem: WriteProblem) -> None:
    problem = write_problem("sort", keys=INTERACTIVE)
    with _evaluating(problem) as made, pytest.raises(ProblemError, match="no function play"):
        made.evaluate(problem.seed)


def test_programs_that_decide_alike_have_one_key(evaluator: ProcessEvaluator) -> None:
    same = HONEST.replace("2 * self.ones", "self.ones + self.ones")
    keys = [evaluator.judge(_program(body)).keys for body in (HONEST, same, "        return 0")]
    assert keys[0] is not None and keys[0] == keys[1]
    assert keys[0] != keys[2]


def test_a_search_needs_no_checks(guess: Problem, tmp_path: Path) -> None:
    result = evolve.run(guess.folder, evaluations=30, seed=1, archive=tmp_path / "a.db", workers=1)
    best = result.front[0]
    assert best.metrics["right"] > result.seed.metrics["right"]
    with Archive.open(tmp_path / "a.db") as archive:
        kinds = {record.ticket.kind for record in archive.records(result.run_id)}
    assert kinds == {"expand"}


def test_evolve_check_passes_with_and_without_a_driver(write_problem: WriteProblem, guess: Problem) -> None:
    report = check_problem(guess.folder)
    rows = {finding.name: finding for finding in report.findings}
    assert not [one for one in report.findings if one.grade is Grade.FAIL], report.findings
    assert "looking ahead" not in rows
    assert rows["cheat: nan"].says.startswith("refused")
    assert rows["cheat: reading files"].says == "nothing of ours could be read"
