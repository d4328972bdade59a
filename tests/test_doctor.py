"""What a look at a machine says where things are missing, forbidden or slow; nothing makes it fail."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archive.store import Archive
from evolve.core.errors import InfrastructureError, UsageError
from evolve.doctor import Diagnosis, Finding, State, diagnose, host, services, surroundings
from evolve.doctor.findings import without_secrets
from sandbox import bubblewrap_check, cgroup, cgroup_place, nesting
from sandbox.cgroup_place import Place
from sandbox.docker import engine as docker_engine
from sandbox.gpu import nvml
from sandbox.gpu.nvml import Device

SETTINGS = {
    "kernel/apparmor_restrict_unprivileged_userns": "0",
    "kernel/unprivileged_userns_clone": "1",
    "user/max_user_namespaces": "4000",
}
REFUSED = """#!/bin/sh
[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit
echo 'bwrap: setting up uid map: Permission denied' >&2
exit 1
"""
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ordinary user's machine without Docker, GPU or settings, until a test says otherwise."""
    cached = (bubblewrap_check.check, nesting.available)
    for one in cached:
        one.cache_clear()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bubblewrap_check, "CONTAINER_MARKS", ())
    monkeypatch.delenv("container", raising=False)
    monkeypatch.delenv("EVOLVE_SANDBOX", raising=False)
    yield
    for one in cached:
        one.cache_clear()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes a folder of kernel settings, all of which allow but those that are given."""

    def make(**changed: str) -> None:
        for path, value in SETTINGS.items():
            file = tmp_path / "sys" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(changed.get(file.name, value) + "\n")
        monkeypatch.setattr(bubblewrap_check, "SETTINGS_FOLDER", str(tmp_path / "sys"))

    return make


@pytest.fixture
def refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bwrap that is there, and may not make a namespace."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "bwrap").write_text(REFUSED)
    (folder / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def named(diagnosis: Diagnosis, name: str) -> Finding:
    (found,) = [finding for finding in diagnosis.findings if finding.name == name]
    return found


def commands(finding: Finding) -> str:
    return "\n".join(finding.remedies)


def test_without_any_sandbox_one_is_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    diagnosis = diagnose(str(tmp_path / "archive.db"))
    assert not diagnosis.ready and diagnosis.sandboxes == ()
    bubblewrap = named(diagnosis, "bubblewrap")
    assert bubblewrap.state is State.MISSING and bubblewrap.required and "bubblewrap" in commands(bubblewrap)
    assert not named(diagnosis, "Docker").required
    assert named(diagnosis, "fork server").state is State.UNKNOWN
    assert named(diagnosis, "archive").state is State.OK
    assert list(tmp_path.glob("*.db")) == []


def test_docker_alone_is_enough_where_it_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EVOLVE_SANDBOX", "docker")
    monkeypatch.setattr(services, "docker", lambda: [Finding("Docker", State.OK, "works")])
    diagnosis = diagnose(str(tmp_path / "archive.db"))
    assert diagnosis.ready and diagnosis.sandboxes == ("docker",)
    assert named(diagnosis, "bubblewrap").state is State.MISSING


def test_the_rule_of_apparmor_has_two_remedies(refusing: None, settings: Any) -> None:
    settings(apparmor_restrict_unprivileged_userns="1")
    bubblewrap = host.bubblewrap()
    assert bubblewrap.state is State.FORBIDDEN and bubblewrap.figures["version"] == "bubblewrap 0.9.0"
    namespaces = host.user_namespaces(State.FORBIDDEN)
    assert namespaces.state is State.FORBIDDEN and "apparmor_restrict" in namespaces.says
    for finding in (bubblewrap, namespaces):
        turn_off, profile = finding.remedies
        assert turn_off == "Type: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        assert "userns," in profile and "flags=(unconfined)" in profile and "apparmor_parser --replace" in profile


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("unprivileged_userns_clone", "0", "Type: sudo sysctl -w kernel.unprivileged_userns_clone=1"),
        ("max_user_namespaces", "0", "Type: sudo sysctl -w user.max_user_namespaces=15000"),
    ],
)
def test_a_setting_that_forbids_is_named(setting: str, value: str, remedy: str, refusing: None, settings: Any) -> None:
    settings(**{setting: value})
    assert host.bubblewrap().remedies == host.user_namespaces(State.FORBIDDEN).remedies == (remedy,)


def test_settings_that_only_bind_others_are_no_fault_for_root(settings: Any) -> None:
    settings(apparmor_restrict_unprivileged_userns="1")
    namespaces = host.user_namespaces(State.OK)
    assert namespaces.state is State.OK and "root alone" in namespaces.says
    settings()
    assert "root" not in host.user_namespaces(State.OK).says
    assert host.user_namespaces(State.FORBIDDEN).state is State.UNKNOWN


def test_without_nested_namespaces_the_pool_is_named(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings(apparmor_restrict_unprivileged_userns="1")
    monkeypatch.setattr(nesting, "available", lambda: "clone3: Operation not permitted")
    # Root may make the first namespace in spite of the rule, and whoever is in it no other.
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    nested = host.nested_namespaces(State.OK)
    assert nested.state is State.DEGRADED and "started ahead" in nested.says and "clone3" in nested.says
    assert "ten to twenty times as long with numpy" in nested.says
    assert "sysctl" in nested.remedies[0] and "apparmor_parser" in nested.remedies[1]
    monkeypatch.setattr(nesting, "available", lambda: None)
    assert host.nested_namespaces(State.OK).state is State.OK


def test_a_container_without_privileges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings()
    assert host.container(State.FORBIDDEN).state is State.OK
    mark = tmp_path / ".dockerenv"
    mark.touch()
    monkeypatch.setattr(bubblewrap_check, "CONTAINER_MARKS", (str(mark),))
    found = host.container(State.FORBIDDEN)
    assert found.state is State.FORBIDDEN and "docker run --cap-add SYS_ADMIN" in commands(found)
    assert host.container(State.OK).state is State.OK
    assert host.container(State.MISSING).state is State.UNKNOWN
    monkeypatch.setattr(nesting, "available", lambda: "clone3: Operation not permitted")
    assert "docker run" in commands(host.nested_namespaces(State.OK))


def test_control_groups_that_can_not_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cgroup, cgroup_place):
        monkeypatch.setattr(module, "place", lambda: Place("cgroup v2", reason="nobody may", remedy="Ask."))
    found = host.control_groups()
    assert found.state is State.DEGRADED and "nobody may" in found.says and found.remedies == ("Ask.",)
    assert found.figures == {"version": "cgroup v2", "controllers": []}


def test_a_machine_that_is_short_of_something_is_not_forbidden_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    def short() -> None:
        raise InfrastructureError("no memory", "Look.")

    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bubblewrap_check, "check", short)
    assert host.bubblewrap().state is State.UNKNOWN


@pytest.mark.parametrize(
    ("message", "state"),
    [("the Docker engine may not be used by this user", State.FORBIDDEN), ("it is not running", State.MISSING)],
)
def test_an_engine_that_can_not_be_used(message: str, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def __init__(self) -> None:
            raise UsageError(message, "Type: it")

    monkeypatch.setattr(docker_engine, "Engine", Away)
    engine, *rest = services.docker()
    assert (engine.state, engine.remedies) == (state, ("Type: it",))
    assert [finding.state for finding in rest] == [State.UNKNOWN] * 2


def test_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise UsageError("there is no NVIDIA driver here", "Install it.")

    monkeypatch.setattr(nvml, "find", none)
    assert services.gpu().state is State.MISSING and services.gpu().remedies
    device = Device(0, 0, "GPU-1", "NVIDIA H1", 80 << 30, "550.1")
    monkeypatch.setattr(nvml, "find", lambda: (device,))
    monkeypatch.setattr(services.importlib.util, "find_spec", lambda name: object())
    assert services.gpu().state is State.OK and "NVIDIA H1 with 80 GiB" in services.gpu().says
    monkeypatch.setattr(services.importlib.util, "find_spec", lambda name: None)
    assert services.gpu().state is State.DEGRADED
    lost = Device(0, 0, "GPU-1", "NVIDIA H1", 80 << 30, "550.1", fault="it is lost")
    monkeypatch.setattr(nvml, "find", lambda: (lost,))
    assert "device 0: it is lost" in services.gpu().says


def test_settings_that_can_not_be_read_stop_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVOLVE_SANDBOX", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert surroundings.settings().state is State.OK
    (tmp_path / "evolve").mkdir()
    (tmp_path / "evolve" / "config.toml").write_text("[sandbox")
    found = surroundings.settings()
    assert found.required and found.state is State.FORBIDDEN and "config.toml" in found.says
    monkeypatch.setenv("EVOLVE_SANDBOX", "bubblerap")
    assert "bubblewrap" in commands(surroundings.settings())


def test_an_archive_that_is_there_or_can_be(tmp_path: Path) -> None:
    path = tmp_path / "below" / "archive.db"
    found = surroundings.archive(str(path))
    assert found.state is State.OK and not path.parent.exists()
    Archive.open(path).close()
    for where in (str(path), f"sqlite:///{path}"):
        found = surroundings.archive(where)
        assert found.state is State.OK and found.figures["schema_version"] >= 1


def test_archives_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is no database" * 99)
    for where in (
        tmp_path / "file",
        tmp_path / "file" / "archive.db",
        tmp_path,
        "/proc/evolve/archive.db",
        "ftp://a/b",
    ):
        found = surroundings.archive(str(where))
        assert found.required and found.state is not State.OK and found.remedies, where
    assert (tmp_path / "file").read_text() == "this is no database" * 99


def test_little_disk_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert surroundings.disk(str(tmp_path / "a" / "b.db")).figures["free_bytes"] > 0
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 9 * 10**8, 10**8))
    found = surroundings.disk(str(tmp_path / "a" / "b.db"))
    assert found.state is State.DEGRADED and "0.1 GB" in found.says and found.remedies


def test_keys_by_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in surroundings.MODEL_KEYS:
        monkeypatch.delenv(name, raising=False)
    assert surroundings.keys().state is State.MISSING
    monkeypatch.setenv("OPENAI_API_KEY", "planted-value")
    found = surroundings.keys()
    assert found.state is State.OK and found.figures == {"set": ["OPENAI_API_KEY"]}
    assert "planted" not in repr(found) and str(len("planted-value")) not in repr(found)


def test_recorded_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVOLVE_DATA", raising=False)
    assert surroundings.recorded_data().state is State.MISSING
    monkeypatch.setenv("EVOLVE_DATA", str(tmp_path))
    assert surroundings.recorded_data().state is State.OK
    monkeypatch.setenv("EVOLVE_DATA", "nowhere")
    assert "EVOLVE_DATA names the folder nowhere" in surroundings.recorded_data().says


def test_a_look_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> Any:
        raise RuntimeError("nobody thought of this")

    for module, names in (
        (host, ("python", "bubblewrap", "user_namespaces", "nested_namespaces", "system_calls", "container")),
        (services, ("docker", "gpu")),
        (surroundings, ("settings", "archive", "postgresql", "disk", "keys", "recorded_data")),
    ):
        for name in names:
            monkeypatch.setattr(module, name, broken)
    monkeypatch.setattr(host, "control_groups", broken)
    said: list[str] = []
    diagnosis = diagnose(str(tmp_path / "archive.db"), said.append)
    assert len(diagnosis.findings) == len(said) and not diagnosis.ready
    assert all(one.state is State.UNKNOWN and "nobody thought" in one.says for one in diagnosis.findings)


def test_secrets_are_taken_out_of_whatever_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "planted-value")
    finding = without_secrets(Finding("x", State.OK, "a planted-value b", ("curl planted-value",)))
    assert without_secrets(replace(finding, figures={"a": "planted-value", "b": 1})).figures["a"] == "(MY_API_KEY)"
    assert (finding.says, finding.remedies) == ("a (MY_API_KEY) b", ("curl (MY_API_KEY)",))
