"""Programs in containers of a Docker engine: for other systems than Linux, and for gVisor, a kernel between.

What keeps a program in: a container without network, capabilities, set-user-id and writable files but for a private
/tmp of limited size, as nobody, with memory (and no swap), processors and tasks bounded by the engine; the engine's
list of system calls and on top of it our own (`seccomp`), which the runner installs before anything untrusted is
loaded; hard resource limits (`runner`); and the host's own clocks (`monitor`). With `runtime="runsc"` the kernel that
it meets is gVisor's, not this machine's.

Containers are started ahead, wait with the packages imported, and are used once.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from evolve.core.errors import InfrastructureError, ProblemError, UsageError
from evolve.core.types import Source
from sandbox import mounts, packages
from sandbox.base import Confinement
from sandbox.box import ENVIRONMENT, hash_seed
from sandbox.config import DockerConfig
from sandbox.docker import gpu
from sandbox.docker.child import ContainerChild
from sandbox.docker.confined import describe
from sandbox.docker.container import Plan, start
from sandbox.docker.files import Interpreter
from sandbox.docker.pool import end
from sandbox.docker.ready import Ready, available, make_ready
from sandbox.gpu.view import NOT_PRELOADED
from sandbox.launch import StartError
from sandbox.limits import MEBIBYTE, Limits
from sandbox.monitor import Stopped
from sandbox.order import order, refused, rules
from sandbox.packages import resolve
from sandbox.session import ProcessSession

if TYPE_CHECKING:
    from sandbox.gpu.leases import Lease

__all__ = ["DockerSandbox", "available"]

ATTEMPTS = 3
LARGEST_MEMORY_BYTES = 16384 * MEBIBYTE
_FLAGS = ("-s", "-B", "-P", "-u")
_REMEDY = "See what docker info and the engine's log say (journalctl --unit docker)."
# What a process says of its own address space, for a program that is ours.
_SPACE = """
def probe():
    with open("/proc/self/status") as file:
        sizes = dict(line.split(":", 1) for line in file)
    return int(sizes.get("VmPeak", sizes["VmSize"]).split()[0]) * 1024
