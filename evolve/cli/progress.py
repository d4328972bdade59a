"""How far a long command is, in one line that stays in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_line(
    opening: str = "opening the archive",
) -> Iterator[tuple[Callable[[str, int, int], None], Callable[[], float]]]:
    """Where to say how far it is, shown on a terminal, and the seconds until now."""
    from rich.console import Console

    from evolve.core.clock import monotonic_seconds

    began = monotonic_seconds()
    with Console(stderr=True).status("opening the archive") as status:

        def said(what: str, done: int, total: int) -> None:
            status.update(f"{what}: {done:,} of {total:,}" if total > done else f"{what}: {done:,}")

        yield said, lambda: monotonic_seconds() - began
