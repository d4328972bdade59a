"""Whole runs of a problem whose programs live in sandboxes, beside a driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.policies.clade import Clade
from archive.store import Archive
from evolve import run
from evolve.budget import Budget
from evolve.core.config import RunConfig
from evolve.core.errors import InfrastructureError, ProblemError, UsageError
from evolve.core.types import Candidate, Failure, Record, Status, Ticket
from evolve.engine.local import LocalEngine
from evolve.flight import Flight
from evolve.loop import run_loop
from evolve.past import Past
from evolve.problem import Problem
from evolve.proposers.base import Context
from evolve.rules import Rules
from evolve.search import SearchState
from evolve.step import Step

pytestmark = pytest.mark.bubblewrap
WriteProblem = Callable[..., Problem]
MAJORITY = """
class Majority:
    def __init__(self):
        self.ones, self.seen = 0, 0
    def guess(self):
        return int(2 * self.ones >= self.seen)
    def see(self, bit):
        self.ones, self.seen = self.ones + bit, self.seen + 1
def make_guesser():
    return Majority()
"""
PEEK = """def choose(ones, zeros, last):
    import sys
    frame = sys._getframe()
    while frame:
        if "bits" in frame.f_locals:
            return frame.f_locals["bits"][ones + zeros] + 0 * {}
        frame = frame.f_back
    return last
"""


def test_a_run_finds_its_way_and_tells_everyones_final(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("guess", majority=MAJORITY)
    result = run(problem.folder, evaluations=6, seed=1, workers=1, archive=tmp_path / "a.db")
    assert result.stop_reason == "evaluations" and result.front
    best = result.front[0]
    assert best.metrics["right"] >= result.seed.metrics["right"]
    assert set(result.final) >= {best.program_id, "floor", result.baselines[0].program_id}
    row = result.final[best.program_id]
    assert row["groups"] == 3 and row["ahead"] == 0.0
    floor = result.final["floor"]
    assert floor["ahead"] == pytest.approx(row["right"] - floor["right"])
    assert floor["ahead_low"] <= floor["ahead"] <= floor["ahead_high"]


def test_neither_workers_nor_stops_change_the_course(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("guess")
    exports = []
    for place, parts in (("whole.db", ((8.0, 1),)), ("parts.db", ((3.0, 2), (8.0, 1)))):
        for number, (evaluations, workers) in enumerate(parts):
            resume = "last" if number else None
            found = run(
                problem.folder, evaluations=evaluations, seed=5, workers=workers, window=4, archive=tmp_path / place,
                final_check=False, resume=resume,
            )  # fmt: skip
        with Archive.open(str(tmp_path / place)) as archive:
            exports.append(list(archive.export(found.run_id)))
    assert exports[0][1:] == exports[1][1:]  # the first line holds the limits that each run was begun with


def test_a_fault_of_the_machine_is_tried_again_in_a_fresh_worker(write_problem: WriteProblem, tmp_path: Path) -> None:
    """The verifier's machine fails twice before it lets the instances be made."""
    flaky = (
        "from pathlib import Path\n"
        "from evolve.core.errors import InfrastructureError\n"
        "from evolve.core.types import Instance, Score\n"
        f"COUNT = Path({str(tmp_path / 'count')!r})\n"
        "def instances(split, seed):\n"
        "    COUNT.write_text(COUNT.read_text() + 'x' if COUNT.exists() else 'x')\n"
        "    if len(COUNT.read_text()) <= FAILURES:\n"
        "        raise InfrastructureError('the disk is gone', 'Bring it back.')\n"
        "    return [Instance('a', 'g', ([2, 1],))]\n"
        "def score(instance, output):\n    return Score(1.0, {'right': 1.0})\n"
    )
    problem = write_problem("sort", verifier=f"FAILURES = 2\n{flaky}")
    assert run(problem.folder, evaluations=2, workers=1, archive=tmp_path / "a.db", final_check=False).front
    (tmp_path / "count").unlink()
    (problem.folder / "verifier.py").write_text(f"FAILURES = 3\n{flaky}")
    with pytest.raises(InfrastructureError, match="the disk is gone"):
        run(problem.folder, evaluations=2, workers=1, archive=tmp_path / "b.db", final_check=False)


class Cheat:
    """Proposes a program that reads the driver's row of bits, another text each time."""

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        head, _, tail = context.parents[0].main.partition("# EVOLVE-BLOCK-START\n")
        tail = tail[tail.index("# EVOLVE-BLOCK-END") :]
        text = f"{head}# EVOLVE-BLOCK-START\n{PEEK.format(ticket.number)}{tail}"
        return Candidate(ticket, context.parents[0].with_main(text), "cheat")


