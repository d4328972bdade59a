"""What is said of a program that failed, and of the worst instances of one that did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from evaluators.feedback import failure_feedback, settled, shape_of_args, worst_feedback
from evaluators.process_cascade import ProcessEvaluator
from evolve.core.types import Instance, Objective, Score, Source, Status, Verdict
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load
from sandbox.base import Reply
from sandbox.limits import Limits
from sandbox.unsandboxed import UnsandboxedSandbox

WriteProblem = Callable[..., Problem]
ONE = Instance("case-1", "group", ([3, 1, 2],))


@contextmanager
def _evaluator(problem: Problem) -> Iterator[ProcessEvaluator]:
    evaluator = make_evaluator(problem)
    assert isinstance(evaluator, ProcessEvaluator)
    try:
        yield evaluator
    finally:
        evaluator.stage.verifier.close()


@pytest.mark.parametrize(
    ("args", "shape"),
    [
        (
            ([[0.5] * 256] * 58, np.zeros((58, 256)), 288),
            "list of 58 lists of 256 float; ndarray (58, 256) float64; int 288",
        ),
        ((), ""),
        (([], (), {}), "empty list; empty tuple; dict of 0"),
        (([[1], [], [1, 2]],), "list of 3 lists of 0 to 2 int"),
        (((3, [1.0, 2.0]),), "tuple (int 3, list of 2 float)"),
        (([(1, 2.0)] * 9,), "list of 9 tuples of 2 mixed int, float"),
        (({"sizes": [1, 2], "name": "lru"},), "dict of 2 (str 'sizes': list of 2 int, str 'name': str 'lru')"),
        (([{"a": 1}] * 7,), "list of 7 dicts like dict of 1 (str 'a': int 1)"),
        (([np.zeros(3), np.zeros(4)],), "list of 2 ndarrays (3,) and others float64"),
        ((None, True, 0.5, b"ab", "x" * 99), "None; True; float 0.5; bytes of 2; str of 99 characters"),
        ((10**4300,), "int of 14285 bits"),
        (([[[[[[1]]]]]],), "list of 1 lists of 1 lists of 1 lists of 1 lists of 1 list"),
    ],
)
def test_arguments_are_described_by_what_they_are_made_of(args: tuple[Any, ...], shape: str) -> None:
    assert shape_of_args(args) == shape


class Counted(list[Any]):
    """A list that notes how many of its parts were looked at."""

    looked = 0

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        Counted.looked += len(found) if isinstance(at, slice) else 1
        return found


def test_a_description_has_an_end_whatever_it_describes() -> None:
    wide = {f"key {number}\x1b": {f"{k}" * 20: [k] * 9 for k in range(99)} for number in range(99)}
    text = shape_of_args((wide, wide))
    assert len(text) == 400 and text.endswith(" ...") and "\x1b" not in text
    Counted.looked = 0
    assert shape_of_args((Counted([7] * 10**6),)) == "Counted of 1000000 int"
    assert 0 < Counted.looked <= 10**4


def test_the_message_comes_first_and_then_where_it_happened() -> None:
    error = "  program.py, line 2, in solve\n    return 1 / x\nValueError: one\n  two"
    text = failure_feedback(ONE, error)
    assert text == (
        "case-1: ValueError: one\n  two\n  program.py, line 2, in solve\n    return 1 / x\nargs: list of 3 int"
    )
    assert failure_feedback(ONE, "  only frames").startswith("case-1:   only frames\n")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("<f at 0x7f3a5c0d1e20> 0x7fffffff", "<f at 0x...> 0x7fffffff"),
        ("x = 0x7F4A7C15F39CC060 & 0x55555555", "x = 0x7F4A7C15F39CC060 & 0x55555555"),
        ("open('/tmp/tmpab12/x.txt')", "open('/tmp/.../x.txt')"),
        ("/tmp/ccXyz123.o: undefined; /tmp/work/sum.c:3", "/tmp/...: undefined; /tmp/work/sum.c:3"),
        ("/var/tmp/evolve-session-71-ab_c/f", "/var/tmp/.../f"),
        ("\x1b[2Jred\r\x00 \ud800 tab\tend", "[2Jred  tab\tend"),
    ],
)
def test_what_differs_between_two_runs_is_left_out(text: str, same: str) -> None:
    assert settled(text) == same


def test_of_an_output_the_last_lines_are_told() -> None:
    lines = failure_feedback(ONE, "E", "\n".join(f"line {n}" for n in range(100)) + "\n\n").split("\n")
    assert lines[2:] == ["printed, at the end:", *(f"  line {n}" for n in range(80, 100))]
    flood = failure_feedback(ONE, "E", "a" * 10**6)
    assert flood.endswith(f"  ...{'a' * 1500}") and len(flood) < 1600
    assert "printed" not in failure_feedback(ONE, "E", " \n")


def test_three_worst_instances_are_told_worst_first() -> None:
    scores = [Score(v, {"loss": v}, f"words\nof {v:g}") for v in (2.0, 5.0, 1.0, 3.0)] + [Score(5.0, {"loss": 5.0})]
    ids = ["a", "b", "c", "d", "e"]
    assert worst_feedback(ids, scores, Objective("loss", "minimize")).split("\n") == [
        "worst on b (loss 5): words of 5",
        "worst on e (loss 5)",
        "worst on d (loss 3): words of 3",
    ]
    best_first = worst_feedback(ids[:2], scores[:2], Objective("loss", "maximize")).split("\n")
    assert [line.partition(" (")[0] for line in best_first] == ["worst on a", "worst on b"]
    assert worst_feedback(["a"], [Score(7.0)], Objective("operations", "minimize")) == "worst on a (operations 7)"
    assert len(worst_feedback(["a"], [Score(7.0, {}, "w" * 5000)], Objective("x", "minimize"))) < 1100


DEEP = """def recurse(n):
    return recurse(n - 1) if n else 1 / 0
