"""How many candidates a second: the evaluation alone on one core, and the whole loop with the archive.

    make bench

Absolute figures of a shared machine: each is the median of several rounds, with the smallest and the largest.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from evaluators.screen import screen
from evolve import run
from evolve.core.clock import cpu_seconds, monotonic_seconds
from evolve.core.errors import Forbidden
from evolve.core.rng import generator
from evolve.core.types import Source
from evolve.evaluation import make_evaluator
from evolve.problem import load
from evolve.proposers.offline import graph
from evolve.proposers.offline.proposer import with_body
from sandbox import straight_line

ROUNDS = 5
CANDIDATES = 2_000
LOOP_EVALUATIONS = 30_000.0


def main() -> None:
    """Print one line a figure."""
    report("evaluation alone, one core", "candidates per CPU-second", ROUNDS, evaluation_rate, target=2_000)
    report("constant fits, one core", "fits per CPU-second", ROUNDS, fit_rate, target=2_000)
    report("whole loop with archive, two workers", "candidates per second", 3, loop_rate, target=300)


def report(what: str, unit: str, rounds: int, measure: Callable[[int], float], target: float) -> None:
    """Measure `rounds` times and print median, range and target."""
    rates = [measure(i) for i in range(rounds)]
    median = statistics.median(rates)
    print(
        f"{what:40s} {median:8,.0f} {unit} ({min(rates):,.0f} to {max(rates):,.0f}; at least {target:,.0f})", flush=True
    )


def candidates(number: int) -> list[Source]:
    """Random descendants of the fifth-degree polynomial: programs of the usual sizes."""
    problem = load("float32-exp2")
    rng = generator(number, "benchmark")
    start = straight_line.parse(problem.baselines["polynomial_4"].main, problem.seed.entry)
    found: list[Source] = []
    while len(found) < CANDIDATES:
        with contextlib.suppress(Forbidden):  # a move that folded to no finite constant
            found.append(with_body(problem.seed, graph.mutate(start, rng)))
    return found


def evaluation_rate(round_number: int) -> float:
    """Text to verdict: whitelist, probe, train and the verifier's score."""
    problem = load("float32-exp2")
    evaluator = make_evaluator(problem)
    sources = candidates(round_number)
    evaluator.evaluate(screen(problem.seed, problem.seed).program)  # instances are made once
    began = cpu_seconds()
    for source in sources:
        evaluator.evaluate(screen(source, problem.seed).program)
    return len(sources) / (cpu_seconds() - began)


def fit_rate(round_number: int) -> float:
    """Levenberg-Marquardt fits of a six-operation program with four constants, from random starts."""
    import numpy as np

    from evolve.proposers.offline import least_squares
    from evolve.proposers.offline.tuning import MAGNITUDES, SHORT_ITERATIONS, compile_tape

    text = "def exp2(x):\n a = 5.0 - x\n b = 19.0 / a\n c = 3.0 - b\n d = 17.0 / (c - a)\n return d + c\n"
    tape = compile_tape(straight_line.parse(text, "exp2"))
    rng = generator(round_number, "fits")
    x = (1.0 - np.cos(np.pi * (np.arange(14) + 0.5) / 14)) / 2.0
    starts = 10.0 ** rng.uniform(*MAGNITUDES, (CANDIDATES, 4)) * rng.choice([-1.0, 1.0], (CANDIDATES, 4))
    weights = np.ones_like(x)
    least_squares.fit(*tape, starts[0], x, np.exp2(x), weights, SHORT_ITERATIONS)  # compiled here
    began = cpu_seconds()
    for start in starts:
        least_squares.fit(*tape, start, x, np.exp2(x), weights, SHORT_ITERATIONS)
    return CANDIDATES / (cpu_seconds() - began)


def loop_rate(round_number: int) -> float:
    """Candidates that were evaluated and committed, per wall second, start of the workers left out."""
    with tempfile.TemporaryDirectory() as folder:
        first: list[float] = []
        result = run(
            "float32-exp2",
            evaluations=LOOP_EVALUATIONS,
            seed=round_number,
            workers=2,
            archive=Path(folder) / "archive.db",
            final_check=False,
            listener=lambda event: first.append(monotonic_seconds()) if len(first) < 200 else None,
        )
        return (result.proposals - 200) / (monotonic_seconds() - first[-1])


if __name__ == "__main__":
    main()
