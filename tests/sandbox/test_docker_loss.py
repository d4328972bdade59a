"""An engine that dies, stops or hangs while a program works: never a verdict, and nothing is left of it.

The engine is one of our own, so that no other test loses its containers.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from evolve.core.errors import InfrastructureError
from evolve.core.types import Source, Status
from sandbox.config import DockerConfig
from sandbox.docker import DockerSandbox
from sandbox.docker import engine as docker_engine
from sandbox.limits import Limits

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("dockerd"), reason="needs root, to start an engine"),
]

PROGRAM = "import time\ndef solve(seconds):\n    time.sleep(seconds)\n    return seconds\n"
START_SECONDS = 60.0


class PrivateEngine:
    """A dockerd with folders, a socket and namespaces of its own: without a bridge, it would remove the other's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"unix://{folder}/d.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._end_containerd()
        for name in ("pid", "d.sock"):
            (self.folder / name).unlink(missing_ok=True)
        options = ["--host", self.address, "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"]
        options += ["--pidfile", f"{self.folder}/pid", "--bridge", "none", "--iptables=false", "--ip6tables=false"]
        options += ["--config-file", f"{self.folder}/none.json", "--containerd-namespace", "evolve-test"]
        options += ["--containerd-plugins-namespace", "evolve-test-plugins"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--net", "dockerd", *options], stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_up():
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.fail(f"dockerd did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def _end_containerd(self) -> None:
        """What a dockerd that was killed has left running may be in no state to serve the next one."""
        file = self.folder / "exec" / "containerd" / "containerd.pid"
        with suppress(OSError, ValueError):
            pid = int(file.read_text())
            if str(self.folder) in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)
        file.unlink(missing_ok=True)

    def _is_up(self) -> bool:
        try:
            docker_engine.Engine().close()
        except Exception:
            return False
        return True

    def ensure(self) -> None:
        """Starts it where it is not running."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def clear(self) -> None:
        """Ends what watches containers that were started when it was killed, and removes its folders."""
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if f"{self.folder}/exec" in file.read_text():
                    os.kill(int(file.parent.name), signal.SIGKILL)
        points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if str(self.folder) in line]
        for point in sorted(points, reverse=True):
            subprocess.run(["umount", "--lazy", point], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> None:
        assert self.process is not None
        self.process.wait(START_SECONDS)


@pytest.fixture(scope="module")
def private() -> Iterator[PrivateEngine]:
    before = os.environ.get("DOCKER_HOST")
    folder = Path(tempfile.mkdtemp(prefix="evolve-"))
    engine = PrivateEngine(folder)
    os.environ["DOCKER_HOST"] = engine.address
    (folder / "none.json").write_text("{}")
    try:
        engine.start()
        yield engine
    finally:
        # One that was killed leaves what only the next one ends.
        engine.ensure()
        engine.signal(signal.SIGTERM)
        engine.wait()
        if before is None:
            del os.environ["DOCKER_HOST"]
        else:
            os.environ["DOCKER_HOST"] = before
        engine.clear()


@pytest.fixture
def sandbox(private: PrivateEngine) -> Iterator[DockerSandbox]:
    private.ensure()
    with closing(DockerSandbox(config=DockerConfig(pool=1))) as sandbox:
        yield sandbox


def opened(sandbox: DockerSandbox, **limits: Any) -> Any:
    return closing(sandbox.open(Source({"program.py": PROGRAM}, "solve"), Limits(**limits)))


def runs(pid: int) -> bool:
    """Whether there is such a process that is not dead: where its engine died, there may be nobody to bury it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_an_engine_that_dies_is_to_blame_and_another_goes_on(
    private: PrivateEngine, sandbox: DockerSandbox, how: int
) -> None:
    with opened(sandbox) as session:
        pid = session._child.pid
        assert session.call("solve", 0.0).value == 0.0
        private.signal(how)
        with pytest.raises(InfrastructureError) as caught:
            session.call("solve", 30.0)
        assert caught.value.remedy
    private.wait()
    assert not runs(pid)
    with pytest.raises(InfrastructureError):
        opened(sandbox).__enter__()
    private.start()
    with opened(sandbox) as session:
        assert session.call("solve", 0.0).value == 0.0
    docker_engine._swept.clear()
    with closing(DockerSandbox(config=DockerConfig(pool=0))) as other, opened(other) as session:
        assert session.call("solve", 0.0).value == 0.0


def test_an_engine_that_died_between_two_calls(private: PrivateEngine, sandbox: DockerSandbox) -> None:
    with opened(sandbox) as session:
        assert session.call("solve", 0.0).value == 0.0
        private.signal(signal.SIGKILL)
        private.wait()
        private.start()
        with pytest.raises(InfrastructureError):
            session.call("solve", 0.0)


def test_what_an_engine_that_hangs_keeps_back_is_no_time_out(private: PrivateEngine, sandbox: DockerSandbox) -> None:
    with opened(sandbox, wall_seconds=1.0) as session:
        assert session.call("solve", 0.0).value == 0.0
        private.signal(signal.SIGSTOP)
        try:
            with pytest.raises(InfrastructureError):
                session.call("solve", 0.0)
        finally:
            private.signal(signal.SIGCONT)
    with opened(sandbox, wall_seconds=1.0) as session:
        assert session.call("solve", 30.0).status is Status.TIMED_OUT
