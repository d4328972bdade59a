"""Snapshots: the state of a long run at one of its records, on this machine, so that it goes on sooner.

A run is its records. Going through them all gives the same state, and is done wherever no snapshot fits. They stand in
a folder of the user's and not in the archive, are of this very code, and go unread when the records are others.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import pickle
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import IO, Any

import numpy as np

from evolve.core.clock import file_age_seconds

KEPT = 2
"""Of each run: a ticket that was in flight at the latest one may have been lost."""
UNUSED_SECONDS = 30 * 86_400.0
NOT_KEPT = (OSError, pickle.PicklingError, MemoryError, RecursionError)
"""Why a state is not written down: the disk, objects of others in it, or no room."""
RUN_ID = re.compile(r"[0-9a-f]{8}")
_NAME = re.compile(rf"({RUN_ID.pattern})-[0-9]{{12}}\.(snapshot|[0-9]+)")
"""Run, records, and what it is: whole, or still being written by that process."""
_OWN = ("archive", "evaluators", "evolve")
_STATE = {
    f"{package}.{name}"
    for package, names in {
        "archive": "clade descent elites equivalence grid leads outcomes ranking",
        "archive.policies": "base clade guard hill history independent islands pareto portfolio sequential",
        "evaluators": "guilt",
        "evolve": "budget dominance equivalences events foresight keeper kinds measuring places podium probation "
        "racing rules schedule scored search",
        "evolve.core": "config extent keys types",
        "evolve.display": "curve",
    }.items()
    for name in names.split()
}
"""Modules whose classes a state is made of. None of them does anything when it is made."""
_PLAIN = {
    ("array", "_array_reconstructor"),
    ("array", "array"),
    ("builtins", "frozenset"),
    ("builtins", "set"),
    ("collections", "Counter"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("collections", "deque"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
}
_DIGEST_SIZE = 32
_CHUNK = 1 << 20
_WRONG = (ValueError, TypeError, LookupError, AttributeError, ImportError, EOFError, pickle.UnpicklingError)

_log = logging.getLogger("evolve")


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a run stood: how many tickets were asked, and how many records settled and told. `origin` is the digest of
    all else that decides its state, `mark` that of its latest told records and of all that were settled since."""

    origin: str
    mark: str
    asked: int
    settled: int
    told: int


class Snapshots:
    """Those of one run, in a folder of its user, the latest ones alone. `run_id` is 8 hexadecimal digits."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._run_id = run_id

    def save(self, stand: Stand, state: object) -> None:
        """Write a snapshot, all of it or none. Raises one of `NOT_KEPT`."""
        _prepare(self._folder)
        path = self._folder / f"{self._run_id}-{stand.told:012d}.snapshot"
        unfinished = path.with_suffix(f".{os.getpid()}")
        try:
            with unfinished.open("wb") as file:
                hashed = _Hashed(file)
                hashed.write(json.dumps(asdict(stand)).encode() + b"\n")
                with uncollected():
                    _Pickler(hashed, protocol=5).dump(state)
                file.write(hashed.digest())
            unfinished.rename(path)
        finally:
            unfinished.unlink(missing_ok=True)
        for old in (*self._paths()[KEPT:], *self._unfinished()):
            old.unlink(missing_ok=True)
        _sweep(self._folder)

    def load(self, fits: Callable[[Stand], bool]) -> tuple[Stand, Any] | None:
        """The latest snapshot that fits, with its state; None where there is none. One that is damaged is none."""
        for path in self._paths():
            try:
                _prepare(self._folder)
                if (found := _read(path, fits)) is not None:
                    os.utime(path)
                    return found
            except (*NOT_KEPT, *_WRONG) as error:
                _log.warning("snapshot %s is not read: %s", path, error)
        return None

    def _paths(self) -> list[Path]:
        """The latest first."""
        return sorted((path for path in self._all() if path.suffix == ".snapshot"), reverse=True)

    def _unfinished(self) -> list[Path]:
        """What a process left that was killed: nobody else writes to the run."""
        return [path for path in self._all() if path.suffix != ".snapshot"]

    def _all(self) -> list[Path]:
        return [path for path, run_id in _ours(self._folder) if run_id == self._run_id]


@cache
def code_digest() -> str | None:
    """Digest of this program's text, and of what else decides what a pickle means. None where no text is found."""
    found = False
    digest = blake2b(f"{sys.version} {platform.machine()} {np.__version__}".encode(), digest_size=16)
    for name in _OWN:
        spec = find_spec(name)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(folder).rglob("*.py")):
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
                found = True
    return digest.hexdigest() if found else None


def plain_bytes(value: object) -> bytes:
    """The pickle of a value, to be compared with one that was made in this process. Raises one of `NOT_KEPT`."""
    buffer = BytesIO()
    _Pickler(buffer, protocol=5).dump(value)
    return buffer.getvalue()


@contextmanager
def uncollected() -> Iterator[None]:
    """A million records leave no rubbish, but they would be looked through for it again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read(path: Path, fits: Callable[[Stand], bool]) -> tuple[Stand, Any] | None:
    with path.open("rb") as file:
        first = file.readline()
        stand = Stand(**json.loads(first))
        if not fits(stand):
            return None
        digest, left = blake2b(first, digest_size=_DIGEST_SIZE), path.stat().st_size - len(first) - _DIGEST_SIZE
        while left > 0 and (chunk := file.read(min(left, _CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
        if digest.digest() != file.read():
            raise ValueError("it is damaged")
        file.seek(len(first))
        with uncollected():
            return stand, _Unpickler(file).load()


def _prepare(folder: Path) -> None:
    """Make the folder. Raises OSError where others could write to it: what is read there becomes part of a run."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise PermissionError(f"{folder} is not this user's alone; type: chmod 700 {folder}, or remove it")


def _ours(folder: Path) -> list[tuple[Path, str]]:
    """The snapshots in a folder, unfinished ones included, with their runs: nothing else there is touched."""
    try:
        names = [(path, _NAME.fullmatch(path.name)) for path in folder.iterdir()]
    except OSError:  # it is not there, or not ours to read: then nothing is written there either
        return []
    return [(path, name[1]) for path, name in names if name]


def _sweep(folder: Path) -> None:
    """Remove what no run has asked for in a month."""
    for path, _ in _ours(folder):
        with suppress(OSError):
            if file_age_seconds(path) > UNUSED_SECONDS:
                path.unlink()


class _Hashed:
    """Writes to a file, and knows the digest of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = blake2b(digest_size=_DIGEST_SIZE)

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._file.write(data)

    def digest(self) -> bytes:
        return self._digest.digest()


class _Pickler(pickle.Pickler):
    """Refuses objects of others, whose code may change and nobody would see it."""

    def reducer_override(self, value: Any) -> Any:
        named = value if isinstance(value, type | FunctionType | BuiltinFunctionType) else type(value)
        name = (named.__module__, named.__qualname__)
        ours = isinstance(named, type) and named.__module__ in _STATE
        if not (ours or name in _PLAIN or isinstance(value, np.dtype)):
            raise pickle.PicklingError(f"{'.'.join(name)} has no place in a snapshot")
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    """Makes what a state is made of, and plain containers: a file can have nothing else called."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        found = super().find_class(module, name) if module in _STATE and "." not in name else None
        if not isinstance(found, type) or found.__module__ != module:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a snapshot")
        return found
