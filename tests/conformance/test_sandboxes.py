"""Every sandbox keeps to the contract: each backend here, each that others have installed, and the fake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from every_backend import BACKENDS, containers, made
from wrong_sandboxes import Played

from evolve.core.errors import CallOrderError
from evolve.core.types import Source, Status
from sandbox.base import Reply, Sandbox
from sandbox.conformance import ProtocolConformance, SandboxConformance
from sandbox.limits import Limits
from sandbox.scripted import Call, ScriptedSandbox
from sandbox.unsandboxed import UnsandboxedSandbox


@pytest.fixture(scope="module", params=[backend.param() for backend in BACKENDS])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with made(request.param) as sandbox:
        yield sandbox


class TestEveryBackend(SandboxConformance):
    with_numpy = True

    def left(self) -> Any:
        return super().left(), containers()


class TestScripted(ProtocolConformance):
    @pytest.fixture
    def sandbox(self) -> Sandbox:
        return Played()


class TestUnsandboxed(ProtocolConformance):
    """What isolates nothing keeps to the protocol all the same."""

    @pytest.fixture
    def sandbox(self) -> Sandbox:
        return UnsandboxedSandbox()


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
