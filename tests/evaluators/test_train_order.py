"""The order in which train is measured: fixed by the evaluation set, and spread evenly over kinds of groups."""

from __future__ import annotations

from collections import Counter

import pytest

from evaluators.train_order import LEAST_INSTANCES, Plan, batches, kind_of
from evolve.core.types import Instance


def _instances(count: int) -> list[Instance]:
    """Half of them of one kind, a quarter of another, and the rest of no kind that repeats."""
    kinds = ("zipf", "zipf", "loop", "file-a{}b")
    groups = [f"{kinds[number % 4].format(number)}-{number}" for number in range(count)]
    return [Instance(f"train-{number}", group, ()) for number, group in enumerate(groups)]


def test_few_instances_are_measured_at_once() -> None:
    assert batches(_instances(LEAST_INSTANCES - 1), "set", Plan()) == ()
    assert batches(_instances(400), "set", Plan(decouple=False)) == ()


@pytest.mark.parametrize(
    ("count", "sizes"), [(30, [10] * 3), (31, [10, 10, 11]), (32, [8] * 4), (401, [100] * 3 + [101])]
)
def test_every_instance_stands_in_one_batch(count: int, sizes: list[int]) -> None:
    instances = _instances(count)
    found = batches(instances, "set", Plan())
    assert [len(batch) for batch in found] == sizes
    places = [place for batch in found for place in batch]
    assert sorted(place.name for place in places) == sorted(one.id for one in instances)
    assert [place.instance for place in places] != instances


def test_the_evaluation_set_decides_alone() -> None:
    instances = _instances(64)
    assert batches(instances, "set", Plan()) == batches(list(instances), "set", Plan())
    assert batches(instances, "set", Plan()) != batches(instances, "another", Plan())


@pytest.mark.parametrize("seed", range(20))
def test_each_prefix_has_each_kind_in_its_proportion(seed: int) -> None:
    places = [place for batch in batches(_instances(64), f"set {seed}", Plan()) for place in batch]
    for length in range(1, 65):
        seen = Counter(kind_of(place.instance.group) for place in places[:length])
        assert abs(seen["zipf"] - length / 2) <= 2.0
        assert abs(seen["loop"] - length / 4) <= 2.0


def test_repeats_come_one_after_the_other() -> None:
    instances = _instances(3)
    found = batches(instances, "set", Plan(repeats=2))
    assert [[place.name for place in batch] for batch in found] == [
        ["train-0", "train-1", "train-2"],
        ["train-0 (run 2)", "train-1 (run 2)", "train-2 (run 2)"],
    ]
    assert [[place.repeat for place in batch] for batch in found] == [[0] * 3, [1] * 3]
    assert batches(instances, "set", Plan(decouple=False, repeats=2)) == (found[0] + found[1],)


def test_the_kind_of_a_group() -> None:
    assert kind_of("generated/zipf-1") == kind_of("generated/zipf-23") == "generated/zipf"
    assert kind_of("recorded/msr") == "recorded/msr"
    assert kind_of("7") == ""
