"""Programs that look for what is not theirs: files, the network, the environment, the kernel, looser limits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hostile import nothing_left, run

from evolve.core.types import Status
from sandbox import seccomp
from sandbox.limits import MEBIBYTE

pytestmark = pytest.mark.bubblewrap

ROOT = Path(__file__).resolve().parents[2]

# Numbers of system calls that look into or out of a sandbox, by name as the kernel's headers have them.
LOOKING = {
    "x86_64": {
        "ptrace": 101, "process_vm_readv": 310, "io_uring_setup": 425, "bpf": 321, "userfaultfd": 323, "keyctl": 250,
        "mount": 165, "unshare": 272, "setns": 308, "perf_event_open": 298, "seccomp": 317, "kexec_load": 246,
        "pidfd_open": 434, "open_by_handle_at": 304, "memfd_create": 319, "socket": 41,
    },
    "aarch64": {
        "ptrace": 117, "process_vm_readv": 270, "io_uring_setup": 425, "bpf": 280, "userfaultfd": 282, "keyctl": 219,
        "mount": 40, "unshare": 97, "setns": 268, "perf_event_open": 241, "seccomp": 277, "kexec_load": 104,
        "pidfd_open": 434, "open_by_handle_at": 265, "memfd_create": 279, "socket": 198,
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with nothing_left():
        yield


def test_nothing_of_the_host_can_be_read() -> None:
    text = """
import os

def attempt(path):
    try:
        return repr(os.listdir(path)) if os.path.isdir(path) else open(path).read(9)
    except OSError as error:
        return type(error).__name__

def solve(paths):
    return [attempt(path) for path in paths], sorted(os.listdir("/")), sorted(os.listdir("/dev"))
"""
    paths = ["/etc/passwd", "/etc/shadow", "/etc/hostname", "/root", "/home", "/proc", "/proc/self/environ"]
    paths += ["/proc/1/mem", "/sys", "/var", "/run", "/boot", "/usr/bin/env", "/usr/share", "/dev/mem", "/dev/tty"]
    paths += [__file__, str(ROOT), str(ROOT / "evolve"), str(Path(np.__file__).parent), str(Path.home() / ".ssh")]
    found, root, devices = run(text, paths).value
    assert found == ["FileNotFoundError"] * len(paths)
    assert set(root) <= {"bin", "dev", "etc", "lib", "lib64", "opt", "tmp", "usr"}
    assert set(devices) == {"null", "urandom"}


def test_no_installed_package_can_be_imported_or_read() -> None:
    text = """
import importlib.util, os, sys

def solve(names):
    found = [name for name in names if importlib.util.find_spec(name)]
    for top in (*sys.path, "/opt"):
        for folder, _, files in os.walk(top):
            if folder.endswith(("site-packages", "dist-packages")):
                found += files
    return found
"""
    assert run(text, ["numpy", "pytest", "evolve", "sandbox", "pip", "wire"]).value == []


def test_nothing_outside_tmp_can_be_written() -> None:
    made, folder = run(
        """
import os

def attempt(function, *args):
    try:
        function(*args)
    except OSError as error:
        return error.errno

def solve():
    folders = ["/", "/usr", "/usr/lib", "/dev", "/opt", "/opt/runner", "/etc", os.path.dirname(os.__file__), "/bin"]
    folders = [folder for folder in folders if os.path.isdir(folder)]
    made = [attempt(open, os.path.join(folder, "x"), "w") for folder in folders]
    made += [attempt(os.mkdir, os.path.join(folder, "y")) for folder in folders]
    made.append(attempt(open, os.__file__, "a"))
    made.append(attempt(os.chmod, os.__file__, 0o777))
    made.append(attempt(os.unlink, "/opt/runner/runner.pyc"))
    made.append(attempt(os.rename, "/tmp", "/opt/x"))
    open("/tmp/x", "w").write("fine")
    return made, os.getcwd()
"""
    ).value
    assert folder == "/tmp"
    assert len(made) > 12
    assert None not in made


def test_tmp_is_limited() -> None:
    text = """
def solve():
    total = 0
    try:
        for number in range(100):
            with open(f"/tmp/{number}", "wb", buffering=0) as file:
                for _ in range(100):
                    total += file.write(bytes(100_000))
    except OSError as error:
        return total, error.errno
"""
    total, _ = run(text, file_bytes=2 * MEBIBYTE).value
    assert 1_500_000 < total <= 2 * MEBIBYTE


def test_a_flood_of_empty_files_is_stopped() -> None:
    text = "import os\ndef solve():\n    for n in range(10**9):\n        os.close(os.open(f'/tmp/{n}', os.O_CREAT))"
    reply = run(text)
    assert reply.status is Status.FORBIDDEN
    assert "files" in reply.error


def test_no_socket_of_any_kind() -> None:
    text = """
import socket

def attempt(function, *args):
    try:
        function(*args)
    except OSError as error:
        return type(error).__name__

def solve():
    families = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET, 38)
    made = [attempt(socket.socket, family, kind) for family in families for kind in (1, 2, 3)]
    return [*made, attempt(socket.socketpair)]
"""
    assert run(text).value == ["PermissionError"] * 19


def test_the_environment_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:sk-very-secret@host/db")
    environment = run("import os\ndef solve(): return dict(os.environ)").value
    assert "secret" not in str(environment)
    threads = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"}
    others = {"HOME", "LANG", "TZ", "PWD", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONUTF8", "PYTHONHASHSEED"}
    assert set(environment) <= threads | others


def test_system_calls_that_look_into_or_out_of_the_sandbox_are_denied() -> None:
    text = """
import ctypes

def solve(numbers):
    libc = ctypes.CDLL(None, use_errno=True)
    return [(libc.syscall(number, 0, 0, 0, 0, 0, 0), ctypes.get_errno()) for number in numbers]
"""
    numbers = list(LOOKING[os.uname().machine].values())
    assert run(text, numbers).value == [(-1, 1)] * len(numbers)


def test_the_tie_to_the_parent_can_not_be_cut_nor_a_namespace_made() -> None:
    clone = seccomp.allowed_numbers(os.uname().machine)["clone"]
    text = f"""
import ctypes

def solve():
    libc = ctypes.CDLL(None, use_errno=True)
    return [
        (libc.prctl(1, 0, 0, 0, 0), ctypes.get_errno()),
        (libc.syscall({clone}, 0x10000011, 0, 0, 0, 0), ctypes.get_errno()),
        (libc.syscall({clone}, 0x00000011, 0, 0, 0, 0), ctypes.get_errno()),
    ]
"""
    assert run(text).value == [(-1, 1)] * 3


def test_limits_can_not_be_raised() -> None:
    text = """
import resource

def refused(function, *args):
    try:
        function(*args)
    except (ValueError, OSError):
        return 1
    return 0

def solve():
    count = 0
    for name in ("AS", "CPU", "FSIZE", "NOFILE", "CORE"):
        kind = getattr(resource, "RLIMIT_" + name)
        for wish in (resource.getrlimit(kind)[1] + 1, resource.RLIM_INFINITY):
            count += refused(resource.setrlimit, kind, (wish, wish))
            count += refused(resource.prlimit, 1, kind, (wish, wish))
    return count, resource.getrlimit(resource.RLIMIT_AS)
"""
    assert run(text, memory_bytes=200 * MEBIBYTE).value == (20, (200 * MEBIBYTE, 200 * MEBIBYTE))
