"""The default sandbox on Linux: one bwrap per session, with namespaces of its own and nothing of the user's.

What keeps a program in: user, pid, net, ipc, uts and cgroup namespaces; a read-only system without /proc, /etc,
/home or the project (`mounts`); a private /tmp of limited size; an empty environment; no capabilities; a list of
allowed system calls (`seccomp`); hard resource limits (`runner`); and the host's own clocks (`monitor`). The whole
tree dies with the thread that opened the session.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sysconfig
from collections.abc import Mapping
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

from evolve.core.errors import InfrastructureError, ProblemError
from evolve.core.types import Source
from sandbox import mounts, packages, seccomp
from sandbox.bubblewrap_check import NAMESPACES, available, bwrap, check
from sandbox.limits import MEBIBYTE, Limits
from sandbox.monitor import Stopped
from sandbox.process import Child, StartError, start
from sandbox.session import START_SECONDS, ProcessSession
from sandbox.shortage import REMEDY

__all__ = ["BubblewrapSandbox", "available", "check"]

ATTEMPTS = 3
THREADS = 64
"""Tasks beyond its processes that a program may have by the kernel's own count, where that is kept by namespace."""
LARGEST_MEMORY_BYTES = 16384 * MEBIBYTE

_ENVIRONMENT = {
    "HOME": "/tmp",  # noqa: S108
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONUTF8": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_PYTHON_FLAGS = ("-s", "-S", "-B", "-P", "-u")
_LEAST_FILE_BYTES = 4096


class BubblewrapSandbox:
    """A `Sandbox` (see `sandbox.base`) whose programs may import the declared packages and the standard library.

    With `tools` they may also start the system's programs, as far as the limits allow processes.
    Raises ProblemError, naming the key, where a package is not installed.

    Example::

        session = BubblewrapSandbox(("numpy",)).open(source, Limits(cpu_seconds=2.0), seed=7)
    """

    def __init__(self, packages: tuple[str, ...] = (), tools: mounts.Tools | None = None) -> None:
        self.packages = tuple(packages)
        self.tools = tools
        self._paths = _resolve(self.packages)

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> ProcessSession:
        """See `Sandbox`.

        Raises:
            UsageError: bubblewrap is not installed or not permitted; the remedy is the command that mends it.
            ProblemError: the memory limit is too small for the interpreter, or the driver fails on load.
            InfrastructureError: no session could be started, several times over.
        """
        check()
        order = self._order(source, limits, driver, seed)
        said = ""
        for _ in range(ATTEMPTS):
            session = None
            try:
                session = ProcessSession(self._start(limits, seed), limits)
                refusal = session.begin(order)
            except (StartError, Stopped) as error:
                said = (session.output if session else "") or str(error)
                continue
            if refusal is None:
                return session
            raise self._refused(refusal, limits)
        check.cache_clear()
        check()
        raise InfrastructureError(
            f"a sandbox could not be started in {ATTEMPTS} attempts: {said.strip()[-500:]}",
            REMEDY,
        )

    @cached_property
    def _least_memory_bytes(self) -> int:
        names = packages.modules(self.packages)
        text = "def probe():\n" + "".join(f"    import {name}\n" for name in names) + "    return None\n"
        source = Source({"program.py": text}, "probe")
        memory_bytes = LARGEST_MEMORY_BYTES
        session = self.open(source, Limits(memory_bytes=memory_bytes))
        try:
            reply = session.call("probe")
            memory_bytes = session.peak_space_bytes()
        finally:
            session.close()
        if reply.error:
            raise ProblemError(
                f"packages in problem.toml: they can not be imported in the sandbox: {reply.error}",
                f"See whether this works outside: import {', '.join(names)}",
            )
        return (memory_bytes // (4 * MEBIBYTE) + 2) * 4 * MEBIBYTE

    def minimum_memory_bytes(self) -> int:
        """The smallest `memory_bytes` with which the interpreter starts and imports the packages; measured once.

        Raises ProblemError where a package can not be imported in the sandbox, and what `open` raises.
        """
        return self._least_memory_bytes

    def _order(self, source: Source, limits: Limits, driver: str | None, seed: int) -> dict[str, Any]:
        return {
            "files": dict(source.files),
            "entry": source.entry,
            "driver": driver,
            "seed": seed,
            "path": [mounts.PACKAGES] if self.packages else [],
            "memory_bytes": limits.memory_bytes,
            "file_bytes": limits.file_bytes,
            "reply_bytes": limits.reply_bytes,
            "total_cpu_seconds": max(3600, int(100 * limits.cpu_seconds)),
            "tasks": limits.processes + THREADS if _tasks_are_counted_by_namespace() else 0,
        }

    def _start(self, limits: Limits, seed: int) -> Child:
        script = mounts.view(self._paths, self.tools).script.encode()
        texts = {"runner": _compiled("runner"), "wire": _compiled("wire"), "rules": self._rules(limits)}
        # bwrap closes what it reads; anything else would stay open in the sandbox.
        texts |= ({"script": script} if script else {}) | ({"null": b""} if self.tools and self.tools.builds else {})
        passed: dict[str, int] = {}
        try:
            for name, text in texts.items():
                passed[name] = _in_memory(text)
            return start(partial(self._command, limits, seed, passed), [*passed.values()], START_SECONDS)
        except OSError as error:
            raise StartError(str(error)) from None
        finally:
            for number in passed.values():
                os.close(number)

    def _rules(self, limits: Limits) -> bytes:
        tools = self.tools
        if tools is None:
            return seccomp.program(limits.processes > 1)
        return seccomp.program(
            limits.processes > 1, tools=True, builds=tools.builds, handles_children=tools.handles_children
        )

    def _command(
        self, limits: Limits, seed: int, passed: Mapping[str, int], calls: int, replies: int, info: int
    ) -> list[str]:
        system = mounts.view(self._paths, self.tools)
        environment = {**_ENVIRONMENT, "PYTHONHASHSEED": str(seed % 2**32)}
        if sysconfig.get_config_var("Py_ENABLE_SHARED"):
            environment["LD_LIBRARY_PATH"] = system.library
        command = [bwrap(), *NAMESPACES, *system.options]
        command += ["--size", str(max(limits.file_bytes, _LEAST_FILE_BYTES)), "--tmpfs", "/tmp"]  # noqa: S108
        command += ["--file", str(passed["runner"]), f"{mounts.RUNNER}/runner.pyc"]
        command += ["--file", str(passed["wire"]), f"{mounts.RUNNER}/wire.pyc"]
        if "script" in passed:
            command += ["--perms", "0755", "--file", str(passed["script"]), f"{mounts.PYTHON}/bin/python3"]
        if "null" in passed:
            command += ["--perms", "0666", "--bind-data", str(passed["null"]), os.devnull]
        command += [*system.folders, "--remount-ro", "/", "--chdir", "/tmp", "--clearenv"]  # noqa: S108
        for name, value in environment.items():
            command += ["--setenv", name, value]
        command += ["--seccomp", str(passed["rules"]), "--info-fd", str(info), "--", system.executable, *_PYTHON_FLAGS]
        return [*command, f"{mounts.RUNNER}/runner.pyc", str(calls), str(replies)]

    def _refused(self, refusal: tuple[str, str], limits: Limits) -> ProblemError:
        what, text = refusal
        if what == "driver":
            return ProblemError(f"driver.py fails on load:\n{text}", "Mend the file.")
        least = self.minimum_memory_bytes()
        return ProblemError(
            f"limits.memory_bytes is {limits.memory_bytes}, too little for the interpreter alone: {least} work here",
            f"Set memory_mebibytes under [limits] in problem.toml to at least {least // MEBIBYTE}.",
        )


def _resolve(names: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(path for _, path in sorted(packages.resolve(names).items()))


@cache
def _compiled(name: str) -> bytes:
    """A module of this package as the file that an interpreter of this version runs without compiling."""
    path = Path(__file__).with_name(f"{name}.py")
    code = compile(path.read_bytes(), f"{name}.py", "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)


def _in_memory(data: bytes) -> int:
    """A descriptor from which `data` can be read once. A pipe could be too small."""
    number = os.memfd_create("sandbox")
    os.write(number, data)
    os.lseek(number, 0, os.SEEK_SET)
    return number


@cache
def _tasks_are_counted_by_namespace() -> bool:
    """Since Linux 5.14 RLIMIT_NPROC counts a user's tasks in their user namespace, before that all over the machine."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(filter(str.isdigit, minor)) or 0)) >= (5, 14)
