"""Any record comes back equal; the export does not depend on how commits were grouped."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.store import Archive
from archive.writer import Durable
from evolve.core.extent import Extent
from evolve.core.types import Candidate, Cost, Measurement, Promotion, Record, Result, Source, Status, Ticket, Verdict

MakeRecord = Callable[..., Record]

reals = st.floats(allow_nan=False)
# Everything that a Python text can hold: NUL, lone surrogates, signs outside the basic plane.
texts = st.text(st.characters(codec=None), max_size=12)
names = st.text("abcdefghij/._-äß", min_size=1, max_size=8)
counts = st.integers(0, 2**62)
metrics = st.dictionaries(texts, reals, max_size=3)
parents = st.lists(st.sampled_from(["p0", "p1"]), max_size=2).map(tuple)
extents = st.builds(Extent, counts, st.integers(1, 2**62), counts, metrics)
sources = st.builds(Source, st.dictionaries(names, texts, min_size=1, max_size=2), names)


@st.composite
def records(draw: st.DrawFn, number: int) -> Record:
    """Any record whose parents are the programs p0 and p1, committed before it."""
    known = parents if number >= 2 else st.just(())
    ticket = Ticket(
        number,
        draw(st.sampled_from(["expand", "measure"])),
        draw(known),
        draw(known),
        draw(names),
        draw(st.none() | names),
        draw(counts),
    )
    status = draw(st.sampled_from(Status))
    results = st.builds(Result, names, st.sampled_from(Status), st.none() | reals, reals, reals, counts)
    measurements = st.builds(Measurement, names, names, counts, reals, reals)
    verdict = Verdict(
        status,
        draw(reals) if status.scored else None,
        draw(metrics),
        draw(texts),
        tuple(draw(st.lists(results, max_size=3))),
        draw(st.sampled_from(["screen", "probe", "train"])),
        draw(st.just("") | names),
        draw(st.none() | extents),
    )
    candidate = Candidate(
        ticket,
        draw(sources),
        draw(texts),
        tuple(draw(st.lists(texts, max_size=2))),
        Cost(draw(st.floats(0, 1e9)), draw(counts), draw(reals)),
        tuple(draw(st.lists(measurements, max_size=2))),
    )
    absent = number >= 2 and draw(st.booleans())
    program_id = f"p{number}" if number < 2 else draw(st.sampled_from(["p0", "p1", f"p{number}", None]))
    return Record(
        number,
        ticket,
        None if absent else candidate,
        verdict,
        None if absent and program_id not in ("p0", "p1") else program_id,
        draw(st.none() | names),
        draw(st.none() | reals),
        draw(st.none() | st.builds(Promotion, st.booleans(), metrics, names, texts)),
        draw(st.none() | st.integers(0, number - 1)) if number else None,
    )


runs = st.integers(2, 6).flatmap(lambda count: st.tuples(*(records(number) for number in range(count))))


@pytest.fixture(scope="module")
def sqlite_archive() -> Iterator[Archive]:
    with tempfile.TemporaryDirectory() as folder, Archive.open(Path(folder) / "archive.db") as archive:
        yield archive


def write(archive: Archive, written: tuple[Record, ...], waits: tuple[bool, ...]) -> str:
    """Commit a run, waiting after the records that `waits` marks; its id."""
    # The archive is shared by examples: programs of one id may differ between them, as layouts do.
    run_id = archive.begin_run(problem="p", problem_version="v", config={"a": 1}, run_seed=3)
    futures: list[Durable[Record]] = []
    for record, wait in zip(written, waits, strict=True):
        archive.journal(run_id, record.ticket)
        futures.append(archive.commit(run_id, record))
        if wait:
            futures[-1].result(5)
    archive.end_run(run_id, "budget", 1.0)
    assert [future.result(5) for future in futures] == list(written)
    return run_id


@settings(max_examples=80, deadline=None)
@given(written=runs, data=st.data())
def test_any_record_comes_back_and_grouping_leaves_no_trace(
    sqlite_archive: Archive, written: tuple[Record, ...], data: st.DataObject
) -> None:
    waits = data.draw(st.tuples(*(st.booleans() for _ in written)))
    run_id = write(sqlite_archive, written, waits)
    assert tuple(sqlite_archive.records(run_id)) == written
    assert list(sqlite_archive.tickets(run_id)) == [record.ticket for record in written]
    other = write(sqlite_archive, written, tuple(not wait for wait in waits))
    exported = list(sqlite_archive.export(run_id))
    assert exported == list(sqlite_archive.export(other))
    for line in exported:
        assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"))
        assert "\n" not in line


@pytest.mark.postgres
@settings(max_examples=40, deadline=None)
@given(written=runs)
def test_both_databases_give_the_same_export(
    sqlite_archive: Archive, postgres_archive: Archive, written: tuple[Record, ...]
) -> None:
    waits = tuple(False for _ in written)
    run_id = write(postgres_archive, written, waits)
    assert tuple(postgres_archive.records(run_id)) == written
    twin = write(sqlite_archive, written, waits)
    assert list(postgres_archive.export(run_id)) == list(sqlite_archive.export(twin))


@pytest.fixture(scope="module")
def postgres_archive(postgres_server: str) -> Iterator[Archive]:
    with Archive.open(postgres_server) as archive:
        yield archive


def export_of(path: Path, record: Record, config: dict[str, object]) -> list[str]:
    with Archive.open(path) as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config=config, run_seed=3)
        archive.journal(run_id, record.ticket)
        archive.commit(run_id, record)
        archive.add_event(run_id, "started", {"host": str(path)})
        archive.open_final(run_id, "v", {"b": {"error": 1.0}, "a": {"error": 2.0}})
        archive.end_run(run_id, "budget", float(len(str(path))))
        return list(archive.export(run_id))


def test_the_export_omits_times_memory_and_what_names_the_machine(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record(0)
    slow = replace(record.verdict.results[0], cpu_seconds=9.0, wall_seconds=8.0, peak_bytes=7)
    slower = replace(record, verdict=replace(record.verdict, results=(slow,)))
    one = export_of(tmp_path / "a.db", record, {"workers": 1, "policy": "clade"})
    two = export_of(tmp_path / "bb.db", slower, {"workers": 8, "policy": "clade"})
    assert one == two
    kinds = [json.loads(line)["type"] for line in one]
    assert kinds == ["run", "program", "record", "final", "final"]
    assert [json.loads(line)["program_id"] for line in one[3:]] == ["a", "b"]
    other = export_of(tmp_path / "c.db", record, {"workers": 1, "policy": "hill"})
    assert other != one


def test_the_export_tells_scores_apart(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record(0)
    better = replace(record, verdict=replace(record.verdict, value=record.verdict.value - 1e-12))  # type: ignore[operator]
    assert export_of(tmp_path / "a.db", record, {}) != export_of(tmp_path / "b.db", better, {})


def test_a_loss_that_is_not_a_number_comes_back(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record(0)
    batch = Measurement("5ke1e70n", "constants", 3, 0.1, float("nan"))
    record = replace(record, candidate=replace(record.candidate, measurements=(batch,)))  # type: ignore[type-var]
    with Archive.open(tmp_path / "archive.db") as archive:
        run_id = archive.begin_run(problem="p", problem_version="v", config={}, run_seed=3)
        archive.journal(run_id, record.ticket)
        archive.commit(run_id, record).result(5)
        (read,) = archive.records(run_id)
        assert repr(read) == repr(record)
        assert '"best_loss":"nan"' in list(archive.export(run_id))[-1]
