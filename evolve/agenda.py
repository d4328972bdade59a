"""What is to be tried beside the policy's choices: repairs, changes of paradigm and what follows them, tuning.

All of it is state derived from tickets and told records, in their order.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archive.policies.base import is_welcome
from evolve.core.types import Record, Status, Ticket
from evolve.crew import MUTATE, PARADIGM, REPAIR, REWRITE

REPAIRS = 2
"""How often one program is sent back to a model, failed edits included."""
APPROACHES, FOLLOW_UPS = 5, 5
TUNINGS = 4
"""Offline moves on the numbers of a model's program that is worth it."""
LEAST_STAGNATION, STAGNATION_SHARE = 20, 0.1

_REPAIRABLE = (Status.CRASHED, Status.TIMED_OUT, Status.INVALID, Status.OUT_OF_MEMORY, Status.OUTPUT_FLOOD)


@dataclass(frozen=True, slots=True)
class Errand:
    """A ticket that is to be: `model` None is for the offline proposer."""

    operator: str
    model: str | None
    parent: str
    mends: int | None = None
    idea: str = ""

    def is_of(self, ticket: Ticket) -> bool:
        """True where the ticket was made of it."""
        given = (ticket.operator, ticket.model, ticket.parents[:1], ticket.mends, ticket.idea)
        return given == (self.operator, self.model, (self.parent,), self.mends, self.idea)


@dataclass(slots=True)
class _Line:
    """An approach on its way: the best program so far, and how many protected follow-ups are left."""

    parent: str
    value: float
    left: int = FOLLOW_UPS
    busy: bool = False


class Agenda:
    """Errands of a run with models. `cost` turns a value into one of which less is better; `tuner` is the offline move
    on numbers, None where constants are fitted before a program is scored."""

    def __init__(self, evaluations: float, tuner: str | None, cost: Callable[[float], float]) -> None:
        self._tuner, self._cost = tuner, cost
        self.threshold = max(LEAST_STAGNATION, math.ceil(STAGNATION_SHARE * evaluations))
        self.stagnant = 0
        self._since_shift = 0
        self._repairs: deque[Errand] = deque()
        self._approaches: deque[Errand] = deque()
        self._tunings: deque[Errand] = deque()
        self._lines: dict[str, _Line] = {}
        self._used: dict[int, int] = {}
        self._shifting = False

    def errands(self, champion: str | None, chosen: Callable[[str], str | None]) -> Iterator[Errand]:
        """What may be done now, the most urgent first; what is asked of it is told to `begin`.

        `chosen` gives a model for a role ("refine" or "shift"), None where none of them answers.
        """
        yield from list(self._repairs)
        yield from list(self._approaches)
        for idea, line in self._lines.items():
            if line.left and not line.busy and (model := chosen("refine")) is not None:
                yield Errand(MUTATE, model, line.parent, idea=idea)
        due = not self._shifting and self._since_shift >= self.threshold
        if champion is not None and due and (model := chosen("shift")) is not None:
            yield Errand(PARADIGM, model, champion)
        if self._tunings:
            yield self._tunings[0]

    def begin(self, ticket: Ticket) -> None:
        """A ticket was asked, of an errand or not."""
        for queue in (self._repairs, self._approaches, self._tunings):
            for errand in queue:
                if errand.is_of(ticket):
                    queue.remove(errand)
                    return
        line = self._lines.get(ticket.idea)
        if line is not None and ticket.operator == MUTATE:
            line.left, line.busy = line.left - 1, True
        if ticket.operator == PARADIGM:
            self._shifting, self._since_shift = True, 0

    def repairs_left(self, ticket: Ticket) -> int:
        """How often the reply to this ticket may still be sent back."""
        return max(0, REPAIRS - self._spent(ticket))

    def tell(self, record: Record, best_changed: bool) -> None:
        """Take a told record of kind "expand"."""
        if record.verdict.evaluated:
            self.stagnant, self._since_shift = self.stagnant + 1, self._since_shift + 1
        if best_changed:
            self.improve()
        ticket = record.ticket
        if ticket.model is None:
            return
        if ticket.operator == PARADIGM:
            self._tell_approaches(record, ticket.model)
        elif ticket.idea:
            self._tell_line(record)
        if record.verdict.status in _REPAIRABLE and record.candidate is not None:
            self._want_repair(record, ticket.model)
        if self._tuner is not None and is_welcome(record) and (record.gain or best_changed):
            errand = Errand(self._tuner, None, record.program_id or "")
            self._tunings.extend([errand] * TUNINGS)

    def improve(self) -> None:
        """The best of the run has changed."""
        self.stagnant = self._since_shift = 0

    def forget(self, program_id: str) -> None:
        """A program was revoked: nothing more is made of it."""
        for name in ("_repairs", "_approaches", "_tunings"):
            setattr(self, name, deque(one for one in getattr(self, name) if one.parent != program_id))
        self._lines = {idea: line for idea, line in self._lines.items() if line.parent != program_id}

    def _tell_approaches(self, record: Record, model: str) -> None:
        self._shifting = False
        approaches = record.failure.idea.splitlines() if record.failure else []
        parent = record.ticket.parents[0]
        self._approaches.extend(Errand(REWRITE, model, parent, idea=one) for one in approaches[:APPROACHES])

    def _tell_line(self, record: Record) -> None:
        """The program of an approach is followed up whatever its score; the follow-ups climb from the best of them."""
        idea, value = record.ticket.idea, record.verdict.value
        line = self._lines.get(idea)
        if line is not None and record.ticket.operator == MUTATE:
            line.busy = False
        if not is_welcome(record) or value is None or record.program_id is None:
            return
        if line is None:
            self._lines[idea] = _Line(record.program_id, value)
        elif self._cost(value) < self._cost(line.value):
            line.parent, line.value = record.program_id, value

    def _want_repair(self, record: Record, model: str) -> None:
        replies = len(record.candidate.reply_ids) if record.candidate else 0
        used = self._spent(record.ticket) + max(0, replies - 1)
        self._used[record.number] = used
        if used < REPAIRS:
            parent = record.ticket.parents[0]
            self._repairs.append(Errand(REPAIR, model, parent, record.number, record.ticket.idea))

    def _spent(self, ticket: Ticket) -> int:
        return 0 if ticket.mends is None else self._used.get(ticket.mends, 0) + 1
