"""What goes on, told to whoever looks: one poller for all readers, at most one message a second to each.

A message is the archive's pulse, as server-sent event: the number of records of each run that goes on, and under `*` a
number that changes with anything at all. Pages ask again for what they show when a key that they watch has changed. A
reader who is slow gets the latest pulse and nothing in between, so that nothing piles up for it; one who is gone takes
no part in anything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from evolve.core.clock import monotonic_seconds
from evolve.core.errors import ArchiveError
from evolve.web.desk import Desk

POLL_SECONDS = 1.0
SILENT_SECONDS = 15.0
"""After so long without news a reader gets an empty line, by which a lost connection shows."""
MOST_READERS = 64
router = APIRouter()


class Pulse:
    """The latest message, and who waits for the next one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._readers = 0
        self._polled = -POLL_SECONDS
        self._polling = asyncio.Lock()
        self._text = ""
        self.closed = asyncio.Event()

    def enter(self) -> bool:
        """Count a reader; False where there are too many."""
        if self._readers >= MOST_READERS or self.closed.is_set():
            return False
        self._readers += 1
        return True

    async def messages(self) -> AsyncIterator[str]:
        """The messages for one reader who entered, as server-sent events."""
        try:
            told, told_at = "", monotonic_seconds()
            yield "retry: 3000\n\n"
            while not self.closed.is_set():
                text = await self._latest()
                now = monotonic_seconds()
                if text != told or now - told_at >= SILENT_SECONDS:
                    yield f"data: {text}\n\n" if text != told else ": still here\n\n"
                    told, told_at = text, now
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.closed.wait(), POLL_SECONDS)
        finally:
            self._readers -= 1

    async def _latest(self) -> str:
        """The pulse, asked for at most once a second, however many read."""
        async with self._polling:
            if monotonic_seconds() - self._polled >= POLL_SECONDS:
                with suppress(ArchiveError):  # busy for a moment: the next second will tell
                    self._text = json.dumps(await run_in_threadpool(self._desk.pulse))
                self._polled = monotonic_seconds()
            return self._text


@router.get("/live", include_in_schema=False)
async def live(request: Request) -> Response:
    """The stream of messages."""
    pulse: Pulse = request.app.state.pulse
    if not pulse.enter():
        return PlainTextResponse("too many readers\n", 503, {"retry-after": "30"})
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(pulse.messages(), media_type="text/event-stream", headers=headers)
