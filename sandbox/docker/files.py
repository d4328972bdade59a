"""Which files of this machine make an image, and how they are sent: as one tar stream, a file at a time.

What is shown is what bubblewrap shows (`mounts`), but of the system's libraries only those that something in the image
asks for, which the dynamic loader says.
"""

from __future__ import annotations

import io
import os
import re
import stat
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from evolve.core.environment import without_secrets
from evolve.core.errors import UsageError
from sandbox import mounts, packages

_UNNEEDED = {
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "ensurepip",
    "tkinter",
    "turtledemo",
    "lib2to3",
}
_CONFIGURATION = re.compile(r"config-\d.*")
_LOADED = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)
_LIBRARY = re.compile(r"\.so(\.[0-9]+)*$")
_AT_ONCE = 64
# Loaded by name when a thread ends or an exception is unwound, so that no file asks for it.
_BY_NAME = ("libgcc_s.so.1",)
_FOLDERS = ("tmp", "etc", "opt")
_CACHE = Path("/etc/ld.so.cache")

Listing = list[tuple[Path, PurePosixPath]]


class Interpreter:
    """This machine's own, and where it is in an image: under /usr as it is, else in `mounts.PYTHON`."""

    def __init__(self) -> None:
        self.prefix = Path(sys.base_prefix).resolve()
        self.executable = Path(getattr(sys, "_base_executable", "") or sys.executable).resolve()
        self.version = sys.version

    @cached_property
    def inside(self) -> PurePosixPath:
        """Its prefix in an image."""
        return PurePosixPath(self.prefix if self.prefix.is_relative_to("/usr") else mounts.PYTHON)

    @property
    def executable_inside(self) -> PurePosixPath:
        """Its program in an image."""
        return self.inside / "bin" / self.executable.name

    @property
    def library_inside(self) -> str:
        """The folder of its shared library in an image."""
        return str(self.inside / "lib")

    def files(self) -> Listing:
        """Its program, its own shared libraries and the standard library without what only people use."""
        found = [(self.executable, self.executable_inside)]
        found += [(path, self._place(path)) for path in self.libraries()]
        for root in self.folders():
            found += [(path, self._place(path)) for path in _walk(root)]
        return found

    def libraries(self) -> list[Path]:
        """Its own shared libraries."""
        found = [path for folder in ("lib", "lib64") for path in (self.prefix / folder).glob("libpython3*")]
        return sorted(path for path in found if path.is_file())

    def folders(self) -> list[Path]:
        """Those of the standard library."""
        found = (sysconfig.get_path(name, vars={"base": str(self.prefix)}) for name in ("stdlib", "platstdlib"))
        return list(dict.fromkeys(Path(path).resolve() for path in found))

    def _place(self, path: Path) -> PurePosixPath:
        return self.inside / path.relative_to(self.prefix)


def listing(names: tuple[str, ...]) -> Listing:
    """Every file of an image for library programs, with its place. Raises ProblemError, UsageError."""
    found = Interpreter().files()
    for path in packages.resolve(names).values():
        files = _walk(path, everything=True) if path.is_dir() else [path]
        found += [(one, PurePosixPath(mounts.PACKAGES) / one.relative_to(path.parent)) for one in files]
    own = [Interpreter().prefix, *packages.resolve(names).values()]
    for library in _libraries([source for source, _ in found]):
        if not any(Path(library).is_relative_to(root) for root in own if root != Path("/usr")):
            found.append((Path(library), PurePosixPath(library)))
    found += [(_CACHE, PurePosixPath(_CACHE))] if _CACHE.exists() else []
    return sorted({str(place): (source, place) for source, place in found}.values(), key=lambda one: one[1])


def fingerprint(names: tuple[str, ...]) -> str:
    """A hash of the names, sizes and dates of an image's files, and of what the installer says is in packages.

    The loader is not asked which of the system's libraries are among them, which would take seconds; but whenever one
    is installed, the list of all is written anew. Raises ProblemError.
    """
    interpreter = Interpreter()
    roots = [str(_CACHE), str(interpreter.executable), *interpreter.libraries(), *interpreter.folders()]
    own = [str(path) for _, path in sorted(packages.resolve(names).items())]
    found = blake2b(digest_size=16)
    for root in [*map(str, roots), *own]:
        _measure(root, "/" + os.path.basename(root), found.update, root in own)
    return found.hexdigest()


def _measure(path: str, name: str, update: Callable[[bytes], object], everything: bool) -> None:
    """What `_walk` finds, without what is compiled on import, by plain names: there are many thousands."""
    try:
        status = os.stat(path)
    except OSError:
        return
    if stat.S_ISDIR(status.st_mode):
        for inner in sorted(os.listdir(path)):
            if inner != "__pycache__" and (everything or inner not in _UNNEEDED):
                _measure(f"{path}/{inner}", f"{name}/{inner}", update, everything)
        return
    update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    if name.endswith(".dist-info/RECORD"):
        update(Path(path).read_bytes())


def stream(files: Listing) -> Iterator[bytes]:
    """The files as a tar archive, read-only for everybody and nobody's in particular."""
    parts = _Parts()
    with tarfile.open(fileobj=parts, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for name in _FOLDERS:
            archive.addfile(_about(name, tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755))
        for source, place in files:
            with source.open("rb") as file:
                status = os.fstat(file.fileno())
                about = _about(str(place).lstrip("/"), tarfile.REGTYPE, 0o755 if status.st_mode & 0o111 else 0o644)
                about.size = status.st_size
                # Compiled modules are good for sources of one date.
                about.mtime = int(status.st_mtime)
                archive.addfile(about, file)
            yield from parts.take()
    yield from parts.take()


class _Parts(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """All of it."""
        self.written.append(bytes(data))
        return len(data)

    def take(self) -> list[bytes]:
        """What was written since."""
        written, self.written = self.written, []
        return written


def _about(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    about = tarfile.TarInfo(name)
    about.type, about.mode = kind, mode
    return about


def _walk(root: Path, everything: bool = False) -> Iterator[Path]:
    """Regular files below, in order; what a link leads to counts as a file."""
    for folder, folders, files in os.walk(root):
        if not everything:
            folders[:] = [name for name in folders if name not in _UNNEEDED and not _CONFIGURATION.fullmatch(name)]
        folders.sort()
        yield from (path for name in sorted(files) if (path := Path(folder, name)).is_file() and _wanted(name))


def _wanted(name: str) -> bool:
    return not name.startswith("_tkinter") and not name.endswith(".a")


def _libraries(files: Iterable[Path]) -> list[str]:
    """Shared libraries that the loader gives to any of the files. Raises UsageError where there is no ldd."""
    asked = [str(path) for path in files if _LIBRARY.search(path.name) or "bin" in path.parts[-2:]]
    environment = {**without_secrets(), "LD_LIBRARY_PATH": str(Interpreter().prefix / "lib"), "LC_ALL": "C"}
    found: set[str] = set()
    try:
        for at in range(0, len(asked), _AT_ONCE):
            done = subprocess.run(
                ["ldd", *asked[at : at + _AT_ONCE]], capture_output=True, text=True, env=environment, check=False
            )
            found |= set(_LOADED.findall(done.stdout))
    except FileNotFoundError:
        raise UsageError(
            "an image is made of this machine's files with ldd, which is not there", "Type: apt-get install libc-bin"
        ) from None
    beside = {Path(one).parent / name for one in found for name in _BY_NAME}
    return sorted(found | {str(path) for path in beside if path.exists()})
