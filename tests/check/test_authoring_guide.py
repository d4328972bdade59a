"""The worked example of docs/authoring.md: its files make a sound problem, and its discovery is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evolve import run
from evolve.check import Grade, check_problem
from evolve.check.bench import Bench
from evolve.core.types import Split
from evolve.problem import Problem, load

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "authoring.md"
_BLOCK = re.compile(r"^```\w+\n# join-order/(\S+)\n(.*?)^```", re.M | re.S)

pytestmark = pytest.mark.bubblewrap


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    """The folder that the guide's blocks make."""
    folder = tmp_path / "join-order"
    (folder / "baselines").mkdir(parents=True)
    blocks = _BLOCK.findall(GUIDE.read_text())
    assert [name for name, _ in blocks] == ["problem.toml", "verifier.py", "seed.py", "baselines/smallest_result.py"]
    for name, text in blocks:
        (folder / name).write_text(text)
    return load(folder)


def test_the_check_of_the_example_finds_nothing(problem: Problem) -> None:
    report = check_problem(problem.folder)
    assert report.grade is Grade.OK, [one for one in report.findings if one.grade is not Grade.OK]


def test_the_run_of_the_example_improves_on_its_seed(problem: Problem, tmp_path: Path) -> None:
    result = run(problem.folder, evaluations=30, seed=0, workers=1, archive=tmp_path / "a.db", final_check=False)
    assert result.front[0].metrics["log_cost_ratio"] < result.seed.metrics["log_cost_ratio"]


def test_the_rule_that_the_guide_reports_beats_the_baseline_on_data_it_never_saw(problem: Problem) -> None:
    told = re.search(
        r"^```python\ndef rank\(rows, factor, promise, left\):\n    return (.+)\n```", GUIDE.read_text(), re.M
    )
    assert told is not None
    found = problem.seed.with_main(problem.seed.main.replace("    return rows\n", f"    return {told[1]}\n", 1))
    bench = Bench(problem)
    try:
        instances = bench.verifier.instances(Split.FINAL)
        own = bench.evaluate("found", found, Split.FINAL, instances)
        known = bench.evaluate("known", problem.baselines["smallest_result"], Split.FINAL, instances)
    finally:
        bench.close()
    assert own.value is not None and known.value is not None
    assert own.value < 0.6 * known.value
