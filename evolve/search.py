"""The state of a search: derived from the records alone, in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from archive.policies import make_policy
from archive.policies.base import Policy
from archive.ranking import Ranking
from evolve.core.config import RunConfig
from evolve.core.errors import CallOrderError
from evolve.core.rng import Generator, derive_seed, draw, generator
from evolve.core.types import Objective, Promotion, Record, Source, Status, Ticket
from evolve.events import ScoredProgram
from evolve.probation import CHECK, REPLAY, Probation
from evolve.proposers.base import Context
from evolve.step import Work, duplicate_of

_CHOICES = 20
NOT_GATED = "not gated: best on train"


@dataclass(frozen=True)
class Rules:
    """What a problem decides about its search.

    `operators` are the proposer's moves with their weights. `proven`: would-be champions must pass an exhaustive
    proof. `driven`: programs run beside a driver, so they are checked before they count for much. `not_gated`: what
    the promotion of a champion says where there is no gate.
    """

    objectives: tuple[Objective, ...]
    minimum_effect: float
    operators: Mapping[str, float]
    proven: bool = True
    driven: bool = False
    not_gated: str = NOT_GATED


@dataclass(frozen=True, slots=True)
class Champion:
    """A promoted program with its metrics on train, and those that the gate proved."""

    program_id: str
    metrics: Mapping[str, float]
    proven: Mapping[str, float]


class SearchState:
    """ask, settle, tell. Not thread-safe; does no input or output.

    `ask` gives ticket n when exactly records 0 .. n - window are told (and all start programs). `settle`
    places finished work in the run, in ticket order; `tell` takes the durable record.
    """

    def __init__(self, config: RunConfig, rules: Rules, starts: Mapping[int, Source]) -> None:
        self.config = config
        self.rules = rules
        self.objectives = rules.objectives
        self.starts = starts
        self.policy: Policy = make_policy(config.policy, rules.objectives, probation=rules.driven)
        self.probation = Probation(rules.driven)
        self.known: dict[str, int] = {}
        self.front: tuple[Champion, ...] = ()
        self.asked = 0
        self.settled = 0
        self.told = 0
        self._ranking = Ranking(len(self.objectives))
        self._scored: dict[str, Record] = {}
        self._told_front: tuple[Champion, ...] = ()

    # -- ask

    def ready(self) -> bool:
        """True where the next ticket's turn has come."""
        if self.asked < len(self.starts):
            return True
        return self.told >= len(self.starts) and self.told > self.asked - self.config.window

    def replay_is_due(self) -> bool:
        """True where the next ticket would replay a would-be champion: worth its time even when the budget is spent."""
        due = self._due()
        return due is not None and due[1] == REPLAY

    def _due(self) -> tuple[str, str] | None:
        """The program to be checked by the next ticket, and how; None where none waits.

        Replays are dear: the best would-be champion comes first, and others wait until it is told. Most of them are
        no would-be champions then, and the quick check will do.
        """
        front = [champion.metrics for champion in self._told_front]
        flying = [self._scored[program_id].verdict.metrics for program_id in self.probation.replaying()]
        waiting = {one: self._scored[one].verdict.metrics for one in self.probation.waiting(REPLAY)}
        open_ones = [one for one, metrics in waiting.items() if not self._covered(metrics, front)]
        first = [one for one in open_ones if not self._covered(waiting[one], flying)]
        if first:
            return min(first, key=lambda one: self._costs(waiting[one])), REPLAY
        late = [one for one in waiting if one not in open_ones and self._scored[one].outcome]
        quick = [*self.probation.waiting(CHECK), *late]
        return (quick[0], CHECK) if quick else None

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
        if ticket.kind == "measure":
            self.probation.begin(ticket.parents[0], ticket.operator)
        else:
            self.probation.add_child(ticket.parents[0])
        self.policy.pending(ticket)
        context = Context(
            tuple(self.source(i) for i in ticket.parents),
            tuple(self.source(i) for i in ticket.inspirations),
            tuple((c.metrics.get("operations", 0.0), c.metrics[self.objectives[0].metric]) for c in self._told_front),
            number - self.config.window,
            self._recorded(ticket.parents[0]) if ticket.kind == "measure" else {},
        )
        return ticket, context

    def _new_ticket(self, number: int) -> Ticket:
        seed = derive_seed(self.config.seed, number)
        if number in self.starts:
            return Ticket(number, "expand", (), (), "start", None, seed)
        if due := self._due():
            return Ticket(number, "measure", (due[0],), (), due[1], None, seed)
        rng = generator(self.config.seed, number, "policy")
        for _ in range(_CHOICES):
            choice = self.policy.ask(rng)
            if self.probation.allows_child(choice.parents[0]):
                operator = draw_operator(self.rules.operators, rng)
                return Ticket(number, "expand", choice.parents, choice.inspirations, operator, None, seed)
            if self._may_be_checked(choice.parents[0]):
                return Ticket(number, "measure", choice.parents[:1], (), CHECK, None, seed)
        # All that the policy wants are being checked at this moment: a start program needs no check.
        parent = next(iter(self._scored))
        return Ticket(number, "expand", (parent,), (parent,), draw_operator(self.rules.operators, rng), None, seed)

    def _may_be_checked(self, program_id: str) -> bool:
        """False while a check of the program runs, or it waits for its turn as a would-be champion."""
        if program_id in self.probation.waiting(REPLAY):
            metrics = self._scored[program_id].verdict.metrics
            return self._covered(metrics, [champion.metrics for champion in self._told_front])
        return not self.probation.is_begun(program_id)

    def _recorded(self, program_id: str) -> Mapping[str, float]:
        results = self._scored[program_id].verdict.results
        return {result.instance_id: result.score for result in results if result.score is not None}

    # -- settle

    def settle(self, work: Work) -> Record:
        """The record of finished work, without its promotion. Work must come in ticket order."""
        number = work.ticket.number
        if number != self.settled:
            raise CallOrderError(f"ticket {number} settled where {self.settled} is next", "Settle in ticket order.")
        self.settled += 1
        if work.ticket.kind == "measure":
            return self._settle_check(work)
        screened, verdict = work.screened, work.verdict
        if verdict is None:
            raise CallOrderError(f"ticket {number} settled without a verdict", "Only checks may come without one.")
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
        record = replace(record, outcome=self._place(record))
        trusted = number in self.starts or not self.rules.driven
        if not self.rules.proven and trusted and self.is_contender(record):
            return self.promote(record, Promotion(True, verdict.metrics, verdict.evaluation_set, self.rules.not_gated))
        return record

    def _settle_check(self, work: Work) -> Record:
        """The record of a check: the program's own verdict once more, or one that supersedes it."""
        original = self._scored[work.ticket.parents[0]]
        ids = original.program_id, original.skeleton_id
        if work.verdict is not None:
            self._ranking.remove(self._costs(original.verdict.metrics))
            return Record(work.ticket.number, work.ticket, None, work.verdict, *ids, supersedes=original.number)
        verdict = replace(original.verdict, results=(), feedback=f"{work.ticket.operator}: nothing found")
        record = Record(work.ticket.number, work.ticket, None, verdict, *ids)
        if work.ticket.operator != REPLAY or not self.is_contender(record):
            return record
        return self.promote(record, Promotion(True, verdict.metrics, verdict.evaluation_set, self.rules.not_gated))

    def restore(self, record: Record) -> None:
        """Take a record from the archive as settled, so that what follows is placed as it was."""
        self.settled += 1
        if record.supersedes is not None:
            self._ranking.remove(self._costs(self._scored[record.ticket.parents[0]].verdict.metrics))
        elif record.ticket.kind == "expand":
            self._place(record)
        if record.promotion is not None:
            self.promote(record, record.promotion)

    def wants_proof(self, record: Record) -> bool:
        """True where the exhaustive proof must decide whether the record enters the front."""
        return self.rules.proven and self.is_contender(record)

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
        if record.ticket.kind == "measure":
            self._tell_check(record)
        elif record.program_id is not None and record.verdict.status is Status.OK:
            self._tell_scored(record, record.program_id)
        if record.number in self.starts:
            self.policy.plant(record)
        else:
            self.policy.tell(record)
        if record.promotion is not None and record.promotion.accepted:
            # Not self.front: that is ahead by what is settled and not yet durable.
            new = Champion(record.program_id or "", record.verdict.metrics, record.promotion.metrics)
            self._told_front = self._with(self._told_front, new)

    def _tell_scored(self, record: Record, program_id: str) -> None:
        self._scored[program_id] = record
        if record.number in self.starts:
            self.probation.trust(program_id)
        elif not self._covered(record.verdict.metrics, [champion.metrics for champion in self._told_front]):
            self.probation.want(program_id, REPLAY)
        elif record.outcome:
            self.probation.want(program_id, CHECK)

    def _tell_check(self, record: Record) -> None:
        self.probation.end(record.ticket.parents[0])
        if record.verdict.status is Status.OK and record.program_id is not None:
            self.probation.trust(record.program_id)

    def shown_front(self) -> tuple[ScoredProgram, ...]:
        """The durable front, best first objective first."""
        return _shown(self._told_front)

    def settled_front(self) -> tuple[ScoredProgram, ...]:
        """The front of all that is settled, told or not. It counts where everything settled is durable."""
        return _shown(self.front)

    def source(self, program_id: str) -> Source:
        """The text of a scored program that was told."""
        candidate = self._scored[program_id].candidate
        if candidate is None:
            raise CallOrderError(f"program {program_id} has no source", "Only proposed programs have one.")
        return candidate.source

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
            margin = self.rules.minimum_effect * abs(other[0])
            if other[0] - margin <= new[0] and all(a <= b for a, b in zip(other[1:], new[1:], strict=True)):
                return True
        return False


def _shown(front: tuple[Champion, ...]) -> tuple[ScoredProgram, ...]:
    return tuple(ScoredProgram(c.program_id[:10], c.program_id, c.metrics) for c in front)


def _covers(better: tuple[float, ...], worse: tuple[float, ...]) -> bool:
    return all(a <= b for a, b in zip(better, worse, strict=True))


def draw_operator(weights: Mapping[str, float], rng: Generator) -> str:
    """One of the proposer's moves."""
    return list(weights)[draw(rng, list(weights.values()))]
