"""The relay between the engine's connection and a session's pipes; a socket's other end plays the engine."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from sandbox.docker.stream import Relay
from sandbox.process import readable

STDOUT, STDERR = 1, 2


class Played:
    """A relay, the engine's end of its connection, and what it judged."""

    def __init__(self, is_lost: bool = False) -> None:
        self.asked = 0
        self.is_lost = is_lost
        self.engine, ours = socket.socketpair()
        self.engine.settimeout(5.0)
        self.relay = Relay(ours, self._judge)
        self._is_open = True

    def _judge(self) -> bool:
        self.asked += 1
        return self.is_lost

    def read(self, number: int, size: int) -> bytes:
        data = b""
        while len(data) < size and readable(number, 5.0):
            part = os.read(number, size - len(data))
            if not part:
                break
            data += part
        return data

    def hang_up(self) -> None:
        if self._is_open:
            self._is_open = False
            self.relay.close()

    def close(self) -> None:
        self.hang_up()
        self.engine.close()
        assert self.relay.has_ended(5.0)


@pytest.fixture
def played() -> Iterator[Played]:
    played = Played()
    yield played
    played.close()


def framed(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def test_frames_come_apart_wherever_they_are_cut(played: Played) -> None:
    data = framed(STDOUT, b"one") + framed(STDERR, b"said") + framed(STDOUT, b"") + framed(STDOUT, b"two")
    for byte in data:
        played.engine.sendall(bytes([byte]))
        time.sleep(1e-4)
    assert played.read(played.relay.reply_fd, 6) == b"onetwo"
    assert played.read(played.relay.output_fd, 4) == b"said"


def test_much_goes_both_ways(played: Played) -> None:
    sent = os.urandom(300_000)
    played.relay.send(sent[:60_000], 5.0)
    received = b""
    while len(received) < 60_000:
        received += played.engine.recv(65536)
    assert received == sent[:60_000]
    chunks = [sent[at : at + 32768] for at in range(0, len(sent), 32768)]
    back = b""
    for chunk in chunks:
        played.engine.sendall(framed(STDOUT, chunk))
        back += played.read(played.relay.reply_fd, len(chunk))
    assert back == sent


def test_a_flood_waits_outside(played: Played) -> None:
    played.engine.setblocking(False)
    taken, chunk = 0, framed(STDERR, bytes(32768))
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            taken += played.engine.send(chunk)
    # The pipe, what the relay holds, and what the kernel holds of the connection.
    assert taken < 2_000_000
    assert len(played.relay._received) <= 2 * 65536


def test_who_waits_takes_no_processor(played: Played) -> None:
    played.engine.sendall(b"".join(framed(STDERR, bytes(32768)) for _ in range(6)))
    time.sleep(0.1)
    played.engine.close()
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.2
    assert not played.relay.has_ended(0.0)
    assert len(played.read(played.relay.output_fd, 10**6)) == 6 * 32768
    assert played.relay.has_ended(5.0)


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_end_that_nobody_expected_is_judged_before_the_session_hears_of_it(is_lost: bool) -> None:
    played = Played(is_lost)
    played.engine.close()
    assert readable(played.relay.reply_fd, 5.0)
    assert os.read(played.relay.reply_fd, 1) == b""
    assert (played.asked, played.relay.lost) == (1, is_lost)
    played.close()


def test_an_end_that_is_ours_is_not_judged() -> None:
    played = Played(True)
    played.hang_up()
    assert played.relay.has_ended(5.0)
    played.close()
    other = Played(True)
    other.relay.expected = True
    other.engine.close()
    assert other.relay.has_ended(5.0)
    other.close()
    assert (played.asked, played.relay.lost, other.asked, other.relay.lost) == (0, False, 0, False)


def test_whether_an_answer_is_due(played: Played) -> None:
    assert not played.relay.unanswered
    played.relay.send(b"question", 5.0)
    assert played.engine.recv(100) == b"question"
    assert played.relay.unanswered
    played.engine.sendall(framed(STDERR, b"thinking"))
    assert played.read(played.relay.output_fd, 8) == b"thinking"
    assert played.relay.unanswered
    played.engine.sendall(framed(STDOUT, b"answer"))
    assert played.read(played.relay.reply_fd, 6) == b"answer"
    # The answer can be read a moment before it is noted.
    deadline = time.monotonic() + 5.0
    while played.relay.unanswered and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not played.relay.unanswered


def test_descriptors_are_given_back() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        played = Played()
        played.relay.send(b"x", 5.0)
        played.close()
    assert len(os.listdir("/proc/self/fd")) == before
