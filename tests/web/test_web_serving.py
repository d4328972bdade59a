"""`evolve serve`: where it listens, who may read, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from archive.store import Archive
from evolve.core.errors import UsageError
from evolve.web import serving
from evolve.web.serving import Place, take_place

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def taken(*arguments: object, **named: object) -> Iterator[Place]:
    place = take_place(*arguments, **named)  # type: ignore[arg-type]
    with place.listening:
        yield place


def test_it_listens_on_this_machine_alone() -> None:
    with taken(port=0) as place:
        host, port = place.listening.getsockname()
        assert host == "127.0.0.1" and place.token is None and place.address == f"http://127.0.0.1:{port}/"


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.2"])
def test_elsewhere_it_wants_a_token_and_makes_one(host: str) -> None:
    with taken(host, 0) as one, taken(host, 0) as other:
        assert one.token and other.token and one.token != other.token and len(one.token) >= 32
        assert parse_qs(urlsplit(one.address).query) == {"token": [one.token]}
        assert urlsplit(one.address).hostname not in ("0.0.0.0", None)
    with taken(host, 0, "of/my own?&#choice".replace(" ", "_")) as given:
        assert parse_qs(urlsplit(given.address).query) == {"token": ["of/my_own?&#choice"]}


def test_the_next_port_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(serving, "FIRST_PORT", port)
        with taken() as place:
            assert port < place.listening.getsockname()[1] < port + serving.PORTS
        with pytest.raises(UsageError, match=f"port {port} is taken") as caught:
            take_place(port=port)
        assert "is free: --port " in caught.value.remedy


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"host": "192.0.2.1"}, "can not listen on 192.0.2.1"),
        ({"host": "nowhere.invalid"}, "can not listen on nowhere.invalid"),
        ({"host": "x" * 300}, "can not listen|no name"),
        ({"port": 65536}, "no port 65536"),
        ({"port": -1}, "no port -1"),
        ({"token": "short"}, "16 to 512"),
        ({"token": "spaces in it, and long"}, "16 to 512"),
        ({"token": ""}, "16 to 512"),
    ],
)
def test_what_can_not_be_is_said(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        take_place(**arguments)  # type: ignore[arg-type]
    assert caught.value.remedy


def test_without_an_archive_it_refuses(tmp_path: Path) -> None:
    from evolve.cli.app import app

    result = CliRunner().invoke(app, ["serve", "--archive", str(tmp_path / "none.db")])
    assert result.exit_code == 1 and "there is no archive" in result.stderr and not list(tmp_path.iterdir())


def test_ctrl_c_ends_it_with_streams_open(tmp_path: Path) -> None:
    Archive.open(tmp_path / "archive.db").close()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EVOLVE_TOKEN": "a-token-from-outside"}
    command = [sys.executable, "-m", "evolve", "serve", "--archive", str(tmp_path / "archive.db"), "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            said = process.stdout.readline()
            where = urlsplit(said.split()[-1])
            assert where.query == "token=a-token-from-outside", said
            streams = [socket.create_connection((where.hostname, where.port), timeout=60) for _ in range(3)]
            for one in streams:
                one.sendall(b"GET /live HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a-token-from-outside\r\n\r\n")
            for one in streams[:2]:
                text = b""
                while b"data: " not in text:
                    text += one.recv(4096)
                assert text.startswith(b"HTTP/1.1 200")
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=60)
            assert (process.returncode, rest, errors.split()) == (130, "", ["stopped"])
            assert [one.recv(4096) and one.recv(4096) for one in streams[:1]] == [b""]
        finally:
            process.kill()
            for one in streams:
                one.close()
