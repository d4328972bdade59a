"""The two ways to watch a run: lines for pipes and logs, a live display for terminals."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from evolve.core.clock import monotonic_seconds
from evolve.core.types import Objective
from evolve.display.grid import rich_table
from evolve.display.ladder import Rung, climb, shown_objective
from evolve.display.progress import Progress
from evolve.display.tables import gain_text, ladder_grid
from evolve.display.text import console, duration, line, metric_text, number
from evolve.events import (
    Asking,
    Event,
    FinalProgress,
    Paused,
    Preparing,
    Recalled,
    RecordCommitted,
    RunEnded,
    RunStarted,
    ScoredProgram,
    Warned,
    WentOn,
)

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

LINE_SECONDS = 5.0
NEWS_SECONDS = 1.0
BAR_WIDTH = 24
WARM_UP = "starting the workers; the very first time numeric kernels may be compiled, for about 20 s"
FIXED_LINES = 14
"""Lines of the live display other than rows of its table."""
NOTICE_LINES = 2


class Watch(Protocol):
    """A listener that is open while the run goes on, and its sum of the events so far."""

    progress: Progress

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        ...


class LineWatch:
    """One line at the start, one every five seconds, one when the front has moved (at most one a second)."""

    def __init__(self, objectives: Sequence[Objective], *, stderr: bool) -> None:
        self.objectives = objectives
        self.stderr = stderr
        self.progress = Progress()
        self.next_line = self.next_news = 0.0
        self.next_final = 0.0
        self.told: dict[float | None, str] = {}
        self.front: tuple[ScoredProgram, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, event: Event) -> None:
        """Print what is due."""
        self.progress.update(event)
        now = monotonic_seconds()
        match event:
            case Warned():
                self._print(f"warning: {event.text}", style="yellow")
            case Paused() | WentOn():
                self._print(str(event), style="yellow")
            case Preparing(done=0) | Preparing(noise=True):
                self._print(self.progress.preparing_text())
            case RunStarted():
                self._start(event)
                self.next_line = now + LINE_SECONDS
            case Recalled():
                self.front = event.latest.front
            case RecordCommitted():
                if event.front != self.front and now >= self.next_news:
                    self._news(event)
                    self.next_news = now + NEWS_SECONDS
                if now >= self.next_line:
                    self._line(event)
                    self.next_line = now + LINE_SECONDS
            case FinalProgress() if now >= self.next_final or event.done == event.total:
                self._print(self.progress.final_text())
                self.next_final = now + LINE_SECONDS
            case RunEnded():
                note = f": {event.note}" if event.note else ""
                self._print(f"end: {event.stop_reason}, {duration(event.seconds)}{note}")

    def _start(self, event: RunStarted) -> None:
        models = f", with {', '.join(event.models)}" if event.models else ""
        self._print(f"run {event.run_id}: {event.problem}{models}, {budget_text(event)}")
        self._print(WARM_UP)
        self._print(f"archive {event.archive}" + (f", {event.replayed:,} records so far" if event.replayed else ""))

    def _line(self, event: RecordCommitted) -> None:
        budget, speed = str(self.progress.budget() or ""), self.progress.speed_text()
        parts = [duration(event.seconds), budget, speed, self.progress.spending_text()]
        if len(self.objectives) == 1 and event.front:
            metric = self.objectives[0].metric
            parts.append(f"best {metric_text(metric, event.front[0].metrics[metric])}")
        self._print(", ".join(part for part in [*parts, self.progress.left_text()] if part))

    def _news(self, event: RecordCommitted) -> None:
        self.front = event.front
        started = self.progress.started
        if started is None or event.record.number < started.replayed:
            return
        metric = shown_objective(self.objectives, [started.seed, *started.baselines, *event.front]).metric
        for rung in climb(self.objectives, started.seed, started.baselines, event.front):
            if rung.found is None or (rung.gain is not None and rung.gain <= 0):
                continue
            text = self._news_text(rung, rung.found, metric)
            if self.told.get(rung.level) != text:  # a gain too small to be seen is not news
                self._print(f"{duration(event.seconds)}, better: {text}")
            self.told[rung.level] = text

    def _news_text(self, rung: Rung, found: ScoredProgram, metric: str) -> str:
        text = f"{metric} {metric_text(metric, found.metrics[metric])}"
        if rung.level is not None:
            text = f"{self.objectives[1].metric} {number(rung.level)}: {text}"
        if rung.known is not None:
            text += f", {gain_text(metric, rung.gain)} on {rung.known.name}"
        return f"{text}: {found.idea}" if self.models and found.idea else text

    @property
    def models(self) -> bool:
        """Whether models propose: what the offline proposer says of its programs is no idea that one could read."""
        return bool(self.progress.started and self.progress.started.models)

    def _print(self, text: str, *, style: str = "") -> None:
        line(text, style=style, stderr=self.stderr)


class LiveWatch:
    """A display that stays in place: progress, rates, counts by status, and the front against the baselines.

    The listener only stores the event; a thread of rich draws four times a second.
    """

    def __init__(self, objectives: Sequence[Objective], *, stderr: bool) -> None:
        from rich.live import Live

        self.objectives = objectives
        self.progress = Progress()
        self.console = console(stderr=stderr)
        self.live = Live(
            get_renderable=self.draw,
            console=self.console,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what goes into a file or a pipe must not end on the screen
        )

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    def __call__(self, event: Event) -> None:
        """Take in one event; the next drawing shows it."""
        self.progress.update(event)
        if isinstance(event, Asking):
            self.live.stop()
        elif isinstance(event, RunStarted):
            self.live.start()  # does nothing where it was not stopped

    def draw(self) -> Group:
        """What is on the screen now."""
        from rich.console import Group
        from rich.text import Text

        notices = [Text(text, style="yellow") for text in self.progress.notices()]
        return Group(*notices, self._state())

    def _state(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        started, latest = self.progress.started, self.progress.latest
        if started is None:
            return Group(Text(self.progress.preparing_text()))
        head = Text.assemble((started.problem, "bold"), f"  run {started.run_id}", overflow="ellipsis", no_wrap=True)
        if latest is None:
            return Group(head, Text(budget_text(started)), Text(WARM_UP, style="dim"))
        rows = max(3, self.console.height - FIXED_LINES - NOTICE_LINES * len(self.progress.notices()))
        grid = ladder_grid(self.objectives, started.seed, started.baselines, latest.front, rows=rows)
        counts = Text(self.progress.counts_text(), style="dim")
        money = [Text(text, style="dim")] if (text := self.progress.spending_text()) else []
        return Group(head, self._bar(), *money, *self._idea(), counts, rich_table(grid), self._final())

    def _idea(self) -> list[Text]:
        """The idea of the best program that was found, where models propose."""
        from rich.text import Text

        started, latest = self.progress.started, self.progress.latest
        if started is None or not started.models or latest is None or not latest.front:
            return []
        best, known = latest.front[0], {one.program_id for one in (started.seed, *started.baselines)}
        shown = best.idea and best.program_id not in known
        return [Text(f"best: {best.idea}", overflow="ellipsis", no_wrap=True)] if shown else []

    def _bar(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        budget = self.progress.budget()
        latest = self.progress.latest
        if budget is None or latest is None:
            return Group()
        first = Text.assemble(_bar_text(budget.share), f" {budget}")
        rest = [duration(self.progress.seconds), self.progress.speed_text(), self.progress.left_text()]
        return Group(first, Text(" · ".join(part for part in rest if part)))

    def _final(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        final = self.progress.final
        if final is None:
            return Group(Text("Ctrl-C stops; what is committed stays", style="dim"))
        return Group(Text.assemble(_bar_text(final.done / max(1, final.total)), f" {self.progress.final_text()}"))


def _bar_text(share: float) -> tuple[str, str]:
    full = round(share * BAR_WIDTH)
    return f"{'━' * full}{'╌' * (BAR_WIDTH - full)} {share:4.0%}", "cyan"


def budget_text(event: RunStarted) -> str:
    """The budgets of a run in words."""
    parts = []
    if event.evaluations_limit:
        parts.append(f"at most {number(event.evaluations_limit)} evaluations")
    if event.proposals_limit:
        parts.append(f"{number(event.proposals_limit)} proposals")
    if event.seconds_limit:
        parts.append(duration(event.seconds_limit))
    if event.usd_limit:
        parts.append(f"${event.usd_limit:.2f}")
    if event.tokens_limit:
        parts.append(f"{event.tokens_limit:,} tokens")
    return ", ".join(parts) or "no budget"
