"""Engines of which the host sees no process, as on macOS, and images that are not of our making."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from evolve.core.errors import InfrastructureError, UsageError
from evolve.core.types import Source, Status
from sandbox import pairing
from sandbox.config import DockerConfig
from sandbox.docker import DockerSandbox
from sandbox.docker import container as docker_container
from sandbox.docker import files as docker_files
from sandbox.docker.child import HiddenChild
from sandbox.docker.engine import LABEL, Engine, owner
from sandbox.limits import Limits
from sandbox.mounts import Tools

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import time

def stay():
    while True:
        try:
            time.sleep(99)
        except BaseException:
            pass

def solve(value=None):
    return value
"""


def opened(sandbox: DockerSandbox, text: str = PROGRAM, **limits: Any) -> Any:
    return closing(sandbox.open(Source({"program.py": text}, "solve"), Limits(**{"wall_seconds": 20.0, **limits})))


def own(engine: Engine) -> set[str]:
    """Containers of this process, running or not."""
    return {one["Id"] for one in engine.api.containers(all=True, filters={"label": f"{LABEL}={owner()}"})}


def test_a_process_that_the_host_does_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_container, "take_hold", lambda pid, container: -1)
    with closing(DockerSandbox(config=DockerConfig(pool=1))) as sandbox:
        with opened(sandbox, wall_seconds=2.0) as session:
            assert type(session._child) is HiddenChild
            reply = session.call("solve", 5)
            assert (reply.status, reply.value) == (Status.OK, 5)
            began = time.monotonic()
            reply = session.call("stay")
            assert reply.status is Status.TIMED_OUT
            assert time.monotonic() - began < 2.0 + 1.0
        with opened(sandbox, "import os\ndef solve(): os._exit(3)\n") as session:
            reply = session.call("solve")
            assert (reply.status, reply.died) == (Status.CRASHED, True)
            assert "exit status 3" in reply.error
        assert sandbox.confinement(Limits()).clock == "wall"


def test_a_clock_of_the_wall_stands_while_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_container, "take_hold", lambda pid, container: -1)
    with (
        closing(DockerSandbox(config=DockerConfig(pool=0))) as sandbox,
        opened(sandbox, cpu_seconds=2.0, wall_seconds=30.0) as session,
    ):
        for _ in range(2):
            time.sleep(2.5)
            reply = session.call("solve", 5)
            assert (reply.status, reply.value) == (Status.OK, 5), reply.error
            assert 0.0 < reply.cpu_seconds <= reply.wall_seconds + 1.0
        reply = session.call("stay")
        assert reply.status is Status.TIMED_OUT
        assert "processor time" in reply.error
        assert 2.0 <= reply.cpu_seconds < 3.0


def test_a_system_that_is_not_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pidfd_open", "sched_getaffinity", "sched_setaffinity", "sched_setscheduler", "sched_param"):
        monkeypatch.delattr(os, name)
    monkeypatch.delattr(signal, "pidfd_send_signal")
    with closing(DockerSandbox(config=DockerConfig(pool=0))) as sandbox, opened(sandbox, wall_seconds=1.0) as session:
        assert type(session._child) is HiddenChild
        # So quick that on Linux both would be put on one processor.
        for _ in range(pairing.STREAK):
            session._monitor._pairing.leave(pairing.QUICK_SECONDS / 2)
        assert session.call("solve", 5).value == 5
        assert session.call("stay").status is Status.TIMED_OUT


def test_files_are_locked_by_what_is_not_on_every_system() -> None:
    text = "import sys; sys.modules['fcntl'] = None; import sandbox.docker.images"
    subprocess.run([sys.executable, "-c", text], check=True, cwd=ROOT)


@pytest.fixture
def without_python(engine: Engine) -> Iterator[str]:
    """An image with a few empty folders."""
    name = "evolve-test-without-python"
    engine.api.import_image_from_data(io.BytesIO(b"".join(docker_files.stream([]))), name, "1")
    yield f"{name}:1"
    engine.api.remove_image(f"{name}:1", force=True)