"""


class DockerSandbox:
    """A `Sandbox` (see `sandbox.base`) whose programs may import the declared packages and the standard library.

    The image is `config.image`, which must have python3 (3.11 or later) and the packages, or is made of this machine's
    own interpreter and packages when it is first needed. `tools` are for problems with a command; they need an image
    that has the programs. Thread-safe. Raises ProblemError, naming the key, where a package is not installed.

    Example::

        session = DockerSandbox(("numpy",)).open(source, Limits(cpu_seconds=2.0), seed=7)
    """

    def __init__(
        self,
        packages: tuple[str, ...] = (),
        tools: mounts.Tools | None = None,
        config: DockerConfig | None = None,
    ) -> None:
        self.config = config or DockerConfig()
        self.packages = tuple(packages)
        self.tools = tools
        self._is_own = self.config.image is None
        self._lock = threading.Lock()
        self._ready: Ready | None = None
        self._end: Callable[[], object] = int
        if self._is_own:
            resolve(self.packages)
        _sandboxes.add(self)
        if tools is not None and self._is_own:
            raise UsageError(
                "sandbox: a command needs this machine's programs, which the image that Evolve makes does not have",
                "Use --sandbox bubblewrap, or name an image that has them and python3: --sandbox docker:image=NAME",
            )

    def check(self) -> None:
        """Raises UsageError, naming the key and the remedy, where there is no engine, image or runtime; starts nothing.

        An image of our own that is not there is made, with lines about it on standard error.
        """
        self._prepare()

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> ProcessSession:
        """See `Sandbox`.

        Raises:
            UsageError: there is no engine, image or runtime, or they may not be used; the remedy says what to type.
            ProblemError: the memory limit is too small for the interpreter, or the driver fails on load.
            InfrastructureError: no container could be started, several times over, or the engine is gone.
        And with a GPU what `gpu.lease` raises.
        """
        ready = self._prepare()
        if limits.gpus:
            from sandbox.gpu import open_leased

            gpu.check(ready.engine, self.config.runtime)
            with gpu.explained():
                return open_leased(limits, lambda held: self._open(ready, source, limits, driver, seed, held))
        return self._open(ready, source, limits, driver, seed)

    def _open(
        self, ready: Ready, source: Source, limits: Limits, driver: str | None, seed: int, held: Lease | None = None
    ) -> ProcessSession:
        plan = self._plan(ready, limits, seed)
        # Nobody's tasks are counted over all containers; the engine counts those of each.
        said_to_runner = order(source, limits, driver, seed, rules(limits, self.tools, ready.engine.machine))
        reason = ""
        for _ in range(ATTEMPTS):
            session = None
            try:
                session = self._session(ready, plan, limits, held)
                refusal = session.begin(said_to_runner)
            except (StartError, Stopped) as error:
                reason = (session.output if session else "") or str(error)
                continue
            if refusal is None:
                return session
            raise refused(refusal, limits, self.minimum_memory_bytes)
        raise InfrastructureError(
            f"a container could not be started in {ATTEMPTS} attempts: {reason.strip()[-500:]}", _REMEDY
        )

    def confinement(self, limits: Limits) -> Confinement:
        """See `Sandbox`. Starts a container to see what the host sees of it."""
        ready = self._prepare()
        plan = self._plan(ready, limits, 0)
        try:
            child = self._take(ready, plan)
        except StartError as error:
            raise InfrastructureError(f"a container could not be started: {error}", _REMEDY) from None
        try:
            found = describe(child, plan, limits, ready.engine, self.config)
        finally:
            end(child)
        if not limits.gpus:
            return found
        from sandbox.gpu import recorded

        gpu.check(ready.engine, self.config.runtime)
        return recorded(found, limits)

    def is_settled(self, limits: Limits, seed: int = 0) -> bool:
        """Whether sessions with these limits find containers waiting, and all that were used are removed."""
        ready = self._prepare()
        return ready.pool.is_full(self._plan(ready, limits, seed))

    def close(self) -> None:
        """Ends waiting containers and gives the connection back; sessions that are open go on."""
        with self._lock:
            self._ready = None
            finish, self._end = self._end, int
        finish()

    def minimum_memory_bytes(self) -> int:
        """The smallest `memory_bytes` with which the interpreter starts and imports the packages; measured once.

        Raises ProblemError where a package can not be imported in the sandbox, and what `open` raises.
        """
        return self._least_memory_bytes

    @cached_property
    def _least_memory_bytes(self) -> int:
        names = self._modules
        text = "".join(f"import {name}\n" for name in names) + _SPACE
        session = self.open(Source({"program.py": text}, "probe"), Limits(memory_bytes=LARGEST_MEMORY_BYTES))
        try:
            reply = session.call("probe")
        finally:
            session.close()
        if reply.error:
            raise ProblemError(
                f"packages in problem.toml: they can not be imported in the container: {reply.error}",
                f"See whether this works in the image: import {', '.join(names)}",
            )
        return (int(reply.value) // (4 * MEBIBYTE) + 2) * 4 * MEBIBYTE

    def _start_afresh(self) -> None:
        """In a copy of the process the engine is asked again: threads and containers are the other's."""
        self._lock = threading.Lock()
        self._ready, self._end = None, int

    def _prepare(self) -> Ready:
        with self._lock:
            if self._ready is None:
                self._ready = make_ready(self.config, self.packages, self.tools)
                self._end = weakref.finalize(self, self._ready.close)
            return self._ready

    def _session(self, ready: Ready, plan: Plan, limits: Limits, held: Lease | None) -> ProcessSession:
        if held is None:
            return ProcessSession(self._take(ready, plan), limits)
        from sandbox.gpu import LeasedSession

        child = start(ready.engine, gpu.with_device(plan, held.device, limits))
        child.hand_out()
        return LeasedSession(child, limits, held)

    def _take(self, ready: Ready, plan: Plan) -> ContainerChild:
        """One that lives: what waited may have died with an engine that is there again. Raises what a start raises."""
        for _ in range(self.config.pool + 1):
            child = ready.pool.take(plan)
            try:
                child.hand_out()
                return child
            except ProcessLookupError:
                end(child)
        raise StartError("containers that were started ahead have ended before they were asked anything")

    def _plan(self, ready: Ready, limits: Limits, seed: int) -> Plan:
        environment = {**ENVIRONMENT, "PYTHONHASHSEED": str(hash_seed(seed))}
        python: tuple[str, ...] = ("python3", *_FLAGS)
        if self._is_own:
            interpreter = Interpreter()
            environment["LD_LIBRARY_PATH"] = interpreter.library_inside
            python = (str(interpreter.executable_inside), "-S", *_FLAGS)
        return Plan(
            image=ready.image,
            python=python,
            environment=tuple(environment.items()),
            path=(mounts.PACKAGES,) if self._is_own and self.packages else (),
            modules=tuple(name for name in self._modules if name not in NOT_PRELOADED),
            runtime=self.config.runtime,
            memory_bytes=limits.memory_bytes,
            file_bytes=limits.file_bytes,
            processes=limits.processes,
            folders=self.tools.folders if self.tools else (),
            executable_files=self.tools is not None,
        )

    @cached_property
    def _modules(self) -> tuple[str, ...]:
        """What the packages are imported as; those of an image of somebody else's may not be installed here."""
        try:
            return tuple(packages.modules(self.packages))
        except ProblemError:
            if self._is_own:
                raise
            return tuple(name.replace("-", "_") for name in self.packages)


_sandboxes: weakref.WeakSet[DockerSandbox] = weakref.WeakSet()


def _start_afresh() -> None:
    for sandbox in list(_sandboxes):
        sandbox._start_afresh()


os.register_at_fork(after_in_child=_start_afresh)
