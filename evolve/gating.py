"""What a would-be champion of a sampled problem is asked before it is promoted."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from evaluators.gate import FIRST, Answer, Gate, GateSet
from evolve.core.types import Objective, Promotion, Question, Record, Source
from evolve.engine.base import Engine, Task
from evolve.events import Listener


@dataclass(frozen=True, slots=True)
class GateCount:
    """What a run asked its gate. `note` says why nothing is asked, where that is so: champions are best on train then.

    `fixed` is True where all questions meet the same instances. `pairs` is how many pairs of processes compare times
    at each question, and `noise` the largest relative difference of times that was seen between a program and itself
    at the run's start; 0 where groups compare scores.
    """

    asked: int
    accepted: int
    groups: int
    fixed: bool
    note: str = ""
    pairs: int = 0
    noise: float = 0.0

    def __str__(self) -> str:
        if self.note:
            return f"{self.note}; best on train"
        times = "once" if self.asked == 1 else f"{self.asked} times"
        drawn = "the same instances each time" if self.fixed else "new instances each time"
        size = f"{self.groups} groups"
        if self.pairs:
            size = f"{self.pairs} pairs of processes, noise up to {self.noise:.1%}"
        return f"asked {times}, {self.accepted} accepted; {size}, {drawn}"


class Gatekeeper:
    """Asks the gate of a sampled problem, one question at a time and in the order of the records.

    At its k-th question both programs meet instances of a seed of its own, drawn from the gate's seed and k; a gate
    whose instances do not change with the seed is asked under the stricter rule. See `evaluators.gate.Gate`.
    """

    def __init__(self, engine: Engine, objective: Objective) -> None:
        self._engine = engine
        self._objective = objective
        self._gate = Gate()
        self._groups: tuple[str, ...] = ()

    async def open(self, listener: Listener) -> None:
        """Look at the gate's instances once, so that a problem that has none is known for it before the run."""
        found: GateSet = await self._engine.run(Task("gate_set", (1,)))
        self._groups, self._gate.fixed = found.groups, found.fixed

    @property
    def count(self) -> GateCount:
        """What was asked so far."""
        gate, closed = self._gate, self._gate.closed(self._groups)
        note = closed.reason if closed is not None and not closed.gated else ""
        return GateCount(gate.queries, gate.accepts, len(set(self._groups)), gate.fixed, note)

    def restore(self, record: Record) -> None:
        """Count the question of a record from the archive."""
        if record.promotion is not None and record.promotion.question is not None:
            self._gate.queries = record.promotion.question.number
            self._gate.accepts += record.promotion.accepted

    @property
    def tally(self) -> tuple[int, int]:
        """Questions, and programs that passed, as the next question is judged by them."""
        return self._gate.queries, self._gate.accepts

    @tally.setter
    def tally(self, asked_and_accepted: tuple[int, int]) -> None:
        self._gate.queries, self._gate.accepts = asked_and_accepted

    async def __call__(self, record: Record, source: Source, rival: Source | None) -> Promotion:
        """The answer to a record whose program, `source`, is better on train than its rival."""
        metrics = record.verdict.metrics
        closed = self._gate.closed(self._groups)
        if closed is not None or rival is None:
            accepted, reason = (True, FIRST) if closed is None else (not closed.gated, closed.reason)
            return Promotion(accepted, metrics, record.verdict.evaluation_set, reason)
        return await self._asked(record, source, rival)

    async def _asked(self, record: Record, source: Source, rival: Source) -> Promotion:
        number, priority = self._gate.queries + 1, record.ticket.number
        found: GateSet = await self._engine.run(Task("gate_set", (number,), priority))
        values = await self._values(source, number, len(found.groups), priority)
        differences: list[float | None] = [None for _ in values]
        if None not in values:
            others = await self._values(rival, number, len(found.groups), priority)
            differences = [self._gain(new, old) for new, old in zip(values, others, strict=True)]
        return self._promotion(record, found, self._gate.ask(found.groups, differences))

    async def _values(self, source: Source, number: int, count: int, priority: int) -> list[float | None]:
        tasks = [Task("gate", (source, number, place), priority) for place in range(count)]
        values: list[float | None] = await asyncio.gather(*map(self._engine.run, tasks))
        return values

    def _gain(self, new: float | None, old: float | None) -> float | None:
        if new is None:
            return None
        return math.inf if old is None else self._objective.cost(old) - self._objective.cost(new)

    def _promotion(self, record: Record, found: GateSet, answer: Answer) -> Promotion:
        statistic = answer.statistic if answer.statistic is not None and math.isfinite(answer.statistic) else None
        groups = len(set(found.groups))
        question = Question(self._gate.queries, groups, found.fixed, statistic, answer.needed)
        return Promotion(answer.accepted, record.verdict.metrics, found.evaluation_set, answer.reason, question)
