"""The host's side of a session: one question, one answer, and nothing believed.

Every frame must answer the call that is outstanding, with its nonce. Whatever else arrives ends the session as
`FORBIDDEN`. What the program says of itself (an exception, a refused value) is text for people, cleaned and bounded.
"""

from __future__ import annotations

import os
import re
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from evolve.core.clock import thread_cpu_seconds
from evolve.core.errors import CallOrderError, ProblemError
from evolve.core.types import Status
from sandbox import wire
from sandbox.base import Reply
from sandbox.limits import Limits
from sandbox.monitor import Monitor, Stopped
from sandbox.process import Child

START_SECONDS = 20.0
DECODE_SECONDS, DECODE_LEAST_SECONDS, DECODE_BYTES_PER_SECOND = 5.0, 0.15, 2e6
"""Processor time of the host for a reply: the honest take a fifth of that or less."""
FAILURE_BYTES = 1 << 17
"""Largest frame that says what went wrong, whatever `reply_bytes` is."""
ERROR_CHARACTERS = 4096

_CHUNK_BYTES, _LARGE_CHUNK_BYTES = 1 << 16, 1 << 20
_SAYABLE = {status.value: status for status in (Status.CRASHED, Status.INVALID, Status.OUT_OF_MEMORY)}
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNASKED = "it sent a reply without being asked"


