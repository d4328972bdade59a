"""Programs evaluated by the caller: same metrics, same course, in any order of telling, in one go or after kills."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.store import Archive
from evolve import Search
from evolve.core.errors import CallOrderError, ProblemError
from evolve.core.types import Candidate, Measurement, Status, Ticket
from evolve.course import Proposal
from evolve.proposers.base import Context

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("EVOLVE_KILLS", "3"))
EVALUATIONS, WINDOW = 24, 4
TOML = """
name = "order"
title = "order"
entry = "f"
evidence = "sampled"
sandbox = "bubblewrap"
objectives = [{ metric = "loss", direction = "minimize" }]
"""
SEED = "# EVOLVE-BLOCK-START\ndef f(x):\n    return 2.0 * x + 1.0\n# EVOLVE-BLOCK-END\n"
Choose = Callable[[list[Proposal]], int]

# Every third program fails. Kills itself after so many milliseconds; prints what it asks and tells.
DRIVER = """
import os, random, signal, sys, threading, zlib
from evolve import Search
where, milliseconds, resume = sys.argv[2], float(sys.argv[3]), sys.argv[4] or None
draw, held = random.Random(sys.argv[3]), []
search = Search(sys.argv[1], archive=where, seed=5, evaluations=24, window=4, resume=resume)
threading.Timer(milliseconds / 1000.0, os.kill, (os.getpid(), signal.SIGKILL)).start()
with search:
    while held or search.ready():
        while search.ready():
            held.append(search.ask())
            print("asked", held[-1].number, held[-1].program_id, flush=True)
        one = held.pop(draw.randrange(len(held)))
        worth = zlib.crc32(one.program_id.encode())
        if worth % 3 or one.number == 0:
            search.tell(one.number, {"loss": worth / 2**32})
        else:
            search.tell(one.number, failure="every third")
        print("told", one.number, flush=True)
os._exit(0)
"""


def _write(folder: Path) -> Path:
    (folder / "problem.toml").write_text(TOML)
    (folder / "seed.py").write_text(SEED)
    return folder


def _tell(search: Search, one: Proposal) -> None:
    worth = zlib.crc32(one.program_id.encode())
    if worth % 3 or one.number == 0:
        search.tell(one.number, {"loss": worth / 2**32})
    else:
        search.tell(one.number, failure="every third")


def _export(where: Path) -> list[str]:
    with Archive.open(where, create=False) as archive:
        return list(archive.export("last"))


def _play(where: Path, folder: Path, choose: Choose, resume: str | None = None, tells: int = 1000) -> list[str]:
    """Hold as many proposals as may be held, tell the one that `choose` picks; stop after so many `tells`."""
    held: list[Proposal] = []
    with Search(folder, archive=where, seed=5, evaluations=EVALUATIONS, window=WINDOW, resume=resume) as search:
        while tells and (held or search.ready()):
            while search.ready() and (proposal := search.ask()):
                held.append(proposal)
            _tell(search, held.pop(choose(held)))
            tells -= 1
    return _export(where)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("order"))


@pytest.fixture(scope="module")
def reference(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The export of one sitting that always tells the oldest proposal."""
    return _play(tmp_path_factory.mktemp("reference") / "a.db", folder, lambda held: 0)


def test_one_proposal_at_a_time_is_the_same_course(folder: Path, reference: list[str], tmp_path: Path) -> None:
    with Search(folder, archive=tmp_path / "a.db", seed=5, evaluations=EVALUATIONS, window=WINDOW) as search:
        while (proposal := search.ask()) is not None:
            _tell(search, proposal)
    assert _export(tmp_path / "a.db") == reference
    assert len(reference) > 2 * EVALUATIONS


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, WINDOW - 1), min_size=EVALUATIONS, max_size=EVALUATIONS), st.integers(0, EVALUATIONS))
def test_any_order_of_telling_and_any_stop_is_the_same_course(
    folder: Path, reference: list[str], picks: list[int], stop: int
) -> None:
    places = iter(picks * 2)
    room = Path(tempfile.mkdtemp())
    try:
        _play(room / "a.db", folder, lambda held: next(places) % len(held), tells=stop)
        assert _play(room / "a.db", folder, lambda held: next(places) % len(held), resume="last") == reference
    finally:
        shutil.rmtree(room)


def test_another_metric_is_another_course(folder: Path, reference: list[str], tmp_path: Path) -> None:
    with Search(folder, archive=tmp_path / "a.db", seed=5, evaluations=EVALUATIONS, window=WINDOW) as search:
        while (proposal := search.ask()) is not None:
            search.tell(proposal.number, {"loss": float(proposal.number)})
    texts = [line for line in _export(tmp_path / "a.db") if '"type":"program"' in line]
    assert texts != [line for line in reference if '"type":"program"' in line]


