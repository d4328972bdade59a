"""What an engine's worker process does: the named tasks, and the state that they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from evaluators.cascade import Evaluator
from evaluators.constants import ConstantEvaluator
from evaluators.screen import Screened
from evolve.core.types import Candidate, Failure, Promotion, Ticket, Verdict
from evolve.problem import Problem, load
from evolve.proposers.base import Context
from sandbox.straight_line import StraightLine


class Worker:
    """One problem, loaded once; one task at a time. `shared` grows by what the loop shares."""

    def __init__(self, folder: str) -> None:
        self.problem = load(folder)
        self.evaluator = make_evaluator(self.problem)
        self._visits: dict[str, list[int]] = defaultdict(list)
        # Everything slow to load is loaded before the first task.
        _ = self.evaluator.evaluation_set
        if self.problem.tuning.method == "least_squares":
            from evolve.proposers.offline import least_squares

            least_squares.warm_up()

    def share(self, entry: tuple[str, int]) -> None:
        """A record became known: (skeleton id, record number)."""
        self._visits[entry[0]].append(entry[1])

    def visits(self, skeleton_id: str, horizon: int) -> int:
        """How many records up to number `horizon` have the skeleton: the same answer in every worker."""
        return sum(number <= horizon for number in self._visits.get(skeleton_id, ()))

    def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        """The offline proposer's work."""
        from evolve.proposers.offline import proposer

        return proposer.propose(self.problem, ConstantEvaluator(self.evaluator), self.visits, ticket, context)

    def evaluate(self, screened: Screened) -> Verdict:
        """Probe and train."""
        return self.evaluator.evaluate(screened.program)

    def prove(self, program: StraightLine) -> Promotion:
        """The gate of an exact problem."""
        return self.evaluator.prove(program)


WORK: Mapping[str, Callable[..., Any]] = {
    "propose": Worker.propose,
    "evaluate": Worker.evaluate,
    "prove": Worker.prove,
}


def make_evaluator(problem: Problem) -> Evaluator:
    """An evaluator with the problem's verifier."""
    return Evaluator(problem.verifier, problem.objectives, problem.version, problem.split_seed)
