"""Where control groups of our own can be made: cgroups(7), version 1, version 2, or both side by side.

Version 1 has a hierarchy for each controller, and a group may be made below the one that this process is in. In
version 2 a group that holds processes bounds nothing below it ("no internal processes"), so the place is the nearest
group above this process that hands its controllers on; never above one that has limits, which programs would escape.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

WANTED = ("memory", "pids")
COUNTING = "cpuacct"
NONE, FIRST, SECOND = "none", "cgroup v1", "cgroup v2"

_ROOT = "Run as root, or boot with systemd.unified_cgroup_hierarchy=1 and log in anew."
_BOOT = "Boot with cgroup_enable=memory, or systemd.unified_cgroup_hierarchy=1."
_OUTSIDE = "Start Evolve where no limit is set, or take the limit away."
_SCOPE = "Start it by: systemd-run --user --scope evolve ...; in a container, start that with --privileged."
_LIMITS = ("memory.max", "memory.high", "pids.max")
_ESCAPED = re.compile(r"\\(\d{3})")


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of the group in which others can be made, by controller; where `reason` says what forbids it, none.

    `remedy` is one line, empty where nothing helps.
    """

    version: str
    folders: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    remedy: str = ""


@cache
def place() -> Place:
    """The place of this process; where it is at first is remembered."""
    try:
        with (
            open("/proc/self/cgroup", encoding="utf-8") as own,
            open("/proc/self/mountinfo", encoding="utf-8") as mounts,
        ):
            return find(own.read(), mounts.read())
    except OSError as error:
        return Place(NONE, reason=f"this system has none: {error.strerror}")


def find(own: str, mounts: str) -> Place:
    """The same from the texts of /proc/PID/cgroup and /proc/PID/mountinfo (proc_pid_mountinfo(5))."""
    paths = {}
    for line in own.splitlines():
        _, names, path = line.split(":", 2)
        paths.update(dict.fromkeys(names.split(","), path))
    if WANTED[0] in paths:
        return _first({name: path for name, path in paths.items() if name in (*WANTED, COUNTING)}, mounts)
    for top, root in _mounted(mounts, "cgroup2", ""):
        folder = _folder(top, root, paths.get("", ""))
        if folder is not None:
            return _second(top, folder)
    return Place(NONE, reason="no control groups are mounted, or this process is outside of those that are")


def _first(paths: Mapping[str, str], mounts: str) -> Place:
    folders = {}
    for name, path in paths.items():
        found = [_folder(top, root, path) for top, root in _mounted(mounts, "cgroup", name)]
        if writable := [folder for folder in found if folder is not None and os.access(folder, os.W_OK)]:
            folders[name] = writable[-1]
    if WANTED[0] in folders:
        return Place(FIRST, folders)
    return Place(FIRST, reason="this user may not make groups for the controller memory", remedy=_ROOT)


def _second(top: str, folder: str) -> Place:
    while os.access(folder, os.W_OK) and os.access(f"{folder}/cgroup.procs", os.W_OK):
        handed_on = hand_on(folder)
        if WANTED[0] in handed_on:
            return Place(SECOND, dict.fromkeys(handed_on, folder))
        if folder == top:
            return Place(SECOND, reason="the controller memory is off, or version 1 has it", remedy=_BOOT)
        if any(_read(f"{folder}/{name}") not in ("", "max") for name in _LIMITS):
            return Place(SECOND, reason=f"{folder} has limits, which groups beside it would escape", remedy=_OUTSIDE)
        folder = os.path.dirname(folder)
    return Place(SECOND, reason=f"this user may not make groups in {folder}", remedy=_SCOPE)


def hand_on(folder: str) -> list[str]:
    """Which of the wanted controllers a group of version 2 hands on to those below it, after being asked to."""
    there = _read(f"{folder}/cgroup.controllers").split()
    wanted = [name for name in WANTED if name in there]
    if not set(wanted) <= set(_read(f"{folder}/cgroup.subtree_control").split()):
        # A group that holds processes refuses.
        with suppress(OSError), open(f"{folder}/cgroup.subtree_control", "w", encoding="ascii") as file:
            file.write(" ".join(f"+{name}" for name in wanted))
    return [name for name in wanted if name in _read(f"{folder}/cgroup.subtree_control").split()]


def _mounted(mounts: str, kind: str, controller: str) -> list[tuple[str, str]]:
    """Mount point, and which group is seen there, of each hierarchy of this kind (that has the controller)."""
    found = []
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, (system, _, options) = before.split(), after.split(" ", 2)
        if system == kind and (not controller or controller in options.split(",")):
            found.append((_plain(fields[4]), _plain(fields[3])))
    return found


def _folder(top: str, root: str, own: str) -> str | None:
    """Where the group `own` is seen, when `root` is at `top`; None where it is outside."""
    root = root.rstrip("/")
    if not own.startswith("/") or ".." in own.split("/") or not (own == root or own.startswith(f"{root}/")):
        return None
    return f"{top}{own.removeprefix(root)}".rstrip("/")


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
