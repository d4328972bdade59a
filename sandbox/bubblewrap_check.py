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

_UNSHARED = tuple(f"--unshare-{name}" for name in ("pid", "net", "ipc", "uts", "cgroup-try"))
_OWN_USER = ("--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL")
_UNTIL_SETTLED = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
_ALONE = ("--hostname", "sandbox", "--die-with-parent", "--new-session", "--as-pid-1")

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
_APPARMOR = _SETTINGS[0][0]
_PROFILE = "/etc/apparmor.d/evolve-bwrap"
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")
CONTAINER_REMEDY = (
    "Start the container with: docker run --cap-add SYS_ADMIN --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined --security-opt systempaths=unconfined"
)


def bwrap() -> str:
    """The path of the bwrap program. Raises UsageError where there is none."""
    found = shutil.which("bwrap")
    if found is None:
        raise UsageError("bubblewrap is not installed", _installation())
    return os.path.abspath(found)


def namespaces(identity: int | None = None) -> list[str]:
    """Options for namespaces and privileges; in the user namespace `identity` what runs is root until it settles."""
    user = _OWN_USER if identity is None else ("--userns", str(identity), *_UNTIL_SETTLED)
    return [*user, *_UNSHARED, *_ALONE]


@cache
def check() -> None:
    """Starts and ends one sandbox. Success is remembered.

    Raises UsageError where bubblewrap is not installed, is too old, or may not make namespaces here, and where the
    architecture is not known to `seccomp`; the remedy is one line. Raises InfrastructureError where this machine is
    short of processes, memory or open files.
    """
    system = view()
    command = [bwrap(), *namespaces(), *system.options, "--size", "65536", "--tmpfs", "/tmp", "--remount-ro", "/"]  # noqa: S108
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
    return permission_remedies()[0]


def permission_remedies() -> tuple[str, ...]:
    """The same with what else would help, the likeliest first."""
    root = os.geteuid() == 0
    found = [remedy for name, _ in forbidding() if not root or name.startswith("user.") for remedy in _mended(name)]
    if found:
        return tuple(found)
    if any(os.path.exists(mark) for mark in CONTAINER_MARKS):
        return (CONTAINER_REMEDY,)
    return ("Run as root, or allow unprivileged user namespaces on this machine.",)


def nested_remedies() -> tuple[str, ...]:
    """What helps where a sandbox can be made and none inside of it: there, nobody is root."""
    found = [remedy for name, _ in forbidding() for remedy in _mended(name)]
    inside = any(os.path.exists(mark) for mark in CONTAINER_MARKS)
    return tuple(found) or ((CONTAINER_REMEDY,) if inside else ())


def forbidding() -> list[tuple[str, str]]:
    """Settings of the kernel that forbid user namespaces to others than root (`user.` ones: to all), and the value
    that allows them."""
    return [(name, allowed) for name, forbidden, allowed in _SETTINGS if setting(name) == forbidden]


def setting(name: str) -> str | None:
    """The value of a setting, see sysctl(8); None where this kernel has none of that name."""
    try:
        return Path(SETTINGS_FOLDER, *name.split(".")).read_text(encoding="ascii").strip()
    except OSError:
        return None


def _mended(name: str) -> list[str]:
    """Commands that allow what the setting forbids: to all; of AppArmor's, also to bwrap alone, by a profile."""
    commands = [f"Type: sudo sysctl -w {name}={allowed}" for found, allowed in forbidding() if found == name]
    if name == _APPARMOR:
        profile = r"abi <abi/4.0>,\nprofile bwrap %s flags=(unconfined) {\n  userns,\n}\n"
        where = shutil.which("bwrap") or "/usr/bin/bwrap"
        commands.append(
            f"Type: printf '{profile}' {where} | sudo tee {_PROFILE} && sudo apparmor_parser --replace {_PROFILE}"
        )
    return commands


def _installation() -> str:
    if not sys.platform.startswith("linux"):
        return "It exists for Linux only; use the Docker sandbox here."
    for program, command in _INSTALLERS.items():
        if shutil.which(program):
            return f"Type: {command if os.geteuid() == 0 else f'sudo {command}'}"
    return "Install the package bubblewrap of your distribution, e.g. apt-get install bubblewrap."
