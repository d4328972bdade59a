"""What is kept beside records is what they say: as they come, after a kill, and of runs that come from elsewhere."""

from __future__ import annotations

import random
import re
import sqlite3
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import build_record, build_reply
from rich_archive import change, engine_of, filled, write_run
from sqlalchemy import select
from test_archive_kill import REPLIES, WRITER, kill_after

from archive import moving, schema
from archive.rows import Spending
from archive.store import Archive
from evolve import Search
from evolve.core.extent import Extent
from evolve.core.types import Candidate, Promotion, Record, Source, Status, Ticket, Verdict

STORED = Path(__file__).parent / "stored"
DOWN: Mapping[str, Any] = {"objectives": [{"metric": "error", "direction": "minimize"}]}
UP: Mapping[str, Any] = {
    "objectives": [{"metric": "error", "direction": "maximize"}, {"metric": "size", "direction": "minimize"}]
}
REFUSED = Promotion(False, {"error": 0.25}, "gate set", "z = 1")


def quiet(what: str, done: int, total: int) -> None:
    """Nobody looks."""


def said(archive: Archive, run_id: str) -> tuple[dict[Status, int], dict[str, Spending], int, int, float]:
    """Statuses, spendings, proposals, programs and evaluations, all by the records and replies themselves."""
    records, replies = list(archive.records(run_id)), archive.replies(run_id)
    statuses = {one: sum(record.verdict.status is one for record in records) for one in Status}
    spendings = {}
    for model in {reply.model for reply in replies}:
        some = [reply for reply in replies if reply.model == model]
        known = [reply.usd for reply in some if reply.usd is not None]
        read, written, cached = (
            sum(getattr(one, f"{name}_tokens") for one in some) for name in ("prompt", "completion", "cached")
        )
        seconds = sum(reply.seconds for reply in some)
        spendings[model] = Spending(len(some), read, written, cached, sum(known), len(some) - len(known), seconds)
    proposals = sum(record.ticket.kind == "expand" and record.supersedes is None for record in records)
    programs = len({record.program_id for record in records} - {None})
    evaluations = sum(record.evaluations for record in records)
    return {one: count for one, count in statuses.items() if count}, spendings, proposals, programs, evaluations


def is_as_said(where: str | Path) -> None:
    """Of every run, and a check finds nothing either."""
    with Archive.open(where, create=False) as archive:
        for run in archive.runs():
            statuses, spendings, proposals, programs, evaluations = said(archive, run.id)
            assert archive.statuses(run.id) == statuses
            assert archive.spendings(run.id) == spendings
            assert (run.proposals, run.programs) == (proposals, programs)
            assert run.evaluations == pytest.approx(evaluations)
            assert run.replies == sum(one.replies for one in spendings.values())
            assert run.tokens == sum(one.prompt_tokens + one.completion_tokens for one in spendings.values())
    assert [one for one in moving.check(where, quiet)[1] if one.check == "totals"] == []


def scored(number: int, value: float, extent: Extent | None = None, **changes: Any) -> Record:
    """A record of that value; `changes` may name its program, what it supersedes, and what the gate said."""
    record = build_record(number)
    verdict = replace(record.verdict, value=value, metrics={"error": value}, extent=extent)
    if changes.get("supersedes") is not None:
        ticket = Ticket(number, "measure", (), (), "measure", None, 1)
        record = replace(record, ticket=ticket, candidate=None)
    return replace(record, verdict=verdict, **changes)


def revoking(number: int, earlier: int) -> Record:
    ticket = Ticket(number, "measure", (), (), "check", None, 8)
    verdict = Verdict(Status.FORBIDDEN, feedback="looked ahead")
    return Record(number, ticket, None, verdict, build_record(earlier).program_id, supersedes=earlier)


def write(archive: Archive, records: list[Record], config: Mapping[str, Any] = DOWN, group: int = 1) -> str:
    """A run of these records, about so many of them in a transaction; its id."""
    run_id = archive.begin_run(problem="p", problem_version="v", config=config, run_seed=1)
    for record in records:
        archive.journal(run_id, record.ticket)
        done = archive.commit(run_id, record)
        if record.number % group == 0:
            done.result(5)
    archive.end_run(run_id, "budget", 1.0)
    return run_id


def improved(archive: Archive, records: list[Record], config: Mapping[str, Any] = DOWN, group: int = 1) -> list[float]:
    """The values of its improvements."""
    return [one.value for one in archive.improvements(write(archive, records, config, group))]


def test_a_run_of_everything_is_counted(where: str) -> None:
    filled(where, 2)
    with Archive.open(where) as archive:
        write_run(archive, ended=False)
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=1)
        for number in range(4):
            archive.journal(run_id, build_record(number).ticket)
        for number, usd in enumerate((None, 0.5, float("inf"))):
            archive.add_reply(run_id, replace(build_reply(number), usd=usd, model=f"m{number % 2}"))
        archive.flush()
        assert archive.spendings(run_id)["m0"] == Spending(2, 2002, 40, 10, float("inf"), 1, 3.0)
    is_as_said(where)


