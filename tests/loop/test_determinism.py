"""Same seed, same export: with any number of workers, and after a kill at a random moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archive.store import Archive
from evolve import run

EVALUATIONS = 15_000.0
KILLS = int(os.environ.get("EVOLVE_KILLS", "2"))
DRIVER = """
import sys
from evolve import run
if __name__ == "__main__":
    archive, resume = sys.argv[1], sys.argv[2] or None
    run("float32-exp2", seed=11, evaluations=15000, workers=2, archive=archive, resume=resume, final_check=False)
"""


def _export(where: Path) -> list[str]:
    with Archive.open(where) as archive:
        return list(archive.export("last"))


def _run(where: Path, **arguments: object) -> list[str]:
    settings: dict[str, object] = {"seed": 11, "evaluations": EVALUATIONS, "final_check": False, **arguments}
    run("float32-exp2", archive=where, **settings)  # type: ignore[arg-type]
    return _export(where)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The export of an uninterrupted run with one worker."""
    return _run(tmp_path_factory.mktemp("reference") / "archive.db", workers=1)


def test_the_number_of_workers_changes_nothing(reference: list[str], tmp_path: Path) -> None:
    assert _run(tmp_path / "two.db", workers=2) == reference
    assert len(reference) > 300


def test_another_seed_gives_another_run(reference: list[str], tmp_path: Path) -> None:
    assert _run(tmp_path / "other.db", workers=2, seed=12) != reference


def test_stopping_and_going_on_is_the_same_as_one_run(reference: list[str], tmp_path: Path) -> None:
    where = tmp_path / "halves.db"
    _run(where, workers=2, evaluations=5_000.0)
    resumed = _run(where, workers=2, resume="last")
    assert resumed[1:] == reference[1:]  # the first line holds the limits that each run was begun with


def test_resuming_a_finished_run_below_what_it_spent_changes_nothing(reference: list[str], tmp_path: Path) -> None:
    where = tmp_path / "again.db"
    whole = run("float32-exp2", seed=11, evaluations=EVALUATIONS, workers=2, archive=where, final_check=False)
    again = run(None, resume=whole.run_id, evaluations=5.0, workers=1, archive=where, final_check=False)
    assert again.front == whole.front
    assert again.evaluations == whole.evaluations
    assert _export(where) == reference


@pytest.mark.timeout(900)
@pytest.mark.parametrize("attempt", range(KILLS))
def test_kill_at_a_random_moment_and_resume(attempt: int, reference: list[str], tmp_path: Path) -> None:
    where = tmp_path / "killed.db"
    moments = random.Random(attempt)
    resume, kills = "", 0
    while True:
        child = subprocess.Popen([sys.executable, "-c", DRIVER, str(where), resume], start_new_session=True)
        try:
            assert child.wait(timeout=1.0 + 3.0 * moments.random()) == 0
            break
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            kills += 1
        resume = "last" if _has_run(where) else ""
        if kills == 3:  # let the last one finish
            subprocess.run([sys.executable, "-c", DRIVER, str(where), resume], check=True)
            break
    assert kills
    assert _export(where) == reference
    _nobody_left(child.pid)


def _has_run(where: Path) -> bool:
    with Archive.open(where) as archive:
        return bool(archive.runs())


def _nobody_left(session: int) -> None:
    """Workers of a killed run see their pipe close and end by themselves."""
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        if not any(_session_of(int(p.name)) == session for p in Path("/proc").iterdir() if p.name.isdigit()):
            return
        time.sleep(0.1)
    raise AssertionError(f"processes of session {session} are left")


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1
