"""The problem semantic-cache: what programs are told, what they may answer, and its splits."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semantic_policies import (
    FINAL_SEED,
    SEED,
    FakeSession,
    costs,
    fixed,
    played,
    program,
    ruled,
    stream_of,
    streams,
    train,
    verifier,
    workload_of,
)

from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Instance, Split
from sandbox import wire

_COUNTS = ["queries", "lookups", "hits", "regrets", "evictions"]
KEYS = [
    *_COUNTS,
    *("nearest", "right", "other", "stale"),
    *("right_age", "stale_age", "model_seconds", "model_money", "penalty"),
]
GOOD = [0.9, 3_600.0, 0.5]


def _small() -> Instance:
    day = [(0.0, 1, 0, 0.0), (9.0, 2, 0, 40.0)]
    return workload_of(4, stream_of(day, day, day), stream_of(day, day, day))


def _made(kind: str = "drift", seed: int = 3, queries: int = 120) -> Instance:
    return verifier.make_instance(f"{kind}-{seed}", "some", streams.workload(kind, seed, 5, queries))


def test_each_window_is_asked_with_what_was_observed_before() -> None:
    instance = _made()
    session = FakeSession(program(SEED))
    log = verifier.play(session, instance)
    assert session.renewed == 1 and len(session.asked) == len(log) == 4
    assert session.asked[0] == instance.args
    for window, (statistics, capacity) in enumerate(session.asked, 1):
        assert capacity == 18 and len(statistics) == window
        assert statistics[:-1] == (session.asked[window - 2][0] if window > 1 else [])
        for row in statistics:
            assert len(row) == len(instance.truth["categories"])
            assert sum(one["queries"] for one in row) == 120
            assert all(list(one) == KEYS for one in row)
    warm, first = session.asked[1][0]
    assert not any(one["hits"] or one["regrets"] for one in warm)
    assert all(one["lookups"] == one["queries"] for one in warm)
    assert any(one["hits"] for one in first)
    # All of it is plain data: nothing of the simulator goes along.
    assert wire.decode(wire.encode(session.asked[-1])) == session.asked[-1]


def test_statistics_are_what_the_tally_says() -> None:
    instance = _made()
    session = FakeSession(fixed(*[[0.8, 7_200.0, 1 / 6]] * 6))
    verifier.play(session, instance)
    for number, data in enumerate(instance.truth["categories"]):
        stream = costs.prepared(data)
        shadow = costs.Setting(costs.SHADOW, verifier.LONGEST, 18 // 6)
        tally = costs.served(stream, (shadow, costs.Setting(0.8, 7_200.0, 3), costs.Setting(0.8, 7_200.0, 3)))[0]
        told = session.asked[3][0][2][number]
        assert told == {
            "queries": tally.queries,
            "lookups": tally.lookups,
            "hits": tally.hits,
            "regrets": tally.regrets,
            "evictions": tally.evictions,
            "nearest": tally.nearest,
            "right": tally.compared[costs.RIGHT],
            "other": tally.compared[costs.OTHER],
            "stale": tally.compared[costs.STALE],
            "right_age": tally.ages[costs.RIGHT],
            "stale_age": tally.ages[costs.STALE],
            "model_seconds": data["model_seconds"] * data["loads"][2],
            "model_money": data["model_money"],
            "penalty": data["penalty"],
        }


@pytest.mark.parametrize("kind", ["mixed", "burst"])
def test_numbers_of_meanings_and_versions_change_nothing_that_is_seen(kind: str) -> None:
    instance = _made(kind)
    truth = copy.deepcopy(instance.truth)
    for number, data in enumerate(truth["categories"]):
        order = np.random.Generator(np.random.PCG64(number)).permutation(int(data["meanings"].max()) + 1)
        data["versions"] = data["versions"] * 7 + data["meanings"]
        data["meanings"] = order[data["meanings"]] * 3 + 11
    other = verifier.make_instance(instance.id, instance.group, truth)
    assert other.args == instance.args
    sessions = [FakeSession(program(SEED)) for _ in range(2)]
    logs = [verifier.play(session, one) for session, one in zip(sessions, (instance, other), strict=True)]
    assert logs[0] == logs[1] and sessions[0].asked == sessions[1].asked
    assert verifier.score(instance, logs[0]) == verifier.score(other, logs[1])
    assert verifier.floor(instance) == verifier.floor(other)


def test_what_comes_later_changes_nothing_that_was_seen_before() -> None:
    instance = _made()
    truth = copy.deepcopy(instance.truth)
    for data in truth["categories"]:
        start = data["starts"][3]
        data["vectors"][start:] = -data["vectors"][start:]
        data["meanings"][start:] += 1
        data["loads"][3:] *= 2.0
    other = verifier.make_instance(instance.id, instance.group, truth)
    sessions = [FakeSession(program(SEED)) for _ in range(2)]
    for session, one in zip(sessions, (instance, other), strict=True):
        verifier.play(session, one)
    assert sessions[0].asked[:3] == sessions[1].asked[:3] and sessions[0].asked[3] != sessions[1].asked[3]


def test_what_a_program_does_to_its_arguments_changes_nothing() -> None:
    def spoils(statistics: Any, capacity: int) -> Any:
        count = len(statistics[0])
        for row in statistics:
            for one in row:
                for key in KEYS:
                    one[key] = [10**9] * 20 if type(one[key]) is list else 10**9
        statistics.clear()
        return [[0.9, 86_400.0, 1.0 / count]] * count

    instance = _made()
    assert played(spoils, instance) == played(fixed(*[[0.9, 86_400.0, 1 / 6]] * 6), instance)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "a NoneType, not a list of 2 settings"),
        ("ab", "a str, not"),
        ({0: GOOD, 1: GOOD}, "a dict, not"),
        (np.array([GOOD, GOOD]), "a ndarray, not"),
        (np.array([GOOD, GOOD], dtype=object), "a ndarray, not"),
        ([], "0 entries"),
        ([GOOD], "1 entries"),
        ([GOOD] * 3, "3 entries"),
        ([GOOD, None], "category 1: the setting is not"),
        ([GOOD, GOOD[:2]], "category 1: the setting is not"),
        ([[*GOOD, 1.0], GOOD], "category 0: the setting is not"),
        ([np.array(GOOD), GOOD], "category 0: the setting is not"),
        ([[True, 1.0, 0.5], GOOD], "category 0: the threshold is a bool"),
        ([["0.9", 1.0, 0.5], GOOD], "the threshold is a str"),
        ([[np.float64(0.9), 1.0, 0.5], GOOD], "the threshold is a float64"),
        ([[[0.9], 1.0, 0.5], GOOD], "the threshold is a list"),
        ([[0.9 + 0j, 1.0, 0.5], GOOD], "the threshold is a complex"),
        ([[float("nan"), 1.0, 0.5], GOOD], "the threshold is not between 0 and 1"),
        ([[float("inf"), 1.0, 0.5], GOOD], "the threshold is not between 0 and 1"),
        ([[-1e-9, 1.0, 0.5], GOOD], "the threshold is not between 0 and 1"),
        ([[1.0 + 1e-9, 1.0, 0.5], GOOD], "the threshold is not between 0 and 1"),
        ([[10**5_000, 1.0, 0.5], GOOD], "the threshold is not between 0 and 1"),
        ([GOOD, [0.9, 0.0, 0.5]], "category 1: the time to live is 0"),
        ([GOOD, [0.9, 0, 0.5]], "category 1: the time to live is 0"),
        ([GOOD, [0.9, -1.0, 0.5]], "the time to live is not between 0 and 1e"),
        ([GOOD, [0.9, float("nan"), 0.5]], "the time to live is not between"),
        ([GOOD, [0.9, float("inf"), 0.5]], "the time to live is not between"),
        ([GOOD, [0.9, 1.1e8, 0.5]], "the time to live is not between"),
        ([GOOD, [0.9, False, 0.5]], "the time to live is a bool"),
        ([GOOD, [0.9, 1.0, -0.1]], "the quota is not between 0 and 1"),
        ([GOOD, [0.9, 1.0, float("nan")]], "the quota is not between"),
        ([GOOD, [0.9, 1.0, 1.5]], "the quota is not between"),
        ([GOOD, [0.9, 1.0, None]], "the quota is a NoneType"),
        ([GOOD, [0.9, 1.0, 0.501]], "the quotas add up to 1.001"),
        ([GOOD, [0.9, 1.0, 0.5 + 1e-6]], "the quotas add up to 1"),
    ],
)
def test_a_wrong_answer_is_refused_when_it_is_given_and_when_it_is_scored(answer: Any, says: str) -> None:
    instance = _small()
    with pytest.raises(Invalid, match=says):
        verifier.play(FakeSession(lambda statistics, capacity: answer), instance)
    with pytest.raises(Invalid, match=says):
        verifier.score(instance, [[GOOD, GOOD], answer])


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (None, "a NoneType, not a list of 2 answers"),
        ([[GOOD, GOOD]], "1 entries, not a list of 2 answers"),
        ([[GOOD, GOOD]] * 3, "3 entries, not a list of 2 answers"),
        ({"a": 1}, "a dict, not"),
        (np.zeros((2, 2, 3)), "a ndarray, not"),
    ],
)
def test_a_log_of_another_shape_is_refused(output: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        verifier.score(_small(), output)


def test_whole_numbers_tuples_and_sums_with_a_rounding_error_are_fine() -> None:
    instance = _small()
    whole = [((1, 3_600, 0.5), [1.0, 3_600.0, 0.5])] * 2
    log = verifier.play(FakeSession(lambda statistics, capacity: whole[0]), instance)
    assert log == [[[1.0, 3_600.0, 0.5], [1.0, 3_600.0, 0.5]]] * 2
    assert all(type(value) is float for window in log for row in window for value in row)
    assert verifier.score(instance, whole) == verifier.score(instance, log)
    verifier.checked([[0.9, 1.0, 0.1]] * 10, 10)
    verifier.checked([[0.9, 1e8, 1.0]], 1)


numbers = st.one_of(
    st.floats(), st.integers(-3, 3), st.booleans(), st.none(), st.sampled_from([0.5, 1.0, 1e8, 1e9, 1e-300])
)


@given(st.lists(st.lists(numbers, min_size=2, max_size=4), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_whatever_is_answered_is_refused_or_scored(answer: list[list[Any]]) -> None:
    instance = _small()
    try:
        found = played(lambda statistics, capacity: answer, instance)
    except Invalid:
        return
    assert len(answer) == 2 and all(len(row) == 3 for row in answer)
    assert sum(row[2] for row in answer) <= 1.0 + 1e-9
    assert verifier.floor(instance).value - 1e-9 <= found.value < 100.0


def test_a_score_depends_on_the_log_alone() -> None:
    one, other = train()[0], _made()
    log = verifier.play(FakeSession(program(SEED)), one)
    before = verifier.score(one, log)
    played(program(ruled("0.3")), one)
    played(program(SEED), other)
    costs.served.cache_clear()
    costs._STREAMS.clear()
    assert verifier.score(one, copy.deepcopy(log)) == before
    assert verifier.score(replace(one, truth=copy.deepcopy(one.truth)), log) == before


def test_the_floor_is_below_whatever_is_tried() -> None:
    for instance in verifier.instances(Split.PROBE, 11):
        bound = verifier.floor(instance)
        assert bound.metrics["cost_ratio"] == bound.value < 1.0
        shares = ("latency_share", "model_share", "penalty_share")
        for text in (SEED, ruled("0.4"), ruled("same", "lifetime", "traffic"), ruled(weight="0.0")):
            found = played(program(text), instance)
            assert bound.value < found.value
            assert sum(found.metrics[name] for name in shares) == pytest.approx(found.value)
            assert found.metrics.keys() == bound.metrics.keys()


@pytest.mark.parametrize(
    ("split", "count", "queries"), [("probe", 2, 150), ("train", 15, 300), ("gate", 40, 300), ("report", 20, 300)]
)
def test_each_split_has_its_workloads(split: str, count: int, queries: int) -> None:
    found = verifier.instances(Split(split), 9)
    assert len(found) == len({one.id for one in found}) == len({one.group for one in found}) == count
    for number, one in enumerate(found):
        kind, at = one.id.split("-")
        assert kind in streams.KINDS and int(at) == number and one.group == f"{split}/{one.id}"
        starts = np.array([data["starts"] for data in one.truth["categories"]])
        assert (np.diff(starts).sum(axis=0) == queries).all() and starts.shape[1] == 6
        assert one.args[1] == one.truth["capacity"] == round(0.15 * queries)


def test_splits_are_disjoint_deterministic_and_final_has_kinds_of_its_own() -> None:
    small = {"share": 0.2, "gate_rounds": 2}
    found = {split: verifier.instances(split, 3, **small) for split in Split}
    again = verifier.instances(Split.TRAIN, 3, **small)
    assert [one.args for one in again] == [one.args for one in found[Split.TRAIN]]
    assert all(
        np.array_equal(a[key], b[key])
        for one, two in zip(again, found[Split.TRAIN], strict=True)
        for a, b in zip(one.truth["categories"], two.truth["categories"], strict=True)
        for key in a
    )
    every = [data["times"].tobytes() for split in found.values() for one in split for data in one.truth["categories"]]
    assert len(set(every)) == len(every)
    every = [wire.encode(list(one.args)) for split in found.values() for one in split]
    assert len(set(every)) == len(every)
    kinds = {split: {one.id.split("-")[0] for one in instances} for split, instances in found.items()}
    assert kinds[Split.GATE] == kinds[Split.TRAIN] and len(found[Split.GATE]) == 10 and len(found[Split.FINAL]) == 30
    assert len(kinds[Split.FINAL] - kinds[Split.TRAIN]) == 5
    assert verifier.instances(Split.TRAIN, 4, **small)[0].args != again[0].args
    assert FINAL_SEED == 15


@pytest.mark.parametrize(("kind", "windows", "queries"), [("mix", 5, 100), ("mixed", 1, 100), ("mixed", 5, 49)])
def test_an_unknown_kind_or_too_little_is_refused(kind: str, windows: int, queries: int) -> None:
    with pytest.raises(ProblemError) as caught:
        streams.workload(kind, 1, windows, queries)
    assert caught.value.remedy
