"""A sandbox that goes away in the middle of a run: the run pauses, says so, and loses nothing."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.store import Archive
from evaluators.anticipation import AnticipationCheck
from evaluators.process_cascade import ProcessEvaluator
from evolve import run
from evolve.core.config import DEFAULT_WINDOW
from evolve.core.errors import InfrastructureError, UnavailableError
from evolve.core.types import Split
from evolve.engine.base import Task
from evolve.engine.local import LocalEngine
from evolve.engine.patience import JITTER, LONGEST_SECONDS, Outage, Patience
from evolve.evaluation import make_evaluator
from evolve.events import Event, Paused, RecordCommitted, WentOn
from evolve.problem import Problem
from evolve.result import RunResult
from sandbox.backends import read

WriteProblem = Callable[..., Problem]
ROOT = Path(__file__).resolve().parents[2]
SANDBOX = "bubblewrap:start=process"
EVALUATIONS, WINDOW = 6.0, 2


class Program:
    """The only bwrap that is found by its name; `hide` takes it away."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.link, self.away = folder, folder / "bwrap", folder / "not-bwrap"
        self.link.symlink_to(shutil.which("bwrap") or "/nonexistent")

    def hide(self) -> None:
        self.link.rename(self.away)

    def show(self) -> None:
        self.away.rename(self.link)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    (tmp_path / "bin").mkdir()
    found = Program(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(found.folder))
    return found


class Watcher:
    """Hides the program after some records, for some seconds or for good, and notes what it is told then."""

    def __init__(self, program: Program, seconds: float = 0.0, records: int = 2) -> None:
        self.program, self.seconds, self.left = program, seconds, records
        self.told: list[Event] = []
        self.thread = threading.Thread(target=self._show)

    def __call__(self, event: Event) -> None:
        if isinstance(event, Paused | WentOn):
            self.told.append(event)
        if isinstance(event, RecordCommitted):
            self.left -= 1
            if self.left == 0:
                self.program.hide()
                if self.seconds:
                    self.thread.start()

    def _show(self) -> None:
        time.sleep(self.seconds)
        self.program.show()


def _run(problem: Problem, where: Path, **more: object) -> RunResult:
    settings = {"evaluations": EVALUATIONS, "seed": 5, "workers": 1, "window": WINDOW, "sandbox": SANDBOX, **more}
    return run(problem.folder, archive=where, final_check=False, **settings)  # type: ignore[arg-type]


def _export(where: Path) -> list[str]:
    """Everything but the first line, which holds the limits that a run was begun with."""
    with Archive.open(where, create=False) as archive:
        return list(archive.export(archive.run("last").id))[1:]


@pytest.fixture
def problem(write_problem: WriteProblem) -> Problem:
    return write_problem("sort")


@pytest.mark.bubblewrap
def test_the_course_is_the_same_and_everybody_is_told(
    program: Program, write_problem: WriteProblem, tmp_path: Path
) -> None:
    problem = write_problem("guess")  # one whose programs are also replayed by the verifier
    _run(problem, tmp_path / "calm.db")
    watcher = Watcher(program, seconds=3.0)
    result = _run(problem, tmp_path / "away.db", listener=watcher, workers=2)
    watcher.thread.join()
    assert result.stop_reason == "evaluations"
    assert _export(tmp_path / "away.db") == _export(tmp_path / "calm.db")
    paused, back = watcher.told[0], watcher.told[-1]
    assert isinstance(paused, Paused) and isinstance(back, WentOn)
    assert "bubblewrap is not installed; trying again in 1 s; Ctrl-C stops, --resume continues" in str(paused)
    assert back.away_seconds > 1.0
    with Archive.open(tmp_path / "away.db") as archive:
        outages = ["paused" if isinstance(one, Paused) else "went_on" for one in watcher.told]
        kinds = [kind for kind, _ in archive.events(result.run_id) if kind not in ("known", "pace")]
        assert kinds == [*outages, "foresight"]


@pytest.mark.bubblewrap
def test_it_is_given_up_in_the_end_and_resumed(program: Program, problem: Problem, tmp_path: Path) -> None:
    """The sandbox goes away again in the part that goes on, whose minutes end in the pause."""
    where = tmp_path / "a.db"
    watcher = Watcher(program)
    with pytest.raises(InfrastructureError, match="the sandbox stayed away: bubblewrap is not installed") as caught:
        _run(problem, where, listener=watcher, outage_minutes=2.0 / 60.0)
    with Archive.open(where) as archive:
        row = archive.run("last")
        kept = list(archive.records(row.id))
    assert f"evolve run --resume {row.id}" in caught.value.remedy and "\n" not in caught.value.remedy
    assert 2 <= len(kept) < EVALUATIONS
    before = _export(where)
    assert [type(event) for event in watcher.told][:1] == [Paused] and WentOn not in map(type, watcher.told)
    program.show()

    watcher = Watcher(program, records=1)
    result = _run(problem, where, resume="last", listener=watcher, minutes=6.0 / 60.0)
    assert result.stop_reason == "minutes" and isinstance(watcher.told[0], Paused)
    assert result.evaluations < EVALUATIONS
    program.show()

    assert _run(problem, where, resume="last").stop_reason == "evaluations"
    _run(problem, tmp_path / "calm.db")
    calm = _export(tmp_path / "calm.db")
    assert _export(where) == calm and before == calm[: len(before)]  # no verdict came of it at any time


