"""How the engine is reached, what is said where it is not, and whose containers are whose."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from docker.errors import APIError

from evolve.core.errors import InfrastructureError, UsageError
from sandbox import docker
from sandbox.docker import engine as docker_engine
from sandbox.docker.engine import LABEL, Engine, owner

ROOT = Path(__file__).resolve().parents[2]


def test_docker_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(docker_engine, "DEFAULT", f"unix://{tmp_path}/none.sock")
    with pytest.raises(UsageError, match="Docker is not installed") as caught:
        Engine()
    assert "nstall" in caught.value.remedy
    assert caught.value.message.count("\n") == 0


@pytest.mark.parametrize("is_there", [False, True])
def test_an_engine_that_does_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_there: bool) -> None:
    path = tmp_path / "docker.sock"
    if is_there:
        with socket.socket(socket.AF_UNIX) as once:
            once.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with pytest.raises(UsageError, match=f"the Docker engine at unix://{path} is not running") as caught:
        Engine()
    assert "systemctl start docker" in caught.value.remedy or "dockerd" in caught.value.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody who may not")
def test_an_engine_that_may_not_be_used(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        path.chmod(0o600)
        for folder in [tmp_path, *tmp_path.parents][:-1]:
            folder.chmod(folder.stat().st_mode | 0o055)
        # All is imported before the change of user, who may not read this folder.
        text = (
            "import os, docker\nfrom sandbox.docker.engine import Engine\nfrom evolve.core.errors import UsageError\n"
            "os.setgid(65534), os.setuid(65534)\n"
            "try:\n    Engine()\nexcept UsageError as error:\n    print(error)\n"
        )
        environment = {**os.environ, "DOCKER_HOST": f"unix://{path}", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, env=environment, cwd="/", check=False
        )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done
    assert "may not be used by this user" in lines[0]
    assert "usermod --append --groups docker" in lines[1]


def test_something_else_that_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"

    asked: list[bytes] = []

    def refuse(listening: socket.socket) -> None:
        while not asked:
            with listening.accept()[0] as one:
                asked.append(one.recv(4096))
                if not asked[-1]:
                    del asked[-1]
                    continue
                one.sendall(b"HTTP/1.0 500 No\r\nContent-Length: 7\r\n\r\nnothing")

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=refuse, args=(listening,))
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(UsageError, match=r"can not be used: .*nothing"):
            Engine()
        thread.join()


def test_the_error_of_a_missing_engine_is_two_lines_of_the_command_line(tmp_path: Path) -> None:
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock"}
    done = subprocess.run(
        [sys.executable, "-m", "evolve", "sandbox", "list"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: the Docker engine")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.docker
def test_why_there_is_none_and_that_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert docker.available() is None
    reason = docker.available("no-such-runtime")
    assert reason is not None
    assert "no-such-runtime" in reason
    assert "/etc/docker/daemon.json" in reason
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert "is not running" in (docker.available() or "")


@pytest.mark.docker
def test_what_the_engine_refuses_is_an_infrastructure_error(engine: Engine) -> None:
    with (
        pytest.raises(InfrastructureError, match="failed to look") as caught,
        engine.asking("look"),
    ):
        engine.api.inspect_container("0" * 64)
    assert "o such container" in caught.value.message
    assert caught.value.remedy
    assert engine.answers()


@pytest.mark.docker
def test_a_container_that_ends_while_it_is_removed_is_removed(
    engine: Engine, image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = engine.api.create_container(image, "true", labels={LABEL: owner()}, network_disabled=True)["Id"]
    remove, asked = engine.api.remove_container, []

    def refuse_once(container: str, **how: object) -> object:
        asked.append(container)
        if len(asked) == 1:
            response = requests.Response()
            response.status_code = 500
            raise APIError("Could not kill running container, cannot remove - is not running", response)
        return remove(container, **how)

    monkeypatch.setattr(engine.api, "remove_container", refuse_once)
    assert engine.remove(number) and asked == [number] * 2
    assert number not in {one["Id"] for one in engine.api.containers(all=True)}
    assert not engine.remove(number)


@pytest.mark.docker
def test_what_a_crashed_process_left_is_removed_and_nothing_else(engine: Engine, image: str) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "from sandbox.docker.engine import owner; print(owner(), end='')"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    words = owner().split(" ")
    machine, boot, pid, started = words
    labels = {
        "of the dead": {LABEL: dead},
        "of one with the number of a later process": {LABEL: f"{machine} {boot} {pid} {int(started) - 1}"},
        "of before the machine was started": {LABEL: f"{machine} another-boot {pid} {started}"},
        "of the living": {LABEL: owner()},
        "of another machine": {LABEL: f"elsewhere/{machine} {boot} 999999 1"},
        "strange": {LABEL: "yes"},
        "of others": {},
    }
    made = {
        name: engine.api.create_container(image, "true", labels=of, network_disabled=True)["Id"]
        for name, of in labels.items()
    }
    try:
        assert engine.sweep() >= 3
        there = {one["Id"] for one in engine.api.containers(all=True)}
        gone = {name for name, number in made.items() if number not in there}
        assert gone == set(list(labels)[:3])
    finally:
        for number in made.values():
            engine.remove(number)


@pytest.mark.docker
def test_a_run_that_is_killed_leaves_what_the_next_one_removes(engine: Engine, image: str) -> None:
    text = (
        "import os, signal\nfrom sandbox.docker import DockerSandbox\nfrom sandbox.limits import Limits\n"
        "from evolve.core.types import Source\n"
        "DockerSandbox().open(Source({'program.py': 'def solve(): pass'}, 'solve'), Limits())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", text], cwd=ROOT)
    process.wait()

    def left() -> list[str]:
        found = engine.api.containers(all=True, filters={"label": LABEL})
        return [one["Id"] for one in found if one["Labels"][LABEL].split(" ")[2] == str(process.pid)]

    assert left()
    # What the engine was about to make for it appears a little later.
    deadline = time.monotonic() + 20.0
    while left() and time.monotonic() < deadline:
        engine.sweep()
        time.sleep(0.1)
    assert not left()


def test_gvisor_is_added_to_the_engines_settings_and_nothing_is_lost() -> None:
    spec = importlib.util.spec_from_file_location("require", ROOT / ".ci" / "require.py")
    assert spec is not None and spec.loader is not None
    require = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(require)
    before = {"data-root": "/srv", "runtimes": {"kata": {"path": "/usr/bin/kata"}}}
    after = json.loads(require.with_gvisor(json.dumps(before)))
    assert after["runtimes"].pop("runsc")["runtimeArgs"] == docker_engine.GVISOR_ARGUMENTS
    assert after == before
    own = {"runtimes": {"runsc": {"path": "/opt/runsc"}}}
    assert json.loads(require.with_gvisor(json.dumps(own))) == own
    assert list(json.loads(require.with_gvisor(""))["runtimes"]) == ["runsc"]
    assert require.with_gvisor("{bad") is None
    assert require.with_gvisor("[]") is None
