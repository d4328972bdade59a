"""What would stop a run is found before it starts: a missing sandbox, image or package, limits that are too small."""

from __future__ import annotations

import errno
import os
from contextlib import closing, suppress
from dataclasses import replace

from evolve.core.errors import InfrastructureError, ProblemError, UsageError
from evolve.core.types import Source, Status
from evolve.evaluation import make_stage, sandbox_config
from evolve.problem import Problem
from evolve.problem_file import FILE, MEASURED
from evolve.sandboxing import Sandboxing
from evolve.timing_table import TIME_RATIO
from sandbox import backends, packages
from sandbox.base import Confinement, Reply, Sandbox, Session
from sandbox.config import SandboxConfig
from sandbox.limits import MEBIBYTE, Limits

LARGEST_MEMORY_BYTES = 16384 * MEBIBYTE
PROBE_SECONDS = 60.0
_ROOM_BYTES = 8 * MEBIBYTE
MEMORY = "memory_mebibytes"
_NO_MEMORY = ("MemoryError", os.strerror(errno.ENOMEM), "failed to map segment")
"""How a program says that it got no memory: Python, the kernel, and the dynamic linker, which loads libraries."""
_NO_ROOM = (os.strerror(errno.EFBIG), os.strerror(errno.ENOSPC))
_RAISE = f"Set {MEMORY} under [limits] in {FILE} to at least"


def check_ready(problem: Problem, config: SandboxConfig | None = None) -> Sandboxing:
    """Where and how the problem's programs are kept in and measured; None: in the sandbox of this system.

    Raises:
        UsageError: the sandbox is not installed or not permitted here, or not able to do what the problem needs; says
            the command that mends it. ProblemError: names the key in problem.toml.
    """
    if problem.sandbox == "straight_line":
        return Sandboxing()
    config = config or sandbox_config()
    backends.check(config)
    stage = make_stage(problem, config)
    try:
        sandbox = stage.seat.sandbox
        _check_start(sandbox, problem)
        confinement = sandbox.confinement(problem.limits)
    finally:
        stage.close()
    _check_clock(problem, confinement)
    return Sandboxing(backends.text(config), confinement)


def _check_start(sandbox: Sandbox, problem: Problem) -> None:
    """A trivial program, which imports the packages, must answer within the problem's limits."""
    source = _probe(problem.packages)
    limits = replace(problem.limits, cpu_seconds=PROBE_SECONDS, wall_seconds=PROBE_SECONDS)
    reply = _answer(sandbox, source, limits)
    if reply.status.scored:
        return
    names = " and ".join(problem.packages) or "a trivial program"
    key = _too_little(reply)
    if key is not None:
        spec = problem.file.effective_limits()
        needed = _needed_mebibytes(sandbox, source, limits) if key == MEMORY else 0
        asked = getattr(spec, key)
        raise ProblemError(
            f"limits.{key} is {asked}, too little for the interpreter with {names}: {_last_line(reply)}",
            f"{_RAISE} {needed}." if needed > asked else f"Raise {key} under [limits] in {FILE}.",
        )
    if problem.packages and reply.status is Status.CRASHED and not reply.died:
        raise ProblemError(
            f"packages in {FILE}: they can not be imported in the sandbox: {_last_line(reply)}",
            "Install them where the sandbox looks (for Docker, in its image: evolve sandbox build), or take them out.",
        )
    raise InfrastructureError(
        f"{names} got no answer from the sandbox: {reply.status}, {_last_line(reply)}",
        "Look for memory pressure or full disks on this machine: evolve doctor",
    )


def _too_little(reply: Reply) -> str | None:
    """The key of the limit that stopped a program, None where it was no limit, or time: the machine's, then."""
    says = reply.error
    if reply.status is Status.OUT_OF_MEMORY or any(word in says for word in _NO_MEMORY):
        return MEMORY
    if reply.status is Status.OUTPUT_FLOOD:
        return "output_kibibytes"
    if any(word in says for word in _NO_ROOM):
        return "file_mebibytes"
    return "processes" if reply.status is Status.FORBIDDEN and says.endswith(" processes") else None


def _needed_mebibytes(sandbox: Sandbox, source: Source, limits: Limits) -> int:
    """The address space that the program takes, and some room; 0 where it gives no answer, or that can not be told."""
    with closing(sandbox.open(source, replace(limits, memory_bytes=LARGEST_MEMORY_BYTES))) as session:
        return _mebibytes(session) if session.call(source.entry).status.scored else 0


def _probe(names: tuple[str, ...]) -> Source:
    """A program that imports what can be imported of the packages; a sandbox may have some that are not here."""
    modules: list[str] = []
    for name in names:
        try:
            modules += packages.modules((name,))
        except ProblemError:
            modules.append(name.replace("-", "_"))
    return Source(
        {"program.py": "".join(f"import {name}\n" for name in modules) + "def probe():\n    return 42\n"}, "probe"
    )


def _answer(sandbox: Sandbox, source: Source, limits: Limits) -> Reply:
    with closing(sandbox.open(source, limits)) as session:
        return session.call(source.entry)


def _last_line(reply: Reply) -> str:
    return (reply.error.strip().splitlines() or [reply.status.value])[-1]


def _mebibytes(session: Session) -> int:
    """The address space that the process has had, and some room; 0 where the sandbox can not tell."""
    with suppress(AttributeError, ProcessLookupError, OSError):
        return int(session.peak_space_bytes() + _ROOM_BYTES) // MEBIBYTE  # type: ignore[attr-defined]
    return 0


def _check_clock(problem: Problem, confinement: Confinement) -> None:
    """What the host measures counts only where it sees the very process."""
    timed = [objective.metric for objective in problem.objectives if objective.metric in (*MEASURED, TIME_RATIO)]
    if timed and confinement.clock != "process":
        raise UsageError(
            f"{problem.name} measures {timed[0]}, and the sandbox {confinement.backend} can not: its clock is that of "
            f"{_CLOCKS[confinement.clock]}",
            "Use a sandbox that sees the process: --sandbox bubblewrap.",
        )


_CLOCKS = {"container": "the container with its runtime", "wall": "the wall"}
