"""Whether a run can start on this machine, what it will have, and the command that mends what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from evolve.core.clock import monotonic_seconds
from evolve.core.environment import without_keys
from evolve.core.errors import EvolveError
from evolve.doctor import host, services, surroundings
from evolve.doctor.findings import Diagnosis, Finding, State, without_secrets

if TYPE_CHECKING:
    from sandbox.config import SandboxConfig

__all__ = ["Diagnosis", "Finding", "State", "diagnose"]

Progress = Callable[[str], None]
"""Called with a few words on what is looked at."""

SANDBOXES = ("bubblewrap", "docker")


def diagnose(archive: str | None = None, progress: Progress = lambda text: None) -> Diagnosis:
    """Looks at everything. A look that fails is a finding of its own; nothing is raised.

    Example::

        if not diagnose().ready:
            raise SystemExit(1)
    """
    started = monotonic_seconds()
    findings = list(_findings(archive, progress))
    works = {finding.name.lower() for finding in findings if finding.state is State.OK}
    sandboxes = tuple(name for name in SANDBOXES if name in works)
    chosen = None
    with suppress(Exception):  # which the look at the settings has found too
        chosen = surroundings.chosen()
    needed = _needed(chosen)
    others = tuple(
        f"Or use another that works here: --sandbox {name}, or type: export EVOLVE_SANDBOX={name}"
        for name in sandboxes
        if chosen is None or name != chosen.type
    )
    findings = [
        replace(one, required=True, remedies=(*one.remedies, *others))
        if one.name in needed and one.state is not State.OK
        else one
        for one in findings
    ]
    wanted = without_keys(surroundings.named(chosen)) if chosen else None
    return Diagnosis(tuple(map(without_secrets, findings)), sandboxes, monotonic_seconds() - started, wanted)


def _needed(chosen: SandboxConfig | None) -> tuple[str, ...]:
    """Names of what must work for the sandbox that a run would take; its other options are looked at as settings."""
    from sandbox.config import BubblewrapConfig, DockerConfig

    match chosen:
        case BubblewrapConfig(start="fork"):
            return ("bubblewrap", "fork server")
        case BubblewrapConfig():
            return ("bubblewrap",)
        case DockerConfig():
            return ("Docker",)
    return ()


def _findings(archive: str | None, progress: Progress) -> Iterator[Finding]:
    def looked(name: str, look: Callable[[], Finding]) -> Finding:
        progress(f"looking at {name}")
        return _survived(name, look)

    yield looked("python", host.python)
    bubblewrap = looked("bubblewrap", host.bubblewrap)
    yield bubblewrap
    yield looked("user namespaces", lambda: host.user_namespaces(bubblewrap.state))
    yield looked("fork server", lambda: host.nested_namespaces(bubblewrap.state))
    yield looked("seccomp", host.system_calls)
    yield looked("control groups", host.control_groups)
    yield looked("container", lambda: host.container(bubblewrap.state))
    progress("looking at Docker")
    try:
        engine, *rest = services.docker()
    except Exception as error:
        engine, rest = _failed("Docker", error), []
    yield from (engine, *rest)
    yield looked("GPU", services.gpu)
    yield looked("settings", lambda: surroundings.settings(engine.state))
    yield looked("archive", lambda: surroundings.archive(archive))
    yield looked("PostgreSQL", surroundings.postgresql)
    yield looked("disk space", lambda: surroundings.disk(archive))
    yield looked("model keys", surroundings.keys)
    yield looked("data", surroundings.recorded_data)


def _survived(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except Exception as error:
        return _failed(name, error)


def _failed(name: str, error: Exception) -> Finding:
    """What could not be told; only the archive is needed whatever else there is."""
    says = error.message if isinstance(error, EvolveError) else f"{type(error).__name__}: {error}"
    remedies = (error.remedy,) if isinstance(error, EvolveError) and error.remedy else ()
    return Finding(name, State.UNKNOWN, f"could not be looked at: {says}", remedies, required=name == "archive")
