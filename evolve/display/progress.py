"""What is known of a run that goes on: counts, rates, and which budget will end it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from evolve.core.clock import monotonic_seconds
from evolve.core.types import Record, Status
from evolve.display.text import duration, number
from evolve.events import (
    Event,
    FinalProgress,
    Paused,
    Preparing,
    Recalled,
    RecordCommitted,
    RunEnded,
    RunStarted,
    Warned,
    WentOn,
)


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget that is used up most: its name, what is spent of it, and its limit."""

    name: str
    spent: float
    limit: float

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.spent / self.limit)

    def __str__(self) -> str:
        if self.name == "usd":
            return f"${self.spent:.2f} of ${self.limit:.2f}"
        if self.name == "minutes":
            return f"{self.spent / 60:.1f} of {self.limit / 60:.1f} minutes"
        return f"{int(self.spent):,} of {number(self.limit)} {self.name}"


@dataclass
class Progress:
    """The sum of all events so far. Updated by one thread; others may read it for display."""

    preparing: Preparing | None = None
    started: RunStarted | None = None
    first: RecordCommitted | None = None
    latest: RecordCommitted | None = None
    final: FinalProgress | None = None
    ended: RunEnded | None = None
    paused: Paused | None = None
    warning: str = ""
    heard_seconds: float = 0.0
    counts: Counter[Status] = field(default_factory=Counter)

    def update(self, event: Event) -> None:
        """Take in one event."""
        match event:
            case Preparing():
                self.preparing = event
            case RunStarted():
                self.started = event
            case Recalled():
                self.latest, self.heard_seconds = event.latest, monotonic_seconds()
                self.counts.update(event.counts)
            case RecordCommitted():
                replayed = self.started.replayed if self.started else 0
                if self.first is None and event.record.number >= replayed:
                    self.first = event
                self.latest, self.heard_seconds = event, monotonic_seconds()
                if event.record.ticket.kind == "expand" or _revokes(event.record):
                    self.counts[event.record.verdict.status] += 1
            case FinalProgress():
                self.final = event
            case Paused():
                self.paused = event
            case WentOn():
                self.paused = None
            case Warned():
                self.warning = event.text
            case RunEnded():
                self.ended, self.paused = event, None

    @property
    def seconds(self) -> float:
        """Seconds of search: between two records as well, or a slow evaluation would look like a stop."""
        if self.latest is None:
            return 0.0
        searching = self.final is None and self.ended is None
        return self.latest.seconds + (monotonic_seconds() - self.heard_seconds if searching else 0.0)

    def notices(self) -> list[str]:
        """What stands above all else now: a warning, and that the sandbox is away."""
        return [*([self.warning] if self.warning else []), *([str(self.paused)] if self.paused else [])]

    def preparing_text(self) -> str:
        """`evaluating the seed and the baselines: 3 of 12`."""
        known = self.preparing
        if known and known.noise:
            return "timing the reference against itself ..."
        return "evaluating the seed and the baselines" + (f": {known.done} of {known.total}" if known else " ...")

    def final_text(self) -> str:
        """`final check: 40%, 5.0 s`; with several programs, how many."""
        final = self.final
        if final is None:
            return ""
        many = f" of {final.programs} programs" if final.programs > 1 else ""
        return f"final check{many}: {final.done / max(1, final.total):.0%}, {duration(final.seconds)}"

    def budget(self) -> Budget | None:
        """The budget that ends first if all goes on as it did; None before the first record."""
        if self.started is None or self.latest is None:
            return None
        limits = [
            Budget("evaluations", self.latest.evaluations, self.started.evaluations_limit or 0.0),
            Budget("proposals", self.latest.proposals, self.started.proposals_limit or 0.0),
            Budget("minutes", self.latest.seconds, self.started.seconds_limit or 0.0),
        ]
        if (spending := self.latest.spending) is not None:
            limits.append(Budget("usd", spending.usd, self.started.usd_limit or 0.0))
            limits.append(Budget("tokens", spending.tokens, float(self.started.tokens_limit or 0)))
        return max((one for one in limits if one.limit > 0), key=lambda one: one.share, default=None)

    def rates(self) -> tuple[float, float]:
        """Evaluations and candidates per second of this process (a resumed run starts at its old counts)."""
        if self.first is None or self.latest is None or self.latest.seconds <= self.first.seconds:
            return 0.0, 0.0
        seconds = self.latest.seconds - self.first.seconds
        evaluations = self.latest.evaluations - self.first.evaluations
        return evaluations / seconds, (self.latest.proposals - self.first.proposals) / seconds

    def seconds_left(self) -> float | None:
        """An estimate until the first budget ends; None while there is nothing to judge by."""
        budget = self.budget()
        if budget is None:
            return None
        rate = {"minutes": 1.0, "evaluations": self.rates()[0], "proposals": self.rates()[1]}.get(budget.name)
        if rate is None:
            rate = budget.spent / self.latest.seconds if self.latest and self.latest.seconds > 0 else 0.0
        return max(0.0, budget.limit - budget.spent) / rate if rate > 0 else None

    def counts_text(self) -> str:
        """`ok 1,204 · duplicate 310`, most frequent first."""
        return " · ".join(f"{status.value} {count:,}" for status, count in self.counts.most_common())

    def speed_text(self) -> str:
        """`412 evaluations/s · 530 candidates/s`."""
        evaluations, candidates = self.rates()
        digits = 0 if candidates >= 10 else 1
        return f"{evaluations:,.{digits}f} evaluations/s · {candidates:,.{digits}f} candidates/s"

    def spending_text(self) -> str:
        """`42 replies, 120,301 tokens, $0.84, 8 in flight`, or nothing without a model."""
        spending = self.latest.spending if self.latest else None
        return "" if spending is None else f"{spending}, {spending.in_flight} in flight"

    def left_text(self) -> str:
        """`12.4 s left`, or nothing while that is unknown."""
        left = self.seconds_left()
        return "" if left is None else f"{duration(left)} left"


def _revokes(record: Record) -> bool:
    """True where a program that had a score has none any more."""
    return record.supersedes is not None and not record.verdict.status.scored
