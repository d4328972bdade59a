"""`evolve check` of a problem whose score is a time: noise is that of the reference against itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from timed_problem import QUICK, WRONG_WHILE_TIMED

from evolve.check import Finding, Grade, rows, timed_rows
from evolve.check.bench import Bench
from evolve.check.whole import check_problem
from evolve.problem import Problem

pytestmark = pytest.mark.bubblewrap
WriteTimed = Callable[..., Problem]


def quiet(text: str) -> None:
    pass


def by_name(findings: tuple[Finding, ...]) -> Mapping[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_the_whole_check_compares_times_and_nothing_else_by_them(timed: WriteTimed) -> None:
    found = by_name(check_problem(timed(c_quick=QUICK).folder).findings)
    assert found["seed and baselines"].grade is Grade.OK
    assert found["seed and baselines"].figures["seed"] == 1.0 > found["seed and baselines"].figures["c_quick"]
    for name in ("scores", "determinism", "functional keys", "cheat: none", "cheat: state between calls"):
        assert found[name].grade is Grade.OK, found[name]
    noise = found["noise of the score"]
    assert noise.figures["pairs"] == 10 and noise.figures["smallest_effect"] > 0.0
    # How loud this machine is decides about the grade.
    assert (noise.grade is Grade.OK) == (noise.figures["smallest_effect"] < 0.3)
    assert "the reference against itself differs by" in noise.says
    assert found["time"].says.endswith("an hour on 1 core")
    assert found["gate"].grade is Grade.LOOK and found["gate"].figures["questions"] == 2
    assert found["gate"].remedy == "Set pairs = 20 or more under [timing]."


def test_a_baseline_that_is_wrong_while_it_is_timed_is_told(timed: WriteTimed) -> None:
    bench = Bench(timed(c_wrong=WRONG_WHILE_TIMED))
    try:
        known, (finding,) = rows.known_programs(bench, quiet)
    finally:
        bench.close()
    assert [one.name for one in known] == ["seed"] and finding.grade is Grade.FAIL
    assert finding.says == "c_wrong is invalid: while it was timed: train-0: not the sum"


def test_twenty_pairs_decide_questions_enough(timed: WriteTimed) -> None:
    bench = Bench(timed(more="reference = 'seed'", pairs=20))
    try:
        assert bench.times is not None
        finding = timed_rows.gate(bench.times, 2)
    finally:
        bench.close()
    assert finding.grade is Grade.OK and 30 <= finding.figures["questions"] < 100
