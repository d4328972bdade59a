"""The one protocol behind which policies stand."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from archive.outcomes import TOP_QUARTER
from evolve.core.errors import ProblemError
from evolve.core.rng import Generator
from evolve.core.types import Objective, Record, Status, Ticket


@dataclass(frozen=True, slots=True)
class Choice:
    """Program ids of the parents and inspirations of the next ticket."""

    parents: tuple[str, ...]
    inspirations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a policy is told of the run that it is made for.

    `probation`: programs run beside a driver and are confirmed before they count for much (see `Policy`).
    `evaluations` is the run's budget, infinite where another one ends it. `minimum_effect` is the smallest difference
    of scores that means anything, as a share. `features` are names of metrics by which programs are told apart beside
    their objectives, `length` among them: see `archive.policies.islands`. `outcome` is what outcomes of records mean:
    see `archive.outcomes`.
    """

    objectives: tuple[Objective, ...]
    probation: bool = False
    evaluations: float = math.inf
    minimum_effect: float = 0.0
    features: tuple[str, ...] = ()
    outcome: str = TOP_QUARTER


class Policy(Protocol):
    """Chooses parents from what it was told. No input or output; state depends on the calls alone.

    Call order: `plant` once for each start program; then any number of `ask`, which changes nothing. `pending` is
    called with each new ticket, whose number is larger than all before it, and `tell` later, once, with its record. A
    resumed run calls `pending` with the tickets of its journal, for which it does not ask again; and not every ticket
    is what `ask` chose: its parent is a program that was planted or told, but perhaps another one.
    Not thread-safe. Randomness comes from the generator that is handed in, never from elsewhere, so replaying
    the same calls gives the same state. Calls out of order are refused before they reach a policy: see
    `archive.policies.guard`.

    Tickets of kind "measure" try a program that was told before again; `pending` and `tell` get them too, and
    they are no trial of anybody. Their record either

    * has verdict ok: the program is confirmed. A policy made with `probation` takes no program but the planted ones
      for an elite, a front member or an inspiration before that (nor afterwards where the same record says that the
      gate refused it); its outcome counts at once all the same, and it may be a parent. Or
    * has no score and `supersedes` an earlier record: that one's program is revoked. It is no choice of `ask` any
      more, even if it is told again, and the superseded record counts as if its outcome had been None. What its
      children achieved stays counted and they stay what they were. Tickets of which it is a parent may be in flight,
      and are told like any other.

    Where train is measured in batches, a policy sees each program by what all were measured on: its first batch. Of
    later ones it is told, without `pending`, only that a program failed there and is revoked.

    A policy to which it matters how much of the budget is spent may have a method `spend` besides: see `Spender`.

    Raises:
        ProblemError: by `ask`, where every start program was revoked and no other program is left.

    Example::

        policy.plant(seed_record)
        choice = policy.ask(rng)
        policy.pending(ticket)
        policy.tell(record)
    """

    def plant(self, record: Record) -> None: ...

    def ask(self, rng: Generator) -> Choice: ...

    def pending(self, ticket: Ticket) -> None: ...

    def tell(self, record: Record) -> None: ...


@runtime_checkable
class Spender(Protocol):
    """A policy that hears what each record cost, in evaluations, right after it was planted or told; and also what
    those cost that it is not told. What it heard in all is how much of `Terms.evaluations` is spent."""

    def spend(self, evaluations: float) -> None: ...


def is_welcome(record: Record) -> bool:
    """True where the record's program was fully evaluated, has a score, and the gate did not refuse it."""
    if record.program_id is None or record.verdict.status is not Status.OK:
        return False
    return record.promotion is None or record.promotion.accepted


def is_revocation(record: Record) -> bool:
    """True where the record, one of a measure ticket, takes its program out of the run."""
    return record.supersedes is not None and not record.verdict.status.scored


def nothing_left() -> ProblemError:
    """What `ask` raises where no program is left to choose."""
    return ProblemError(
        "every start program was revoked, and no other program is left to start from",
        "Mend the seed program and the baselines: the feedback of their records says what each did.",
    )
