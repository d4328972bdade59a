"""Tests of what every `Sandbox` keeps to, a fake that runs no process included. See `sandbox.conformance`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from evolve.core.errors import CallOrderError
from evolve.core.types import Source, Status
from sandbox.base import Sandbox, Session
from sandbox.limits import Limits

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
BROKEN = "raise ValueError('not today')\n"
VALUES: list[Any] = [
    None, True, 0, -1, 2**63, -(2**200), 1.5, -0.0, math.inf, "", "text é 日本", b"\x00\xff",
    [], [1, [2, [3]]], (), (1, "a"), {}, {"a": {1: (None,)}, (1, 2): [3]}, list(range(1000)), [0.1] * 1000,
]  # fmt: skip


@contextmanager
def opened(
    sandbox: Sandbox, text: str = PROGRAM, *, driver: str | None = None, seed: int = 3, **limits: Any
) -> Iterator[Session]:
    """A session of a program whose entry is `solve`, closed at the end."""
    session = sandbox.open(Source({"program.py": text}, "solve"), Limits(**limits), driver=driver, seed=seed)
    try:
        yield session
    finally:
        session.close()


class ProtocolConformance:
    """Values, statuses, state and the order of calls of the fixture `sandbox`.

    The programs are `PROGRAM`, alone and with `DRIVER`, variants of it with another `total`, and `BROKEN`.
    """

    def test_a_value_goes_in_and_comes_out(self, sandbox: Sandbox) -> None:
        with opened(sandbox) as session:
            for value in VALUES:
                reply = session.call("solve", value)
                assert (reply.status, reply.error, reply.died) == (Status.OK, "", False)
                assert reply.value == value
                assert type(reply.value) is type(value)
                assert repr(reply.value) == repr(value)

    def test_nan_stays_nan(self, sandbox: Sandbox) -> None:
        with opened(sandbox) as session:
            assert math.isnan(session.call("solve", math.nan).value)

    def test_a_driver_gets_the_entry_first(self, sandbox: Sandbox) -> None:
        with opened(sandbox, driver=DRIVER) as session:
            assert session.call("drive", 4).value == [4, 4]

    def test_an_exception_is_a_reply_and_the_session_goes_on(self, sandbox: Sandbox) -> None:
        with opened(sandbox) as session:
            session.call("add", 2)
            reply = session.call("fail", "wrong number")
            assert (reply.status, reply.value, reply.died) == (Status.CRASHED, None, False)
            assert reply.error.endswith("ValueError: wrong number")
            assert session.call("add", 3).value == 5

    def test_a_function_that_is_not_there(self, sandbox: Sandbox) -> None:
        with opened(sandbox) as session:
            reply = session.call("nothing")
            assert (reply.status, reply.value) == (Status.CRASHED, None)
            assert "nothing" in reply.error
            assert session.call("solve", 1).value == 1

    def test_what_is_not_plain_data_ends_the_session(self, sandbox: Sandbox) -> None:
        with opened(sandbox) as session:
            reply = session.call("strange")
            assert (reply.status, reply.value) == (Status.INVALID, None)
            assert "set" in reply.error
            assert session.call("solve", 1) == reply

    def test_a_program_that_does_not_load_answers_every_call_with_the_reason(self, sandbox: Sandbox) -> None:
        with opened(sandbox, BROKEN) as session:
            first, second = session.call("solve", 1), session.call("add", 1)
        assert (first.status, first.value, first.died) == (Status.CRASHED, None, False)
        assert first.error.endswith("ValueError: not today")
        assert (second.status, second.value) == (Status.CRASHED, None)

    def test_state_lives_between_calls_and_not_between_sessions(self, sandbox: Sandbox) -> None:
        for _ in range(2):
            with opened(sandbox) as session:
                assert [session.call("add", number).value for number in (1, 2, 3)] == [1, 3, 6]

    def test_sessions_may_be_open_side_by_side(self, sandbox: Sandbox) -> None:
        with opened(sandbox, PROGRAM.replace("total = 0", "total = 100")) as two:
            with opened(sandbox) as one:
                values = [one.call("add", 1).value, two.call("add", 1).value, one.call("add", 1).value]
            assert values == [1, 101, 2]
            assert two.call("add", 1).value == 102

    def test_close_twice_and_no_call_after(self, sandbox: Sandbox) -> None:
        with opened(sandbox) as session:
            assert session.call("solve", 1).value == 1
            session.close()
            session.close()
            with pytest.raises(CallOrderError):
                session.call("solve", 1)

    def test_no_call_after_closing_what_was_over(self, sandbox: Sandbox) -> None:
        with opened(sandbox) as session:
            session.call("strange")
            session.close()
            with pytest.raises(CallOrderError):
                session.call("solve", 1)

    def test_a_session_may_be_closed_before_any_call(self, sandbox: Sandbox) -> None:
        with opened(sandbox):
            pass

    def test_a_closed_sandbox_opens_again(self, sandbox: Sandbox) -> None:
        sandbox.close()
        sandbox.close()
        with opened(sandbox) as session:
            assert session.call("solve", 1).value == 1
