"""What every backend tells the runner when a session is opened, and what a refusal of the runner means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evolve.core.errors import ProblemError
from evolve.core.types import Source
from sandbox import seccomp
from sandbox.limits import MEBIBYTE, Limits
from sandbox.mounts import Tools


def order(
    source: Source,
    limits: Limits,
    driver: str | None,
    seed: int,
    rules: bytes | None,
    *,
    tasks: int = 0,
    path: Sequence[str] = (),
) -> dict[str, Any]:
    """The opening frame's content, which `runner.main` reads.

    `rules` is the filter of system calls, `tasks` what RLIMIT_NPROC is set to (0: it is left), `path` where packages
    are that the interpreter does not know of yet.
    """
    return {
        "files": dict(source.files),
        "entry": source.entry,
        "driver": driver,
        "seed": seed,
        "path": list(path),
        "memory_bytes": limits.space_bytes,
        "file_bytes": limits.file_bytes,
        "reply_bytes": limits.reply_bytes,
        "total_cpu_seconds": max(3600, int(100 * limits.cpu_seconds)),
        "tasks": tasks,
        "filter": rules,
    }


def rules(limits: Limits, tools: Tools | None, machine: str | None = None) -> bytes:
    """The filter of system calls for a session; for another architecture than this one's by its name."""
    several = limits.processes > 1
    if tools is None:
        return seccomp.program(several, machine, gpu=limits.gpus > 0)
    return seccomp.program(several, machine, tools=True, builds=tools.builds, handles_children=tools.handles_children)


def refused(refusal: tuple[str, str], limits: Limits, least_memory_bytes: Callable[[], int] | None) -> ProblemError:
    """What stands in the way of the start, as an error of the problem's; with what would do, where that is told."""
    what, text = refusal
    if what == "driver":
        return ProblemError(f"driver.py fails on load:\n{text}", "Mend the file.")
    have = limits.memory_bytes // MEBIBYTE
    message = f"limits.memory_mebibytes is {have}, too little for the interpreter alone"
    if least_memory_bytes is None:
        return ProblemError(message, "Raise memory_mebibytes under [limits] in problem.toml.")
    least = least_memory_bytes() // MEBIBYTE
    return ProblemError(
        f"{message}: {least} work here", f"Set memory_mebibytes under [limits] in problem.toml to at least {least}."
    )
