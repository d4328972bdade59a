"""The problem cache-eviction: its instances, generated and recorded, and its scores."""

from __future__ import annotations

import gzip
import os
from array import array
from itertools import pairwise
from pathlib import Path

import pytest
from cache_policies import (
    POLICIES,
    Lru,
    drive,
    instance_of,
    misses_by_hand,
    oracle,
    random_trace,
    replay,
    traces,
    verifier,
)

from evolve.core.clock import cpu_seconds
from evolve.core.errors import ProblemError
from evolve.core.types import Instance, Split

DATA = os.path.abspath(os.environ["EVOLVE_DATA"]) if os.environ.get("EVOLVE_DATA") else ""


@pytest.fixture(autouse=True)
def _no_recorded_traces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EVOLVE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("objects", "sizes"),
    [(1, (1, 1, 1)), (2, (1, 1, 1)), (3, (1, 2, 2)), (30, (1, 2, 3)), (400, (1, 4, 40)), (5_000, (5, 50, 500))],
)
def test_capacities_are_shares_of_the_objects_and_differ_where_they_can(objects: int, sizes: tuple[int, ...]) -> None:
    assert verifier.capacities_of(list(range(objects)) * 2) == sizes


@pytest.mark.parametrize(
    ("split", "count", "requests"),
    [("probe", 2, 1_200), ("train", 8, 8_000), ("gate", 48, 4_000), ("report", 16, 8_000), ("final", 24, 10_000)],
)
def test_each_split_has_its_generated_traces(split: str, count: int, requests: int) -> None:
    started = cpu_seconds()
    found = verifier.instances(Split(split), 9)
    assert cpu_seconds() - started < 3.0
    assert len(found) == len({one.id for one in found}) == len({one.group for one in found}) == count
    for one in found:
        trace, sizes = one.args
        assert one.group == f"generated/{one.id}" and len(trace) == requests and type(trace) is array
        assert sizes == verifier.capacities_of(trace) and len(set(sizes)) == 3
        assert one.truth == tuple(replay.fifo_misses(trace, size) for size in sizes)
    assert verifier.instances(Split(split), 9) == found
    assert {bytes(one.args[0]) for one in found}.isdisjoint(
        bytes(one.args[0]) for one in verifier.instances(Split(split), 10)
    )


def test_splits_are_disjoint_and_final_has_kinds_that_the_search_never_sees() -> None:
    found = {split: verifier.instances(split, 3) for split in Split}
    every = [bytes(one.args[0]) for instances in found.values() for one in instances]
    assert len(set(every)) == len(every)
    kinds = {split: {one.id.rsplit("-", 1)[0] for one in instances} for split, instances in found.items()}
    assert kinds[Split.GATE] == kinds[Split.TRAIN]
    assert len(kinds[Split.FINAL] - kinds[Split.TRAIN] - kinds[Split.PROBE] - kinds[Split.REPORT]) == 6
    assert {"burst", "newest"} <= kinds[Split.REPORT] - kinds[Split.TRAIN]


def _folder(root: Path, files: int, requests: int = 4_000) -> Path:
    folder = root / "traces"
    folder.mkdir(parents=True)
    for number in range(files):
        rows = "\n".join(f"{at * (number + 3) % 997}" for at in range(requests))
        (folder / f"file-{number}.csv.gz").write_bytes(gzip.compress(f"object\n{rows}\n".encode(), 1))
    (folder / "README.md").write_text("no trace", encoding="utf-8")
    return root


def _recorded(split: Split, seed: int = 1) -> list[Instance]:
    return [one for one in verifier.instances(split, seed) if one.group.startswith("recorded/")]


def _windows(instances: list[Instance]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for one in instances:
        name, start = one.id.split("@")
        assert one.group == f"recorded/{name}"
        found.setdefault(name, []).append((int(start), int(start) + len(one.args[0])))
    return found


def test_recorded_windows_keep_to_the_part_of_their_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLVE_DATA", str(_folder(tmp_path / "data of mine", 6)))
    parts = {
        Split.TRAIN: (0, 1_800),
        Split.GATE: (1_800, 2_200),
        Split.REPORT: (2_200, 2_600),
        Split.FINAL: (2_800, 4_000),
    }
    files = {split: _windows(_recorded(split)) for split in parts}
    for split, (low, high) in parts.items():
        for spans in files[split].values():
            assert all(low <= start < stop <= high for start, stop in spans)
            assert len(spans) == (2 if split is Split.FINAL else 1)
            assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert len(files[Split.TRAIN]) == 4 and files[Split.TRAIN].keys() == files[Split.GATE].keys()
    # The same two files for every seed and every split are kept from the search.
    for split in (Split.REPORT, Split.FINAL):
        assert len(files[split]) == 6 and len(files[split].keys() - files[Split.TRAIN].keys()) == 2
    assert _windows(_recorded(Split.TRAIN, 77)).keys() == files[Split.TRAIN].keys()
    assert not _recorded(Split.PROBE)


def test_a_recorded_instance_is_that_part_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _folder(tmp_path / "d", 1, 60_000)
    monkeypatch.setenv("EVOLVE_DATA", str(folder))
    (one,) = _recorded(Split.TRAIN, 5)
    start = int(one.id.split("@")[1])
    assert len(one.args[0]) == verifier.WINDOW_REQUESTS[Split.TRAIN]
    assert one.args[0] == traces.read(
        folder / "traces" / "file-0.csv.gz", start, start + verifier.WINDOW_REQUESTS[Split.TRAIN]
    )
    assert _recorded(Split.TRAIN, 5) == [one] and _recorded(Split.TRAIN, 6) != [one]


def test_data_under_the_working_directory_is_found(tmp_path: Path) -> None:
    assert not _recorded(Split.TRAIN)
    _folder(tmp_path / "data", 2)
    assert len(_recorded(Split.TRAIN)) == 2


@pytest.mark.parametrize(("files", "kept"), [(1, 0), (2, 0), (3, 1), (5, 1), (6, 2), (7, 2)])
def test_a_third_of_the_files_but_no_more_than_two_are_kept_from_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, kept: int
) -> None:
    monkeypatch.setenv("EVOLVE_DATA", str(_folder(tmp_path / "d", files, 2_000)))
    held_out = _windows(_recorded(Split.REPORT)).keys() - _windows(_recorded(Split.TRAIN)).keys()
    assert len(held_out) == kept + max(0, files - kept - 4)
    assert held_out.isdisjoint(_windows(_recorded(Split.GATE)))


