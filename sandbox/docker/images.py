"""Images with nothing but this machine's own interpreter, the shared libraries that it needs, and declared packages.

They are made without pulling anything: the engine imports a stream of files. The tag is a hash of what is inside, so
that an image is made once and found again.
"""

from __future__ import annotations

import json
import os
import platform
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from threading import Event
from typing import Any

from evolve.core.clock import monotonic_seconds
from evolve.core.errors import InfrastructureError, UsageError
from sandbox import packages
from sandbox.docker.engine import IMAGE_LABEL, Engine, said
from sandbox.docker.files import Interpreter, fingerprint, listing, stream
from sandbox.limits import MEBIBYTE

REPOSITORY = "evolve-sandbox"
LAYOUT = 2
"""Counts up when the same packages make another image."""
LOCK_SECONDS = 600.0
"""How long one waits for another process to make its image."""
_TELL_SECONDS = 1.0
_PAUSE_SECONDS = 0.1

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Image:
    """An image of ours, as `evolve sandbox list` shows it."""

    tag: str
    python: str
    packages: tuple[str, ...]
    size_bytes: int
    created: str
    used: bool

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "tag": self.tag,
            "python": self.python,
            "packages": list(self.packages),
            "size_bytes": self.size_bytes,
            "created": self.created,
            "used": self.used,
        }


def tag(names: tuple[str, ...]) -> str:
    """What the image with these packages is called. Raises ProblemError where one is not installed."""
    interpreter = Interpreter()
    recipe = {
        "layout": LAYOUT,
        "python": interpreter.version,
        "machine": platform.machine(),
        "packages": sorted(packages.resolve(names)),
        "files": fingerprint(names),
        "place": str(interpreter.executable_inside),
    }
    return f"{REPOSITORY}:{blake2b(json.dumps(recipe).encode(), digest_size=8).hexdigest()}"


def exists(engine: Engine, name: str) -> bool:
    """Whether the engine has an image of that name. Raises InfrastructureError, UsageError for what is no name."""
    from docker.errors import APIError, ImageNotFound

    with engine.asking("look for an image"):
        try:
            engine.api.inspect_image(name)
        except ImageNotFound:
            return False
        except APIError as error:
            if not error.is_client_error():
                raise
            raise UsageError(
                f"docker:image={name} is no name of an image: {said(error)}", "Name one that docker images lists."
            ) from None
    return True


def ensure(engine: Engine, names: tuple[str, ...], say: Say = print) -> str:
    """The tag of the image with these packages, which is built where it is not there. `say` gets lines of progress.

    Raises ProblemError where a package is not installed, UsageError where this machine's files do not fit the engine,
    InfrastructureError where the engine fails.
    """
    name = tag(names)
    if exists(engine, name):
        return name
    if not engine.is_local:
        raise UsageError(
            f"docker: this machine's own interpreter does not run in the engine's {engine.info.get('OSType')} "
            f"{engine.machine}, so no image can be made of it",
            f"Build one from {Path(__file__).with_name('Dockerfile')} and name it: --sandbox docker:image=NAME",
        )
    with _one_at_a_time(lambda: say(f"image {name}: waiting for another process that makes one")):
        if not exists(engine, name):
            _build(engine, name, names, say)
    return name


def _build(engine: Engine, name: str, names: tuple[str, ...], say: Say) -> None:
    say(f"image {name}: collecting files of Python {platform.python_version()}{''.join(f', {one}' for one in names)}")
    files = listing(names)
    total = sum(source.stat().st_size for source, _ in files) // MEBIBYTE
    told = monotonic_seconds()

    def told_of() -> Iterator[bytes]:
        nonlocal told
        sent = 0
        for part in stream(files):
            sent += len(part)
            if monotonic_seconds() - told > _TELL_SECONDS:
                told = monotonic_seconds()
                say(f"image {name}: {sent // MEBIBYTE} of {total} MiB")
            yield part
        say(f"image {name}: the engine unpacks {total} MiB")

    # What is built from it inherits this, but has another name.
    labels = {IMAGE_LABEL: name, f"{IMAGE_LABEL}.python": platform.python_version()}
    labels[f"{IMAGE_LABEL}.packages"] = ",".join(_versions(names))
    with engine.asking("make an image"):
        engine.api.import_image_from_data(
            told_of(),
            *name.split(":"),
            changes=[f"LABEL {key}={json.dumps(value)}" for key, value in labels.items()],
        )
    if not exists(engine, name):
        with engine.asking("make an image"):
            raise OSError(f"{name} was sent and is not there")
    say(f"image {name}: done")


def _versions(names: tuple[str, ...]) -> list[str]:
    """Names and versions of the packages and of what they require."""
    suffix = ".dist-info"
    found = (name.removesuffix(suffix) for name in packages.resolve(names) if name.endswith(suffix))
    return sorted(name.replace("-", " ", 1) for name in found)


def images(engine: Engine) -> list[Image]:
    """Ours, newest first. Raises InfrastructureError."""
    with engine.asking("list images"):
        found = engine.imported()
        used = {one["ImageID"] for one in engine.api.containers(all=True)}
    return [
        Image(
            tag=name,
            python=one["Labels"].get(f"{IMAGE_LABEL}.python", ""),
            packages=tuple(filter(None, one["Labels"].get(f"{IMAGE_LABEL}.packages", "").split(","))),
            size_bytes=one["Size"],
            created=_date(one["Created"]),
            used=one["Id"] in used,
        )
        for name, one in sorted(found, key=lambda pair: -pair[1]["Created"])
    ]


def clean(engine: Engine) -> tuple[list[Image], list[Image]]:
    """Removes images of ours; those that a container uses stay. Which went and which stayed.

    Raises InfrastructureError.
    """
    gone: list[Image] = []
    kept: list[Image] = []
    for image in images(engine):
        (kept if image.used or not engine.remove_image(image.tag) else gone).append(image)
    return gone, kept


def _date(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


@contextmanager
def _one_at_a_time(tell: Callable[[], None]) -> Iterator[None]:
    """Several processes may want the same image; the others are told to wait for the one that makes it.

    Raises InfrastructureError after `LOCK_SECONDS`, UsageError where the lock can not be kept.
    """
    path = _folder() / "build.lock"
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = monotonic_seconds() + LOCK_SECONDS
    is_told = False
    try:
        while not _is_locked(number):
            if monotonic_seconds() > deadline:
                raise InfrastructureError(
                    f"another process has been making an image for {LOCK_SECONDS:g} s", f"See which: fuser -v {path}"
                )
            if not is_told:
                tell()
            is_told = True
            Event().wait(_PAUSE_SECONDS)
        yield
    finally:
        os.close(number)


def _is_locked(number: int) -> bool:
    import fcntl

    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _folder() -> Path:
    """Where nobody else can make or hold a lock. Raises UsageError where there is no such place."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "evolve-sandbox")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise UsageError(
            f"{folder}, for the lock of those who make images, can not be made: {error.strerror}",
            "Set XDG_CACHE_HOME to a folder of yours.",
        ) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(
            f"{folder} is not a folder of this user alone: others could keep images from being made",
            f"See whose it is, and remove it: ls -ld {folder}",
        )
    return folder
