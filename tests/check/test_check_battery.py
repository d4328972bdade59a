"""A sound verifier survives all cheats, and each carelessness is found by the cheat that lives of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evaluators import cheats
from evolve.check import Finding, Grade, check_problem, rows
from evolve.check.battery import Battery
from evolve.check.bench import Bench
from evolve.check.judging import REMEDIES, Kind, Outcome, judge_output
from evolve.problem import Problem

WriteHeaps = Callable[..., Problem]
bubblewrap = pytest.mark.bubblewrap
CHECKS = """    if type(output) is not list or len(output) != len(values):
        raise Invalid("one side for each value is wanted")
    if any(type(side) is not int for side in output) or set(output) - {0, 1}:
        raise Invalid("sides are 0 and 1")
"""


def battery(problem: Problem, *names: str) -> dict[str, Finding]:
    """Findings of some cheats by name, made from the best program."""
    bench = Bench(problem)
    try:
        known, _ = rows.known_programs(bench, lambda text: None)
        best = rows.best_of(bench, known)
        found = Battery(bench, best, 1e-9, lambda text: None).findings(names or (*cheats.OUTPUTS, *cheats.DEEDS))
        return {one.name.removeprefix("cheat: "): one for one in found}
    finally:
        bench.close()


@bubblewrap
def test_a_sound_verifier_survives_all_cheats(heaps: WriteHeaps) -> None:
    found = battery(heaps())
    assert list(found) == [*cheats.OUTPUTS, *cheats.DEEDS] and set(found) == set(REMEDIES)
    assert {one.grade for one in found.values()} == {Grade.OK}, found
    assert "refused" in found["partial answer"].says
    assert found["state between calls"].says == "nothing is remembered"
    assert found["input mutated"].says == "changed nothing"
    assert "no score" in found["failing on the hardest"].says


@bubblewrap
@pytest.mark.parametrize(
    ("name", "worse", "grade"),
    [
        # The larger heap of what was answered is taken: who answers less has a smaller one.
        (
            "partial answer",
            "    total = sum(value for value, side in zip(values, output))\n",
            Grade.FAIL,
        ),
        # NaN passes every comparison of this kind.
        ("nan", "    if any(side < 0 or side > 1 for side in output):\n        raise Invalid('no side')\n", Grade.FAIL),
        # The verifier itself fails over what is no list.
        ("none", "    if len(output) != len(values):\n        raise Invalid('too few')\n", Grade.LOOK),
    ],
)
def test_carelessness_is_found(heaps: WriteHeaps, name: str, worse: str, grade: Grade) -> None:
    careless = {CHECKS: worse}
    if name == "partial answer":
        careless["gap = abs(sum(values) - 2 * left) / sum(values)"] = "gap = max(left, total - left) / sum(values)"
    if name == "nan":
        careless["gap = abs(sum(values) - 2 * left) / sum(values)"] = "gap = float(min(1.0, abs(left - left)))"
    finding = battery(heaps(verifier=careless), name)[name]
    assert finding.grade is grade, finding
    assert finding.remedy


@bubblewrap
def test_a_shared_process_lets_programs_remember(heaps: WriteHeaps) -> None:
    finding = battery(heaps(keys='isolation = "stage"'), "state between calls")["state between calls"]
    assert finding.grade is Grade.LOOK and "remember" in finding.says
    assert 'isolation = "instance"' in finding.remedy


@bubblewrap
def test_beside_a_driver_the_log_itself_is_forged(write_problem: Callable[..., Problem]) -> None:
    problem = write_problem("guess")
    found = battery(problem, "none", "partial answer", "input mutated", "failing on the hardest", "reading files")
    assert found["none"].says.endswith("not one guess for each bit")
    assert found["partial answer"].grade is Grade.OK
    assert found["input mutated"].says == "changed nothing"
    assert "too hard" in found["failing on the hardest"].says
    assert found["reading files"].says == "nothing of ours could be read"


def test_arithmetic_can_not_cheat_and_its_verifier_is_asked_directly() -> None:
    report = check_problem("float32-exp2")
    assert report.grade is Grade.OK
    found = {one.name: one for one in report.findings}
    assert {name for name in found if name.startswith("cheat: ")} == {f"cheat: {name}" for name in REMEDIES}
    assert "only" in found["cheat: reading files"].says
    assert "not an array" in found["cheat: none"].says


@pytest.mark.parametrize(
    ("name", "kinds", "grade"),
    [
        ("none", [Kind.REFUSED], Grade.OK),
        ("none", [Kind.SAME], Grade.FAIL),
        ("nan", [Kind.BETTER], Grade.FAIL),
        ("infinities", [Kind.REFUSED, Kind.BETTER], Grade.FAIL),
        ("huge", [Kind.FAULT, Kind.REFUSED], Grade.LOOK),
        ("partial answer", [Kind.REFUSED, Kind.SAME], Grade.LOOK),
        ("permuted", [Kind.SAME, Kind.WORSE], Grade.OK),
        ("permuted", [Kind.SAME, Kind.MEANINGLESS], Grade.LOOK),
        ("permuted", [Kind.BETTER, Kind.WORSE], Grade.LOOK),
        ("wrong type", [Kind.SAME], Grade.OK),
        ("input returned", [Kind.WORSE], Grade.OK),
        ("empty", [Kind.MEANINGLESS], Grade.OK),
        ("constant answer", [Kind.SAME], Grade.LOOK),
        (cheats.ANOTHER, [Kind.BETTER], Grade.FAIL),
        ("duplicated", [Kind.CRASHED, Kind.WORSE], Grade.LOOK),
        ("duplicated", [Kind.SAME, Kind.REFUSED, Kind.REFUSED], Grade.LOOK),
        ("duplicated", [Kind.REFUSED, Kind.REFUSED, Kind.SAME], Grade.OK),
    ],
)
def test_what_an_outcome_is_worth(name: str, kinds: list[Kind], grade: Grade) -> None:
    assert judge_output(name, [Outcome(kind, "words") for kind in kinds])[0] is grade


def test_a_measured_score_leaves_the_output_to_be_looked_at() -> None:
    same = [Outcome(Kind.SAME, "words")]
    assert judge_output("partial answer", same, measured=True)[0] is Grade.FAIL
    assert judge_output("wrong shape", same, measured=True)[0] is Grade.OK


def test_without_a_baseline_a_better_score_may_be_a_better_answer() -> None:
    better = [Outcome(Kind.BETTER, "words")]
    assert judge_output("partial answer", better, compared=False)[0] is Grade.LOOK
    assert judge_output("nan", better, compared=False)[0] is Grade.FAIL


RECURSIVE = """
# EVOLVE-BLOCK-START
def divide(values):
    return [] if not values else [*divide(values[:-1]), len(values) % 2]
