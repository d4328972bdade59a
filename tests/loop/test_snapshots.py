"""A snapshot and the records after it give what all records give; what does not fit is not read."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

import evolve.campaign
import evolve.keeper
from archive.policies import POLICIES, Terms, make_policy
from archive.policies.play import TWO, Play, preferences, replay
from archive.store import Archive
from evaluators.screen import Screened
from evolve import run
from evolve.core.config import RunConfig, snapshots_folder
from evolve.core.rng import generator
from evolve.core.types import Candidate, Objective, Record, Source, Status, Ticket, Verdict
from evolve.engine.worker import Worker
from evolve.events import Event, Recalled, RecordCommitted
from evolve.keeper import Keeper, keeper_of, origin
from evolve.past import Journal, Past
from evolve.problem import Problem
from evolve.result import RunResult
from evolve.retracing import retrace
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.snapshot import Snapshots, Stand
from evolve.step import Work

SOURCE = Source({"program.py": ""}, "f")
ONE = (Objective("cost", "minimize"),)
ORDER = ((("a", "a"), ("b", "b")), (("c", "c"), ("d", "d")))
RULES = {
    "plain": Rules(ONE, 0.0, {"mutate": 1.0}, proven=False, features=("length",)),
    "driven": Rules(ONE, 0.0, {"mutate": 1.0}, proven=False, driven=True),
    "two objectives": Rules((*ONE, Objective("operations", "minimize")), 0.0, {"mutate": 1.0}, proven=False),
}
WINDOW = 4
RUN, OTHER = "5eed0001", "5eed0002"
STAND = Stand("origin", "mark", 1, 1, 1)
SETTINGS = ["portfolio:members=clade+hill+islands", "clade:temperature=cool", "clade:elites=0"]


def state_of(rules: str, policy: str, outcome: str = "top-quarter") -> SearchState:
    config = RunConfig(1, policy, WINDOW, "seed", 60.0, 1000, outcome=outcome)
    return SearchState(config, RULES[rules], {0: SOURCE})


def work_of(ticket: Ticket) -> Work:
    rng = generator(ticket.number, "cost")
    if ticket.kind == "measure":
        cheats = Verdict(Status.FORBIDDEN, stage="check")
        return Work(ticket, None, cheats if rng.random() < 0.3 and ticket.parents != ("p0",) else None, None)
    if rng.random() < 0.2:
        return Work(
            ticket, Candidate(ticket, SOURCE, ""), Verdict(Status.CRASHED), Screened(None, f"p{ticket.number}", "s")
        )
    cost = float(rng.integers(1, 50))
    verdict = Verdict(Status.OK, cost, {"cost": cost, "operations": float(rng.integers(1, 5))}, stage="train")
    return Work(ticket, Candidate(ticket, SOURCE, ""), verdict, Screened(None, f"p{ticket.number}", "s"))


def advance(state: SearchState, tickets: list[Ticket], records: list[Record], until: int) -> None:
    """Tell as many records as that, and ask in between whenever a turn has come."""
    while True:
        while state.ready():
            tickets.append(state.ask()[0])
        if state.told >= until:
            return
        while state.settled < state.asked:
            records.append(state.settle(work_of(tickets[state.settled])))
        state.tell(records[state.told])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVOLVE_SNAPSHOTS", str(tmp_path / "snapshots"))
    return tmp_path / "snapshots"


@pytest.mark.parametrize("policy", [*POLICIES, *SETTINGS])
@pytest.mark.parametrize("probation", [False, True])
def test_a_policy_chooses_as_it_would_have(policy: str, probation: bool, folder: Path) -> None:
    terms = Terms(TWO, probation, 40.0, features=("length",))
    play, rng = Play(lambda terms: make_policy(policy, terms), terms), generator(1, policy)
    kinds = ["none", "none", "accepted", "rejected", "repeated"]
    steps: list[Any] = [
        (
            list(Status)[rng.integers(8)] if rng.random() < 0.3 else Status.OK,
            float(rng.integers(1, 9)),
            1.0,
            kinds[place % 5],
        )
        if place % 4
        else (int(rng.integers(100)), ["confirmed", "refused", "revoked"][rng.integers(3)])
        for place in range(60)
    ]
    play.run(steps[:30], 3)
    flying, snapshots = play.ask(), Snapshots(folder, RUN)
    snapshots.save(STAND, play.policy)
    found = snapshots.load(lambda stand: stand == STAND)
    assert found is not None
    read, known = found[1], len(play.journal)
    assert preferences(read, 3) == preferences(play.policy, 3)
    play.tell(flying, (Status.OK, 0.5, 0.5, "none"))
    play.run(steps[30:], 2)
    replay(read, play.journal[known:])
    assert preferences(read, 3) == preferences(play.policy, 3)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("policy", [*POLICIES, *SETTINGS])
@pytest.mark.parametrize("outcome", ["top-quarter", "max-backed"])
def test_a_search_goes_on_as_it_would_have(rules: str, policy: str, outcome: str, folder: Path) -> None:
    """From whatever record, with tickets in flight, and some records settled that were not told."""
    state, tickets, records = state_of(rules, policy, outcome), [], []
    snapshots, whole = Snapshots(folder, RUN), 50
    advance(state, tickets, records, 13 + len(policy))
    snapshots.save(STAND, state)
    assert state.told < state.settled < state.asked
    advance(state, tickets, records, whole)
    found = snapshots.load(lambda stand: True)
    assert found is not None
    read: SearchState = found[1]
    numbers = [ticket.number for ticket in tickets[: len(records)]]
    past = Past(numbers, copy.deepcopy(records[read.told :]))
    journal = Journal(lambda first: iter(tickets[first:]))
    waiting = retrace(read, journal.get, past, lambda record: None, read.tell)
    assert (read.asked, read.settled) == (len(records), len(records))
    assert list(waiting) == list(range(read.told, read.settled))
    again = [*tickets[: read.asked]], [*records]
    advance(read, *again, whole + 20)
    advance(state, tickets, records, whole + 20)
    assert again == (tickets, records)
    assert read.shown_front() == state.shown_front()


# -- whole runs


class Seen:
    """A listener: the numbers of the records that it heard of, and what was recalled."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.recalled: list[Recalled] = []

    def __call__(self, event: Event) -> None:
        match event:
            case RecordCommitted():
                self.numbers.append(event.record.number)
            case Recalled():
                self.recalled.append(event)


