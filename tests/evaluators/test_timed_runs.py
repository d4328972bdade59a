"""Times of real programs: fresh processes, a call that is not timed, the host's clocks, and answers that are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluators.stage import MAX_DEATHS, Seat, Stage
from evaluators.timed_runs import LEAST_SECONDS, TimedRuns
from evaluators.timing import CandidateFailed, Plan, compare
from evolve.core.errors import ProblemError, UnavailableError
from evolve.core.types import Instance, Source, Split, Status
from evolve.evaluation import make_stage
from evolve.problem import Problem, load
from sandbox.base import Reply
from sandbox.command import Command
from sandbox.limits import Limits
from sandbox.scripted import ScriptedSandbox

TOML = """
name = "sum"
title = "sum"
entry = "total"
evidence = "sampled"
sandbox = "bubblewrap"
[[objectives]]
metric = "right"
direction = "maximize"
[search]
evaluations = 20
[limits]
wall_seconds = 20
cpu_seconds = 2
memory_mebibytes = 256
"""
VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(3):
        yield Instance(f"{split}-{number}", f"sum-{number}", (1_000_000 + number,))


def score(instance, output):
    if output != sum(range(instance.args[0])):
        raise Invalid("not the sum")
    return Score(1.0, {"right": 1.0})
"""
LOOP = "def total(n):\n    found = 0\n    for i in range(n):\n        found += i\n    return found\n"
CLOSED_FORM = "def total(n):\n    return n * (n - 1) // 2\n"
COMMAND_TOML = """
name = "sum"
title = "sum"
evidence = "sampled"
sandbox = "bubblewrap"
[[objectives]]
metric = "cpu_seconds"
direction = "minimize"
[command]
program = "sum.sh"
run = 'sh built.sh'
build = "grep -q echo sum.sh && cp sum.sh built.sh"
[limits]
wall_seconds = 20
cpu_seconds = 5
"""
COMMAND_VERIFIER = """
from evolve.core.errors import Invalid
from evolve.core.types import Instance, Score


def instances(split, seed):
    for number in range(3):
        yield Instance(f"{split}-{number}", f"sum-{number}", (f"{50_000 + number}\\n", []))


def score(instance, output):
    if output.strip() != str(sum(range(1 + int(instance.args[0])))):
        raise Invalid("not the sum")
    return Score(1.0, {})
"""
COMMAND_LOOP = "read n; s=0; i=0\nwhile [ $i -lt $n ]; do i=$((i + 1)); s=$((s + i)); done\necho $s\n"
COMMAND_CLOSED_FORM = "read n; echo $((n * (n + 1) / 2))\n"
SMALL = Plan(level=0.3, batch_pairs=2, most_pairs=4, drift_level=0.0)


def source(text: str) -> Source:
    return Source({"program.py": text}, "total")


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    (tmp_path / "problem.toml").write_text(TOML)
    (tmp_path / "verifier.py").write_text(VERIFIER)
    (tmp_path / "seed.py").write_text(f"# EVOLVE-BLOCK-START\n{LOOP}# EVOLVE-BLOCK-END\n")
    return load(tmp_path)


@pytest.fixture
def stage(problem: Problem) -> Iterator[Stage]:
    stage = make_stage(problem)
    yield stage
    stage.close()


Scripted = Callable[..., ScriptedSandbox]


@pytest.fixture
def scripted(stage: Stage) -> Scripted:
    """A function that seats the stage in a sandbox which answers as `script` says."""

    def seat(script: Callable[..., Any]) -> ScriptedSandbox:
        sandbox = ScriptedSandbox(script)
        stage.seat = Seat(sandbox, Limits(), "instance", None, "total")
        return sandbox

    return seat


def runs(stage: Stage, candidate: str, reference: str = LOOP, seed: int = 0) -> TimedRuns:
    warm_up, *instances = stage.verifier.instances(Split.TRAIN)
    return TimedRuns(stage, Split.TRAIN, source(reference), source(candidate), instances, warm_up, seed)


def takes(seconds: float, cpu_seconds: float = 0.0) -> Callable[..., Any]:
    def script(program: Source, entry: str, *args: Any) -> Any:
        if entry == "sing":
            return 42
        return Reply(Status.OK, sum(range(args[0])), cpu_seconds=cpu_seconds, wall_seconds=seconds)

    return script


