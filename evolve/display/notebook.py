"""A run in a Jupyter notebook: one output that changes in place and can still be read when the notebook is saved."""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from evolve.core.types import Objective
from evolve.display import chart, page
from evolve.display.curve import Curve
from evolve.display.ladder import shown_objective
from evolve.display.progress import Progress
from evolve.display.tables import ladder_grid
from evolve.display.text import duration
from evolve.display.watch import WARM_UP, budget_text
from evolve.events import Event, RecordCommitted, RunStarted

REDRAW_SECONDS = 0.25
ROWS = 20
"""Rungs of the table while the run goes on."""
HINT = "Interrupt the kernel to stop; what is committed stays."

Publish = Callable[[str, str], None]
"""Takes the state as HTML and as plain text, and shows it in place of the state before."""


def in_notebook() -> bool:
    """True inside a Jupyter kernel. IPython is not imported: where nobody has done so, this is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def publisher() -> Publish:
    """Shows its first call in the output of the running cell, and each later one in its place."""
    handle: Any = None

    def publish(html: str, text: str) -> None:
        from IPython.display import display

        nonlocal handle
        bundle = {"text/html": html, "text/plain": text}
        if handle is None:
            handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            handle.update(bundle, raw=True)

    return publish


class NotebookWatch:
    """A listener that only stores events; a thread of its own draws at most four times a second.

    The thread has the context of the cell that opened the watch, by which the kernel knows where its output belongs.
    """

    def __init__(self, objectives: Sequence[Objective], publish: Publish) -> None:
        self.objectives = objectives
        self.publish = publish
        self.progress = Progress()
        self.curve = Curve(objectives)
        self.ending = ""
        self._news, self._over = threading.Event(), threading.Event()
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._draw_on,), name="evolve-display", daemon=True)

    def __enter__(self) -> Self:
        self._show()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if kind is not None:
            self.ending = self._failure(kind, error)
            self.progress.paused = None
        self._show()

    def __call__(self, event: Event) -> None:
        """Take in one event; the next drawing shows it."""
        self.progress.update(event)
        self.curve.update(event)
        self._news.set()

    def _draw_on(self) -> None:
        while not self._over.wait(REDRAW_SECONDS):
            if self._news.is_set():
                self._news.clear()
                self._show()

    def _show(self) -> None:
        self.publish(self.html(), self.text())

    def _failure(self, kind: type[BaseException], error: BaseException | None) -> str:
        if not issubclass(kind, KeyboardInterrupt):
            return f"failed: {error}"
        started = self.progress.started
        if started is None:
            return "stopped before the run was begun"
        return f"stopped; what was committed is kept. {_resume_text(started)}"

    def text(self) -> str:
        """The state in a few plain lines."""
        return "\n".join([*self.progress.notices(), self._plain()])

    def html(self) -> str:
        """The state as one piece of HTML."""
        return "".join(page.paragraph(text, page.LOUD) for text in self.progress.notices()) + self._page()

    def _plain(self) -> str:
        started, latest = self.progress.started, self.progress.latest
        if started is None:
            return self.ending or self.progress.preparing_text()
        lines = [f"{started.problem}, run {started.run_id}", str(self.progress.budget() or budget_text(started))]
        if latest is not None:
            lines.append(self._spent())
        lines += [self.progress.final_text(), self._end_text()]
        return "\n".join(text for text in lines if text)

    def _page(self) -> str:
        started, latest = self.progress.started, self.progress.latest
        if started is None:
            return page.box(page.paragraph(self.ending or self.progress.preparing_text(), page.FAINT))
        head = page.heading(started.problem, f"run {started.run_id}")
        if latest is None:
            words = page.paragraph(budget_text(started))
            return page.box(head, words, page.paragraph(self.ending or WARM_UP, page.FAINT))
        grid = ladder_grid(self.objectives, started.seed, started.baselines, latest.front, rows=ROWS)
        return page.box(head, *self._budget(), page.table(grid), self._pictures(started, latest), *self._closing())

    def _pictures(self, started: RunStarted, latest: RecordCommitted) -> str:
        curve = chart.curve(self.curve.points(), self.curve.figure, self.curve.level, latest.evaluations)
        if len(self.objectives) == 1:
            return curve
        shown = shown_objective(self.objectives, [started.seed, *started.baselines, *latest.front])
        return page.beside(chart.front(self.objectives, shown, started.baselines, latest.front), curve)

    def _budget(self) -> list[str]:
        budget = self.progress.budget()
        parts = [] if budget is None else [page.bar(budget.share), page.paragraph(f"{budget.share:.0%}: {budget}")]
        return [*parts, page.paragraph(self._spent()), page.paragraph(self.progress.counts_text(), page.FAINT)]

    def _spent(self) -> str:
        latest = self.progress.latest
        left = "" if self.progress.ended or self.progress.final or self.ending else self.progress.left_text()
        words = [duration(latest.seconds) if latest else "", self.progress.speed_text(), left]
        return " · ".join(word for word in words if word)

    def _closing(self) -> list[str]:
        final = self.progress.final
        parts = []
        if final is not None:
            parts = [page.bar(final.done / max(1, final.total)), page.paragraph(self.progress.final_text())]
        end = self._end_text()
        return [*parts, page.paragraph(end, "font-weight:600") if end else page.paragraph(HINT, page.FAINT)]

    def _end_text(self) -> str:
        started, ended = self.progress.started, self.progress.ended
        if self.ending or ended is None:
            return self.ending
        words = f"ended: {ended.stop_reason}, after {duration(ended.seconds)}"
        return f"{words}. {_resume_text(started)}" if ended.stop_reason == "interrupted" and started else words


def _resume_text(started: RunStarted) -> str:
    return f'To go on: run(None, resume="{started.run_id}", archive="{started.archive}")'