def test_a_program_is_counted_once_in_a_run(where: str) -> None:
    """Also where it is known from another run, and where the second one is no duplicate by its status."""
    first = build_record(0)
    again = replace(build_record(2), program_id=first.program_id, candidate=first.candidate)
    again = replace(again, candidate=Candidate(again.ticket, Source({"program.py": "x = 1\n"}, "f"), "again"))
    twice = replace(build_record(3, Status.DUPLICATE), program_id=build_record(1).program_id)
    with Archive.open(where) as archive:
        for group in (1, 99):
            write(archive, [first, build_record(1), again, twice], group=group)
        assert [run.programs for run in archive.runs()] == [2, 2]
        assert archive.statuses("last") == {Status.OK: 3, Status.DUPLICATE: 1}
        assert [run.id for run in archive.runs("p")] == [run.id for run in archive.runs()]
        assert archive.runs("another") == []
    is_as_said(where)


def test_an_improvement_is_better_than_all_before_it(where: str) -> None:
    values = [3.0, 4.0, 2.0, 2.0, 1.0, 1.5]
    records = [scored(number, value) for number, value in enumerate(values)]
    with Archive.open(where) as archive:
        run_id = write(archive, records)
        found = archive.improvements(run_id)
        assert [(one.number, one.value) for one in found] == [(0, 3.0), (2, 2.0), (4, 1.0)]
        assert [one.program_id for one in found] == [records[one.number].program_id for one in found]
        assert [one.evaluations for one in found] == [pytest.approx(1.3 * (one.number + 1)) for one in found]
        assert improved(archive, records, UP) == [3.0, 4.0]
        for objectives in (None, [], "minimize", [{"direction": "up"}], [{"direction": []}]):
            assert improved(archive, records, {"objectives": objectives}) == []
        assert improved(archive, records, {}) == []
    assert moving.check(where, quiet)[1] == []


def test_what_is_no_champion_is_no_improvement(where: str) -> None:
    part, whole = Extent(3, 9, 3, {"error": 1.0}), Extent(9, 9, 6, {"error": 1.0})
    batched = build_record(4).program_id
    records = [
        scored(0, 9.0),
        build_record(1, Status.CRASHED),
        scored(2, 7.0, promotion=REFUSED),
        replace(scored(3, 6.0), verdict=replace(scored(3, 6.0).verdict, status=Status.EQUIVALENT)),
        scored(4, 5.0, extent=part),
        scored(5, 8.0),
        scored(6, 5.5, extent=whole, supersedes=4, program_id=batched),
        scored(7, 5.2),
    ]
    with Archive.open(where) as archive:
        for group in (1, 99):
            assert improved(archive, records, group=group) == [9.0, 8.0, 5.5, 5.2]
        assert archive.improvements("last")[2].program_id == batched
    assert moving.check(where, quiet)[1] == []


def test_what_was_revoked_was_never_an_improvement(where: str) -> None:
    """What it had kept out comes in, whether it stands in the same transaction or in an earlier one."""
    records = [scored(number, value) for number, value in enumerate((9.0, 3.0, 8.0, 5.0, 4.0, 2.0))]
    late = replace(revoking(6, 5), verdict=records[5].verdict, supersedes=None, promotion=REFUSED)
    with Archive.open(where) as archive:
        for group in (1, 2, 99):
            assert improved(archive, [*records, revoking(6, 1)], group=group) == [9.0, 8.0, 5.0, 4.0, 2.0]
            assert improved(archive, [*records, revoking(6, 0)], group=group) == [3.0, 2.0]
            assert improved(archive, [*records, late, revoking(7, 1)], group=group) == [9.0, 8.0, 5.0, 4.0]
    assert moving.check(where, quiet)[1] == []


def test_any_run_is_kept_as_it_is_counted_anew(tmp_path: Path) -> None:
    """Drawn runs, written in groups of any size: the check counts them from their records."""
    path, chance = tmp_path / "archive.db", random.Random(5)
    for group in (1, 2, 5, 17, 99):
        records: list[Record] = []
        for number in range(40):
            earlier = chance.randrange(number) if number else 0
            kind = chance.random()
            if number and kind < 0.2 and records[earlier].supersedes is None:
                records.append(revoking(number, earlier))
            elif kind < 0.3:
                records.append(scored(number, chance.random(), promotion=REFUSED))
            else:
                records.append(scored(number, chance.random()))
        with Archive.open(path) as archive:
            write(archive, records, chance.choice((DOWN, UP)), group)
    is_as_said(path)


