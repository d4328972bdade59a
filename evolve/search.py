"""The state of a search: derived from the records alone, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from archive.outcomes import Outcomes
from archive.policies import make_policy
from archive.policies.base import Terms
from evolve.core.config import RunConfig
from evolve.core.errors import CallOrderError, UsageError
from evolve.core.rng import Generator, derive_seed, draw, generator
from evolve.core.types import Promotion, Record, Source, Status, Ticket, Verdict
from evolve.crew import OFFLINE
from evolve.dominance import Dominance
from evolve.equivalences import REVOKE, Equivalences
from evolve.events import ScoredProgram
from evolve.findings import revocation
from evolve.guidance import Guidance
from evolve.measuring import Measuring, as_told, common, measured_record
from evolve.places import Places
from evolve.podium import Podium
from evolve.probation import CHECK, REPLAY
from evolve.proposers.base import Brief, Context
from evolve.racing import BATCH
from evolve.rules import Rules
from evolve.schedule import Schedule, Windowed
from evolve.scored import Scored
from evolve.step import Work, duplicate_of

_CHOICES = 20


class SearchState:
    """ask, settle, tell. Not thread-safe; does no input or output.

    The `schedule` says when the next ticket may be asked and which record it becomes; by default ticket n when exactly
    records 0 .. n - window are told (and all start programs), as record n. `settle` places finished work in the run,
    one at a time; `tell` takes the durable record. With `guidance`, models propose as well. With `again`, which reads
    the durable record of a number, not all records are kept in memory.
    """

    def __init__(
        self,
        config: RunConfig,
        rules: Rules,
        starts: Mapping[int, Source],
        schedule: Schedule | None = None,
        guidance: Guidance | None = None,
        again: Callable[[int], Record] | None = None,
    ) -> None:
        self.config = config
        self.rules = rules
        self.objectives = rules.objectives
        self.starts = starts
        self.schedule = schedule or Windowed(config.window, len(starts))
        self.guidance = guidance
        effect, outcome = rules.minimum_effect, config.outcome
        self.terms = Terms(rules.objectives, rules.driven, config.evaluations, effect, rules.features, outcome)
        self.policy = make_policy(config.policy, self.terms)
        self.asked = 0
        self.settled = 0
        self.told = 0
        self.untold: dict[int, Record] = {}
        self.fresh_keys: list[tuple[str, int]] = []
        self._dominance = Dominance(rules.objectives, rules.minimum_effect, rules.second_effect)
        # What is settled is ahead of what is told, which is durable.
        self._settled_podium = Podium(self._dominance, rules.gated)
        self._podium = Podium(self._dominance, rules.gated)
        self._scored = Scored(again)
        outcomes = Outcomes(config.outcome, len(self.objectives), rules.minimum_effect)
        self._places = Places(outcomes, self._dominance, self._scored)
        self.known = self._places.known
        self._broken: dict[int, Record] = {}
        self.measuring = Measuring(rules.driven, rules.order, self._dominance, self._scored, self._podium)
        self.probation = self.measuring.probation
        course, first = config.equivalence or {}, self.measuring.race.first
        options = first, course.get("retire_after", 0), bool(course.get("takes", 1)), again
        self.equivalences = Equivalences(self._dominance, self._scored, self.known, rules.hash_bits, *options)

    def go_on(self, config: RunConfig, again: Callable[[int], Record] | None) -> None:
        """Of a state that was read from a snapshot: with the limits of now, and who reads records again."""
        self.config = config
        self._scored.again = self.equivalences.again = again

    # -- ask

    def ready(self) -> bool:
        """True where the next ticket's turn has come."""
        return self.schedule.may_ask(self.asked, self.told)

    def replay_is_due(self) -> bool:
        """True where the next ticket would replay a would-be champion, or withdraw a score that was taken over: that is
        worth its time even when the budget is spent."""
        if self._revocation_due():
            return True
        due = self.measuring.due()
        return due is not None and due[1] == REPLAY

    def ask(self, journaled: Ticket | None = None) -> tuple[Ticket, Context]:
        """The next ticket and what its proposer may know; a journaled one is taken as it is.

        Raises CallOrderError before its turn.
        """
        ticket = self._next_ticket(journaled)
        return ticket, self._context(ticket)

    def retake(self, journaled: Ticket) -> None:
        """`ask` for a ticket whose work is done: nobody wants to know of what it was asked."""
        self._next_ticket(journaled)

    def _next_ticket(self, journaled: Ticket | None) -> Ticket:
        if not self.ready():
            raise CallOrderError("ask() before the records that it depends on were told", "Tell them first.")
        number = self.asked
        ticket = journaled or self._stamped(self._new_ticket(number))
        if journaled and ticket.operator != REVOKE and not all(one in self._scored for one in ticket.parents):
            raise UsageError(
                f"ticket {number} has a parent that has no score here: the run goes another way than it did",
                "Use the version of Evolve and of the problem with which it was begun.",
            )
        self.asked += 1
        if number in self.starts:
            return ticket
        if ticket.operator == REVOKE:
            self.measuring.race.begin(ticket.parents[0])
            self.equivalences.begin(ticket.parents[0])
            return ticket
        if ticket.kind == "measure":
            self.measuring.begin(ticket)
        else:
            self.probation.add_child(ticket.parents[0])
            if self.guidance:
                self.guidance.begin(ticket)
        if ticket.operator != BATCH:
            self.policy.pending(ticket)
        return ticket

    def _context(self, ticket: Ticket) -> Context:
        if ticket.number in self.starts:
            return Context((), (), (), -1)
        if ticket.operator == REVOKE:
            return Context((), (), (), self.schedule.horizon(ticket.number, self.told))
        inspirations = [one for one in ticket.inspirations if one in self._scored]
        return Context(
            tuple(self.source(i) for i in ticket.parents),
            tuple(self.source(i) for i in inspirations),
            tuple((c.metrics.get("operations", 0.0), c.metrics[self.objectives[0].metric]) for c in self._podium.front),
            self.schedule.horizon(ticket.number, self.told),
            self.measuring.recorded(ticket.parents[0]) if ticket.kind == "measure" else {},
            self._brief(ticket, inspirations) if ticket.model and self.guidance else None,
        )

    def _brief(self, ticket: Ticket, inspirations: list[str]) -> Brief | None:
        if self.guidance is None:
            return None
        champions = [champion.program_id for champion in self._podium.front if champion.program_id in self._scored]
        others = [one for one in ticket.parents[1:] if one in self._scored]
        return self.guidance.briefing.brief(
            ticket,
            self._scored[champions[0] if champions else ticket.parents[0]],
            self._scored[ticket.parents[0]],
            [self._scored[one] for one in (*others, *inspirations)],
            self._broken.get(ticket.mends) if ticket.mends is not None else None,
            self.guidance.agenda.stagnant,
            self.guidance.agenda.repairs_left(ticket),
        )

    def _stamped(self, ticket: Ticket) -> Ticket:
        """With the number of told records, where that can not be told from the ticket's own."""
        return ticket if isinstance(self.schedule, Windowed) else replace(ticket, told=self.told)

    def _new_ticket(self, number: int) -> Ticket:
        seed = derive_seed(self.config.seed, number)
        if number in self.starts:
            return Ticket(number, "expand", (), (), "start", None, seed)
        if (revoked := self._revocation_due()) is not None:
            return Ticket(number, "measure", (revoked,), (), REVOKE, None, seed)
        if due := self.measuring.due():
            return Ticket(number, "measure", (due[0],), (), due[1], None, seed)
        rng = generator(self.config.seed, number, "policy")
        if self.guidance and (errand := self._errand_ticket(number, seed, rng, self.guidance)):
            return errand
        arm = self.guidance.arm(rng) if self.guidance else OFFLINE
        for _ in range(_CHOICES):
            choice = self.policy.ask(rng)
            if self.probation.allows_child(choice.parents[0]):
                if self.guidance and arm[0] is not None:
                    ticket = self.guidance.ticket(number, arm, choice, seed)
                    if ticket is not None:
                        return ticket
                    continue
                operator = draw_operator(self.rules.operators, rng)
                return Ticket(number, "expand", choice.parents, choice.inspirations, operator, None, seed)
            if self.measuring.may_be_checked(choice.parents[0]):
                return Ticket(number, "measure", choice.parents[:1], (), CHECK, None, seed)
        # All that the policy wants is being checked at this moment, or asked: a start program needs no check.
        parent = next(iter(self._scored))
        return Ticket(number, "expand", (parent,), (parent,), draw_operator(self.rules.operators, rng), None, seed)

    def _revocation_due(self) -> str | None:
        return self.equivalences.due(self.measuring.race.is_measured)

    def _errand_ticket(self, number: int, seed: int, rng: Generator, guidance: Guidance) -> Ticket | None:
        """The most urgent ticket beside the policy's choices that can be asked now."""
        champions = [c.program_id for c in self._podium.front if c.program_id in self._scored]
        for errand in guidance.errands(champions[0] if champions else None, rng):
            if not self.probation.allows_child(errand.parent):
                if self.measuring.may_be_checked(errand.parent):
                    return Ticket(number, "measure", (errand.parent,), (), CHECK, None, seed)
                continue
            if errand.model is None:
                return Ticket(number, "expand", (errand.parent,), (), errand.operator, None, seed)
            broken = self._broken.get(errand.mends) if errand.mends is not None else None
            if ticket := guidance.errand_ticket(number, errand, broken, champions, seed):
                return ticket
        return None

    # -- settle

    def settle(self, work: Work) -> Record:
        """The record of finished work, without its promotion. Work must come in the order of the schedule."""
        record = self._settled(work)
        self.untold[record.number] = record
        return record

    def _settled(self, work: Work) -> Record:
        number = work.ticket.number
        place = self.schedule.place(number)
        if place is not None and place != self.settled and self.settled < self.schedule.fixed:
            raise CallOrderError(f"ticket {number} settled where {self.settled} is next", "Settle in their order.")
        self.settled += 1
        if work.ticket.kind == "measure":
            return self._settle_measured(work)
        screened, verdict = work.screened, work.verdict
        if verdict is None:
            raise CallOrderError(f"ticket {number} settled without a verdict", "Only checks may come without one.")
        rows = work.learned
        if screened and verdict.evaluated and screened.program_id in self.known:
            verdict = duplicate_of(self.known[screened.program_id])  # its twin was in flight beside it
        elif work.found is not None:
            decided, own = self.equivalences.decide(replace(work.found, verdict=verdict))
            # Start programs are what a search starts from, even where two of them are one function.
            verdict, rows = verdict if number in self.starts else decided, (*rows, *own)
        record = Record(
            self.settled - 1,
            work.ticket,
            work.candidate,
            verdict,
            screened.program_id if screened else None,
            screened.skeleton_id if screened else None,
            failure=work.failure,
        )
        record = replace(
            record, outcome=self._places.place(record), gain=self._places.gain(record) if self.guidance else None
        )
        self.equivalences.settle(record, rows)
        return self._promoted_by_train(record)

    def must_evaluate(self, work: Work) -> bool:
        """Whether a program that took over a score is to be evaluated before it is settled."""
        known = work.screened is not None and work.screened.program_id in self.known
        if work.found is None or known:
            return False
        return self.equivalences.must_evaluate(work.found, lambda verdict: self._counts(verdict, work.ticket))

    def _counts(self, verdict: Verdict, ticket: Ticket) -> bool:
        """Whether a program with this verdict would be a success, or might enter the front."""
        contends = verdict.whole and not self._settled_podium.covers(verdict.metrics)
        return contends or self._places.promises(verdict, ticket)

    def _promoted_by_train(self, record: Record) -> Record:
        """With its promotion, where nothing but the score on train decides about that."""
        if self.rules.proven or self.rules.gated or not (self._is_trusted(record) and self.is_contender(record)):
            return record
        verdict = record.verdict
        return self.promote(record, Promotion(True, verdict.metrics, verdict.evaluation_set, self.rules.not_gated))

    def _is_trusted(self, record: Record) -> bool:
        """Whether the record may make a champion: of a driven program only that of its strict replay may."""
        return not self.rules.driven or record.ticket.number in self.starts or record.ticket.operator == REPLAY

    def _settle_measured(self, work: Work) -> Record:
        """The record of a program measured again: its own verdict once more, or one that supersedes it."""
        ticket, name, rows = work.ticket, work.ticket.parents[0], work.learned
        original = self.equivalences.revocable(name) if ticket.operator == REVOKE else self._scored[name]
        found = revocation(original) if ticket.operator == REVOKE else work.verdict
        record = measured_record(self.settled - 1, ticket, original, found)
        if ticket.operator == BATCH:
            rows = (*rows, *self.equivalences.completed(record))
        self.equivalences.settle(record, rows)
        if record.supersedes is not None and not record.verdict.status.scored:
            self._places.withdraw(record)
            return record
        return self._promoted_by_train(record)

    def restore(self, record: Record) -> None:
        """Take a record from the archive as settled, so that what follows is placed as it was."""
        self.settled += 1
        self.untold[record.number] = record
        if record.supersedes is not None and not record.verdict.status.scored:
            self._places.withdraw(record)
        elif record.ticket.kind == "expand":
            self._places.restore(record)
        self.equivalences.settle(record, self.equivalences.rows(record.number))
        if record.promotion is not None:
            self.promote(record, record.promotion)

    def wants_promotion(self, record: Record) -> bool:
        """True where a proof, or the gate, must decide whether the record enters the front."""
        return (self.rules.proven or self.rules.gated) and self._is_trusted(record) and self.is_contender(record)

    def is_contender(self, record: Record) -> bool:
        """True where the record would be champion or enter the front, by its score on train."""
        whole = record.verdict.status is Status.OK and record.verdict.whole
        return whole and not self._settled_podium.covers(record.verdict.metrics)

    def rival(self, record: Record) -> Source | None:
        """The program that a would-be champion must beat; None where there is nothing to compare it with."""
        champion = self._settled_podium.rival(record.verdict.metrics)
        return champion.source if champion else None

    def promote(self, record: Record, promotion: Promotion) -> Record:
        """Put the gate's answer on the record, and the program on the front where it is accepted.

        A proven program that does not strictly improve on the front's proven metrics is turned down.
        """
        promotion = self._settled_podium.judged(promotion)
        self._settled_podium.take(record, promotion, self.source_of(record))
        record = replace(record, promotion=promotion)
        self.untold[record.number] = record
        return record

    # -- tell

    def tell(self, record: Record) -> None:
        """Take a durable record. Records must come in order; raises CallOrderError otherwise."""
        if record.number != self.told:
            raise CallOrderError(f"record {record.number} told where {self.told} is next", "Tell each record once.")
        self.told += 1
        self.untold.pop(record.number, None)
        shared = common(record, self.measuring.race.first, self.objectives[0])
        if record.ticket.kind == "measure":
            self._tell_measured(record)
        elif record.program_id is not None and record.verdict.status is Status.OK:
            self._scored[record.program_id] = record
            self.measuring.tell_scored(record.program_id, record.ticket.number in self.starts)
        if record.ticket.number in self.starts:
            self.policy.plant(as_told(shared))
        elif self._is_news(record):
            self.policy.tell(as_told(shared))  # another batch says nothing new of what all programs are compared by
        self.policy.spend(record.evaluations)
        promoted = record.promotion is not None and record.promotion.accepted
        if record.promotion is not None:
            self._podium.take(record, record.promotion, self.source_of(record))
        self.measuring.drop()
        self.fresh_keys = self.equivalences.tell(record)
        if self.guidance and promoted and record.ticket.kind == "measure":
            self.guidance.agenda.improve()  # a champion that had to be replayed, or to be measured on all of train
        if self.guidance and record.ticket.kind == "expand":
            self._broken |= {record.number: record} if record.candidate and record.verdict.value is None else {}
            self.guidance.tell(shared, promoted)

    def _is_news(self, record: Record) -> bool:
        """False for another batch, which says nothing new of what all programs are compared by, and for the end of a
        score that no policy ever knew of."""
        if record.ticket.operator == REVOKE:
            return record.program_id in self._scored
        return record.ticket.operator != BATCH or record.verdict.status is not Status.OK

    def _tell_measured(self, record: Record) -> None:
        self.measuring.tell(record)
        if self.guidance and record.verdict.status is not Status.OK and record.program_id is not None:
            self.guidance.forget(record.program_id)

    def shown_front(self) -> tuple[ScoredProgram, ...]:
        """The durable front, best first objective first."""
        return self._podium.shown()

    def settled_front(self) -> tuple[ScoredProgram, ...]:
        """The front of all that is settled, told or not. It counts where everything settled is durable."""
        return self._settled_podium.shown()

    def source(self, program_id: str) -> Source:
        """The text of a scored program that was told."""
        candidate = self._scored[program_id].candidate
        if candidate is None:
            raise CallOrderError(f"program {program_id} has no source", "Only proposed programs have one.")
        return candidate.source

    def source_of(self, record: Record) -> Source:
        """The text of a record's program, which need not be told."""
        return record.candidate.source if record.candidate else self.source(record.program_id or "")


def draw_operator(weights: Mapping[str, float], rng: Generator) -> str:
    """One of the proposer's moves."""
    return list(weights)[draw(rng, list(weights.values()))]