def test_outstanding_proposals_are_given_again_and_told_ones_are_not(folder: Path, tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    with Search(folder, archive=where, evaluations=9, window=4) as search:
        first = search.ask()
        assert first is not None
        search.tell(0, {"loss": 1.0})
        held = [search.ask() for _ in range(3)]
        assert held[0] and held[1] and held[2]
        search.tell(held[1].number, {"loss": 2.0})
    with Archive.open(where) as archive:
        assert archive.run("last").stop_reason == "interrupted"
    with Search(archive=where, resume="last") as search:
        assert search.outstanding == (held[0].number, held[2].number)
        search.tell(held[2].number, {"loss": 3.0})  # its result came in meanwhile
        assert search.ask() == held[0]
        with pytest.raises(CallOrderError, match="told before"):
            search.tell(held[1].number, {"loss": 2.0})
        search.tell(held[0].number, {"loss": 4.0})
        assert search.ready() and search.outstanding == ()
        assert [one.metrics for one in search.result().front] == [{"loss": 1.0}]
        assert search.result().evaluations == 4


def test_a_larger_budget_goes_on_with_a_run_that_has_ended(folder: Path, reference: list[str], tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    with Search(folder, archive=where, seed=5, evaluations=7, window=WINDOW) as search:
        while (proposal := search.ask()) is not None:
            _tell(search, proposal)
    with Search(archive=where, resume=search.run_id) as search:
        assert (search.ask(), search.stop_reason) == (None, "evaluations")
    with Search(archive=where, resume=search.run_id, evaluations=EVALUATIONS) as search:
        while (proposal := search.ask()) is not None:
            _tell(search, proposal)
    assert _export(where)[1:] == reference[1:]  # the first line holds the budget that the run was begun with


class Fickle:
    """A proposer that never says the same twice."""

    said = 0

    async def propose(self, ticket: Ticket, context: Context) -> Candidate:
        Fickle.said += 1
        source = context.parents[0].with_main(SEED.replace("2.0", f"{Fickle.said}.5"))
        loss = Measurement("skeleton", "fit", 3, 0.5, float("inf"))
        return Candidate(ticket, source, f"idea {Fickle.said}", measurements=(loss,))


def test_what_is_told_meets_the_program_that_was_given(folder: Path, tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    with Search(folder, archive=where, evaluations=5, window=3, proposer=Fickle()) as search:
        search.tell(0 if search.ask() else -1, {"loss": 1.0})
        held = [search.ask(), search.ask()]
    with Search(archive=where, resume="last", proposer=Fickle()) as search:
        again = [search.ask(), search.ask()]
        assert again == held
        for one in again:
            assert one is not None
            search.tell(one.number, {"loss": 0.5})
    with Archive.open(where) as archive:
        records = list(archive.records(archive.run("last").id))
    assert [r.candidate.idea for r in records if r.candidate] == ["start program", *(one.idea for one in held if one)]
    assert records[1].candidate is not None
    assert records[1].candidate.measurements == (Measurement("skeleton", "fit", 3, 0.5, float("inf")),)


def test_a_changed_problem_is_not_resumed(tmp_path: Path) -> None:
    room = _write(tmp_path)
    Search(room, archive=tmp_path / "a.db", evaluations=5).close()
    (room / "seed.py").write_text(SEED.replace("2.0", "3.0"))
    with pytest.raises(ProblemError, match="has changed"):
        Search(archive=tmp_path / "a.db", resume="last")


def test_an_error_inside_leaves_the_run_interrupted(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Search(folder, archive=tmp_path / "a.db", evaluations=5) as search:
        search.tell(0 if search.ask() else -1, {"loss": 1.0})
        _ = 1 / 0
    with Archive.open(tmp_path / "a.db") as archive:
        (row,) = archive.runs()
        assert (row.stop_reason, row.evaluations) == ("interrupted", 1)
        (record,) = archive.records(row.id)
        assert record.verdict.status is Status.OK


def test_kill_at_random_moments_and_resume(folder: Path, reference: list[str], tmp_path: Path) -> None:
    where = tmp_path / "a.db"
    moments = random.Random(7)
    asked: dict[str, str] = {}
    told: set[str] = set()
    code, kills, resume = -signal.SIGKILL, 0, ""
    while code:
        delay = 60_000.0 if kills == KILLS else 20.0 + 120.0 * moments.random()
        child = subprocess.run(
            [sys.executable, "-c", DRIVER, str(folder), str(where), str(delay), resume],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        code, resume = child.returncode, "last"
        assert code in (0, -signal.SIGKILL), child.stderr
        kills += code != 0
        # A line that the kill has cut short was not said.
        whole = child.stdout[: child.stdout.rfind("\n") + 1].splitlines()
        for word, number, *program in (line.split() for line in whole):
            if word == "asked":
                assert number not in told, "told, and given again"
                assert asked.setdefault(number, program[0]) == program[0]
            else:
                told.add(number)
    assert kills >= 2
    assert _export(where) == reference