class ProcessSession:
    """A `Session` (see `sandbox.base`) with one process. The thread that opened it must live as long as it does.

    `violation` says how the program broke the protocol, also where that came to light only on closing; else None.
    """

    def __init__(self, child: Child, limits: Limits) -> None:
        self.violation: str | None = None
        self._child = child
        self._limits = limits
        self._monitor = Monitor(child, limits)
        self._buffer = b""
        self._over: Reply | None = None
        self._closed = False
        # Who forgets to close it leaves no process behind.
        self._forgotten = weakref.finalize(self, _end, child, os.getpid())

    @property
    def output(self) -> str:
        """What was printed so far; before the program is loaded, what stood in the way of the start."""
        return self._monitor.output

    def begin(self, order: dict[str, Any]) -> tuple[str, str] | None:
        """Sends the opening frame, waits for the runner, and lets it load the program.

        Returns what stands in the way (see `runner.fail_to_start`), or None; a program that fails to load is not in
        the way, its failure answers every call. Raises Stopped where the process did not come up.
        """
        nonce = os.urandom(16)
        try:
            self._monitor.begin(START_SECONDS)
            self._monitor.send(wire.frame(wire.OPEN, nonce, wire.encode(order)))
            kind, payload = self._receive(nonce, (wire.READY, wire.REFUSED), more=True)
        except BaseException:
            self.close()
            raise
        if kind == wire.REFUSED:
            self.close()
            what, text = wire.decode(payload)
            return what, text
        self._monitor.settle(wire.decode(payload))
        self._guarded(self._load, nonce)
        return None

    def call(self, entry: str, *args: Any) -> Reply:
        """See `Session`. Raises CallOrderError after `close`, ProblemError where the arguments are not plain data."""
        if self._over is not None and not self._closed:
            return self._over
        if self._closed:
            raise CallOrderError("a call to a session that is closed", "This is a fault of the caller.")
        try:
            payload = wire.encode((entry, args))
        except wire.WireError as error:
            raise ProblemError(
                f"the arguments of {entry} are not plain data: args{error.where.removeprefix('[1]')}: {error.message}",
                "Let instances() yield numbers, text, lists, tuples, dicts and numeric arrays.",
            ) from None
        return self._guarded(self._ask, payload)

    def last_call(self, entry: str, *args: Any) -> Reply:
        """As `call`, and closes the session; its processor time is exact to the microsecond.

        With several processes the peak of memory is that of this call. Processes that were started are counted from
        the kernel's account of all that was waited for, which is complete only after the end: the time that the
        process takes to end is in it, a millisecond or less. Who leaves a process behind, where no account would count
        it, is `FORBIDDEN`.
        """
        child = self._child
        running = self._over is None and not self._closed
        if running and self._limits.processes > 1:
            self._monitor.forget_peak()
        try:
            before = child.spent_cpu_seconds() if running else 0.0
            reply = self.call(entry, *args)
            left = self._over is None and bool(child.descendants())
        finally:
            self.close()
        if self._over is not None:
            return reply
        spent = max(reply.cpu_seconds, child.total_cpu_seconds - before)
        reply = replace(reply, cpu_seconds=spent)
        if left:
            self.violation = "it left processes behind"
        if self.violation:
            return replace(reply, status=Status.FORBIDDEN, value=None, error=self.violation)
        if spent > self._limits.cpu_seconds:
            text = f"it used more than {self._limits.cpu_seconds:g} s of processor time"
            return replace(reply, status=Status.TIMED_OUT, value=None, error=text)
        return reply

    def close(self) -> None:
        """Kills the tree and gives everything back. May be repeated."""
        if self._closed:
            return
        self._closed = True
        self._forgotten.detach()
        try:
            self._monitor.end()
            if self._over is None and (self._buffer or self._child.unread()):
                self.violation = _UNASKED
        finally:
            self._child.close()

    @property
    def total_cpu_seconds(self) -> float:
        """Processor seconds of the process from its start to its end, and of what started and ended only with it."""
        return self._child.total_cpu_seconds

    def peak_space_bytes(self) -> int:
        """The largest address space so far, in bytes. Raises ProcessLookupError where the process is gone."""
        return self._child.usage().space_bytes

    def _guarded(self, exchange: Callable[[bytes], Reply], data: bytes) -> Reply:
        """One exchange. What stops it ends the session; an interruption of ours kills the tree."""
        try:
            return exchange(data)
        except Stopped as stop:
            if stop.status is Status.FORBIDDEN:
                self.violation = stop.text
            cpu_seconds, wall_seconds = self._monitor.end()
            self._over = self._reply(stop.status, None, stop.text, stop.died, cpu_seconds, wall_seconds)
            return self._over
        except BaseException:
            self.close()
            raise

    def _load(self, nonce: bytes) -> Reply:
        self._monitor.begin()
        kind, payload = self._receive(nonce, (wire.LOADED, wire.FAILURE))
        if kind == wire.FAILURE:
            raise Stopped(*_failure(payload))
        return Reply(Status.OK)

    def _ask(self, payload: bytes) -> Reply:
        monitor = self._monitor
        monitor.begin()
        if not monitor.silent():
            raise Stopped(Status.FORBIDDEN, _UNASKED)
        nonce = os.urandom(16)
        monitor.send(wire.frame(wire.CALL, nonce, payload))
        kind, payload = self._receive(nonce, (wire.VALUE, wire.FAILURE))
        if kind == wire.FAILURE:
            status, text = _failure(payload)
            if status is not Status.CRASHED:
                raise Stopped(status, text)
            return self._reply(status, None, text, False, *monitor.spent())
        cpu_seconds, wall_seconds = monitor.spent()
        return self._reply(Status.OK, self._decode(payload), "", False, cpu_seconds, wall_seconds)

    def _decode(self, payload: bytes) -> Any:
        """The value, as far as it is read in a time that befits its size: keys can be chosen to take very long."""
        least = DECODE_LEAST_SECONDS
        seconds = min(DECODE_SECONDS, least + len(payload) / DECODE_BYTES_PER_SECOND, least + self._limits.wall_seconds)
        deadline = thread_cpu_seconds() + seconds
        late = False

        def check() -> None:
            nonlocal late
            late = thread_cpu_seconds() > deadline
            if late:
                raise wire.WireError("its reply took too long to read")

        try:
            return wire.decode(payload, check)
        except wire.WireError as error:
            if late:
                raise Stopped(Status.TIMED_OUT, error.message) from None
            raise Stopped(Status.FORBIDDEN, f"its reply was malformed: {error.message}") from None

    def _receive(self, nonce: bytes, kinds: tuple[int, int], more: bool = False) -> tuple[int, bytes]:
        """The next frame: its kind, one of `kinds`, and payload. Bytes after it are kept only with `more`."""
        data = self._buffer or self._monitor.receive(_CHUNK_BYTES)
        while len(data) < wire.HEADER_BYTES:
            data += self._monitor.receive(wire.HEADER_BYTES - len(data))
        try:
            kind, length, found = wire.parse_header(data, max(self._limits.reply_bytes, FAILURE_BYTES))
        except wire.WireError as error:
            raise Stopped(Status.FORBIDDEN, f"its reply was malformed: {error.message}") from None
        if found != nonce or kind not in kinds:
            raise Stopped(Status.FORBIDDEN, "it sent a reply that answers no call")
        end = wire.HEADER_BYTES + length
        most = self._limits.reply_bytes if kind == wire.VALUE else FAILURE_BYTES
        if end > most:
            raise Stopped(Status.FORBIDDEN, f"its reply was larger than {most} bytes")
        if len(data) < end:
            data = self._receive_rest(data, end)
        self._buffer = data[end:]
        if self._buffer and not more:
            raise Stopped(Status.FORBIDDEN, "it sent more than one reply")
        return kind, data[wire.HEADER_BYTES : end]

    def _receive_rest(self, data: bytes, end: int) -> bytes:
        whole = bytearray(data)
        while len(whole) < end:
            whole += self._monitor.receive(min(end - len(whole), _LARGE_CHUNK_BYTES))
        return bytes(whole)

    def _reply(
        self, status: Status, value: Any, error: str, died: bool, cpu_seconds: float, wall_seconds: float
    ) -> Reply:
        monitor = self._monitor
        return Reply(status, value, error, died, cpu_seconds, wall_seconds, monitor.peak_bytes, monitor.output)


def _end(child: Child, process_id: int) -> None:
    """What a session holds is given back, except in a copy of the process that opened it: there it is another's."""
    if os.getpid() == process_id:
        child.stop()
        child.close()


def _failure(payload: bytes) -> tuple[Status, str]:
    """What the program did instead of answering, as far as a program can say that of itself."""

    def refuse() -> None:
        # Two texts call for no look at the clock; what does can take very long.
        raise wire.WireError("a failure that is not two texts")

    try:
        said = wire.decode(payload, refuse)
    except wire.WireError as error:
        raise Stopped(Status.FORBIDDEN, f"its reply was malformed: {error.message}") from None
    match said:
        case (str(status), str(text)) if status in _SAYABLE:
            return _SAYABLE[status], _CONTROL.sub("", _ADDRESS.sub("", text))[:ERROR_CHARACTERS]
    raise Stopped(Status.FORBIDDEN, "it sent a reply that says nothing")