def test_what_is_wrong_is_named_with_what_mends_it(where: str, tmp_path: Path) -> None:
    with Archive.open(where) as archive:
        run_id = write_run(archive)
        other = write(archive, [scored(0, 2.0), scored(1, 1.0)])
    change(
        where,
        f"UPDATE totals SET programs = programs + 2 WHERE status = 'ok' AND run_id = '{run_id}'",
        f"DELETE FROM totals WHERE status = 'forbidden' AND run_id = '{run_id}'",
        f"INSERT INTO totals VALUES ('{run_id}', 'invalid', 1, 1, 1, 1.0)",
        "UPDATE spendings SET usd = 17.0, replies = 5",
        "UPDATE improvements SET evaluations = 9.0 WHERE number = 1",
    )
    findings = moving.check(where, quiet)[1]
    assert {one.check for one in findings} == {"totals"}
    says = [f"{one.where}: {one.says}" for one in findings]
    for words in (
        f"run {run_id}: totals, status ok: its programs is 12 where 10 follows",
        f"run {run_id}: totals, status forbidden: it is missing",
        f"run {run_id}: totals, status invalid: it follows from nothing",
        f"run {run_id}: spendings, model m: its usd is 17.0 where 1.0 follows",
        f"run {run_id}: spendings, model m: its replies is 5 where 4 follows",
        f"run {other}: improvements, number 1: its evaluations is 9.0 where 2.6 follows",
    ):
        assert any(re.fullmatch(re.escape(words), one) for one in says), (words, says)
    assert "evolve archive copy" in findings[0].remedy
    moving.copy(where, tmp_path / "copy.db", quiet)
    is_as_said(tmp_path / "copy.db")


def kept(where: str | Path) -> list[list[tuple[object, ...]]]:
    """All rows of the tables that are made of others."""
    engine = engine_of(where)
    with engine.connect() as connection:
        tables = [schema.metadata.tables[name] for name in sorted(schema.DERIVED)]
        found = [sorted(tuple(row) for row in connection.execute(select(table))) for table in tables]
    engine.dispose()
    return found


def test_it_comes_with_runs_from_elsewhere(where: str, tmp_path: Path) -> None:
    with Archive.open(where) as archive:
        write_run(archive)
        write(archive, [scored(number, 1.0 / (number + 1)) for number in range(5)])
    moving.export(where, tmp_path / "file.gz", quiet)
    moving.bring_in(tmp_path / "file.gz", tmp_path / "in.db", quiet)
    filled(tmp_path / "merged.db")
    moving.merge(where, tmp_path / "merged.db", quiet)
    moving.copy(where, tmp_path / "copy.db", quiet)
    for name in ("in.db", "merged.db", "copy.db"):
        is_as_said(tmp_path / name)
    for mine, theirs in zip(kept(where), kept(tmp_path / "in.db"), strict=True):
        assert [pytest.approx(row) for row in theirs] == mine


@pytest.mark.postgres
def test_it_comes_to_a_server(postgres_url: str, tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with Archive.open(path) as archive:
        write_run(archive)
        write(archive, [scored(number, 1.0 / (number + 1)) for number in range(5)])
    moving.copy(path, postgres_url, quiet)
    is_as_said(postgres_url)
    for mine, theirs in zip(kept(path), kept(postgres_url), strict=True):
        assert [pytest.approx(row) for row in theirs] == mine


@pytest.mark.parametrize("stored", sorted(STORED.glob("schema-*.sql")), ids=lambda path: path.stem)
def test_an_older_archive_gets_it(stored: Path, tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    writer = sqlite3.connect(path)
    writer.executescript(stored.read_text())
    writer.close()
    is_as_said(path)
    with Archive.open(path) as archive:
        for run in archive.runs():
            assert archive.statuses(run.id)
            if "objectives" in archive.run(run.id).config:
                assert archive.improvements(run.id)
        assert archive.spendings("186fbba8" if stored.stem != "schema-1" else "72d92f99") or stored.stem == "schema-1"


def test_a_run_that_goes_on_keeps_it_up(tmp_path: Path) -> None:
    """A run whose programs its caller scores, left half way and resumed."""
    (tmp_path / "problem.toml").write_text(
        'name = "order"\ntitle = "order"\nentry = "f"\nevidence = "sampled"\nsandbox = "bubblewrap"\n'
        'objectives = [{ metric = "loss", direction = "minimize" }]\n'
    )
    seed = "# EVOLVE-BLOCK-START\ndef f(x):\n    return 2.0 * x + 1.0\n# EVOLVE-BLOCK-END\n"
    (tmp_path / "seed.py").write_text(seed)
    path = tmp_path / "archive.db"

    def tell(search: Search, count: int) -> None:
        while count and search.ready():
            count, one = count - 1, search.ask()
            worth = zlib.crc32(one.program_id.encode())
            if worth % 3 or one.number == 0:
                search.tell(one.number, {"loss": worth / 2**32})
            else:
                search.tell(one.number, failure="every third")

    search = Search(tmp_path, archive=path, seed=5, evaluations=12, window=4)
    tell(search, 6)
    search.close()
    is_as_said(path)
    with Search(archive=path, resume="last") as search:
        tell(search, 99)
    is_as_said(path)
    with Archive.open(path) as archive:
        values = [one.value for one in archive.improvements("last")]
    assert values and values == sorted(set(values), reverse=True)


def test_a_kill_leaves_it_in_step(tmp_path: Path) -> None:
    path, runs = tmp_path / "archive.db", ["new", "new"]
    for seconds in (0.0, 0.05):
        for number, program in enumerate((WRITER, REPLIES)):
            runs[number], _ = kill_after(path, runs[number], seconds, program)
        is_as_said(path)
