"""Sessions in bubblewrap: what they give, what they cost, what they leave, and what is said when they can not be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import SANDBOX, WITH_NUMPY, children, gone, nothing_left, start

from evolve.core.clock import process_cpu_seconds
from evolve.core.errors import CallOrderError, InfrastructureError, ProblemError, UsageError
from evolve.core.types import Source, Status
from sandbox import bubblewrap, bubblewrap_check, mounts, packages, pairing
from sandbox.base import Reply
from sandbox.bubblewrap import BubblewrapSandbox, available
from sandbox.limits import MEBIBYTE, Limits

pytestmark = pytest.mark.bubblewrap

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.fixture
def fresh_check() -> Iterator[None]:
    bubblewrap_check.check.cache_clear()
    yield
    bubblewrap_check.check.cache_clear()


def program(text: str) -> Source:
    return Source({"program.py": text}, "solve")


def once(text: str, *args: Any, sandbox: BubblewrapSandbox = SANDBOX, seed: int = 0, **limits: Any) -> Reply:
    session = sandbox.open(program(text), Limits(**limits), seed=seed)
    try:
        return session.call("solve", *args)
    finally:
        session.close()


def dead(pid: int) -> bool:
    """Gone, or waiting for an init process that takes its time to bury it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_reply_has_value_output_times_and_memory() -> None:
    text = """
def solve(n):
    print('hello')
    big = bytearray(30_000_000)
    big[::4096] = b'x' * len(big[::4096])
    return sum(range(n))
"""
    reply = once(text, 1000)
    assert (reply.status, reply.value, reply.error, reply.died) == (Status.OK, 499500, "", False)
    assert reply.output == "hello\n"
    assert 0 < reply.cpu_seconds < 5
    assert 0 < reply.wall_seconds < 5
    assert 30 * MEBIBYTE < reply.peak_bytes < 100 * MEBIBYTE


def test_large_arguments_and_large_replies_cross() -> None:
    reply = once("def solve(x, y):\n    return y, x\n", b"a" * 5_000_000, list(range(500_000)))
    assert reply.value == (list(range(500_000)), b"a" * 5_000_000)
    numbers = np.arange(2_000_000, dtype="f8")
    reply = once("def solve(x):\n    return x[::2] * 2\n", numbers, sandbox=WITH_NUMPY)
    assert np.array_equal(reply.value, numbers[::2] * 2)


def test_a_driver_gets_the_candidates_entry() -> None:
    driver = """
calls = []

def drive(candidate, n):
    calls.append(n)
    return [candidate(i) for i in range(n)], calls
"""
    session = SANDBOX.open(program("def solve(x):\n    return x * x\n"), Limits(), driver=driver)
    assert session.call("drive", 3).value == ([0, 1, 4], [3])
    assert session.call("drive", 1).value == ([0], [3, 1])
    assert "driver.py defines no solve" in session.call("solve", 1).error
    session.close()


def test_an_exception_in_the_candidate_shows_both_files() -> None:
    driver = "def drive(f, x):\n    return f(x)\n"
    session = SANDBOX.open(program("def solve(x):\n    return 1 / x\n"), Limits(), driver=driver)
    reply = session.call("drive", 0)
    session.close()
    assert reply.status is Status.CRASHED
    assert reply.error == (
        "  driver.py, line 2, in drive\n    return f(x)\n"
        "  program.py, line 2, in solve\n    return 1 / x\nZeroDivisionError: division by zero"
    )


def test_a_driver_that_fails_is_the_problems_fault() -> None:
    with pytest.raises(ProblemError, match=r"driver\.py fails on load:\n  driver\.py, line 2, in <module>"):
        SANDBOX.open(program("def solve(): pass"), Limits(), driver="x = 1\nimport nonsense\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def solve(:\n", "    def solve(:\nSyntaxError: invalid syntax (program.py, line 1)"),
        ("x = 1\n", "NameError: program.py defines no solve"),
        ("import numpy\n", "ModuleNotFoundError: No module named 'numpy'"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("def f(): f()\nf()\n", "RecursionError"),
    ],
)
def test_a_program_that_does_not_load_answers_every_call_with_the_reason(text: str, said: str) -> None:
    session = SANDBOX.open(program(text), Limits())
    first, second = session.call("solve"), session.call("other", 1)
    session.close()
    assert first is second
    assert (first.status, first.died) == (Status.CRASHED, False)
    assert said in first.error


