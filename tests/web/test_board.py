"""Which rows a leaderboard has, in which order, and what is said of gains."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.rows import RunRow, RunStatus
from evaluators.statistics import mean_interval
from evolve.core.types import Objective, Source
from evolve.events import ScoredProgram
from evolve.final import FLOOR
from evolve.known import Known
from evolve.web.board import Entry, dominators, entries, merged, widened

COST = (Objective("cost", "minimize"),)
TWO = (Objective("error", "minimize"), Objective("operations", "minimize"))


def run(name: str = "aaaaaaaa") -> RunRow:
    return RunRow(name, "p", "v", {}, 1, "2026-01-01T00:00:00+00:00", None, None, None, RunStatus.ENDED)


def known(**metrics: dict[str, float]) -> Known:
    programs = tuple(ScoredProgram(name, name * 2, row) for name, row in metrics.items())
    return Known("A problem", programs, {one.program_id: Source({"a.py": "x"}, "f") for one in programs})


def against(value: float, ahead: float, reach: float, groups: int = 20) -> dict[str, float]:
    figures = {"cost": value, "groups": float(groups), "ahead": ahead}
    return {**figures, "ahead_low": ahead - reach, "ahead_high": ahead + reach, "kind/cost": value}


FINALS = {
    "found": against(0.5, 0.0, 0.0),
    "seedseed": against(1.0, 0.5, 0.1),
    "onenone": against(0.7, 0.2, 0.1),
    "oneone": against(0.6, 0.1, 0.05),
    FLOOR: against(0.1, -0.4, 0.01),
}
KNOWN = known(seed={"cost": 9.0}, one={"cost": 8.0})


def test_a_run_has_its_program_what_was_known_and_the_floor() -> None:
    rows = {one.name: one for one in entries(run(), KNOWN, FINALS, COST, 1)}
    kinds = {name: one.kind for name, one in rows.items()}
    assert kinds == {"found": "found", "seed": "seed", "onenone": "found", "one": "baseline", "floor": "floor"}
    assert rows["floor"].program_id == ""
    assert rows["found"].value == {"cost": 0.5}
    assert all(one.on_final for one in rows.values())


def test_a_gain_is_on_the_best_of_what_was_known_and_wider_the_more_often_final_was_opened() -> None:
    gains = [
        next(one.gain for one in entries(run(), KNOWN, FINALS, COST, openings) if one.name == "found")
        for openings in (1, 2, 50)
    ]
    assert all(gain is not None and gain.over == "one" and gain.mean == 0.1 and gain.groups == 20 for gain in gains)
    spans = [gain.high - gain.low for gain in gains if gain and gain.low is not None and gain.high is not None]
    assert spans[0] == pytest.approx(0.1)
    assert spans[0] < spans[1] < spans[2]


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=3, max_size=12), st.integers(1, 40))
def test_a_widened_interval_is_the_one_of_the_level_that_so_many_looks_leave(values: list[float], looks: int) -> None:
    groups = [str(place) for place in range(len(values))]
    plain = mean_interval(groups, values)
    wanted = mean_interval(groups, values, level=1.0 - 0.05 / looks)
    found = widened(plain.mean, plain.low, plain.high, plain.groups, looks)
    assert np.allclose(found, (wanted.low, wanted.high), rtol=1e-9, atol=1e-9)


def test_one_group_bounds_nothing() -> None:
    assert widened(1.0, -math.inf, math.inf, 1, 5) == (-math.inf, math.inf)


def test_where_evidence_is_exact_train_is_the_proof() -> None:
    before = known(
        seed={"error": 1.0, "operations": 1.0, "digits": 0.0}, cheap={"error": 1e-3, "operations": 3.0, "digits": 3.0},
        dear={"error": 1e-9, "operations": 9.0, "digits": 9.0},
    )  # fmt: skip
    train = {"new": {"error": 1e-4, "operations": 4.0, "digits": 4.0}}
    rows = {one.name: one for one in entries(run(), before, {"new": {"ulp": 2.0}}, TWO, 3, train)}
    assert rows.keys() == {"seed", "cheap", "dear", "new"}
    gain = rows["new"].gain
    # The dear one is no rival: it needs more operations.
    assert gain is not None and (gain.over, gain.mean, gain.low, gain.groups) == ("cheap", 1.0, None, None)
    assert rows["new"].metrics == {**train["new"], "ulp": 2.0}


def test_before_final_the_best_on_train_stands_there_and_says_so() -> None:
    (row,) = entries(run(), KNOWN, {}, COST, 0, {"x" * 32: {"cost": 0.4}})
    assert (row.on_final, row.gain, row.metrics) == (False, None, {"cost": 0.4})
    assert entries(run(), None, {}, COST, 0) == []
    assert entries(run(), KNOWN, FINALS, (), 1) == []


def test_runs_share_what_was_known_and_what_has_no_final_is_last() -> None:
    first = entries(run("aaaaaaaa"), KNOWN, FINALS, COST, 1)
    again = {**FINALS, "found": against(0.4, 0.0, 0.0)}
    second = entries(run("bbbbbbbb"), KNOWN, again, COST, 1)
    waiting = entries(run("cccccccc"), KNOWN, {}, COST, 1, {"w" * 32: {"cost": 0.01}})
    rows = merged([first, waiting, second], COST)
    assert [one.kind for one in rows].count("baseline") == 1
    assert [one.run_id for one in rows if one.name == "found"] == ["bbbbbbbb", "aaaaaaaa"]
    assert rows[-1].name == "w" * 10
    assert [one.metrics["cost"] for one in rows[:-1]] == sorted(one.metrics["cost"] for one in rows[:-1])


points = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


@settings(deadline=None)
@given(points)
def test_with_two_objectives_nothing_stands_before_what_dominates_it(pairs: list[tuple[int, int]]) -> None:
    rows = [
        Entry("found", str(place), str(place), "r", {"error": float(a), "operations": float(b)}, True)
        for place, (a, b) in enumerate(pairs)
    ]
    ordered = merged([rows], TWO)
    counts = dominators(ordered, TWO)
    assert counts == sorted(counts)
    front = {
        (a, b) for a, b in pairs if not any((c, d) != (a, b) and c <= a and d <= b for c, d in pairs)
    }  # fmt: skip
    first = [
        (one.metrics["error"], one.metrics["operations"])
        for one, count in zip(ordered, counts, strict=True)
        if not count
    ]
    assert set(first) == front
