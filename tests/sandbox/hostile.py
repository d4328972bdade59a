"""What the tests of hostile programs share: how one is run, and how it forges frames."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from forging import FORGE

from evolve.core.types import Source
from sandbox import userns
from sandbox.base import Reply
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.limits import Limits
from sandbox.session import ProcessSession

SANDBOX = BubblewrapSandbox(start="fork")
WITH_NUMPY = BubblewrapSandbox(("numpy",), start="fork")


def forging(expression: str) -> str:
    """A program that sends these bytes as its reply (`nonce` is the right one), and then does nothing."""
    return f"{FORGE}\ndef solve():\n    pipe, nonce = steal()\n    send(pipe, {expression})\n    time.sleep(9)\n"


def start(text: str, sandbox: BubblewrapSandbox = SANDBOX, **limits: Any) -> ProcessSession:
    """A session of a program whose entry is `solve`, with ten seconds for a call where nothing else is said."""
    return sandbox.open(Source({"program.py": text}, "solve"), Limits(**{"wall_seconds": 10.0, **limits}))


def run(text: str, *args: Any, sandbox: BubblewrapSandbox = SANDBOX, **limits: Any) -> Reply:
    """One call of `solve`. Its process is gone afterwards."""
    session = start(text, sandbox, **limits)
    pid = session._child.pid
    try:
        return session.call("solve", *args)
    finally:
        session.close()
        assert gone(pid)


def gone(pid: int) -> bool:
    """Whether there is no such process, not even a dead one that nobody has buried."""
    return not Path(f"/proc/{pid}").exists()


def children() -> set[int]:
    """Processes that this one has started and not yet waited for."""
    found: set[int] = set()
    for task in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError):  # a thread that has just ended
            found |= set(map(int, Path(f"/proc/self/task/{task}/children").read_text().split()))
    return found


def descriptors() -> list[str]:
    """What the open descriptors of this process lead to, without their numbers."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.append(re.sub(r"\d+", "", os.readlink(f"/proc/self/fd/{name}")))
    return sorted(found)


@contextmanager
def nothing_left() -> Iterator[None]:
    """Checks that descriptors and child processes are as they were."""
    for sandbox in (SANDBOX, WITH_NUMPY):
        sandbox.close()
    userns.identity()
    before = descriptors(), children()
    yield
    for sandbox in (SANDBOX, WITH_NUMPY):
        sandbox.close()
    after = descriptors(), children()
    assert after == before, (after, before)
