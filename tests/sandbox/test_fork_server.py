"""The fork server: namespaces and privileges of its processes, what they inherit, and what outlives them."""

from __future__ import annotations

import gc
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hostile import SANDBOX, WITH_NUMPY, children, gone, nothing_left, run, start

from evolve.core.clock import process_cpu_seconds
from evolve.core.errors import UnavailableError, UsageError
from evolve.core.types import Source, Status
from sandbox import nesting, servers
from sandbox.bubblewrap import MOST_POOLS, STARTS_BEFORE_A_SERVER, THREADS, BubblewrapSandbox, Start
from sandbox.limits import Limits
from sandbox.monitor import MAX_THREADS
from sandbox.pool import SIZE
from sandbox.session import ProcessSession

pytestmark = pytest.mark.bubblewrap

ROOT = str(Path(__file__).parents[2])
NAP = "import time\ndef solve():\n    time.sleep(60)\n"
ECHO = "def solve(value):\n    return value\n"
NAMESPACES = ("user", "pid", "mnt", "ipc")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with nothing_left():
        yield


def opened(text: str = ECHO, **limits: int) -> ProcessSession:
    return start(text, **limits)


def namespaces(pid: int | str) -> dict[str, str]:
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in (*NAMESPACES, "net", "uts")}


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_each_process_has_namespaces_of_its_own() -> None:
    one, two = opened(), opened()
    (server,) = SANDBOX.server_pids()
    found = [namespaces(pid) for pid in (one._child.pid, two._child.pid, server, "self")]
    for name in NAMESPACES:
        assert len({each[name] for each in found}) == 4, name
    for name in ("net", "uts"):
        assert found[0][name] == found[1][name] == found[2][name] != found[3][name]
    one.close()
    two.close()


