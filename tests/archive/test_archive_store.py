"""What is written is read; orders are kept; questions are answered."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archive import moving
from archive.rows import RunStatus
from archive.store import Archive
from archive.writer import Durable
from evolve.core.errors import ArchiveError, CallOrderError, UsageError
from evolve.core.types import Promotion, Record, Source, Status, Ticket, Verdict

MakeRecord = Callable[..., Record]


def begin(archive: Archive, **changes: object) -> str:
    values = {"problem": "p", "problem_version": "v1", "config": {"policy": "clade", "workers": 2}, "run_seed": 5}
    return archive.begin_run(**(values | changes))  # type: ignore[arg-type]


def write(archive: Archive, run_id: str, *records: Record) -> None:
    for record in records:
        archive.journal(run_id, record.ticket)
        archive.commit(run_id, record)
    archive.flush()


def test_a_run_is_read_as_it_was_written(where: str, make_record: MakeRecord, promotion: Promotion) -> None:
    records = [
        make_record(0, promotion=promotion),
        make_record(1),
        make_record(2, Status.CRASHED, outcome=0.0),
        make_record(3, Status.EDIT_FAILED, candidate=None, program_id=None, skeleton_id=None, outcome=None),
        make_record(4, Status.FORBIDDEN, supersedes=1),
    ]
    with Archive.open(where) as archive:
        run_id = begin(archive)
        tickets = [archive.journal(run_id, record.ticket) for record in records]
        committed = [archive.commit(run_id, record) for record in records]
        assert [future.result(5) for future in committed] == records
        assert [future.result(5) for future in tickets] == [None] * 5
        archive.end_run(run_id, "budget", 1.5)
    with Archive.open(where, create=False) as archive:
        assert list(archive.records(run_id)) == records
        assert list(archive.tickets(run_id)) == [record.ticket for record in records]
        run = archive.run("last")
        assert (run.id, run.problem, run.problem_version, run.run_seed) == (run_id, "p", "v1", 5)
        assert run.config == {"policy": "clade", "workers": 2}
        assert (run.stop_reason, run.seconds, run.status) == ("budget", 1.5, RunStatus.ENDED)


def test_blocks_join_without_gap_or_repeat(
    where: str, make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.reading.BLOCK", 3)
    records = [make_record(number) for number in range(10)]
    with Archive.open(where) as archive:
        run_id = begin(archive)
        write(archive, run_id, *records)
        assert list(archive.records(run_id)) == records


def test_a_text_known_by_its_program_is_stored_once(where: str, make_record: MakeRecord) -> None:
    first, twin = make_record(0), make_record(1)
    same = replace(twin, candidate=replace(twin.candidate, source=first.candidate.source))  # type: ignore[type-var, union-attr]
    same = replace(same, program_id=first.program_id, verdict=Verdict(Status.DUPLICATE))
    other_text = Source({"program.py": "def f(x):\n    return x*0.5\n"}, "f")
    third = make_record(2)
    laid_out = replace(third, candidate=replace(third.candidate, source=other_text), program_id=first.program_id)  # type: ignore[type-var]
    with Archive.open(where) as archive:
        run_id = begin(archive)
        write(archive, run_id, first, same)
        write(archive, run_id, laid_out)
        assert list(archive.records(run_id)) == [first, same, laid_out]
        with archive._database.reading.connect() as connection:
            programs = connection.exec_driver_sql("SELECT count(*) FROM programs").scalar()
            own = connection.exec_driver_sql("SELECT number FROM records WHERE source IS NOT NULL").scalars().all()
        assert (programs, list(own)) == (1, [2])
        assert archive.program(str(first.program_id)).source == first.candidate.source  # type: ignore[union-attr]


def test_orders_out_of_order_are_refused_and_harm_nothing(where: str, make_record: MakeRecord) -> None:
    record = make_record(0)
    with Archive.open(where) as archive:
        run_id = begin(archive)
        with pytest.raises(CallOrderError, match="not journaled"):
            archive.commit(run_id, record)
        archive.journal(run_id, record.ticket)
        archive.journal(run_id, record.ticket).result(5)
        with pytest.raises(CallOrderError, match="other content"):
            archive.journal(run_id, replace(record.ticket, seed=1))
        with pytest.raises(CallOrderError, match="0 is next"):
            archive.commit(run_id, replace(record, number=1))
        with pytest.raises(CallOrderError, match="candidate of ticket 9"):
            stranger = replace(record.candidate, ticket=replace(record.ticket, number=9))  # type: ignore[type-var]
            archive.commit(run_id, replace(record, candidate=stranger))
        with pytest.raises(CallOrderError, match="not open"):
            archive.journal("00000000", record.ticket)
        archive.commit(run_id, record).result(5)
        with pytest.raises(CallOrderError, match="1 is next"):
            archive.commit(run_id, record)
        archive.end_run(run_id, "budget", 1.0)
        with pytest.raises(CallOrderError, match="not open"):
            archive.commit(run_id, make_record(1))
        assert list(archive.records(run_id)) == [record]
        assert list(archive.tickets(run_id)) == [record.ticket]
    with pytest.raises(ArchiveError, match="closed"):
        archive.flush()


def test_a_resumed_run_goes_on_and_ends_again(where: str, make_record: MakeRecord) -> None:
    pending = make_record(2).ticket
    with Archive.open(where) as archive:
        run_id = begin(archive)
        write(archive, run_id, make_record(0), make_record(1))
        archive.journal(run_id, pending)
        archive.end_run(run_id, "budget", 1.0)
    with Archive.open(where) as archive:
        row = archive.resume_run(run_id[:6])
        assert (row.id, row.status, row.ended_at) == (run_id, RunStatus.RUNNING, None)
        assert list(archive.tickets(run_id))[-1] == pending
        archive.commit(run_id, make_record(2)).result(5)
        archive.end_run(run_id, "exhausted", 2.5)
        row = archive.run(run_id)
        assert (row.stop_reason, row.seconds, row.status) == ("exhausted", 2.5, RunStatus.ENDED)
        assert len(list(archive.records(run_id))) == 3


def test_runs_are_summed_up_and_found_by_name(where: str, make_record: MakeRecord) -> None:
    with Archive.open(where) as archive:
        with pytest.raises(UsageError, match="no run yet"):
            archive.run("last")
        with pytest.raises(UsageError, match="holds no run yet"):
            archive.run("abc")
        first, second = begin(archive), begin(archive, problem="q")
        failed = make_record(2, candidate=None, program_id=None, skeleton_id=None, verdict=Verdict(Status.NO_PROGRAM))
        write(archive, first, make_record(0), make_record(1), failed, make_record(3, Status.FORBIDDEN, supersedes=1))
        archive.end_run(first, "budget", 2.0)
        ended, running = archive.runs()
        assert (ended.id, ended.proposals, ended.programs, ended.seconds) == (first, 3, 3, 2.0)
        assert ended.evaluations == pytest.approx(3 * 1.3)
        assert (running.id, running.status, running.proposals, running.evaluations) == (second, "running", 0, 0.0)
        assert archive.run("last").id == second
        wrong = first[:-1] + ("0" if first[-1] != "0" else "1")
        with pytest.raises(UsageError) as caught:
            archive.run(wrong)
        assert first in caught.value.remedy
        for unknown in ("zzzzzz", "", "%"):
            with pytest.raises(UsageError, match="no run"):
                archive.run(unknown)
        by_digit = [begin(archive)[0] for _ in range(17)]
        shared = next(digit for digit in by_digit if by_digit.count(digit) > 1)
        with pytest.raises(UsageError, match=f"runs begin with '{shared}'"):
            archive.run(shared)


def test_all_that_reads_a_run_takes_the_names_that_run_takes(where: str, make_record: MakeRecord) -> None:
    with Archive.open(where) as archive:
        run = begin(archive)
        write(archive, run, make_record(0))
        archive.add_event(run, "sandbox", {"sandbox": "none"})
        archive.open_final(run, "v", {"0000" * 8: {"error": 1.0}})
        readings = (
            lambda name: list(archive.records(name)),
            lambda name: list(archive.tickets(name)),
            lambda name: list(archive.order(name)),
            archive.events,
            archive.final_results,
            lambda name: list(archive.export(name)),
            lambda name: archive.lineage("0000" * 8, name),
            lambda name: archive.program("0000", name),
        )
        archive.flush()
        for read in readings:
            whole = read(run)
            assert whole and read("last") == whole == read(run[:6])
        for read in (*readings, archive.replies, lambda name: archive.replies_of(name, 0)):
            with pytest.raises(UsageError, match="no run 'nowhere'"):
                read("nowhere")


def test_programs_and_their_lines(where: str, make_record: MakeRecord, promotion: Promotion) -> None:
    root, child = make_record(0), make_record(1, promotion=promotion)
    ticket = Ticket(2, "expand", (str(child.program_id),), (str(root.program_id),), "cross", "m", 1)
    third = make_record(2)
    grandchild = replace(third, ticket=ticket, candidate=replace(third.candidate, ticket=ticket))  # type: ignore[type-var]
    again = replace(make_record(3), program_id=child.program_id, candidate=None, verdict=Verdict(Status.DUPLICATE))
    revoked = make_record(4, Status.FORBIDDEN, supersedes=2, program_id=grandchild.program_id)
    with Archive.open(where) as archive:
        run_id = begin(archive)
        write(archive, run_id, root, child, grandchild, again, revoked)
        row = archive.program(str(child.program_id)[:10])
        assert (row.program_id, row.number, row.run_id, row.children) == (child.program_id, 1, run_id, 1)
        assert (row.verdict, row.ticket, row.promotion) == (child.verdict, child.ticket, promotion)
        assert (row.idea, row.parents, row.skeleton_id) == ("scale it", (root.program_id,), child.skeleton_id)
        line = archive.lineage(str(grandchild.program_id), run_id)
        assert [step.program_id for step in line] == [root.program_id, child.program_id, grandchild.program_id]
        assert (line[2].number, line[2].verdict) == (2, revoked.verdict)
        # Inspirations and duplicates are no parents and no children.
        assert line[0].children == 2
        other = begin(archive)
        write(archive, other, root)
        assert archive.program(str(root.program_id)).run_id == other
        assert archive.program(str(root.program_id), run_id).children == 2
        with pytest.raises(UsageError, match="has no program"):
            archive.program(str(child.program_id), other)
        with pytest.raises(UsageError, match=r"5 programs begin with '000'|3 programs begin with '000'"):
            archive.program("000")
        with pytest.raises(UsageError) as caught:
            archive.program("0001" * 7 + "x")
        assert str(child.program_id) in caught.value.remedy


def test_final_openings_are_counted_and_the_latest_is_shown(where: str, make_record: MakeRecord) -> None:
    with Archive.open(where) as archive:
        run_id = begin(archive)
        write(archive, run_id, make_record(0))
        archive.open_final(run_id, "v1", {"a": {"error": 2.0}, "b": {"error": float("inf")}})
        archive.open_final(run_id, "v1", {"a": {"error": 1.0}})
        archive.open_final(run_id, "v2", {"c": {}})
        assert archive.final_results(run_id) == {"a": {"error": 1.0}, "b": {"error": float("inf")}, "c": {}}
        assert (archive.final_openings("v1"), archive.final_openings("v2"), archive.final_openings("v3")) == (2, 1, 0)


def test_two_writers_share_an_archive(where: str, make_record: MakeRecord) -> None:
    records = [make_record(number) for number in range(300)]
    with Archive.open(where) as one, Archive.open(where) as two:
        first, second = begin(one), begin(two)
        for record in records:
            for archive, run_id in ((one, first), (two, second)):
                archive.journal(run_id, record.ticket)
                archive.commit(run_id, record)
        one.flush()
        two.flush()
        assert list(one.records(second)) == records
        assert list(two.records(first)) == records


def test_two_processes_write_an_archive_at_once(where: str, make_record: MakeRecord) -> None:
    """Each its own run, the archive made by whoever comes first, and all programs the same."""
    program = (
        "import sys\nsys.path.insert(0, sys.argv[1])\nfrom conftest import build_record\n"
        "from archive.store import Archive\nsys.stdin.readline()\nwith Archive.open(sys.argv[2]) as archive:\n"
        "    run = archive.begin_run(problem='p', problem_version='v', config={}, run_seed=1)\n"
        "    for number in range(200):\n        archive.journal(run, build_record(number).ticket)\n"
        "        archive.commit(run, build_record(number)).result(60)\n    archive.end_run(run, 'budget', 1.0)\n"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), where]
    writers = [subprocess.Popen(command, stdin=subprocess.PIPE, text=True) for _ in range(2)]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=100)
        assert writer.returncode == 0
    with Archive.open(where) as archive:
        assert [run.stop_reason for run in archive.runs()] == ["budget"] * 2
        for run in archive.runs():
            assert list(archive.records(run.id)) == [make_record(number) for number in range(200)]
    assert moving.check(where, lambda *_: None)[1] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_frees_no_lease_of_its_parent(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom archive.store import Archive\narchive = Archive.open(sys.argv[1])\n"
        "run_id = archive.begin_run(problem='p', problem_version='v', config={}, run_seed=1)\n"
        "child = os.fork()\nif child == 0:\n    sys.exit(0)\nos.waitpid(child, 0)\nprint(archive.run(run_id).status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "archive.db")],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("running\n", 0), done.stderr


def test_events_are_kept_in_order(where: str) -> None:
    with Archive.open(where) as archive:
        run_id = begin(archive)
        archive.add_event(run_id, "started", {"workers": 2})
        archive.add_event(run_id, "note", {"text": "\ud800\x00"})
        archive.flush()
        assert archive.events(run_id) == [("started", {"workers": 2}), ("note", {"text": "\ud800\x00"})]


def test_a_configuration_that_is_not_json_is_refused(where: str) -> None:
    with Archive.open(where) as archive:
        for config in ({"x": object()}, {"x": float("nan")}):
            with pytest.raises(UsageError, match="configuration"):
                begin(archive, config=config)
        assert archive.runs() == []


@pytest.mark.parametrize("field", ["outcome", "score", "value"])
def test_what_is_not_a_number_stops_the_writing(where: str, make_record: MakeRecord, field: str) -> None:
    nan = float("nan")
    record = make_record(0)
    (result,) = record.verdict.results
    bad = {
        "outcome": replace(record, outcome=nan),
        "score": replace(record, verdict=replace(record.verdict, results=(replace(result, score=nan),))),
        "value": replace(record, verdict=replace(record.verdict, value=nan)),
    }[field]
    with Archive.open(where) as archive:
        run_id = begin(archive)
        archive.journal(run_id, record.ticket).result(5)
        with pytest.raises(ArchiveError, match="not a number"):
            archive.commit(run_id, bad).result(5)
        assert list(archive.records(run_id)) == []


def test_a_program_before_its_parent_is_refused_and_nothing_after_it_is_written(
    where: str, make_record: MakeRecord
) -> None:
    orphan = make_record(0)
    ticket = replace(orphan.ticket, parents=("f" * 32,))
    orphan = replace(orphan, ticket=ticket, candidate=replace(orphan.candidate, ticket=ticket))  # type: ignore[type-var]
    with Archive.open(where) as archive:
        run_id = begin(archive)
        archive.journal(run_id, ticket).result(5)
        futures: list[Durable[Any]] = [
            archive.commit(run_id, orphan),
            archive.journal(run_id, make_record(1).ticket),
        ]
        for future in futures:
            with pytest.raises(ArchiveError, match="refused a row") as caught:
                future.result(5)
            assert caught.value.remedy
        with pytest.raises(ArchiveError):
            archive.end_run(run_id, "budget", 1.0)
        assert list(archive.tickets(run_id)) == [ticket]
