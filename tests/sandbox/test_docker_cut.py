"""A connection to a container that breaks while engine and container go on."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import Any

import pytest

from evolve.core.errors import InfrastructureError
from evolve.core.types import Source, Status
from sandbox.config import DockerConfig
from sandbox.docker import DockerSandbox
from sandbox.limits import Limits

pytestmark = pytest.mark.docker

PROGRAM = "import time\ndef solve(seconds):\n    time.sleep(seconds)\n    return seconds\n"


def cut(session: Any) -> None:
    """Ends the connection to a container, as a quick restart of the engine does."""
    session._child.relay._connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("runtime", [None, "runsc"])
def test_a_connection_that_breaks_while_the_program_works_is_no_fault_of_the_program(runtime: str | None) -> None:
    """The engine answers and the container runs: only the way between is gone."""
    with closing(DockerSandbox(config=DockerConfig(runtime=runtime, pool=0))) as sandbox:
        session = sandbox.open(Source({"program.py": PROGRAM}, "solve"), Limits())
        with closing(session):
            assert session.call("solve", 0).status is Status.OK
            threading.Timer(0.3, cut, (session,)).start()
            with pytest.raises(InfrastructureError, match="not to blame"):
                session.call("solve", 5)


def test_a_connection_that_breaks_between_calls_is_a_death_and_may_be_the_machines_fault() -> None:
    """The runner ends with its standard input, as it would have if the program had ended it: so it is tried again."""
    with closing(DockerSandbox(config=DockerConfig(pool=0))) as sandbox:
        session = sandbox.open(Source({"program.py": PROGRAM}, "solve"), Limits())
        with closing(session):
            assert session.call("solve", 0).status is Status.OK
            cut(session)
            session._child.ended(5.0)
            assert session.call("solve", 0).died
