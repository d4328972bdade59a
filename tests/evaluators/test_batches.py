"""Train in batches, in real sandboxes: each in its turn, and stochastic scores with another random state each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from evaluators.process_cascade import ProcessEvaluator
from evolve.check import Grade, rows
from evolve.check.bench import Bench
from evolve.core.errors import InfrastructureError, ProblemError
from evolve.core.extent import Extent, extended, together
from evolve.core.types import Source, Status, Verdict
from evolve.evaluation import make_evaluator
from evolve.problem import Problem

pytestmark = pytest.mark.bubblewrap
WriteProblem = Callable[..., Problem]

MANY_VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(30 if split == "train" else 1):
        yield Instance(f"{split}-{number}", f"{split}-{number}", (number,))


def score(instance, output):
    if type(output) is not float:
        raise Invalid("not a number")
    return Score(-output, {"right": output, "other": 2.0 * output}, "read")
"""
SEED = """
import random
# EVOLVE-BLOCK-START
def arrange(number):
    return random.random()
# EVOLVE-BLOCK-END
"""
STOCHASTIC = "stochastic = true\nrepeats = 3"


@contextmanager
def _evaluator(problem: Problem) -> Iterator[ProcessEvaluator]:
    evaluator = make_evaluator(problem)
    assert isinstance(evaluator, ProcessEvaluator)
    try:
        yield evaluator
    finally:
        evaluator.stage.close()


def _program(body: str) -> Source:
    return Source({"program.py": f"def arrange(number):\n    {body}\n"}, "arrange")


def _recorded(verdict: Verdict) -> dict[str, float]:
    return {result.instance_id: result.score for result in verdict.results if result.score is not None}


def test_batch_after_batch_gives_the_verdict_of_all_at_once(write_problem: WriteProblem) -> None:
    source = _program("return 1.0 / (3 + number)")
    with _evaluator(write_problem("many", kind="sort", verifier=MANY_VERIFIER)) as evaluator:
        verdict = first = evaluator.evaluate(source, whole=False)
        assert first.extent == Extent(10, 30, 10, first.metrics) and first.value == first.metrics["right"]
        assert [result.score for result in first.results] == [
            pytest.approx(1.0 / (3 + int(result.instance_id[6:]))) for result in first.results
        ]
        for _ in range(2):
            verdict = together(verdict, extended(verdict, evaluator.measure(source, _recorded(verdict))))
        assert verdict.whole and verdict.common == first.metrics
        whole = evaluator.evaluate(source)
        assert whole.metrics == verdict.metrics and whole.value == verdict.value and whole.extent == verdict.extent
        assert whole.metrics["right"] == pytest.approx(sum(1.0 / (3 + number) for number in range(30)) / 30)
        assert _recorded(whole) == _recorded(verdict)
        with pytest.raises(InfrastructureError, match="more than train has"):
            evaluator.measure(source, _recorded(verdict))


@pytest.mark.parametrize("whole", [True, False])
def test_what_fails_is_charged_the_batches_that_it_reached(write_problem: WriteProblem, whole: bool) -> None:
    with _evaluator(write_problem("many", kind="sort", verifier=MANY_VERIFIER)) as evaluator:
        on_probe = evaluator.evaluate(_program("return None"), whole)
        assert on_probe.status is Status.INVALID and on_probe.stage == "probe" and on_probe.extent == Extent(0, 30, 10)
        place = int(evaluator.batches[1][4].instance.id[6:])
        late = evaluator.evaluate(_program(f"return 1.0 / (number - {place})"), whole)
        assert late.status is (Status.CRASHED if whole else Status.OK)
        assert late.extent is not None and (late.extent.done, late.extent.new) == (10, 20 if whole else 10)
        assert len(late.results) == (15 if whole else 10)


def test_each_repeat_of_a_stochastic_problem_has_a_random_state_of_its_own(write_problem: WriteProblem) -> None:
    problem = write_problem("noisy", kind="sort", keys=STOCHASTIC, verifier=MANY_VERIFIER, seed=SEED)
    with _evaluator(problem) as evaluator:
        verdict = evaluator.evaluate(problem.seed)
        assert verdict.extent is not None and (verdict.extent.done, verdict.extent.total) == (90, 90)
        rounds = [_recorded(verdict)[f"train-7{name}"] for name in ("", " (run 2)", " (run 3)")]
        assert len(set(rounds)) == 3
        assert verdict.value == pytest.approx(sum(_recorded(verdict).values()) / 90)
        assert [len({unit for _, unit in batch}) for batch in evaluator.order()] == [30] * 3
        first = evaluator.evaluate(problem.seed, whole=False)
        assert len(first.results) == 30 and _recorded(first).items() <= _recorded(verdict).items()


def test_of_a_single_group_the_repeats_are_the_independent_units(write_problem: WriteProblem) -> None:
    verifier = MANY_VERIFIER.replace("range(30 if", "range(2 if").replace(
        'f"{split}-{number}", (number', '"all", (number'
    )
    with _evaluator(write_problem("one", kind="sort", keys=STOCHASTIC, verifier=verifier, seed=SEED)) as evaluator:
        assert evaluator.order()[1] == [("train-0 (run 2)", "run 2"), ("train-1 (run 2)", "run 2")]


def test_the_check_lets_declared_noise_pass_and_no_other(write_problem: WriteProblem) -> None:
    """The verifier itself rolls the dice here: no random state of a program can settle that."""
    dice = "import random\n" + MANY_VERIFIER.replace("range(30 if", "range(3 if").replace(
        '{"right": output,', '{"right": output + random.random(),'
    )
    grades = []
    for name, keys in (("declared", STOCHASTIC), ("hidden", "")):
        bench = Bench(write_problem(name, kind="sort", keys=keys, verifier=dice, seed=SEED))
        try:
            known, _ = rows.known_programs(bench, lambda text: None)
            found = rows.determinism(bench, known, lambda text: None)
            noise, deviation = rows.noise(bench, known[0], lambda text: None)
            grades.append(found.grade)
        finally:
            bench.close()
        assert deviation > 0.0
        assert ("for the mean of 3 runs" in noise.says) == (name == "declared")
    assert grades == [Grade.OK, Grade.FAIL]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("repeats = 3", "repeats has no meaning without stochastic = true"),
        ("stochastic = true\nrepeats = 1", "repeats"),
        ("stochastic = true\nrepeats = 101", "repeats"),
    ],
)
def test_keys_that_do_not_fit_are_refused(write_problem: WriteProblem, keys: str, words: str) -> None:
    with pytest.raises(ProblemError, match=words):
        write_problem("many", kind="sort", keys=keys)


def test_what_is_driven_can_not_be_stochastic(write_problem: WriteProblem) -> None:
    with pytest.raises(ProblemError, match="stochastic has no meaning beside a driver"):
        write_problem("guess", keys="stochastic = true")
