"""Programs that are measured again: what is stored, what is charged, and whose word is the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.rows import ProgramRow
from archive.standing import standing
from archive.store import Archive
from evolve.core.errors import ArchiveError
from evolve.core.types import Promotion, Record, Status, Ticket, Verdict

MakeRecord = Callable[..., Record]
REFUSED = Promotion(False, {"error": 0.75}, "gate set", "no improvement")


def begin(archive: Archive) -> str:
    return archive.begin_run(problem="p", problem_version="v1", config={}, run_seed=5)


def write(archive: Archive, run_id: str, *records: Record) -> None:
    for record in records:
        archive.journal(run_id, record.ticket)
        archive.commit(run_id, record)
    archive.flush()


def measured(number: int, of: Record, status: Status = Status.OK, promotion: Promotion | None = None) -> Record:
    """The record of a check of `of`: its verdict once more, or one that supersedes it."""
    ticket = Ticket(number, "measure", (str(of.program_id),), (), "check", None, number)
    ids = of.program_id, of.skeleton_id
    if status is Status.OK:
        verdict = replace(of.verdict, results=(), feedback="nothing found")
        return Record(number, ticket, None, verdict, *ids, promotion=promotion)
    verdict = Verdict(status, feedback="looked ahead", stage="check", evaluation_set="set")
    return Record(number, ticket, None, verdict, *ids, supersedes=of.number)


def story(make_record: MakeRecord, promotion: Promotion) -> list[Record]:
    """A start, its child, a grandchild; the child is confirmed, refused by the gate, promoted, and revoked."""
    root, child, third = (make_record(number) for number in range(3))
    ticket = replace(third.ticket, parents=(str(child.program_id),))
    grandchild = replace(third, ticket=ticket, candidate=replace(third.candidate, ticket=ticket))  # type: ignore[type-var]
    twin = Record(3, make_record(3).ticket, None, Verdict(Status.DUPLICATE), child.program_id)
    return [
        root,
        child,
        grandchild,
        twin,
        measured(4, child),
        measured(5, child, promotion=REFUSED),
        measured(6, child, promotion=promotion),
        measured(7, child, Status.FORBIDDEN),
        measured(8, child, promotion=promotion),
        measured(9, child, Status.INVALID),
    ]


def test_a_run_with_measurements_is_read_as_it_was_written(
    where: str, make_record: MakeRecord, promotion: Promotion
) -> None:
    records = story(make_record, promotion)
    with Archive.open(where) as archive:
        one, other = begin(archive), begin(archive)
        write(archive, one, *records)
        for record in records:
            write(archive, other, record)
        assert list(archive.records(one)) == records
        assert list(archive.tickets(one)) == [record.ticket for record in records]
        assert list(archive.export(one)) == list(archive.export(other))


def test_a_run_that_is_resumed_knows_its_measurements(
    where: str, make_record: MakeRecord, promotion: Promotion
) -> None:
    records = story(make_record, promotion)
    with Archive.open(where) as archive:
        run_id = begin(archive)
        write(archive, run_id, *records[:7])
        archive.journal(run_id, records[7].ticket).result(5)
    with Archive.open(where) as archive:
        archive.resume_run(run_id)
        assert list(archive.tickets(run_id))[-1] == records[7].ticket
        for record in records[8:]:
            archive.journal(run_id, record.ticket)
        for record in records[7:]:
            archive.commit(run_id, record).result(5)
        assert list(archive.records(run_id)) == records


def test_measurements_are_no_proposals_and_charged_nothing(
    where: str, make_record: MakeRecord, promotion: Promotion
) -> None:
    records = story(make_record, promotion)
    with Archive.open(where) as archive:
        run_id = begin(archive)
        write(archive, run_id, *records)
        (summary,) = archive.runs()
        assert (summary.proposals, summary.programs) == (4, 3)
        assert summary.evaluations == pytest.approx(3 * 1.3) == sum(record.evaluations for record in records)


def test_the_last_word_on_a_program_is_shown(where: str, make_record: MakeRecord, promotion: Promotion) -> None:
    records = story(make_record, promotion)
    root, child, grandchild = records[:3]
    name = str(child.program_id)
    with Archive.open(where) as archive:
        run_id = begin(archive)
        rows: list[ProgramRow] = []
        for record in records:
            write(archive, run_id, record)
            rows.append(archive.program(name if record.number else str(root.program_id), run_id))
        # Its own record is the original one, whatever was said of it later.
        assert {row.number for row in rows[1:]} == {1}
        assert {row.ticket for row in rows[1:]} == {child.ticket}
        assert {row.source == child.candidate.source for row in rows[1:]} == {True}  # type: ignore[union-attr]
        assert [row.promotion for row in rows[1:]] == [None] * 4 + [REFUSED, promotion] + [None] * 3
        assert [row.verdict for row in rows[1:7]] == [child.verdict] * 6
        # Revoked, it stays so: a check that was under way may still say that it found nothing.
        assert [row.verdict for row in rows[7:]] == [records[7].verdict, records[7].verdict, records[9].verdict]
        assert rows[-1].children == 1
        line = archive.lineage(str(grandchild.program_id), run_id)
        assert [step.program_id for step in line] == [root.program_id, name, grandchild.program_id]
        assert line[1].verdict.status is Status.INVALID


@pytest.mark.parametrize("supersedes", [-1, 1, 2, 10**6])
def test_only_an_earlier_record_of_the_run_can_be_superseded(
    where: str, make_record: MakeRecord, supersedes: int
) -> None:
    root = make_record(0)
    revoked = measured(1, root, Status.FORBIDDEN)
    with Archive.open(where) as archive:
        long, run_id = begin(archive), begin(archive)
        write(archive, long, *(make_record(number) for number in range(3)))
        write(archive, run_id, root)
        archive.journal(run_id, revoked.ticket)
        with pytest.raises(ArchiveError, match=f"record 1 supersedes {supersedes}") as caught:
            archive.commit(run_id, replace(revoked, supersedes=supersedes))
        assert caught.value.remedy
        # Nothing was written, and nothing stands in the way.
        archive.commit(run_id, revoked).result(5)
        assert list(archive.records(run_id)) == [root, revoked]


def test_standing_leaves_each_proposal_with_its_last_word(make_record: MakeRecord, promotion: Promotion) -> None:
    records = story(make_record, promotion)
    assert standing(records[:5]) == records[:4]
    promoted = replace(records[1], promotion=promotion)
    assert standing(records[:7]) == [records[0], promoted, *records[2:4]]
    revoked = replace(records[1], verdict=records[9].verdict, outcome=None)
    assert standing(records) == [records[0], revoked, *records[2:4]]


def test_a_score_that_supersedes_is_a_correction(make_record: MakeRecord, promotion: Promotion) -> None:
    root = make_record(0, promotion=promotion)
    better = replace(root.verdict, value=0.5)
    record = replace(measured(1, root), verdict=better, supersedes=0)
    assert standing([root, record]) == [replace(root, verdict=better)]
    corrected_twice = replace(measured(2, root, Status.FORBIDDEN), supersedes=1)
    (last,) = standing([root, record, corrected_twice])
    assert (last.verdict, last.promotion) == (corrected_twice.verdict, None)


KINDS = ["new", "new", "same", "confirm", "promote", "refuse", "revoke"]
WORDS = st.tuples(st.sampled_from(KINDS), st.integers(0, 100), st.booleans())


@given(words=st.lists(WORDS, max_size=30))
def test_nothing_revoked_is_promoted_and_the_rest_keeps_its_score(words: list[tuple[str, int, bool]]) -> None:
    records: list[Record] = []
    brought: list[Record] = []
    revoked: set[int] = set()
    answers: dict[int, Promotion] = {}
    for number, (word, pick, promoted) in enumerate([("new", 0, False), *words]):
        of = brought[pick % len(brought)] if brought else None
        answer = Promotion(word != "refuse", {"error": float(number)}, "gate")
        if of is None or word in ("new", "same"):
            ticket = Ticket(number, "expand", (), (), "mutate", None, 0)
            verdict = Verdict(Status.OK, 1.0, {"error": 1.0}, stage="train")
            record = Record(number, ticket, None, verdict, f"p{number}", outcome=1.0)
            if of is not None and word == "same":
                record = replace(record, verdict=Verdict(Status.DUPLICATE), program_id=of.program_id, outcome=None)
            else:
                record = replace(record, promotion=answer if promoted else None)
                brought.append(record)
        elif word == "revoke":
            record = measured(number, of, Status.FORBIDDEN)
            revoked.add(of.number)
        else:
            record = measured(number, of, promotion=None if word == "confirm" else answer)
        if record.promotion is not None:
            about = number if of is None or word == "new" else of.number
            answers[about] = record.promotion
        records.append(record)
    found = standing(records)
    assert [one.number for one in found] == [one.number for one in records if one.ticket.kind == "expand"]
    for one in found:
        original = records[one.number]
        if one.number in revoked:
            assert (one.verdict.status, one.promotion, one.outcome) == (Status.FORBIDDEN, None, None)
        else:
            assert (one.verdict, one.outcome) == (original.verdict, original.outcome)
            assert one.promotion == answers.get(one.number)
    assert standing(found) == found