def arrange(numbers):
    print("sorting", object(), open)
    return recurse(30)
"""


@pytest.mark.bubblewrap
def test_a_crash_tells_what_a_repair_needs_and_the_same_each_time(write_problem: WriteProblem) -> None:
    source = Source({"program.py": DEEP}, "arrange")
    with _evaluator(write_problem("sort")) as evaluator:
        first, second = evaluator.evaluate(source), evaluator.evaluate(source)
    assert first.status is Status.CRASHED and first.feedback == second.feedback
    frame = "  program.py, line 2, in recurse\n    return recurse(n - 1) if n else 1 / 0\n"
    assert first.feedback == (
        f"probe-0: ZeroDivisionError: division by zero\n{frame * 5}args: list of 9 int\n"
        "printed, at the end:\n  sorting <object object at 0x...> <built-in function open>"
    )


@pytest.mark.bubblewrap
def test_what_is_invalid_or_stopped_is_told_with_the_instance(write_problem: WriteProblem) -> None:
    def verdict(body: str) -> Verdict:
        return evaluator.evaluate(Source({"program.py": f"def arrange(numbers):\n    {body}\n"}, "arrange"))

    problem = write_problem("sort")
    limits = problem.folder / "problem.toml"
    limits.write_text(limits.read_text().replace("cpu_seconds = 5", "cpu_seconds = 0.3"))
    with _evaluator(load(problem.folder)) as evaluator:
        invalid = verdict("print('here'); return None")
        late = verdict("print('here')\n    while True: pass")
        scored = verdict("return numbers")
    assert invalid.feedback == "probe-0: not a list\nargs: list of 9 int\nprinted, at the end:\n  here"
    assert late.status is Status.TIMED_OUT
    assert late.feedback == "probe-0: it used more than 0.3 s of processor time\nargs: list of 9 int"
    lines = scored.feedback.split("\n")
    assert len(lines) == 3 and all(line.startswith("worst on train-") and ": compared" in line for line in lines)
    values = [float(line.partition("(right ")[2].partition(")")[0]) for line in lines]
    assert values == sorted(values) and values[0] == pytest.approx(min(one.score or 0 for one in scored.results), 1e-5)


def test_a_driver_that_goes_on_hides_no_line_of_the_program() -> None:
    driver = "def drive(f, x):\n    return f(x, down)\ndef down(n):\n    return down(n - 1) if n else n[0]\n"
    source = Source({"program.py": "def solve(x, tell):\n    return tell(9)\n"}, "solve")
    session = UnsandboxedSandbox().open(source, Limits(), driver=driver)
    try:
        reply: Reply = session.call("drive", 1)
    finally:
        session.close()
    assert reply.error.split("\n") == [
        "  program.py, line 2, in solve", "    return tell(9)",
        "  driver.py, line 4, in down", "    return down(n - 1) if n else n[0]",
        "TypeError: 'int' object is not subscriptable",
    ]  # fmt: skip