def test_loading_is_limited_like_a_call() -> None:
    reply = once("while True: pass\n", cpu_seconds=0.2)
    assert reply.status is Status.TIMED_OUT
    assert reply.cpu_seconds > 0.2
    assert once("x = [0] * 10**10\ndef solve(): pass").status is Status.OUT_OF_MEMORY


def test_several_files_import_one_another() -> None:
    main = "import helper\ndef solve(x):\n    return helper.twice(x)\n"
    files = {"program.py": main, "helper.py": "def twice(x):\n    return x * 2\n"}
    session = SANDBOX.open(Source(files, "solve"), Limits())
    assert session.call("solve", 4).value == 8
    session.close()


def test_a_seed_fixes_random_and_hash() -> None:
    text = "import random\ndef solve():\n    return random.random(), hash('x'), list({'a', 'b', 'c'})\n"
    one, two, three = (once(text, seed=seed).value for seed in (5, 5, 6))
    assert one == two
    assert one[0] != three[0]
    assert one[1] != three[1]


def test_a_seed_fixes_numpys_random() -> None:
    text = "import numpy\ndef solve():\n    return numpy.random.rand(3)\n"
    one, two, three = (once(text, sandbox=WITH_NUMPY, seed=seed).value for seed in (1, 1, 2**40 + 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, three)


def test_processor_time_is_charged_from_the_reply_before() -> None:
    text = "import time\ndef solve(s):\n    end = time.process_time() + s\n    while time.process_time() < end: pass\n"
    session = start(text)
    first, second, third = (session.call("solve", seconds) for seconds in (0.1, 0.2, 0.0))
    session.close()
    assert 0.1 < first.cpu_seconds < 0.4
    assert 0.2 <= second.cpu_seconds < 0.25
    assert third.cpu_seconds < 0.02
    assert second.wall_seconds >= second.cpu_seconds * 0.99


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_quick_calls_share_a_processor_and_nothing_stays_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "WORTH_SECONDS", 0.0)
    ours = os.sched_getaffinity(0)
    session = start("import time\ndef solve(seconds): time.sleep(seconds)", wall_seconds=0.5)
    pid = session._child.pid

    def pair() -> bool:
        session.call("solve", 0)
        assert os.sched_getaffinity(0) == ours
        return len(os.sched_getaffinity(pid)) == 1

    assert any(pair() for _ in range(1000))
    session.call("solve", 0.05)
    assert os.sched_getaffinity(pid) == ours
    assert any(pair() for _ in range(1000))
    assert session.call("solve", 9).status is Status.TIMED_OUT
    session.close()
    assert os.sched_getaffinity(0) == ours


FORKING = """
import os, signal, time

def burn():
    pid = os.fork()
    if pid == 0:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        os._exit(7)
    return pid

def solve():
    return [os.waitstatus_to_exitcode(os.waitpid(burn(), 0)[1]) for _ in range(4)]

def hidden():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(4):
        pid = burn()
        try:
            while True:
                time.sleep(0.005)
                os.kill(pid, 0)
        except ProcessLookupError:
            pass
"""


@pytest.mark.parametrize(("entry", "value"), [("solve", [7] * 4), ("hidden", None)])
def test_processes_are_allowed_where_the_limits_say_so_and_their_time_is_charged(entry: str, value: Any) -> None:
    session = start(FORKING, processes=3)
    session.call("nothing")
    reply = session.call(entry)
    session.close()
    assert (reply.status, reply.value) == (Status.OK, value)
    assert 0.3 < reply.cpu_seconds < 0.6


def test_close_twice_and_no_call_after() -> None:
    session = start("def solve(): return 1")
    assert session.call("solve").value == 1
    pid = session._child.pid
    session.close()
    session.close()
    assert gone(pid)
    with pytest.raises(CallOrderError):
        session.call("solve")
    with pytest.raises(OSError):
        process_cpu_seconds(pid)


def test_arguments_that_are_not_plain_data_are_our_fault() -> None:
    session = start("def solve(x): return x")
    with pytest.raises(ProblemError, match=r"args\[0\]\['a'\]: a value of type set"):
        session.call("solve", {"a": {1}})
    assert session.call("solve", 2).value == 2
    session.close()


