"""Each row of the check finds what it is there for, and finds nothing in a sound problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from evaluators.statistics import smallest_gain
from evolve.check import Finding, Grade, check_problem, rows
from evolve.check.bench import Bench, Evaluated
from evolve.check.power import gate
from evolve.check.whole import verifier_limits
from evolve.core.types import Split
from evolve.problem import Problem, load

pytestmark = pytest.mark.bubblewrap
WriteHeaps = Callable[..., Problem]


def quiet(text: str) -> None:
    """No progress."""


@contextmanager
def opened(problem: Problem) -> Iterator[tuple[Bench, list[Evaluated], Finding]]:
    """A bench with the known programs evaluated, and what was said of them."""
    bench = Bench(problem)
    try:
        known, (finding,) = rows.known_programs(bench, quiet)
        yield bench, known, finding
    finally:
        bench.close()


def test_a_sound_problem_is_ok_in_every_row(heaps: WriteHeaps) -> None:
    with opened(heaps()) as (bench, known, finding):
        assert finding.grade is Grade.OK and [one.name for one in known] == ["seed", "greedy"]
        noise, deviation = rows.noise(bench, known[0], quiet)
        found = [
            rows.splits(bench, quiet),
            rows.determinism(bench, known, quiet),
            noise,
            rows.time(known),
            rows.keys(bench, known),
            verifier_limits(bench),
        ]
        assert {one.grade for one in found} == {Grade.OK}, found
        assert deviation == 0.0
        assert found[0].figures["instances"] == {"probe": 2, "train": 3, "gate": 12, "report": 2, "final": 2}
        assert found[3].figures["evaluations_per_hour"] > 100
        assert rows.looking_ahead(bench, known, quiet) is None


def test_the_gates_smallest_gain_follows_the_groups(heaps: WriteHeaps) -> None:
    with opened(heaps()) as (bench, known, _):
        finding = gate(bench, known)
        assert finding.figures["groups"] == 12 and finding.figures["smallest_gain"] > 0
        deviation = finding.figures["deviations"]["seed"]
        assert finding.figures["smallest_gain"] == pytest.approx(smallest_gain(deviation, 12))
        assert smallest_gain(deviation, 48) < 0.55 * smallest_gain(deviation, 12)
    verifier = bench.problem.folder / "verifier.py"
    verifier.write_text(verifier.read_text().replace("Split.GATE: 12", "Split.GATE: 4"))
    with opened(load(verifier.parent)) as (bench, known, _):
        assert gate(bench, known).grade is Grade.LOOK
        assert "4 groups: too few" in gate(bench, known).says


def test_a_seed_that_fails_is_told_with_its_reason(heaps: WriteHeaps) -> None:
    report = check_problem(heaps(seed=SEED_THAT_FAILS).folder)
    assert report.grade is Grade.FAIL
    (programs,) = [one for one in report.findings if one.name == "seed and baselines"]
    assert "seed is crashed" in programs.says and "ZeroDivisionError" in programs.says
    assert "cheat: none" not in [one.name for one in report.findings]  # nothing could be made of it


SEED_THAT_FAILS = "# EVOLVE-BLOCK-START\ndef divide(values):\n    return 1 / 0\n# EVOLVE-BLOCK-END\n"


def test_a_baseline_that_fails_does_not_hide_the_rest(heaps: WriteHeaps) -> None:
    with opened(heaps(broken="def divide(values):\n    return 'left'\n")) as (_, known, finding):
        assert finding.grade is Grade.FAIL and "broken is invalid" in finding.says
        assert [one.name for one in known] == ["seed", "greedy"]


def test_splits_that_share_an_instance(heaps: WriteHeaps) -> None:
    with opened(heaps(verifier={"rng.generator(str(split), seed, number)": "rng.generator(number)"})) as (bench, *_):
        finding = rows.splits(bench, quiet)
        assert finding.grade is Grade.FAIL and "share" in finding.says and "evolve.split" in finding.remedy


def test_instances_that_depend_on_the_order_of_a_set(heaps: WriteHeaps) -> None:
    shuffled = {
        "integers(1, 1000, 12)]": "integers(1, 1000, 12)]\n        values = [hash(str(v)) % 1000 + 1 for v in values]"
    }
    with opened(heaps(verifier=shuffled)) as (bench, known, _):
        finding = rows.determinism(bench, known, quiet)
        assert finding.grade is Grade.FAIL and "differ from process to process" in finding.says


def test_a_score_that_depends_on_the_process(heaps: WriteHeaps) -> None:
    with opened(heaps(verifier={"return Score(gap,": "gap += hash('x') % 7 / 100\n    return Score(gap,"})) as (
        bench,
        known,
        _,
    ):
        finding = rows.determinism(bench, known, quiet)
        assert finding.grade is Grade.FAIL and "score of one output differs" in finding.says


LUCK = """
import os
# EVOLVE-BLOCK-START
def divide(values):
    return [byte % 2 for byte in os.urandom(len(values))]