def test_more_files_than_a_split_takes_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLVE_DATA", str(_folder(tmp_path / "d", 9, 2_000)))
    assert len(_recorded(Split.TRAIN)) == 4 and len(_recorded(Split.REPORT)) == 8


@pytest.mark.parametrize("split", list(Split))
def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: Split) -> None:
    monkeypatch.setenv("EVOLVE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(ProblemError, match="does not exist") as caught:
        verifier.instances(split, 1)
    assert "unset it" in caught.value.remedy


def test_a_folder_without_traces_is_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLVE_DATA", str(tmp_path))
    assert not _recorded(Split.TRAIN)
    (tmp_path / "traces").mkdir()
    assert not _recorded(Split.TRAIN)


def test_short_files_and_equal_names_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _folder(tmp_path / "d", 1)
    monkeypatch.setenv("EVOLVE_DATA", str(folder))
    short = folder / "traces" / "short.csv"
    short.write_text("object\n1\n2\n", encoding="utf-8")
    with pytest.raises(ProblemError, match="has only 2 requests"):
        verifier.instances(Split.TRAIN, 1)
    short.rename(folder / "traces" / "file-0.csv")
    with pytest.raises(ProblemError, match="several traces called file-0"):
        verifier.instances(Split.TRAIN, 1)


# Scores


def test_the_score_is_the_mean_reduction_against_fifo() -> None:
    trace = random_trace("score", 300, 3_000)
    instance = instance_of(trace, 5, 20, 80)
    output = drive(Lru, instance)
    found = verifier.score(instance, output)
    misses = [misses_by_hand(trace, size, log) for size, (_, log) in zip((5, 20, 80), output, strict=True)]
    gains = [1 - count / replay.fifo_misses(trace, size) for count, size in zip(misses, (5, 20, 80), strict=True)]
    assert found.value == found.metrics["miss_ratio_reduction"] == pytest.approx(sum(gains) / 3)
    assert [found.metrics[f"reduction_{name}"] for name in ("small", "medium", "large")] == pytest.approx(gains)
    assert found.metrics["miss_ratio"] == pytest.approx(sum(misses) / 9_000) and found.metrics["bypassed"] == 0.0
    worst = gains.index(min(gains))
    assert f"worst at capacity {(5, 20, 80)[worst]}: {misses[worst]} misses" in found.feedback
    assert "\n" not in found.feedback and verifier.score(instance, output) == found


def test_bypassed_is_the_share_of_decisions() -> None:
    instance = instance_of([0, 1, 0, 2, 0, 1, 3, 3], 2)
    assert verifier.score(instance, [(True, [1, -1, 0])]).metrics["bypassed"] == pytest.approx(1 / 3)
    assert verifier.score(instance, [(True, [1, 1, 0])]).metrics["bypassed"] == 0.0


def test_the_floor_is_belady_with_bypass_and_no_policy_is_above() -> None:
    for instance in verifier.instances(Split.PROBE, 4):
        trace, sizes = instance.args
        bound = verifier.floor(instance)
        least = [replay.belady_misses(trace, size, bypasses=True)[0] for size in sizes]
        gains = [1 - misses / first for misses, first in zip(least, instance.truth, strict=True)]
        assert bound.value == pytest.approx(sum(gains) / 3) and 0.0 < bound.metrics["bypassed"] <= 1.0
        knowing = verifier.score(instance, drive(oracle(trace), instance)).value
        honest = [verifier.score(instance, drive(make_policy, instance)).value for make_policy in POLICIES]
        assert max(honest) < knowing <= bound.value


@pytest.mark.skipif(not DATA, reason="EVOLVE_DATA names no folder of recorded traces")
def test_recorded_workloads_tell_policies_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOLVE_DATA", DATA)
    found = _recorded(Split.REPORT)
    assert found
    for instance in found:
        policy, bound = verifier.score(instance, drive(Lru, instance)), verifier.floor(instance)
        assert policy.value < bound.value
