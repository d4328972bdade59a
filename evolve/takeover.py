"""Probe, key, look up, train: programs on their way to a verdict, where another one may have been evaluated before.

A score of the same run is taken over as `equivalent`. One of another run is recorded as if it had been computed, so
that it changes what a run costs and never its course.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from archive.equivalence import Kind, Learned
from archive.store import Archive
from evaluators.judged import Judged
from evaluators.screen import Screened
from evolve.core.errors import InfrastructureError
from evolve.core.rng import generator
from evolve.core.types import Record, Source, Split, Status, Ticket, Verdict
from evolve.engine.base import Engine, Task
from evolve.equivalences import Equivalences
from evolve.findings import Finding, Taken, seconds_of

AUDITED_SHARE = 0.02
"""Of the hits so many are evaluated all the same, drawn by the archive's secret."""
PROBE_SHARE = 0.05
"""What a proposal that was probed and given up is charged, in evaluations: the most that the probe may cost."""
KNOWN = Verdict(Status.DUPLICATE, feedback="it computes what is known", stage=Split.PROBE)
"""Of a program that is given up, or else evaluated: there is no score that it might take over."""
ELSEWHERE = -(2**62)
"""The record number under which workers know the keys of other runs: before every horizon."""


class Shelf:
    """Scores that other runs of the archive computed on an evaluation set, by exact key."""

    def __init__(self, archive: Archive, evaluation_set: str, entries: Mapping[str, tuple[str, int]]) -> None:
        self.keys = tuple(entries)
        self._archive = archive
        self._evaluation_set = evaluation_set
        self._entries = entries

    def find(self, exact: str) -> Taken | None:
        """The verdict as it was computed there, without what was measured; None where there is none."""
        entry = self._entries.get(exact)
        record = self._archive.record(*entry) if entry else None
        if entry is None or record is None or record.verdict.status is not Status.OK:
            return None
        verdict = record.verdict
        if verdict.evaluation_set != self._evaluation_set:
            return None
        results = tuple(replace(one, cpu_seconds=0.0, wall_seconds=0.0, peak_bytes=0) for one in verdict.results)
        return Taken(replace(verdict, results=results), entry[1], seconds_of(verdict), entry[0])


class Takeover:
    """Evaluates programs of one run as far as nobody did so before.

    `secret` draws the hits that are evaluated all the same, `screen` checks the text of a program that is to be run
    again. Without a `shelf` only scores of the run itself are taken over.
    """

    def __init__(
        self,
        engine: Engine,
        equivalences: Equivalences,
        secret: str,
        screen: Callable[[Source], Screened[Any]],
        shelf: Shelf | None = None,
    ) -> None:
        self.equivalences = equivalences
        self._engine = engine
        self._secret = secret
        self._screen = screen
        self._shelf = shelf
        self._confirming: dict[str, asyncio.Task[Learned]] = {}
        for key in shelf.keys if shelf else ():
            engine.share((key, ELSEWHERE))

    async def probe(self, screened: Screened[Any], number: int, horizon: int) -> Finding:
        """What is found of a program: its verdict, or that it computes what a record up to `horizon` does, and whose
        score it may take over, if anybody's."""
        judged = await self._judged(screened, number, horizon)
        if judged.verdict is not None:
            return Finding(judged.verdict, judged.keys)
        if judged.keys is None:
            raise InfrastructureError("a program without keys was known", "This is a fault of Evolve.")
        taken = self.equivalences.find(judged.keys, horizon)
        if self.equivalences.has_seen(judged.keys, horizon):
            return Finding(taken.verdict if taken else KNOWN, judged.keys, taken, own=False)
        taken = self._shelf.find(judged.keys.exact) if self._shelf is not None else None
        if taken is None:
            return await self.evaluate(screened, number)
        return Finding(taken.verdict, judged.keys, taken, own=False)

    async def evaluate(
        self, screened: Screened[Any], number: int, found: Finding | None = None, whole: bool = False
    ) -> Finding:
        """A program that is evaluated in full. `found` is what it would have taken over, to be compared; `whole` is for
        all batches of train.

        Who answers the probe in another way the second time does not repeat itself: it is of no kind at all.
        """
        judged = await self._judged(screened, number, None, whole)
        if judged.verdict is None:
            raise InfrastructureError("a full evaluation gave no verdict", "This is a fault of Evolve.")
        if found is None:
            return Finding(judged.verdict, judged.keys)
        if judged.keys != found.keys:
            return Finding(judged.verdict)
        return replace(found, verdict=judged.verdict, own=True)

    async def audit(self, screened: Screened[Any], ticket: Ticket, found: Finding) -> Finding:
        """The same, evaluated where nothing is taken over, it promises more than its parent, or it is drawn."""
        if found.own or found.keys is None:
            return found
        if found.taken is None or not self.equivalences.takes:
            return await self.evaluate(screened, ticket.number, found)
        drawn = generator(self._secret, found.keys.exact, ticket.number).random() < AUDITED_SHARE
        if drawn or self.equivalences.promises_more(ticket, found.verdict):
            return await self.evaluate(screened, ticket.number, found)
        return found

    async def confirm(self, ticket: Ticket) -> tuple[Learned, ...]:
        """Evaluate, once, what the ticket builds on and what has its score from another run."""
        wanted = self.equivalences.unconfirmed(ticket)
        return tuple([await self._confirmed(record, ticket.number) for record in wanted])

    async def _confirmed(self, record: Record, number: int) -> Learned:
        name = record.program_id or ""
        if name not in self._confirming:
            self._confirming[name] = asyncio.create_task(self._compare(record, number))
        return await asyncio.shield(self._confirming[name])

    async def _compare(self, record: Record, number: int) -> Learned:
        keys, candidate = self.equivalences.keys_of(record.program_id or ""), record.candidate
        if keys is None or candidate is None:
            raise InfrastructureError("a program without text took over a score", "This is a fault of Evolve.")
        verdict = (await self._judged(self._screen(candidate.source), number, None)).verdict
        same = verdict is not None and self.equivalences.same(record.verdict, verdict)
        seconds = seconds_of(verdict) if verdict is not None else 0.0
        kind = Kind.CONFIRMED if same else Kind.REFUTED
        return Learned(
            kind, keys, record.verdict.evaluation_set, record.number, origin=record.number, saved=-1.0, seconds=-seconds
        )

    async def _judged(self, screened: Screened[Any], number: int, horizon: int | None, whole: bool = False) -> Judged:
        judged: Judged = await self._engine.run(Task("judge", (screened, whole, horizon), number))
        return judged