# EVOLVE-BLOCK-END
"""


def test_a_program_of_chance_is_not_deterministic_and_noisy(heaps: WriteHeaps) -> None:
    with opened(heaps(seed=LUCK)) as (bench, known, _):
        assert rows.determinism(bench, known, quiet).grade is Grade.LOOK
        finding, deviation = rows.noise(bench, known[0], quiet)
        assert finding.grade is Grade.LOOK and deviation > 0
        assert "minimum_effect" in finding.remedy


ODD_ON_PROBE = (
    "def divide(values):\n    return [int(len(values) == 3 and place == 1) for place in range(len(values))]\n"
)


def test_a_probe_on_which_two_programs_look_alike(heaps: WriteHeaps) -> None:
    blind = {"values = [": "values = [7] * 3 if split == Split.PROBE else ["}
    with opened(heaps(verifier=blind, like_the_seed=ODD_ON_PROBE)) as (bench, known, _):
        finding = rows.keys(bench, known)
        assert finding.grade is Grade.FAIL and "are one on the probe" in finding.says
        bench.measured = True
        assert rows.keys(bench, known).grade is Grade.OK  # measured scores are never taken over


def test_a_verifier_near_its_limits_is_told(heaps: WriteHeaps) -> None:
    hungry = {"(values,) = instance.args\n": '(values,) = instance.args\n    block = b"x" * (300 << 20)\n'}
    problem = heaps(verifier=hungry)
    file = problem.folder / "problem.toml"
    file.write_text(file.read_text() + "[verifier]\nmemory_mebibytes = 560\n")
    with opened(load(problem.folder)) as (bench, _, finding):
        assert finding.grade is Grade.OK, finding
        assert verifier_limits(bench).grade is Grade.LOOK
        assert bench.verifier.most_bytes > 300 << 20


def test_a_wrong_file_is_one_finding_with_its_line(heaps: WriteHeaps) -> None:
    folder = heaps().folder
    file = folder / "problem.toml"
    file.write_text(file.read_text().replace("entry =", "entri ="))
    report = check_problem(folder)
    assert [one.name for one in report.findings] == ["problem.toml"] and report.grade is Grade.FAIL
    assert "line 4: entri: unknown key; the nearest valid one is entry" in report.findings[0].says


def test_a_driver_that_tells_the_future_to_its_baselines(write_problem: Callable[..., Problem]) -> None:
    knowing = """
class Knowing:
    seen = 0
    def guess(self):
        import sys
        frame = sys._getframe(1)
        return frame.f_locals["bits"][self.seen] if "bits" in frame.f_locals else 0
    def see(self, bit):
        self.seen += 1
def make_guesser():
    return Knowing()
