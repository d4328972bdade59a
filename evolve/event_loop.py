"""Running coroutines to their end, wherever one is, and what Ctrl-C does meanwhile."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")

START_SECONDS = 10.0
"""How long a thread may take to start on a machine that is busy."""


@contextmanager
def interrupts(stop: Callable[[], None], wanted: bool) -> Iterator[None]:
    """While inside, the first SIGINT calls `stop`; the second one is a KeyboardInterrupt as usual."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def first(number: int, frame: Any) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_event_loop(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end, in a thread where an event loop is running here already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        running = False
    else:
        running = True
    if not running:
        return asyncio.run(start())
    return _in_thread(start)


def _in_thread(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end in a thread. What interrupts the wait for it, or its start, cancels it."""
    begun: Future[Callable[[], object]] = Future()
    done: Future[T] = Future()

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        begun.set_result(lambda: loop.call_soon_threadsafe(task.cancel) if task else None)
        return await start()

    def work() -> None:
        try:
            done.set_result(asyncio.run(cancellable()))
        except BaseException as error:  # whoever waits is to have it
            done.set_exception(error)

    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
        return done.result()
    except KeyboardInterrupt:
        either: list[Future[Any]] = [begun, done]
        # Where the interrupt came before the thread, there is nothing to wait for.
        wait(either, timeout=START_SECONDS, return_when=FIRST_COMPLETED)
        if begun.done():
            with suppress(RuntimeError):  # its loop has just ended
                begun.result()()
            wait([done])
        raise