# EVOLVE-BLOCK-END
"""


@bubblewrap
def test_a_program_that_calls_itself_is_cheated_with_all_the_same(heaps: WriteHeaps) -> None:
    found = battery(heaps(seed=RECURSIVE, greedy=RECURSIVE), "none", "state between calls", "partial answer")
    assert "one side for each value" in found["none"].says
    assert found["state between calls"].says == "nothing is remembered"


@bubblewrap
def test_an_answer_to_nothing_is_found(heaps: WriteHeaps) -> None:
    """Length and values are right, and nobody asks whether it is an answer to this instance."""
    blind = {CHECKS: "    return Score(0.0, {'gap': 0.001 * (len(set(output)) - 1)})\n"}
    assert battery(heaps(verifier=blind), "constant answer")["constant answer"].grade is Grade.FAIL


LUCK = "import os\ndef divide(values):\n    return [byte % 2 for byte in os.urandom(len(values))]\n"


@bubblewrap
def test_a_program_of_chance_accuses_nobody(heaps: WriteHeaps) -> None:
    seed = f"# EVOLVE-BLOCK-START\n{LUCK}# EVOLVE-BLOCK-END\n"
    found = battery(heaps(seed=seed, greedy=LUCK), "state between calls", "input mutated", "reading files")
    assert {one.grade for one in found.values()} == {Grade.OK}, found
