"""A Docker engine that is stopped in the middle of a run: one of its own, so that nobody else's is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archive.store import Archive
from evolve import run
from evolve.events import Event, Paused, RecordCommitted, WentOn
from evolve.problem import Problem

pytestmark = [pytest.mark.docker, pytest.mark.bubblewrap, pytest.mark.timeout(600)]
WriteProblem = Callable[..., Problem]


class OwnEngine:
    """A dockerd with a socket and folders of its own, without networks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix://{folder}/d.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
        options = [f"--{key}={self.folder / name}" for key, name in places.items()]
        options += [f"--host={self.address}", "--bridge=none", "--iptables=false", "--ip-masq=false"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(["dockerd", *options], stdout=log, stderr=log)
        deadline = time.monotonic() + 240.0
        while subprocess.run(["docker", "--host", self.address, "ps"], capture_output=True, check=False).returncode:
            assert self.process.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()[
                -2000:
            ]
            time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
            self.process = None


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    if os.geteuid() != 0 or shutil.which("dockerd") is None or shutil.which("docker") is None:
        pytest.skip("needs root and dockerd, to start an engine of its own")
    folder = Path(tempfile.mkdtemp(prefix="evolve-"))  # short: the path of a socket has 107 characters at most
    own = OwnEngine(folder)
    try:
        own.start()
        monkeypatch.setenv("DOCKER_HOST", own.address)
        yield own
    finally:
        own.stop()
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            if line.split()[1].startswith(f"{folder}/"):  # the engine makes a mount of its own folder
                subprocess.run(["umount", "--lazy", line.split()[1]], check=False)
        shutil.rmtree(folder)


def test_the_run_pauses_and_its_course_is_that_of_any_other(
    engine: OwnEngine, write_problem: WriteProblem, tmp_path: Path
) -> None:
    problem = write_problem("sort")
    told: list[Event] = []
    left = 3

    def interrupted_engine() -> None:
        engine.stop()
        time.sleep(2.0)
        engine.start()

    stopper = threading.Thread(target=interrupted_engine)

    def listen(event: Event) -> None:
        nonlocal left
        if isinstance(event, Paused | WentOn):
            told.append(event)
        elif isinstance(event, RecordCommitted):
            left -= 1
            if left == 0:
                stopper.start()

    exports = []
    for name, listener in (("docker", listen), ("bubblewrap", lambda event: None)):
        where = tmp_path / f"{name}.db"
        run(
            problem.folder, evaluations=9, seed=5, workers=2, window=4, archive=where, final_check=False,
            sandbox=name, listener=listener,
        )  # fmt: skip
        with Archive.open(where) as archive:
            exports.append(list(archive.export(archive.run("last").id)))
    stopper.join()
    assert exports[0] == exports[1]
    assert isinstance(told[0], Paused) and isinstance(told[-1], WentOn)
    assert "Docker engine" in str(told[0])
    listed = subprocess.run(["docker", "ps", "--all", "--quiet"], capture_output=True, text=True, check=True)
    assert listed.stdout == ""
