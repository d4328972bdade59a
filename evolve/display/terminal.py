"""A console for texts that programs and models wrote: whatever stands in them, it steers no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters of C0 and C1, with which escape sequences begin, and those that turn the direction of text."""


class PlainConsole(Console):
    """Colours and moves of the cursor are rich's own: what would steer a terminal is left out of every text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See rich."""
        for segment in super().render(renderable, options):
            if segment.control or not _STEERING.search(segment.text):
                yield segment
            else:
                yield Segment(_STEERING.sub("", segment.text), segment.style)
