"""How paging-predictions is played, one question at a time, and how it is scored."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paging_players import Here, program, rules, verifier

from evolve.core.errors import Invalid
from evolve.core.types import Instance, Split

# Playing


def _small(prediction: str = "discard", seed: int = 1) -> Instance:
    found: Instance = verifier.make_instance("one", "one", "loop", prediction, seed, 60)
    return found


class Recorder:
    """Answers with the last slot; keeps all questions."""

    def __init__(self, answer: Callable[[int], Any] = lambda slots: slots - 1) -> None:
        self.answer = answer
        self.asked: list[list[Any]] = []
        self.begun: list[Any] = []

    def renew(self) -> None:
        self.begun.clear()

    def call(self, entry: str, *args: Any) -> Any:
        if entry == "begin":
            self.begun.extend(args)
            return None
        self.asked.append([(number, list(served), page, bit) for number, served, page, bit in args[0]])
        return [self.answer(self.begun[1][number]) for number, *_ in args[0]]


def test_a_question_tells_what_was_requested_up_to_it_and_no_more() -> None:
    instance = _small()
    session = Recorder()
    output = verifier.play(session, instance)
    assert session.begun == ["discard", list(instance.args[1])]
    told: dict[int, list[tuple[int, int]]] = {number: [] for number in range(10)}
    for questions in session.asked:
        for number, served, page, bit in questions:
            lane = verifier.lanes_of(instance)[number]
            told[number] += [(name, said) for _, name, said in served]
            so_far = [*told[number], (page, bit)]
            assert so_far == list(zip(lane.requests, lane.bits, strict=True))[: len(so_far)]
    assert [len(log) for log in output] == [
        sum(number == place for asked in session.asked for number, *_ in asked) for place in range(10)
    ]


@settings(max_examples=6, deadline=None)
@given(st.integers(10, 60), st.sampled_from(("seed", "switching", "randomized")))
def test_another_future_changes_nothing_before_it(kept: int, name: str) -> None:
    instance, other = _small(), _small(seed=2)
    joined = tuple(
        (noise, slots, (*one[:kept], *another[kept:]), (*bits[:kept], *said[kept:]), optimum)
        for (noise, slots, one, bits, optimum), (_, _, another, said, _) in zip(
            instance.truth, other.truth, strict=True
        )
    )
    spliced = Instance("spliced", "spliced", instance.args, joined)
    logs = [verifier.play(Here(program(name)), one) for one in (instance, spliced)]
    for lane, log, again in zip(verifier.lanes_of(instance), *logs, strict=True):
        common = 0
        while common < min(len(log), len(again)) and log[common] == again[common]:
            common += 1
        # So many decisions fell before the change that the first that differs is after it.
        if common < min(len(log), len(again)):
            assert len(_served(lane.requests[:kept], lane.slots, log)) <= common


def _served(requests: tuple[int, ...], slots: int, log: array[int]) -> list[int]:
    """The decisions of a log that fall within some requests."""
    for count in range(len(log) + 1):
        try:
            rules.faults(requests, slots, log[:count])
        except Invalid:
            continue
        return list(log[:count])
    raise AssertionError


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda slots: slots, "slots are 0 to"),
        (lambda slots: -1, "is -1"),
        (lambda slots: 0.0, "is a float"),
        (lambda slots: True, "is a bool"),
        (lambda slots: None, "is a NoneType"),
        (lambda slots: "0", "is a str"),
        (lambda slots: [0], "is a list"),
        (lambda slots: 10**6000, "far out of range"),
    ],
)
def test_an_answer_that_is_no_slot_is_refused_at_once(answer: Callable[[int], Any], words: str) -> None:
    session = Recorder(answer)
    with pytest.raises(Invalid, match=words):
        verifier.play(session, _small())
    assert len(session.asked) == 1


@pytest.mark.parametrize("answers", [None, [], [0], (0,) * 10, [0] * 11, "0000000000", {0: 0}, array("i", [0] * 10)])
def test_answers_that_are_not_as_many_as_questions_are_refused(answers: Any) -> None:
    class Odd(Recorder):
        def call(self, entry: str, *args: Any) -> Any:
            return None if entry == "begin" else answers

    with pytest.raises(Invalid, match="not a list of as many slots"):
        verifier.play(Odd(), _small())


def test_each_play_has_a_fresh_process() -> None:
    session = Here(program("lru"))
    first = verifier.play(session, _small())
    assert session.renewed == 1 and verifier.play(session, _small()) == first and session.renewed == 2


# Scores


def test_the_score_is_half_the_mean_over_probabilities_and_half_the_worst_adversary() -> None:
    instance = _small()
    logs = verifier.play(Recorder(), instance)
    found = verifier.score(instance, logs)
    ratios = {
        lane.noise: rules.faults(lane.requests, lane.slots, log) / lane.optimum
        for lane, log in zip(verifier.lanes_of(instance), logs, strict=True)
    }
    by_chance = [ratios[noise] for noise in ("0.0", "0.01", "0.05", "0.1", "0.2", "0.5")]
    worst = max(ratios[how] for how in ("inverted", "popular", "bursts", "constant"))
    metrics = found.metrics
    assert found.value == metrics["cost_ratio"] == pytest.approx((sum(by_chance) / 6 + worst) / 2)
    assert metrics["mean_ratio"] == pytest.approx(sum(by_chance) / 6) and metrics["worst_ratio"] == worst
    assert metrics["consistency"] == by_chance[0] and metrics["robustness"] == max(ratios.values())
    assert metrics["smoothness"] == pytest.approx(sum(by_chance[1:5]) / 4 - by_chance[0])
    assert metrics["ratio_bursts"] == ratios["bursts"]


def test_a_score_counts_what_the_log_says_and_knows_no_other_output() -> None:
    instance = _small(prediction="phase")
    logs = verifier.play(Recorder(), instance)
    assert verifier.score(instance, [log.tolist() for log in logs]).value == verifier.score(instance, logs).value
    for output in (None, [], logs[:-1], tuple(logs), [*logs, logs[0]], dict(enumerate(logs)), [None] * 10):
        with pytest.raises(Invalid):
            verifier.score(instance, output)
    with pytest.raises(Invalid, match="decisions"):
        verifier.score(instance, [logs[0][:-1], *logs[1:]])


def test_the_floor_is_one_and_nobody_is_below_it() -> None:
    for instance in verifier.instances(Split.PROBE, 4):
        lowest = verifier.floor(instance)
        assert lowest.value == 1.0 and lowest.metrics["smoothness"] == 0.0
        for name in ("seed", "randomized", "deterministic"):
            found = verifier.score(instance, verifier.play(Here(program(name)), instance))
            assert found.value >= 1.0 and found.metrics.keys() == lowest.metrics.keys()
