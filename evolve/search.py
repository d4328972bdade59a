"""The state of a search: derived from the records alone, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from archive.policies import make_policy
from archive.policies.base import Choice, Policy
from archive.ranking import Ranking
from evolve.core.config import RunConfig
from evolve.core.errors import CallOrderError
from evolve.core.rng import Generator, derive_seed, draw, generator
from evolve.core.types import Objective, Promotion, Record, Source, Status, Ticket
from evolve.events import ScoredProgram
from evolve.proposers.base import Context
from evolve.proposers.offline.proposer import OPERATOR_WEIGHTS, OPERATORS
from evolve.step import Work, duplicate_of


@dataclass(frozen=True, slots=True)
class Champion:
    """A promoted program with its metrics on train, and those that the gate proved."""

    program_id: str
    metrics: Mapping[str, float]
    proven: Mapping[str, float]


class Search:
    """ask, settle, tell. Not thread-safe; does no input or output.

    `ask` gives ticket n when exactly records 0 .. n - window are told (and all start programs). `settle`
    places finished work in the run, in ticket order; `tell` takes the durable record.
    """

    def __init__(
        self, config: RunConfig, objectives: tuple[Objective, ...], starts: Mapping[int, Source], minimum_effect: float
    ) -> None:
        self.config = config
        self.objectives = objectives
        self.starts = starts
        self.minimum_effect = minimum_effect
        self.policy: Policy = make_policy(config.policy, objectives)
        self.known: dict[str, int] = {}
        self.front: tuple[Champion, ...] = ()
        self.asked = 0
        self.settled = 0
        self.told = 0
        self._ranking = Ranking(len(objectives))
        self._sources: dict[str, Source] = {}
        self._told_front: tuple[Champion, ...] = ()

    # -- ask

    def ready(self) -> bool:
        """True where the next ticket's turn has come."""
        if self.asked < len(self.starts):
            return True
        return self.told >= len(self.starts) and self.told > self.asked - self.config.window

    def ask(self, journaled: Ticket | None = None) -> tuple[Ticket, Context]:
        """The next ticket and what its proposer may know; a journaled one is taken as it is.

        Raises CallOrderError before its turn.
        """
        if not self.ready():
            raise CallOrderError("ask() before the records that it depends on were told", "Tell them first.")
        number = self.asked
        ticket = journaled or self._new_ticket(number)
        self.asked += 1
        if number in self.starts:
            return ticket, Context((), (), (), -1)
        self.policy.pending(ticket)
        context = Context(
            tuple(self._sources[i] for i in ticket.parents),
            tuple(self._sources[i] for i in ticket.inspirations),
            tuple((c.metrics.get("operations", 0.0), c.metrics[self.objectives[0].metric]) for c in self._told_front),
            number - self.config.window,
        )
        return ticket, context

    def _new_ticket(self, number: int) -> Ticket:
        seed = derive_seed(self.config.seed, number)
        if number in self.starts:
            return Ticket(number, "expand", (), (), "start", None, seed)
        rng = generator(self.config.seed, number, "policy")
        choice: Choice = self.policy.ask(rng)
        return Ticket(number, "expand", choice.parents, choice.inspirations, _draw_operator(rng), None, seed)

    # -- settle

    def settle(self, work: Work) -> Record:
        """The record of finished work, without its promotion. Work must come in ticket order."""
        number = work.ticket.number
        if number != self.settled:
            raise CallOrderError(f"ticket {number} settled where {self.settled} is next", "Settle in ticket order.")
        self.settled += 1
        screened, verdict = work.screened, work.verdict
        if screened and verdict.evaluated and screened.program_id in self.known:
            verdict = duplicate_of(self.known[screened.program_id])  # its twin was in flight beside it
        record = Record(
            number,
            work.ticket,
            work.candidate,
            verdict,
            screened.program_id if screened else None,
            screened.skeleton_id if screened else None,
        )
        return replace(record, outcome=self._place(record))

    def restore(self, record: Record) -> None:
        """Take a record from the archive as settled, so that what follows is placed as it was."""
        self.settled += 1
        self._place(record)
        if record.promotion is not None:
            self.promote(record, record.promotion)

    def is_contender(self, record: Record) -> bool:
        """True where the record would be champion or enter the front, by its score on train."""
        if record.verdict.status is not Status.OK:
            return False
        return not self._covered(record.verdict.metrics, [champion.metrics for champion in self.front])

    def promote(self, record: Record, promotion: Promotion) -> Record:
        """Put the gate's answer on the record, and the program on the front where it is accepted.

        A proven program that does not strictly improve on the front's proven metrics is turned down.
        """
        if promotion.accepted and self._covered(promotion.metrics, [c.proven for c in self.front]):
            promotion = replace(promotion, accepted=False, reason="no strict improvement over the proven front")
        if promotion.accepted and record.program_id is not None:
            new = Champion(record.program_id, record.verdict.metrics, promotion.metrics)
            self.front = self._with(self.front, new)
        return replace(record, promotion=promotion)

    def _place(self, record: Record) -> float | None:
        """Note the program as known and rank it: the outcome that clade statistics pool."""
        if record.program_id is not None and record.verdict.evaluated:
            self.known.setdefault(record.program_id, record.number)
        if not record.verdict.evaluated:
            return None
        if record.verdict.status is not Status.OK:
            return 0.0
        return float(self._ranking.add(self._costs(record.verdict.metrics)))

    # -- tell

    def tell(self, record: Record) -> None:
        """Take a durable record. Records must come in order; raises CallOrderError otherwise."""
        if record.number != self.told:
            raise CallOrderError(f"record {record.number} told where {self.told} is next", "Tell each record once.")
        self.told += 1
        if record.candidate is not None and record.program_id is not None and record.verdict.status is Status.OK:
            self._sources[record.program_id] = record.candidate.source
        if record.number in self.starts:
            self.policy.plant(record)
        else:
            self.policy.tell(record)
        if record.promotion is not None and record.promotion.accepted:
            # Not self.front: that is ahead by what is settled and not yet durable.
            new = Champion(record.program_id or "", record.verdict.metrics, record.promotion.metrics)
            self._told_front = self._with(self._told_front, new)

    def shown_front(self) -> tuple[ScoredProgram, ...]:
        """The durable front, best first objective first."""
        return tuple(ScoredProgram(c.program_id[:10], c.program_id, c.metrics) for c in self._told_front)

    def source(self, program_id: str) -> Source:
        """The text of a scored program that was told."""
        return self._sources[program_id]

    def _with(self, front: tuple[Champion, ...], new: Champion) -> tuple[Champion, ...]:
        costs = self._costs(new.proven)
        kept = [c for c in front if not _covers(costs, self._costs(c.proven))]
        return tuple(sorted((*kept, new), key=lambda c: self._costs(c.proven)))

    def _costs(self, metrics: Mapping[str, float]) -> tuple[float, ...]:
        return tuple(objective.cost(metrics[objective.metric]) for objective in self.objectives)

    def _covered(self, metrics: Mapping[str, float], others: list[Mapping[str, float]]) -> bool:
        """True where one of `others` is as good in all objectives, but for the minimum effect in the first."""
        new = self._costs(metrics)
        for other in map(self._costs, others):
            margin = self.minimum_effect * abs(other[0])
            if other[0] - margin <= new[0] and all(a <= b for a, b in zip(other[1:], new[1:], strict=True)):
                return True
        return False


def _covers(better: tuple[float, ...], worse: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(better, worse, strict=True))


def _draw_operator(rng: Generator) -> str:
    return OPERATORS[draw(rng, OPERATOR_WEIGHTS)]
