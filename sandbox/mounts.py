"""What a sandboxed interpreter sees of this machine's disk: its own library and the system's, read-only, no more.

What runs a command sees more of the system: its programs, compilers and headers. /proc stays hidden there too. In a
fresh one the program could open /proc/1/mem, and so become its own parent, which answers the host; it shows the
kernel's settings and the machine's load; and in a container it often may not be mounted. gcc, g++, make, perl, node,
Python and shells run without it. Programs that look for their libraries beside their own file, which the loader finds
by /proc/self/exe, have to be told where these are: `LD_LIBRARY_PATH=JDK/lib JDK/bin/javac` (with /etc/java-* among the
folders), `LD_LIBRARY_PATH=TOOLCHAIN/lib TOOLCHAIN/bin/rustc --sysroot TOOLCHAIN -C linker-features=-lld`. What can not
work: /dev/stdin, /dev/fd and process substitution of shells, and cargo's own proxies in ~/.cargo/bin.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PYTHON = "/opt/python"
PACKAGES = "/opt/packages"
RUNNER = "/opt/runner"
DEVICES = ("/dev/null", "/dev/urandom")

_SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")
# Debian keeps the libraries of each architecture in a folder of their own, among much else; others do not.
_OF_ONE_ARCHITECTURE, _LOADERS = "*-linux-gnu*", "ld-linux*"
_INSTALLED = ("site-packages", "dist-packages", "python3*/site-packages", "python3*/dist-packages")


# Interpreters keep parts of their libraries there; the rest of /usr/share is of no use to a command.
_SHARED = ("/usr/share/perl", "/usr/share/perl5", "/usr/share/nodejs", "/usr/share/gcc", "/usr/share/lua")
_PROGRAMS = ("/usr/bin", "/bin", "/usr/libexec", "/usr/include")
_LOCAL = ("/usr/local/bin", "/usr/local/lib", "/usr/local/include")


@dataclass(frozen=True, slots=True)
class Tools:
    """What a command may use beyond what a library program may: the system's programs, and these folders, read-only.

    With `builds` it may set modes and times of files, lock files, and advise on the page cache, which what is measured
    may not: there a linker can make no file that is executable. It sees no device then, because these are the machine's
    own: its /dev/null is a file, which is emptied when it is opened to be written to, and what was written since can be
    read there.

    With `handles_children` its processes may say what becomes of their children. The kernel forgets the processor time
    of children that are ignored, so this is not for what is measured by it. Without it make and node can start no
    processes, and a bare `wait` of dash never returns; pipelines, xargs and bash do.
    """

    folders: tuple[str, ...] = ()
    handles_children: bool = False
    builds: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """Options for bwrap that make the read-only system, and the interpreter and its library inside it.

    `folders` are options that show a command's own folders, to stand after those that make /tmp. `script` is the text
    of `PYTHON`/bin/python3 where the interpreter can not be started by its bare name.
    """

    options: tuple[str, ...]
    executable: str
    library: str
    folders: tuple[str, ...] = ()
    script: str = ""


@cache
def view(packages: tuple[Path, ...] = (), tools: Tools | None = None) -> View:
    """The system that this interpreter needs, with the given package folders and files under `PACKAGES`, and `tools`.

    An interpreter outside of /usr appears under `PYTHON`, so that no path of this machine is seen. Installed
    packages and the project's own files are hidden wherever they lie inside what is shown.
    """
    prefix, executable = Path(sys.base_prefix).resolve(), Path(_executable()).resolve()
    inside = prefix if prefix.is_relative_to("/usr") else Path(PYTHON)
    options: list[str] = []
    for name in (*_SYSTEM, *(_PROGRAMS if tools else ())):
        if os.path.islink(name):
            options += ["--symlink", os.readlink(name), name]
    shown = [(path, path) for path in (_workshop() if tools else _system())]
    shown += [(path, inside / path.relative_to(prefix)) for path in _interpreter(prefix)]
    shown.append((executable, inside / "bin" / executable.name))
    shown += [(path, Path(PACKAGES) / path.name) for path in packages]
    for source, target in shown:
        options += ["--ro-bind", str(source), str(target)]
    for hidden in hidden_folders([(source, target) for source, target in shown if source not in packages]):
        options += ["--tmpfs", hidden, "--remount-ro", hidden]
    # Numeric libraries of a distribution are found by way of /etc/alternatives.
    of_system = tools is not None or any(path.is_relative_to("/usr") for path in packages)
    alternatives = ["/etc/alternatives"] if of_system else []
    for name in ("/etc/ld.so.cache", *alternatives):
        options += ["--ro-bind-try", name, name]
    for device in () if tools and tools.builds else DEVICES:
        options += ["--dev-bind", device, device]
    program, library = str(inside / "bin" / executable.name), str(inside / "lib")
    if tools is None:
        return View(tuple(options), program, library)
    folders = [option for folder in tools.folders for option in ("--ro-bind", folder, folder)]
    # Its own search path names a folder of this machine, which is not there.
    script = f'#!/bin/sh\nLD_LIBRARY_PATH={library} exec {program} "$@"\n' if inside == Path(PYTHON) else ""
    return View(tuple(options), program, library, tuple(folders), script)


def hidden_folders(shown: list[tuple[Path, Path]]) -> list[str]:
    """Folders inside what is shown that hold installed packages or this project, as the sandbox names them."""
    project = Path(__file__).resolve().parent.parent
    found = []
    for source, target in shown:
        secret = {project} if project.is_relative_to(source) else set()
        secret |= {path for pattern in _INSTALLED for path in source.glob(pattern) if path.is_dir()}
        found += [str(target / path.relative_to(source)) for path in sorted(secret)]
    return found


def _executable() -> str:
    return getattr(sys, "_base_executable", "") or sys.executable


def _system() -> Iterator[Path]:
    for folder in map(Path, _SYSTEM):
        if folder.is_dir() and not folder.is_symlink():
            own = [path for path in folder.glob(_OF_ONE_ARCHITECTURE) if path.is_dir()]
            yield from sorted([*own, *folder.glob(_LOADERS)]) if own else [folder]


def _workshop() -> Iterator[Path]:
    """Whole folders of the system, and what a distribution or an administrator has added to them."""
    for folder in map(Path, (*_SYSTEM, *_PROGRAMS, *_LOCAL, *_SHARED)):
        if folder.is_dir() and not folder.is_symlink():
            yield folder


def _interpreter(prefix: Path) -> Iterator[Path]:
    """Its library; of /usr and /usr/local, which are everybody's, only the parts that are Python's."""
    if not prefix.is_relative_to("/usr"):
        yield from (prefix / name for name in ("lib", "lib64") if (prefix / name).is_dir())
        return
    places = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    yield from sorted(path for path in places if path.is_relative_to(prefix) and path.is_dir())
    yield from sorted(path for folder in ("lib", "lib64") for path in (prefix / folder).glob("libpython3*"))
