"""What processes of one user know of each other's use of GPUs: who has a device, who waits, which one is unfit.

A lease is a claim on a byte of a folder of the user (see `claims`): a holder that is killed loses it with its last
breath, and it is held though the files in the folder are removed. Who waits gets a number, and only the lowest number
that is alive may take a device. In a file of each device stands whether its memory was overwritten since its last
program; a holder that was killed could not, so the next one does, and so it does where the file is gone.

What this does not do: users do not see each other's leases; programs that are not ours may use the device meanwhile.
"""

from __future__ import annotations

import itertools
import json
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from evolve.core.clock import monotonic_seconds
from evolve.core.errors import UsageError
from sandbox.gpu.claims import Claim, byte_of, claimed

FOLDER = Path("/tmp", f"evolve-gpu-{os.getuid() if hasattr(os, 'getuid') else 0}")  # noqa: S108
"""Not in /run/user, which is another for a service and gone after a logout, nor where an environment says."""

_PAUSE_SECONDS = 0.01
_MOST_PIDS = 1024
_numbers = itertools.count()


class Marks:
    """What is known of devices from one process to the next. Anything from before the last boot is forgotten.

    The constructor makes the folder. Raises UsageError where it belongs to somebody else.
    """

    def __init__(self) -> None:
        self.folder = FOLDER
        self._queue = self.folder / "queue"
        with suppress(FileExistsError):
            self.folder.mkdir(mode=0o700)
        found = self.folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise UsageError(
                f"{self.folder} is not a folder of this user alone: leases of GPUs can not be kept there",
                f"See whose it is, and remove it: ls -ld {self.folder}",
            )
        self._queue.mkdir(mode=0o700, exist_ok=True)

    def lock(self, uuid: str) -> Lock | None:
        """The lock of a device, None where another holds it."""
        claim = Claim(os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), byte_of(uuid))
        if claim.contested():
            claim.free()
            return None
        file = self.folder / f"{uuid}.lease"
        # Whoever tidies /tmp goes by the time of the last change.
        file.touch(mode=0o600)
        return Lock(file, claim)

    def unhealthy(self, uuid: str) -> str | None:
        """Why the device is not leased; None where it may be."""
        try:
            found = json.loads((self.folder / f"{uuid}.unhealthy").read_bytes())
        except (OSError, ValueError):
            return None
        return str(found["reason"]) if found["boot"] == _boot() else None

    def mark_unhealthy(self, uuid: str, reason: str) -> None:
        """Keeps the device from being leased, until `mark_healthy` or the next boot."""
        text = json.dumps({"reason": reason, "boot": _boot()})
        own = self.folder / f"{uuid}.{os.getpid()}.{next(_numbers)}.new"
        own.write_text(text)
        own.rename(self.folder / f"{uuid}.unhealthy")

    def mark_healthy(self, uuid: str) -> None:
        """Lets the device be leased again."""
        (self.folder / f"{uuid}.unhealthy").unlink(missing_ok=True)

    @contextmanager
    def queue(self) -> Iterator[Place]:
        """A place in the queue, given up at the end."""
        name = f"{monotonic_seconds():020.9f}-{os.getpid()}-{threading.get_ident()}-{next(_numbers)}"
        # Claimed before it can be seen: what is seen unclaimed was left by a process that died.
        hidden = self._queue / f".{name}"
        claim = Claim(os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            hidden.rename(self._queue / name)
            yield Place(self._queue, name)
        finally:
            if os.getpid() == claim.process_id:
                with suppress(FileNotFoundError):
                    (self._queue / name).unlink()
            claim.free()


class Place:
    """One that waits among others."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name

    def is_first(self) -> bool:
        """Whether nobody who lives came before."""
        for name in sorted(os.listdir(self._folder)):
            if name >= self._name or name.startswith("."):
                continue
            if _alive(self._folder / name):
                return False
            with suppress(FileNotFoundError):
                (self._folder / name).unlink()
        return True

    def wait(self, deadline: float) -> bool:
        """A short pause; whether there is time left for another attempt."""
        pause(_PAUSE_SECONDS)
        return monotonic_seconds() < deadline


class Lock:
    """The lock of one device, with what is written in its file.

    Freed by `close`, by the end of the process, and where it is forgotten. A copy of the process does not have it.
    """

    def __init__(self, file: Path, claim: Claim) -> None:
        self._file, self._claim = file, claim

    @property
    def ours(self) -> bool:
        """Whether this is the process that took it, not a copy."""
        return os.getpid() == self._claim.process_id

    @property
    def clean(self) -> bool:
        """Whether nothing of a program of ours is left in the memory of the device."""
        return self._read().get("clean") is True

    @property
    def pids(self) -> frozenset[int]:
        """Processes of a program whose holder was killed."""
        return frozenset(self._read().get("pids", ()))

    def write(self, clean: bool, pids: Iterable[int] = ()) -> None:
        """Says so to the next; `pids` are processes of the program that were seen on the device."""
        if self.ours:
            self._file.write_text(json.dumps({"clean": clean, "boot": _boot(), "pids": sorted(pids)[:_MOST_PIDS]}))

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if found.get("boot") == _boot() else {}

    def close(self) -> None:
        """Gives the device to the next. May be repeated."""
        self._claim.free()


def pause(seconds: float) -> None:
    """Lets so much time pass."""
    threading.Event().wait(seconds)


def _alive(path: Path) -> bool:
    """Whether whoever made the file lives: it is claimed as long."""
    try:
        number = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return claimed(number)
    finally:
        os.close(number)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""