def test_it_has_no_privilege_left_and_is_not_the_hosts_user() -> None:
    session = opened()
    found = status(session._child.pid)
    assert {found[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")
    assert found["NSpid"].split()[-1] == "1"
    if os.geteuid() == 0:
        assert set(found["Uid"].split()) == set(found["Gid"].split()) == {"65534"}
    session.close()


def test_it_inherits_its_pipes_and_nothing_else() -> None:
    others = [opened() for _ in range(3)]
    session = opened()
    folder = f"/proc/{session._child.pid}/fd"
    found = sorted(os.readlink(f"{folder}/{name}") for name in os.listdir(folder))
    assert found[0] == "/dev/null"
    assert len(found) == 5
    # Standard output and error are one pipe, calls and replies one each.
    assert len(set(found[1:])) == 3
    for other in others:
        theirs = f"/proc/{other._child.pid}/fd"
        shared = {os.readlink(f"{theirs}/{name}") for name in os.listdir(theirs)} & set(found)
        assert shared == {"/dev/null"}
    for each in (*others, session):
        each.close()


def test_nothing_is_passed_on_by_what_all_of_them_have_open_or_by_the_servers_own_state() -> None:
    text = """
import fcntl, os, sys
def solve():
    flags = [fcntl.fcntl(number, fcntl.F_GETFL) for number in (0, 1, 2)]
    for number in (0, 1, 2):
        fcntl.fcntl(number, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
    at, seen = sys._getframe(), []
    while at is not None:
        seen += [value for value in at.f_locals.values() if type(value) is int]
        seen += [len(value.pids) for value in at.f_locals.values() if hasattr(value, "pids")]
        at = at.f_back
    return flags, [number for number in seen if number < 2**40], os.getpid(), os.getppid()
"""
    first, second = run(text).value, run(text).value
    assert first == second


def test_files_are_private_to_a_process_and_gone_after_it() -> None:
    text = """
import os
def solve(name):
    seen = os.listdir("/tmp")
    open("/tmp/" + name, "w").write("x")
    return seen, os.path.exists("/dev/shm"), os.path.exists("/proc/self")
"""
    one = start(text)
    assert one.call("solve", "one").value == ([], False, False)
    two = start(text)
    assert two.call("solve", "two").value == ([], False, False)
    assert one.call("solve", "three").value[0] == ["one"]
    one.close()
    two.close()
    assert run(text, "four").value == ([], False, False)


@pytest.mark.parametrize("way", ["process", "pool", "fork"])
def test_random_state_is_that_of_the_seed_however_the_session_starts(way: Start) -> None:
    text = """
import random
import numpy.random
def solve():
    return random.random(), float(numpy.random.random()), hash("a"), sorted({"a", "b", "c", "d"}, key=hash)
"""
    source = Source({"program.py": text}, "solve")

    def drawn(way: Start, seed: int) -> object:
        sandbox = BubblewrapSandbox(("numpy",), start=way)
        session = sandbox.open(source, Limits(), seed=seed)
        try:
            reply = session.call("solve")
            assert reply.status is Status.OK, reply.error
            return reply.value
        finally:
            session.close()
            sandbox.close()

    assert drawn(way, 7) == drawn("process", 7) != drawn(way, 8)


def test_processes_of_one_server_draw_what_their_seed_says_and_not_the_same() -> None:
    text = "import random\nimport numpy\ndef solve():\n    return random.random(), float(numpy.random.random())\n"
    source, found = Source({"program.py": text}, "solve"), []
    # Seeds with the same hash seed share a server.
    for seed in (1, 1, 1 + 2**32):
        session = WITH_NUMPY.open(source, Limits(), seed=seed)
        found.append(session.call("solve").value)
        session.close()
    assert len(WITH_NUMPY.server_pids()) == 1
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]


def test_the_clock_of_a_dead_process_reads_until_the_host_has_read_it() -> None:
    session = opened("def solve():\n    x = 0\n    for i in range(3_000_000):\n        x += i\n    raise SystemExit\n")
    pid = session._child.pid
    os.kill(pid, signal.SIGKILL)
    assert session._child.ended(5.0)
    assert status(pid)["State"].startswith("Z")
    assert process_cpu_seconds(pid) > 0
    session.close()
    assert gone(pid)
    assert session.total_cpu_seconds > 0


def test_a_server_that_dies_takes_its_processes_along_and_is_replaced() -> None:
    session = opened()
    (server,) = SANDBOX.server_pids()
    os.kill(server, signal.SIGKILL)
    assert session._child.ended(5.0)
    reply = session.call("solve", 1)
    assert (reply.status, reply.died) == (Status.CRASHED, True)
    session.close()
    assert run(ECHO, 5).value == 5
    (replaced,) = SANDBOX.server_pids()
    assert replaced != server


def test_servers_end_with_the_thread_that_opened_them() -> None:
    found: list[int] = []

    def play() -> None:
        assert run(ECHO, 1).value == 1
        found.extend(SANDBOX.server_pids())

    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    assert SANDBOX.server_pids() == []
    deadline = time.monotonic() + 5
    while not gone(found[0]) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert gone(found[0])


def test_servers_of_many_hash_seeds_make_room_for_one_another() -> None:
    source = Source({"program.py": ECHO}, "solve")
    kept = SANDBOX.open(source, Limits(), seed=0)
    for seed in range(1, 5):
        session = SANDBOX.open(source, Limits(), seed=seed)
        assert session.call("solve", seed).value == seed
        session.close()
        assert len(SANDBOX.server_pids()) <= servers.Servers.MOST
    # One with an open session stays.
    assert kept.call("solve", 9).value == 9
    kept.close()


def test_a_server_is_started_only_for_who_opens_more() -> None:
    sandbox, source = BubblewrapSandbox(), Source({"program.py": ECHO}, "solve")
    for number in range(STARTS_BEFORE_A_SERVER + 2):
        session = sandbox.open(source, Limits())
        assert session.call("solve", number).value == number
        session.close()
        assert len(sandbox.server_pids()) == (number >= STARTS_BEFORE_A_SERVER)
    sandbox.close()
    assert sandbox.server_pids() == []


def test_many_programs_leave_the_server_as_it_was() -> None:
    run(ECHO, 0)
    (server,) = SANDBOX.server_pids()

    def sizes() -> tuple[int, int]:
        pages = int(Path(f"/proc/{server}/statm").read_text().split()[1])
        return pages, len(os.listdir(f"/proc/{server}/fd"))

    before = sizes()
    for number in range(150):
        assert run(ECHO, number).value == number
    after = sizes()
    assert after[1] == before[1]
    assert after[0] - before[0] < 64
    assert Path(f"/proc/{server}/task/{server}/children").read_text() == ""


def test_a_package_that_starts_threads_is_not_imported_before_a_fork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its programs start from processes of their own instead."""
    (tmp_path / "busy.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
    )
    about = tmp_path / "busy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: busy\nVersion: 1.0\n")
    (about / "RECORD").write_text("busy.py,,\nbusy-1.0.dist-info/METADATA,,\nbusy-1.0.dist-info/RECORD,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    sandbox = BubblewrapSandbox(("busy",), start="fork")
    # The record is written before anything has run.
    assert sandbox.confinement(Limits()).start == "pool of processes"
    text = "import busy, threading\ndef solve():\n    return threading.active_count()\n"
    session = sandbox.open(Source({"program.py": text}, "solve"), Limits())
    assert session.call("solve").value == 2
    session.close()
    assert sandbox.server_pids() == []
    sandbox.close()


# The kernel nests user namespaces 33 deep (user_namespaces(7)): bwrap makes the last one, none is left for a fork.
DEPTH = 32
WITHOUT = """
from evolve.core.errors import UsageError
from evolve.core.types import Source
from sandbox import nesting
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.limits import Limits

source = Source({"program.py": "def solve(n):\\n    return n + 1\\n"}, "solve")
print(bool(nesting.available()))
sandbox = BubblewrapSandbox()
for number in range(6):
    session = sandbox.open(source, Limits())
    assert session.call("solve", number).value == number + 1
    session.close()
print(sandbox.confinement(Limits()).start, sandbox.server_pids())
sandbox.close()
try:
    BubblewrapSandbox(start="fork").open(source, Limits())
except UsageError as error:
    print("pool" in error.remedy)
"""


def test_where_namespaces_may_not_be_nested_a_pool_takes_over() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make such a place")
    command = [*(DEPTH * ["unshare", "--user", "--map-root-user"]), sys.executable, "-c", WITHOUT]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.splitlines() == ["True", "pool of processes []", "True"], done.stderr


def test_the_pool_uses_each_process_once_and_ends_those_that_wait() -> None:
    sandbox, source = BubblewrapSandbox(start="pool"), Source({"program.py": ECHO}, "solve")
    pids = []
    for number in range(4):
        session = sandbox.open(source, Limits())
        pids.append(session._child.pid)
        assert session.call("solve", number).value == number
        session.close()
    assert len(set(pids)) == 4
    sandbox.close()


def test_pools_of_many_kinds_make_room_for_one_another() -> None:
    sandbox, source = BubblewrapSandbox(start="pool"), Source({"program.py": ECHO}, "solve")
    before = len(children())
    for seed in range(5):
        session = sandbox.open(source, Limits(), seed=seed)
        assert session.call("solve", seed).value == seed
        session.close()
        assert len(children()) - before <= MOST_POOLS * SIZE
    sandbox.close()


def test_what_the_machine_is_short_of_for_a_moment_is_no_lasting_answer() -> None:
    nesting.available.cache_clear()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fillers: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with suppress(OSError):
            while True:
                fillers.append(os.open(os.devnull, os.O_RDONLY))
        for number in fillers[-4:]:
            os.close(number)
        with pytest.raises(UnavailableError):
            nesting.available()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for number in fillers[:-4]:
            os.close(number)
    assert nesting.available() is None


def test_a_fork_that_was_asked_for_is_refused_where_it_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "available", lambda: "clone3: Operation not permitted")
    with pytest.raises(UsageError, match="not permitted") as caught:
        BubblewrapSandbox(start="fork").open(Source({"program.py": ECHO}, "solve"), Limits())
    assert "start=pool" in caught.value.remedy


def test_a_time_out_ends_a_stubborn_tree_at_once() -> None:
    text = """
import os, signal
def solve():
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            signal.signal(number, signal.SIG_IGN)
    for _ in range(4):
        if os.fork() == 0:
            os.setsid()
            os.fork()
            break
    while True:
        pass
"""
    session = start(text, wall_seconds=0.4, processes=32)
    began = time.monotonic()
    reply = session.call("solve")
    seconds = time.monotonic() - began
    assert reply.status is Status.TIMED_OUT
    # A fifth of a second is asked for; the rest is for machines that are busy with other tests.
    assert seconds < 0.4 + 1.0
    session.close()


def test_tasks_are_bounded_by_the_kernel() -> None:
    """Before the host's own count comes to it. A host that is root is nobody here, so that the kernel counts at all."""
    text = """
import threading, time
threading.stack_size(65536)
def solve():
    made = 0
    try:
        while made < 1000:
            threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
            made += 1
    except RuntimeError:
        return made
"""
    for processes in (1, 8):
        reply = run(text, processes=processes)
        assert reply.status is Status.OK, reply.error
        assert reply.value == processes + THREADS - 1 < MAX_THREADS
