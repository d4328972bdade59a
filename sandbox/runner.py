"""The program inside a sandbox: loads one untrusted program and calls it, frame by frame.

Started as `python runner.py CALLS REPLIES [PATH MODULE...]` with the numbers of two pipes, and with what to import
before it is asked for anything; or called by the fork server in a new process. It stands alone beside `wire.py` and
`loading.py`, knows nothing of the backend, and imports little because every session waits for it. It keeps the honest
apart from the broken; it does not guard against the hostile. The candidate shares this process and can forge whatever
is said here, which is why the host believes none of it.
"""

from __future__ import annotations

import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
_OURS: dict[str, Any] = {}


def ours(name: str) -> Any:
    """A module that lies beside this one. The program sees neither it nor the folder: these names are its own."""
    if name not in _OURS:
        sys.path.insert(0, HERE)
        try:
            _OURS[name] = __import__(name)
        finally:
            del sys.path[0], sys.modules[name]
    return _OURS[name]


wire = ours("wire")
loading = ours("loading")

RESERVE_BYTES = 2 << 20
HEADROOM_BYTES = 4 << 20
"""`RESERVE_BYTES` is given back when memory is gone: an arena of the allocator, to say so. `HEADROOM_BYTES` must be
free when a session starts."""
OPEN_FILES = 256
FAILURE_BYTES = 1 << 16
OUT_OF_MEMORY = ("out_of_memory", "it ran out of memory")


class Pipes:
    """The two ends that lead to the host. Blocking; frames come one at a time."""

    def __init__(self, calls: int, replies: int) -> None:
        self.calls = calls
        self.replies = replies
        self.read, self.write, self.exit = os.read, os.write, os._exit

    def receive(self) -> tuple[bytes, bytes]:
        """Nonce and payload of the next frame; ends the process where the host is gone."""
        data = self.read(self.calls, 65536)
        while len(data) < wire.HEADER_BYTES:
            data += self._more(wire.HEADER_BYTES - len(data))
        _, length, nonce = wire.parse_header(data, sys.maxsize)
        length += wire.HEADER_BYTES
        if len(data) < length:
            whole = bytearray(data)
            while len(whole) < length:
                whole += self._more(min(length - len(whole), 1 << 20))
            data = bytes(whole)
        return nonce, data[wire.HEADER_BYTES :]

    def _more(self, size: int) -> bytes:
        data = self.read(self.calls, size)
        if not data:
            self.exit(0)
        return data

    def send(self, kind: int, nonce: bytes, payload: bytes | bytearray) -> None:
        """One whole frame."""
        data = wire.frame(kind, nonce, payload)
        sent = self.write(self.replies, data)
        while sent < len(data):
            sent += self.write(self.replies, memoryview(data)[sent : sent + (1 << 20)])


def set_limits(order: dict[str, Any]) -> list[bytes] | None:
    """Sets the hard limits and returns the reserve, None where memory would not do for the interpreter."""
    hard = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_FSIZE: order["file_bytes"],
        resource.RLIMIT_CPU: order["total_cpu_seconds"],
    }
    if order["tasks"]:
        hard[resource.RLIMIT_NPROC] = order["tasks"]
    for kind, value in hard.items():
        value = _at_most(value, resource.getrlimit(kind)[1])
        resource.setrlimit(kind, (value, value))
    before = resource.getrlimit(resource.RLIMIT_AS)
    memory = _at_most(order["memory_bytes"], before[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, before[1]))
    try:
        # Bytes are zero pages that nobody has touched: the limit is on addresses, and to fill them takes milliseconds.
        # The one that stays comes first, as the C library would keep it in its heap after the other was freed.
        reserve = [bytes(RESERVE_BYTES)]
        bytes(HEADROOM_BYTES)
    except MemoryError:
        resource.setrlimit(resource.RLIMIT_AS, before)
        return None
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    return reserve


def _at_most(value: int, hard: int) -> int:
    """What is asked for, within what the host itself was given."""
    return int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)


def fail(pipes: Pipes, nonce: bytes, status: str, text: str) -> None:
    """Says what the program did instead of answering."""
    pipes.send(wire.FAILURE, nonce, wire.encode((status, text), FAILURE_BYTES))


def serve(pipes: Pipes, program: Any, reserve: list[bytes]) -> None:
    """Answers calls for ever."""
    send, receive, encode, decode = pipes.send, pipes.receive, wire.encode, wire.decode
    refused, limit, value_kind = wire.WireError, program.limit - wire.HEADER_BYTES, wire.VALUE
    while True:
        nonce, payload = receive()
        try:
            entry, args = decode(payload)
            del payload
            function, before = program.function(entry)
            value = function(*before, *args)
            del args
            try:
                reply = encode(value, limit)
            except refused as error:
                fail(pipes, nonce, "invalid", f"output{error.where}: {error.message}")
            else:
                send(value_kind, nonce, reply)
                del reply
            del value
        except MemoryError:
            reserve.clear()
            fail(pipes, nonce, *OUT_OF_MEMORY)
        except BaseException as error:
            fail(pipes, nonce, "crashed", program.describe(error))


def main(pipes: Pipes) -> None:
    """Opens the session and serves it; a driver that fails is refused before the candidate is touched."""
    nonce, payload = pipes.receive()
    order = wire.decode(payload)
    sys.argv[:] = [""]
    sys.path.extend(order["path"])
    os.set_inheritable(pipes.calls, False)
    os.set_inheritable(pipes.replies, False)
    loading.Seeder(order["seed"]).begin()
    program = loading.Program(order)
    reserve = set_limits(order)
    if reserve is None:
        return fail_to_start(pipes, nonce, "memory", "")
    if order["filter"] is not None:
        ours("confine").install_filter(order["filter"])
    try:
        program.load_driver()
    except BaseException as error:
        return fail_to_start(pipes, nonce, "driver", program.describe(error))
    # Nothing untrusted has run yet: this is the last word of the process that the host believes.
    used = resource.getrusage(resource.RUSAGE_SELF)
    pipes.send(wire.READY, nonce, wire.encode(used.ru_utime + used.ru_stime, FAILURE_BYTES))
    try:
        program.load()
    except MemoryError:
        reserve.clear()
        fail(pipes, nonce, *OUT_OF_MEMORY)
    except BaseException as error:
        fail(pipes, nonce, "crashed", program.describe(error))
    else:
        pipes.send(wire.LOADED, nonce, wire.encode(None, FAILURE_BYTES))
        serve(pipes, program, reserve)


def fail_to_start(pipes: Pipes, nonce: bytes, what: str, text: str) -> None:
    """Says what stands in the way before the candidate is touched: `memory` or `driver`."""
    pipes.send(wire.REFUSED, nonce, wire.encode((what, text), FAILURE_BYTES))


if __name__ == "__main__":
    sys.path.extend(sys.argv[3:4])
    for module in sys.argv[4:]:
        # A program that imports what is broken meets the same error; one that does not is none the worse.
        try:  # noqa: SIM105 - contextlib would be most of what a start costs
            __import__(module)
        except Exception:  # noqa: S110
            pass
    main(Pipes(int(sys.argv[1]), int(sys.argv[2])))
