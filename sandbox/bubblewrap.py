"""The default sandbox on Linux: namespaces of its own for each session, made by bwrap, and nothing of the user's.

What keeps a program in: user, pid, net, ipc, uts and cgroup namespaces; a read-only system without /proc, /etc,
/home or the project (`mounts`); a private /tmp of limited size; an empty environment; no capabilities; a list of
allowed system calls (`seccomp`); hard resource limits (`runner`); and the host's own clocks (`monitor`). The whole
tree dies with the thread that opened the session.

A session starts in one of three ways. `fork`: a server inside one bwrap, with the packages imported, forks it into
namespaces of its own, in milliseconds. `pool`: a bwrap of its own, started ahead. `process`: a bwrap of its own, now.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from evolve.core.errors import InfrastructureError, ProblemError, UsageError
from evolve.core.types import Source
from sandbox import mounts, nesting, packages, seccomp
from sandbox.base import Confinement
from sandbox.box import Box, hash_seed
from sandbox.bubblewrap_check import available, check
from sandbox.confined import describe
from sandbox.gpu import view as gpu_view
from sandbox.launch import StartError, Starting, bound_together
from sandbox.limits import MEBIBYTE, Limits
from sandbox.monitor import Stopped
from sandbox.order import order, refused, rules
from sandbox.pool import Pool
from sandbox.process import Child
from sandbox.servers import Servers, ThreadsError
from sandbox.session import START_SECONDS, ProcessSession
from sandbox.shortage import REMEDY

if TYPE_CHECKING:
    from sandbox.gpu.leases import Lease

__all__ = ["BubblewrapSandbox", "available", "check"]

Start = Literal["auto", "fork", "pool", "process"]

ATTEMPTS = 3
STARTS_BEFORE_A_SERVER = 2
"""Sessions of a thread that `auto` starts one by one: a server costs about three of them."""
MOST_POOLS = 2
"""Kinds of sessions for which a thread keeps processes waiting; the one that was not asked for longest makes room."""
THREADS = 64
"""Tasks beyond its processes that a program may have by the kernel's own count, where that is kept by namespace."""
LARGEST_MEMORY_BYTES = 16384 * MEBIBYTE


