"""Programs that a command runs as the stage sees them: built once, run in fresh processes, measured by the host."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluators.process_cascade import ProcessEvaluator
from evolve.core.errors import ProblemError
from evolve.core.types import Source, Split, Status
from evolve.evaluation import make_evaluator
from evolve.problem import Problem, load
from evolve.programs import screened
from sandbox.command import wrap

pytestmark = pytest.mark.bubblewrap

TOML = """
name = "sum"
title = "sum"
evidence = "sampled"
sandbox = "bubblewrap"
[[objectives]]
metric = "{metric}"
direction = "minimize"
[command]
program = "sum.sh"
run = 'sh built.sh "$1"'
build = "grep -v forbidden sum.sh > built.sh || {{ echo lines of the compiler >&2; exit 1; }}"
{keys}
[limits]
wall_seconds = 20
cpu_seconds = 5
{limits}
"""
VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score

def instances(split, seed):
    for number in range(2):
        yield Instance(f"{split}-{number}", f"group-{number}", (f"{number}\\n{seed}\\n", ["plus"]), number + seed)

def score(instance, output):
    if output.split()[:1] != [str(instance.truth)]:
        raise Invalid(f"not {instance.truth}")
    return Score(1.0, {"length": float(len(output)), "cpu_seconds": -5.0})
"""
SUM = """# EVOLVE-BLOCK-START
read a; read b
echo $((a + b)) $1
# EVOLVE-BLOCK-END
"""
Write = Callable[..., Problem]
Evaluate = Callable[[Problem], ProcessEvaluator]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(metric: str = "cpu_seconds", keys: str = "", limits: str = "", seed: str = SUM) -> Problem:
        (tmp_path / "problem.toml").write_text(TOML.format(metric=metric, keys=keys, limits=limits))
        (tmp_path / "verifier.py").write_text(VERIFIER)
        (tmp_path / "sum.sh").write_text(seed)
        return load(tmp_path)

    return write


@pytest.fixture
def evaluator_of() -> Iterator[Evaluate]:
    made: list[ProcessEvaluator] = []

    def make(problem: Problem) -> ProcessEvaluator:
        evaluator = make_evaluator(problem)
        assert isinstance(evaluator, ProcessEvaluator)
        made.append(evaluator)
        return evaluator

    yield make
    for evaluator in made:
        evaluator.stage.verifier.close()


def variant(problem: Problem, line: str) -> Source:
    return problem.seed.with_main(problem.seed.main.replace("read a;", f"{line}\nread a;"))


def test_a_right_program_is_measured_by_the_host(write: Write, evaluator_of: Evaluate) -> None:
    problem = write(keys="repeats = 2")
    verdict = evaluator_of(problem).evaluate(problem.seed)
    assert verdict.status is Status.OK, verdict.feedback
    assert set(verdict.metrics) == {"length", "cpu_seconds", "wall_seconds", "peak_mebibytes"}
    assert verdict.value == verdict.metrics["cpu_seconds"] > 0  # whatever the verifier says
    assert verdict.metrics["wall_seconds"] > 0 and verdict.metrics["peak_mebibytes"] > 5
    assert [result.score for result in verdict.results] == [1.0, 1.0]


def test_what_fails_and_why(write: Write, evaluator_of: Evaluate) -> None:
    problem = write()
    evaluator = evaluator_of(problem)
    wrong = evaluator.evaluate(variant(problem, "echo 7"))
    given = "args: str '0\\n1\\n'; list of 1 str"
    assert (wrong.status, wrong.feedback) == (Status.INVALID, f"probe-0: not 1\n{given}")
    failed = evaluator.evaluate(variant(problem, "echo said >&2; exit 4"))
    assert (failed.status, failed.feedback) == (Status.CRASHED, f"probe-0: exit status 4: said\n{given}")
    unbuilt = evaluator.evaluate(problem.seed.with_main("forbidden\n"))
    assert unbuilt.status is Status.CRASHED
    assert unbuilt.feedback == "the build failed: exit status 1: lines of the compiler"
    assert not unbuilt.evaluated  # it has reached no probe, so it costs no evaluation


def test_a_build_is_done_once_for_each_program(write: Write, evaluator_of: Evaluate) -> None:
    problem = write()
    stage = evaluator_of(problem).stage
    commands = stage._commands
    assert commands is not None
    built: list[str] = []
    once = commands._build_once

    def counted(wrapped: Source):  # type: ignore[no-untyped-def]
        built.append(wrapped.main)
        return once(wrapped)

    commands._build_once = counted  # type: ignore[method-assign]
    for split in (Split.PROBE, Split.TRAIN):
        assert all(run.score for run in stage.runs(problem.seed, split, stage.verifier.instances(split)))
    assert len(built) == 1
    broken = problem.seed.with_main("forbidden\n")
    for _ in range(2):
        runs = list(stage.runs(broken, Split.TRAIN, stage.verifier.instances(Split.TRAIN)))
        assert [run.result.status for run in runs] == [Status.CRASHED] * 2
    assert len(built) == 2


