"""Programs that look for what is not theirs: files, the network, the environment, the kernel, looser limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hostile import nothing_left, run

from evolve.core.types import Status
from sandbox.limits import MEBIBYTE

pytestmark = pytest.mark.bubblewrap

ROOT = Path(__file__).resolve().parents[2]


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
