"""Ids of a program's text where its problem is not at hand."""

from __future__ import annotations

from collections.abc import Iterator

from evaluators.screen import screen_program
from evolve.core.errors import Forbidden
from evolve.core.types import Source


def addresses(source: Source) -> Iterator[str]:
    """The ids that a text may have: as ordinary Python or text of a command, and as straight-line arithmetic.

    A text that neither screen takes has none: it is no program.
    """
    for sandbox in ("process", "straight_line")[: 1 if source.language == "command" else 2]:
        try:
            yield screen_program(sandbox, source, None).program_id
        except (Forbidden, ValueError, RecursionError):
            continue
