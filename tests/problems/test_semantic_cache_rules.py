"""Semantic cache: hits, deaths, evictions, statistics and costs, by hand and against a plain second simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semantic_policies import (
    WINDOW,
    Query,
    cosine,
    costs,
    fixed,
    played,
    stream_of,
    verifier,
    workload_of,
)

LOOKUP, FETCH = 0.02, 0.005


def _tally(data: dict[str, Any], *given_: tuple[float, float, int]) -> Any:
    """What the last of the windows came to."""
    stream = costs.prepared(data)
    return costs.served(stream, tuple(costs.Setting(*one) for one in given_))[0]


def test_the_nearest_living_entry_serves_where_it_reaches_the_threshold() -> None:
    # 40 is 10 degrees from 30 (another meaning) and 40 from 0 (the same meaning, too far): served wrongly, or not.
    data = stream_of([(0.0, 1, 0, 0.0), (5.0, 2, 0, 30.0)], [(1.0, 1, 0, 40.0)])
    shadow = (costs.SHADOW, 1e8, 9)
    hit = _tally(data, shadow, (cosine(11.0), 1e8, 9))
    assert (hit.queries, hit.lookups, hit.hits, hit.wrong) == (1, 1, 1, 1)
    miss = _tally(data, shadow, (cosine(9.0), 1e8, 9))
    assert (miss.hits, miss.wrong) == (0, 0)
    place = int((cosine(10.0) - 0.5) * 40)
    for one in (hit, miss):
        assert one.nearest[place] == sum(one.nearest) == 1
        assert one.compared[costs.OTHER][place] == sum(map(sum, one.compared)) == 1
        assert one.ages == [0.0, WINDOW - 4.0, 0.0]


def test_a_hit_is_right_where_meaning_and_version_agree() -> None:
    for version, wrong in ((0, 0), (1, 1)):
        data = stream_of([(0.0, 7, 0, 0.0)], [(1.0, 7, version, 0.0)])
        found = _tally(data, (costs.SHADOW, 1e8, 9), (1.0, 1e8, 9))
        assert (found.hits, found.wrong) == (1, wrong)
        kind = costs.STALE if wrong else costs.RIGHT
        assert found.compared[kind][costs.BINS - 1] == 1 and found.ages[kind] == WINDOW + 1.0


def test_hits_that_are_not_audited_are_not_judged_and_misses_always_are() -> None:
    data = stream_of([(0.0, 1, 0, 0.0)], [(1.0, 1, 0, 1.0), (2.0, 1, 0, 50.0)], audited=False)
    found = _tally(data, (costs.SHADOW, 1e8, 9), (0.9, 1e8, 9))
    assert found.hits == 1 and sum(found.nearest) == 2 and sum(map(sum, found.compared)) == 1


def test_entries_die_when_they_are_older_than_the_time_to_live_and_hits_do_not_prolong_it() -> None:
    day = [(0.0, 1, 0, 0.0)]
    later = [(100.0, 1, 0, 0.0), (200.0, 1, 0, 0.0)]
    shadow = (costs.SHADOW, 1e8, 9)
    assert _tally(stream_of(day, later), shadow, (0.9, WINDOW + 200.0, 9)).hits == 2
    # Dead at 200: that query enters, and nothing was compared.
    found = _tally(stream_of(day, later), shadow, (0.9, WINDOW + 199.0, 9))
    assert found.hits == 1 and sum(found.nearest) == 1


def test_the_entry_that_was_used_longest_ago_is_evicted_and_missed() -> None:
    first = [(0.0, 1, 0, 0.0), (1.0, 2, 0, 60.0)]
    # 1 is served, 3 evicts 2, and 2 would have been served by it.
    then = [(0.0, 1, 0, 0.0), (1.0, 3, 0, 120.0), (2.0, 2, 0, 60.0)]
    found = _tally(stream_of(first, then), (costs.SHADOW, 1e8, 2), (0.9, 1e8, 2))
    assert (found.hits, found.evictions, found.regrets) == (1, 2, 1)
    # Too old to have served.
    found = _tally(stream_of(first, then), (costs.SHADOW, 1e8, 2), (0.9, 1.5 + WINDOW - 1.0, 2))
    assert found.regrets == 0


def test_a_smaller_quota_evicts_at_once_and_none_is_never_looked_up() -> None:
    first = [(0.0, 1, 0, 0.0), (1.0, 2, 0, 60.0)]
    then = [(0.0, 2, 0, 60.0), (1.0, 1, 0, 0.0)]
    shadow = (costs.SHADOW, 1e8, 5)
    assert _tally(stream_of(first, then), shadow, (0.9, 1e8, 5)).hits == 2
    assert _tally(stream_of(first, then), shadow, (0.9, 1e8, 1)).hits == 1
    none = _tally(stream_of(first, then), shadow, (0.9, 1e8, 0))
    assert (none.queries, none.lookups, none.hits, sum(none.nearest)) == (2, 0, 0, 0)


def test_entries_farther_than_the_radius_are_not_found() -> None:
    data = stream_of([(0.0, 1, 0, 0.0)], [(1.0, 1, 0, 60.5)])
    found = _tally(data, (costs.SHADOW, 1e8, 9), (0.0, 1e8, 9))
    assert found.hits == 0 and sum(found.nearest) == 0


def test_what_a_window_costs() -> None:
    prices = {"model_seconds": 2.0, "model_money": 3.0, "penalty": 20.0}
    data = stream_of([(0.0, 1, 0, 0.0)], [(1.0, 1, 0, 0.0), (2.0, 1, 1, 0.0), (3.0, 2, 0, 90.0)], **prices) | {
        "loads": np.array([1.0, 1.5])
    }
    stream = costs.prepared(data)
    found = _tally(data, (costs.SHADOW, 1e8, 9), (0.9, 1e8, 9))
    bill = costs.cost(stream, 1, found)
    assert bill.latency == pytest.approx(3 * LOOKUP + 2 * FETCH + 2.0 * 1.5)
    assert (bill.model, bill.penalty) == (3.0, 20.0)
    assert bill.total == pytest.approx(bill.latency + 23.0)
    without = costs.cost_without(stream, 1)
    assert (without.latency, without.model, without.penalty) == (9.0, 9.0, 0.0)
    # The first has an answer from the warm-up; the others, of a new version and a new meaning, have none.
    least, hits, wrong = costs.least_cost(stream, 1)
    assert least.total == pytest.approx(LOOKUP + FETCH + 2 * 6.0) and (hits, wrong) == (1, 0)


def test_the_bound_takes_a_wrong_answer_where_that_is_cheaper_than_a_call() -> None:
    data = stream_of([(0.0, 1, 0, 0.0)], [(1.0, 2, 0, 0.0)], penalty=1.0)
    least, hits, wrong = costs.least_cost(costs.prepared(data), 1)
    assert least.total == pytest.approx(1.0 + LOOKUP + FETCH) and (hits, wrong) == (1, 1)


def test_the_score_is_the_cost_as_a_share_of_that_without_a_cache() -> None:
    cheap = stream_of([(0.0, 1, 0, 0.0)], [(1.0, 1, 0, 0.0)], model_seconds=1.0, model_money=0.0)
    dear = stream_of([(0.0, 1, 0, 0.0)], [(1.0, 1, 1, 0.0)], model_seconds=4.0, model_money=5.0, penalty=90.0)
    instance = workload_of(4, cheap, dear)
    found = played(fixed((0.9, 1e8, 0.5), (0.9, 1e8, 0.5)), instance)
    assert found.value == found.metrics["cost_ratio"] == pytest.approx((2 * (LOOKUP + FETCH) + 90.0) / 10.0)
    assert found.metrics["latency_share"] == pytest.approx(2 * (LOOKUP + FETCH) / 10.0)
    assert (found.metrics["model_share"], found.metrics["penalty_share"]) == (0.0, 9.0)
    assert (found.metrics["hit_rate"], found.metrics["wrong_hit_rate"]) == (1.0, 0.5)
    assert "category 1 does worst" in found.feedback and "\n" not in found.feedback
    without = played(fixed((1.0, 1.0, 0.0), (1.0, 1.0, 0.0)), instance)
    assert without.value == 1.0 and without.metrics["hit_rate"] == without.metrics["wrong_hit_rate"] == 0.0
    # A cache that serves nothing waits for its lookups.
    assert played(fixed((0.9, 1e-9, 0.5), (0.9, 1e-9, 0.5)), instance).value == pytest.approx(1.0 + 2 * LOOKUP / 10.0)
    bound = verifier.floor(instance)
    assert bound.value == pytest.approx((LOOKUP + FETCH + 9.0) / 10.0) and bound.metrics["hit_rate"] == 0.5


def test_quotas_become_whole_entries() -> None:
    rows = verifier._warm_up(3, 100)
    found = verifier._with(rows, [[0.2, 5.0, 0.29], [0.9, 5.0, 1 / 3], [0.9, 5.0, 0.009]], 100)
    assert [row[-1].entries for row in found] == [29, 33, 0]
    assert found[0][-1].threshold == costs.NEAREST and all(row[0].entries == 33 for row in found)


# A second simulator, as plain as can be.


class Plain:
    """Lists of [query, last used]; nothing is prepared and nothing remembered."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.entries: list[list[int]] = []
        self.evicted: list[int] = []
        self.clock = 0

    def window(self, number: int, threshold: float, seconds: float, size: int) -> tuple[int, int, int, int]:
        """Hits, wrong ones, evictions, regrets."""
        times, vectors = self.data["times"], self.data["vectors"]
        hits = wrong = evictions = regrets = 0
        while len(self.entries) > size:
            self._evict()
            evictions += 1
        for query in range(*self.data["starts"][number : number + 2]) if size else ():
            self.clock += 1
            self.entries = [one for one in self.entries if times[query] - times[one[0]] <= seconds]
            self.evicted = [one for one in self.evicted if times[query] - times[one] <= seconds]
            near = [(round(float(vectors[query] @ vectors[one[0]]), 12), -one[0], one) for one in self.entries]
            best = max(near, default=(0.0, 0, [0, 0]), key=lambda one: one[:2])
            if best[0] >= max(threshold, 0.5):
                hits += 1
                wrong += any(self.data[key][query] != self.data[key][best[2][0]] for key in ("meanings", "versions"))
                best[2][1] = self.clock
                continue
            regrets += any(round(float(vectors[query] @ vectors[one]), 12) >= threshold for one in self.evicted)
            if len(self.entries) == size:
                self._evict()
                evictions += 1
            self.entries.append([query, self.clock])
        return hits, wrong, evictions, regrets

    def _evict(self) -> None:
        gone = min(self.entries, key=lambda one: one[1])
        self.entries.remove(gone)
        self.evicted.append(gone[0])


