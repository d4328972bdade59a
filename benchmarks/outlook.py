"""Whether a run's prospect comes true: half of a run predicts its second half, whose gain is known.

Three searches of 2**x by arithmetic (as shipped; and from the seed for accuracy alone, with five and with seven
operations at most), 16 runs each; and, as a course without any search, the best of independent draws. A curve is cut at
1/2, 1/4 and 1/8 of its run, and each cut predicts as many evaluations again. Printed are the cuts that could tell, how
often the 80 % interval held the gain, how often it was below or above that, and the mean gain, predicted and true.
Cuts of one run are not independent: with 16 runs a coverage is known to some 10 points.

`python benchmarks/outlook.py [RUNS]`, some two minutes of one core for 16 runs; not part of `make bench`.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evolve import run
from evolve.core.rng import generator
from evolve.foresight import Trail
from evolve.problem import load
from evolve.prospect import gain_ahead

SHIPPED = Path(__file__).parents[1] / "problems" / "function-approximation" / "exp2"
CUTS = (0.5, 0.25, 0.125)
EVALUATIONS = 4_000.0
SECOND_OBJECTIVE = '[[objectives]]\nmetric = "operations"\ndirection = "minimize"\n'

Course = tuple[list[tuple[float, float]], float]
"""The points of a curve, and the evaluations of its run."""


def variant(folder: Path, edits: dict[str, str]) -> Path:
    """A copy of the shipped problem whose problem.toml was edited."""
    shutil.copytree(SHIPPED, folder)
    text = (folder / "problem.toml").read_text()
    for old, new in {'aliases = ["float32-exp2"]\n': "", **edits}.items():
        if old not in text:
            raise SystemExit(f"{SHIPPED}/problem.toml no longer has {old!r}: mend this benchmark")
        text = text.replace(old, new)
    (folder / "problem.toml").write_text(text)
    return folder


def searches(folder: Path, problem: Path, runs: int) -> list[Course]:
    """Runs of a problem with different seeds."""
    courses = []
    for seed in range(runs):
        trail = Trail(load(problem).objectives)
        run(
            problem, evaluations=EVALUATIONS, seed=seed, workers=1, archive=folder / "archive.db",
            final_check=False, progress=False, listener=trail,
        )  # fmt: skip
        courses.append((trail.points(), trail.told))
    return courses


def draws(kind: str, runs: int) -> list[Course]:
    """The best of independent draws."""
    courses: list[Course] = []
    for number in range(runs):
        rng = generator("benchmark", kind, number)
        values = {"normal": rng.normal, "exponential": rng.exponential, "uniform": rng.random}[kind](size=1_000)
        best = np.maximum.accumulate(values)
        places = np.flatnonzero(np.append(True, best[1:] > best[:-1]))
        courses.append(([(place + 1.0, float(best[place])) for place in places], 1_000.0))
    return courses


def report(name: str, courses: Iterable[Course]) -> None:
    """One row of the table."""
    asked, rows = 0, []
    for points, end in courses:
        for cut in (share * end for share in CUTS):
            asked += 1
            past = [point for point in points if point[0] <= cut]
            gain = gain_ahead(past, cut)
            if gain is not None:
                true = max(value for at, value in points if at <= 2.0 * cut) - past[-1][1]
                rows.append((gain.low <= true <= gain.high, true < gain.low, true > gain.high, gain.expected, true))
    told = f"{name:<28}{len(rows):>4} of {asked:<5}"
    if not rows:
        print(told)
        return
    held, below, above, predicted, true = np.array(rows, dtype=float).mean(axis=0)
    print(f"{told}{held:>8.0%}{below:>8.0%}{above:>8.0%}{predicted:>12.3g}{true:>12.3g}", flush=True)


def main(runs: int) -> None:
    print(f"{'course':<28}{'cuts that tell':<13}{'held':>7}{'below':>8}{'above':>8}{'predicted':>12}{'true':>12}")
    alone = {'start = "baselines"': 'start = "seed"', SECOND_OBJECTIVE: ""}
    small, large = ({**alone, "max_operations = 10": f"max_operations = {most}"} for most in (5, 7))
    with tempfile.TemporaryDirectory() as place:
        for name, edits in (("2**x", {}), ("2**x, 5 operations", small), ("2**x, 7 operations", large)):
            folder = Path(place) / name.replace("*", "").replace(" ", "-").replace(",", "")
            report(name, searches(Path(place), variant(folder, edits), runs))
    for kind in ("normal", "exponential", "uniform"):
        report(f"best of draws: {kind}", draws(kind, 10 * runs))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 16)
