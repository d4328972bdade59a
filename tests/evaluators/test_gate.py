"""The gate: one bit, an error that is spent once, and nothing told of what it can not test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, t

from evaluators.gate import FIXED_QUERIES, Gate, Ladder, Naive, Thresholdout
from evaluators.statistics import LEAST_DEVIATIONS, gate_level
from evolve.core.rng import generator

GROUPS = [f"g{number}" for number in range(40)]


def differences(mean: float, key: int = 0, count: int = 40) -> list[float | None]:
    values = generator("gate", key).standard_normal(count)
    values = (values - values.mean()) / values.std(ddof=1)
    return [float(value) + mean for value in values]


def test_the_statistic_is_students_over_groups() -> None:
    answer = Gate().ask(GROUPS, differences(0.6))
    assert answer.statistic == pytest.approx(0.6 * math.sqrt(40))
    assert answer.needed == pytest.approx(max(3.0, t.ppf(1.0 - gate_level(1), 39)))
    assert answer.accepted and answer.gated


def test_instances_of_a_group_are_one_observation() -> None:
    groups = [name for name in GROUPS for _ in range(50)]
    repeated = [value for value in differences(0.6) for _ in range(50)]
    once, many = Gate().ask(GROUPS, differences(0.6)), Gate().ask(groups, repeated)
    assert many.statistic == pytest.approx(once.statistic) and many.needed == once.needed


def test_each_question_is_harder_and_all_levels_add_up_to_five_percent() -> None:
    gate = Gate()
    needed = [gate.ask(GROUPS, differences(0.0, number)).needed or 0.0 for number in range(200)]
    assert needed == sorted(needed) and needed[0] >= LEAST_DEVIATIONS
    assert sum(gate_level(k) for k in range(1, 100_000)) == pytest.approx(0.05, rel=1e-4)


def test_on_a_fixed_set_the_levels_of_all_pasts_add_up_to_five_percent() -> None:
    total = 0.0
    for asked in range(1, FIXED_QUERIES + 1):
        for accepts in range(asked):
            total += math.comb(asked - 1, accepts) * Gate(True, queries=asked, accepts=accepts).level()
    assert total == pytest.approx(sum(gate_level(k) for k in range(1, FIXED_QUERIES + 1)))


def test_a_fixed_set_is_asked_thirty_times() -> None:
    gate = Gate(fixed=True)
    for number in range(FIXED_QUERIES):
        assert gate.ask(GROUPS, differences(0.0, number)).statistic is not None
    last = gate.ask(GROUPS, differences(50.0))
    assert not last.accepted and last.statistic is None and "30 times" in last.reason


def test_with_few_groups_nothing_is_gated_and_no_question_is_spent() -> None:
    gate = Gate()
    answer = gate.ask(GROUPS[:9], differences(5.0, count=9))
    assert not answer.gated and not answer.accepted and "9 groups" in answer.reason and gate.queries == 0


@pytest.mark.parametrize("failed", [None, float("nan"), float("-inf")])
def test_an_instance_that_failed_rejects(failed: float | None) -> None:
    answer = Gate().ask(GROUPS, [*differences(50.0)[:-1], failed])
    assert not answer.accepted and "failed" in answer.reason


def test_a_champion_that_failed_gives_way_unless_the_program_failed_too() -> None:
    gate = Gate(fixed=True)
    answer = gate.ask(GROUPS, [*differences(-50.0)[:-1], float("inf")])
    assert answer.accepted and (gate.queries, gate.accepts) == (1, 1)
    assert not gate.ask(GROUPS, [None, *differences(50.0)[1:-1], float("inf")]).accepted


@pytest.mark.parametrize(("value", "accepted"), [(0.5, True), (0.0, False), (-0.5, False)])
def test_differences_without_any_spread(value: float, accepted: bool) -> None:
    assert Gate().ask(GROUPS, [value] * 40).accepted is accepted


@pytest.mark.parametrize("groups", [[], ["a"]])
def test_what_can_not_be_a_question(groups: list[str]) -> None:
    with pytest.raises(ValueError, match="groups for"):
        Gate().ask(groups, [])


def test_a_run_without_improvement_is_hardly_ever_told_of_one() -> None:
    """A thousand runs of fifty questions: no more are fooled than at 5 % would be once in 10,000 times."""
    rng, fooled = generator("gate", "runs"), 0
    names = GROUPS[:20]
    for _ in range(1_000):
        gate = Gate()
        fooled += any(gate.ask(names, list(rng.standard_normal(20))).accepted for _ in range(50))
    assert fooled <= binom.ppf(1.0 - 1e-4, 1_000, 0.05)


def test_the_alternatives_answer_as_published() -> None:
    values, names = np.array([1.0, 2.0, 3.0]), ["a", "b", "c"]
    assert Naive().ask(names, [0.1], 0.0) and not Naive().ask(names, [-0.1], 0.0)
    assert Ladder().ask(names, values, 0.0) and not Ladder().ask(names, values - 1.9, 0.0)
    quiet = Thresholdout(0.5, 1e-12, 1, generator("quiet"))
    assert quiet.ask(names, values, 2.1)  # train and holdout agree: the mean on train is told, and is large
    assert not quiet.ask(names, values - 2.0, 2.1)  # they do not: the holdout's is told, and is none
    assert not quiet.ask(names, values, 2.1)  # the budget of looks is spent
