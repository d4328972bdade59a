"""Work that waits in a thread, as it does in a notebook, ends when the wait for it is interrupted."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from evolve.event_loop import in_event_loop


def _beside_a_running_loop(work: object) -> object:
    """What a cell of a notebook does: a plain call while an event loop is running in this thread."""

    async def cell() -> object:
        return in_event_loop(work)  # type: ignore[arg-type]

    loop = asyncio.new_event_loop()  # not asyncio.run, which has a handler of its own for the signal
    try:
        return loop.run_until_complete(cell())
    finally:
        loop.close()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT as on a terminal: a shell that starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("seconds", [0.0, 0.0001, 0.001, 0.1])
def test_an_interrupt_cancels_the_work(seconds: float) -> None:
    ended: list[str] = []

    async def endless() -> None:
        await asyncio.sleep(seconds)  # the wait may have begun by then, or the thread is still being started
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    with pytest.raises(KeyboardInterrupt):
        _beside_a_running_loop(endless)
    assert ended == ["cancelled"]


def test_values_and_errors_come_back() -> None:
    async def good() -> int:
        return 7

    async def bad() -> None:
        raise LookupError("gone")

    assert _beside_a_running_loop(good) == 7
    with pytest.raises(LookupError, match="gone"):
        _beside_a_running_loop(bad)
