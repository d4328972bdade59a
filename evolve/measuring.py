"""Programs that are tried again by measure tickets: which, how, and when.

Where programs run beside a driver they are checked; where train has batches they are measured on the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import replace

from archive.outcomes import is_promising
from evolve.core.extent import extended, together
from evolve.core.types import Objective, Record, Status, Ticket, Verdict
from evolve.dominance import Dominance, Metrics
from evolve.podium import Podium
from evolve.probation import CHECK, REPLAY, Probation
from evolve.racing import BATCH, Order, Race


class Measuring:
    """State derived from tickets and told records, in their order.

    `scored` holds the told records of scored programs, by program, and is kept up to date here for those that get
    another batch; `podium` is that of the told ones.
    """

    def __init__(
        self,
        driven: bool,
        order: Order,
        dominance: Dominance,
        scored: MutableMapping[str, Record],
        podium: Podium,
    ) -> None:
        self.probation = Probation(driven)
        self.race = Race(order, dominance.objectives, dominance.minimum_effect)
        self._dominance = dominance
        self._scored = scored
        self._podium = podium

    # -- ask

    def due(self) -> tuple[str, str] | None:
        """The program to be measured by the next ticket, and how; None where none waits.

        Replays are dear: the best would-be champion comes first, and others wait until it is told. Most of them are
        no would-be champions then, and the quick check will do. Checks come before batches: they are no evaluations,
        they spare those of cheats, and what passes may be an elite at once.
        """
        flying = [self._metrics(one) for one in self.probation.replaying()]
        waiting = {one: self._metrics(one) for one in self.probation.waiting(REPLAY) if self._is_free(one)}
        open_ones = [one for one, metrics in waiting.items() if not self._podium.covers(metrics)]
        first = [one for one in open_ones if not self._dominance.covered(waiting[one], flying)]
        if first:
            return min(first, key=lambda one: self._dominance.costs(waiting[one])), REPLAY
        late = [one for one in waiting if one not in open_ones and is_promising(self._scored[one].outcome)]
        quick = [*filter(self._is_free, self.probation.waiting(CHECK)), *late]
        unchecked = [one for one in quick if not self.probation.is_trusted(one)]
        if unchecked:
            return unchecked[0], CHECK
        runner = self.race.due(self._rivals())
        return None if runner is None else (runner, BATCH)

    def may_complete(self) -> bool:
        """True where the next ticket would bring a program of the race further: by its next batch, or by a check, as
        these come first."""
        due = self.due()
        return due is not None and due[1] != REPLAY and self.race.due(self._rivals()) is not None

    def may_be_checked(self, program_id: str) -> bool:
        """False while the program is being measured, was checked, or waits for its turn as a would-be champion."""
        if not self._is_free(program_id):
            return False
        if program_id in self.probation.waiting(REPLAY):
            return self._podium.covers(self._metrics(program_id))
        return not self.probation.is_begun(program_id)

    def recorded(self, program_id: str) -> Mapping[str, float]:
        """The program's scores, by the name of the run of train."""
        results = self._scored[program_id].verdict.results
        return {result.instance_id: result.score for result in results if result.score is not None}

    def begin(self, ticket: Ticket) -> None:
        """A measure ticket was asked, or taken from the journal."""
        self.race.begin(ticket.parents[0])
        if ticket.operator != BATCH:
            self.probation.begin(ticket.parents[0], ticket.operator)

    # -- tell

    def tell_scored(self, program_id: str, is_start: bool) -> None:
        """A program with a score is among the told ones."""
        record = self._scored[program_id]
        if is_start:
            self.probation.trust(program_id)
        elif record.verdict.whole:
            self._want_check(program_id, record)
        else:
            self.race.enter(program_id, record.verdict)
            if is_promising(record.outcome):
                self.probation.want(program_id, CHECK)

    def tell(self, record: Record) -> None:
        """The record of a measure ticket."""
        program_id = record.ticket.parents[0]
        self.race.end(program_id)
        if record.verdict.status is not Status.OK:
            self.race.leave(program_id)
            self.probation.forget(program_id)
        if record.ticket.operator != BATCH:
            self.probation.end(program_id)
            if record.verdict.status is Status.OK:
                self.probation.trust(program_id)
        elif record.verdict.status is Status.OK:
            before = self._scored[program_id]
            self._scored[program_id] = replace(before, verdict=together(before.verdict, record.verdict))
            if record.verdict.whole:
                self.race.leave(program_id)
            self.tell_scored(program_id, is_start=False)

    def drop(self) -> None:
        """Take what is clearly worse than the champions out of the race."""
        self.race.drop(self._rivals())

    def _want_check(self, program_id: str, record: Record) -> None:
        if not self._podium.covers(record.verdict.metrics):
            self.probation.want(program_id, REPLAY)
        elif is_promising(record.outcome):
            self.probation.want(program_id, CHECK)

    def _is_free(self, program_id: str) -> bool:
        return not self.race.is_measured(program_id)

    def _metrics(self, program_id: str) -> Metrics:
        return self._scored[program_id].verdict.metrics

    def _rivals(self) -> list[Verdict]:
        ids = [champion.program_id for champion in self._podium.front]
        return [self._scored[one].verdict for one in ids if one in self._scored]


def measured_record(number: int, ticket: Ticket, original: Record, found: Verdict | None) -> Record:
    """The record of a program measured again: its own verdict once more, or what was `found`, which supersedes it."""
    record = Record(number, ticket, None, original.verdict, original.program_id, original.skeleton_id)
    if found is not None:
        verdict = extended(original.verdict, found) if ticket.operator == BATCH else found
        return replace(record, verdict=verdict, supersedes=original.number)
    extent = original.verdict.extent and replace(original.verdict.extent, new=0)
    feedback = f"{ticket.operator}: nothing found"
    return replace(record, verdict=replace(original.verdict, results=(), feedback=feedback, extent=extent))


def common(record: Record, first: int, objective: Objective) -> Record:
    """The record as it compares with all others of its run: by the `first` results and their metrics alone."""
    verdict = record.verdict
    if verdict.extent is None or not verdict.status.scored or verdict.extent.done == 0:
        return record
    value = verdict.common[objective.metric]
    return replace(
        record, verdict=replace(verdict, value=value, metrics=verdict.common, results=verdict.results[:first])
    )


def as_told(record: Record) -> Record:
    """What policies may know: of a question to the gate the answer alone.

    What is not shown to be better than the champion is a program like any other, and is told as one.
    """
    if record.promotion is None or record.promotion.question is None:
        return record
    accepted = record.promotion.accepted
    return replace(record, promotion=replace(record.promotion, reason="", question=None) if accepted else None)
