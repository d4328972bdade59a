"""A look at a machine says that a run can start where the sandbox that the run would take works, and not otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.doctor import Diagnosis, Finding, State, diagnose, host, services
from sandbox.config import DockerConfig
from sandbox.docker import engine as docker_engine
from sandbox.docker import images


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sandboxes work, and nobody has chosen, until a test says otherwise."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("EVOLVE_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.delenv("EVOLVE_SANDBOX", raising=False)
    _say(monkeypatch, State.OK, State.OK)


def _say(monkeypatch: pytest.MonkeyPatch, bubblewrap: State, docker: State, fork: State = State.OK) -> None:
    monkeypatch.setattr(host, "bubblewrap", lambda: Finding("bubblewrap", bubblewrap, "seen", ("Mend it.",)))
    monkeypatch.setattr(host, "nested_namespaces", lambda state: Finding("fork server", fork, "seen", ("Allow it.",)))
    monkeypatch.setattr(services, "docker", lambda: [Finding("Docker", docker, "seen", ("Start it.",))])


def _required(diagnosis: Diagnosis) -> dict[str, tuple[str, ...]]:
    return {finding.name: finding.remedies for finding in diagnosis.findings if finding.required}


@pytest.mark.parametrize("place", ["environment", "settings"])
def test_the_one_that_was_chosen_must_work(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, State.OK, State.MISSING)
    assert diagnose().ready
    if place == "environment":
        monkeypatch.setenv("EVOLVE_SANDBOX", "docker")
    else:
        (tmp_path / "evolve").mkdir()
        (tmp_path / "evolve" / "config.toml").write_text('[sandbox]\ntype = "docker"\n')
    diagnosis = diagnose()
    assert not diagnosis.ready
    assert (diagnosis.sandbox, diagnosis.sandboxes) == ("docker", ("bubblewrap",))
    (remedies,) = _required(diagnosis).values()
    assert remedies[0] == "Start it." and "--sandbox bubblewrap" in remedies[1]


def test_what_is_not_chosen_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, State.MISSING, State.OK)
    assert set(_required(diagnose())) == {"bubblewrap"}
    monkeypatch.setenv("EVOLVE_SANDBOX", "docker:pool=4")
    diagnosis = diagnose()
    assert diagnosis.ready and diagnosis.sandbox == "docker:pool=4" and diagnosis.sandboxes == ("docker",)
    _say(monkeypatch, State.MISSING, State.MISSING)
    monkeypatch.setenv("EVOLVE_SANDBOX", "none")
    assert diagnose().ready and diagnose().sandboxes == ()


def test_a_fork_server_is_needed_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _say(monkeypatch, State.OK, State.OK, fork=State.DEGRADED)
    assert diagnose().ready
    monkeypatch.setenv("EVOLVE_SANDBOX", "bubblewrap:start=fork")
    assert set(_required(diagnose())) == {"fork server"}


@pytest.mark.parametrize(
    ("options", "words"), [("runtime=kata", "runtime=kata: the Docker engine has runc"), ("image=mine", "image=mine")]
)
def test_options_that_the_engine_has_not(options: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain(docker_engine.Engine):
        def __init__(self) -> None:
            self.info = {"Runtimes": {"runc": {}}}

        def close(self) -> None:
            """Nothing was opened."""

    monkeypatch.setattr(docker_engine, "Engine", Plain)
    monkeypatch.setattr(images, "exists", lambda engine, name: name == "theirs")
    monkeypatch.setenv("EVOLVE_SANDBOX", f"docker:{options}")
    diagnosis = diagnose()
    (found,) = [finding for finding in diagnosis.findings if finding.required]
    assert found.name == "settings" and words in found.says and found.remedies
    assert diagnosis.sandboxes == ("bubblewrap", "docker")
    services.check_options(DockerConfig(runtime="runc", image="theirs"))
