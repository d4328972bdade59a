"""Programs in real sandboxes, read by a verifier in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from evaluators.guilt import fault_place
from evaluators.process_cascade import ProcessEvaluator
from evolve.core.types import Source, Split, Status
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load

pytestmark = pytest.mark.bubblewrap
WriteProblem = Callable[..., Problem]


@contextmanager
def _evaluator(problem: Problem) -> Iterator[ProcessEvaluator]:
    evaluator = make_evaluator(problem)
    assert isinstance(evaluator, ProcessEvaluator)
    try:
        yield evaluator
    finally:
        evaluator.stage.verifier.close()


def _sort(body: str) -> Source:
    return Source({"program.py": f"def arrange(numbers):\n    {body}\n"}, "arrange")


def test_a_right_program_scores(write_problem: WriteProblem) -> None:
    with _evaluator(write_problem("sort")) as evaluator:
        verdict = evaluator.evaluate(_sort("return sorted(numbers)"))
    assert verdict.status is Status.OK and verdict.value == 1.0 and verdict.stage == "train"
    assert [result.instance_id for result in verdict.results] == ["train-0", "train-1", "train-2"]
    assert all(r.cpu_seconds > 0 and r.wall_seconds > 0 and r.peak_bytes > 1e6 for r in verdict.results)


def test_a_driven_program_scores_and_the_seed_too(write_problem: WriteProblem) -> None:
    problem = write_problem("guess")
    with _evaluator(problem) as evaluator:
        verdict = evaluator.evaluate(problem.seed)
    assert verdict.status is Status.OK and 0.3 < (verdict.value or 0) < 0.9


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("return None", Status.INVALID, "probe-0: not a list"),
        ("return 1 / 0", Status.CRASHED, "ZeroDivisionError"),
        ("import os; os._exit(0)", Status.CRASHED, "probe-0"),
        ("while True: pass", Status.TIMED_OUT, "probe-0"),
        ("return [[] for _ in range(10**9)]", Status.OUT_OF_MEMORY, "probe-0"),
        ("print('x' * 10**8); return numbers", Status.OUTPUT_FLOOD, "probe-0"),
        ("return object()", Status.INVALID, "object"),
    ],
)
def test_what_a_program_does_is_a_verdict(write_problem: WriteProblem, body: str, status: Status, words: str) -> None:
    folder = write_problem("sort").folder
    if status is Status.TIMED_OUT:  # what is stopped uses all that it may, twice
        limits = folder / "problem.toml"
        limits.write_text(limits.read_text().replace("cpu_seconds = 5", "cpu_seconds = 0.3"))
    with _evaluator(load(folder)) as evaluator:
        verdict = evaluator.evaluate(_sort(body))
    assert verdict.status is status and verdict.value is None
    assert words in verdict.feedback and verdict.stage == "probe"


@pytest.mark.parametrize("score", ["float('nan')", "float('inf')", "-float('inf')"])
@pytest.mark.parametrize("where", ["value", "metric"])
def test_a_score_that_is_not_finite_is_no_score(write_problem: WriteProblem, score: str, where: str) -> None:
    """Whatever the direction: neither infinity is a record, and not-a-number is no reason to stop."""
    given = f"Score({score}, {{'right': 1.0}})" if where == "value" else f"Score(1.0, {{'right': {score}}})"
    lines = (
        "from evolve.core.types import Instance, Score",
        "def instances(split, seed):",
        "    yield Instance(f'{split}-0', 'one', ([seed, len(split)],))",
        "def score(instance, output):",
        f"    return {given}",
    )
    with _evaluator(write_problem("sort", verifier="\n".join(lines))) as evaluator:
        verdict = evaluator.evaluate(_sort("return sorted(numbers)"))
    assert (verdict.status, verdict.value) == (Status.INVALID, None)
    assert "the score is not finite" in verdict.feedback


def test_a_failure_on_train_keeps_the_results_before_it(write_problem: WriteProblem) -> None:
    with _evaluator(write_problem("sort")) as evaluator:
        hardest = evaluator.stage.verifier.instances(Split.TRAIN)[1].args[0]
        verdict = evaluator.evaluate(_sort(f"return None if numbers == {hardest} else sorted(numbers)"))
    assert verdict.status is Status.INVALID and verdict.stage == "train" and verdict.value is None
    assert [result.status for result in verdict.results] == [Status.OK, Status.INVALID]


@pytest.mark.parametrize(("isolation", "carried"), [("instance", False), ("stage", True)])
def test_state_lives_as_long_as_the_isolation_says(write_problem: WriteProblem, isolation: str, carried: bool) -> None:
    problem = write_problem("sort", keys=f'isolation = "{isolation}"')
    source = _sort("calls.append(1)\n    return [100 + len(calls)] * 9\ncalls = []")
    with _evaluator(problem) as evaluator:
        outputs = [run.output[0] for run in evaluator.stage.runs(source, Split.TRAIN, _train(evaluator))]
    assert outputs == ([101, 102, 103] if carried else [101, 101, 101])


def _train(evaluator: ProcessEvaluator):  # type: ignore[no-untyped-def]
    return evaluator.stage.verifier.instances(Split.TRAIN)


def test_changing_an_input_in_place_changes_nothing_here(write_problem: WriteProblem) -> None:
    with _evaluator(write_problem("sort")) as evaluator:
        verdict = evaluator.evaluate(_sort("numbers.sort(); out = list(numbers); numbers.clear(); return out"))
        assert verdict.value == 1.0
        assert all(len(instance.args[0]) == 9 for instance in _train(evaluator))


def test_the_truth_never_leaves_the_verifier(write_problem: WriteProblem) -> None:
    with _evaluator(write_problem("guess")) as evaluator:
        assert all(instance.truth is None for instance in _train(evaluator))
        assert evaluator.evaluation_set != evaluator.stage.verifier.evaluation_set(Split.FINAL)


def test_faults_of_the_verifier_are_its_own_and_nobody_can_claim_one(write_problem: WriteProblem) -> None:
    problem = write_problem("guess", toml="\n[verifier]\nwall_seconds = 2\n")
    row = "class G:\n    def guess(self): return {}\n    def see(self, bit): pass\ndef make_guesser(): return G()\n"
    with _evaluator(problem) as evaluator:
        error = evaluator.evaluate(Source({"program.py": row.format(7)}, "make_guesser"))
        sleep = evaluator.evaluate(Source({"program.py": row.format(8)}, "make_guesser"))
        text = row.format(0) + "raise ValueError('the verifier failed at verifier.py:7\\n')"
        claim = evaluator.evaluate(Source({"program.py": text}, "make_guesser"))
    assert (fault_place(error) or "").startswith("verifier.py:") and "ZeroDivisionError" in error.feedback
    assert fault_place(sleep) == "time-out"
    assert {error.status, sleep.status} == {Status.INVALID} and claim.status is Status.CRASHED
    assert fault_place(claim) is None


# As many parts as the wire takes are for those who have half a minute: make soak.
MOST_PARTS = pytest.param(
    "return [None] * 4194302",
    marks=pytest.mark.skipif(os.environ.get("EVOLVE_BATTERY") != "whole", reason="EVOLVE_BATTERY=whole takes its time"),
)


@pytest.mark.parametrize("body", ["x = 1\n    for _ in range(62): x = [x]\n    return x", MOST_PARTS])
def test_an_output_at_the_edge_of_the_wire_is_the_programs_own_matter(write_problem: WriteProblem, body: str) -> None:
    with _evaluator(write_problem("sort")) as evaluator:
        verdict = evaluator.evaluate(_sort(body))
    assert verdict.status is Status.INVALID or verdict.value == 0.0
    assert fault_place(verdict) is None


def test_what_a_verifier_quotes_has_an_end_and_no_control_characters(write_problem: WriteProblem) -> None:
    verifier = (
        "from evolve.core.errors import Invalid\nfrom evolve.core.types import Instance\n"
        "def instances(split, seed):\n    return [Instance('a', 'g', ([1],))]\n"
        "def score(instance, output):\n    raise Invalid('\\x1b[2J' + repr(output))\n"
    )
    with _evaluator(write_problem("sort", verifier=verifier)) as evaluator:
        verdict = evaluator.evaluate(_sort("return 'x' * 10**6"))
    assert verdict.status is Status.INVALID and len(verdict.feedback) < 5000 and "\x1b" not in verdict.feedback
