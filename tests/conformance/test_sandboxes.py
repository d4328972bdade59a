"""What every sandbox keeps to, whatever it is made of. A backend joins by adding itself to `BACKENDS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from evolve.core.errors import CallOrderError
from evolve.core.types import Source, Status
from sandbox.base import Reply, Sandbox, Session
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.limits import Limits
from sandbox.scripted import Call, ScriptedSandbox

PROGRAM = """
total = 0

def solve(value):
    return value

def add(number):
    global total
    total += number
    return total

def fail(text):
    raise ValueError(text)

def strange():
    return {1, 2}
"""
DRIVER = "def drive(candidate, value):\n    return [candidate(value), candidate(value)]\n"


def _unsandboxed(source: Source, entry: str, *args: Any) -> Any:
    """What the scripted sandbox plays: the program of this file, run here."""
    (text,) = source.files.values()
    if text not in LOADED:
        LOADED[text] = {}
        exec(text, LOADED[text])
    if entry == "drive":
        return [LOADED[text][source.entry](*args)] * 2
    value = LOADED[text][entry](*args)
    return Reply(Status.INVALID, error="a set") if isinstance(value, set) else value


LOADED: dict[str, dict[str, Any]] = {}


def _bubblewrap() -> Sandbox:
    return BubblewrapSandbox()


def _scripted() -> Sandbox:
    LOADED.clear()
    return ScriptedSandbox(_unsandboxed)


BACKENDS: dict[str, Callable[[], Sandbox]] = {"bubblewrap": _bubblewrap, "scripted": _scripted}


@pytest.fixture(params=[pytest.param(n, marks=[pytest.mark.bubblewrap] * (n == "bubblewrap")) for n in BACKENDS])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return BACKENDS[request.param]()


def open_session(sandbox: Sandbox, text: str = PROGRAM, driver: str | None = None) -> Session:
    return sandbox.open(Source({"program.py": text}, "solve"), Limits(), driver=driver, seed=3)


VALUES = [
    None, True, 0, -1, 2**63, -(2**200), 1.5, -0.0, math.inf, "", "text é 日本", b"\x00\xff",
    [], [1, [2, [3]]], (), (1, "a"), {}, {"a": {1: (None,)}, (1, 2): [3]}, list(range(1000)), [0.1] * 1000,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_goes_in_and_comes_out(sandbox: Sandbox, value: Any) -> None:
    session = open_session(sandbox)
    reply = session.call("solve", value)
    session.close()
    assert (reply.status, reply.error, reply.died) == (Status.OK, "", False)
    assert reply.value == value
    assert type(reply.value) is type(value)
    assert repr(reply.value) == repr(value)


def test_nan_stays_nan(sandbox: Sandbox) -> None:
    session = open_session(sandbox)
    assert math.isnan(session.call("solve", math.nan).value)
    session.close()


def test_a_driver_gets_the_entry_first(sandbox: Sandbox) -> None:
    session = open_session(sandbox, driver=DRIVER)
    assert session.call("drive", 4).value == [4, 4]
    session.close()


def test_an_exception_is_a_reply_and_the_session_goes_on(sandbox: Sandbox) -> None:
    session = open_session(sandbox)
    session.call("add", 2)
    reply = session.call("fail", "wrong number")
    assert (reply.status, reply.value, reply.died) == (Status.CRASHED, None, False)
    assert reply.error.endswith("ValueError: wrong number")
    assert session.call("add", 3).value == 5
    session.close()


def test_a_function_that_is_not_there(sandbox: Sandbox) -> None:
    session = open_session(sandbox)
    reply = session.call("nothing")
    assert reply.status is Status.CRASHED
    assert "nothing" in reply.error
    assert session.call("solve", 1).value == 1
    session.close()


def test_what_is_not_plain_data_ends_the_session(sandbox: Sandbox) -> None:
    session = open_session(sandbox)
    reply = session.call("strange")
    assert (reply.status, reply.value) == (Status.INVALID, None)
    assert "set" in reply.error
    assert session.call("solve", 1) is reply
    session.close()


def test_a_program_that_does_not_load(sandbox: Sandbox) -> None:
    session = open_session(sandbox, "raise ValueError('not today')\n")
    for _ in range(2):
        reply = session.call("solve", 1)
        assert reply.status is Status.CRASHED
        assert reply.value is None
        LOADED.clear()
    session.close()


def test_state_lives_between_calls_and_not_between_sessions(sandbox: Sandbox) -> None:
    for _ in range(2):
        session = open_session(sandbox)
        LOADED.clear()
        assert [session.call("add", n).value for n in (1, 2, 3)] == [1, 3, 6]
        session.close()


def test_sessions_may_be_open_side_by_side(sandbox: Sandbox) -> None:
    one, two = open_session(sandbox), open_session(sandbox, PROGRAM.replace("total = 0", "total = 100"))
    assert [one.call("add", 1).value, two.call("add", 1).value, one.call("add", 1).value] == [1, 101, 2]
    one.close()
    assert two.call("add", 1).value == 102
    two.close()


def test_close_twice_and_no_call_after(sandbox: Sandbox) -> None:
    session = open_session(sandbox)
    assert session.call("solve", 1).value == 1
    session.close()
    session.close()
    with pytest.raises(CallOrderError):
        session.call("solve", 1)


def test_a_session_may_be_closed_before_any_call(sandbox: Sandbox) -> None:
    open_session(sandbox).close()


def test_the_scripted_sandbox_records_what_was_asked() -> None:
    sandbox = ScriptedSandbox([Reply(Status.OK, 1), Reply(Status.TIMED_OUT, error="slow")])
    session = sandbox.open(Source({"program.py": "x"}, "f"), Limits(), driver="d", seed=9)
    first, second, third = session.call("f", 1), session.call("f", 2), session.call("f", 3)
    assert (first.value, second.status) == (1, Status.TIMED_OUT)
    assert third is second
    opening = sandbox.openings[0]
    assert (opening.driver, opening.seed) == ("d", 9)
    assert sandbox.calls == [Call(opening, "f", (1,)), Call(opening, "f", (2,))]
    session.close()
    assert sandbox.closed == 1
    with pytest.raises(CallOrderError, match="script of 2 replies"):
        sandbox.open(opening.source, Limits()).call("f")
