"""Programs that waste time, memory, processes and output: each ends in the right status, soon, with nothing left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hostile import gone, nothing_left, run, start

from evolve.core.types import Status
from sandbox.limits import MEBIBYTE

pytestmark = pytest.mark.bubblewrap

BURN = """
import threading, time

def burn():
    while True:
        pass

def solve():
    threading.Thread(target=burn, daemon=True).start()

def rest():
    return 1
"""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with nothing_left():
        yield


def test_an_endless_loop() -> None:
    started = time.monotonic()
    reply = run("def solve():\n    while True: pass", cpu_seconds=0.3)
    assert (reply.status, reply.died) == (Status.TIMED_OUT, False)
    assert "0.3 s of processor time" in reply.error
    assert 0.3 <= reply.cpu_seconds < 0.6
    assert time.monotonic() - started < 5


def test_sleeping_for_ever() -> None:
    reply = run("import time\ndef solve(): time.sleep(1e6)", wall_seconds=0.3)
    assert reply.status is Status.TIMED_OUT
    assert reply.cpu_seconds < 0.3 <= reply.wall_seconds < 2


def test_threads_that_burn_processor_time_are_charged() -> None:
    reply = run(BURN.replace(".start()", ".start()\n    time.sleep(1e6)"), cpu_seconds=0.3)
    assert reply.status is Status.TIMED_OUT
    assert reply.cpu_seconds >= 0.3


def test_threads_that_work_between_calls_are_charged_to_the_next() -> None:
    session = start(BURN)
    first = session.call("solve")
    time.sleep(0.5)
    second = session.call("rest")
    session.close()
    assert (first.status, second.status) == (Status.OK, Status.OK)
    assert second.cpu_seconds > 0.1
    assert second.cpu_seconds > second.wall_seconds


def test_working_between_calls_beyond_the_limit_times_out() -> None:
    session = start(BURN, cpu_seconds=0.2)
    session.call("solve")
    time.sleep(1.0)
    assert session.call("rest").status is Status.TIMED_OUT
    session.close()


@pytest.mark.parametrize(
    "text",
    [
        "def solve():\n    x = []\n    while True: x.append(bytearray(1 << 20))",
        "def solve(): return b'x' * 10**12",
        "def solve():\n    x = 'ab'\n    while True: x += x",
        "def solve():\n    x = {}\n    while True: x[len(x)] = len(x)",
        "def solve(): return [0.5] * 5_000_000",
    ],
)
def test_a_memory_bomb(text: str) -> None:
    reply = run(text, memory_bytes=64 * MEBIBYTE)
    assert (reply.status, reply.value, reply.died) == (Status.OUT_OF_MEMORY, None, False)
    assert reply.peak_bytes <= 64 * MEBIBYTE


def test_memory_that_python_does_not_see() -> None:
    reply = run(
        """
import ctypes

def solve():
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    total = 0
    while at := libc.malloc(1 << 20):
        ctypes.memset(at, 1, 1 << 20)
        total += 1 << 20
    return total
""",
        memory_bytes=64 * MEBIBYTE,
    )
    assert reply.status in (Status.OK, Status.OUT_OF_MEMORY)
    assert (reply.value or 0) < reply.peak_bytes <= 64 * MEBIBYTE


def test_grandchildren_in_sessions_of_their_own_are_killed() -> None:
    session = start(
        """
import os, signal, time

def solve():
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            signal.signal(number, signal.SIG_IGN)
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            while True:
                time.sleep(0.01)
    time.sleep(0.2)
    return 1
""",
        processes=8,
    )
    assert session.call("solve").value == 1
    tree = session._child.descendants()
    assert len(tree) >= 3
    session.close()
    assert all(map(gone, tree))


@pytest.mark.parametrize(("code", "said"), [(0, "exit status 0"), (3, "exit status 3")])
def test_leaving_without_an_answer(code: int, said: str) -> None:
    reply = run(f"import os\ndef solve(): os._exit({code})")
    assert (reply.status, reply.died) == (Status.CRASHED, True)
    assert said in reply.error


def test_the_first_process_can_not_even_kill_itself() -> None:
    text = "import os, signal\ndef solve():\n    os.kill(os.getpid(), signal.SIGKILL)\n    return os.getpid()"
    reply = run(text)
    assert (reply.status, reply.value) == (Status.OK, 1)


def test_killed_from_outside_is_not_the_programs_time_out() -> None:
    session = start("import time\ndef solve(): time.sleep(9)")
    os.kill(session._child.pid, 9)
    reply = session.call("solve")
    session.close()
    assert (reply.status, reply.died) == (Status.CRASHED, True)
    assert "signal 9" in reply.error


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_of_output(stream: str) -> None:
    text = f"import sys\ndef solve():\n    while True: sys.{stream}.write('flood\\n' * 1000)"
    reply = run(text, output_bytes=10_000)
    assert reply.status is Status.OUTPUT_FLOOD
    assert len(reply.output) == 10_000


def test_both_streams_count_together() -> None:
    text = "import sys\ndef solve():\n    for s in (sys.stdout, sys.stderr): s.write('x' * 600)\n    return 1"
    assert run(text, output_bytes=1200).status is Status.OK
    assert run(text, output_bytes=1199).status is Status.OUTPUT_FLOOD


def test_output_that_is_no_text() -> None:
    reply = run("import os\ndef solve():\n    os.write(1, b'\\xff\\x00ok')\n    return 1")
    assert reply.output == "\ufffd\x00ok"


def test_closed_output_is_no_harm() -> None:
    assert run("import os\ndef solve():\n    os.close(1); os.close(2)\n    return 1").value == 1