@pytest.mark.bubblewrap
def test_a_program_that_does_no_work_is_faster_than_one_that_does(stage: Stage) -> None:
    with runs(stage, CLOSED_FORM) as timed:
        found = compare(SMALL, timed, 2, seed=1)
    assert found.status is Status.OK and found.pairs == 4
    assert found.log_ratio is not None and found.log_ratio < 0.0


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("def total(n):\n    return n\n", Status.INVALID, "train-1: not the sum"),
        ("def total(n):\n    raise KeyError(n)\n", Status.CRASHED, "KeyError"),
        ("def total(n)\n", Status.CRASHED, "SyntaxError"),
        ("import os\ndef total(n):\n    os._exit(0)\n", Status.CRASHED, "train-1"),
        # Right once, so that what follows may be anything: each answer is looked at.
        (f"{CLOSED_FORM}done = []\ndef total(n, right=total):\n    done.append(n)\n"
         "    return right(n) if len(done) < 3 else 0\n", Status.INVALID, "train-2: not the sum"),
    ],
)  # fmt: skip
def test_a_candidate_that_fails_or_errs_has_a_status(stage: Stage, text: str, status: Status, words: str) -> None:
    with runs(stage, text) as timed:
        found = compare(SMALL, timed, 2, seed=1)
    assert found.status is status and words in found.feedback
    assert found.ratio is None and found.pairs == 0


@pytest.mark.bubblewrap
def test_every_process_is_fresh(stage: Stage) -> None:
    # It would fail in the second pair if anything lived on: the process, a file, a module.
    keeps = f"import os\n{CLOSED_FORM}calls = []\ndef total(n, right=total):\n    calls.append(n)\n"
    keeps += "    stale = len(calls) > 3 or len(calls) == 1 and os.path.exists('/tmp/mark')\n"
    keeps += "    open('/tmp/mark', 'w').close()\n    return 0 if stale else right(n)\n"
    with runs(stage, keeps) as timed:
        assert compare(SMALL, timed, 2, seed=1).status is Status.OK


@pytest.mark.bubblewrap
def test_a_reference_that_fails_is_the_problems_fault(stage: Stage) -> None:
    with runs(stage, LOOP, reference="def total(n):\n    return 0\n") as timed, pytest.raises(ProblemError) as caught:
        compare(SMALL, timed, 2, seed=1)
    assert "the reference failed: invalid, train-1: not the sum" in str(caught.value)


