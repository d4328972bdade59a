"""Strict replay of cache policies, one request at a time, and the check that none looks ahead."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from cache_policies import (
    POLICIES,
    FakeSession,
    Lru,
    Whimsical,
    capacities,
    drive,
    instance_of,
    oracle,
    small_traces,
    verifier,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from evolve.core.errors import Invalid, ProblemError
from evolve.core.types import Split


@pytest.mark.parametrize("make_policy", POLICIES)
@given(trace=small_traces, sizes=st.lists(capacities, min_size=1, max_size=3))
@settings(max_examples=80, deadline=None)
def test_strict_replay_equals_the_driver(make_policy: Any, trace: array[int], sizes: list[int]) -> None:
    instance = instance_of(trace, *sizes)
    played = verifier.play(FakeSession(make_policy), instance)
    assert played == drive(make_policy, instance)
    assert all(type(bypasses) is bool and log.typecode == "i" for bypasses, log in played)


@pytest.mark.parametrize("make_policy", POLICIES)
def test_strict_replay_equals_the_driver_on_a_workload(make_policy: Any) -> None:
    for instance in verifier.instances(Split.PROBE, 2):
        assert verifier.play(FakeSession(make_policy), instance) == drive(make_policy, instance)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"begin": None}, "begin answered"),
        ({"begin": (True,)}, "begin answered"),
        ({"begin": (1, True)}, "begin answered"),
        ({"begin": "ab"}, "begin answered"),
        ({"miss": 0}, "miss answered"),
        ({"miss": (0, 0, 0)}, "miss answered"),
        ({"miss": (True, 0)}, "miss answered"),
        ({"miss": (0.0, 0)}, "miss answered"),
        ({"miss": (0, None)}, "miss answered"),
        ({"miss": (2, 0)}, "not one of the slots 0 to 1"),
        ({"miss": (-2, 0)}, "not one of the slots 0 to 1"),
        ({"miss": (10**5_000, 0)}, "not one of the slots 0 to 1"),
        ({"miss": (0, 2)}, "the cell to remember in"),
        ({"miss": (0, -2)}, "the cell to remember in"),
        ({"begin": (False, True), "miss": (-1, 0)}, "an undeclared bypass"),
        ({"begin": (True, False), "miss": (0, 0)}, "the cell to remember in"),
    ],
)
def test_strict_replay_refuses_wrong_answers(answers: dict[str, Any], says: str) -> None:
    instance = instance_of([0, 1, 2, 0, 1, 2, 3], 2)
    with pytest.raises(Invalid, match=says):
        verifier.play(FakeSession(Whimsical, answers), instance)


def test_strict_replay_lets_what_the_session_raises_pass() -> None:
    class Dead(Lru):
        def victim(self, ghost: int) -> int:
            raise TimeoutError("too slow")

    with pytest.raises(TimeoutError, match="too slow"):
        verifier.play(FakeSession(Dead), instance_of([0, 1, 2], 2))


# Non-anticipation


def test_a_splice_goes_on_as_the_other_trace() -> None:
    one, other = instance_of([0, 1, 2, 3, 4, 5, 6, 7], 2, 3), instance_of([0, 9, 0], 1)
    assert verifier.spliced(one, other, 0.5).args == (array("i", [0, 1, 2, 3, 0, 9, 0, 0]), (2, 3))
    assert verifier.spliced(one, other, 1.0).args == one.args
    joined = verifier.spliced(one, other, 0.0)
    assert joined.args[0].tolist() == [0, 9, 0, 0, 9, 0, 0, 9] and joined.truth == (2, 2)
    for share in (-0.1, 1.1):
        with pytest.raises(ProblemError, match="between 0 and 1"):
            verifier.spliced(one, other, share)


@pytest.mark.parametrize("make_policy", POLICIES)
@given(trace=small_traces, future=small_traces, share=st.floats(0.0, 1.0), capacity=capacities)
@settings(max_examples=80, deadline=None)
def test_another_future_leaves_an_honest_past_alone(
    make_policy: Any, trace: array[int], future: array[int], share: float, capacity: int
) -> None:
    instance = instance_of(trace, capacity, capacity + 1)
    other = verifier.spliced(instance, instance_of(future), share)
    first = verifier.decisions(instance, drive(make_policy, instance), share)
    assert first == verifier.decisions(other, drive(make_policy, other), share)
    # What was decided in the prefix is all that is decided on the prefix alone.
    kept = trace[: int(share * len(trace))]
    if kept:
        assert first == drive(make_policy, instance_of(kept, capacity, capacity + 1))


def test_a_policy_that_knows_the_future_is_found_out() -> None:
    instances = verifier.instances(Split.PROBE, 2)
    for instance, other in (instances, instances[::-1]):
        joined = verifier.spliced(instance, other, 0.6)
        outputs = [(one, drive(oracle(one.args[0]), one)) for one in (instance, joined)]
        found = [verifier.decisions(one, output, 0.6) for one, output in outputs]
        assert found[0] != found[1]


def test_decisions_of_an_invalid_output_are_invalid() -> None:
    instance = instance_of([0, 1, 2, 0, 1, 2, 3], 2)
    for output in (None, [(False, [0])], [(False, [0] * 6)], [(False, [7] * 5)]):
        with pytest.raises(Invalid):
            verifier.decisions(instance, output, 0.5)
