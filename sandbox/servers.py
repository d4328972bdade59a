"""The host's side of fork servers: one per thread and kind of session, started when it is worth it.

A server dies with the thread that started it, so no thread uses another's. See `fork_server` for what it does.
"""

from __future__ import annotations

import array
import os
import re
import socket
import threading
import weakref
from contextlib import ExitStack, suppress
from typing import Any

from sandbox import mounts, wire
from sandbox.box import SERVER, Box, hash_seed
from sandbox.cgroup import Group
from sandbox.launch import START_TEXT_BYTES, StartError, pipes, said
from sandbox.limits import MEBIBYTE, Limits
from sandbox.monitor import MAX_FILES, MAX_THREADS
from sandbox.process import Child, offer_to_the_oom_killer

READY_SECONDS = 60.0
ANSWER_SECONDS = 10.0
MOST_FILES = 10 * MAX_FILES
"""The kernel's own bound on files in /tmp: far above the one that the monitor looks at, which says so."""
OWN_BYTES = 256 * MEBIBYTE
"""What a server may hold itself, and the kernel for it; far more than packages need."""
FILE_BYTES = 1 << 20
"""Size of the server's own /tmp, which nobody uses."""
MESSAGE_BYTES = 1 << 16

_PID = re.compile(rb"^Pid:\t(\d+)$", re.MULTILINE)


class ThreadsError(Exception):
    """The packages can not be imported before a fork."""


class ForkServer:
    """A running server. Not thread-safe: only the thread that started it may use it.

    `working` holds the limits of its processes that were not waited for yet, by number. All of them are in one control
    group, where there are any: it bounds what one process's own limits do not reach. The constructor raises
    StartError where it does not come up, and ThreadsError.
    """

    def __init__(self, box: Box, modules: tuple[str, ...], seed: int) -> None:
        self.working: dict[int, Limits] = {}
        self._bound = (0, 0)
        self._left: list[int] = []
        self._asking = False
        self._process_id, self._thread = os.getpid(), threading.get_ident()
        self._control, self._child = _started(box, seed)
        self._end = weakref.finalize(self, _end, self._child, self._control, self._process_id)
        path = [mounts.PACKAGES] if box.paths else []
        _running.add(self)
        if self._ask(("begin", _number(), path, list(modules)), READY_SECONDS)[0][0] == "threads":
            self.close()
            raise ThreadsError(f"importing {', '.join(modules)} starts threads, which no fork takes along")

    @property
    def pid(self) -> int:
        """Of the server itself."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked: not after its end, and not in a process that was forked from the one it serves."""
        return self._end.alive and os.getpid() == self._process_id and not self._child.ended(0.0)

    def start(self, limits: Limits) -> Child:
        """A fresh process with the runner in it, which waits for its order. Raises StartError."""
        while self._left:
            self.reap(self._left.pop())
        self._bind(limits)
        job = _number()
        calls, call_fd, reply_fd, replies, output_fd, output = numbers = pipes(3)
        try:
            order = ("start", job, limits.file_bytes, MOST_FILES)
            pidfd = self._ask(order, ANSWER_SECONDS, calls, replies, output)[1]
            if pidfd < 0:
                # The kernel drops what there is no room for here. The process ends with the server.
                self.close()
                raise StartError("a descriptor of a forked process did not arrive: too many are open")
        except BaseException:
            for number in numbers:
                os.close(number)
            raise
        for number in (calls, replies, output):
            os.close(number)
        for number in (call_fd, reply_fd, output_fd):
            os.set_blocking(number, False)
        self.working[job] = limits
        return _known(Child(_Job(self, job), 0, pidfd, -1, call_fd, reply_fd, output_fd))

    def reap(self, job: int) -> tuple[int, float] | None:
        """Exit code and processor seconds of a job that has ended; None where the server is gone as well.

        None too where the server can not be asked now, because a session was forgotten and is ended by the collector
        of garbage: in the middle of another question, or in another thread. Then this is done at the next start.
        """
        self.working.pop(job, None)
        if not self.alive:
            return None
        if self._asking or threading.get_ident() != self._thread:
            self._left.append(job)
            return None
        try:
            answer, _ = self._ask(("reap", job), ANSWER_SECONDS)
        except StartError:
            return None
        return answer[2], answer[3]

    def close(self) -> None:
        """Ends it, with all processes that it forked. May be repeated."""
        self._end()

    def _bind(self, limits: Limits) -> None:
        """Sets the group's bounds for what works and one more. What is in use is not taken back: the kernel refuses."""
        all_limits = [*self.working.values(), limits]
        memory_bytes = OWN_BYTES + sum(one.memory_bytes + one.file_bytes for one in all_limits)
        tasks = 1 + sum(one.processes + MAX_THREADS for one in all_limits)
        if self._child.group is not None and self._bound != (memory_bytes, tasks):
            with suppress(OSError):
                self._child.group.limit(memory_bytes=memory_bytes, tasks=tasks)
                self._bound = memory_bytes, tasks

    def _ask(self, message: tuple[Any, ...], seconds: float, *descriptors: int) -> tuple[tuple[Any, ...], int]:
        """Its answer, which names the number in the question, and a descriptor that came along, or -1.

        A server that does not answer, or whose answer nobody has heard, is ended. Raises StartError.
        """
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        received = array.array("i")
        reason = "it has ended"
        answer: tuple[Any, ...] = ("", 0)
        self._asking = True
        try:
            self._control.settimeout(seconds)
            self._control.sendmsg([wire.encode(message)], rights)
            room = socket.CMSG_SPACE(received.itemsize)
            data, ancillary, _, _ = self._control.recvmsg(MESSAGE_BYTES, room, socket.MSG_CMSG_CLOEXEC)
            for _, _, content in ancillary:
                received.frombytes(content)
            answer = wire.decode(data) if data else answer
        except OSError as error:
            reason = str(error)
        finally:
            self._asking = False
            if answer[1] != message[1]:
                words = said(self._child) or reason
                self.close()
        if answer[1] != message[1]:
            raise StartError(f"the fork server does not answer: {words[-START_TEXT_BYTES:]}")
        if answer[0] == "failed":
            raise StartError(answer[2])
        return answer, received[0] if received else -1


