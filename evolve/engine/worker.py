"""What an engine's worker process does: the named tasks, and the state that they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from evaluators.anticipation import AnticipationCheck
from evaluators.cascade import Evaluator
from evaluators.constants import ConstantEvaluator
from evaluators.outage import of_the_sandbox
from evaluators.process_cascade import ProcessEvaluator
from evaluators.screen import Screened
from evolve.core.errors import InfrastructureError
from evolve.core.types import Candidate, Failure, Promotion, Source, Split, Status, Ticket, Verdict
from evolve.evaluation import make_evaluator
from evolve.problem import load
from evolve.proposers.base import Context
from sandbox.config import SandboxConfig
from sandbox.straight_line import StraightLine


class Worker:
    """One problem, loaded once; one task at a time. `shared` grows by what the loop shares."""

    def __init__(self, folder: str, config: SandboxConfig | None = None) -> None:
        self.problem = load(folder)
        with of_the_sandbox():
            self.evaluator = make_evaluator(self.problem, config)
        self._visits: dict[str, list[int]] = defaultdict(list)
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
        """A record became known: (skeleton id, record number)."""
        self._visits[entry[0]].append(entry[1])

    def visits(self, skeleton_id: str, horizon: int) -> int:
        """How many records up to number `horizon` have the skeleton: the same answer in every worker."""
        return sum(number <= horizon for number in self._visits.get(skeleton_id, ()))

    def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        """The offline proposer's work."""
        from evolve.proposers.offline import propose_text, proposer

        if isinstance(self.evaluator, Evaluator):
            evaluate_constants = ConstantEvaluator(self.evaluator)
            return proposer.propose(self.problem, evaluate_constants, self.visits, ticket, context)
        return propose_text(ticket, context)

    def evaluate(self, screened: Screened[Any]) -> Verdict:
        """Probe and train."""
        return self.evaluator.evaluate(screened.program)

    def prove(self, program: StraightLine) -> Promotion:
        """The gate of an exact problem."""
        if not isinstance(self.evaluator, Evaluator):
            raise InfrastructureError("only straight-line programs can be proven", "This is a fault of Evolve.")
        return self.evaluator.prove(program)

    def check(self, source: Source, seed: int, strictly: bool, recorded: Mapping[str, float]) -> Verdict | None:
        """The non-anticipation check of a driven program, and strict replays: None, or what is wrong."""
        check = AnticipationCheck(self._processes.stage, self.problem.packages)
        return check.check(source, seed, strictly, recorded)

    def final(self, source: Source, place: int, strictly: bool) -> tuple[Status, Mapping[str, float], str]:
        """Status, metrics and feedback of a program on the `place`-th instance of final."""
        stage = self._processes.stage
        instance = stage.verifier.instances(Split.FINAL)[place]
        if strictly:
            return AnticipationCheck(stage, self.problem.packages).score_strictly(source, Split.FINAL, instance)
        run = stage.run(source, Split.FINAL, instance)
        return run.result.status, run.score.metrics if run.score else {}, run.feedback

    def floor(self, split: Split, place: int) -> Mapping[str, float] | None:
        """Metrics of the physical minimum on the `place`-th instance of a split; none where it lacks an objective."""
        verifier = self._processes.stage.verifier
        score = verifier.floor(split, verifier.instances(split)[place].id)
        if score is None or any(objective.metric not in score.metrics for objective in self.problem.objectives):
            return None
        return score.metrics

    def groups(self, split: Split) -> list[str]:
        """The group of each instance of a split, in order."""
        return [instance.group for instance in self._processes.stage.verifier.instances(split)]

    @property
    def _processes(self) -> ProcessEvaluator:
        if not isinstance(self.evaluator, ProcessEvaluator):
            raise InfrastructureError("this problem's programs run in no process", "This is a fault of Evolve.")
        return self.evaluator


WORK: Mapping[str, Callable[..., Any]] = {
    name: getattr(Worker, name) for name in ("propose", "evaluate", "prove", "check", "final", "floor", "groups")
}
