"""The best 2**x program of N operations, by trying every skeleton: what the search can at most find.

    .venv/bin/python benchmarks/enumerate_exp2.py 4      # seconds
    .venv/bin/python benchmarks/enumerate_exp2.py 5      # minutes

Skeletons that a free constant makes equal (t - c and t + c, t / c and t * c, two constants in a row) are
tried once, and of independent operations in either order the one that sorts first. Each is fitted from 60 starts.
A skeleton with fewer than N - 2 constants is left out unless `--all` is given.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
from collections.abc import Iterator

import numpy as np

from evolve.core.rng import generator
from evolve.proposers.offline import least_squares
from evolve.proposers.offline.tuning import LONG_ITERATIONS, MAGNITUDES, SHORT_ITERATIONS, compile_tape
from sandbox.straight_line import Builder, StraightLine, Value

STARTS, FINALISTS, POINTS = 60, 10, 14
X, CONSTANT = ("a", 0.0), ("c", 1.0)
Operation = tuple[str, Value, Value]


def operations(index: int) -> list[Operation]:
    """Everything that operation `index` may be, constants being free."""
    scope: list[Value] = [X, *(("s", i) for i in range(index))]
    forms: list[Operation] = []
    for v in scope:
        forms += [("+", v, CONSTANT), ("-", CONSTANT, v), ("*", v, CONSTANT), ("/", CONSTANT, v), ("*", v, v)]
    for v, w in itertools.combinations(scope, 2):
        forms += [("+", v, w), ("*", v, w), ("-", v, w), ("-", w, v), ("/", v, w), ("/", w, v)]
    return forms


def skeletons(size: int, begun: list[Operation] | None = None) -> Iterator[list[Operation]]:
    """All sequences of `size` operations in which each but the last is used."""
    begun = begun or []
    index = len(begun)
    if index == size:
        yield begun
        return
    for form in operations(index):
        grown = [*begun, form]
        used = {v for _, *pair in grown for v in pair if v[0] == "s"}
        if index - len(used) <= size - 1 - index and form not in begun and _is_first_of_its_kind(grown):
            yield from skeletons(size, grown)


def _is_first_of_its_kind(grown: list[Operation]) -> bool:
    symbol, *pair = grown[-1]
    index = len(grown) - 1
    if CONSTANT in pair:
        (inner,) = (v for v in pair if v != CONSTANT)
        if inner[0] == "s":
            below = grown[int(inner[1])]
            if CONSTANT in below[1:] and (symbol in "+-") == (below[0] in "+-"):
                return False
    independent = index > 0 and ("s", index - 1) not in pair
    return not (independent and grown[-1] < grown[-2])


def best_error(job: tuple[int, list[Operation]]) -> tuple[float, str]:
    """The largest relative error of the best fit on 1,025 points, and the program."""
    number, skeleton = job
    program = _assemble(skeleton)
    tape = compile_tape(program)
    rng = generator(number, "enumerate")
    shape = (STARTS, len(program.constants))
    starts = np.where(rng.random(shape) < 0.5, -1.0, 1.0) * 10.0 ** rng.uniform(*MAGNITUDES, shape)
    x = (1.0 - np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)) / 2.0
    constants, _, _ = least_squares.fit_best(
        *tape, starts, x, np.exp2(x), SHORT_ITERATIONS, FINALISTS, LONG_ITERATIONS, np.inf
    )
    dense = np.linspace(0.0, 1.0, 1025)
    constants, error, _ = least_squares.equalise(*tape, constants, dense, np.exp2(dense), 8)
    return float(error), "; ".join(program.with_constants(tuple(constants)).render().splitlines())


def _assemble(skeleton: list[Operation]) -> StraightLine:
    builder = Builder(("x",))
    values: list[Value] = []
    for symbol, left, right in skeleton:
        pair = [values[int(v[1])] if v[0] == "s" else v for v in (left, right)]
        values.append(builder.add(symbol, pair[0], pair[1]))
    return builder.assemble(values[-1])


def main() -> None:
    """Fit all skeletons of a size and print the best programs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", type=int)
    parser.add_argument("--all", action="store_true", help="also skeletons with fewer than N - 2 constants")
    arguments = parser.parse_args()
    fewest = 1 if arguments.all else arguments.size - 2
    jobs = [s for s in skeletons(arguments.size) if sum(v == CONSTANT for _, *pair in s for v in pair) >= fewest]
    print(f"{len(jobs):,} skeletons of {arguments.size} operations", flush=True)
    found: list[tuple[float, str]] = []
    with multiprocessing.get_context("spawn").Pool() as pool:
        for done, result in enumerate(pool.imap_unordered(best_error, enumerate(jobs), chunksize=64), start=1):
            found.append(result)
            if done % 10_000 == 0:
                print(f"{done:,} done; best {-math.log10(min(found)[0]):.2f} digits", flush=True)
    for error, text in sorted(found)[:5]:
        print(f"{-math.log10(error):.2f} digits: {text}")


if __name__ == "__main__":
    main()