def _loop(problem: Problem, archive: Archive, records: list[Record]) -> tuple[SearchState, str]:
    config = RunConfig(seed=1, policy="clade", window=4, start="seed", evaluations=8.0, proposals=100)
    rules = Rules(problem.objectives, 0.001, {"cheat": 1.0}, proven=False, driven=True)
    search = SearchState(config, rules, {0: problem.seed})
    engine = LocalEngine(str(problem.folder), 1)
    version = problem.version
    run_id = archive.begin_run(problem=problem.name, problem_version=version, config=config.to_json(), run_seed=1)
    step = Step(Cheat(), engine, problem.sandbox, problem.seed, {0: problem.seed}, search.known)
    flight = Flight(run_id, archive, search, step, engine)
    try:
        asyncio.run(run_loop(search, flight, Budget(8.0, 100), lambda number: None, Past(), records.append))
    finally:
        engine.close()
    return search, run_id


def test_a_cheat_is_superseded_and_leaves_no_outcome(write_problem: WriteProblem, tmp_path: Path) -> None:
    problem = write_problem("guess")
    records: list[Record] = []
    with Archive.open(str(tmp_path / "a.db")) as archive:
        search, run_id = _loop(problem, archive, records)
        stored = list(archive.records(run_id))
        seed_id = records[0].program_id
        assert stored == records
        caught = [record for record in records if record.supersedes is not None]
        assert caught
        for record in caught:
            assert record.verdict.status is Status.FORBIDDEN
            cheated = records[record.supersedes or 0]
            assert cheated.verdict.value == 1.0 and cheated.program_id == record.program_id
            assert archive.program(record.program_id or "").verdict.status is Status.FORBIDDEN
        assert [one.program_id for one in search.shown_front()] == [seed_id]
        policy = search.policy.inner
        assert isinstance(policy, Clade)
        tree = policy._tree
        # Only children that were never caught may have left an outcome with the seed.
        superseded = {record.supersedes for record in caught}
        open_children = [r for r in records[1:] if r.outcome is not None and r.number not in superseded]
        assert tree.clade_trials[0] == len(open_children)
        assert tree.clade_successes[0] == sum(r.outcome or 0.0 for r in open_children)
    with pytest.raises(UsageError, match="the program to start from is forbidden"):
        run(problem.folder, evaluations=2, start=caught[0].program_id, archive=tmp_path / "a.db")


def test_a_verifier_that_keeps_failing_stops_the_run(write_problem: WriteProblem, tmp_path: Path) -> None:
    seed = "# EVOLVE-BLOCK-START\ndef arrange(numbers):\n    return [n + 1 for n in numbers]\n# EVOLVE-BLOCK-END\n"
    verifier = (
        "from evolve.core.types import Instance, Score\n"
        "def instances(split, seed):\n    return [Instance('a', 'g', ([1, 2],))]\n"
        "def score(instance, output):\n"
        "    return Score(1.0, {'right': {2: 1.0}[output[0]]})\n"
    )
    problem = write_problem("sort", verifier=verifier, seed=seed)
    with pytest.raises(ProblemError, match=r"10 of the last \d+ records: the verifier failed at verifier.py:5"):
        run(problem.folder, evaluations=100, archive=tmp_path / "a.db")
    with Archive.open(str(tmp_path / "a.db")) as archive:
        kept = [record.verdict for record in archive.records(archive.run("last").id)]
    assert sum("KeyError" in verdict.feedback for verdict in kept) >= 10
    assert all(verdict.value is None for verdict in kept if "KeyError" in verdict.feedback)


def test_instances_that_can_not_be_made_are_a_problem_error(write_problem: WriteProblem, tmp_path: Path) -> None:
    broken = write_problem("sort", verifier="def instances(split, seed):\n    1 / 0\ndef score(i, o):\n    pass\n")
    with pytest.raises(ProblemError, match=r"can not make the instances of train, at verifier.py:2"):
        run(broken.folder, evaluations=5, archive=tmp_path / "b.db")


def test_a_seed_that_trips_the_verifier_is_a_problem_error(write_problem: WriteProblem, tmp_path: Path) -> None:
    seed = "# EVOLVE-BLOCK-START\ndef arrange(numbers):\n    return [[]] * 9\n# EVOLVE-BLOCK-END\n"
    verifier = (
        "from evolve.core.types import Instance, Score\n"
        "def instances(split, seed):\n    return [Instance('a', 'g', ([1],))]\n"
        "def score(instance, output):\n    return Score(1.0 / len(output[0]))\n"
    )
    problem = write_problem("sort", verifier=verifier, seed=seed)
    with pytest.raises(ProblemError, match=r"seed.py is invalid: the verifier failed at verifier.py:5"):
        run(problem.folder, evaluations=5, archive=tmp_path / "a.db")