def searched(
    where: Path, problem: str | Problem | None = "float32-exp2", **options: Any
) -> tuple[RunResult, list[str], Seen]:
    seen = Seen()
    chosen = {
        "seed": 3,
        "evaluations": 1e6,
        "proposals": 100,
        "workers": 2,
        "final_check": False,
        "progress": False,
        **options,
    }
    place = problem.place if isinstance(problem, Problem) else problem
    result = run(place, archive=where, listener=seen, **chosen)
    with Archive.open(where) as archive:
        return result, list(archive.export("last"))[1:], seen


def comparable(result: RunResult) -> RunResult:
    """Without what tells one run from another, and without time."""
    prospect = result.prospect and replace(result.prospect, seconds=0.0)
    return replace(result, run_id="", archive="", seconds=0.0, final_seconds=0.0, prospect=prospect, savings=None)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(evolve.keeper, "RECORDS", 25)
    return 25


@pytest.mark.parametrize("policy", ["clade", "portfolio"])
def test_a_run_goes_on_from_its_snapshot(policy: str, often: int, folder: Path, tmp_path: Path) -> None:
    """With more evaluations, but where the policy goes by these: then through all records."""
    _, _, before = searched(tmp_path / "a.db", policy=policy)
    assert len(list(folder.iterdir())) == 2
    assert before.recalled == [] and len(before.numbers) > 2 * often
    rest, export, seen = searched(tmp_path / "a.db", None, resume="last", evaluations=2e6, proposals=150)
    shutil.rmtree(folder)
    other, whole, all_seen = searched(tmp_path / "b.db", evaluations=2e6, proposals=150, policy=policy)
    if policy == "clade":
        assert export == whole
        assert comparable(rest) == comparable(other)
        (recalled,) = seen.recalled
        told = recalled.latest.record.number + 1
        assert told >= often and seen.numbers == all_seen.numbers[told:]
        assert sum(recalled.counts.values()) <= told
    else:
        assert seen.recalled == [] and seen.numbers[: len(before.numbers)] == before.numbers


@pytest.mark.parametrize("equivalence", ["run", "archive", "off"])
def test_what_computes_the_same_is_known_after_a_snapshot(
    equivalence: str, often: int, folder: Path, tmp_path: Path
) -> None:
    searched(tmp_path / "a.db", equivalence=equivalence)
    rest, export, seen = searched(tmp_path / "a.db", None, resume="last", proposals=150)
    assert seen.recalled
    shutil.rmtree(folder)
    other, whole, _ = searched(tmp_path / "b.db", proposals=150, equivalence=equivalence)
    assert export == whole and rest.counts == other.counts


@pytest.mark.bubblewrap
def test_a_gate_and_a_driver_go_on_from_a_snapshot(
    write_problem: Callable[..., Problem], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evolve.keeper, "RECORDS", 8)
    problem = write_problem("guess")
    searched(tmp_path / "a.db", problem, evaluations=30.0)
    rest, export, seen = searched(tmp_path / "a.db", problem, resume="last", evaluations=40.0)
    assert seen.recalled
    shutil.rmtree(folder)
    other, whole, _ = searched(tmp_path / "b.db", problem, evaluations=40.0)
    assert export == whole
    assert rest.gate == other.gate and rest.counts == other.counts


