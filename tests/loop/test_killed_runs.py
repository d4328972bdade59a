"""Runs of both shipped problems, killed at random moments: they end with the archive of one that was left alone.

Some go on from a snapshot, others through all their records.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archive import moving
from archive.store import Archive

KILLS = int(os.environ.get("EVOLVE_KILLS", "5"))
KILLS_OF_A_RUN = min(KILLS, 5)
RUNS = -(-KILLS // KILLS_OF_A_RUN)
EVALUATIONS = {"float32-exp2": 500, "cache-eviction": 4}

DRIVER = """
import sys
import evolve.keeper
from evolve import run
from evolve.events import Recalled, RecordCommitted

evolve.keeper.RECORDS = 5

def told(event):
    if isinstance(event, Recalled):
        print("recalled", event.latest.record.number, file=sys.stderr)
    if isinstance(event, RecordCommitted):
        print(event.record.number, flush=True)

if __name__ == "__main__":
    problem, evaluations, workers, archive, resume = sys.argv[1:]
    run(
        problem, seed=11, evaluations=int(evaluations), workers=int(workers), archive=archive, resume=resume or None,
        final_check=False, progress=False, listener=told,
    )
"""


@pytest.fixture(scope="module", params=["float32-exp2", pytest.param("cache-eviction", marks=pytest.mark.bubblewrap)])
def begun(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """The arguments of a small run, and the export of one that was never interrupted, with one worker."""
    folder = tmp_path_factory.mktemp("begun")
    problem = request.param if request.param == "float32-exp2" else str(_shortened(folder / "cache-eviction"))
    arguments = [problem, str(EVALUATIONS[request.param])]
    with _driver([*arguments, "1"], folder / "archive.db", "") as whole:
        assert whole.communicate(timeout=300) and whole.returncode == 0
    return arguments, _export(folder / "archive.db")


def _shortened(folder: Path) -> Path:
    """The problem with short workloads."""
    shutil.copytree(Path(__file__).parents[2] / "problems" / "cache-eviction", folder)
    verifier = folder / "verifier.py"
    head, line, rest = verifier.read_text().partition("REQUESTS: Final = {")
    assert line
    sizes = "Split.PROBE: 150, Split.TRAIN: 300, Split.GATE: 200, Split.REPORT: 200, Split.FINAL: 200}"
    verifier.write_text(f"{head}{line}{sizes}\n{rest.partition(chr(10))[2]}")
    return folder


def _driver(arguments: list[str], where: Path, resume: str, snapshots: bool = False) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", DRIVER, *arguments, str(where), resume]
    environment = {key: value for key, value in os.environ.items() if key != "EVOLVE_DATA"}
    environment["EVOLVE_SNAPSHOTS"] = str(where.with_suffix(".snapshots")) if snapshots else "off"
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, env=environment)


def _export(where: Path) -> list[str]:
    with Archive.open(where) as archive:
        return list(archive.export("last"))


def _committed(where: Path) -> int:
    """Records of the run that was begun; -1 where none was."""
    with Archive.open(where) as archive:
        return len(list(archive.records("last"))) if archive.runs() else -1


@pytest.mark.timeout(600)
@pytest.mark.parametrize("attempt", range(RUNS))
def test_a_run_that_is_killed_again_and_again_is_the_run(
    begun: tuple[list[str], list[str]], attempt: int, tmp_path: Path
) -> None:
    """Each kill comes so long after some record was told, or, one in four, after the start."""
    arguments, whole = begun
    where, chance, known = tmp_path / "killed.db", random.Random(attempt), -1
    total = sum('"type":"record"' in line for line in whole)
    for target in sorted(chance.choices(range(total - 1), k=KILLS_OF_A_RUN)):
        early = chance.random() < 0.25
        with _driver([*arguments, "2"], where, "last" if known >= 0 else "", chance.random() < 0.6) as child:
            assert child.stdout is not None
            told = -1
            while not early and told < target and (line := child.stdout.readline()):
                told = int(line)
            time.sleep(chance.uniform(0.0, 1.5 if early else 0.1))
            os.kill(child.pid, signal.SIGKILL)
            told = max([told, *map(int, child.stdout.read().split())])
        count = _committed(where)
        assert count >= known and (told < 0 or count > told), "a record that was told is lost"
        known = count
        _nobody_left(child.pid)
    with _driver([*arguments, "2"], where, "last" if known >= 0 else "", snapshots=True) as child:
        assert child.communicate(timeout=300) and child.returncode == 0
    assert _export(where) == whole
    assert moving.check(where, lambda *_: None)[1] == []


def _nobody_left(session: int) -> None:
    """Workers of a killed run see their pipe close and end by themselves."""
    deadline = time.monotonic() + 60.0
    while any(_session_of(int(path.name)) == session for path in Path("/proc").iterdir() if path.name.isdigit()):
        assert time.monotonic() < deadline, f"processes of session {session} are left"
        time.sleep(0.1)


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1
