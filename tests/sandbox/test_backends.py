"""From what people write to a sandbox: names, options, precedence, and what is said of wrong ones."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evolve.core.config import chosen_sandbox, default_sandbox, settings_file
from evolve.core.errors import UsageError
from evolve.core.types import Source
from sandbox import backends, bubblewrap_check
from sandbox.config import BubblewrapConfig, DockerConfig, NoSandboxConfig, OtherConfig
from sandbox.limits import Limits

BACKEND = """
from sandbox.base import Confinement
from sandbox.scripted import ScriptedSandbox

class Mine(ScriptedSandbox):
    def __init__(self, packages, options):
        super().__init__(lambda source, entry, *args: [packages, options])

def make(packages, tools, options):
    return Mine(packages, options)

def broken(packages, tools, options):
    raise AssertionError

no_function = None
"""


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution that brings two sandboxes, one of which can not be imported."""
    (tmp_path / "far_machine.py").write_text(BACKEND)
    about = tmp_path / "far_machine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: far-machine\nVersion: 1.0\n")
    points = "[evolve.sandboxes]\nfar = far_machine:make\nlost = far_machine_gone:make\n"
    (about / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("bubblewrap", BubblewrapConfig()),
        ("bubblewrap:start=pool", BubblewrapConfig(start="pool")),
        ("docker", DockerConfig()),
        ("docker:image=host:5000/a/b:1.2,runtime=runsc", DockerConfig(image="host:5000/a/b:1.2", runtime="runsc")),
        ("docker:pool=4", DockerConfig(pool=4)),
        ("none", NoSandboxConfig()),
    ],
)
def test_a_text_and_its_configuration(text: str, config: Any) -> None:
    assert backends.read(text) == config
    assert backends.text(config) == text
    assert backends.read(backends.text(config)) == config


def test_a_table_and_options_with_blanks() -> None:
    assert backends.read({"type": "docker", "pool": 3}) == DockerConfig(pool=3)
    assert backends.read("docker: pool = 3 , runtime = runsc") == DockerConfig(pool=3, runtime="runsc")
    assert backends.text(backends.read("docker:pool=2")) == "docker"


@pytest.mark.parametrize(
    ("wanted", "message", "remedy"),
    [
        ("bubblewarp", "no sandbox called 'bubblewarp'", "Did you mean bubblewrap?"),
        ("", "no sandbox called ''", "There are: bubblewrap, docker, none"),
        (
            "docker:runtme=runsc",
            "docker has no option 'runtme'",
            "Did you mean runtime? There are: image, runtime, pool.",
        ),
        ("none:start=pool", "none has no option 'start'", "It has no options."),
        ("bubblewrap:start=warm", "bubblewrap: start: Input should be 'auto'", "How sessions start"),
        ("docker:pool=-1", "docker: pool: Input should be greater", "started ahead"),
        ("docker:pool=many", "docker: pool: Input should be a valid integer", "started ahead"),
        ("docker:image=", "docker: image: String should have at least 1", "evolve sandbox build"),
        ("docker:runsc", "options of the sandbox 'docker:runsc' can not be read", "NAME:KEY=VALUE"),
        ("docker:pool=1,pool=2", "can not be read", "each key once"),
        ("docker:", "can not be read", "NAME:KEY=VALUE"),
        ({"image": "a"}, r"\[sandbox\] names no type", "bubblewrap, docker, none"),
        ({"type": "docker", "image": "a,b"}, "an option has a comma", "Leave the comma out"),
    ],
)
def test_what_can_not_be_honoured_names_the_nearest(wanted: Any, message: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        backends.read(wanted)
    assert remedy in caught.value.remedy


@pytest.mark.usefixtures("third_party")
def test_a_sandbox_of_another_distribution() -> None:
    config = backends.read("far:region=north,size=2")
    assert config == OtherConfig(type="far", options={"region": "north", "size": "2"})
    assert backends.text(config) == "far:region=north,size=2"
    session = backends.create(config, ("numpy",)).open(Source({"program.py": ""}, "f"), Limits())
    assert session.call("f").value == [("numpy",), {"region": "north", "size": "2"}]
    with pytest.raises(UsageError, match="the sandbox lost can not be loaded: ModuleNotFoundError") as caught:
        backends.create(backends.read("lost"))
    assert "far-machine" in caught.value.remedy
    with pytest.raises(UsageError) as caught:
        backends.read("fra")
    assert "Did you mean far? There are: bubblewrap, docker, none, far, lost." in caught.value.remedy


def test_who_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line, then what is stored with the run, the environment, the user's settings, the system."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("EVOLVE_SANDBOX", raising=False)
    assert chosen_sandbox() == default_sandbox()
    settings_file().parent.mkdir()
    settings_file().write_text('[sandbox]\ntype = "docker"\nruntime = "runsc"\n')
    assert chosen_sandbox() == {"type": "docker", "runtime": "runsc"}
    settings_file().write_text('sandbox = "docker:pool=1"\n')
    assert chosen_sandbox() == "docker:pool=1"
    monkeypatch.setenv("EVOLVE_SANDBOX", "bubblewrap:start=pool")
    assert chosen_sandbox() == "bubblewrap:start=pool"
    assert chosen_sandbox(None, "docker") == "docker"
    assert chosen_sandbox("none", "docker") == "none"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[sandbox]\ntype = "none"\n', "is not turned off for all runs"),
        ('sandbox = "none"\n', "is not turned off for all runs"),
        ("sandbox = 3\n", "sandbox is no table"),
        ("sandboxes = 3\n", "unknown key sandboxes"),
        ("[sandbox\n", "can not be read"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("EVOLVE_SANDBOX", raising=False)
    settings_file().parent.mkdir()
    settings_file().write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        chosen_sandbox()
    assert caught.value.remedy and str(settings_file()) in caught.value.message
    assert chosen_sandbox("docker") == "docker"


@pytest.fixture
def no_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    bubblewrap_check.check.cache_clear()
    yield
    bubblewrap_check.check.cache_clear()


@pytest.mark.usefixtures("no_bubblewrap")
def test_a_running_engine_is_offered_where_bubblewrap_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{place}")
    with pytest.raises(UsageError, match="bubblewrap is not installed") as caught:
        backends.check(BubblewrapConfig())
    assert "apt-get install bubblewrap" in caught.value.remedy and "docker" not in caught.value.remedy

    def answer() -> None:
        with listener.accept()[0] as connection:
            connection.recv(1024)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        listener.listen()
        engine = threading.Thread(target=answer)
        engine.start()
        with pytest.raises(UsageError) as caught:
            backends.check(BubblewrapConfig())
        engine.join()
    assert "apt-get install bubblewrap" in caught.value.remedy and "--sandbox docker" in caught.value.remedy


@pytest.mark.parametrize("make", [lambda packages, tools, options: None, lambda packages, tools, options: options["x"]])
def test_a_sandbox_of_others_that_can_not_be_made_is_no_traceback(
    make: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = type("Point", (), {"name": "theirs", "load": lambda self: make})()
    monkeypatch.setattr(backends, "_others", lambda: {"theirs": point})
    with pytest.raises(UsageError, match="theirs can not be made") as caught:
        backends.create(backends.read("theirs"))
    assert "another sandbox" in caught.value.remedy
