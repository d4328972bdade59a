"""A real, tiny model on loopback. It mostly writes nonsense: that is what it is here for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import smollm

from evolve.proposers.llm.scripted import ScriptedModel


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the real server."""
    if reason := smollm.missing():
        pytest.skip(reason)
    with smollm.serving(tmp_path_factory.mktemp("server") / "server.log") as url:
        yield url


@pytest.fixture
def counter(upstream: str) -> smollm.Counter:
    """What the server answers in this test."""
    return smollm.Counter(upstream)


@pytest.fixture
def model(counter: smollm.Counter) -> Iterator[ScriptedModel]:
    """The server behind the counter."""
    with ScriptedModel(counter) as counted:
        yield counted


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings in which the model's context and replies are as short as they are."""
    folder = tmp_path / "settings" / "evolve"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(smollm.SETTINGS)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder.parent))