class _Kept(threading.local):
    """What a thread keeps between its sessions, by kind: what it started dies with it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.openings = 0
        self.servers: Servers | None = None
        self.pools: dict[Any, Pool] = {}


class BubblewrapSandbox:
    """A `Sandbox` (see `sandbox.base`) whose programs may import the declared packages and the standard library.

    With `tools` they may also start the system's programs, as far as the limits allow processes; such a session has
    always a bwrap of its own. `start` is how the others come about; `auto` forks where that is allowed.
    Raises ProblemError, naming the key, where a package is not installed.

    Example::

        session = BubblewrapSandbox(("numpy",)).open(source, Limits(cpu_seconds=2.0), seed=7)
    """

    def __init__(
        self, packages: tuple[str, ...] = (), tools: mounts.Tools | None = None, start: Start = "auto"
    ) -> None:
        self.packages = tuple(packages)
        self.tools = tools
        self._wish = start
        self._box = Box(_resolve(self.packages), tools)
        self._kept = _Kept()
        self._threaded = False

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> ProcessSession:
        """See `Sandbox`.

        Raises:
            UsageError: bubblewrap is not installed or not permitted; the remedy is the command that mends it.
            ProblemError: the memory limit is too small for the interpreter, or the driver fails on load.
            InfrastructureError: no session could be started, several times over.
        And with a GPU what `gpu.lease` raises.
        """
        check()
        if limits.gpus:
            from sandbox.gpu import open_leased

            return open_leased(limits, lambda held: self._open(source, limits, driver, seed, held))
        return self._open(source, limits, driver, seed)

    def _open(
        self, source: Source, limits: Limits, driver: str | None, seed: int, held: Lease | None = None
    ) -> ProcessSession:
        way = self._way(limits)
        tasks = limits.processes + THREADS if seccomp.tasks_are_counted_by_namespace() else 0
        said_to_runner = order(source, limits, driver, seed, rules(limits, self.tools), tasks=tasks)
        said = ""
        for _ in range(ATTEMPTS):
            session = None
            try:
                session = self._session(limits, seed, way, held)
                refusal = session.begin(said_to_runner)
            except (StartError, Stopped) as error:
                said = (session.output if session else "") or str(error)
                continue
            except ThreadsError:
                self._threaded = True
                return self._open(source, limits, driver, seed, held)
            self._kept.openings += 1
            if refusal is None:
                return session
            raise refused(refusal, limits, self.minimum_memory_bytes)
        check.cache_clear()
        check()
        raise InfrastructureError(
            f"a sandbox could not be started in {ATTEMPTS} attempts: {said.strip()[-500:]}",
            REMEDY,
        )

    def confinement(self, limits: Limits) -> Confinement:
        """See `Sandbox`. Raises UsageError and InfrastructureError where there is no sandbox."""
        check()
        found = describe(self._tried_way(limits), limits, self.tools is not None)
        if not limits.gpus:
            return found
        from sandbox.gpu import recorded

        return recorded(found, limits)

    def close(self) -> None:
        """Ends what the calling thread keeps: servers, with open sessions of theirs, and waiting processes."""
        kept = (self._kept.servers, *self._kept.pools.values())
        self._kept.forget()
        for one in kept:
            if one is not None:
                one.close()

    def server_pids(self) -> list[int]:
        """Identifiers of the calling thread's fork servers."""
        return self._kept.servers.pids() if self._kept.servers else []

    def minimum_memory_bytes(self) -> int:
        """The smallest `memory_bytes` with which the interpreter starts and imports the packages; measured once.

        Raises ProblemError where a package can not be imported in the sandbox, and what `open` raises.
        """
        return self._least_memory_bytes

    @cached_property
    def _modules(self) -> tuple[str, ...]:
        return tuple(packages.modules(self.packages))

    @cached_property
    def _ahead(self) -> tuple[str, ...]:
        """Modules that are imported before a session is asked for."""
        return tuple(name for name in self._modules if name not in gpu_view.NOT_PRELOADED)

    @cached_property
    def _least_memory_bytes(self) -> int:
        names = self._modules
        text = "def probe():\n" + "".join(f"    import {name}\n" for name in names) + "    return None\n"
        source = Source({"program.py": text}, "probe")
        memory_bytes = 0
        # The first as all that follow will be, which may differ from how the first ones start.
        for way in {"process", self._best_way(Limits())}:
            alone = BubblewrapSandbox(self.packages, self.tools, start=way)
            session = alone.open(source, Limits(memory_bytes=LARGEST_MEMORY_BYTES))
            try:
                reply = session.call("probe")
                memory_bytes = max(memory_bytes, session.peak_space_bytes())
            finally:
                session.close()
                alone.close()
            if reply.error:
                raise ProblemError(
                    f"packages in problem.toml: they can not be imported in the sandbox: {reply.error}",
                    f"See whether this works outside: import {', '.join(names)}",
                )
        return (memory_bytes // (4 * MEBIBYTE) + 2) * 4 * MEBIBYTE

    def _way(self, limits: Limits) -> Start:
        """How the next session starts. Raises UsageError where a fork was asked for and is not allowed."""
        few = self._wish == "auto" and self._kept.openings < STARTS_BEFORE_A_SERVER
        return "process" if few else self._best_way(limits)

    def _best_way(self, limits: Limits) -> Start:
        if self.tools is not None or limits.gpus:
            return "process"
        if self._wish == "auto":
            return "pool" if self._threaded or nesting.available() else "fork"
        if self._wish == "fork" and (reason := nesting.available()):
            raise UsageError(
                f"a server can not fork programs into namespaces of their own here: {reason}",
                "Leave the choice to Evolve (start=auto), or take start=pool.",
            )
        return "pool" if self._wish == "fork" and self._threaded else self._wish

    def _tried_way(self, limits: Limits) -> Start:
        """The best way, after it has shown whether a server can import the packages and still fork."""
        way = self._best_way(limits)
        if way == "fork" and self._ahead:
            try:
                child = self._start(limits, 0, way)
            except ThreadsError:
                self._threaded = True
                return self._best_way(limits)
            except StartError as error:
                raise InfrastructureError(f"a fork server could not be started: {error}", REMEDY) from None
            child.stop()
            child.close()
        return way

    def _session(self, limits: Limits, seed: int, way: Start, held: Lease | None) -> ProcessSession:
        if held is None:
            return ProcessSession(bound_together(self._start(limits, seed, way), limits), limits)
        from sandbox.gpu import LeasedSession

        box = replace(self._box, gpu=gpu_view.view(held.device, limits))
        child = self._begin(limits, seed, box).attach(START_SECONDS)
        return LeasedSession(bound_together(child, limits), limits, held)

    def _start(self, limits: Limits, seed: int, way: Start) -> Child:
        kept = self._kept
        if way == "process":
            return self._begin(limits, seed, self._box).attach(START_SECONDS)
        if way == "fork":
            kept.servers = kept.servers or Servers(self._box, self._ahead)
            return kept.servers.start(seed, limits)
        kind = (limits.file_bytes, hash_seed(seed))
        pool = kept.pools.pop(kind, None) or Pool(lambda: self._begin(limits, seed, self._box))
        kept.pools[kind] = pool
        while len(kept.pools) > MOST_POOLS:
            kept.pools.pop(next(iter(kept.pools))).close()
        return pool.take(START_SECONDS)

    def _begin(self, limits: Limits, seed: int, box: Box) -> Starting:
        ahead = [mounts.PACKAGES, *self._ahead] if self.packages else []
        return box.run("runner", ahead, seed, limits.file_bytes)


def _resolve(names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(path for _, path in sorted(packages.resolve(names).items()))
