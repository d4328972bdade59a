"""The seam between those who need a program run and those who can run it without trusting it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from evolve.core.types import Source, Status
from sandbox.limits import Limits


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call came to. `value` is plain data or arrays, None for every status but `OK`.

    `status` is `OK`, or what the program did: `CRASHED` (an exception, or its process is gone), `INVALID` (it
    returned what is not plain data), `TIMED_OUT`, `OUT_OF_MEMORY`, `OUTPUT_FLOOD`, `FORBIDDEN` (it broke the
    protocol). `error` says so for people and proposers, without addresses or host paths. `died` marks a process
    that ended by itself without an answer: that may be the machine's fault as well as the program's. Times and
    memory are the host's measurements: wall and CPU seconds of this call, peak resident bytes of the session.
    `output` is what the program printed so far, cut at the limit.
    """

    status: Status
    value: Any = None
    error: str = ""
    died: bool = False
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_bytes: int = 0
    output: str = ""


@dataclass(frozen=True, slots=True)
class Confinement:
    """How programs are kept in and measured by a sandbox, in words for the record of a run.

    `backend` is its name, `start` how sessions come about. `clock` is where `Reply.cpu_seconds` comes from: `process`
    (the kernel's clock of the very process and its children), `container` (of all that serves the program, its
    runtime's own work included) or `wall` (the process can not be seen, so wall time stands for it; problems that
    measure processor time refuse). `limits` says for each limit its value, the strictest of all that bound it, and
    what enforces it, e.g. `{"memory_bytes": (536870912, "address space, cgroup v1")}`.
    """

    backend: str
    start: str
    clock: Literal["process", "container", "wall"]
    limits: Mapping[str, tuple[float, str]]
    details: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data, stored with the run."""
        limits = {name: {"value": value, "by": by} for name, (value, by) in self.limits.items()}
        return {
            "backend": self.backend,
            "start": self.start,
            "clock": self.clock,
            "limits": limits,
            "details": dict(self.details),
        }


class Session(Protocol):
    """One program in one fresh process. Not thread-safe.

    `call` may be repeated; state lives on between calls. After a reply that is not `OK`, and does not come from
    an ordinary exception of the program, the session is over and every further call answers the same.
    `close` kills whatever is left and may be called at any time, twice too; a call after it raises CallOrderError.
    Arguments that are not plain data (see `sandbox.wire`) raise ProblemError: they come from us. The thread that
    opened a session must live as long as the session; the process behind it dies with that thread.

    Example::

        session = sandbox.open(source, Limits(), driver=None)
        try:
            reply = session.call("solve", [3, 1, 2])
        finally:
            session.close()
    """

    def call(self, entry: str, *args: Any) -> Reply: ...

    def close(self) -> None: ...


class Sandbox(Protocol):
    """Opens sessions. Thread-safe; one sandbox serves a whole run.

    `open` starts a process, sets the limits and only then loads the program: a program that fails to load gives
    a session whose calls all answer `CRASHED`, or what else became of it, with the reason. With a `driver` (the text
    of a module) calls name functions of the driver, which get the program's entry as their first argument; without
    one they name functions of the program. `seed` fixes hash and random state.

    Raises:
        UsageError: the backend is not installed or not allowed here; the remedy is the command that mends it.
        ProblemError: the driver fails on load, or the limits do not even let the interpreter start.
        InfrastructureError: a session could not be started although the backend is there.
    """

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> Session: ...

    def confinement(self, limits: Limits) -> Confinement:
        """What stands in the record of a run. May start a session to find out. Raises what `open` raises."""

    def close(self) -> None:
        """Gives back what is kept between sessions (servers, pools). May be repeated; `open` works afterwards too."""
