"""What a session in a container takes, with bubblewrap beside it in the same run: turnaround of open, call and close.

make bench, or: python benchmarks/containers.py [SESSIONS]

*Warm* is a session whose container was waiting, as it is where programs take longer than a container's start.
*Without pause* asks for the next at once, so that the rate at which the engine starts and removes containers shows.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import closing

import numpy as np

from evolve.core.clock import monotonic_seconds
from evolve.core.types import Source, Status
from sandbox import bubblewrap, docker
from sandbox.base import Sandbox
from sandbox.config import DockerConfig
from sandbox.limits import Limits

SESSIONS = 40
TARGET_SECONDS = 0.060
PACKAGES = ("numpy",)
SOURCE = Source({"program.py": "import numpy\ndef solve(count):\n    return numpy.arange(count)\n"}, "solve")
PATIENCE_SECONDS = 30.0


def main() -> None:
    """Print one line a figure."""
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS
    if reason := bubblewrap.available():
        print(f"bubblewrap was left out: {reason}")
    else:
        with closing(bubblewrap.BubblewrapSandbox(PACKAGES)) as sandbox:
            tell("bubblewrap", turnarounds(sandbox, sessions, lambda: None))
    if reason := docker.available():
        print(f"docker was left out: {reason}")
        return
    for runtime in (None, "runsc"):
        with closing(docker.DockerSandbox(PACKAGES, config=DockerConfig(runtime=runtime))) as sandbox:
            name = f"docker{f', {runtime}' if runtime else ''}"
            tell(f"{name}, warm", turnarounds(sandbox, sessions, lambda box=sandbox: settle(box)), TARGET_SECONDS)
            tell(f"{name}, without pause", turnarounds(sandbox, sessions // 2, lambda: None))


def turnarounds(sandbox: Sandbox, count: int, before: Callable[[], None]) -> list[float]:
    """Seconds of each session, after three that are not counted."""
    found = []
    for number in range(count + 3):
        before()
        began = monotonic_seconds()
        with closing(sandbox.open(SOURCE, Limits())) as session:
            reply = session.call("solve", 100)
        if number >= 3:
            found.append(monotonic_seconds() - began)
        assert reply.status is Status.OK, reply
    return found


def settle(sandbox: docker.DockerSandbox) -> None:
    """Waits until the pool is full again and what was used is removed."""
    deadline = monotonic_seconds() + PATIENCE_SECONDS
    while not sandbox.is_settled(Limits()) and monotonic_seconds() < deadline:
        time.sleep(0.01)


def tell(what: str, seconds: list[float], target: float = 0.0) -> None:
    """Median, the 99th of a hundred, and how many a second one after the other."""
    middle, slow = np.percentile(seconds, (50, 99)) * 1e3
    aim = f"; at most {target * 1e3:.0f}" if target else ""
    print(f"{what:32} p50 {middle:7.1f} ms, p99 {slow:7.1f} ms ({len(seconds) / sum(seconds):.1f} per second{aim})")


if __name__ == "__main__":
    main()