def test_the_first_call_of_a_process_is_not_timed_and_pairs_share_a_seed(stage: Stage, scripted: Scripted) -> None:
    sandbox = scripted(takes(1.0))
    with runs(stage, CLOSED_FORM, seed=50) as timed:
        found = compare(SMALL, timed, 2, seed=1, to_the_end=True)
    assert found.log_ratio == 0.0 and found.pairs == 4
    assert [opening.seed for opening in sandbox.openings] == [50 + process // 2 for process in range(8)]
    assert {opening.source.main for opening in sandbox.openings[:2]} == {LOOP, CLOSED_FORM}
    assert [call.args for call in sandbox.calls] == [(1_000_000,), (1_000_001,), (1_000_002,)] * 8
    assert sandbox.closed == 8


def test_no_process_waits_while_another_is_timed(stage: Stage, scripted: Scripted) -> None:
    sandbox = scripted(lambda program, entry, *args: (alone(), takes(1.0)(program, entry, *args))[1])

    def alone() -> None:
        assert len(sandbox.openings) == sandbox.closed + 1

    with runs(stage, CLOSED_FORM) as timed:
        assert compare(SMALL, timed, 2, seed=1).status is Status.OK


@pytest.mark.parametrize(("wall", "cpu", "seconds"), [(2.0, 1.0, 2.0), (1.0, 3.0, 3.0)])
def test_a_call_takes_the_larger_of_wall_and_processor_time(
    stage: Stage, scripted: Scripted, wall: float, cpu: float, seconds: float
) -> None:
    scripted(takes(wall, cpu))
    with runs(stage, LOOP) as timed:
        assert timed("candidate", 0, 0) == seconds


def test_a_death_is_tried_again_and_three_are_a_crash(stage: Stage, scripted: Scripted) -> None:
    deaths = 0

    def script(program: Source, entry: str, *args: Any) -> Any:
        nonlocal deaths
        if entry != "sing" and deaths:
            deaths -= 1
            return Reply(Status.CRASHED, error="gone without an answer", died=True)
        return takes(1.0)(program, entry, *args)

    sandbox = scripted(script)
    with runs(stage, LOOP) as timed:
        deaths = MAX_DEATHS - 1
        assert timed("candidate", 0, 0) == 1.0
        deaths = MAX_DEATHS
        with pytest.raises(CandidateFailed, match="gone without an answer") as caught:
            timed("candidate", 1, 0)
        assert caught.value.status is Status.CRASHED
    assert sum(opening.source.entry == "sing" for opening in sandbox.openings) == 2 * MAX_DEATHS - 1
    assert sandbox.closed == len(sandbox.openings)


def test_a_dead_canary_is_no_verdict(stage: Stage, scripted: Scripted) -> None:
    scripted(lambda program, entry, *args: Reply(Status.CRASHED, error="gone", died=True))
    with runs(stage, LOOP) as timed, pytest.raises(UnavailableError):
        timed("candidate", 0, 0)


def test_work_that_is_too_short_for_the_clock_is_refused(stage: Stage, scripted: Scripted) -> None:
    scripted(takes(LEAST_SECONDS / 2.0))
    with runs(stage, LOOP) as timed:
        assert timed("candidate", 0, 0) == LEAST_SECONDS / 2.0
        timed.close()
        with pytest.raises(ProblemError, match=r"train-1 takes the reference 2\.50 ms"):
            timed("reference", 1, 0)


def test_an_instance_that_was_seen_before_is_refused(stage: Stage) -> None:
    warm_up, first, _ = stage.verifier.instances(Split.TRAIN)
    for instances in ([warm_up], [first, Instance("other", "other", first.args)]):
        with pytest.raises(ProblemError, match="the same arguments"):
            TimedRuns(stage, Split.TRAIN, source(LOOP), source(LOOP), instances, warm_up)


@pytest.mark.bubblewrap
def test_programs_of_a_command_are_built_once_and_run_in_a_process_for_each_call(tmp_path: Path) -> None:
    (tmp_path / "problem.toml").write_text(COMMAND_TOML)
    (tmp_path / "verifier.py").write_text(COMMAND_VERIFIER)
    (tmp_path / "sum.sh").write_text(f"# EVOLVE-BLOCK-START\n{COMMAND_LOOP}# EVOLVE-BLOCK-END\n")
    problem = load(tmp_path)
    stage = make_stage(problem)
    quick, wrong = (problem.seed.with_main(text) for text in (COMMAND_CLOSED_FORM, "echo 1\n"))
    warm_up, *instances = stage.verifier.instances(Split.TRAIN)
    try:
        with TimedRuns(stage, Split.TRAIN, problem.seed, quick, instances, warm_up) as timed:
            found = compare(SMALL, timed, 2, seed=1)
        with TimedRuns(stage, Split.TRAIN, problem.seed, wrong, instances, warm_up) as timed:
            failed = compare(SMALL, timed, 2, seed=1)
        with TimedRuns(stage, Split.TRAIN, problem.seed, quick.with_main("no"), instances, warm_up) as timed:
            broken = compare(SMALL, timed, 2, seed=1)
    finally:
        stage.close()
    assert found.status is Status.OK and found.log_ratio is not None and found.log_ratio < 0.0
    assert failed.status is Status.INVALID and "train-1: not the sum" in failed.feedback and failed.ratio is None
    assert broken.status is Status.CRASHED and "the build failed" in broken.feedback


def test_a_command_is_asked_for_one_build_and_for_no_run_twice(stage: Stage, scripted: Scripted) -> None:
    def script(program: Source, entry: str, *args: Any) -> Any:
        answer = str(sum(range(args[0]))) if entry == "run" else None
        return Reply(Status.OK, {"sum.sh": (0o644, b"")} if entry == "build" else answer, wall_seconds=1.0)

    sandbox = scripted(script)
    stage.seat = replace(stage.seat, command=Command("sum.sh", "sh sum.sh", repeats=5))
    stage.score = lambda split, instance, output: (Status.OK, None, "")  # type: ignore[method-assign]
    with runs(stage, CLOSED_FORM) as timed:
        assert compare(SMALL, timed, 2, seed=1, to_the_end=True).log_ratio == 0.0
    entries = [call.entry for call in sandbox.calls]
    assert entries.count("build") == 2 and entries.count("run") == 8 * 3
    assert sandbox.closed == len(sandbox.openings) == 2 + 8 * 3