# -- what is not read


def resumed(where: Path) -> Seen:
    return searched(where, None, resume="last", proposals=105)[2]


@pytest.fixture
def kept(often: int, tmp_path: Path) -> Path:
    """The archive of a run that has snapshots."""
    searched(tmp_path / "a.db")
    return tmp_path / "a.db"


def test_a_damaged_snapshot_is_passed_over(kept: Path, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    latest = max(folder.iterdir())
    data = bytearray(latest.read_bytes())
    data[len(data) // 2] ^= 1
    latest.write_bytes(data)
    (recalled,) = resumed(kept).recalled
    assert recalled.latest.record.number + 1 < int(latest.stem.split("-")[1])
    assert "it is damaged" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[1]\n", b"\xff\n", b'{"told": 3}\nabc'])
def test_what_is_no_snapshot_is_passed_over(content: bytes, kept: Path, folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(content)
    assert resumed(kept).recalled == []


def test_a_folder_that_others_can_write_to_is_not_read(
    kept: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.chmod(0o777)
    assert resumed(kept).recalled == []
    assert "chmod 700" in caplog.text


def test_a_snapshot_of_other_code_is_not_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evolve.keeper, "code_digest", lambda: "another")
    assert resumed(kept).recalled == []


def test_records_of_another_course_are_not_those_of_the_snapshot(kept: Path, tmp_path: Path) -> None:
    """Such as those of a copy of the archive that another machine went on with."""
    with sqlite3.connect(kept) as database:
        database.execute("UPDATE records SET cost_tokens = 17")
    assert resumed(kept).recalled == []


def test_the_snapshot_before_is_read_where_a_ticket_in_flight_was_lost(kept: Path, folder: Path) -> None:
    stands: list[Stand] = []
    with Archive.open(kept) as archive:
        run_id = archive.run("last").id
        order = list(archive.order(run_id))
        Snapshots(folder, run_id).load(lambda stand: bool(stands.append(stand)))
        latest, before = stands
        assert before.asked > before.settled >= before.told
        search = evolve_state(archive, run_id)
        keeper = Keeper(archive, run_id, Snapshots(folder, run_id), lambda: search)
        lost = [number for number in order if number != latest.asked - 1]
        found = keeper.recall(lost)
        assert found is not None and found.search.told == before.told
        whole = keeper.recall(order)
        assert whole is not None and whole.search.told == latest.told


def evolve_state(archive: Archive, run_id: str) -> Any:
    """Parts of a run that has just begun."""
    made: list[Any] = []

    class Stopped(Exception):
        pass

    def stop(self: Keeper, order: object) -> None:
        made.append(self._parts())
        raise Stopped

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(Keeper, "recall", stop)
        run(None, resume=run_id, archive=archive.where, workers=1, progress=False)
    return made[0]


def test_a_policy_of_others_is_not_kept(
    folder: Path, often: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its code may change, and nobody would see it."""

    class Theirs:
        __module__ = "theirs"

    with pytest.raises(pickle.PicklingError, match=r"theirs.*Theirs has no place"):
        Snapshots(folder, RUN).save(STAND, [Theirs()])
    assert list(folder.iterdir()) == []


def test_a_run_goes_on_where_no_snapshot_can_be_written(
    often: int, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("no folder")
    result, _, _ = searched(tmp_path / "a.db")
    assert result.stop_reason == "proposals"
    assert caplog.text.count("no snapshots of run") == 1


class Theirs:
    """What a factory of another distribution may hand out: a policy of this one, made in its way."""


@pytest.mark.parametrize("policy", ["theirs", "portfolio:members=clade+theirs"])
def test_a_run_with_a_policy_of_others_has_no_snapshots(
    policy: str, often: int, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Point:
        name, value = "theirs", "theirs:make"

        def load(self) -> Any:
            return lambda terms, options: make_policy("clade:elites=0.9", terms).inner

    monkeypatch.setattr("evolve.core.named.brought", lambda group: {"theirs": Point()})
    result, _, _ = searched(tmp_path / "a.db", policy=policy)
    assert result.proposals == 100 and not folder.exists()


def test_a_run_whose_name_no_program_gave_has_no_snapshots(folder: Path, tmp_path: Path) -> None:
    """It might name another place."""
    for name in ("../elsewhere", "/abs/path", "*", "5EED0001", "5eed00011", ""):
        assert keeper_of(Any, name, RunConfig(1, "clade", 4, "seed", 1.0, 1), lambda: Any) is None  # type: ignore[arg-type]


def test_what_had_settled_and_was_lost_is_not_taken_for_what_came_later(
    kept: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that were settled when a snapshot was taken, and became others: their run was cut off before the disk."""
    with Archive.open(kept) as archive:
        run_id = archive.run("last").id
        order, parts = archive.order(run_id), evolve_state(archive, run_id)
        search: SearchState = parts.search
        search.equivalences.load(archive.learned(run_id))
        journal = Journal(lambda first: archive.tickets(run_id, first))
        retrace(search, journal.get, Past(order, archive.records(run_id)), lambda record: None, search.tell)
        told, settled = search.told, search.settled
        assert 0 < told < settled == len(order)
        shutil.rmtree(folder)
        keeper = Keeper(archive, run_id, Snapshots(folder, run_id), lambda: parts)
        keeper(told)
        found = keeper.recall(order)
        assert found is not None and (found.search.told, found.search.settled) == (told, settled)
        with sqlite3.connect(kept) as database:
            database.execute("UPDATE records SET cost_tokens = 17 WHERE number = ?", (settled - 1,))
        assert keeper.recall(order) is None


def test_a_folder_that_can_not_be_listed_has_no_snapshots(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = Snapshots(folder, RUN)
    snapshots.save(STAND, [1])

    def refused(self: Path) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    assert snapshots.load(lambda stand: True) is None


def test_a_run_goes_on_where_there_is_no_room_for_a_snapshot(
    often: int, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Snapshots, stand: Stand, state: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Snapshots, "save", full)
    result, _, _ = searched(tmp_path / "a.db")
    assert result.proposals == 100 and "no snapshots of run" in caplog.text


def forged(data: bytes, folder: Path) -> Snapshots:
    """A snapshot with such a pickle in it."""
    snapshots = Snapshots(folder, RUN)
    snapshots.save(STAND, [1])
    (path,) = folder.iterdir()
    whole = path.read_bytes().split(b"\n")[0] + b"\n" + data
    path.write_bytes(whole + blake2b(whole, digest_size=32).digest())
    return snapshots


@pytest.mark.parametrize("value", [os.system, exec, getattr, Path, logging.getLogger, Snapshots.save, Worker, run])
def test_a_file_can_have_nothing_called(value: object, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever stands in it: what a state is made of and containers are all that is made."""

    class Call:
        def __reduce__(self) -> Any:
            return value, ("true",)

    assert forged(pickle.dumps(Call()), folder).load(lambda stand: True) is None
    assert "has no place in a snapshot" in caplog.text
    assert forged(pickle.dumps([2]), folder).load(lambda stand: True) == (STAND, [2])


def test_two_of_a_run_are_kept_and_none_for_ever(folder: Path) -> None:
    """And what a process left unfinished that was killed goes; what is no snapshot stays, whosever it is."""
    Snapshots(folder, OTHER).save(STAND, [0])
    (old,) = folder.iterdir()
    unfinished = folder / f"{RUN}-000000000003.4711"
    mine = [folder / name for name in ("thesis.tex", "archive.db", f"{RUN}.snapshot", f"{RUN}-3.snapshot.bak")]
    for path in (unfinished, *mine):
        path.touch()
    for path in (old, unfinished, *mine):
        os.utime(path, (1.0, 1.0))
    snapshots = Snapshots(folder, RUN)
    for told in (9, 10, 11):
        snapshots.save(replace(STAND, told=told), [told])
    kept = [folder / f"{RUN}-{told:012d}.snapshot" for told in (10, 11)]
    assert sorted(folder.iterdir()) == sorted([*kept, *mine])
    assert snapshots.load(lambda stand: stand.told < 11) == (replace(STAND, told=10), [10])


def test_where_they_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVOLVE_SNAPSHOTS", "off")
    assert snapshots_folder() is None
    monkeypatch.delenv("EVOLVE_SNAPSHOTS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert snapshots_folder() == tmp_path / "evolve-snapshots"


def test_limits_are_no_part_of_the_origin_but_for_who_minds_them() -> None:
    def made(policy: str, **changed: Any) -> str:
        config = RunConfig(1, policy, WINDOW, "seed", 60.0, 1000)
        return origin(SearchState(replace(config, **changed), RULES["plain"], {0: SOURCE}))

    more = {"evaluations": 70.0, "proposals": 7, "tokens": 3, "usd": 1.0, "patience": 0.5}
    assert made("clade") == made("clade", **more)
    assert made("clade:temperature=cool") != made("clade:temperature=cool", **more)
    assert made("portfolio") != made("portfolio", **more) and made("portfolio") == made("portfolio", proposals=7)
    assert (
        len(
            {made("clade", **{key: value}) for key, value in {"seed": 2, "window": 5, "outcome": "improvement"}.items()}
        )
        == 3
    )
