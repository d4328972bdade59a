"""What pages ask of an archive: right, and found by keys and indices, so that a large one is no slower."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy
from conftest import build_record, build_reply
from rich_archive import write_run

from archive import moving
from archive.equivalence import Kind, Learned
from archive.rows import STATUSES, Equivalent, FinalRow
from archive.store import Archive
from evolve.core.errors import UsageError
from evolve.core.keys import Keys
from evolve.core.types import Record, Status, Ticket, Verdict


def begin(archive: Archive, problem: str = "p", version: str = "v") -> str:
    return archive.begin_run(problem=problem, problem_version=version, config={}, run_seed=1)


def put(archive: Archive, run_id: str, record: Record, *learned: Learned) -> None:
    archive.journal(run_id, record.ticket)
    archive.commit(run_id, record, learned).result(5)


def name_of(number: int) -> str:
    return str(build_record(number).program_id)


def about(number: int, earlier: int, verdict: Verdict, supersedes: bool = True) -> Record:
    """A measurement of an earlier record's program, or what takes the place of that record."""
    ticket = Ticket(number, "measure", (), (), "check", None, 8)
    return Record(number, ticket, None, verdict, name_of(earlier), supersedes=earlier if supersedes else None)


def child(number: int, *parents: int) -> Record:
    record = build_record(number)
    ticket = replace(record.ticket, parents=tuple(map(name_of, parents)), inspirations=(name_of(0),) if number else ())
    assert record.candidate is not None
    return replace(record, ticket=ticket, candidate=replace(record.candidate, ticket=ticket))


def story() -> list[Record]:
    """Six programs: one revoked, one measured again and better, one measured and confirmed; a duplicate between."""
    better = replace(build_record(4).verdict, value=0.5, metrics={"error": 0.5})
    twice = replace(build_record(3, Status.DUPLICATE), program_id=name_of(1))
    nothing = replace(build_record(6, Status.NO_PROGRAM), candidate=None, program_id=None)
    return [
        child(0),
        child(1, 0),
        child(2, 1, 0),
        twice,
        child(4, 2),
        about(5, 2, Verdict(Status.FORBIDDEN, feedback="looked ahead")),
        nothing,
        about(7, 4, better),
        about(8, 1, build_record(1).verdict, supersedes=False),
        replace(child(9, 4), outcome=None),
        replace(child(10), verdict=build_record(10, Status.CRASHED).verdict),
    ]


def test_programs_come_in_pages_with_the_last_word_on_each(where: str) -> None:
    with Archive.open(where) as archive:
        run_id, other = begin(archive), begin(archive)
        for record in story():
            put(archive, run_id, record)
        put(archive, other, child(0))
        put(archive, other, about(1, 0, Verdict(Status.INVALID)))
        whole = archive.programs_of(run_id)
        assert [(one.number, one.program_id) for one in whole] == [(n, name_of(n)) for n in (0, 1, 2, 4, 9, 10)]
        assert [one.status for one in whole] == ["ok", "ok", "forbidden", "ok", "ok", "crashed"]
        assert [one.value for one in whole] == [0.1, 1.1, None, 0.5, 9.1, None]
        assert [dict(one.metrics) for one in whole[2:4]] == [{}, {"error": 0.5}]
        assert whole[2].parents == (name_of(1), name_of(0))
        assert {(one.idea, one.operator, one.model) for one in whole} == {("scale it", "mutate", None)}
        pages, first = [], 0
        while page := archive.programs_of(run_id, first, 2):
            pages.append(page)
            first = page[-1].number + 1
        assert [len(page) for page in pages] == [2, 2, 2] and list(chain(*pages)) == whole
        with pytest.raises(UsageError, match="no run"):
            archive.programs_of("nowhere")


def test_a_tree_has_every_program_under_its_first_parent(where: str) -> None:
    with Archive.open(where) as archive:
        empty = begin(archive)
        run_id = begin(archive)
        for record in story():
            put(archive, run_id, record)
        tree = archive.tree(run_id)
        assert len(archive.tree(empty).numbers) == len(archive.tree(empty).parents) == 0
    assert tree.numbers.tolist() == [0, 1, 2, 4, 9, 10]
    assert tree.program_ids == [name_of(number) for number in tree.numbers]
    assert tree.parents.tolist() == [-1, 0, 1, 2, 3, -1]
    assert [STATUSES[place] for place in tree.statuses] == ["ok", "ok", "forbidden", "ok", "ok", "crashed"]
    nan = np.nan
    np.testing.assert_array_equal(tree.values, [0.1, 1.1, nan, 0.5, 9.1, nan])
    np.testing.assert_array_equal(tree.outcomes, [1.0, 1.0, nan, 1.0, nan, 1.0])
    np.testing.assert_allclose(tree.evaluations, 1.3)


