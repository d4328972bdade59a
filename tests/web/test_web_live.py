"""Messages of what goes on: bounded in rate and readers, whatever readers do."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from asyncio.selector_events import _SelectorSocketTransport  # type: ignore[attr-defined]
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from evolve.web import live
from evolve.web.app import create_app
from web.conftest import served
from web.showroom import Showroom

ASKED = b"GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n"


@contextmanager
def reading(address: str, buffer: int | None = None) -> Iterator[socket.socket]:
    """A connection that has asked for the messages."""
    where = urlsplit(address)
    with closing(socket.socket()) as connection:
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(60)
        connection.connect((where.hostname, where.port))
        connection.sendall(ASKED)
        yield connection


def until(connection: socket.socket, mark: bytes) -> bytes:
    """What comes up to a mark. Fails where the connection ends before."""
    text = b""
    while mark not in text:
        part = connection.recv(65536)
        assert part, text
        text += part
    return text


def message(lines: Iterator[bytes]) -> dict[str, Any]:
    """The next message among the lines."""
    text = next(line for line in lines if line.startswith(b"data: "))
    return dict(json.loads(text[6:]))


def readers(app: FastAPI) -> int:
    return int(app.state.pulse._readers)


def wait_for(app: FastAPI, count: int) -> None:
    """Until so many readers are counted; the test's own limit of time ends what never comes."""
    import time

    while readers(app) != count:
        time.sleep(0.01)


def test_a_message_says_what_has_changed(showroom: Showroom, server: str) -> None:
    with reading(server) as connection, connection.makefile("rb") as lines:
        assert next(lines).startswith(b"HTTP/1.1 200")
        head = b"".join(iter(lines.readline, b"\r\n"))
        assert b"content-type: text/event-stream" in head and b"cache-control: no-store" in head
        before, live_run = message(lines), showroom.live.run_id
        assert before[live_run] == len(showroom.archive.order(live_run))
        showroom.live.write(1)
        after = message(lines)
        assert after[live_run] == before[live_run] + 1 and after["*"] != before["*"]


def test_too_many_readers_are_refused_and_those_that_vanish_are_forgotten(showroom: Showroom) -> None:
    app = create_app(showroom.archive)
    with served(app) as address, ExitStack() as stack:
        open_ones = [stack.enter_context(reading(address)) for _ in range(live.MOST_READERS)]
        for one in open_ones:
            until(one, b"retry: ")
        assert readers(app) == live.MOST_READERS
        with reading(address) as refused:
            answer = until(refused, b"too many")
            assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: 30" in answer
        # One goes in the middle of a message, one with an abort, one as it should.
        open_ones[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for one in open_ones[:3]:
            one.close()
        wait_for(app, live.MOST_READERS - 3)
        with reading(address) as welcome:
            assert until(welcome, b"retry: ").startswith(b"HTTP/1.1 200")
        wait_for(app, live.MOST_READERS - 3)


def test_a_reader_that_does_not_read_holds_nothing_up(showroom: Showroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages of a megabyte, so that they soon fit nowhere: nothing piles up, and others go on."""
    app, said = create_app(showroom.archive), [0]

    def pulse() -> dict[str, Any]:
        said[0] += 1
        return {"*": f"{said[0]} " + "x" * 1_000_000}

    monkeypatch.setattr(live, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(app.state.desk, "pulse", pulse, raising=False)
    with served(app) as address, reading(address, buffer=4096), reading(address) as quick:
        for _ in range(20):
            until(quick, b"data: ")
            until(quick, b"\n\n")
        sockets = [one for one in gc.get_objects() if type(one) is _SelectorSocketTransport]
        waiting = [one.get_write_buffer_size() for one in sockets]
        assert waiting and max(waiting) < 3_000_000, waiting
        where = urlsplit(address)
        with closing(socket.create_connection((where.hostname, where.port), timeout=60)) as other:
            other.sendall(b"GET /problems.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            assert until(other, b"\r\n").startswith(b"HTTP/1.1 200")


class Counted:
    """A desk that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def pulse(self) -> dict[str, object]:
        """Another one each time."""
        self.asked += 1
        return {"*": self.asked}


def test_the_archive_is_asked_once_a_second_however_many_read(monkeypatch: pytest.MonkeyPatch) -> None:
    now, desk = [100.0], Counted()
    monkeypatch.setattr(live, "monotonic_seconds", lambda: now[0])

    async def play() -> None:
        pulse = live.Pulse(desk)  # type: ignore[arg-type]
        texts = await asyncio.gather(*(pulse._latest() for _ in range(50)))
        assert set(texts) == {'{"*": 1}'} and desk.asked == 1
        now[0] += 0.999
        await pulse._latest()
        assert desk.asked == 1
        now[0] += 0.002
        assert set(await asyncio.gather(*(pulse._latest() for _ in range(50)))) == {'{"*": 2}'}

    asyncio.run(play())


def test_a_reader_gets_one_message_a_poll_and_a_sign_of_life_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    now, desk = [100.0], Counted()
    monkeypatch.setattr(live, "monotonic_seconds", lambda: now[0])
    monkeypatch.setattr(live, "POLL_SECONDS", 0.001)

    async def play() -> None:
        pulse = live.Pulse(desk)  # type: ignore[arg-type]
        assert pulse.enter()
        messages = pulse.messages()
        assert [await anext(messages) for _ in range(2)] == ["retry: 3000\n\n", 'data: {"*": 1}\n\n']
        waiting = asyncio.ensure_future(anext(messages))
        await asyncio.sleep(0.05)
        assert not waiting.done() and desk.asked == 1  # no time has gone by
        now[0] += 1.0
        assert await waiting == 'data: {"*": 2}\n\n' and desk.asked == 2
        monkeypatch.setattr(desk, "pulse", lambda: {"*": 2})
        now[0] += live.SILENT_SECONDS
        assert await anext(messages) == ": still here\n\n"
        await messages.aclose()  # type: ignore[attr-defined]
        assert pulse._readers == 0
        pulse.closed.set()
        assert not pulse.enter()

    asyncio.run(play())
