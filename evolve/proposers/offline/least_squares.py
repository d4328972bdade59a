"""Levenberg-Marquardt for the constants of straight-line programs, compiled by numba.

A program is a tape: `operators[k]` (0 + 1 - 2 * 3 /) applied to slots `left[k]`, `right[k]`; slot 0 is x,
slots 1 .. P the constants, slot 1+P+k the k-th result. The residual at x_i is w_i (f(x_i) / y_i - 1), its
Jacobian comes from forward-mode differentiation along the tape.

Sources: Levenberg 1944; Marquardt 1963, damping scaled by the diagonal of J'J; Lawson 1961 for the
reweighting that turns least squares into minimax; Remez 1934 for its last digits.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Codes = NDArray[np.int64]

_jit = numba.njit(cache=True, error_model="numpy", fastmath=False)
_MAX_DAMPING_STEPS = 12


@_jit
def _linearise(operators, left, right, constants, x, y, weights, residual, jacobian, slots, slopes):  # type: ignore[no-untyped-def]
    """Fill `residual` [M] and `jacobian` [M, P]; `slots` [S] and `slopes` [S, P] are scratch."""
    count = constants.shape[0]
    last = count + operators.shape[0]
    for j in range(count):
        slots[1 + j] = constants[j]
    for i in range(x.shape[0]):
        slots[0] = x[i]
        for k in range(operators.shape[0]):
            a, b, operator = left[k], right[k], operators[k]
            va, vb = slots[a], slots[b]
            if operator == 0:
                value, da, db = va + vb, 1.0, 1.0
            elif operator == 1:
                value, da, db = va - vb, 1.0, -1.0
            elif operator == 2:
                value, da, db = va * vb, vb, va
            else:
                value = va / vb
                da, db = 1.0 / vb, -value / vb
            slot = 1 + count + k
            slots[slot] = value
            for j in range(count):
                slope = 0.0
                if a > count:
                    slope += da * slopes[a, j]
                elif a == 1 + j:
                    slope += da
                if b > count:
                    slope += db * slopes[b, j]
                elif b == 1 + j:
                    slope += db
                slopes[slot, j] = slope
        scale = weights[i] / y[i]
        residual[i] = scale * slots[last] - weights[i]
        for j in range(count):
            jacobian[i, j] = scale * slopes[last, j]


@_jit
def _sum_of_squares(residual):  # type: ignore[no-untyped-def]
    total = 0.0
    for value in residual:
        total += value * value
    return total


@_jit
def _normal_equations(residual, jacobian, normal, gradient):  # type: ignore[no-untyped-def]
    """Fill `normal` = J'J (lower half) and `gradient` = J'r; False where they are not finite."""
    count = gradient.shape[0]
    for a in range(count):
        gradient[a] = 0.0
        for b in range(a + 1):
            normal[a, b] = 0.0
    for i in range(residual.shape[0]):
        for a in range(count):
            gradient[a] += jacobian[i, a] * residual[i]
            for b in range(a + 1):
                normal[a, b] += jacobian[i, a] * jacobian[i, b]
    total = 0.0
    for a in range(count):
        total += normal[a, a] + gradient[a]
    return np.isfinite(total)


@_jit
def _solve(normal, gradient, damping, factor, step):  # type: ignore[no-untyped-def]
    """Cholesky solution of (N + damping diag N) step = -gradient; False where it is not positive definite."""
    count = gradient.shape[0]
    trace = 0.0
    for j in range(count):
        trace += normal[j, j]
    for i in range(count):
        for j in range(i + 1):
            total = normal[i, j]
            if i == j:
                total += damping * (total + 1e-12 * trace + 1e-300)
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i == j:
                if not total > 0.0:
                    return False
                factor[i, i] = np.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    for i in range(count):
        total = -gradient[i]
        for k in range(i):
            total -= factor[i, k] * step[k]
        step[i] = total / factor[i, i]
    for back in range(count):
        i = count - 1 - back
        total = step[i]
        for k in range(i + 1, count):
            total -= factor[k, i] * step[k]
        step[i] = total / factor[i, i]
    return True


@_jit
def fit(operators, left, right, start, x, y, weights, iterations):  # type: ignore[no-untyped-def]
    """Least squares from one start: (constants [P], sum of squares, vectors evaluated)."""
    count, points = start.shape[0], x.shape[0]
    slots = np.empty(1 + count + operators.shape[0])
    slopes = np.zeros((slots.shape[0], count))
    residual, trial_residual = np.empty(points), np.empty(points)
    jacobian, trial_jacobian = np.empty((points, count)), np.empty((points, count))
    normal, factor = np.empty((count, count)), np.empty((count, count))
    gradient, step = np.empty(count), np.empty(count)
    constants = start.copy()
    _linearise(operators, left, right, constants, x, y, weights, residual, jacobian, slots, slopes)
    best, damping, vectors = _sum_of_squares(residual), 1e-3, 1
    if not np.isfinite(best):
        return constants, np.inf, vectors
    for iteration in range(iterations):
        if not _normal_equations(residual, jacobian, normal, gradient):
            break
        improved = 0.0
        for _ in range(_MAX_DAMPING_STEPS):
            if not _solve(normal, gradient, damping, factor, step):
                damping = damping * 10.0 + 1e-12
                continue
            trial = constants + step
            _linearise(operators, left, right, trial, x, y, weights, trial_residual, trial_jacobian, slots, slopes)
            vectors += 1
            total = _sum_of_squares(trial_residual)
            if total < best:
                improved = (best - total) / best
                constants, best = trial, total
                residual, trial_residual = trial_residual, residual
                jacobian, trial_jacobian = trial_jacobian, jacobian
                damping = max(damping * 0.33, 1e-15)
                break
            damping *= 3.0
        if improved == 0.0 or (improved < 1e-6 and iteration > 5):
            break
    return constants, best, vectors


@_jit
def fit_best(operators, left, right, starts, x, y, iterations, finalists, final_iterations, bar):  # type: ignore[no-untyped-def]
    """Short fits from all `starts` [N, P], then long ones from the best distinct `finalists`.

    Ends where the short fits' sum of squares exceeds `bar`. (constants [P], sum of squares, vectors evaluated).
    """
    number = starts.shape[0]
    weights = np.ones(x.shape[0])
    totals, ends = np.full(number, np.inf), starts.copy()
    vectors = 0
    for s in range(number):
        ends[s], totals[s], used = fit(operators, left, right, starts[s], x, y, weights, iterations)
        vectors += used
    order = np.argsort(totals)
    best, constants = totals[order[0]], ends[order[0]].copy()
    previous, chosen = -1.0, 0
    for s in order:
        if chosen >= finalists or not totals[s] <= bar:
            break
        if previous > 0.0 and totals[s] < previous * (1.0 + 1e-4):
            continue  # the same optimum was already taken up
        previous = totals[s]
        chosen += 1
        end, total, used = fit(operators, left, right, ends[s], x, y, weights, final_iterations)
        vectors += used
        if total < best:
            best, constants = total, end
    return constants, best, vectors


@_jit
def largest_error(operators, left, right, constants, x, y):  # type: ignore[no-untyped-def]
    """max |f(x_i) / y_i - 1|, infinite where any value is not finite."""
    count = constants.shape[0]
    slots = np.empty(1 + count + operators.shape[0])
    for j in range(count):
        slots[1 + j] = constants[j]
    worst = 0.0
    for i in range(x.shape[0]):
        slots[0] = x[i]
        for k in range(operators.shape[0]):
            va, vb = slots[left[k]], slots[right[k]]
            if operators[k] == 0:
                value = va + vb
            elif operators[k] == 1:
                value = va - vb
            elif operators[k] == 2:
                value = va * vb
            else:
                value = va / vb
            slots[1 + count + k] = value
        error = abs(slots[count + operators.shape[0]] / y[i] - 1.0)
        if not error <= worst:
            worst = error if np.isfinite(error) else np.inf
    return worst


@_jit
def _eliminate(matrix):  # type: ignore[no-untyped-def]
    """Solve the augmented system [N, N+1] in place by Gauss with pivoting; the solution ends in the last column."""
    size = matrix.shape[0]
    for k in range(size):
        pivot = k
        for i in range(k + 1, size):
            if abs(matrix[i, k]) > abs(matrix[pivot, k]):
                pivot = i
        if not abs(matrix[pivot, k]) > 1e-300:
            return False
        for j in range(size + 1):
            matrix[k, j], matrix[pivot, j] = matrix[pivot, j], matrix[k, j]
        for i in range(size):
            if i != k:
                ratio = matrix[i, k] / matrix[k, k]
                for j in range(k, size + 1):
                    matrix[i, j] -= ratio * matrix[k, j]
    for k in range(size):
        matrix[k, size] /= matrix[k, k]
    return True


@_jit
def _extrema(residual, chosen):  # type: ignore[no-untyped-def]
    """Indices of the largest residual of each run of one sign, written to `chosen`; returns how many."""
    found = 0
    for i in range(residual.shape[0]):
        if found and (residual[i] > 0.0) == (residual[chosen[found - 1]] > 0.0):
            if abs(residual[i]) > abs(residual[chosen[found - 1]]):
                chosen[found - 1] = i
        else:
            chosen[found] = i
            found += 1
    return found


@_jit
def equalise(operators, left, right, start, x, y, rounds):  # type: ignore[no-untyped-def]
    """Newton steps on f(x_i) / y_i - 1 = +-E over P+1 alternating extrema: Remez' exchange, linearised in the
    constants. (constants [P], largest error on x, vectors evaluated); never worse than the start."""
    points, count = x.shape[0], start.shape[0]
    slots = np.empty(1 + count + operators.shape[0])
    slopes = np.zeros((slots.shape[0], count))
    residual, jacobian, ones = np.empty(points), np.empty((points, count)), np.ones(points)
    chosen = np.empty(points, np.int64)
    system = np.empty((count + 1, count + 2))
    constants, best = start.copy(), largest_error(operators, left, right, start, x, y)
    vectors = 1
    for _ in range(rounds):
        _linearise(operators, left, right, constants, x, y, ones, residual, jacobian, slots, slopes)
        found = _extrema(residual, chosen)
        first = 0
        while found - first > count + 1:  # more than are needed: the smaller end goes
            if abs(residual[chosen[first]]) < abs(residual[chosen[found - 1]]):
                first += 1
            else:
                found -= 1
        if found - first < count + 1:
            break
        for row in range(count + 1):
            i = chosen[first + row]
            for j in range(count):
                system[row, j] = jacobian[i, j]
            system[row, count] = -1.0 if residual[i] > 0.0 else 1.0
            system[row, count + 1] = -residual[i]
        if not _eliminate(system):
            break
        trial = constants + system[:count, count + 1]
        error = largest_error(operators, left, right, trial, x, y)
        vectors += 2
        if not error < best * (1.0 - 1e-9):
            break
        constants, best = trial, error
    return constants, best, vectors


@_jit
def minimax(operators, left, right, start, x, y, rounds):  # type: ignore[no-untyped-def]
    """Lawson's reweighted fits: (constants [P], largest error on x, vectors evaluated)."""
    points = x.shape[0]
    count = start.shape[0]
    slots = np.empty(1 + count + operators.shape[0])
    slopes = np.zeros((slots.shape[0], count))
    residual, jacobian = np.empty(points), np.empty((points, count))
    ones, weights = np.ones(points), np.ones(points)
    constants, best_constants = start.copy(), start.copy()
    best = largest_error(operators, left, right, start, x, y)
    vectors = 1
    for _ in range(rounds):
        _linearise(operators, left, right, constants, x, y, ones, residual, jacobian, slots, slopes)
        sizes = np.abs(residual)
        largest = np.max(sizes)
        if not (np.isfinite(largest) and largest > 0.0):
            break
        weights = weights * np.sqrt(sizes / largest + 1e-3)
        weights = weights / np.sqrt(np.mean(weights * weights))
        constants, _, used = fit(operators, left, right, constants, x, y, weights, 8)
        error = largest_error(operators, left, right, constants, x, y)
        vectors += used + 2
        if error < best:
            best, best_constants = error, constants.copy()
    return best_constants, best, vectors


def warm_up() -> None:
    """Compile everything, or load it from numba's cache; the first time takes some 15 seconds."""
    tape = np.array([0]), np.array([0]), np.array([1])
    start, x, y = np.array([1.0]), np.linspace(0.0, 1.0, 3), np.ones(3)
    fit_best(*tape, start[np.newaxis], x, y, 1, 1, 1, np.inf)
    minimax(*tape, start, x, y, 1)
    equalise(*tape, start, x, y, 1)
