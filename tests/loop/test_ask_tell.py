"""Programs evaluated by the caller: call order, what tell takes, what ask keeps to itself."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive.store import Archive
from evolve import Search, load, run
from evolve.budget import PATIENCE_PROPOSALS
from evolve.core.errors import ArchiveError, CallOrderError, InfrastructureError, ProblemError, UsageError
from evolve.core.types import Candidate, Failure, Record, Source, Status, Ticket
from evolve.course import Proposal
from evolve.problem import Problem
from evolve.proposers.base import Context
from sandbox import straight_line

WriteProblem = Callable[..., Problem]
OUTSIDE = "# EVOLVE-BLOCK-START\ndef arrange(numbers):\n    return numbers\n# EVOLVE-BLOCK-END\nextra = 1\n"


@pytest.fixture
def folder(write_problem: WriteProblem) -> Path:
    """A problem without a verifier: one objective, `right`, more is better."""
    folder = write_problem("sort").folder
    (folder / "verifier.py").unlink()
    return folder


def _worth(proposal: Proposal) -> dict[str, float]:
    """A measurement that depends on the program alone."""
    return {"right": zlib.crc32(proposal.program_id.encode()) / 2**32}


def _ask(search: Search) -> Proposal:
    proposal = search.ask()
    assert proposal is not None
    return proposal


def _records(where: Path) -> list[Record]:
    with Archive.open(where, create=False) as archive:
        return list(archive.records(archive.run("last").id))


class Says:
    """A proposer that answers with these bodies of `arrange` in turn, the last one for ever."""

    def __init__(self, bodies: Sequence[str | Failure | Exception]) -> None:
        self.bodies = list(bodies)

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        if isinstance(body, Exception):
            raise body
        if isinstance(body, Failure):
            return Failure(ticket, body.status, body.reason)
        whole = (
            body
            if "EVOLVE" in body
            else f"\n# EVOLVE-BLOCK-START\ndef arrange(numbers):\n    {body}\n# EVOLVE-BLOCK-END\n"
        )
        return Candidate(ticket, Source({"program.py": whole}, "arrange"), body)


def test_a_search_from_the_seed_to_the_end_of_its_budget(folder: Path, tmp_path: Path) -> None:
    proposals = []
    with Search(folder, archive=tmp_path / "a.db", evaluations=25) as search:
        while (proposal := search.ask()) is not None:
            assert search.outstanding == (proposal.number,)
            proposals.append(proposal)
            search.tell(proposal.number, _worth(proposal))
        assert (search.stop_reason, search.outstanding, search.ask()) == ("evaluations", (), None)
        result = search.result()
    assert proposals[0].code == (folder / "seed.py").read_text()
    assert (proposals[0].number, proposals[0].parents, proposals[0].operator) == (0, (), "start")
    assert all(proposal.parents and proposal.entry == "arrange" for proposal in proposals[1:])
    assert len({proposal.program_id for proposal in proposals}) == len(proposals) == 25
    best = max(proposals, key=lambda one: _worth(one)["right"])
    assert [one.program_id for one in result.front] == [best.program_id]
    assert result.seed.metrics == _worth(proposals[0])
    assert (result.evaluations, result.stop_reason, result.final) == (25, "evaluations", {})
    with Archive.open(tmp_path / "a.db") as archive:
        (row,) = archive.runs()
        assert (row.stop_reason, row.evaluations, row.proposals) == ("evaluations", 25, result.proposals)
        champion = archive.program(best.program_id)
    assert champion.promotion is not None and champion.promotion.reason == "not gated: best of what was told"


def test_asking_beyond_the_window_names_what_is_outstanding(folder: Path, tmp_path: Path) -> None:
    with Search(folder, archive=tmp_path / "a.db", evaluations=9, window=3) as search:
        search.tell(_ask(search).number, {"right": 0.5})
        first, second, third = _ask(search), _ask(search), _ask(search)
        assert not search.ready()
        numbers = (first.number, second.number, third.number)
        with pytest.raises(CallOrderError, match=rf"outstanding: \({numbers[0]}, {numbers[1]}, {numbers[2]}\)"):
            search.ask()
        search.tell(np.int64(third.number), {"right": 0.1})  # type: ignore[arg-type]  # the next one does not need it
        with pytest.raises(CallOrderError):
            search.ask()
        assert search.stop_reason is None
        search.tell(first.number, {"right": 0.2})
        assert search.ready()
        fourth = _ask(search)
        assert search.outstanding == (second.number, fourth.number)


def test_unknown_and_repeated_tickets_are_refused(folder: Path, tmp_path: Path) -> None:
    with Search(folder, archive=tmp_path / "a.db", evaluations=9, window=4) as search:
        with pytest.raises(CallOrderError, match="never gave a proposal 0"):
            search.tell(0, {"right": 0.5})
        assert search.ready()  # it has looked for the seed, and given it to nobody
        with pytest.raises(CallOrderError, match="never gave a proposal 0"):
            search.tell(0, {"right": 0.5})
        assert search.outstanding == ()
        search.tell(_ask(search).number, {"right": 0.5})
        for number in (-1, 7, "1", None):
            with pytest.raises(CallOrderError, match="never gave"):
                search.tell(number, {"right": 0.5})  # type: ignore[arg-type]
        early, late = _ask(search).number, _ask(search).number
        search.tell(late, {"right": 0.25})
        for again in (0, late):
            with pytest.raises(CallOrderError, match=f"proposal {again} was told before"):
                search.tell(again, {"right": 0.25})
        assert search.outstanding == (early,)
    with pytest.raises(CallOrderError, match="closed"):
        search.ask()
    with pytest.raises(CallOrderError, match="closed"):
        search.tell(early, {"right": 0.5})
    assert search.result().stop_reason == "interrupted"
    assert [record.verdict.metrics.get("right") for record in _records(tmp_path / "a.db")[:1]] == [0.5]


@pytest.mark.parametrize(
    ("metrics", "more"),
    [
        ({"right": math.nan}, {}),
        ({"right": math.inf}, {}),
        ({"right": 10**400}, {}),
        ({"right": True}, {}),
        ({"right": "0.5"}, {}),
        ({"right": None}, {}),
        ({"right": 0.5, "seconds": math.nan}, {}),
        ({"right": 0.5, 3: 1.0}, {}),
        ({"wrong": 0.5}, {}),
        ({}, {}),
        (0.5, {}),
        (None, {}),
        ({"right": 0.5}, {"failure": "slow"}),
        ({"right": 0.5}, {"status": "crashed"}),
        (None, {"failure": 3}),
        (None, {"status": "ok"}),
        (None, {"status": "duplicate"}),
        (None, {"status": "slow", "failure": "slow"}),
    ],
)
def test_bad_input_is_refused_and_loses_nothing(metrics: Any, more: Any, folder: Path, tmp_path: Path) -> None:
    with Search(folder, archive=tmp_path / "a.db", evaluations=3) as search:
        number = _ask(search).number
        with pytest.raises(UsageError) as caught:
            search.tell(number, metrics, **more)
        assert caught.value.remedy
        assert search.outstanding == (number,)
        search.tell(number, {"right": np.float32(0.5), "items": np.int64(3)})
    (record,) = _records(tmp_path / "a.db")
    assert record.verdict.metrics == {"right": 0.5, "items": 3.0}
    assert (record.verdict.value, record.verdict.stage) == (0.5, "told")


def test_a_failure_is_a_status_and_never_a_number(folder: Path, tmp_path: Path) -> None:
    with Search(folder, archive=tmp_path / "a.db", evaluations=4) as search:
        search.tell(_ask(search).number, {"right": -7.0})
        search.tell(_ask(search).number, failure="timed out after 60 s", status="timed_out")
        search.tell(_ask(search).number, failure="no list")
        search.tell(_ask(search).number, status=Status.CRASHED)
        assert search.ask() is None
        assert [one.metrics for one in search.result().front] == [{"right": -7.0}]
    told = [record.verdict for record in _records(tmp_path / "a.db") if record.verdict.evaluated]
    assert [(one.status.value, one.feedback) for one in told[1:]] == [
        ("timed_out", "timed out after 60 s"),
        ("invalid", "no list"),
        ("crashed", ""),
    ]
    assert all(one.value is None and one.metrics == {} for one in told[1:])
    assert len({one.evaluation_set for one in told}) == 1


def test_a_start_program_must_have_a_score(folder: Path, tmp_path: Path) -> None:
    with Search(folder, archive=tmp_path / "a.db", evaluations=3) as search:
        number = _ask(search).number
        with pytest.raises(ProblemError, match="start program"):
            search.tell(number, failure="the cluster was down")
        with pytest.raises(CallOrderError, match="seed"):
            search.result()
        search.tell(number, {"right": 0.5})
        assert search.result().seed.metrics == {"right": 0.5}


def test_what_is_worth_no_evaluation_is_recorded_and_not_given(folder: Path, tmp_path: Path) -> None:
    lines = Says(
        [
            "return numbers[:]",
            Failure(Ticket(0, "expand", (), (), "", None, 0), Status.EDIT_FAILED, "no such line"),
            "return list(numbers)  # the seed again",
            "return numbers[:]  # its twin is outstanding",
            "return (",
            OUTSIDE,
            "return sorted(numbers)",
        ]
    )
    with Search(folder, archive=tmp_path / "a.db", evaluations=3, window=8, proposer=lines) as search:
        search.tell(_ask(search).number, {"right": 0.5})
        first, second = _ask(search), _ask(search)
        assert (first.number, second.number) == (1, 7)
        assert "sorted" in second.code
        assert search.outstanding == (1, 7)
        assert search.ask() is None  # three programs are all that may be told
        assert (search.stop_reason, search.result().stop_reason) == ("evaluations", "interrupted")
        search.tell(7, {"right": 1.0})
        search.tell(1, {"right": 0.6})
        assert search.result().stop_reason == "evaluations"
    records = _records(tmp_path / "a.db")
    found = ["ok", "ok", "edit_failed", "duplicate", "duplicate", "invalid", "invalid", "ok"]
    assert [record.verdict.status.value for record in records] == found
    assert records[4].verdict.feedback == "the same program as record 1"
    assert records[7].ticket.operator == "propose"


def test_nothing_new_for_long_ends_the_search(folder: Path, tmp_path: Path) -> None:
    again = Says(["return list(numbers)"])
    with Search(folder, archive=tmp_path / "a.db", evaluations=100, proposer=again) as search:
        search.tell(_ask(search).number, {"right": 0.5})
        assert search.ask() is None
        assert search.stop_reason == "exhausted"
        assert search.result().proposals == PATIENCE_PROPOSALS + 1


def test_a_proposer_that_fails_is_asked_again_for_the_same_ticket(folder: Path, tmp_path: Path) -> None:
    down = InfrastructureError("the service is down", "Wait.")
    with Search(folder, archive=tmp_path / "a.db", evaluations=3, proposer=Says([down, "return 1"])) as search:
        search.tell(_ask(search).number, {"right": 0.5})
        with pytest.raises(InfrastructureError):
            search.ask()
        assert search.outstanding == ()
        assert _ask(search).number == 1


def test_baselines_are_told_like_all_others(write_problem: WriteProblem, tmp_path: Path) -> None:
    head, tail = "# EVOLVE-BLOCK-START\ndef arrange(numbers):\n    return ", "\n# EVOLVE-BLOCK-END\n"
    copy, other = f"{head}list(numbers){tail}", f"{head}numbers[::-1]{tail}"
    folder = write_problem("sort", copied=copy, reversed=other).folder
    with Search(folder, archive=tmp_path / "a.db", evaluations=4, start="baselines") as search:
        seed, other_one = _ask(search), _ask(search)  # start programs do not wait for each other
        assert (seed.number, other_one.number) == (0, 2)
        search.tell(2, {"right": 0.75})
        search.tell(0, {"right": 0.5})
        result = search.result()
    assert [(one.name, one.metrics["right"]) for one in result.baselines] == [("copied", 0.5), ("reversed", 0.75)]
    assert result.front[0].program_id == other_one.program_id


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Search, list[Record]]:
    """A search for arithmetic, measured here on 200 points."""
    x = np.linspace(0.0, 1.0, 200, endpoint=False)
    where = tmp_path_factory.mktemp("tuned") / "a.db"
    with Search("float32-exp2", archive=where, evaluations=45, window=4, seed=3) as search:
        while search.ready():
            proposal = _ask(search)
            error = np.abs(straight_line.parse(proposal.code, proposal.entry).evaluate(x) / 2.0**x - 1.0).max()
            if np.isfinite(error):
                search.tell(proposal.number, {"max_relative_error": error})
            else:
                search.tell(proposal.number, failure="no value somewhere")
    return search, _records(where)


def test_arithmetic_gives_a_front_of_fitted_programs(tuned: tuple[Search, list[Record]]) -> None:
    search, records = tuned
    result = search.result()
    assert len(result.baselines) == len(load("float32-exp2").baselines)
    points = [(one.metrics["max_relative_error"], one.metrics["operations"]) for one in result.front]
    assert len(points) >= 4
    assert points == sorted(points) and [size for _, size in points] == sorted((p[1] for p in points), reverse=True)
    fitted = [record for record in records if record.candidate and record.candidate.measurements]
    assert len(fitted) > 10
    assert result.evaluations == sum(record.evaluations for record in records) == 45  # fitting is not charged


def test_operations_are_counted_where_they_are_not_told(tmp_path: Path) -> None:
    with Search("float32-exp2", archive=tmp_path / "a.db", evaluations=2, start="seed") as search:
        search.tell(_ask(search).number, {"max_relative_error": 0.06})
        assert search.result().seed.metrics == {"max_relative_error": 0.06, "operations": 1.0}
        with pytest.raises(UsageError, match="max_relative_error"):
            search.tell(_ask(search).number, {"operations": 3.0})


def test_arithmetic_needs_the_verifier_and_says_so_before_a_run_is_begun(tmp_path: Path) -> None:
    shipped = load("float32-exp2").folder
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("problem.toml", "seed.py"):
        (mine / name).write_text((shipped / name).read_text())
    with pytest.raises(ProblemError, match=r"verifier.py does not exist"):
        Search(mine, archive=tmp_path / "a.db", evaluations=5)
    with Archive.open(tmp_path / "a.db") as archive:
        assert archive.runs() == []


def test_neither_sandbox_nor_verifier_is_started(
    write_problem: WriteProblem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = write_problem("guess", verifier="raise RuntimeError('imported')\n", driver="raise RuntimeError\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with Search(problem.folder, archive=tmp_path / "a.db", evaluations=6) as search:
        while (proposal := search.ask()) is not None:
            search.tell(proposal.number, _worth(proposal))
        assert search.result().evaluations == 6
    assert all(record.ticket.kind == "expand" for record in _records(tmp_path / "a.db"))


def test_a_refused_seed_is_a_problem_error_before_a_run_is_begun(folder: Path, tmp_path: Path) -> None:
    (folder / "seed.py").write_text("def arrange(numbers):\n    return numbers\n")
    with pytest.raises(ProblemError, match=r"seed.py can not be run"):
        Search(folder, archive=tmp_path / "a.db", evaluations=5)


def test_several_threads_may_ask_and_tell(folder: Path, tmp_path: Path) -> None:
    with Search(folder, archive=tmp_path / "a.db", evaluations=33, window=32) as search:
        search.tell(_ask(search).number, {"right": 0.5})

        def one(_: int) -> int:
            proposal = _ask(search)
            search.tell(proposal.number, _worth(proposal))
            return proposal.number

        numbers = []
        with ThreadPoolExecutor(8) as pool:
            for _ in range(4):  # eight at once stay within the window, refused tickets between them included
                numbers += pool.map(one, range(8))
        assert len(set(numbers)) == 32
        assert search.stop_reason == "evaluations"
    told = [record.number for record in _records(tmp_path / "a.db") if record.verdict.evaluated]
    assert told == [0, *sorted(numbers)]


def test_the_two_kinds_of_run_are_kept_apart(folder: Path, tmp_path: Path) -> None:
    own, told = tmp_path / "own.db", tmp_path / "told.db"
    run("float32-exp2", evaluations=1, workers=1, archive=own, start="seed", final_check=False)
    with pytest.raises(UsageError, match="evaluated by Evolve itself"):
        Search(archive=own, resume="last")
    search = Search(folder, archive=told, evaluations=3)
    with search, pytest.raises(ArchiveError, match="is being written"):
        Search(archive=told, resume="last")
    with pytest.raises(UsageError, match="evaluated by its caller") as caught:
        run(None, archive=told, resume="last")
    assert search.run_id in caught.value.remedy
    with pytest.raises(UsageError, match="another proposer"):
        Search(archive=told, resume="last", proposer=Says(["return 1"]))
    Search(archive=told, resume="last").close()


@pytest.mark.parametrize(
    ("settings", "error"),
    [({"window": 0}, "window"), ({"evaluations": 0}, "evaluations"), ({"policy": "none"}, "polic")],
)
def test_impossible_settings_are_refused(settings: Any, error: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=error):
        Search(folder, archive=tmp_path / "a.db", **settings)
