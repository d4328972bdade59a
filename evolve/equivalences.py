"""Programs of one run that compute the same: who was the first of its kind, who took over its score, and who loses it.

After functional equivalence caching (Gillard and others 2023, arXiv 2302.05433) with rules of its own against programs
that answer the probe as a better one does: see docs/equivalence.md.
"""

from __future__ import annotations

import bisect
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from archive.equivalence import Kind, Learned
from evolve.core.keys import Keys
from evolve.core.types import Record, Status, Ticket, Verdict
from evolve.dominance import Dominance
from evolve.findings import Finding, Taken, seconds_of
from evolve.kinds import Kinds, Story

REVOKE = "revoke"
"""What a measure ticket asks for: that a program loses the score that it took over."""
Rows = tuple[int, tuple[Learned, ...]]
"""The number of a record, and what stands beside it."""
SPARE_BITS = 8
"""Scores of programs whose outputs agree to b bits may differ in the last of these, but in no more than so many."""


class Equivalences:
    """State derived from settled and told records, in their order. Of no effect where programs have no keys.

    `takes`: scores are taken over; without, every program is evaluated, and is `equivalent` where that gave the same.
    `retire_after`: a score that was taken over so often is computed anew; 0 for never. `bits` is the problem's
    `hash_bits`, `first_batch` how many runs of train are made of every program where train has batches. `scored` holds
    the told records of scored programs, by program, and `known` the first record of each evaluated one. With `again`,
    which reads the durable record of a number, no told records are kept for this.
    """

    def __init__(
        self,
        dominance: Dominance,
        scored: Mapping[str, Record],
        known: Mapping[str, int],
        bits: int,
        first_batch: int = 0,
        retire_after: int = 0,
        takes: bool = True,
        again: Callable[[int], Record] | None = None,
    ) -> None:
        self.takes = takes
        self.again = again
        self._dominance = dominance
        self._scored = scored
        self._known = known
        self._first_batch = first_batch
        self._tolerance = 0.0 if bits >= 53 else 2.0 ** (SPARE_BITS - bits)
        self._retire_after = retire_after
        self._kinds = Kinds()
        self._at_hand: dict[int, Record] = {}  # by number: of kinds, what is not durable yet or can not be read again
        self._retired: dict[str, int] = {}  # since which record
        self._gone: dict[int, list[int]] = {}  # kinds by the record that ended them, until it is told
        self._revocable: dict[str, Record] = {}
        self._due: deque[str] = deque()
        self._rows: dict[int, tuple[Learned, ...]] = {}
        self._coming: Iterator[Rows] = iter(())
        self._next: Rows | None = None

    def __getstate__(self) -> dict[str, object]:
        """Without who reads an archive: whoever reads the state has one of their own."""
        return {**self.__dict__, "again": None, "_coming": None, "_next": None}

    # -- look up, as of a record that was told when the ticket was asked

    def find(self, keys: Keys, horizon: int) -> Taken | None:
        """The score of a program of this run that computes the same; None where there is none yet, or no more."""
        if self._retired.get(keys.function, horizon + 1) <= horizon:
            return None
        # Kinds that were settled meanwhile do not count, nor does the end of one: the course must not depend on which
        # worker is quicker.
        kind = next((one for one in self._kinds.all_of(keys.function) if 0 <= self._kinds.whole[one] <= horizon), None)
        if kind is None:
            return None
        story = self._kinds.stories.get(kind)
        if story is not None and (
            self._is_used_up(story, horizon) or (story.gone is not None and story.gone <= horizon)
        ):
            return None
        whole, number = story.verdict if story else None, self._kinds.first[kind]
        verdict = self._as_equivalent(whole or self._record(number).verdict, number)
        return Taken(verdict, number, self._kinds.seconds[kind])

    def _is_used_up(self, story: Story, horizon: int) -> bool:
        """Whether a score was taken over so often, since it was computed last, that it is to be computed anew."""
        if not self._retire_after:
            return False
        since = bisect.bisect_right(story.checks, horizon)
        last = story.checks[since - 1] if since else -1
        return sum(last < number <= horizon for number in story.hits) >= self._retire_after

    def has_seen(self, keys: Keys, horizon: int) -> bool:
        """Whether a program of this run with that key was recorded by then, with a score or without."""
        kind = self._kinds.of_function(keys.function)
        return kind is not None and self._kinds.seen[kind] <= horizon

    def knows(self, keys: Keys, horizon: int) -> bool:
        """The same, but that a key which two functions were seen to share says nothing."""
        return self.has_seen(keys, horizon) and self._retired.get(keys.function, horizon + 1) > horizon

    def promises_more(self, ticket: Ticket, verdict: Verdict) -> bool:
        """Whether a program would be better than its parent in some objective."""
        parent = self._scored.get(ticket.parents[0]) if ticket.parents else None
        if parent is None:
            return True
        costs, before = (self._dominance.costs(one) for one in (verdict.common, parent.verdict.common))
        return any(new < old for new, old in zip(costs, before, strict=True))

    def unconfirmed(self, ticket: Ticket) -> list[Record]:
        """Parents and inspirations of a ticket whose score comes from another run, and was not computed here yet."""
        if ticket.operator == REVOKE:
            return []
        kinds = map(self._led_by, dict.fromkeys((*ticket.parents, *ticket.inspirations)))
        inherited = [kind for kind in kinds if kind is not None and self._kinds.inherited[kind]]
        return [self._record(self._kinds.first[kind]) for kind in inherited]

    def keys_of(self, program_id: str) -> Keys | None:
        """The keys of a program that is the first of its kind."""
        kind = self._kinds.of_record(self._known.get(program_id))
        return None if kind is None else self._kinds.keys(kind)

    # -- settle

    def must_evaluate(self, found: Finding, counts: Callable[[Verdict], bool]) -> bool:
        """Whether a program that took over a score needs its own now: it can not be taken over any more, or comes from
        another run and `counts` says that it would be a success, or might be the best."""
        if found.own or found.keys is None or found.taken is None:
            return False
        kind = self._standing(found.keys)
        if found.taken.run is None:
            return kind is None or self._kinds.first[kind] != found.taken.origin
        if found.keys.function in self._retired:
            return True
        return counts(found.verdict) if kind is None else not self.same(self._first(kind).verdict, found.verdict)

    def decide(self, found: Finding) -> tuple[Verdict, tuple[Learned, ...]]:
        """The verdict to be recorded, and the rows that stand beside it."""
        keys, taken, verdict = found.keys, found.taken, found.verdict
        if keys is None:
            return verdict, ()
        kind, rows = self._standing(keys), list[Learned]()
        first = None if kind is None else self._first(kind)

        def note(what: Kind, whose: Taken | None = None, saved: float = 0.0) -> None:
            run, number = (whose.run, whose.origin) if whose else (None, first.number if first else None)
            seconds = saved * whose.seconds if whose else 0.0
            rows.append(Learned(what, keys, verdict.evaluation_set, None, run, number, saved, seconds))

        if not found.own and taken is not None:
            note(Kind.SHARED if taken.run else Kind.TAKEN, taken, 1.0)
            if first is not None and taken.run:
                verdict = self._as_equivalent(first.verdict, first.number)
            return verdict, tuple(rows)
        if taken is not None and taken.run and not self.same(taken.verdict, verdict):
            note(Kind.REFUTED, taken)
        if first is None:
            whole = verdict.status is Status.OK and verdict.whole
            confirmed = taken is not None and taken.run is not None and self.same(taken.verdict, verdict)
            note(Kind.CONFIRMED if confirmed else Kind.COMPUTED if whole else Kind.PROBED, taken if confirmed else None)
            return verdict, tuple(rows)
        if not self.same(first.verdict, verdict):
            note(Kind.REFUTED)
            return verdict, tuple(rows)
        note(Kind.CONFIRMED)
        if not self.takes:
            return self._as_equivalent(verdict, first.number), tuple(rows)
        if taken is None or taken.run:
            return self._as_equivalent(first.verdict, first.number), tuple(rows)
        return taken.verdict, tuple(rows)  # as if it had not been evaluated: who draws that is nobody's business

    def same(self, one: Verdict, other: Verdict) -> bool:
        """Whether two verdicts say the same of what both were measured on. A failure is the same as nothing."""
        if not (one.status.scored and other.status.scored) or one.evaluation_set != other.evaluation_set:
            return False
        if one.common.keys() != other.common.keys():
            return False
        pairs = [(value, other.common[name]) for name, value in one.common.items()]
        theirs = {result.instance_id: result.score for result in other.results}
        for result in one.results:
            score = theirs.get(result.instance_id)
            if result.score is not None and score is not None:
                pairs.append((result.score, score))
        return all(math.isclose(a, b, rel_tol=self._tolerance, abs_tol=0.0) for a, b in pairs)

    def settle(self, record: Record, rows: tuple[Learned, ...]) -> None:
        """Take in a record that is settled, or restored, with its rows."""
        if rows:
            self._rows[record.number] = rows
        for row in rows:
            if row.kind is Kind.AGAIN:
                continue
            if row.about is not None:
                self._hear(record, row)
                continue
            self._kinds.see(row.keys, record.number)
            if row.kind is Kind.REFUTED and row.origin_run is None:
                self._retire(row.keys.function, record.number)
        last = next((row for row in reversed(rows) if row.about is None and row.kind is not Kind.AGAIN), None)
        if last is not None:
            self._place(record, last)
        elif record.supersedes is not None and not record.verdict.status.scored:
            self._revoked(record)

    def rows(self, number: int) -> tuple[Learned, ...]:
        """What stands beside a settled record. Of those of the archive, records must be asked for in their order."""
        while self._next is not None and self._next[0] <= number:
            self._rows[self._next[0]] = self._next[1]
            self._next = next(self._coming, None)
        return self._rows.get(number, ())

    def load(self, stored: Iterable[Rows]) -> None:
        """What a run that goes on has learned before, in the order of its records: read as they are restored."""
        self._coming = iter(stored)
        self._next = next(self._coming, None)

    def completed(self, record: Record) -> tuple[Learned, ...]:
        """The row of a record that measured the first of its kind on the rest of train."""
        kind = self._led_by(record.program_id)
        if kind is None or self._kinds.inherited[kind]:
            return ()
        if not record.verdict.status.scored or not record.verdict.whole:
            return ()
        keys, number = self._kinds.keys(kind), self._kinds.first[kind]
        return (Learned(Kind.COMPUTED, keys, record.verdict.evaluation_set, number),)

    # -- tell

    def tell(self, record: Record) -> list[tuple[str, int]]:
        """Take a told record. Gives the keys that are known from now on, each with the record number."""
        for kind in self._gone.pop(record.number, []):
            first = [self._kinds.first[kind]] if self._kinds.inherited[kind] else []
            for one in map(self._record, (*first, *self._kinds.story(kind).members)):
                if one.program_id is not None and one.program_id != record.program_id:
                    self._revocable[one.program_id] = one
                    self._due.append(one.program_id)
        if record.supersedes is not None and not record.verdict.status.scored:
            self.begin(record.program_id or "")
            self._revocable.pop(record.program_id or "", None)
        self._complete(record)
        if self.again is not None:
            self._at_hand.pop(record.number, None)
        functions = {row.keys.function for row in self._rows.pop(record.number, ()) if row.about is None}
        return [(one, record.number) for one in functions if self._seen_at(one) == record.number]

    def due(self, is_measured: Callable[[str], bool]) -> str | None:
        """The next program that must lose the score that it took over; none of which a measure ticket is in flight."""
        return next((one for one in self._due if not is_measured(one)), None)

    def begin(self, program_id: str) -> None:
        """A ticket that revokes it was asked, or taken from the journal."""
        if program_id in self._due:
            self._due.remove(program_id)

    def revocable(self, program_id: str) -> Record:
        """The record of a program that is to lose its score."""
        return self._revocable[program_id]

    # -- inside

    def _record(self, number: int) -> Record:
        """The record of a kind's first or member, as it was committed."""
        record = self._at_hand.get(number)
        if record is None:
            assert self.again is not None, "without a reader nothing is given up"
            record = self.again(number)
        return record

    def _first(self, kind: int) -> Record:
        return self._record(self._kinds.first[kind])

    def _seen_at(self, function: str) -> int | None:
        kind = self._kinds.of_function(function)
        return None if kind is None else self._kinds.seen[kind]

    def _led_by(self, program_id: str | None) -> int | None:
        """The latest kind of its function, where the program is the first of it."""
        kind = self._kinds.of_record(self._known.get(program_id or ""))
        return kind if kind is not None and self._kinds.of_function(self._kinds.keys(kind).function) == kind else None

    def _complete(self, record: Record) -> None:
        """Note the score on all of train, where the first of a kind has one from this record on."""
        kind = self._led_by(record.program_id)
        if kind is None or self._kinds.whole[kind] >= 0:
            return
        standing = self._scored.get(record.program_id or "")
        if standing is not None and standing.verdict.whole:
            self._kinds.whole[kind] = record.number
            if record.number != self._kinds.first[kind]:
                self._kinds.story(kind).verdict = standing.verdict

    def _standing(self, keys: Keys) -> int | None:
        """The kind as it stands among the settled records, where it has a score."""
        kind = self._kinds.of_function(keys.function)
        if kind is None or self._kinds.first[kind] < 0 or keys.function in self._retired:
            return None
        story = self._kinds.stories.get(kind)
        return None if story is not None and story.gone is not None else kind

    def _as_equivalent(self, verdict: Verdict, number: int) -> Verdict:
        """The verdict of a program that computes the same as that of record `number`. What was measured there, seconds
        and bytes, is nobody else's. Where train has batches, it is charged the first one, as others are."""
        results = tuple(replace(one, cpu_seconds=0.0, wall_seconds=0.0, peak_bytes=0) for one in verdict.results)
        extent = replace(verdict.extent, new=self._first_batch) if verdict.extent else None
        words = f"computes the same as the program of record {number}"
        return replace(verdict, status=Status.EQUIVALENT, feedback=words, results=results, extent=extent)

    def _place(self, record: Record, row: Learned) -> None:
        kind = self._standing(row.keys)
        if record.verdict.status is Status.EQUIVALENT and kind is not None:
            story = self._kinds.story(kind)
            if self.takes:  # else nobody has another one's score, that he might lose
                story.members.append(record.number)
                self._at_hand[record.number] = record
            (story.checks if row.kind is Kind.CONFIRMED else story.hits).append(record.number)
        elif record.verdict.status is Status.OK and kind is None and row.keys.function not in self._retired:
            inherited = row.kind is Kind.SHARED
            seconds = row.seconds if inherited else seconds_of(record.verdict)
            self._kinds.begin(row.keys, record.number, seconds, inherited)
            self._at_hand[record.number] = record

    def _hear(self, record: Record, row: Learned) -> None:
        """What came to light about an earlier program, whose score came from another run."""
        kind = self._standing(row.keys)
        if kind is None or self._kinds.first[kind] != row.about:
            return
        if row.kind is Kind.REFUTED:
            self._retire(row.keys.function, record.number)
        elif row.kind is Kind.CONFIRMED:
            self._kinds.inherited[kind] = False

    def _retire(self, function: str, number: int) -> None:
        self._retired.setdefault(function, number)
        kind = self._kinds.of_function(function)
        if kind is not None and self._kinds.first[kind] >= 0:
            self._end(kind, number)

    def _revoked(self, record: Record) -> None:
        """A program lost its score by another check: those that took it over lose it too."""
        kind = self._led_by(record.program_id)
        if kind is not None and self._kinds.keys(kind).function not in self._retired:
            self._end(kind, record.number)

    def _end(self, kind: int, number: int) -> None:
        story = self._kinds.story(kind)
        if story.gone is None:
            story.gone = number
            self._gone.setdefault(number, []).append(kind)
