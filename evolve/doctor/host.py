"""What this machine lets a sandbox do: namespaces, system calls, control groups."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from evolve.core.config import check_workers
from evolve.core.errors import EvolveError, InfrastructureError, UsageError
from evolve.doctor.findings import Finding, State
from sandbox import bubblewrap_check, packages

VERSION_SECONDS = 10.0
_ADMINISTRATOR = 1 << 21
"""CAP_SYS_ADMIN, see capabilities(7)."""
_NO_LINUX = "this system has none; the Docker sandbox needs none"


def python() -> Finding:
    """Interpreter, Evolve, system."""
    try:
        version = metadata.version(packages.OURS)
    except metadata.PackageNotFoundError:
        version = "not installed, run from its folder"
    system = f"{platform.system()} {platform.release()}, {platform.machine()}, {check_workers(None)} processors"
    figures = {"python": platform.python_version(), "evolve": version, "system": system}
    return Finding("python", State.OK, f"Python {figures['python']}, Evolve {version}; {system}", figures=figures)


def bubblewrap() -> Finding:
    """Installed, which version, and whether it really starts a sandbox."""
    try:
        path = bubblewrap_check.bwrap()
    except UsageError as error:
        return Finding("bubblewrap", State.MISSING, error.message, (error.remedy,))
    figures = {"path": path, "version": _version(path)}
    try:
        bubblewrap_check.check()
    except UsageError as error:
        return Finding("bubblewrap", State.FORBIDDEN, error.message, _remedies(error), figures=figures)
    except InfrastructureError as error:
        return Finding("bubblewrap", State.UNKNOWN, error.message, (error.remedy,), figures=figures)
    return Finding("bubblewrap", State.OK, f"{figures['version']} at {path} starts sandboxes", figures=figures)


def user_namespaces(bubblewrap: State) -> Finding:
    """What the kernel's settings say, and whether bubblewrap made one."""
    name = "user namespaces"
    most = bubblewrap_check.setting("user.max_user_namespaces")
    forbidding = bubblewrap_check.forbidding()
    figures = {"max_user_namespaces": most, "forbidden_by": [setting for setting, _ in forbidding]}
    if not sys.platform.startswith("linux"):
        return Finding(name, State.MISSING, _NO_LINUX)
    if bubblewrap is State.OK:
        says = f"allowed, {most or 'any number'} of them"
        says += "".join(f"; to root alone, by {setting}" for setting, _ in forbidding)
        return Finding(name, State.OK, says, figures=figures)
    if forbidding:
        says = "forbidden by " + " and ".join(setting for setting, _ in forbidding)
        return Finding(name, State.FORBIDDEN, says, bubblewrap_check.permission_remedies(), figures=figures)
    tried = "and yet none could be made" if bubblewrap is State.FORBIDDEN else "none was tried without bubblewrap"
    return Finding(name, State.UNKNOWN, f"no setting of the kernel forbids them, {tried}", figures=figures)


def nested_namespaces(bubblewrap: State) -> Finding:
    """Whether a server in a sandbox can fork programs into namespaces of their own, tried where there is bubblewrap."""
    name = "fork server"
    if bubblewrap is not State.OK:
        return Finding(name, State.UNKNOWN, "works inside of bubblewrap, which does not work here")
    from sandbox import nesting

    try:
        reason = nesting.available()
    except EvolveError as error:
        return Finding(name, State.UNKNOWN, error.message, (error.remedy,))
    if reason is None:
        return Finding(name, State.OK, "programs are forked into nested namespaces, in milliseconds")
    says = "no nested namespaces, so each program takes a process that was started ahead, which takes ten to twenty "
    says += f"times as long with numpy: {reason.splitlines()[-1] if reason else 'refused'}"
    return Finding(name, State.DEGRADED, says, bubblewrap_check.nested_remedies())


def system_calls() -> Finding:
    """The filter of system calls."""
    from sandbox import seccomp
    from sandbox.confine import INSTRUCTION_BYTES

    name, machine = "seccomp", platform.machine()
    if not sys.platform.startswith("linux"):
        return Finding(name, State.MISSING, _NO_LINUX)
    try:
        instructions = len(seccomp.program(processes=False)) // INSTRUCTION_BYTES
    except UsageError as error:
        return Finding(name, State.FORBIDDEN, error.message, (error.remedy,))
    if _status("Seccomp") is None:
        says = "this kernel filters no system calls"
        return Finding(name, State.MISSING, says, ("Boot a kernel with CONFIG_SECCOMP_FILTER.",))
    return Finding(name, State.OK, f"system calls are filtered, by {instructions} instructions for {machine}")


def control_groups() -> Finding:
    """Version, whether groups can be made, and what they bound."""
    from sandbox import cgroup
    from sandbox.cgroup_place import place

    name, where = "control groups", place()
    figures = {"version": where.version, "controllers": sorted(where.folders)}
    reason = cgroup.unavailable()
    if reason is None:
        says = f"{where.version} bounds all processes of a program together: {', '.join(sorted(where.folders))}"
        return Finding(name, State.OK, says, figures=figures)
    says = f"{where.version}: {reason}; limits hold for each process alone, and the host counts the rest"
    return Finding(name, State.DEGRADED, says, (where.remedy,) if where.remedy else (), figures=figures)


def container(bubblewrap: State) -> Finding:
    """Whether this is a container, and what it was not given."""
    inside = any(os.path.exists(mark) for mark in bubblewrap_check.CONTAINER_MARKS) or "container" in os.environ
    figures = {"container": inside}
    if not inside:
        return Finding("container", State.OK, "this is none, as far as one can tell", figures=figures)
    if bubblewrap is State.OK:
        return Finding("container", State.OK, "this is one, and sandboxes start in it", figures=figures)
    if bubblewrap is not State.FORBIDDEN:
        says = "this is one; whether sandboxes may start in it is seen when there is bubblewrap"
        return Finding("container", State.UNKNOWN, says, figures=figures)
    lacks = [] if int(_status("CapEff") or "0", 16) & _ADMINISTRATOR else ["no CAP_SYS_ADMIN"]
    lacks += ["a filter of system calls"] if _status("Seccomp") == "2" else []
    says = f"this is one, without the privileges for sandboxes: {', '.join(lacks) or 'something forbids them'}"
    return Finding("container", State.FORBIDDEN, says, (bubblewrap_check.CONTAINER_REMEDY,), figures=figures)


def _status(name: str) -> str | None:
    """A line of proc_pid_status(5) of this process."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:")), None)


def _remedies(error: UsageError) -> tuple[str, ...]:
    """Its own, and where that is one of several, the others."""
    others = bubblewrap_check.permission_remedies()
    return others if error.remedy in others else (error.remedy,)


def _version(path: str) -> str:
    """What the program says of its version, e.g. `bubblewrap 0.8.0`."""
    try:
        done = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "bubblewrap of unknown version"
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return lines[0].strip() if lines else "bubblewrap of unknown version"
