"""Hosts in trouble, and sessions that nobody closes: no verdict is wrong, and nothing is left or mixed up."""

from __future__ import annotations

import gc
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hostile import FORGE, SANDBOX, gone, nothing_left, run, start

from evolve.core.errors import InfrastructureError
from evolve.core.types import Source, Status
from sandbox import cgroup
from sandbox.limits import Limits

pytestmark = pytest.mark.bubblewrap

ECHO = "def solve(value):\n    return value\n"
SOURCE = Source({"program.py": ECHO}, "solve")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with nothing_left():
        yield


def test_a_copy_of_the_host_leaves_the_programs_of_the_first_alone() -> None:
    session = start(ECHO)
    assert session.call("solve", 1).value == 1
    copy = os.fork()
    if copy == 0:
        # It may have sandboxes of its own; what it inherited is not its to end.
        code = 1
        with suppress(BaseException):
            own = SANDBOX.open(SOURCE, Limits())
            code = 0 if own.call("solve", 2).value == 2 else 2
            own.close()
            SANDBOX.close()
            del session
            gc.collect()
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == 0
    assert session.call("solve", 3).value == 3
    session.close()


def test_a_server_ends_with_its_host_though_a_copy_of_the_host_lives_on() -> None:
    reader, writer = os.pipe()
    host = os.fork()
    if host == 0:
        with suppress(BaseException):
            SANDBOX.open(SOURCE, Limits())
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
            os.write(writer, b"%d" % SANDBOX.server_pids()[0])
            time.sleep(20)
        os._exit(1)
    server = int(os.read(reader, 100))
    os.kill(host, signal.SIGKILL)
    os.waitpid(host, 0)
    os.close(reader)
    os.close(writer)
    deadline = time.monotonic() + 10
    while not gone(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(server)


class _Alarm(BaseException):
    pass


@contextmanager
def interrupted(after_seconds: float) -> Iterator[None]:
    """Raises in the middle of what takes longer, as Ctrl-C does."""

    def ring(number: int, frame: object) -> None:
        raise _Alarm

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, after_seconds)
    try:
        with pytest.raises(_Alarm):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_an_answer_that_nobody_waited_for_is_never_taken_for_another() -> None:
    run(ECHO, 0)
    (server,) = SANDBOX.server_pids()
    os.kill(server, signal.SIGSTOP)
    with interrupted(0.2):
        SANDBOX.open(SOURCE, Limits())
    with suppress(ProcessLookupError):
        os.kill(server, signal.SIGCONT)
    for number in range(5):
        assert run(ECHO, number).value == number
    assert SANDBOX.server_pids() != [server]


def test_too_few_descriptors_are_a_fault_of_the_machine_at_every_step() -> None:
    run(ECHO, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = set()
    for free in range(12):
        SANDBOX.close()
        run(ECHO, 0)
        highest = max(map(int, os.listdir("/proc/self/fd")))
        fillers = []
        while True:  # what is free below the highest is taken, so that exactly so many are left above it
            fillers.append(os.open(os.devnull, os.O_RDONLY))
            if fillers[-1] > highest:
                break
        resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1 + free, hard))
        try:
            found.add(run(ECHO, free).value == free)
        except InfrastructureError:
            found.add(False)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for number in fillers:
                os.close(number)
    assert found == {True, False}
    assert run(ECHO, 7).value == 7


def test_sessions_that_are_forgotten_leave_nothing() -> None:
    pids = []
    for number in range(5):
        session = start(ECHO)
        assert session.call("solve", number).value == number
        pids.append(session._child.pid)
        del session
    gc.collect()
    # Those that ended in the middle of something else are waited for at the next start.
    assert run(ECHO, 1).value == 1
    assert run(ECHO, 2).value == 2
    assert all(map(gone, pids))


def test_children_that_nobody_waits_for_are_charged() -> None:
    if cgroup.unavailable():
        pytest.skip(f"needs a control group: {cgroup.unavailable()}")
    text = """
import os, signal, time
def solve(seconds):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(int(seconds / 0.008)):
        for _ in range(4):
            if os.fork() == 0:
                began = time.process_time()
                while time.process_time() - began < 0.002:
                    pass
                os._exit(0)
        try:
            while True:
                os.wait()
        except ChildProcessError:
            pass
    return "done"
"""
    reply = run(text, 0.4, processes=8, wall_seconds=30.0)
    assert reply.value == "done"
    assert reply.cpu_seconds > 0.39


def test_work_on_loading_is_charged_to_the_first_call() -> None:
    text = "import time\nwhile time.process_time() < 0.3:\n    pass\ndef solve():\n    return 1\n"
    for _ in range(3):
        assert run(text).cpu_seconds > 0.25


@pytest.mark.parametrize("kind", [6, 7])
def test_keys_that_take_long_to_read_do_not_hold_the_host_up(kind: int) -> None:
    text = f"""{FORGE}
def solve():
    pipe, nonce = steal()
    prime = (1 << 61) - 1
    def key(value):
        return b"I" + struct.pack("<H", 64) + value.to_bytes(64, "little", signed=True)
    body = b"D" + struct.pack("<I", 30000) + b"".join(key(n * prime) + b"N" for n in range(30000))
    send(pipe, frame(nonce, body, kind={kind}))
    time.sleep(9)
"""
    began = time.process_time()
    reply = run(text, wall_seconds=2.0)
    assert reply.status in (Status.FORBIDDEN, Status.TIMED_OUT)
    # Read to the end they would take the host some ten seconds.
    assert time.process_time() - began < 5.0