@pytest.fixture
def command(program: Program, problem: Problem, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    words = ["run", str(problem.folder), "--sandbox", SANDBOX, "--workers", "2", "--evaluations", "4"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EVOLVE_ARCHIVE": str(tmp_path / "a.db")}
    with subprocess.Popen(
        [sys.executable, "-m", "evolve", *words, "--seed", "5", "--no-final"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


@pytest.mark.bubblewrap
def test_ctrl_c_ends_the_pause(
    program: Program, command: subprocess.Popen[str], problem: Problem, tmp_path: Path
) -> None:
    assert command.stdout is not None and command.stderr is not None
    for text in command.stdout:
        if text.startswith("archive "):
            program.hide()
        if "sandbox not available" in text:
            break
    else:
        raise AssertionError(command.stderr.read())
    time.sleep(1.5)
    began = time.monotonic()
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=240)
    assert command.returncode == 130 and time.monotonic() - began < 20.0
    assert "evolve run --resume" in said and "Traceback" not in said
    program.show()
    assert _run(problem, tmp_path / "a.db", resume="last", evaluations=4).stop_reason == "evaluations"
    _run(problem, tmp_path / "calm.db", window=DEFAULT_WINDOW, evaluations=4)
    assert _export(tmp_path / "a.db") == _export(tmp_path / "calm.db")


@pytest.mark.bubblewrap
def test_what_is_away_is_no_verdict_and_no_usage_error(program: Program, write_problem: WriteProblem) -> None:
    """Not in an evaluation, not in a strict replay by the verifier's process, not in a shared process."""
    problem = write_problem("guess")
    made = make_evaluator(problem, read(SANDBOX))
    assert isinstance(made, ProcessEvaluator)
    check = AnticipationCheck(made.stage)
    assert check.check(problem.seed, 1, True, {}) is None
    program.hide()
    (instance, *_) = made.stage.verifier.instances(Split.TRAIN)
    for away in (
        lambda: made.evaluate(problem.seed),
        lambda: check.score_strictly(problem.seed, Split.TRAIN, instance),
        made.stage.canary,
    ):
        with pytest.raises(UnavailableError, match="bubblewrap is not installed"):
            away()
    program.show()
    assert check.check(problem.seed, 1, True, {}) is None
    made.stage.close()


def test_no_room_for_a_worker_is_waited_for(problem: Problem) -> None:
    """This process may open no file for a while: no worker can be started, and none of it is the task's fault."""
    patience, told = Patience(60.0), list[Outage]()
    patience.heard = told.append
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def work() -> object:
        asyncio.get_running_loop().call_later(1.5, resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        return await engine.run(Task("groups", (Split.TRAIN,)))

    engine = LocalEngine(str(problem.folder), 1, read(SANDBOX), patience)
    try:
        assert asyncio.run(work()) == ["list-0", "list-1", "list-2"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        engine.close()
    assert "a worker can not be started" in told[0].message and told[-1].over


def test_delays_double_up_to_a_minute() -> None:
    patience = Patience(1e9)
    for number in range(9):
        wanted = min(LONGEST_SECONDS, 2.0**number)
        assert (1.0 - JITTER) * wanted <= patience._delay() <= (1.0 + JITTER) * wanted


def test_several_that_wait_are_one_outage() -> None:
    patience = Patience(60.0)
    told: list[Outage] = []
    error = UnavailableError("it is away", "Bring it back.")
    threads = [threading.Thread(target=lambda: patience.wait(error, told.append)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(one.message, one.over) for one in told] == [("it is away", False)]
    patience.worked(told.append)
    patience.worked(told.append)
    assert [one.over for one in told] == [False, True]
    assert told[1].away_seconds >= told[0].next_seconds


def test_no_patience_and_hurry() -> None:
    error = UnavailableError("it is away", "Bring it back.")
    told: list[Outage] = []
    assert not Patience(0.0).wait(error, told.append)
    hurried = Patience(60.0)
    hurried.hurried = lambda: True
    assert not hurried.wait(error, told.append)
    assert not told
    closed = Patience(60.0)
    closed.closing.set()
    assert not closed.wait(error, told.append)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ([], 0.0),
        ([("a", 0.0), ("a", 1.0), (None, 2.5)], 2.5),
        ([("a", 0.0), ("a", 1.0), ("a", 3.0)], 3.0),
        ([("a", 0.0), ("a", 3.0), ("b", 0.0), (None, 4.0), ("c", 0.0), ("c", 1.0)], 8.0),
    ],
)
def test_pauses_that_ended_with_the_search_count_too(told: list[tuple[str | None, float]], seconds: float) -> None:
    from evolve.display.run_facts import paused_seconds

    events = [{"away_seconds": away, **({"message": text} if text else {})} for text, away in told]
    assert paused_seconds(events) == seconds
