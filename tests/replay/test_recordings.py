"""Recorded runs go through the whole loop again without network, and each reply is understood as it was."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
import recordings

pytestmark = [pytest.mark.bubblewrap, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> NoReturn:
        raise AssertionError(f"a replay opens a connection: {arguments[1:]}")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("name", recordings.NAMES)
def test_each_reply_is_understood_as_it_was(name: str, tmp_path: Path) -> None:
    pinned = json.loads(recordings.pins_of(name).read_text())
    assert recordings.replayed(name, tmp_path) == pinned, "if that is meant: python tests/replay/recordings.py"


def test_the_recordings_cover_all_operators() -> None:
    pins = [json.loads(recordings.pins_of(name).read_text()) for name in recordings.NAMES]
    seen = {reply["operator"] for one in pins for reply in one["replies"].values()}
    assert seen == {"mutate", "rewrite", "crossover", "simplify", "repair", "paradigm"}
