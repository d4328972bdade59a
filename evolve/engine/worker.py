"""What an engine's worker process does: the named tasks, and the state that they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from evaluators.anticipation import AnticipationCheck
from evaluators.cascade import Evaluator
from evaluators.constants import ConstantEvaluator
from evaluators.gate import GateSet
from evaluators.judged import Judged
from evaluators.metrics import mean_metrics
from evaluators.outage import of_the_sandbox
from evaluators.process_cascade import ProcessEvaluator
from evaluators.screen import Screened, screen_baseline
from evaluators.timed_verdicts import RATIO, Duel, Timed, TimedVerdicts
from evolve.core.errors import InfrastructureError
from evolve.core.keys import Keys
from evolve.core.types import Candidate, Failure, Objective, Promotion, Source, Split, Status, Ticket, Verdict
from evolve.evaluation import make_evaluator
from evolve.problem import load
from evolve.proposers.base import Context
from sandbox import wire
from sandbox.config import SandboxConfig
from sandbox.straight_line import StraightLine


class Worker:
    """One problem, loaded once; one task at a time. `shared` grows by what the loop shares."""

    def __init__(self, folder: str, config: SandboxConfig | None = None) -> None:
        self.problem = load(folder)
        with of_the_sandbox():
            self.evaluator = make_evaluator(self.problem, config)
        self._visits: dict[str, list[int]] = defaultdict(list)
        self._is_gate_fixed: bool | None = None
        # Everything slow to load is loaded before the first task.
        _ = self.evaluator.evaluation_set
        if self.problem.tuning.method == "least_squares":
            from evolve.proposers.offline import least_squares

            least_squares.warm_up()

    def close(self) -> None:
        """Gives back what sandboxes and the verifier hold."""
        if isinstance(self.evaluator, ProcessEvaluator):
            self.evaluator.stage.close()

    def share(self, entry: tuple[str, int]) -> None:
        """A record became known: (skeleton id, record number), or (key, record number) of what it computes."""
        self._visits[entry[0]].append(entry[1])

    def visits(self, skeleton_id: str, horizon: int) -> int:
        """How many records up to number `horizon` have the skeleton, or key: the same answer in every worker."""
        return sum(number <= horizon for number in self._visits.get(skeleton_id, ()))

    def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        """The offline proposer's work."""
        from evolve.proposers.offline import propose_text, proposer

        if isinstance(self.evaluator, Evaluator):
            evaluate_constants = ConstantEvaluator(self.evaluator)
            return proposer.propose(self.problem, evaluate_constants, self.visits, ticket, context)
        return propose_text(ticket, context)

    def fit(self, candidate: Candidate, context: Context) -> Candidate:
        """A model's program of arithmetic with fitted constants: its structure is what was proposed."""
        from evolve.proposers.offline import proposer

        if not isinstance(self.evaluator, Evaluator):
            return candidate
        return proposer.fit(self.problem, ConstantEvaluator(self.evaluator), candidate, context)

    def evaluate(self, screened: Screened[Any], whole: bool = True) -> Verdict:
        """Probe and train; of train the first batch alone, where it has batches and not the `whole` is wanted."""
        if isinstance(self.evaluator, ProcessEvaluator):
            return self.evaluator.evaluate(screened.program, whole)
        return self.evaluator.evaluate(screened.program)

    def judge(self, screened: Screened[Any], whole: bool, horizon: int | None) -> Judged:
        """The same with the program's keys. What has those of a score that was shared by `horizon` stops at the probe.

        A `horizon` of None knows of none.
        """

        def known(keys: Keys) -> bool:
            return horizon is not None and any(self.visits(key, horizon) for key in (keys.function, keys.exact))

        if isinstance(self.evaluator, ProcessEvaluator):
            return self.evaluator.judge(screened.program, whole, known)
        return self.evaluator.judge(screened.program, known)

    def measure(self, source: Source, recorded: Mapping[str, float]) -> Verdict:
        """The next batch of train for a program, of which the `recorded` results are known."""
        return self._processes.measure(source, recorded)

    def evaluation_set(self) -> str:
        """The name of train: scores are taken over within it alone."""
        return self.evaluator.evaluation_set

    def order(self) -> list[list[tuple[str, str]]]:
        """Train in its batches: see `ProcessEvaluator.order`."""
        return self._processes.order()

    def prove(self, program: StraightLine) -> Promotion:
        """The gate of an exact problem."""
        if not isinstance(self.evaluator, Evaluator):
            raise InfrastructureError("only straight-line programs can be proven", "This is a fault of Evolve.")
        return self.evaluator.prove(program)

    def gate_set(self, number: int) -> GateSet:
        """The instances that the `number`-th question to the gate meets, and whether all questions meet some of them.

        Fixed sets are those of the problem's own seed, whatever the number.
        """
        verifier = self._processes.stage.verifier
        if self._is_gate_fixed is None:
            shown = []
            for draw in (0, number):
                verifier.draw(Split.GATE, draw)
                shown.append({wire.encode(one.args) for one in verifier.instances(Split.GATE)})
            self._is_gate_fixed = bool(shown[0] & shown[1])
        verifier.draw(Split.GATE, 0 if self._is_gate_fixed else number)
        groups = tuple(one.group for one in verifier.instances(Split.GATE))
        return GateSet(verifier.evaluation_set(Split.GATE), groups, self._is_gate_fixed)

    def gate(self, source: Source, number: int, place: int) -> float | None:
        """The first objective of a program on the `place`-th instance of a question; None where it has no score.

        Where scores are stochastic it is the mean of several runs, as on train.

        Raises:
            ProblemError: the verifier gives no such metric.
        """
        self.gate_set(number)
        stage, objectives = self._processes.stage, self.problem.objectives[:1]
        instance = stage.verifier.instances(Split.GATE)[place]
        scores = []
        for repeat in range(self.problem.repeats):
            score = stage.run(source, Split.GATE, instance, repeat).score
            if score is None:
                return None
            scores.append(score)
        return mean_metrics(scores, objectives)[objectives[0].metric]

    def duel(self, source: Source, rival: Source, number: int, level: float, effect: float) -> Duel:
        """A question to the gate where the score is a time: is the program faster than its rival?"""
        self.gate_set(number)
        return self._times.duel(source, rival, number, level, effect)

    def noise(self) -> float:
        """The smallest relative difference of times that may be believed on this machine, now."""
        return self._times.noise().smallest_effect

    def check(self, source: Source, seed: int, strictly: bool, recorded: Mapping[str, float]) -> Verdict | None:
        """The non-anticipation check of a driven program, and strict replays: None, or what is wrong."""
        check = AnticipationCheck(self._processes.stage)
        return check.check(source, seed, strictly, recorded)

    def final(self, source: Source, place: int, strictly: bool) -> tuple[Status, Mapping[str, float], str]:
        """Status, metrics and feedback of a program on the `place`-th instance of final.

        Where scores are stochastic the metrics are the means over as many runs as train has.
        """
        stage = self._processes.stage
        instance = stage.verifier.instances(Split.FINAL)[place]
        if strictly:
            return AnticipationCheck(stage).score_strictly(source, Split.FINAL, instance)
        scores = []
        for repeat in range(self.problem.repeats):
            run = stage.run(source, Split.FINAL, instance, repeat)
            if run.score is None:
                return run.result.status, {}, run.feedback
            scores.append(run.score)
        return Status.OK, mean_metrics(scores, self._scored_objectives), run.feedback

    def times(self, source: Source) -> Timed:
        """A program timed against the reference on final, where its scores are measured by `final`."""
        return self._times.ratio(source, Split.FINAL)

    def final_times(self, source: Source) -> Timed:
        """A program on all of final, timed against the reference."""
        return self._times.on_final(source)

    def report(self, source: Source) -> tuple[Status, Mapping[str, float], str]:
        """Status, metrics and feedback of a program on all of report, where policies of search are compared.

        It is not replayed strictly: a driven program was, on train, before it became a champion.
        """
        if isinstance(self.evaluator, Evaluator):
            return self.evaluator.report(screen_baseline(source).program)
        if self._processes.times is not None:
            timed = self._processes.times.on_final(source, Split.REPORT)
            return timed.status, timed.metrics, timed.feedback
        stage, scores = self._processes.stage, []
        for repeat in range(self.problem.repeats):
            for run in stage.runs(source, Split.REPORT, stage.verifier.instances(Split.REPORT), repeat):
                if run.score is None:
                    return run.result.status, {}, run.feedback
                scores.append(run.score)
        return Status.OK, mean_metrics(scores, self.problem.objectives), ""

    def floor(self, split: Split, place: int) -> Mapping[str, float] | None:
        """Metrics of the physical minimum on the `place`-th instance of a split; none where it lacks an objective."""
        verifier = self._processes.stage.verifier
        score = verifier.floor(split, verifier.instances(split)[place].id)
        if score is None or any(objective.metric not in score.metrics for objective in self._scored_objectives):
            return None
        return score.metrics

    def groups(self, split: Split) -> list[str]:
        """The group of each instance of a split, in order."""
        return [instance.group for instance in self._processes.stage.verifier.instances(split)]

    @property
    def _scored_objectives(self) -> tuple[Objective, ...]:
        """The objectives that the verifier gives: all but times, which are compared elsewhere."""
        return tuple(one for one in self.problem.objectives if one.metric != RATIO)

    @property
    def _times(self) -> TimedVerdicts:
        if self._processes.times is None:
            raise InfrastructureError("this problem's programs are not timed", "This is a fault of Evolve.")
        return self._processes.times

    @property
    def _processes(self) -> ProcessEvaluator:
        if not isinstance(self.evaluator, ProcessEvaluator):
            raise InfrastructureError("this problem's programs run in no process", "This is a fault of Evolve.")
        return self.evaluator


_OF_CANDIDATES = ("propose", "fit", "evaluate", "judge", "measure", "check", "prove")
_OF_CHAMPIONS = ("gate", "duel", "final", "final_times", "times", "report")
_OF_INSTANCES = ("evaluation_set", "order", "groups", "gate_set", "floor", "noise")
_NAMES = (*_OF_CANDIDATES, *_OF_CHAMPIONS, *_OF_INSTANCES)
WORK: Mapping[str, Callable[..., Any]] = {name: getattr(Worker, name) for name in _NAMES}