def test_who_does_not_repeat_itself_is_invalid(write: Write, evaluator_of: Evaluate) -> None:
    """Else it could work in one run and be measured in another."""
    problem = write(keys="repeats = 8")
    lucky = variant(problem, '[ $(od -An -N1 -tu1 /dev/urandom) -lt 128 ] || { echo "1 plus"; exit; }')
    random = variant(problem, "echo $(od -An -N4 -tu4 /dev/urandom) >> out")
    noisy = problem.seed.with_main(problem.seed.main.replace("$1", "$(od -An -N4 -tu4 /dev/urandom)"))
    evaluator = evaluator_of(problem)
    assert evaluator.evaluate(random).status is Status.OK  # only what it prints counts
    assert evaluator.evaluate(lucky).status is Status.INVALID
    verdict = evaluator.evaluate(noisy)
    assert verdict.status is Status.INVALID and "did not give the same output" in verdict.feedback


def test_a_wrapped_program_runs_as_it_is(write: Write, evaluator_of: Evaluate) -> None:
    problem = write()
    assert problem.command is not None
    evaluator = evaluator_of(problem)
    wrapped = wrap(problem.command, problem.seed)
    assert evaluator.evaluate(wrapped).status is Status.OK
    for function, text in {
        "build": "def build():\n    return ['no files']\n",
        "run": "def run(stdin='', arguments=()):\n    return [1]\n",
        "prepare": "def prepare(products):\n    raise KeyError('x')\n",
    }.items():
        verdict = evaluator.evaluate(wrapped.with_main(f"{wrapped.main}\n{text}"))
        assert not verdict.status.scored, function
    nested = "[" * 63 + "]" * 63
    deep = wrapped.with_main(f"{wrapped.main}\ndef build():\n    return {{'a': {nested}}}\n")
    assert evaluator.evaluate(deep).status is Status.INVALID


def test_time_limits_hold_for_build_and_run(write: Write, evaluator_of: Evaluate) -> None:
    problem = write(limits="processes = 8")
    limits = problem.limits
    assert (limits.processes, limits.memory_bytes >> 20, limits.file_bytes >> 20) == (8, 1024, 64)
    (problem.folder / "problem.toml").write_text(
        TOML.format(metric="length", keys="", limits="").replace("wall_seconds = 20", "wall_seconds = 1")
    )
    slow = load(problem.folder)
    verdict = evaluator_of(slow).evaluate(variant(slow, "sleep 30"))
    assert verdict.status is Status.TIMED_OUT and "probe-0: it took longer than 1 s\n" in verdict.feedback


def test_the_version_covers_program_files_and_baselines(write: Write) -> None:
    problem = write()
    folder = problem.folder
    (folder / "baselines").mkdir()
    seen = {problem.version}
    for name, text in {"sum.sh": SUM + "#\n", "baselines/other.sh": SUM, "verifier.py": VERIFIER + "#\n"}.items():
        (folder / name).write_text(text)
        seen.add(load(folder).version)
    (folder / "baselines" / "other.txt").write_text("not a program")
    assert len(seen) == 4 and load(folder).version in seen
    loaded = load(folder)
    assert list(loaded.baselines) == ["other"]
    assert dict(loaded.baselines["other"].files) == {"sum.sh": SUM}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('files = ["none.txt"]', "command.files: there is no file none.txt"),
        ('folders = ["/nowhere"]', "command.folders: there is no folder /nowhere"),
        ('folders = ["usr"]', "command.folders: there is no folder usr"),
        ('folders = ["/proc"]', "command.folders: /proc is no folder of files"),
        ('folders = ["/"]', "would show programs the verifier"),
    ],
)
def test_what_is_missing_or_too_much_is_named(write: Write, keys: str, said: str) -> None:
    with pytest.raises(ProblemError) as caught:
        write(keys=keys)
    assert said in caught.value.message


def test_the_folder_of_the_problem_and_of_evolve_are_never_shown(write: Write) -> None:
    folder = write().folder
    for secret in (folder, folder.parent, Path(__file__).parents[2], Path(__file__).parents[2] / "problems"):
        with pytest.raises(ProblemError, match="would show programs the verifier"):
            write(keys=f"folders = {json.dumps([str(secret)])}")


def test_a_seed_without_a_program_or_markers(write: Write) -> None:
    problem = write(seed="echo 1\n")
    with pytest.raises(ProblemError, match=r"sum.sh can not be run: .* one # EVOLVE-BLOCK-START line"):
        screened(problem, "seed")
    (problem.folder / "sum.sh").unlink()
    with pytest.raises(ProblemError, match=r"command.program: there is no file sum.sh"):
        load(problem.folder)
