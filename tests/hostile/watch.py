"""The watch over this machine while hostile programs run: what they look for, and what must be as before."""

from __future__ import annotations

import glob
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from battery import MARK, Replies

from sandbox.cgroup import PARENT
from sandbox.cgroup_place import place

ROOT = Path(__file__).resolve().parents[2]
SETTLE_SECONDS = 60.0


class Watch:
    """This machine while hostile programs run: what they look for, and what must be as before."""

    def __init__(self, home: Path) -> None:
        # One place that holds it in this process, besides the environment; a program that reads either has escaped.
        self.token = "PLANTED-" + os.urandom(16).hex()
        self.file = home / f".planted-{os.urandom(4).hex()}"
        self.abstract = "hostile-" + os.urandom(4).hex()
        self._knocks = 0
        self._listeners = [socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)]
        self._listeners[1].bind("\0" + self.abstract)
        self._listeners[1].listen()

    @property
    def known(self) -> dict[str, Any]:
        """What is no secret: a hostile author may guess it."""
        return {
            "port": self._listeners[0].getsockname()[1],
            "abstract": self.abstract,
            "file": str(self.file),
            "pid": os.getpid(),
            "python": os.path.dirname(os.__file__),
        }

    def knocked(self) -> int:
        """How many connections have come to this machine's listeners."""
        for listener in self._listeners:
            listener.setblocking(False)
            try:
                listener.accept()[0].close()
                self._knocks += 1
            except BlockingIOError:
                pass
        return self._knocks

    def close(self) -> None:
        """Takes the listeners and the file away."""
        for listener in self._listeners:
            listener.close()
        self.file.unlink(missing_ok=True)

    def assert_unseen(self, replies: Replies) -> None:
        """No secret and no place of the project came back, whether as value, as text or as bytes."""
        for reply in replies:
            shown = f"{reply.value!r} {reply.output} {reply.error}"
            assert self.token not in shown
            assert self.token.encode().hex() not in shown
            assert f"{ROOT}/" not in shown


@contextmanager
def planted(watch: Watch) -> Iterator[None]:
    """The secret in the environment, here and in another process, in a file at home, and in this process's memory."""
    before = dict(os.environ)
    os.environ["PLANTED_KEY"] = watch.token
    watch.file.write_text(watch.token)
    bystander = subprocess.Popen(["sleep", "3600"])
    try:
        yield
    finally:
        bystander.kill()
        bystander.wait()
        os.environ.clear()
        os.environ.update(before)
        watch.close()


def held(pooled: bool = False) -> dict[str, Any]:
    """What is held for sandboxes now: descriptors, threads, processes, control groups, containers, marked files.

    Without what changes while containers are started ahead and removed by other threads, where they are `pooled`.
    """
    folders = [Path(name) for name in ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/", Path.home(), Path.cwd())]
    found: dict[str, Any] = {
        "processes": len(_descendants(os.getpid())),
        "groups": len(groups()),
        "files": [str(path) for folder in folders if folder.is_dir() for path in folder.glob(f"*{MARK}*")],
    }
    if not pooled:
        found["descriptors"] = len(os.listdir("/proc/self/fd"))
        found["threads"] = threading.active_count()
    return found


def settled(wanted: Any, look: Callable[[], Any]) -> Any:
    """What `look` finds, as soon as that is what is wanted, or as it stands after a while."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (now := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    return now


def groups() -> list[str]:
    """Control groups that this process has made for programs, wherever the kernel shows them."""
    folders = {f"{folder}/{PARENT}" for folder in place().folders.values()}
    return [path for folder in folders for path in glob.glob(f"{folder}/*-{os.getpid()}-*")]


def _descendants(pid: int) -> list[int]:
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += [int(one) for one in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except OSError:
        return []
    return found + [one for child in found for one in _descendants(child)]