class _Job:
    """A forked process's `Launcher`: the server waits for it when told to."""

    def __init__(self, server: ForkServer, number: int) -> None:
        self.server, self.number = server, number

    def spent_cpu_seconds(self) -> float:
        """Nothing: the server works for many."""
        return 0.0

    def reap(self) -> tuple[int, float]:
        """As the server says; of one that died with the server, as if it was killed."""
        return self.server.reap(self.number) or (128 + 9, 0.0)


class Servers:
    """One thread's servers for one kind of session, by hash seed. The one that was not used for longest makes room."""

    MOST = 2

    def __init__(self, box: Box, modules: tuple[str, ...]) -> None:
        self._box, self._modules = box, modules
        self._by_seed: dict[int, ForkServer] = {}

    def start(self, seed: int, limits: Limits) -> Child:
        """A fresh process of a server that runs or is started now. Raises StartError, ThreadsError."""
        key = hash_seed(seed)
        server = self._by_seed.pop(key, None)
        if server is None or not server.alive:
            if server is not None:
                server.close()
            while len(self._by_seed) >= self.MOST and (idle := self._idle()) is not None:
                self._by_seed.pop(idle).close()
            server = ForkServer(self._box, self._modules, seed)
        self._by_seed[key] = server
        return server.start(limits)

    def pids(self) -> list[int]:
        """Identifiers of the servers that run."""
        return [server.pid for server in self._by_seed.values() if server.alive]

    def close(self) -> None:
        """Ends all of them, with all processes that they forked."""
        for server in self._by_seed.values():
            server.close()
        self._by_seed.clear()

    def _idle(self) -> int | None:
        return next((key for key, server in self._by_seed.items() if not server.working), None)


def _started(box: Box, seed: int) -> tuple[socket.socket, Child]:
    """A server that was told nothing yet, in a control group of its own where there are any. Raises StartError."""
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ExitStack() as undo:
        undo.callback(control.close)
        try:
            with theirs:
                proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    passed = (theirs.fileno(), proc)
                    starting = box.run(SERVER, [*map(str, passed)], seed, FILE_BYTES, passed=passed)
                finally:
                    os.close(proc)
            child = starting.attach(READY_SECONDS)
            undo.callback(child.close)
            undo.callback(child.stop)
            # It is closed with the child, after its end.
            child.group = Group.create("server")
            if child.group is not None:
                child.group.add(child.pid)
        except OSError as error:
            raise StartError(str(error)) from None
        undo.pop_all()
    return control, child


def _number() -> int:
    """Of a question. Drawn, not counted: a program can read that of its own."""
    return int.from_bytes(os.urandom(7)) | 1


def _known(child: Child) -> Child:
    """Finds the process behind its descriptor. Raises StartError where it is gone."""
    try:
        child.pid = _pid(child.pidfd)
        child.status_fd = os.open(f"/proc/{child.pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    except BaseException as error:
        child.stop()
        child.close()
        if isinstance(error, OSError):
            raise StartError(f"a forked process was gone at once: {error}") from None
        raise
    offer_to_the_oom_killer(child.pid)
    return child


def _pid(pidfd: int) -> int:
    """The number of the process here, whatever it is elsewhere: what the kernel says of the descriptor."""
    with open(f"/proc/self/fdinfo/{pidfd}", "rb", buffering=0) as file:
        found = _PID.search(file.read(4096))
    if found is None:
        raise ProcessLookupError(pidfd)
    return int(found[1])


def _end(child: Child, control: socket.socket, process_id: int) -> None:
    control.close()
    if os.getpid() == process_id:
        child.stop()
    else:
        child.group = None
    child.close()


def _forget() -> None:
    """In a copy of this process: a server lives as long as anybody holds its socket, and it is the other one's."""
    for server in tuple(_running):
        server.close()


_running: weakref.WeakSet[ForkServer] = weakref.WeakSet()
os.register_at_fork(after_in_child=_forget)
