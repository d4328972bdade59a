"""Programs that turn on the interpreter that they share with the runner, and exceptions that bite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostile import nothing_left, run, start

from evolve.core.types import Status
from sandbox.limits import MEBIBYTE
from sandbox.session import ERROR_CHARACTERS

pytestmark = pytest.mark.bubblewrap


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with nothing_left():
        yield


@pytest.mark.parametrize("raised", ["SystemExit(0)", "KeyboardInterrupt()", "GeneratorExit()", "BaseException('x')"])
def test_exceptions_that_are_no_errors_do_not_end_the_session(raised: str) -> None:
    session = start(f"def solve():\n    raise {raised}\ndef again(): return 5")
    reply = session.call("solve")
    assert (reply.status, reply.died) == (Status.CRASHED, False)
    assert raised.partition("(")[0] in reply.error
    assert session.call("again").value == 5
    session.close()


def test_endless_recursion() -> None:
    reply = run("def solve(): return solve()")
    assert reply.status is Status.CRASHED
    assert reply.error.endswith("RecursionError: maximum recursion depth exceeded")
    assert 1 <= reply.error.count("program.py, line 1, in solve") <= 10


def test_recursion_without_a_limit() -> None:
    text = "import sys\nsys.setrecursionlimit(10**9)\ndef solve(): return [solve()]"
    reply = run(text, cpu_seconds=2.0, memory_bytes=64 * MEBIBYTE)
    assert reply.status in (Status.CRASHED, Status.OUT_OF_MEMORY, Status.TIMED_OUT)


CLASS = "class E(Exception):\n        {}\n    raise E('a')"
LOOP = "def __str__(self):\n            while True: pass"
TEXT = "class S(str):\n        __getitem__ = __format__ = lambda *x: 1 / 0\n    raise ValueError(S('a'))"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("raise ValueError('x' * 10**7)", Status.CRASHED, "ValueError: xxx"),
        ("raise type('E' * 10**6, (Exception,), {})()", Status.CRASHED, "EEEE"),
        (CLASS.format("def __str__(self): raise self"), Status.CRASHED, "can not be read"),
        (CLASS.format("def __str__(self): return 5"), Status.CRASHED, "can not be read"),
        (CLASS.format("__repr__ = __str__ = lambda self: 1 / 0"), Status.CRASHED, "can not be read"),
        (CLASS.format(LOOP), Status.TIMED_OUT, "0.4 s"),
        (CLASS.format("__traceback__ = property(lambda self: 1 / 0)"), Status.CRASHED, "E: a"),
        (TEXT, Status.CRASHED, "ValueError"),
        ("raise SyntaxError('a', ('b', object(), [], {}))", Status.CRASHED, "SyntaxError"),
        ("raise ValueError('\\ud800 \\x1b[31m red')", Status.CRASHED, "ValueError: \\ud800 [31m red"),
        ("raise ValueError(object())", Status.CRASHED, "ValueError: <object object>"),
        ("raise ExceptionGroup('many', [ValueError(1)] * 1000)", Status.CRASHED, "many"),
        ("raise RecursionError", Status.CRASHED, "RecursionError"),
        ("exec('def ' + 'f' * 5000 + '(): 1 / 0\\n' + 'f' * 5000 + '()')", Status.CRASHED, "ZeroDivisionError"),
    ],
)
def test_hostile_exceptions(body: str, status: Status, said: str) -> None:
    reply = run(f"def solve():\n    {body}\n", cpu_seconds=0.4)
    assert (reply.status, reply.died) == (status, False)
    assert said in reply.error
    assert len(reply.error) <= ERROR_CHARACTERS
    assert not [mark for mark in ("0x", "/opt", "runner", "\x1b") if mark in reply.error]
