"""Tickets for models: which model and which move, what it is shown, and what is tried beside the policy's choices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from archive.policies.base import Choice
from evolve.agenda import Agenda, Errand
from evolve.bandit import Bandit
from evolve.briefing import Briefing
from evolve.core.rng import Generator, draw
from evolve.core.types import Record, Ticket
from evolve.crew import CROSSOVER, OFFLINE, REPAIR, Arm, Crew

INSPIRATIONS = 2
_LOOKED_AT = 12
"""How many programs are looked at for inspirations that no ticket in flight has with the same parent and move."""

Prompt = tuple[tuple[str, ...], str, tuple[str, ...]]
"""Parents, operator and inspirations: no two tickets in flight share them, or the same request would be paid twice."""


class Guidance:
    """State derived from tickets and told records, in their order; what replies say before they are records comes by
    `announce` and is journaled with the next tickets.

    `share` is the share of the budget that a record used. `available` says whether a model answers at present.
    """

    def __init__(self, crew: Crew, agenda: Agenda, briefing: Briefing, share: Callable[[Record], float]) -> None:
        self.crew, self.agenda, self.briefing = crew, agenda, briefing
        self.bandit = Bandit(crew.arms(), crew.rule)
        self.available: Callable[[str], bool] = lambda name: True
        self._share = share
        self._flying: Counter[Prompt] = Counter()
        self._ideas: dict[int, str] = {}

    def errands(self, champion: str | None, rng: Generator) -> Iterator[Errand]:
        """What may be done now beside the policy's choices, the most urgent first."""

        def chosen(role: str) -> str | None:
            weights = self.crew.refine if role == "refine" else self.crew.shift
            names = [name for name in weights if self.available(name)]
            return names[draw(rng, [weights[name] for name in names])] if names else None

        return self.agenda.errands(champion, chosen)

    def arm(self, rng: Generator) -> Arm:
        """Model and move of the next ticket that the policy chooses parents for."""
        return self.bandit.draw(rng, lambda arm: arm[0] is None or self.available(arm[0]))

    def errand_ticket(
        self, number: int, errand: Errand, broken: Record | None, elites: Sequence[str], seed: int
    ) -> Ticket | None:
        """The ticket of an errand for a model; None where one in flight is too much like it."""
        parents, first = (errand.parent,), list(elites)
        if errand.operator == REPAIR:
            own = broken.program_id if broken is not None else None
            first = [own] if own is not None else []
        inspirations = self._inspirations(parents, errand.operator, first)
        if inspirations is None:
            return None
        avoid = self._avoid()
        return Ticket(
            number,
            "expand",
            parents,
            inspirations,
            errand.operator,
            errand.model,
            seed,
            errand.mends,
            errand.idea,
            avoid,
        )

    def ticket(self, number: int, arm: Arm, choice: Choice, seed: int) -> Ticket | None:
        """The ticket of an arm with the policy's parent and elite; None where one in flight is too much like it."""
        model, operator = arm
        parents, first = choice.parents[:1], list(choice.inspirations)
        if operator == CROSSOVER:
            others = [one for one in (*first, *self.briefing.vectors.farthest(parents[0])) if one != parents[0]]
            if not others:
                return None
            parents, first = (parents[0], others[0]), []
        inspirations = self._inspirations(parents, operator, first)
        if inspirations is None:
            return None
        return Ticket(number, "expand", parents, inspirations, operator, model, seed, avoid=self._avoid())

    def begin(self, ticket: Ticket) -> None:
        """A ticket was asked, or taken from the journal."""
        self.agenda.begin(ticket)
        if (arm := self._arm_of(ticket)) is not None:
            self.bandit.pending(arm)
        if ticket.model is not None:
            self._flying[_prompt(ticket)] += 1
            if ticket.idea:
                self._ideas[ticket.number] = ticket.idea

    def announce(self, number: int, idea: str) -> None:
        """The reply to a ticket in flight has come, and that is its idea."""
        if idea:
            self._ideas[number] = idea

    def tell(self, record: Record, best_changed: bool) -> None:
        """Take a told record of kind "expand"."""
        ticket = record.ticket
        if ticket.model is not None:
            self._flying[_prompt(ticket)] -= 1
            self._flying += Counter()  # drops what is at zero
            self._ideas.pop(ticket.number, None)
        if (arm := self._arm_of(ticket)) is not None:
            self.bandit.tell(arm, record.gain or 0.0, self._share(record))
        self.briefing.add(record)
        self.agenda.tell(record, best_changed)

    def forget(self, program_id: str) -> None:
        """A program was revoked."""
        self.agenda.forget(program_id)
        self.briefing.vectors.remove(program_id)

    def _arm_of(self, ticket: Ticket) -> Arm | None:
        """The arm that a ticket is a draw of; None for errands and start programs."""
        if ticket.model is None:
            return OFFLINE if ticket.operator != "start" else None
        arm = (ticket.model, ticket.operator)
        return arm if not ticket.idea and arm in self.bandit.arms else None

    def _avoid(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._ideas[number] for number in sorted(self._ideas)))

    def _inspirations(self, parents: tuple[str, ...], operator: str, first: Sequence[str]) -> tuple[str, ...] | None:
        """The elite and the program that differs most, or the next ones where a ticket in flight has these."""
        if operator == REPAIR:
            return None if self._flying[(parents, operator, tuple(first))] else tuple(first)
        elites = [one for one in first if one not in parents][:1]
        far = [one for one in self.briefing.vectors.farthest(parents[0]) if one not in (*parents, *elites)]
        choices = [(*elites, one) for one in far[:_LOOKED_AT]] or [tuple(elites)]
        for inspirations in [*choices, tuple(elites), ()]:
            if not self._flying[(parents, operator, inspirations)]:
                return tuple(inspirations)
        return None


def _prompt(ticket: Ticket) -> Prompt:
    return ticket.parents, ticket.operator, ticket.inspirations


def tuning_move(operators: Mapping[str, float]) -> str | None:
    """The offline move on numbers alone, None where constants are fitted in place."""
    return next((move for move in ("constants", "numbers") if move in operators), None)
