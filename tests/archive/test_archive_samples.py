"""Bounded looks at records say what the records say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from conftest import build_record, build_reply
from rich_archive import write_run

from archive.store import Archive
from evolve.core.types import Promotion, Record, Status, Ticket, Verdict


def test_stretches_hold_every_record_once(where: str) -> None:
    with Archive.open(where) as archive:
        run_id = write_run(archive)
        counted = Counter[Status]()
        stretches = archive.stretches(run_id, 5, 100)
        for one in stretches:
            counted.update(one.counts)
        assert counted == archive.statuses(run_id)
        assert [one.first for one in stretches[1:]] == [one.end for one in stretches[:-1]]
        assert (stretches[0].first, stretches[-1].end) == (0, 12)


def test_of_a_long_stretch_its_beginning_is_read(where: str) -> None:
    with Archive.open(where) as archive:
        (one,) = archive.stretches(write_run(archive), 1, 4)
        assert sum(one.counts.values()) == 4
        empty = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        assert archive.stretches(empty, 9, 4) == []


def test_arms_add_up_by_model_and_operator(where: str) -> None:
    with Archive.open(where) as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        for number in range(6):
            record = build_record(number, Status.OK if number % 3 else Status.CRASHED, gain=0.25)
            ticket = replace(
                record.ticket, model="m" if number % 2 else None, operator="edit" if number % 2 else "mutate"
            )
            cost = replace(record.candidate.cost, usd=None if number == 5 else 0.5)  # type: ignore[union-attr]
            candidate = replace(record.candidate, ticket=ticket, cost=cost)  # type: ignore[type-var]
            _commit(archive, run_id, replace(record, ticket=ticket, candidate=candidate))
        offline, model = archive.arms(run_id)
        assert (offline.model, offline.operator, offline.records, offline.scored) == (None, "mutate", 3, 2)
        assert (model.model, model.operator, model.records, model.scored) == ("m", "edit", 3, 2)
        assert (model.gain, model.usd, model.unpriced) == (0.75, 1.0, 1)
        assert sum(one.records for one in archive.arms(run_id, most=2)) == 2


def test_what_was_paid_and_when_it_was_answered(where: str) -> None:
    with Archive.open(where) as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        for number in range(4):
            record = build_record(number)
            archive.journal(run_id, record.ticket)
            if number % 2:
                archive.add_reply(run_id, build_reply(number)).result()
            archive.commit(run_id, record).result()
        assert archive.paid(run_id, [0, 2, 3, 99]) == pytest.approx([0.002, 0.006, 0.008, 0.008])


def test_programs_that_were_revoked_or_measured_in_part_are_no_points(where: str) -> None:
    with Archive.open(where) as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        for number in range(4):
            promotion = Promotion(number != 1, {}, "gate") if number < 2 else None
            _commit(archive, run_id, build_record(number, promotion=promotion))
        ticket = Ticket(4, "measure", (), (), "check", None, 8)
        verdict = Verdict(Status.FORBIDDEN, feedback="looked ahead")
        _commit(archive, run_id, Record(4, ticket, None, verdict, "0003" * 8, supersedes=3))
        found = archive.scored_of(run_id, range(1000))
        assert [(one.number, one.refused) for one in found] == [(0, False), (1, True), (2, False)]
        assert found[2].metrics == {"error": 2.1, "operations": 7.0}
        assert archive.accepted(run_id, 9) == [0]


def test_runs_are_found_by_a_key_and_events_by_their_kind(where: str) -> None:
    with Archive.open(where) as archive:
        begin = {"problem": "p", "problem_version": "v", "run_seed": 1}
        tagged = archive.begin_run(**begin, config={"comparison": "c", "hint": '"other":'})
        archive.begin_run(**begin, config={"hint": '"comparison": c'})
        for payload in ({"at": 1}, {"at": 2}):
            archive.add_event(tagged, "report", payload)
        archive.add_event(tagged, "paused", {"away_seconds": 1})
        archive.flush()
        assert [one.id for one in archive.tagged("comparison")] == [tagged]
        assert archive.tagged("other") == []
        assert archive.said("report", [one.id for one in archive.runs()]) == {tagged: {"at": 2}}
        assert archive.happened(tagged, ["paused", "foresight"]) == [("paused", {"away_seconds": 1})]


def _commit(archive: Archive, run_id: str, record: Record) -> None:
    archive.journal(run_id, record.ticket)
    archive.commit(run_id, record).result()