def test_a_kill_takes_less_than_a_fifth_of_a_second() -> None:
    session = start("x = bytearray(b'x') * (200 << 20)\ndef solve():\n    while True: pass", wall_seconds=1.0)
    pid, started = session._child.pid, time.monotonic()
    reply = session.call("solve")
    seconds = time.monotonic() - started
    assert reply.status is Status.TIMED_OUT
    assert gone(pid)
    assert seconds < 1.2
    assert session.call("solve") is reply
    session.close()


def test_an_interrupted_call_leaves_nothing() -> None:
    session = start("def solve():\n    while True: pass")
    pid = session._child.pid
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        session.call("solve")
    timer.join()
    assert gone(pid)
    with pytest.raises(CallOrderError):
        session.call("solve")


ENDINGS = {
    "def solve(): return 1": Status.OK,
    "1 /": Status.CRASHED,
    "import os\ndef solve(): os._exit(1)": Status.CRASHED,
    "def solve(): print('x' * 99)": Status.OUTPUT_FLOOD,
}


def test_a_hundred_sessions_leave_no_descriptor_process_or_thread() -> None:
    once("def solve(): return 1")
    before = len(os.listdir("/proc/self/fd")), children(), threading.active_count()
    for _ in range(25):
        for text, status in ENDINGS.items():
            assert once(text, output_bytes=50).status is status
    assert (len(os.listdir("/proc/self/fd")), children(), threading.active_count()) == before


def test_distinct_sessions_work_from_several_threads() -> None:
    text = "total = 0\ndef solve(x):\n    global total\n    total += x\n    return total\n"

    def play(number: int) -> list[Any]:
        session = start(text)
        try:
            return [session.call("solve", number).value for _ in range(50)]
        finally:
            session.close()

    with ThreadPoolExecutor(6) as pool:
        for number, values in enumerate(pool.map(play, range(18))):
            assert values == [number * (i + 1) for i in range(50)]


HOST = """
import threading
from evolve.core.types import Source
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.limits import Limits

text = "import os\\ndef solve():\\n    if os.fork() == 0: os.setsid()\\n    while True: pass\\n"
session = BubblewrapSandbox().open(Source({"program.py": text}, "solve"), Limits(processes=4))
child = session._child
threading.Timer(0.5, lambda: print(child.launcher.pid, child.pid, *child.descendants(), flush=True)).start()
session.call("solve")
"""


