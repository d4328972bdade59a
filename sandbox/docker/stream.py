"""The way between a container and its session: the engine's one connection on one side, three plain pipes on the other.

The engine sends what the container writes in frames of its own: a header of 8 bytes (stream, three zeros, length in
big endian), and the bytes. See "Attach to a container" in the Docker Engine API.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable
from struct import Struct

from evolve.core.clock import monotonic_seconds
from sandbox.launch import START_TEXT_BYTES, StartError, pipes
from sandbox.process import readable

_HEADER = Struct(">BxxxL")
_STDOUT, _STDERR = 1, 2
_CHUNK_BYTES = 1 << 16
_SAID_SECONDS, _SAID_CHARACTERS = 0.1, 1000


class Relay:
    """Carries calls in, and replies and output out, in a thread of its own. Holds `_CHUNK_BYTES` each way, no more.

    Who does not read its pipes stops the container and not this machine's memory. `call_fd`, `reply_fd` and
    `output_fd` are the session's ends, non-blocking; closing `call_fd` ends it all. `unanswered` is whether something
    was sent since the last bytes of a reply. When the engine ends the connection and nobody said that they expect it,
    it is `broken`, and `judge` is asked whether the engine is at fault: its answer is kept in `lost` before the pipes
    are closed.
    Raises StartError where there are no pipes to be had.
    """

    def __init__(self, connection: socket.socket, judge: Callable[[], bool]) -> None:
        self.unanswered = self.expected = self.broken = self.lost = False
        self._connection = connection
        self._judge = judge
        self._calls, self.call_fd, self.reply_fd, self._replies, self.output_fd, self._output = pipes(3)
        for number in (self._calls, self.call_fd, self.reply_fd, self._replies, self.output_fd, self._output):
            os.set_blocking(number, False)
        connection.setblocking(False)
        self._targets = {_STDOUT: self._replies, _STDERR: self._output}
        self._target, self._left = self._output, 0
        self._received = self._sending = b""
        self._thread = threading.Thread(target=self._run, name="evolve-container", daemon=True)
        self._thread.start()

    def send(self, data: bytes, seconds: float) -> None:
        """All of it, before there is a session. Raises StartError where that takes longer."""
        deadline = monotonic_seconds() + seconds
        poller = select.poll()
        poller.register(self.call_fd, select.POLLOUT)
        try:
            while data:
                if not poller.poll(max(0.0, deadline - monotonic_seconds()) * 1e3):
                    raise StartError(f"a container takes nothing in: {self.said()}")
                data = data[os.write(self.call_fd, data) :]
        except BrokenPipeError:
            raise StartError(f"a container ended before it was asked anything: {self.said()}") from None

    def said(self) -> str:
        """What stands in the pipe of output now."""
        data = b""
        while readable(self.output_fd, _SAID_SECONDS):
            part = os.read(self.output_fd, START_TEXT_BYTES)
            data += part
            if not part or len(data) >= START_TEXT_BYTES:
                break
        return data.decode("utf-8", "replace").strip()[-_SAID_CHARACTERS:]

    def has_ended(self, seconds: float) -> bool:
        """Whether the connection is over within so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Closes the session's ends, where there is no session that will."""
        for number in (self.call_fd, self.reply_fd, self.output_fd):
            os.close(number)

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except OSError:
            # The session has closed its pipes, or the connection broke: either way there is nobody to carry for.
            pass
        finally:
            self.broken = not self.expected
            if self.broken:
                self.lost = self._judge()
            self._connection.close()
            for number in (self._calls, self._replies, self._output):
                os.close(number)

    def _turn(self) -> bool:
        """Waits until something can be carried, and carries it; False at the end.

        What can not be carried now is not waited for: the end of it would be reported over and over.
        """
        blocked = bool(self._left and self._received)
        poller = select.poll()
        events = (select.POLLOUT if self._sending else 0) | (0 if blocked else select.POLLIN)
        if events:
            poller.register(self._connection, events)
        if blocked:
            poller.register(self._target, select.POLLOUT)
        if not self._sending:
            poller.register(self._calls, select.POLLIN)
        ready = dict(poller.poll())
        if self._calls in ready and not self._take():
            return False
        events = ready.get(self._connection.fileno(), 0)
        if events & ~select.POLLOUT and not blocked and not self._receive():
            return False
        if events & ~select.POLLIN and self._sending:
            self._sending = self._sending[self._connection.send(self._sending) :]
        if blocked and self._target in ready:
            self._deliver()
        return True

    def _take(self) -> bool:
        self._sending = os.read(self._calls, _CHUNK_BYTES)
        if not self._sending:
            self.expected = True
            return False
        self.unanswered = True
        return True

    def _receive(self) -> bool:
        data = self._connection.recv(_CHUNK_BYTES)
        self._received += data
        self._deliver()
        return bool(data)

    def _deliver(self) -> None:
        """Writes what the pipes take."""
        while True:
            if not self._left:
                if len(self._received) < _HEADER.size:
                    return
                stream, self._left = _HEADER.unpack_from(self._received)
                self._target = self._targets.get(stream, self._output)
                self._received = self._received[_HEADER.size :]
                continue
            if not self._received:
                return
            try:
                written = os.write(self._target, self._received[: self._left])
            except BlockingIOError:
                return
            if self._target == self._replies:
                self.unanswered = False
            self._received = self._received[written:]
            self._left -= written
