"""Whether a fork server works here: namespaces inside those of a sandbox, which not every machine allows."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache

from evolve.core.errors import UnavailableError
from evolve.core.types import Source
from sandbox.box import Box
from sandbox.bubblewrap_check import check
from sandbox.launch import StartError
from sandbox.limits import Limits
from sandbox.monitor import Stopped
from sandbox.order import order, rules
from sandbox.servers import ForkServer
from sandbox.session import ProcessSession
from sandbox.shortage import REMEDY, is_shortage

_PROBE = Source({"program.py": "def solve():\n    return 1\n"}, "solve")


@cache
def available() -> str | None:
    """Why processes can not be forked into namespaces of their own in a sandbox here; None where they can.

    Remembered, unless the machine is short of something: that passes. Raises UnavailableError then, and UsageError and
    InfrastructureError where there is no sandbox at all (`bubblewrap_check.check`).
    """
    check()
    limits = Limits()
    with ExitStack() as stack:
        session = None
        try:
            server = ForkServer(Box(()), (), 0)
            stack.callback(server.close)
            session = ProcessSession(server.start(limits), limits)
            stack.callback(session.close)
            session.begin(order(_PROBE, limits, None, 0, rules(limits, None)))
        except (StartError, Stopped) as error:
            reason = ((session.output if session else "") or str(error)).strip()
            if is_shortage(reason):
                raise UnavailableError(f"a fork server could not be tried: {reason}", REMEDY) from None
            return reason
    return None
