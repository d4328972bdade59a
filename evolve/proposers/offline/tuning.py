"""Numeric tuning: the constants of a program, lifted to a vector, fitted to the problem.

Least squares in a compiled loop where residuals are smooth, CMA-ES (Hansen 2016, arXiv 1604.00772)
otherwise. The parent's constants are the first start.
"""

from __future__ import annotations

import math
import warnings

import numpy as np

from evaluators.constants import ConstantEvaluator, Vector
from evolve.core.rng import Generator
from sandbox.straight_line import OPERATORS, StraightLine

# Random starts find other optima of small programs; in many dimensions only the warm ones lead anywhere.
MAX_STARTS, MIN_STARTS, STARTS_BUDGET = 40, 8, 200
WARM_STARTS = 4
SHORT_ITERATIONS, FINALISTS, LONG_ITERATIONS = 30, 2, 300
# A long fit seldom gains more than this factor over a short one.
HOPELESS = 1e4
MINIMAX_ROUNDS, MINIMAX_POINTS = 25, 50
EXCHANGE_ROUNDS, EXCHANGE_POINTS = 8, 513
Tape = tuple[np.ndarray, np.ndarray, np.ndarray]

# Constants of good programs spread over orders of magnitude: starts are log-uniform, both signs.
MAGNITUDES = (-0.5, 2.0)


def tune_smooth(
    program: StraightLine, evaluate_constants: ConstantEvaluator, points: int, rng: Generator, good_enough: float
) -> tuple[StraightLine, float]:
    """Constants by multi-start Levenberg-Marquardt on `points` points, and the largest error that they leave.

    A fit whose largest error is below `good_enough` is worth the cost of making it minimax.
    Programs of several arguments or without constants come back as they are, with an infinite error.
    """
    from evolve.proposers.offline import least_squares  # numba takes a second to import

    if not program.constants or not program.steps or len(program.arguments) != 1:
        return program, math.inf
    tape = compile_tape(program)
    coarse, fine = evaluate_constants.smooth_target(points), evaluate_constants.smooth_target(MINIMAX_POINTS)
    starts = _starts(np.array(program.constants), rng)
    bar = points * min(HOPELESS * good_enough, 1e100) ** 2
    constants, _, vectors = least_squares.fit_best(
        *tape, starts, coarse.x, coarse.y, SHORT_ITERATIONS, FINALISTS, LONG_ITERATIONS, bar
    )
    cost = vectors * coarse.fraction
    error = float(least_squares.largest_error(*tape, constants, fine.x, fine.y))
    if error < good_enough:
        dense = evaluate_constants.smooth_target(EXCHANGE_POINTS)
        constants, error, rounds = least_squares.minimax(*tape, constants, fine.x, fine.y, MINIMAX_ROUNDS)
        constants, error, steps = least_squares.equalise(*tape, constants, dense.x, dense.y, EXCHANGE_ROUNDS)
        vectors += rounds + steps
        cost += rounds * fine.fraction + steps * dense.fraction
    evaluate_constants.charge(program, "least squares", int(vectors), float(cost), float(error))
    if not np.isfinite(constants).all():
        return program, math.inf
    return program.with_constants(tuple(constants)), float(error)


def tune_black_box(
    program: StraightLine, evaluate_constants: ConstantEvaluator, rng: Generator, generations: int = 12
) -> StraightLine:
    """Constants by CMA-ES in the space of signed logarithms, from the parent's constants."""
    import cma

    start = np.array(program.constants)
    if start.size < 2:  # the library needs two dimensions
        return _best_of(program, _starts(start, rng), evaluate_constants) if start.size else program
    options = {"seed": int(rng.integers(1, 2**31)), "verbose": -9, "maxiter": generations}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strategy = cma.CMAEvolutionStrategy(_to_log(start), 0.3, options)
        best, best_loss = start, float(evaluate_constants(program, start[np.newaxis])[0])
        while not strategy.stop():
            logs = strategy.ask()
            vectors = np.array([_from_log(np.asarray(vector)) for vector in logs])
            losses = evaluate_constants(program, vectors)
            if losses.min() < best_loss:
                best, best_loss = vectors[int(losses.argmin())], float(losses.min())
            strategy.tell(logs, np.where(np.isfinite(losses), losses, 1e300).tolist())
    return program.with_constants(tuple(best))


def compile_tape(program: StraightLine) -> Tape:
    """(operators, left, right): the steps as integer arrays for the compiled loop.

    The result must be the last step, which holds for every program that has one.
    """
    operators = np.array([OPERATORS.index(op) for op, _, _ in program.steps], dtype=np.int64)
    left = np.array([a for _, a, _ in program.steps], dtype=np.int64)
    right = np.array([b for _, _, b in program.steps], dtype=np.int64)
    return operators, left, right


def _starts(warm: Vector, rng: Generator) -> Vector:
    """[N, P]: the warm start, perturbations of it, and random vectors."""
    size = (min(MAX_STARTS, max(MIN_STARTS, STARTS_BUDGET // warm.size)), warm.size)
    signs = np.where(rng.random(size) < 0.5, -1.0, 1.0)
    starts: Vector = signs * 10.0 ** rng.uniform(*MAGNITUDES, size)
    starts[:WARM_STARTS] = warm * (1.0 + 0.3 * rng.standard_normal((WARM_STARTS, warm.size)))
    starts[0] = warm
    return starts


def _best_of(program: StraightLine, vectors: Vector, evaluate_constants: ConstantEvaluator) -> StraightLine:
    losses = evaluate_constants(program, vectors)
    return program.with_constants(tuple(vectors[int(losses.argmin())]))


def _to_log(vector: Vector) -> Vector:
    logs: Vector = np.arcsinh(vector)
    return logs


def _from_log(logs: Vector) -> Vector:
    vector: Vector = np.sinh(logs)
    return vector
