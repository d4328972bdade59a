"""Whole runs of a problem whose score is a time, in real sandboxes: what is slower is refused, what is faster stays."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from timed_problem import QUICK, SLOW

from archive.store import Archive
from evaluators.gate import GateSet
from evaluators.timed_verdicts import Duel
from evolve import run
from evolve.core.errors import InfrastructureError
from evolve.core.types import Promotion, Question, Record, Status, Ticket, Verdict
from evolve.display.program import question_words
from evolve.engine.base import Engine, Task
from evolve.engine.local import LocalEngine
from evolve.events import Event, Preparing, Warned, ignore
from evolve.problem import Problem
from evolve.timed_gating import gatekeeper

pytestmark = pytest.mark.bubblewrap
WriteTimed = Callable[..., Problem]


def test_what_is_faster_becomes_champion_and_is_measured_again(timed: WriteTimed, tmp_path: Path) -> None:
    said: list[Event] = []
    problem = timed(pairs=20, b_slow=SLOW, c_quick=QUICK)
    result = run(problem.folder, archive=tmp_path / "a.db", start="baselines", evaluations=3, listener=said.append)
    with Archive.open(tmp_path / "a.db") as archive:
        seed, slow, quick = archive.records(result.run_id)
        lines = [json.loads(line) for line in archive.export(result.run_id)]
    assert seed.verdict.metrics == {"right": 1.0, "time_ratio": 1.0, "time_ratio_low": 1.0, "time_ratio_high": 1.0}
    assert slow.verdict.metrics["time_ratio_low"] > 1.0 and slow.promotion is None
    found = quick.verdict.metrics
    assert found["time_ratio_low"] <= found["time_ratio"] <= found["time_ratio_high"] < 0.9
    assert all(one.score is not None and one.score < 0.9 for one in quick.verdict.results)
    assert [one.score for one in seed.verdict.results] == [1.0, 1.0]
    assert quick.verdict.value == found["time_ratio"] and "of the reference's time" in quick.verdict.feedback

    assert quick.promotion is not None and quick.promotion.accepted and quick.promotion.question is not None
    question = quick.promotion.question
    assert question.timed and question.groups == 20 and question.statistic is not None
    assert question.statistic < 0.9 and question.statistic != found["time_ratio"]
    # 0.769 is needed by minimum_effect, and less where this machine is louder.
    words = re.search(r"of the champion's time, (\S+) needed, 20 pairs, question 1", question_words(quick.promotion))
    assert words and float(words[1]) <= 0.769
    assert "asked once, 1 accepted; 20 pairs of processes, noise up to " in str(result)

    best, last = result.final[quick.program_id or ""], result.final[seed.program_id or ""]
    assert best["time_ratio"] < 0.9 and best["time_ratio"] not in (found["time_ratio"], question.statistic)
    assert best["right"] == 1.0 and best["groups"] == 2.0 and best["ahead_low"] == best["ahead_high"] == 0.0
    assert last["time_ratio"] == 1.0 and 0.0 < last["ahead_low"] < last["ahead"] < last["ahead_high"]
    assert "beyond doubt better than" in str(result)
    exported = [line for line in lines if line["type"] == "record"]
    assert exported[2]["promotion"]["question"]["statistic"] == question.statistic
    assert not any(isinstance(event, Warned) and "side by side" in event.text for event in said)


def test_more_workers_are_warned_of(timed: WriteTimed, tmp_path: Path) -> None:
    said: list[Event] = []
    arguments = {"evaluations": 1, "start": "seed", "final_check": False, "listener": said.append}
    run(timed().folder, archive=tmp_path / "a.db", workers=2, **arguments)  # type: ignore[arg-type]
    (warning,) = [event for event in said if isinstance(event, Warned) and "side by side" in event.text]
    assert warning.text.startswith("2 workers time programs") and "--workers" in warning.text


def test_questions_end_where_the_pairs_can_decide_none(timed: WriteTimed) -> None:
    problem = timed(c_quick=QUICK)
    engine = LocalEngine(str(problem.folder), 1)
    keeper = gatekeeper(problem, engine)
    verdict = Verdict(Status.OK, 0.5, {"time_ratio": 0.5}, stage="train", evaluation_set="train")
    record = Record(3, Ticket(3, "expand", (), (), "start", None, 0), None, verdict, "program")
    question = Question(2, 10, False, 0.5, 0.7)
    keeper.restore(replace(record, promotion=Promotion(True, {}, "gate", "faster", question)))

    async def asked() -> Promotion:
        await keeper.open(ignore)
        return await keeper(record, problem.baselines["c_quick"], problem.seed)

    try:
        promotion = asyncio.run(asked())
    finally:
        engine.close()
    assert not promotion.accepted and promotion.question is None
    assert promotion.reason == "10 pairs can decide no further question: raise pairs under [timing]"
    assert (keeper.count.asked, keeper.count.accepted, keeper.count.pairs) == (2, 1, 10)


@pytest.mark.parametrize(("noise", "effect"), [(0.1, 0.3), (0.5, 0.5)])
def test_what_is_believed_lies_above_the_noise_that_was_measured(
    timed: WriteTimed, noise: float, effect: float
) -> None:
    class Loud(Engine):
        asked: Task

        async def run(self, task: Task) -> object:
            self.asked = task
            duel = Duel(False, "not shown to be faster", 1.0 / (1.0 + effect), 0.9, 20)
            return {"noise": noise, "gate_set": GateSet("gate", ("a", "b"), False), "duel": duel}[task.name]

    problem, engine, said = timed(pairs=20), Loud(), list[Event]()
    keeper = gatekeeper(problem, engine)
    verdict = Verdict(Status.OK, 0.5, {"time_ratio": 0.5}, stage="train", evaluation_set="train")
    record = Record(3, Ticket(3, "expand", (), (), "start", None, 0), None, verdict, "program")

    async def asked() -> None:
        await keeper.open(said.append)
        await keeper(record, problem.seed, problem.seed)

    asyncio.run(asked())
    assert engine.asked.name == "duel" and engine.asked.args[-1] == effect
    assert said[0] == Preparing(0, 1, noise=True)
    warned = [event.text for event in said if isinstance(event, Warned)]
    promoted = ["more than 50.0% is promoted" in text for text in warned]
    assert promoted == ([True] if noise > 0.3 else [])
    assert keeper.count.noise == noise and f"noise up to {noise:.1%}" in str(keeper.count)


def test_a_machine_that_is_too_unsteady_ends_the_command_and_not_the_run(
    timed: WriteTimed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = timed()

    async def unsteady(self: LocalEngine, task: Task) -> object:
        if task.name == "final_times":
            raise InfrastructureError("this machine's speed changed", "End other work on it.")
        return await work(self, task)

    work = LocalEngine.run
    monkeypatch.setattr(LocalEngine, "run", unsteady)
    with pytest.raises(InfrastructureError) as caught:
        run(problem.folder, archive=tmp_path / "a.db", evaluations=1, start="seed")
    assert caught.value.message == "this machine's speed changed"
    assert "End other work on it. Nothing is lost; then: evolve run --resume" in caught.value.remedy
