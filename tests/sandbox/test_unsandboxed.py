"""No sandbox: limits and clocks hold all the same, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from evolve.core.errors import ProblemError, UsageError
from evolve.core.types import Source, Status
from sandbox import backends
from sandbox.base import Reply
from sandbox.config import NoSandboxConfig
from sandbox.limits import MEBIBYTE, Limits
from sandbox.mounts import Tools
from sandbox.unsandboxed import UnsandboxedSandbox

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="there on Linux only")
LIMITS = Limits(wall_seconds=20.0, cpu_seconds=2.0, memory_bytes=256 * MEBIBYTE)


def reply(text: str, *args: object, limits: Limits = LIMITS, packages: tuple[str, ...] = ()) -> Reply:
    session = UnsandboxedSandbox(packages).open(Source({"program.py": text}, "f"), limits, seed=3)
    try:
        return session.call("f", *args)
    finally:
        session.close()


def test_packages_seeds_and_a_folder_of_its_own() -> None:
    text = "import numpy, os, random\ndef f(x):\n    return [float(numpy.sqrt(x)), random.random(), os.getcwd()]\n"
    first, second = (reply(text, 9.0, packages=("numpy",)) for _ in range(2))
    assert first.value[0] == 3.0 and first.value[1] == second.value[1]
    assert first.value[2] != second.value[2] and not Path(first.value[2]).exists()


def test_the_environment_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_KEY", "planted")
    assert "planted" not in str(reply("import os\ndef f():\n    return dict(os.environ)\n").value)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("while True: pass", Status.TIMED_OUT),
        ("return len(bytearray(1 << 30))", Status.OUT_OF_MEMORY),
        ("print('x' * (4 << 20))", Status.OUTPUT_FLOOD),
        ("return 1 / 0", Status.CRASHED),
        ("return {1, 2}", Status.INVALID),
        ("import os; os._exit(0)", Status.CRASHED),
        ("import os\n    for _ in range(3): os.fork() or __import__('time').sleep(60)\n    while True: pass", None),
    ],
)
def test_limits_hold(body: str, status: Status | None) -> None:
    found = reply(f"def f():\n    {body}\n")
    assert found.status is (status or Status.FORBIDDEN), found.error


def test_too_little_memory_is_the_problems() -> None:
    with pytest.raises(ProblemError, match="too little for the interpreter") as caught:
        reply("def f():\n    return 1\n", limits=Limits(memory_bytes=4 * MEBIBYTE))
    assert "memory_mebibytes" in caught.value.remedy


def test_children_that_hide_end_with_it() -> None:
    """A grandchild in a session of its own, whose parent is gone, is found by its mark."""
    body = (
        "import os, subprocess, sys, time\ndef f(name):\n"
        "    code = 'import os, sys, time; open(sys.argv[1], \"w\").write(str(os.getpid())); time.sleep(300)'\n"
        "    if os.fork() == 0:\n"
        "        subprocess.Popen([sys.executable, '-c', code, name], start_new_session=True)\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "    while not os.path.exists(name) or not open(name).read(): time.sleep(0.01)\n"
        "    return os.getpid()\n"
    )
    name = f"/tmp/evolve-test-{os.getpid()}"
    try:
        assert reply(body, name, limits=replace(LIMITS, processes=8)).status is Status.OK
        hidden = int(Path(name).read_text())
    finally:
        Path(name).unlink(missing_ok=True)
    deadline = time.monotonic() + 5.0
    while Path(f"/proc/{hidden}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{hidden}").exists()


def test_it_dies_with_who_started_it(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom evolve.core.types import Source\nfrom sandbox.limits import Limits\n"
        "from sandbox.unsandboxed import UnsandboxedSandbox\n"
        "text = 'import os\\ndef f():\\n    open(NAME, \"w\").write(str(os.getpid()))\\n    while True: pass\\n'\n"
        f"text = text.replace('NAME', repr({str(tmp_path / 'pid')!r}))\n"
        "UnsandboxedSandbox().open(Source({'program.py': text}, 'f'), Limits(cpu_seconds=60)).call('f')\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2]) as owner:
        deadline = time.monotonic() + 20.0
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        owner.send_signal(signal.SIGKILL)
    pid = int((tmp_path / "pid").read_text())
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()
    UnsandboxedSandbox()
    assert not list(Path(tempfile.gettempdir()).glob(f"evolve-session-{owner.pid}-*"))


def test_commands_are_refused() -> None:
    """They end all that they can reach."""
    with pytest.raises(UsageError, match="commands are not run without a sandbox") as caught:
        backends.create(NoSandboxConfig(), (), Tools())
    assert "--sandbox bubblewrap" in caught.value.remedy


def test_its_record_says_that_nothing_is_isolated() -> None:
    kept = UnsandboxedSandbox().confinement(LIMITS)
    assert (kept.backend, kept.clock, kept.details["isolation"]) == ("none", "process", "none")
    assert kept.limits["memory_bytes"][0] == LIMITS.memory_bytes