def test_openings_of_all_versions_of_a_problem(where: str) -> None:
    with Archive.open(where) as archive:
        runs = [begin(archive, *of) for of in (("p", "v"), ("p", "w"), ("q", "x"), ("p", "v"))]
        for run_id in runs:
            for number in range(2):
                put(archive, run_id, child(number, *range(number)))
        for run_id, version in zip(runs, ("v", "w", "x", "v"), strict=True):
            programs = range(2) if run_id == runs[0] else range(1)
            archive.open_final(run_id, version, {name_of(number): {"error": number + 0.5} for number in programs})
        found = archive.finals("p")
        assert [(one.problem_version, one.opening, one.run_id, one.program_id) for one in found] == [
            ("v", 1, runs[0], name_of(0)),
            ("v", 1, runs[0], name_of(1)),
            ("v", 2, runs[3], name_of(0)),
            ("w", 1, runs[1], name_of(0)),
        ]
        assert found[1] == FinalRow("v", 1, runs[0], name_of(1), {"error": 1.5}, found[1].opened_at)
        assert [one.run_id for one in archive.finals("q")] == [runs[2]] and archive.finals("r") == []


def test_a_pulse_changes_with_all_that_a_page_shows(where: str) -> None:
    with Archive.open(where) as archive:
        pulses = [archive.pulse()]

        def beat() -> None:
            archive.flush()
            pulses.append(archive.pulse())
            assert pulses[-1] != pulses[-2] and pulses[-1] == archive.pulse()

        run_id = begin(archive)
        beat()
        assert pulses[-1].live == {run_id: 0}
        put(archive, run_id, child(0))
        beat()
        archive.add_reply(run_id, build_reply(0))
        beat()
        assert pulses[-1].live == {run_id: 1} and (pulses[-1].records, pulses[-1].replies) == (1, 1)
        archive.open_final(run_id, "v", {name_of(0): {"error": 1.0}})
        beat()
        archive.end_run(run_id, "budget", 1.0)
        beat()
        archive.add_event(run_id, "report", {"final": 1.0})  # what a comparison found, after the run
        beat()
        assert (pulses[-1].runs, pulses[-1].ended, pulses[-1].finals, pulses[-1].live) == (1, 1, 1, {})
        archive.resume_run(run_id)
        beat()
        assert pulses[-1].live == {run_id: 1} and pulses[-1].ended == 0


def test_programs_that_compute_the_same_and_runs_that_have_one(where: str) -> None:
    def learned(kind: Kind, function: str, about: int | None = None) -> Learned:
        return Learned(kind, Keys(function, f"exact {function}"), "set", about)

    with Archive.open(where) as archive:
        one, other = begin(archive), begin(archive)
        put(archive, one, child(0), learned(Kind.COMPUTED, "f"))
        put(archive, one, child(1, 0), learned(Kind.PROBED, "f"))
        put(archive, one, child(2, 0), learned(Kind.COMPUTED, "g"), learned(Kind.AGAIN, "f"))
        put(archive, one, child(3, 0), learned(Kind.REFUTED, "f"))
        put(archive, other, child(0), learned(Kind.SHARED, "f"))
        put(archive, other, replace(build_record(1, Status.DUPLICATE), program_id=name_of(0)))
        put(archive, other, child(2, 0), learned(Kind.TAKEN, "h"))
        put(
            archive,
            other,
            replace(child(5, 0), number=3),
            learned(Kind.TAKEN, "f"),
            learned(Kind.REFUTED, "g", about=2),
        )
        assert archive.equivalent_programs(name_of(0)) == [
            Equivalent(name_of(1), one, 1),
            Equivalent(name_of(5), other, 3),
        ]
        assert archive.equivalent_programs(name_of(0), 1) == [Equivalent(name_of(1), one, 1)]
        assert [found.run_id for found in archive.equivalent_programs(name_of(1))] == [one, other, other]
        assert archive.equivalent_programs(name_of(2)) == archive.equivalent_programs(name_of(3)) == []
        assert archive.runs_with(name_of(0)) == [(one, 0), (other, 0)]
        assert archive.runs_with(name_of(5)) == [(other, 3)] and archive.runs_with("no program") == []


@contextmanager
def scanned(path: Path) -> Iterator[list[str]]:
    """Tables that queries within read from one end to the other, by SQLite's plans."""
    found: list[str] = []
    asked: list[tuple[str, object]] = []

    def note(connection: object, cursor: object, statement: str, values: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    reader = sqlite3.connect(path)
    for statement, values in asked:
        plan = reader.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()  # type: ignore[arg-type]
        found += [row[-1].split()[1] for row in plan if row[-1].startswith("SCAN")]
    reader.close()


LARGE = {"records", "tickets", "programs", "edges", "replies", "equivalences", "gate_queries", "results"}


def test_no_question_reads_a_large_table_whole(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with Archive.open(path) as archive:
        run_id = write_run(archive)
        with scanned(path) as found:
            archive.runs()
            archive.pulse()
            archive.statuses(run_id)
            archive.improvements(run_id)
            archive.spendings(run_id)
            archive.finals("p")
            archive.programs_of(run_id, 3, 5)
            archive.equivalent_programs(name_of(1))
            archive.runs_with(name_of(1))
        assert set(found) & {"totals", "runs"} and not set(found) & LARGE, found
    assert moving.check(path, lambda *_: None)[1] == []