seconds_in = st.floats(0.0, WINDOW - 1.0).map(lambda one: round(one, 3))
queries = st.tuples(seconds_in, st.integers(0, 3), st.integers(0, 1), st.sampled_from(range(0, 90, 7)))
windows = st.lists(queries, max_size=12).map(lambda found: sorted(found, key=lambda one: one[0]))
# Times are whole milliseconds: no age is that of a time to live, where a rounding error would decide.
LIVES = [1.0005, 3_000.0005, WINDOW + 0.0005, 1e8]
choices = st.tuples(st.sampled_from([0.5, 0.7, 0.9, 0.99, 1.0]), st.sampled_from(LIVES), st.integers(0, 5))


@given(st.lists(st.tuples(windows, choices), min_size=1, max_size=4))
@settings(max_examples=120, deadline=None)
def test_the_simulator_agrees_with_a_plain_one(found: list[tuple[list[Query], tuple[float, float, int]]]) -> None:
    data = stream_of(*(one for one, _ in found))
    plain, given_ = Plain(data), [setting for _, setting in found]
    for number, setting in enumerate(given_):
        tally = _tally(data, *given_[: number + 1])
        assert (tally.hits, tally.wrong, tally.evictions, tally.regrets) == plain.window(number, *setting)
        assert sum(map(sum, tally.compared)) == sum(tally.nearest)
    assert [one for one, _ in plain.entries] == sorted(
        costs.served(costs.prepared(data), tuple(costs.Setting(*one) for one in given_))[1].entries
    )


@given(st.lists(st.tuples(windows, choices), min_size=2, max_size=4), st.floats(0.1, 60.0))
@settings(max_examples=60, deadline=None)
def test_nothing_costs_less_than_the_bound(
    found: list[tuple[list[Query], tuple[float, float, int]]], penalty: float
) -> None:
    data = stream_of(*(one for one, _ in found), penalty=penalty)
    given_ = [(costs.SHADOW, 1e8, 5), *(setting for _, setting in found[1:])]
    stream = costs.prepared(data)
    for number in range(1, len(found)):
        bill = costs.cost(stream, number, _tally(data, *given_[: number + 1]))
        assert costs.least_cost(stream, number)[0].total <= bill.total + 1e-9
