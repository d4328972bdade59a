"""A dead process is the program's fault only where a trivial program lives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evaluators.process_cascade import ProcessEvaluator
from evaluators.stage import CANARY, MAX_DEATHS, Seat, Stage
from evaluators.verifier_process import VerifierProcess
from evolve.core.errors import InfrastructureError
from evolve.core.types import Source, Status
from evolve.evaluation import make_evaluator
from evolve.problem import Problem
from sandbox.base import Reply
from sandbox.limits import Limits

WriteProblem = Callable[..., Problem]
DEAD = Reply(Status.CRASHED, error="its process ended without an answer", died=True)


class Sessions:
    """A sandbox whose programs die a number of times before they answer, and whose canaries live or do not."""

    def __init__(self, deaths: int, canary_lives: bool) -> None:
        self.deaths, self.canary_lives = deaths, canary_lives
        self.opened: list[str] = []

    def open(self, source: Source, limits: Limits, *, driver: str | None = None, seed: int = 0) -> Sessions:
        self.opened.append(source.entry)
        return self

    def call(self, entry: str, *args: object) -> Reply:
        if entry == CANARY.entry:
            return Reply(Status.OK, 42) if self.canary_lives else DEAD
        self.deaths -= 1
        return DEAD if self.deaths >= 0 else Reply(Status.OK, sorted(args[0]))  # type: ignore[call-overload]

    def close(self) -> None:
        pass


def _evaluator(problem: Problem, sessions: Sessions) -> tuple[ProcessEvaluator, VerifierProcess]:
    pytest.importorskip("resource")
    verifier = make_evaluator(problem).stage.verifier  # type: ignore[union-attr]
    seat = Seat(sessions, Limits(), "instance", None, "arrange")
    return ProcessEvaluator(Stage(seat, verifier), problem.objectives), verifier


def test_one_death_is_tried_again(write_problem: WriteProblem) -> None:
    sessions = Sessions(2, canary_lives=True)
    evaluator, verifier = _evaluator(write_problem("sort"), sessions)
    assert evaluator.evaluate(Source({}, "arrange")).status is Status.OK
    assert sessions.opened[:5] == ["arrange", "sing", "arrange", "sing", "arrange"]
    verifier.close()


def test_three_deaths_while_canaries_live_are_a_crash(write_problem: WriteProblem) -> None:
    sessions = Sessions(MAX_DEATHS, canary_lives=True)
    evaluator, verifier = _evaluator(write_problem("sort"), sessions)
    verdict = evaluator.evaluate(Source({}, "arrange"))
    assert verdict.status is Status.CRASHED and "without an answer" in verdict.feedback
    assert sessions.opened == ["arrange", "sing"] * MAX_DEATHS
    verifier.close()


def test_a_dead_canary_is_our_fault(write_problem: WriteProblem) -> None:
    evaluator, verifier = _evaluator(write_problem("sort"), Sessions(9, canary_lives=False))
    with pytest.raises(InfrastructureError, match="a trivial program got no answer"):
        evaluator.evaluate(Source({}, "arrange"))
    verifier.close()
