"""The template for scheduling, and what the templates for sampled problems have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from template_problems import POLICY, SCHEDULING, module, values

from evolve.core.errors import Invalid
from evolve.core.rng import generator
from evolve.core.types import Instance, Split
from evolve.problem import Problem


@pytest.mark.parametrize("problem", [SCHEDULING, POLICY], ids=["scheduling", "policy"])
def test_splits_share_nothing_and_are_the_same_again(problem: Problem) -> None:
    found = {split: problem.verifier.instances(split, problem.split_seed(split)) for split in Split}
    least = {Split.PROBE: 2, Split.TRAIN: 8, Split.GATE: 16, Split.REPORT: 16, Split.FINAL: 24}
    assert {split: len(instances) for split, instances in found.items()} == least
    everything = [instance for instances in found.values() for instance in instances]
    for part in ("id", "group", "args"):
        assert len({repr(getattr(instance, part)) for instance in everything}) == len(everything)
    for seed, same in ((problem.split_seed(Split.TRAIN), True), (77, False)):
        again = problem.verifier.instances(Split.TRAIN, seed)
        assert [one.args == other.args for one, other in zip(again, found[Split.TRAIN], strict=True)] == [same] * 8


@pytest.mark.bubblewrap
def test_scheduling_baselines_are_in_the_order_of_the_literature() -> None:
    found = values(SCHEDULING)
    assert found["seed"] == found["edd"] == 1.0
    assert 0.0 < found["atc"] < found["wspt"] < found["edd"]


def _jobs() -> Instance:
    made: Instance = SCHEDULING.verifier.make_instance("three", [(3, 2, 1), (2, 2, 5), (4, 10, 2)], 2)
    return made


def test_a_schedule_is_worth_what_it_comes_to_by_hand() -> None:
    instance = _jobs()
    assert instance.truth == 1  # job 0 ends at 3, one too late, beside job 1; job 2 follows job 1 and ends at 6
    found = SCHEDULING.verifier.score(instance, [[1, 0], [2]])
    assert found.value == 3.0 and found.metrics["relative_tardiness"] == 3.0  # job 0 ends at 5, three too late
    assert found.metrics["late_share"] == pytest.approx(1 / 3) and found.metrics["balance"] == pytest.approx(0.9)
    assert "job 0" in found.feedback
    weighted = SCHEDULING.verifier.score(instance, [[0, 1], [2]])
    assert weighted.value == 1.0 + 5.0 * 3.0


def test_where_earliest_due_date_has_no_tardiness_the_divisor_is_one() -> None:
    instance = SCHEDULING.verifier.make_instance("easy", [(1, 1, 1), (5, 6, 3)], 1)
    assert instance.truth == 0
    assert SCHEDULING.verifier.score(instance, [[0, 1]]).value == 0.0
    assert SCHEDULING.verifier.score(instance, [[1, 0]]).value == 5.0


def test_an_empty_row_is_a_machine_that_rests() -> None:
    assert SCHEDULING.verifier.score(_jobs(), [[], [0, 1, 2]]).metrics["balance"] == 0.5


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (None, "a NoneType"),
        ("ab", "a str"),
        ({0: [0], 1: [1, 2]}, "a dict"),
        ([[0, 1, 2]], "1 rows, not a list of 2"),
        ([[0], [1], [2]], "3 rows, not a list of 2"),
        ([[0, 1], 2], "machine 1 is a int"),
        ([[0, 1], "2"], "machine 1 is a str"),
        ([[0, True], [2]], "a bool, not an int"),
        ([[0, 1.0], [2]], "a float, not an int"),
        ([[0, 1], [None]], "a NoneType, not an int"),
        ([[0, np.int64(1)], [2]], "an int"),
        ([[0, 1], [3]], "not one of 0 to 2"),
        ([[0, 1], [-1]], "not one of 0 to 2"),
        ([[0, 1], [10**5_000]], "not one of 0 to 2"),
        ([[0], [1]], "job 2 is missing"),
        ([[], []], "job 0 is missing"),
        ([[0, 1, 0], [2]], "job 0 runs 2 times"),
        ([[0, 1], [2, 1]], "job 1 runs 2 times"),
    ],
)
def test_what_is_no_schedule_is_invalid(output: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        SCHEDULING.verifier.score(_jobs(), output)


def test_the_seed_is_the_reference_on_every_instance() -> None:
    seed = module(SCHEDULING.folder / "seed.py")
    for split in (Split.GATE, Split.FINAL):
        for instance in SCHEDULING.verifier.instances(split, SCHEDULING.split_seed(split)):
            assert instance.truth > 0
            assert SCHEDULING.verifier.score(instance, seed.schedule(*instance.args)).value == 1.0


def test_jobs_are_drawn_from_the_published_ranges() -> None:
    jobs = SCHEDULING.verifier.make_jobs(generator("jobs"), 4_000, 4, 0.6, 0.4)
    durations, dues, weights = (np.array(column) for column in zip(*jobs, strict=True))
    assert (durations.min(), durations.max(), weights.min(), weights.max()) == (1, 100, 1, 10)
    horizon = durations.sum() / 4
    assert dues.min() == pytest.approx(0.2 * horizon, rel=0.01) and dues.max() == pytest.approx(0.6 * horizon, rel=0.01)
