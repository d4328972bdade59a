"""Kinds of programs in columns: what a ticket finds in them, and what a snapshot of them is."""

from __future__ import annotations

import pickle

import pytest

from archive.equivalence import Kind, Learned
from evolve.core.keys import Keys
from evolve.core.types import Objective, Record, Status, Ticket, Verdict
from evolve.dominance import Dominance
from evolve.equivalences import Equivalences
from evolve.kinds import Kinds

KEYS = Keys("aa" * 16, "bb" * 16)


class Told:
    """Equivalences, and the calls of a search."""

    def __init__(self) -> None:
        self.scored: dict[str, Record] = {}
        self.known: dict[str, int] = {}
        dominance = Dominance((Objective("cost", "minimize"),), 0.0)
        self.equivalences = Equivalences(dominance, self.scored, self.known, 53)

    def computed(self, number: int, name: str) -> Record:
        verdict = Verdict(Status.OK, 1.0, {"cost": 1.0}, stage="train", evaluation_set="set")
        record = Record(number, Ticket(number, "expand", ("seed",), (), "edit", None, 0), None, verdict, name)
        self.known[name] = number
        self.equivalences.settle(record, (Learned(Kind.COMPUTED, KEYS, "set"),))
        return record

    def revoked(self, number: int, before: Record) -> Record:
        ticket = Ticket(number, "measure", (str(before.program_id),), (), "check", None, 0)
        verdict = Verdict(Status.FORBIDDEN, stage="check")
        record = Record(number, ticket, None, verdict, before.program_id, supersedes=before.number)
        self.equivalences.settle(record, ())
        return record

    def tell(self, record: Record) -> None:
        if record.verdict.status is Status.OK:
            self.scored[str(record.program_id)] = record
        else:
            self.scored.pop(str(record.program_id))
        self.equivalences.tell(record)

    def origin(self, horizon: int) -> int | None:
        found = self.equivalences.find(KEYS, horizon)
        return found.origin if found else None


def test_a_ticket_finds_what_stood_at_its_horizon_whatever_was_settled_since() -> None:
    told = Told()
    first = told.computed(1, "a")
    assert told.origin(3) is None
    told.tell(first)
    assert (told.origin(0), told.origin(1), told.origin(3)) == (None, 1, 1)
    revocation = told.revoked(5, first)
    assert told.origin(3) == 1
    second = told.computed(6, "b")
    assert (told.origin(3), told.origin(5)) == (1, None)
    told.tell(revocation)
    told.tell(second)
    assert (told.origin(3), told.origin(5), told.origin(6)) == (1, None, 6)
    other = told.computed(8, "c")
    told.equivalences.settle(other, (Learned(Kind.REFUTED, KEYS, "set"),))
    assert (told.origin(7), told.origin(8)) == (6, None)


@pytest.mark.parametrize("function", ["cd" * 16, "CD" * 16, "no key", ""])
@pytest.mark.parametrize("exact", ["ef" * 16, "EF" * 16, "none", ""])
def test_keys_come_back_as_they_were(function: str, exact: str) -> None:
    """Of an archive that somebody put together, too: two texts are two functions."""
    kinds, odd, plain = Kinds(), Keys(function, exact), Keys("cd" * 16, "12" * 16)
    assert kinds.see(KEYS, 0) == 0
    kind = kinds.see(odd, 1)
    assert kinds.keys(kind) == odd and kinds.keys(0) == KEYS
    assert (kinds.of_function("cd" * 16) == kind) == (function == "cd" * 16)
    begun = kinds.begin(plain, 3, 0.5, False)
    assert kinds.keys(begun) == plain and kinds.of_record(3) == begun
    later = kinds.begin(odd, 4, 0.5, True)
    assert kinds.keys(later) == odd and kinds.keys(begun) == plain
    read: Kinds = pickle.loads(pickle.dumps(kinds))
    for name in (function, "cd" * 16, KEYS.function, "unknown"):
        assert read.of_function(name) == kinds.of_function(name)
        assert list(read.all_of(name)) == list(kinds.all_of(name))
    assert [read.of_record(number) for number in range(6)] == [kinds.of_record(number) for number in range(6)]
