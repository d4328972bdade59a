"""What a hostile program is here, and the honest ones that run beside and after it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evolve.core.types import Source, Status
from sandbox.base import Reply, Sandbox, Session
from sandbox.conformance import LOOP
from sandbox.limits import MEBIBYTE, Limits

MACHINE = os.uname().machine
MEMORY_BYTES = 256 * MEBIBYTE
"""The same for hostile and honest programs: where sessions are started ahead, they are exchangeable then."""
MARK = "hostile_mark"
"""What programs leave behind has this in its name, so that it is known wherever it turns up."""
OK, CRASHED, INVALID = Status.OK, Status.CRASHED, Status.INVALID
TIMED_OUT, OUT_OF_MEMORY, FORBIDDEN = Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.FORBIDDEN
OUTPUT_FLOOD = Status.OUTPUT_FLOOD
ANY_FAILURE = (CRASHED, FORBIDDEN, TIMED_OUT, INVALID, OUT_OF_MEMORY)

PRELUDE = f"""
{LOOP}
"""
PRELUDE += """
import ctypes, os, re, signal, sys, threading, time

libc = ctypes.CDLL(None, use_errno=True)

def won(name, function, *args):
    "[name] where it worked, [] where the system refused it."
    try:
        function(*args)
    except OSError:
        return []
    return [name]

def undenied(calls):
    "Those of the system calls, by name and number, that were not simply refused."
    found = []
    for name, number in calls.items():
        result = libc.syscall(number, 0, 0, 0, 0, 0, 0)
        if result != -1 or ctypes.get_errno() not in (1, 38):
            found.append((name, result, ctypes.get_errno()))
    return found

# Cut in two, so that the text does not find itself.
_secret = re.compile(b"PLAN" + b"TED-[0-9a-f]{32}")

def secrets_in(data):
    return [found.decode() for found in _secret.findall(data if isinstance(data, bytes) else data.encode())]
"""
# What a program sees that has done no harm: equal before and after any other, with the same seed.
HONEST = f"""
import builtins, ctypes, json, os, random, signal, sys, threading, time
import numpy

def solve(host):
    libc = ctypes.CDLL(None)
    modules = (builtins, ctypes, json, os, random, sys, threading, time, numpy)
    folders = [name for name in ("/tmp", "/dev/shm", "/dev/mqueue", "/opt", "/") if os.path.isdir(name)]
    alive = []
    for pid in range(1, 40):
        try:
            os.kill(pid, 0)
        except OSError:
            continue
        alive.append(pid)
    return {{
        "answer": [sum([1, 2, 3, 4]), sorted([3, 1, 2]), 7 + 0, len("abc"), float(numpy.sum(numpy.arange(5.0)))],
        "random": [random.random(), float(numpy.random.rand()), hash("text"), os.urandom(4) != os.urandom(4)],
        "modules": [hasattr(one, "{MARK}") for one in modules] + [name in sys.modules for name in ("{MARK}", "wire")],
        "environment": sorted(os.environ),
        "files": [sorted(os.listdir(name)) for name in folders],
        "segment": libc.shmget(0x4D41524B, 0, 0),
        "limits": [signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, sys.getrecursionlimit(), os.getcwd()],
        "processes": alive,
        "threads": threading.active_count(),
    }}
"""
HONEST_DRIVER = """
import numpy

def drive(candidate, host):
    return float(numpy.sum(numpy.arange(5.0))), len("abc"), candidate(host)
"""

# Runs beside all the others, from the first to the last, with the secret in its memory.
NEIGHBOUR = """
kept = []

def solve(secret):
    kept.append(secret)

def count():
    kept.append(len(kept))
    return kept[-1]
"""

Replies = Sequence[Reply]


@dataclass(frozen=True)
class Hostile:
    """A program, and what it must get.

    `solve(host)` is called with what a hostile author may know of this machine (`watch.Watch.known`), `then(host)`
    after it where the program has `calls` of both. `verdicts` are of the last call. Where it is OK, the value must be
    `value`, the honest answer, or a value that `holds` accepts; a program that tries what is forbidden returns what it
    has won. `after` judges all replies, its clock among them. `quick` ones run where every start takes a second too.
    """

    name: str
    text: str
    verdicts: Status | tuple[Status, ...] = OK
    value: Any = field(default_factory=list)
    holds: Callable[[Any], bool] | None = None
    says: str = ""
    after: Callable[[Replies], bool] | None = None
    calls: tuple[str, ...] = ("solve",)
    driver: str | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False
    machine: str = ""
    open_seconds: float = 0.0

    def run(self, sandbox: Sandbox, known: dict[str, Any]) -> tuple[list[Reply], str]:
        """The replies to its calls, in one session; and the container that it ran in, if it was one."""
        limits = {"wall_seconds": 10.0, "cpu_seconds": 5.0, "memory_bytes": MEMORY_BYTES, **self.limits}
        source = Source({"program.py": PRELUDE + self.text}, "solve")
        session = sandbox.open(source, Limits(**limits), driver=self.driver, seed=1)
        try:
            replies = []
            for entry in self.calls:
                time.sleep(self.open_seconds if replies else 0.0)
                replies.append(session.call(entry, known))
            return replies, getattr(getattr(session, "_child", None), "number", "")
        finally:
            session.close()

    def judge(self, replies: Replies) -> None:
        """Asserts that it got what it deserves, and no number for a failure."""
        last = replies[-1]
        allowed = (self.verdicts,) if isinstance(self.verdicts, Status) else self.verdicts
        assert last.status in allowed, last
        for reply in replies:
            assert reply.status is OK or reply.value is None
        if last.status is OK:
            assert self.holds(last.value) if self.holds else _same(last.value, self.value), last
        else:
            assert self.says in last.error, last
        assert self.after is None or self.after(replies), replies


def _same(one: Any, two: Any) -> bool:
    return np.array_equal(one, two) if isinstance(one, np.ndarray) else bool(one == two)


def honest(sandbox: Sandbox) -> Any:
    """What the honest program and its driver see in a sandbox of their own."""
    limits = Limits(memory_bytes=MEMORY_BYTES)
    session = sandbox.open(Source({"program.py": HONEST}, "solve"), limits, driver=HONEST_DRIVER, seed=1)
    try:
        reply = session.call("drive", {})
    finally:
        session.close()
    assert reply.status is OK, reply
    return reply.value


@contextmanager
def neighbour(sandbox: Sandbox, secret: str) -> Iterator[Session]:
    """A session of an honest program that goes on while others come and go."""
    limits = Limits(wall_seconds=30.0, cpu_seconds=30.0, memory_bytes=MEMORY_BYTES)
    session = sandbox.open(Source({"program.py": NEIGHBOUR}, "solve"), limits, seed=1)
    try:
        assert session.call("solve", secret).status is OK
        yield session
    finally:
        session.close()
