"""What a would-be champion is asked where the score is a time: is it faster than the champion, directly?"""

from __future__ import annotations

from dataclasses import replace

from evaluators.gate import Gate, GateSet
from evaluators.timed_verdicts import Duel
from evaluators.timing import Plan
from evolve.core.types import Objective, Promotion, Question, Record, Source
from evolve.engine.base import Engine, Task
from evolve.events import Listener, Preparing, Warned
from evolve.gating import GateCount, Gatekeeper
from evolve.problem import Problem


def gatekeeper(problem: Problem, engine: Engine) -> Gatekeeper:
    """Who asks the gate of a sampled problem: by times, where these are its score."""
    if problem.timing is None or not problem.is_timed:
        return Gatekeeper(engine, problem.objectives[0])
    return TimedGatekeeper(engine, problem.objectives[0], problem.timing.plan)


class TimedGatekeeper(Gatekeeper):
    """Times the program against its rival in pairs of fresh processes, on the instances of each question.

    All pairs are measured and nothing is pooled with what selected the program. The pairs are the unit, so groups play
    no role; the error of a question is the one that any gate may spend on it. Where that has become so small that the
    pairs can decide nothing, nothing more is accepted. The least effect that is believed lies above the noise that was
    measured when the gate was opened, whatever the problem declares.
    """

    def __init__(self, engine: Engine, objective: Objective, plan: Plan) -> None:
        super().__init__(engine, objective)
        self._plan = plan
        self._gate = Gate(least_groups=1)
        self._noise = 0.0

    async def open(self, listener: Listener) -> None:
        """Also times the reference against itself, which takes as long as a question to the gate."""
        await super().open(listener)
        listener(Preparing(0, 1, noise=True))
        self._noise = await self._engine.run(Task("noise", ()))
        if self._noise >= self._plan.minimum_effect:
            listener(Warned(self._warning))

    @property
    def _warning(self) -> str:
        return (
            f"the reference against itself differs by up to {self._noise:.1%} here, and minimum_effect is "
            f"{self._plan.minimum_effect:.1%}: only what is faster by more than {self._noise:.1%} is promoted. "
            "End other work on this machine for finer answers."
        )

    @property
    def count(self) -> GateCount:
        """What was asked so far."""
        return replace(super().count, pairs=self._plan.most_pairs, noise=self._noise)

    async def _asked(self, record: Record, source: Source, rival: Source) -> Promotion:
        number, priority, level = self._gate.queries + 1, record.ticket.number, self._gate.next_level()
        found: GateSet = await self._engine.run(Task("gate_set", (number,), priority))
        metrics = record.verdict.metrics
        if not self._plan.decides(level):
            reason = f"{self._plan.most_pairs} pairs can decide no further question: raise pairs under [timing]"
            return Promotion(False, metrics, found.evaluation_set, reason)
        effect = max(self._plan.minimum_effect, self._noise)
        duel: Duel = await self._engine.run(Task("duel", (source, rival, number, level, effect), priority))
        self._gate.note(duel.accepted)
        question = Question(number, duel.pairs, found.fixed, duel.ratio, duel.needed)
        return Promotion(duel.accepted, metrics, found.evaluation_set, duel.reason, question)