def test_the_tree_dies_when_its_host_is_killed() -> None:
    host = subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    assert host.stdout is not None
    pids = [int(pid) for pid in host.stdout.readline().split()]
    assert len(pids) == 3
    host.send_signal(signal.SIGKILL)
    host.wait()
    host.stdout.close()
    deadline = time.monotonic() + 5
    while not all(map(dead, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert all(map(dead, pids))


LIMITED = """
import resource
from evolve.core.types import Source
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.limits import Limits

text = "import resource\\ndef solve(): return resource.getrlimit(resource.RLIMIT_AS)"
resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
session = BubblewrapSandbox().open(Source({"program.py": text}, "solve"), Limits(memory_bytes=2**40))
print(session.call("solve").value)
session.close()
"""


def test_a_host_with_limits_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert done.stdout == "(4294967296, 4294967296)\n"


def test_packages_are_what_was_declared_and_what_that_requires() -> None:
    found = packages.resolve(("pydantic",))
    assert {"pydantic", "pydantic_core", "annotated_types"} <= set(found)
    assert not {"numpy", "rich", "pip", "evolve"} & set(found)
    assert packages.modules(("pydantic",)) == ["pydantic"]
    text = """
import os, pydantic

def solve():
    return pydantic.TypeAdapter(int).validate_python("3"), sorted(os.listdir("/opt/packages"))
"""
    assert once(text, sandbox=BubblewrapSandbox(("pydantic",))).value == (3, sorted(found))


@pytest.mark.parametrize("name", ["no-such-package", "../evil", "", "a b"])
def test_a_package_that_is_not_there(name: str) -> None:
    with pytest.raises(ProblemError, match=r"packages in problem.toml: .*is not installed") as caught:
        BubblewrapSandbox(("numpy", name))
    assert caught.value.remedy == f"Type: pip install {name}"


@pytest.mark.parametrize("name", ["evolve-discovery", "Evolve_Discovery"])
def test_the_project_is_no_package(name: str) -> None:
    with pytest.raises(ProblemError, match="Evolve's own files"):
        BubblewrapSandbox((name,))


def test_too_little_memory_is_refused_with_the_least_that_works() -> None:
    least = SANDBOX.minimum_memory_bytes()
    assert 8 * MEBIBYTE < least < 128 * MEBIBYTE
    assert once("def solve(): return 1", memory_bytes=least).value == 1
    with pytest.raises(ProblemError, match=r"limits.memory_mebibytes is 4,") as caught:
        SANDBOX.open(program("def solve(): return 1"), Limits(memory_bytes=4 * MEBIBYTE))
    assert f": {least // MEBIBYTE} work here" in caught.value.message
    assert f"at least {least // MEBIBYTE}." in caught.value.remedy


def test_the_least_memory_counts_the_packages() -> None:
    need = WITH_NUMPY.minimum_memory_bytes()
    assert need > SANDBOX.minimum_memory_bytes()
    text = "import numpy\ndef solve(): return 1"
    assert once(text, memory_bytes=need, sandbox=WITH_NUMPY).value == 1


def fake_bwrap(folder: Path, text: str) -> str:
    path = folder / "bwrap"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("installer", ["apt-get", "dnf", "pacman", "zypper"])
def test_not_installed(installer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_check: None) -> None:
    (tmp_path / installer).write_text("#!/bin/sh\n")
    (tmp_path / installer).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=rf"bubblewrap is not installed\n.*{installer} .*bubblewrap"):
        SANDBOX.open(program("def solve(): pass"), Limits())
    assert "is not installed" in (available() or "")


def test_not_permitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_check: None) -> None:
    said = "bwrap: setting up uid map: Permission denied"
    monkeypatch.setenv("PATH", fake_bwrap(tmp_path, f"echo noise >&2; echo '{said}' >&2; exit 1"))
    with pytest.raises(UsageError, match=said) as caught:
        bubblewrap.check()
    assert caught.value.remedy
    assert "\n" not in caught.value.message
    assert said in (available() or "")


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("kernel.apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel.unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user.max_user_namespaces", "0", "user.max_user_namespaces=15000"),
    ],
)
def test_the_remedy_names_the_setting_that_forbids(
    name: str, value: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path.joinpath(*name.split("."))
    path.parent.mkdir()
    path.write_text(f"{value}\n")
    monkeypatch.setattr(bubblewrap_check, "SETTINGS_FOLDER", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert bubblewrap_check.permission_remedy() == f"Type: sudo sysctl -w {remedy}"


def test_the_remedy_in_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bubblewrap_check, "SETTINGS_FOLDER", str(tmp_path))
    monkeypatch.setattr(bubblewrap_check, "CONTAINER_MARKS", (str(tmp_path),))
    assert "docker run" in bubblewrap_check.permission_remedy()


def test_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_check: None) -> None:
    monkeypatch.setenv("PATH", fake_bwrap(tmp_path, "echo 'bwrap: Unknown option --size' >&2; exit 1"))
    with pytest.raises(UsageError, match="too old: bwrap: Unknown option --size"):
        bubblewrap.check()


def test_a_sandbox_that_stops_working_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_check: None
) -> None:
    bubblewrap.check()
    log = tmp_path / "log"
    monkeypatch.setenv("PATH", fake_bwrap(tmp_path, f"echo x >> {log}; echo 'bwrap: out of luck' >&2; exit 1"))
    with pytest.raises(UsageError, match="out of luck"):
        SANDBOX.open(program("def solve(): pass"), Limits())
    assert log.read_text().count("x") == bubblewrap.ATTEMPTS + 1


def test_a_sandbox_that_works_but_does_not_start_is_a_fault_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_check: None
) -> None:
    # The check passes --clearenv without --info-fd, a session has both.
    text = "case \"$*\" in *--info-fd*) echo 'bwrap: out of luck' >&2; exit 1;; esac"
    monkeypatch.setenv("PATH", fake_bwrap(tmp_path, text))
    with pytest.raises(InfrastructureError, match="3 attempts: bwrap: out of luck"):
        SANDBOX.open(program("def solve(): pass"), Limits())


def test_a_project_inside_what_is_shown_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "__file__", str(tmp_path / "lib" / "project" / "sandbox" / "mounts.py"))
    for name in ("project/sandbox", "python3.11/site-packages", "python3/dist-packages", "other"):
        (tmp_path / "lib" / name).mkdir(parents=True)
    hidden = mounts.hidden_folders([(tmp_path / "lib", Path("/opt/python/lib"))])
    names = ("project", "python3.11/site-packages", "python3/dist-packages")
    assert set(hidden) == {f"/opt/python/lib/{name}" for name in names}