@pytest.mark.parametrize("runtime", [None, "runsc"])
def test_an_image_without_python(without_python: str, engine: Engine, runtime: str | None) -> None:
    before = own(engine)
    config = DockerConfig(image=without_python, pool=0, runtime=runtime)
    with closing(DockerSandbox(config=config)) as sandbox:
        for asked in (sandbox.minimum_memory_bytes, lambda: sandbox.confinement(Limits())):
            with pytest.raises(UsageError) as caught:
                asked()
            assert f"docker:image={without_python}: python3" in caught.value.message
            assert "needs python3 of 3.11 or later" in caught.value.remedy
    assert not own(engine) - before


def test_an_image_with_something_else_for_python(engine: Engine, tmp_path: Path) -> None:
    shell = Path("/bin/sh").resolve()
    start = tmp_path / "python3"
    start.write_text("#!/bin/sh\necho too old >&2\nexit 2\n")
    start.chmod(0o755)
    files = [(shell, PurePosixPath("/bin/sh")), (start, PurePosixPath("/usr/bin/python3"))]
    files += [(Path(one), PurePosixPath(one)) for one in docker_files._libraries([shell])]
    name = "evolve-test-no-python"
    engine.api.import_image_from_data(io.BytesIO(b"".join(docker_files.stream(files))), name, "1")
    try:
        with (
            closing(DockerSandbox(config=DockerConfig(image=f"{name}:1", pool=0))) as sandbox,
            pytest.raises(UsageError, match=rf"docker:image={name}:1: python3 .*exit code 2.*too old"),
        ):
            sandbox.open(Source({"program.py": PROGRAM}, "solve"), Limits())
    finally:
        engine.api.remove_image(f"{name}:1", force=True)


def test_an_engine_that_refuses_is_not_away(monkeypatch: pytest.MonkeyPatch) -> None:
    config = docker_container._config
    monkeypatch.setattr(
        docker_container, "_config", lambda *given: config(*given) | {"Entrypoint": ["/opt/python/none"]}
    )
    with (
        closing(DockerSandbox(config=DockerConfig(pool=0))) as sandbox,
        pytest.raises(InfrastructureError, match="refuses to start a container") as caught,
    ):
        sandbox.open(Source({"program.py": PROGRAM}, "solve"), Limits())
    assert "docker info" in caught.value.remedy


def test_an_image_of_somebody_elses_with_tools(engine: Engine, tmp_path: Path) -> None:
    shell = Path("/bin/sh").resolve()
    interpreter = docker_files.Interpreter()
    files = [*docker_files.listing(()), (shell, PurePosixPath("/bin/sh"))]
    start = tmp_path / "python3"
    start.write_text(
        f'#!/bin/sh\nLD_LIBRARY_PATH={interpreter.library_inside} exec {interpreter.executable_inside} "$@"\n'
    )
    start.chmod(0o755)
    files.append((start, PurePosixPath("/usr/bin/python3")))
    name = "evolve-test-tools"
    engine.api.import_image_from_data(io.BytesIO(b"".join(docker_files.stream(files))), name, "1")
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "data.txt").write_text("from outside")
    text = f"""
import subprocess

def solve():
    command = "read line < {tmp_path}/shown/data.txt; echo $line"
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True).stdout
"""
    config = DockerConfig(image=f"{name}:1", pool=0)
    try:
        with closing(DockerSandbox(tools=Tools((f"{tmp_path}/shown",), True, True), config=config)) as sandbox:
            with opened(sandbox, text, processes=4) as session:
                reply = session.call("solve")
            assert (reply.status, reply.value) == (Status.OK, b"from outside\n"), reply.error
    finally:
        engine.api.remove_image(f"{name}:1", force=True)
