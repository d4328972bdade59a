"""Generated workloads: each model's trace shows the distribution that it is asked for."""

from __future__ import annotations

import importlib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluators.verifier import load_verifier
from evolve.core.errors import ProblemError
from evolve.core.rng import Generator, generator

FOLDER = Path(__file__).parents[2] / "problems" / "cache-eviction"
load_verifier(FOLDER)
workloads: Any = importlib.import_module("workloads")
ALL_KINDS = sorted(workloads.KINDS)


def _rng(name: str) -> Generator:
    return generator("test", name)


def _shares(names: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares of the requests, the most popular object first."""
    return np.sort(np.bincount(names))[::-1] / len(names)


def _top(names: NDArray[np.int64], count: int) -> set[int]:
    return {name for name, _ in Counter(names.tolist()).most_common(count)}


def _distances(names: list[int]) -> list[int]:
    """Distinct other objects since the last request of the same one, for those requested before."""
    recent: list[int] = []
    found = []
    for name in names:
        if name in recent:
            found.append(len(recent) - 1 - recent.index(name))
            recent.remove(name)
        recent.append(name)
    return found


@pytest.mark.parametrize("kind", [*ALL_KINDS, "zipf+loop", "scan+stack", "newest+burst+loop"])
def test_a_trace_is_dense_of_its_length_and_a_function_of_kind_and_seed(kind: str) -> None:
    trace = workloads.trace(kind, 5, 3_000)
    assert trace.typecode == "i" and len(trace) == 3_000
    firsts = list(dict.fromkeys(trace))
    assert firsts == list(range(len(firsts))) and 50 < len(firsts) < 3_000
    assert workloads.trace(kind, 5, 3_000) == trace
    assert workloads.trace(kind, 6, 3_000) != trace


def test_kinds_of_the_same_seed_differ() -> None:
    assert len({tuple(workloads.trace(kind, 1, 1_000)) for kind in ALL_KINDS}) == len(ALL_KINDS)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_the_shortest_trace_works_for_every_seed(kind: str) -> None:
    assert all(len(workloads.trace(kind, seed, 100)) == 100 for seed in range(40))


@pytest.mark.parametrize(("kind", "requests"), [("zip", 1_000), ("zipf+", 1_000), ("", 1_000), ("zipf", 99)])
def test_an_unknown_kind_or_too_few_requests_are_refused(kind: str, requests: int) -> None:
    with pytest.raises(ProblemError) as caught:
        workloads.trace(kind, 1, requests)
    assert caught.value.remedy


@pytest.mark.parametrize("alpha", [0.6, 0.9, 1.2])
def test_zipf_exponent_is_recovered_from_the_frequencies(alpha: float) -> None:
    shares = _shares(workloads.zipf(_rng("zipf"), 400_000, 2_000, alpha))[:100]
    slope = np.polyfit(np.log(np.arange(1, 101)), np.log(shares), 1)[0]
    assert -slope == pytest.approx(alpha, abs=0.03)


def test_zipf_requests_are_independent() -> None:
    names = workloads.zipf(_rng("independent"), 200_000, 500, 1.0)
    alone, after = np.mean(names == 0), np.mean(names[1:][names[:-1] == 0] == 0)
    assert after == pytest.approx(alone, abs=0.01)


@pytest.mark.parametrize(("share", "run"), [(0.2, 1.0), (0.5, 1.0), (0.3, 40.0), (0.5, 200.0)])
def test_scans_have_their_share_and_their_mean_length(share: float, run: float) -> None:
    objects = 50
    names = workloads.scan(_rng(f"scan{share}{run}"), 200_000, objects, 0.8, share, run)
    counts = Counter(names.tolist())
    assert all(counts[name] > 1 for name in range(objects))
    assert all(count == 1 for name, count in counts.items() if name >= objects)
    scanned = names >= objects
    assert scanned.mean() == pytest.approx(share, rel=0.1)
    runs = int(np.sum(np.diff(scanned.astype(int)) == 1))
    assert scanned.sum() / runs == pytest.approx(run, rel=0.1)


def test_a_single_loop_returns_after_exactly_its_length() -> None:
    names = workloads.loop(_rng("loop"), 5_000, [700], 100, 0.8, 0.0).tolist()
    assert set(_distances(names)) == {699}
    assert names[:1_400] == names[:700] * 2


def test_loops_keep_apart_take_turns_and_leave_the_background_its_share() -> None:
    sizes, objects = [300, 500], 100
    names = workloads.loop(_rng("loops"), 60_000, sizes, objects, 0.8, 0.25)
    assert np.mean(names < objects) == pytest.approx(0.25, abs=0.01)
    looping = names[names >= objects]
    assert len(set(looping.tolist())) == 800
    # Each stay in a loop is a whole number of rounds, from 2 to 5, and often several stays follow one another.
    inside = looping < objects + sizes[0]
    turns = np.flatnonzero(np.diff(inside.astype(int))) + 1
    assert len(turns) >= 5
    for start, stop in pairwise(turns.tolist()):
        size = sizes[0] if inside[start] else sizes[1]
        assert (stop - start) % size == 0 and (stop - start) // size >= 2


def test_a_phase_change_gives_popularity_to_other_objects() -> None:
    names = workloads.phase(_rng("phase"), 60_000, 1_000, 1.2, 5)
    still = workloads.zipf(_rng("still"), 60_000, 1_000, 1.2)
    assert len(_top(names[:2_000], 20) & _top(names[-2_000:], 20)) <= 3
    assert len(_top(still[:2_000], 20) & _top(still[-2_000:], 20)) >= 12
    # The most popular object changes abruptly, four times in all.
    leaders = [next(iter(_top(part, 1))) for part in np.split(names, 100)]
    assert sum(one != other for one, other in pairwise(leaders)) == 4
    # Within a phase it is Zipf: the most popular object has the share that the law gives it.
    leader, count = Counter(leaders).most_common(1)[0]
    start = 600 * (leaders.index(leader) + 1)
    assert count > 10
    law = np.arange(1, 1_001) ** -1.2
    assert _shares(names[start : start + 600 * (count - 2)])[0] == pytest.approx(law[0] / law.sum(), rel=0.1)


def test_drift_changes_popularity_bit_by_bit() -> None:
    names = workloads.drift(_rng("drift"), 100_000, 1_000, 1.0, 0.1)
    parts = np.split(names, 50)
    near = np.mean([len(_top(one, 30) & _top(other, 30)) for one, other in pairwise(parts)])
    far = np.mean([len(_top(one, 30) & _top(other, 30)) for one, other in zip(parts[:10], parts[-10:], strict=True)])
    assert near > 15 and far < near / 2
    still = workloads.drift(_rng("no drift"), 100_000, 1_000, 1.0, 0.0)
    assert np.polyfit(np.log(np.arange(1, 51)), np.log(_shares(still)[:50]), 1)[0] == pytest.approx(-1.0, abs=0.05)


def test_the_newest_objects_are_the_most_popular_and_age() -> None:
    births, objects, alpha = 0.1, 500, 0.8
    names = workloads.newest(_rng("newest"), 100_000, objects, alpha, births)
    ages = objects + (np.arange(len(names)) * births).astype(int) - names
    assert ages.min() == 0 and ages.max() < objects
    law = np.arange(1, objects + 1) ** -alpha
    assert np.mean(ages < 10) == pytest.approx(law[:10].sum() / law.sum(), abs=0.01)
    # Whoever is born in the middle of the trace is requested as often as there are requests for a birth, then no more.
    found = [np.flatnonzero(names == objects + 5_000 + number) for number in range(100)]
    assert np.mean([len(at) for at in found]) == pytest.approx(1 / births, rel=0.1)
    for number, at in enumerate(found):
        born = 50_000 + number / births
        assert len(at) == 0 or (at.min() >= born - 1 and at.max() <= born + objects / births)


@pytest.mark.parametrize(("fresh", "median", "sigma"), [(0.05, 20.0, 1.0), (0.2, 60.0, 0.5)])
def test_stack_depths_are_lognormal(fresh: float, median: float, sigma: float) -> None:
    names = workloads.stack(_rng(f"stack{median}"), 20_000, fresh, median, sigma).tolist()
    settled = names[5_000:]
    distances = np.array(_distances(names)[-10_000:]) + 0.5
    assert np.median(distances) == pytest.approx(median, rel=0.06)
    assert np.std(np.log(distances)) == pytest.approx(sigma, rel=0.08)
    seen = set(names[:5_000])
    assert len(set(settled) - seen) / len(settled) == pytest.approx(fresh, rel=0.15)


def test_bursts_have_their_mean_length_and_gap() -> None:
    # So many objects that two bursts of the same one are rare: what returns is the burst.
    names = workloads.burst(_rng("burst"), 50_000, 3_000_000, 0.0, 3.0, 8.0)
    counts = Counter(names[5_000:-5_000].tolist())
    assert np.mean(list(counts.values())) == pytest.approx(3.0, rel=0.05)
    last: dict[int, int] = {}
    gaps = []
    for at, name in enumerate(names.tolist()):
        # Two bursts of the same object are thousands of requests apart.
        if name in last and at - last[name] < 500:
            gaps.append(at - last[name])
        last[name] = at
    # Three requests for each burst that starts, so a gap of 8 starts is one of 24 requests.
    assert np.mean(gaps) == pytest.approx(24.0, rel=0.1)


def test_a_mixture_gives_each_part_its_share_and_its_own_objects() -> None:
    names = workloads._mixed(_rng("mixture"), 60_000, ["zipf", "loop", "scan"])
    shares = np.bincount(names % 3) / len(names)
    assert len(shares) == 3 and shares.min() > 0.5 / 3.5 - 0.02 and shares.max() < 1.5 / 2.5 + 0.02
    switches = np.mean(np.diff(names % 3) != 0)
    assert switches == pytest.approx(1.0 - np.sum(shares**2), abs=0.02)
