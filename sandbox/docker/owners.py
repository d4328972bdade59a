"""Whose a container is, and whether that process is gone. Engines are shared: by users, by machines, by containers."""

from __future__ import annotations

import os
import socket

from sandbox import procfs

LABEL = "evolve.sandbox"
"""On every container of ours; its value says which process owns it."""


def owner() -> str:
    """This process, as the value of `LABEL`: machine, boot, number and start, so that no later one is taken for it."""
    return " ".join((_machine(), _boot(), str(os.getpid()), _started(os.getpid())))


def is_orphan(label: str, is_forgotten: bool) -> bool:
    """Whether its owner is gone for certain; `is_forgotten` decides where there is no telling.

    Machines may have one name and numbers of namespaces in common, but no boot. A container of this machine's last
    boot does not run any more.
    """
    machine, boot, pid, started = (label.split(" ") + [""] * 4)[:4]
    if machine != _machine() or not pid.isdigit():
        return False
    if boot != _boot():
        return is_forgotten
    return not _lives(int(pid), started) and (bool(boot) or is_forgotten)


def _lives(pid: int, started: str) -> bool:
    """Whether the process does, as far as is known: who hides others' processes (hidepid) also hides their start."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return _started(pid) in (started, "")


def _machine() -> str:
    """The host's name and its pid namespace, because containers share engines and not their processes' numbers."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()}/{namespace}"


def _boot() -> str:
    return procfs.read("/proc/sys/kernel/random/boot_id").decode().strip()


def _started(pid: int) -> str:
    """Field 22 of proc_pid_stat(5), empty where it can not be read."""
    fields = procfs.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return fields[19].decode() if fields else ""
