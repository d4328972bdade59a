"""Whether bubblewrap can be used here, and if not, what the user types to change that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from evolve.core.errors import InfrastructureError, UsageError
from sandbox import seccomp
from sandbox.mounts import view
from sandbox.shortage import REMEDY, is_shortage, shortage

_UNSHARED = ("user", "pid", "net", "ipc", "uts", "cgroup-try")
NAMESPACES = [f"--unshare-{name}" for name in _UNSHARED]
NAMESPACES += ["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--hostname", "sandbox"]
NAMESPACES += ["--die-with-parent", "--new-session", "--as-pid-1"]

CHECK_SECONDS = 30.0
SETTINGS_FOLDER = "/proc/sys"
_INSTALLERS = {
    "apt-get": "apt-get install bubblewrap",
    "dnf": "dnf install bubblewrap",
    "pacman": "pacman -S bubblewrap",
    "zypper": "zypper install bubblewrap",
    "apk": "apk add bubblewrap",
}
# A kernel setting, the value that forbids, and the one that allows.
_SETTINGS = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "15000"),
)
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


def bwrap() -> str:
    """The path of the bwrap program. Raises UsageError where there is none."""
    found = shutil.which("bwrap")
    if found is None:
        raise UsageError("bubblewrap is not installed", _installation())
    return os.path.abspath(found)


@cache
def check() -> None:
    """Starts and ends one sandbox. Success is remembered.

    Raises UsageError where bubblewrap is not installed, is too old, or may not make namespaces here, and where the
    architecture is not known to `seccomp`; the remedy is one line. Raises InfrastructureError where this machine is
    short of processes, memory or open files.
    """
    system = view()
    command = [bwrap(), *NAMESPACES, *system.options, "--size", "65536", "--tmpfs", "/tmp", "--remount-ro", "/"]  # noqa: S108
    seccomp.program(processes=False)
    command += ["--clearenv"]
    command += ["--setenv", "LD_LIBRARY_PATH", system.library, "--", system.executable, "-I", "-S", "-B", "-c", "0"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={},
            timeout=CHECK_SECONDS,
            start_new_session=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        passing = shortage("bubblewrap could not be started", error) if isinstance(error, OSError) else None
        if passing:
            raise passing from None
        raise UsageError(f"bubblewrap does not work here: {error}", permission_remedy()) from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = lines[-1] if lines else f"exit status {done.returncode}"
        if is_shortage(said):
            raise InfrastructureError(f"bubblewrap could not start a sandbox: {said}", REMEDY)
        if "nknown option" in said:
            raise UsageError(f"bubblewrap is too old: {said}", "Install bubblewrap 0.7 or newer, or use Docker.")
        raise UsageError(f"bubblewrap may not start a sandbox here: {said}", permission_remedy())


def available() -> str | None:
    """Why bubblewrap can not be used here, with the remedy; None where it can. Raises InfrastructureError too."""
    try:
        check()
    except UsageError as error:
        return str(error)
    return None


def permission_remedy() -> str:
    """The command that is most likely to help: a kernel setting, options of the container, or another user."""
    for name, forbidden, allowed in _SETTINGS:
        try:
            value = Path(SETTINGS_FOLDER, *name.split(".")).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if value == forbidden and (os.geteuid() != 0 or name.startswith("user.")):
            return f"Type: sudo sysctl -w {name}={allowed}"
    if any(os.path.exists(mark) for mark in CONTAINER_MARKS):
        return (
            "Start the container with: docker run --cap-add SYS_ADMIN --security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined --security-opt systempaths=unconfined"
        )
    return "Run as root, or allow unprivileged user namespaces on this machine."


def _installation() -> str:
    if not sys.platform.startswith("linux"):
        return "It exists for Linux only; use the Docker sandbox here."
    for program, command in _INSTALLERS.items():
        if shutil.which(program):
            return f"Type: {command if os.geteuid() == 0 else f'sudo {command}'}"
    return "Install the package bubblewrap of your distribution, e.g. apt-get install bubblewrap."
