"""An event loop in a thread of its own, for callers that do not have one, or have one that runs already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Background:
    """One loop for all calls, so that what a coroutine keeps open (connections) can be used by the next one.

    `run` may be called from any thread. The thread starts with the first call.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._end: asyncio.Event

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and give what it returns or raises; an interrupted wait cancels it."""
        if self._thread is None:
            self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True, name="background")
            self._thread.start()
            self._started.wait()
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def close(self) -> None:
        """Cancel what still runs, and end the thread. Later calls are not allowed."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        await self._end.wait()
