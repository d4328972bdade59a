"""How a comparison that goes on is shown: a bar on a terminal, lines in a pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from evolve.core.clock import monotonic_seconds
from evolve.display.text import duration, line

if TYPE_CHECKING:
    from rich.console import Console

LINE_SECONDS = 30.0
BAR_WIDTH = 20


@dataclass(frozen=True, slots=True)
class Stand:
    """How far a comparison is. `share` counts runs, those that go on by what they have spent; `left` is in seconds."""

    done: int
    total: int
    share: float
    seconds: float
    left: float | None
    words: str = "runs"


Watch = Callable[[Stand], None]


def words(stand: Stand) -> str:
    """`12 of 50 runs, 24 %, 1 min 05 s, 3 min 20 s left`."""
    left = f", {duration(stand.left)} left" if stand.left is not None and stand.share < 1.0 else ""
    return f"{stand.done:,} of {stand.total:,} {stand.words}, {stand.share:.0%}, {duration(stand.seconds)}{left}"


class Bar:
    """One line that stays in place. Thread-safe."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            BarColumn(BAR_WIDTH), TextColumn("{task.description}"), console=console, transient=True
        )
        self._task = self._progress.add_task("starting", total=1.0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, stand: Stand) -> None:
        """Show how far it is."""
        self._progress.update(self._task, completed=stand.share, description=words(stand))


class Lines:
    """A line every half minute, and one at the end of each part."""

    def __init__(self) -> None:
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, stand: Stand) -> None:
        """Print what is due."""
        now = monotonic_seconds()
        if now >= self._next or stand.done == stand.total:
            self._next = now + LINE_SECONDS
            line(words(stand), stderr=True)
