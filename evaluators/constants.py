"""Losses for vectors of constants of one lifted program, and what trying them costs.

A proposer tunes constants through this and nothing else: each vector that it tries is charged the
share of an evaluation that it took, and the batch is kept as a measurement that no policy is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evaluators.cascade import Evaluator, SmoothTarget
from evaluators.screen import identify_skeleton
from evolve.core.errors import Invalid
from evolve.core.types import Measurement
from sandbox.straight_line import StraightLine

Vector = NDArray[np.float64]


@dataclass
class ConstantEvaluator:
    """`evaluate_constants` of a context: call it with vectors [K, P] to get losses [K], infinite where it failed.

    The loss is the first objective, signed so that less is better, on train.
    """

    evaluator: Evaluator
    measurements: list[Measurement] = field(default_factory=list)

    def __call__(self, program: StraightLine, vectors: Vector) -> Vector:
        losses = np.array([self._loss(program.with_constants(tuple(vector))) for vector in vectors])
        finite = losses[np.isfinite(losses)]
        best = float(finite.min()) if finite.size else np.inf
        self.charge(program, "black box", len(vectors), float(len(vectors)), best)
        return losses

    def smooth_target(self, points: int) -> SmoothTarget:
        """A subset of train for compiled least squares: `points` of its points at the roots of a
        Chebyshev polynomial: never an end, where a program may divide by zero and still have a value.

        Raises:
            ProblemError: the problem's verifier has no `target`.
        """
        if points not in self.evaluator.smooth_targets:
            self.evaluator.smooth_targets[points] = self._thin_out(points)
        return self.evaluator.smooth_targets[points]

    def _thin_out(self, points: int) -> SmoothTarget:
        instance = self.evaluator.train[0]
        x, y = self.evaluator.verifier.target(instance)
        order = np.argsort(x)
        nodes = (1.0 - np.cos(np.pi * (np.arange(points) + 0.5) / points)) / 2.0
        wanted = x[order[0]] + nodes * (x[order[-1]] - x[order[0]])
        chosen = order[np.minimum(np.searchsorted(x[order], wanted), len(x) - 1)]
        return SmoothTarget(np.ascontiguousarray(x[chosen]), np.ascontiguousarray(y[chosen]), points / len(x))

    def charge(self, program: StraightLine, purpose: str, vectors: int, evaluations: float, best_loss: float) -> None:
        """Note that `vectors` were tried on the program's skeleton, at the cost of `evaluations`."""
        self.measurements.append(Measurement(identify_skeleton(program), purpose, vectors, evaluations, best_loss))

    def _loss(self, program: StraightLine) -> float:
        objective = self.evaluator.objectives[0]
        try:
            scores = [
                self.evaluator.verifier.score(instance, program.evaluate(*instance.args))
                for instance in self.evaluator.train
            ]
        except Invalid:
            return np.inf
        loss = float(np.mean([objective.cost(score.metrics[objective.metric]) for score in scores]))
        return loss if np.isfinite(loss) else np.inf
