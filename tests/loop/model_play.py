"""A search with models whose programs, replies and failures come by chance, in any order; nothing is run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from evaluators.screen import Screened
from evolve.agenda import Agenda
from evolve.briefing import Briefing
from evolve.budget import Budget
from evolve.core.config import RunConfig
from evolve.core.types import Candidate, Failure, Objective, Record, Result, Source, Status, Ticket, Verdict
from evolve.crew import PARADIGM, Crew
from evolve.events import ScoredProgram
from evolve.guidance import Guidance
from evolve.rules import Rules
from evolve.schedule import OnCompletion
from evolve.search import SearchState
from evolve.step import Work

OBJECTIVES = (Objective("right", "maximize"),)
INSTANCES = 4
CRASHES = (Status.CRASHED, Status.TIMED_OUT, Status.INVALID)


def search_with_models(seed: int, tickets: dict[int, Ticket], order: list[int], window: int = 8) -> SearchState:
    """A search at its beginning. `tickets` and `order` are what a run that goes on has already."""
    config = RunConfig(seed=seed, policy="clade", window=window, start="seed", evaluations=100.0, proposals=400)
    rules = Rules(OBJECTIVES, 0.0, {"numbers": 1.0, "swap": 1.0}, proven=False)
    crew = Crew({"cheap": 1.0}, {"strong": 1.0}, 8)
    known = (ScoredProgram("seed", "seed", {"right": 0.0}),)
    budget = Budget(config.evaluations, config.proposals)
    agenda = Agenda(config.evaluations, "numbers", OBJECTIVES[0].cost)
    guidance = Guidance(crew, agenda, Briefing(OBJECTIVES, known, {"right": 1.0}), budget.share)
    schedule = OnCompletion(window, 1, {number: ticket.told for number, ticket in tickets.items()}, order, None)
    return SearchState(config, rules, {0: source_of("seed")}, schedule, guidance)


def source_of(name: str) -> Source:
    return Source({"program.py": f"# EVOLVE-BLOCK-START\nname = {name!r}\n# EVOLVE-BLOCK-END\n"}, "solve")


@dataclass
class Play:
    """Asks, finishes in any order, tells. `ideas` are those of replies that have come to tickets in flight."""

    seed: int
    random: Random
    search: SearchState = field(init=False)
    flying: dict[int, Ticket] = field(default_factory=dict)
    ideas: dict[int, str] = field(default_factory=dict)
    tickets: dict[int, Ticket] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.search = search_with_models(self.seed, {}, [])

    def step(self) -> Ticket | Record:
        """One ticket more, a reply, or one record."""
        if self.search.ready() and (not self.flying or self.random.random() < 0.6):
            ticket, _ = self.search.ask()
            self.flying[ticket.number] = self.tickets[ticket.number] = ticket
            if ticket.model and ticket.operator != PARADIGM and self.random.random() < 0.5:
                self.announce(ticket)
            return ticket
        number = self.random.choice(sorted(self.flying))
        record = self.search.settle(self.work(self.flying.pop(number)))
        self.ideas.pop(number, None)
        self.records.append(record)
        self.search.tell(record)
        return record

    def announce(self, ticket: Ticket) -> None:
        idea = f"idea {self.random.randrange(12)}: because"
        self.ideas[ticket.number] = idea
        assert self.search.guidance
        self.search.guidance.announce(ticket.number, idea)

    def work(self, ticket: Ticket) -> Work:
        """What chance makes of a ticket."""
        chance = self.random.random()
        idea = ticket.idea or self.ideas.get(ticket.number) or f"idea {self.random.randrange(12)}: because"
        ids = (f"{ticket.number}.0",) if ticket.model else ()
        if ticket.operator == PARADIGM:
            approaches = "\n".join(f"approach {self.random.randrange(99)}: new" for _ in range(5))
            return self.failed(Failure(ticket, Status.NO_PROGRAM, "5 approaches", idea=approaches, reply_ids=ids))
        if ticket.model and chance < 0.15:
            return self.failed(Failure(ticket, Status.EDIT_FAILED, "fits nowhere", idea=idea, reply_ids=ids))
        name = "seed" if ticket.number == 0 else f"p{self.random.randrange(400)}"
        candidate = Candidate(ticket, source_of(name), idea, ids)
        screened = Screened(candidate.source, name, f"s{name}")
        if chance < 0.35 and ticket.number:
            verdict = Verdict(self.random.choice(CRASHES), feedback="it failed", stage="train")
            return Work(ticket, candidate, verdict, screened)
        scores = [self.random.random() for _ in range(INSTANCES)]
        value = sum(scores) / INSTANCES
        results = tuple(Result(f"i{i}", Status.OK, score) for i, score in enumerate(scores))
        verdict = Verdict(Status.OK, value, {"right": value}, "worst: i0", results, "train", "e")
        return Work(ticket, candidate, verdict, screened)

    def failed(self, failure: Failure) -> Work:
        return Work(failure.ticket, None, Verdict(failure.status, feedback=failure.reason), None, failure)

    def resumed(self) -> SearchState:
        """Another search that went the way of this one by its tickets and records alone, as a run that goes on does."""
        order = [record.ticket.number for record in self.records]
        search = search_with_models(self.seed, self.tickets, order)
        by_ticket = {record.ticket.number: record for record in self.records}
        for record in self.records:
            while search.asked in self.tickets and search.ready():
                search.ask(self.tickets[search.asked])
            search.restore(by_ticket[record.ticket.number])
            search.tell(record)
        while search.asked in self.tickets:
            assert search.ready()
            search.ask(self.tickets[search.asked])
        for number, idea in self.ideas.items():  # their replies are read again
            assert search.guidance
            search.guidance.announce(number, idea)
        return search


def prompt_of(ticket: Ticket) -> tuple[object, ...]:
    return ticket.parents, ticket.operator, ticket.inspirations


def bare(ticket: Ticket) -> Ticket:
    return replace(ticket, told=None)
