"""What a run may still spend. Deterministic limits first; the clock only decides when to stop."""

from __future__ import annotations

from dataclasses import dataclass

from evolve.core.clock import monotonic_seconds
from evolve.core.types import Record

PATIENCE_PROPOSALS = 1_000


@dataclass
class Budget:
    """Limits and what was spent. One evaluation is reserved for each ticket in flight."""

    evaluations_limit: float
    proposals_limit: int
    seconds_limit: float | None = None
    evaluations: float = 0.0
    proposals: int = 0
    fruitless: int = 0
    interrupted: bool = False

    def __post_init__(self) -> None:
        self.started = monotonic_seconds()

    @property
    def seconds(self) -> float:
        """Wall seconds since the run was started or resumed."""
        return monotonic_seconds() - self.started

    @property
    def cut_off(self) -> str | None:
        """Why what is in flight need not be waited for where a sandbox is away: Ctrl-C, or the minutes are over."""
        if self.interrupted:
            return "interrupted"
        late = self.seconds_limit is not None and self.seconds >= self.seconds_limit
        return "minutes" if late else None

    def stop_reason(self, in_flight: int) -> str | None:
        """Why no further ticket may be asked, or None while one may."""
        if self.interrupted:
            return "interrupted"
        if self.evaluations + in_flight >= self.evaluations_limit:
            return "evaluations"
        if self.proposals + in_flight >= self.proposals_limit:
            return "proposals"
        if self.fruitless >= PATIENCE_PROPOSALS:
            return "exhausted"
        return self.cut_off

    def settle(self, record: Record) -> None:
        """Charge a told record. A check of a program that is there already proposes nothing."""
        if record.ticket.kind == "measure":
            return
        self.evaluations += record.evaluations
        self.proposals += 1
        self.fruitless = 0 if record.verdict.evaluated else self.fruitless + 1
