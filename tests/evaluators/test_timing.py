"""Timing by comparison on a simulated clock: how often it errs, what it finds, and what it does with a bad machine."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from evaluators.drift import drifts
from evaluators.simulated_clock import SimulatedClock
from evaluators.timing import (
    CandidateFailed,
    Comparison,
    Decision,
    Measure,
    Plan,
    Which,
    bootstrap,
    compare,
    decide,
    remeasure,
)
from evaluators.timing_noise import measure_noise
from evolve.core.errors import InfrastructureError, ProblemError
from evolve.core.rng import generator
from evolve.core.types import Status

INSTANCES = 3
DIFFERENT = (Decision.FASTER, Decision.SLOWER)


def clock(*key: int | str, **settings: object) -> SimulatedClock:
    return SimulatedClock(generator("clock", *key), **settings)  # type: ignore[arg-type]


def excludes_zero(found: Comparison) -> bool:
    assert found.bounds is not None
    return found.bounds[0] > 0.0 or found.bounds[1] < 0.0


def test_a_program_against_itself_is_called_different_in_at_most_thirteen_of_five_hundred_trials() -> None:
    # Without a minimum effect worth the name: the sequence alone must hold its one percent, drift test included.
    plan = Plan(minimum_effect=1e-9)
    found = [compare(plan, clock("a/a", trial), INSTANCES, seed=trial) for trial in range(500)]
    assert sum(one.decision in DIFFERENT for one in found) <= 13
    assert all(one.pairs == 40 or excludes_zero(one) for one in found)
    assert sum(one.discarded for one in found) > 0


def test_a_program_against_itself_errs_no_more_where_half_the_runs_are_interrupted() -> None:
    plan = Plan(minimum_effect=1e-9)
    heavy = {"interrupted": 0.5, "interruption": 1.0}
    found = [compare(plan, clock("heavy", trial, **heavy), 1, seed=trial) for trial in range(300)]
    assert sum(one.decision in DIFFERENT for one in found) <= 9


@pytest.mark.parametrize("noise", [0.01, 0.02])
def test_five_percent_are_found_with_forty_pairs_at_most_above_the_noise_of_the_machine(noise: float) -> None:
    trials = 200
    decisions: Counter[Decision | None] = Counter()
    for trial in range(trials):
        machine = clock("power", trial, ratio=0.95, process_noise=0.01, call_noise=noise)
        believable = measure_noise(Plan(), machine, INSTANCES, seed=trial).smallest_effect
        plan = Plan(minimum_effect=max(0.03, 1.01 * believable))
        found = compare(plan, machine, INSTANCES, seed=trial)
        assert found.pairs <= 40
        decisions[found.decision] += 1
    assert decisions[Decision.FASTER] >= 0.95 * trials
    assert decisions[Decision.SLOWER] == 0


def test_a_slower_program_is_slower_and_an_equal_one_alike() -> None:
    assert compare(Plan(), clock("slower", ratio=1.08), INSTANCES, seed=1).decision is Decision.SLOWER
    alike = compare(Plan(minimum_effect=0.1), clock("alike"), INSTANCES, seed=1)
    assert alike.decision is Decision.ALIKE and alike.pairs < 40


def test_a_difference_below_the_minimum_effect_is_none_however_sure() -> None:
    quiet = clock("small", ratio=0.99, process_noise=1e-4, call_noise=1e-4, interrupted=0.0)
    found = compare(Plan(minimum_effect=0.03), quiet, INSTANCES, seed=1)
    assert excludes_zero(found) and found.decision is Decision.ALIKE


def test_a_difference_needs_the_sequence_beyond_zero_and_the_ratio_beyond_the_minimum_effect() -> None:
    slower = np.linspace(0.005, 0.09, 40)[:, None]
    for column, verdict in ((slower, Decision.SLOWER), (-slower, Decision.FASTER)):
        assert decide(Plan(minimum_effect=0.03), column)[2] is verdict
        assert decide(Plan(minimum_effect=0.06), column)[2] is Decision.OPEN
        assert decide(Plan(minimum_effect=0.10), column)[2] is Decision.ALIKE
    assert decide(Plan(), 20.0 * (slower - 0.045))[2] is Decision.OPEN


def test_what_runs_second_may_be_slower_as_a_coin_decides_who_does() -> None:
    plan = Plan(minimum_effect=1e-9)
    wrong = 0
    for trial in range(200):
        machine = clock("order", trial, speed=lambda process: 1.05 if process % 2 else 1.0)
        wrong += compare(plan, machine, 1, seed=trial).decision in DIFFERENT
    assert wrong <= 7


def test_the_ratio_has_an_interval_that_covers_the_truth() -> None:
    covered = 0
    for trial in range(200):
        found = compare(Plan(), clock("cover", trial, ratio=0.9), INSTANCES, seed=trial, to_the_end=True)
        assert found.interval is not None and found.ratio is not None and found.pairs == 40
        assert 0.85 < found.ratio < 0.95
        covered += found.interval[0] <= math.log(0.9) <= found.interval[1]
    assert covered >= 180


def test_instances_of_a_pair_are_one_observation() -> None:
    column = generator("column").standard_normal((20, 1))
    once = bootstrap(column, generator("draw"))
    assert bootstrap(np.repeat(column, 50, axis=1), generator("draw")) == pytest.approx(once)
    plan = Plan()
    assert decide(plan, np.repeat(column, 50, axis=1))[1] == pytest.approx(decide(plan, column)[1])


def test_processes_are_fresh_their_instances_in_order_and_a_coin_says_who_is_first() -> None:
    seen: list[tuple[Which, int, int]] = []
    machine = clock("calls")

    def measure(which: Which, process: int, instance: int) -> float:
        seen.append((which, process, instance))
        return machine(which, process, instance)

    found = compare(Plan(), measure, 2, seed=5, to_the_end=True)
    assert [call[1:] for call in seen] == [(process, instance) for process in range(80) for instance in range(2)]
    first = [seen[4 * pair][0] for pair in range(40)]
    assert 10 < first.count("candidate") < 30
    assert all({seen[4 * pair][0], seen[4 * pair + 2][0]} == {"reference", "candidate"} for pair in range(40))
    assert len(found.log_ratios) == 40 and all(len(row) == 2 for row in found.log_ratios)


def test_the_same_seed_and_times_give_the_same_comparison() -> None:
    assert compare(Plan(), clock("same"), 2, seed=3) == compare(Plan(), clock("same"), 2, seed=3)


def getting_warm(until: int) -> Measure:
    return clock("warm", speed=lambda process: 1.0 + 0.01 * min(process, until))


def test_a_batch_during_which_the_reference_slows_down_is_discarded_and_repeated() -> None:
    found = compare(Plan(), getting_warm(20), INSTANCES, seed=1, to_the_end=True)
    assert found.discarded == 1 and found.pairs == 40 and not excludes_zero(found)


def test_a_machine_that_never_settles_is_no_verdict_on_anybody() -> None:
    with pytest.raises(InfrastructureError, match=r"within 9 batches of 10 pairs") as caught:
        compare(Plan(), getting_warm(10**6), INSTANCES, seed=1)
    assert "cpupower" in caught.value.remedy


def test_a_candidate_that_gets_slower_and_slower_discards_no_batch() -> None:
    machine = clock("creeping")

    def measure(which: Which, process: int, instance: int) -> float:
        seconds = machine(which, process, instance)
        return seconds * (1.0 + 0.02 * process) if which == "candidate" else seconds

    found = compare(Plan(), measure, INSTANCES, seed=1)
    assert found.discarded == 0 and found.decision is Decision.SLOWER


def test_drift_is_a_trend_or_a_step_that_is_large_enough() -> None:
    noise = (0.001 * generator("drift").standard_normal(10)).tolist()
    trend = [value + 0.01 * number for number, value in enumerate(noise)]
    step = [value + 0.05 * (number >= 5) for number, value in enumerate(noise)]
    assert drifts(trend, 0.05, 0.02) and drifts(step, 0.05, 0.02)
    assert drifts([-value for value in trend], 0.05, 0.02)
    assert not drifts(trend, 0.05, 0.08) and not drifts(noise, 0.05, 0.02)
    assert not drifts([1.0] * 10, 0.05, 0.0)


def test_batches_without_drift_are_discarded_no_more_often_than_said() -> None:
    rng = generator("no drift")
    assert sum(drifts(rng.standard_cauchy(10).tolist(), 0.05, 0.0) for _ in range(1000)) <= 70


@pytest.mark.parametrize("status", [Status.CRASHED, Status.INVALID, Status.TIMED_OUT])
def test_a_candidate_that_fails_has_a_status_and_no_number(status: Status) -> None:
    machine = clock("failing")

    def measure(which: Which, process: int, instance: int) -> float:
        if which == "candidate" and process > 30:
            raise CandidateFailed(status, "train-2: what it did")
        return machine(which, process, instance)

    found = compare(Plan(), measure, INSTANCES, seed=1)
    assert found == Comparison(status, 1, feedback="train-2: what it did")
    assert found.ratio is None and found.decision is None and found.pairs == 0


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.inf, math.nan])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="not a positive number"):
        compare(Plan(), lambda which, process, instance: seconds, 1, seed=1)
    with pytest.raises(ValueError, match="no instances"):
        compare(Plan(), clock("none"), 0, seed=1)


@pytest.mark.parametrize(
    "settings",
    [
        {"minimum_effect": 0.0},
        {"level": 1.0},
        {"drift_level": -0.1},
        {"batch_pairs": 1},
        {"batch_pairs": 7},
        {"most_pairs": 5, "batch_pairs": 5},
    ],
)
def test_a_plan_that_can_decide_nothing_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Plan(**settings)  # type: ignore[arg-type]


def test_the_error_is_shared_between_the_batches_that_may_be_discarded() -> None:
    assert Plan().spent_level == pytest.approx(0.01 * 0.95**4)
    assert Plan(drift_level=0.0).spent_level == 0.01


def test_the_machines_noise_is_the_smallest_effect_that_may_be_believed() -> None:
    plan = Plan(minimum_effect=0.03)
    quiet = measure_noise(plan, clock("quiet", ratio=0.5, interrupted=0.01), INSTANCES, seed=1)
    loud = measure_noise(plan, clock("loud", process_noise=0.1), INSTANCES, seed=1)
    assert quiet.comparison.pairs == 40
    assert 0.0 < quiet.smallest_effect < 0.03 < loud.smallest_effect
    quiet.require(plan)
    with pytest.raises(ProblemError, match=r"minimum_effect = 0.03 is not above the noise") as caught:
        loud.require(plan)
    said = float(caught.value.remedy.split()[3])
    loud.require(Plan(minimum_effect=said))


def test_a_champion_is_measured_again_without_the_luck_that_made_it_one() -> None:
    plan = Plan()
    chosen, again = [], []
    for trial in range(10):
        noisy = {"process_noise": 0.05}
        tried = [compare(plan, clock("try", trial, n, **noisy), 1, seed=n, to_the_end=True) for n in range(20)]
        best = min(tried, key=lambda one: one.log_ratio or 0.0)
        chosen.append(best.log_ratio)
        machine = clock("again", trial, **noisy)
        measured = remeasure(plan, machine, 1, best, seed=100 + trial)
        assert measured.pairs == plan.most_pairs
        again.append(measured.log_ratio)
    # All are equally fast: what the selection shows is luck.
    assert np.mean(chosen) < -0.015 and abs(np.mean(again)) < 0.01
    with pytest.raises(ValueError, match="that selected the champion"):
        remeasure(plan, clock("again"), 1, best, seed=best.seed)
