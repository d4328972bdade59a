"""The template for programs that a command runs: Shell sort in C, its baselines and its verifier."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluators.screen import find_block, outside_block
from evaluators.stage import Stage
from evaluators.verifier import load_verifier
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Source, Split, Status
from evolve.evaluation import make_stage
from evolve.problem import Problem, load, shipped, shipped_folder
from evolve.programs import screened

TEMPLATE = shipped_folder() / "_templates" / "command"


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    folder = tmp_path_factory.mktemp("command") / "sorting"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "problem.toml").read_text()
    assert text.startswith('name = "NAME"\n')
    (folder / "problem.toml").write_text(text.replace("NAME", "sorting", 1))
    return load(folder)


@pytest.fixture(scope="module")
def stage(problem: Problem) -> Iterator[Stage]:
    made = make_stage(problem)
    yield made
    made.verifier.close()


def with_gaps(problem: Problem, gaps: str) -> Source:
    block = find_block(problem.seed.main)
    table = f"static const int gaps[] = {{{gaps}}};\n"
    return problem.seed.with_main(problem.seed.main[: block.start] + table + problem.seed.main[block.end :])


def test_it_is_no_shipped_problem_and_every_file_has_the_same_frame(problem: Problem) -> None:
    assert not any("_templates" in str(path) for path in shipped().values())
    assert sorted(problem.baselines) == ["ciura", "knuth", "sedgewick", "shell", "tokuda"]
    for source in problem.baselines.values():
        assert outside_block(source.main) == outside_block(problem.seed.main)
    assert len({screened(problem, name).program_id for name in ("seed", *problem.baselines)}) == 6


def test_instances_are_disjoint_and_of_all_kinds(problem: Problem) -> None:
    verifier = load_verifier(problem.folder)
    made = {split: verifier.instances(split, problem.split_seed(split)) for split in Split}
    texts = [one.args for instances in made.values() for one in instances]
    assert len(set(texts)) == len(texts)
    for split, instances in made.items():
        assert {one.group.partition("/")[0] for one in instances} == set(verifier.KINDS)
        assert len({one.group for one in instances}) == len(instances) >= (10 if split is Split.FINAL else 4)


def test_only_the_same_numbers_in_order_count(problem: Problem) -> None:
    verifier = load_verifier(problem.folder)
    one = Instance("a", "g", ("3\n1\n2\n",), [1, 2, 3])
    assert verifier.score(one, " 1 2\n3 ").value == 1.0
    for output in ("1\n2\n", "3 1 2", "1 2 4", "1 2 3 3", "1 2 3.0", "01 2 3", "", None, [1, 2, 3], "1 2 x" * 3):
        with pytest.raises(Invalid):
            verifier.score(one, output)


@pytest.mark.bubblewrap
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_seed_and_baselines_sort_and_what_does_not_is_a_failure(problem: Problem, stage: Stage) -> None:
    probe = stage.verifier.instances(Split.PROBE)
    for source in (problem.seed, *problem.baselines.values()):
        run = stage.run(source, Split.PROBE, probe[0])
        assert run.result.status is Status.OK, run.feedback
        assert run.score is not None and 0 < run.score.metrics["cpu_seconds"] < 5
    assert stage.run(with_gaps(problem, "7, 3"), Split.PROBE, probe[0]).result.status is Status.INVALID
    assert stage.run(with_gaps(problem, "1, -1"), Split.PROBE, probe[0]).result.status is not Status.OK
    broken = stage.run(with_gaps(problem, "1, "), Split.PROBE, probe[0])
    assert broken.result.status is Status.OK
    broken = stage.run(with_gaps(problem, "1; "), Split.PROBE, probe[0])
    assert broken.result.status is Status.CRASHED and "the build failed: exit status 1" in broken.feedback


@pytest.mark.bubblewrap
def test_without_a_compiler_it_says_so(problem: Problem, tmp_path: Path) -> None:
    folder = tmp_path / "none"
    shutil.copytree(problem.folder, folder)
    text = (folder / "problem.toml").read_text()
    (folder / "problem.toml").write_text(text.replace('build = "cc ', 'build = "no-such-cc '))
    other = load(folder)
    stage = make_stage(other)
    try:
        run = stage.run(other.seed, Split.PROBE, stage.verifier.instances(Split.PROBE)[0])
    finally:
        stage.verifier.close()
    assert "no-such-cc: not found" in run.feedback and "a program that is not there" in run.feedback
