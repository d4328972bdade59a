"""No sandbox: a plain process with limits and the host's clock, for programs that are trusted. Linux only.

It can read and change whatever its user can, reach the network, and tell its session from others. What it starts is
counted, and killed with it, but for what hides on purpose. Never chosen by itself: somebody asks for it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from evolve.core.errors import InfrastructureError, UsageError
from evolve.core.types import Source, Status
from sandbox import packages, procfs
from sandbox.base import Confinement
from sandbox.box import ENVIRONMENT, hash_seed
from sandbox.launch import StartError, pipes
from sandbox.limits import Limits
from sandbox.monitor import Stopped
from sandbox.mounts import Tools
from sandbox.order import order, refused
from sandbox.process import Child, kill, offer_to_the_oom_killer
from sandbox.session import ProcessSession
from sandbox.shortage import REMEDY, shortage

WARNING = (
    "no sandbox: the programs of this run, whoever wrote them, can read, change and send away whatever you can. "
    "Only for programs that you trust."
)
ROUNDS = 20
_MARK, _FOLDER = "EVOLVE_SESSION", "evolve-session-"
_RUNNER = Path(__file__).with_name("runner.py")
# prctl(2): PR_SET_PDEATHSIG is 1. Before anything else, so that nothing outlives the thread that started it.
_START = (
    "import ctypes, runpy, sys; ctypes.CDLL(None).prctl(1, 9, 0, 0, 0); del sys.argv[0]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
_PYTHON_FLAGS = ("-s", "-S", "-B", "-P", "-u")


class UnsandboxedSandbox:
    """A `Sandbox` (see `sandbox.base`) that isolates nothing; thread-safe.

    Raises ProblemError where a package is not installed, UsageError for commands, which must not run without a sandbox
    because they end all processes that they can reach, and on other systems than Linux.
    """

    def __init__(self, packages: tuple[str, ...] = (), tools: Tools | None = None) -> None:
        if tools is not None:
            raise UsageError(
                "commands are not run without a sandbox: they end all other processes that they can reach",
                "Use --sandbox bubblewrap.",
            )
        if not sys.platform.startswith("linux"):
            raise UsageError("--sandbox none is there on Linux only", "Use --sandbox docker.")
        self._path = _folders(packages)
        _sweep()

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> ProcessSession:
        """See `Sandbox`.

        Raises:
            ProblemError: the memory limit is too small for the interpreter, or the driver fails on load.
            InfrastructureError: the process could not be started.
        """
        if limits.gpus:
            raise UsageError("--sandbox none does not lend GPUs", "Use --sandbox bubblewrap or --sandbox docker.")
        try:
            session = ProcessSession(_start(seed), replace(limits, processes=max(2, limits.processes)))
            refusal = session.begin(order(source, limits, driver, seed, None, path=self._path))
        except StartError as error:
            raise InfrastructureError(f"a process could not be started: {error}", REMEDY) from None
        except OSError as error:
            raise shortage("a process could not be started", error) or error from None
        except Stopped as stop:
            if stop.status is not Status.OUT_OF_MEMORY:
                raise InfrastructureError(f"a process did not come up: {stop.text}", REMEDY) from None
            refusal = ("memory", "")
        if refusal is None:
            return session
        raise refused(refusal, limits, None)

    def confinement(self, limits: Limits) -> Confinement:
        """See `Sandbox`. Starts nothing."""
        bounds: dict[str, tuple[float, str]] = {
            "wall_seconds": (limits.wall_seconds, "the host's clock"),
            "cpu_seconds": (limits.cpu_seconds, "the kernel's clock of the process, read by the host"),
            "memory_bytes": (limits.memory_bytes, "address space of each process"),
            "file_bytes": (limits.file_bytes, "size of each file"),
            "processes": (max(2, limits.processes), "count by the host"),
            "output_bytes": (limits.output_bytes, "count by the host"),
            "reply_bytes": (limits.reply_bytes, "count by the host"),
        }
        return Confinement("none", "one process at a time", "process", bounds, {"isolation": "none"})

    def close(self) -> None:
        """Nothing is kept between sessions."""


class Unconfined(Child):
    """A process that sees this machine's own files and network, which say nothing of it."""

    def files(self, folder: str) -> tuple[int, int]:
        """Unknown."""
        return 0, 0

    def sockets(self) -> int:
        """Unknown."""
        return 0


@dataclass(slots=True)
class Plain:
    """This process as the launcher of one of its own children, which began a session and a group of processes."""

    popen: subprocess.Popen[bytes]
    mark: str
    folder: str

    def spent_cpu_seconds(self) -> float:
        """What starts the process is this process, which is none of its time."""
        return 0.0

    def reap(self) -> tuple[int, float]:
        """Of the process and all that it waited for. What it left behind is killed; its folder is removed."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.popen.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        self.popen.returncode = code
        for _ in range(ROUNDS):
            if not _kill_marked(self.mark):
                break
        shutil.rmtree(self.folder, ignore_errors=True)
        return code if code >= 0 else 128 - code, usage.ru_utime + usage.ru_stime


def _start(seed: int) -> Unconfined:
    """A runner that waits for its order. Raises StartError and OSError."""
    mark, folder = secrets.token_hex(16), tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-")
    environment = {**ENVIRONMENT, "PYTHONHASHSEED": str(hash_seed(seed)), "PATH": os.defpath}
    environment |= {"HOME": folder, "TMPDIR": folder, _MARK: mark}
    numbers: list[int] = []
    try:
        calls, call_fd, reply_fd, replies, output_fd, output = numbers = pipes(3)
        popen = _popen(environment, calls, replies, output)
    except BaseException:
        for number in numbers:
            os.close(number)
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for number in (calls, replies, output):
        os.close(number)
    for number in (call_fd, reply_fd, output_fd):
        os.set_blocking(number, False)
    child = Unconfined(Plain(popen, mark, folder), popen.pid, -1, -1, call_fd, reply_fd, output_fd)
    try:
        child.pidfd = os.pidfd_open(popen.pid)
        child.status_fd = os.open(f"/proc/{popen.pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        popen.kill()
        child.stop()
        child.close()
        raise
    offer_to_the_oom_killer(popen.pid)
    return child


def _popen(environment: dict[str, str], calls: int, replies: int, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *_PYTHON_FLAGS, "-c", _START, str(_RUNNER), str(calls), str(replies)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        cwd=environment["HOME"],
        pass_fds=(calls, replies),
        start_new_session=True,
    )


def _sweep() -> None:
    """Removes the folders of sessions whose owner was killed, as far as we may."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        owner = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if owner.isdigit() and not os.path.exists(f"/proc/{owner}") and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


def _kill_marked(mark: str) -> int:
    """Kills every process that began with the mark in its environment; how many there were."""
    wanted = f"{_MARK}={mark}".encode()
    found = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        if wanted not in procfs.read(f"/proc/{name}/environ").split(b"\0"):
            continue
        with suppress(OSError):
            pidfd = os.pidfd_open(int(name))
            try:
                if wanted in procfs.read(f"/proc/{name}/environ").split(b"\0"):
                    kill(pidfd)
                    found += 1
            finally:
                os.close(pidfd)
    return found


def _folders(names: tuple[str, ...]) -> list[str]:
    return sorted({str(path.parent) for path in packages.resolve(names).values()})