"""
    with opened(write_problem("guess", knowing=knowing)) as (bench, known, _):
        finding = rows.looking_ahead(bench, known, quiet)
        assert finding is not None and finding.grade is Grade.FAIL and "knowing is forbidden" in finding.says


def test_another_split_is_not_run(heaps: WriteHeaps) -> None:
    """Programs are never run on gate, report or final: their instances are only compared."""
    asked: list[Split] = []
    bench = Bench(heaps())
    original = bench.stage.runs
    bench.stage.runs = lambda source, split, *rest: (asked.append(split), original(source, split, *rest))[1]  # type: ignore[method-assign]
    try:
        known, _ = rows.known_programs(bench, quiet)
        gate(bench, known)
        rows.splits(bench, quiet)
        rows.keys(bench, known)
    finally:
        bench.close()
    assert set(asked) == {Split.PROBE, Split.TRAIN}


@pytest.mark.parametrize(
    ("verifier", "message"),
    [
        ({"from evolve import": "from evolve.nowhere import"}, "fails on import"),
        ({"range(COUNTS[split])": "range(0)"}, "yields no instance for probe"),
        ({'{"gap": gap}': "{}"}, "gives no metric 'gap'"),
    ],
)
def test_a_verifier_that_can_not_work_is_told_as_such(
    heaps: WriteHeaps, verifier: dict[str, str], message: str
) -> None:
    report = check_problem(heaps(verifier=verifier).folder)
    assert report.findings[-1].name == "verifier" and report.findings[-1].grade is Grade.FAIL
    assert message in report.findings[-1].says and report.findings[-1].remedy


def test_a_missing_program_is_told_as_such(heaps: WriteHeaps) -> None:
    folder = heaps().folder
    (folder / "seed.py").unlink()
    (finding,) = check_problem(folder).findings
    assert finding.name == "files" and "seed.py can not be read" in finding.says


def test_a_package_that_is_not_installed_is_a_finding(heaps: WriteHeaps) -> None:
    report = check_problem(heaps(keys='packages = ["no-such-package"]').folder)
    assert report.grade is Grade.FAIL and "no-such-package is not installed" in report.findings[-1].says


FLOOR = "\n\ndef floor(instance):\n    return Score(0.9, {'gap': 0.9})\n"


@pytest.mark.parametrize(
    ("verifier", "grade", "words"),
    [
        ({"\n\ndef instances": FLOOR + "\n\ndef instances"}, Grade.FAIL, "better than the floor"),
        ({"return Score(gap,": "return Score(2 * gap,"}, Grade.LOOK, "is not its metric gap"),
        ({"(values,))": "(values, sum(values)), sum(values))", "(values,) =": "(values, _) ="}, Grade.LOOK, "truth"),
        ({}, Grade.OK, "fit together"),
    ],
)
def test_scores_that_do_not_fit_together(heaps: WriteHeaps, verifier: dict[str, str], grade: Grade, words: str) -> None:
    programs = {"seed": SEED_OF_TWO, "greedy": SEED_OF_TWO} if "(values,) =" in verifier else {}
    with opened(heaps(verifier=verifier, **programs)) as (bench, known, _):
        finding = rows.scores(bench, known)
        assert finding.grade is grade and words in finding.says


SEED_OF_TWO = """
# EVOLVE-BLOCK-START
def divide(values, total):
    return [place % 2 for place in range(len(values))]
# EVOLVE-BLOCK-END
"""


def test_groups_of_one_name_in_two_splits(heaps: WriteHeaps) -> None:
    with opened(heaps(verifier={'f"{split}-{number}", (values': 'f"file-{number}", (values'})) as (bench, *_):
        finding = rows.splits(bench, quiet)
        assert finding.grade is Grade.LOOK and "file-0: probe and train" in finding.says


def test_an_other_future_that_is_none(write_problem: Callable[..., Problem]) -> None:
    problem = write_problem("guess")
    verifier = problem.folder / "verifier.py"
    verifier.write_text(verifier.read_text() + "\n\ndef spliced(instance, other, share):\n    return instance\n")
    with opened(load(problem.folder)) as (bench, known, _):
        finding = rows.looking_ahead(bench, known, quiet)
        assert finding is not None and finding.grade is Grade.FAIL and "as it is" in finding.says
