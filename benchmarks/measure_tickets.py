"""Cache eviction with 32 training traces: how many evaluations does it save to measure new programs in batches?

Each seed is run twice from the same start at equal budget, once with batches and once with every program on all of
train. Champions are the best on train, as fewer than ten groups ask no gate; with `gate` the problem keeps its own.
Printed are the champion's score on all of train at the end and on final, and the evaluations until the lower of the
two scores on train was reached: by then both arms are at an equal score. Then the paired differences over the seeds
with intervals of 95 % (Student's t), and how many programs each arm tried.

Usage: python benchmarks/measure_tickets.py [SEEDS [EVALUATIONS [FIRST_SEED [gate]]]]
"""

from __future__ import annotations

import math
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import t as student

from archive.store import Archive
from evolve import run
from evolve.problem import load, shipped_folder

METRIC = "miss_ratio_reduction"
TRACES, REQUESTS, PROBE_REQUESTS, HIDDEN_REQUESTS, WINDOW = 4, 400, 300, 400, 4
"""Traces of each kind, and their lengths: shorter than those that are shipped, and the probe as much of train."""


@dataclass(frozen=True)
class Arm:
    """One run: the champion's score after so many evaluations, step by step, and the programs that were tried.

    `on_final` is the last champion's score on final, which chose nothing.
    """

    steps: tuple[tuple[float, float], ...]
    programs: int
    on_final: float

    @property
    def last(self) -> float:
        return self.steps[-1][1]

    def reached(self, score: float) -> float:
        """Evaluations until the champion had at least that score."""
        return next(spent for spent, best in self.steps if best >= score)


def problem_in(folder: Path, decouple: bool, gated: bool) -> Path:
    """A copy of cache-eviction with more and shorter traces in train, and no baselines, which cost only time here."""
    place = folder / ("batches" if decouple else "whole")
    shutil.copytree(shipped_folder() / "cache-eviction", place)
    shutil.rmtree(place / "baselines")
    toml, verifier = place / "problem.toml", place / "verifier.py"
    # One process for all traces of a stage: forking would cost more than such short traces do.
    change(toml, 'isolation = "instance"', f'isolation = "stage"\ndecouple = {str(decouple).lower()}')
    change(verifier, "Split.TRAIN: _SEEN", f"Split.TRAIN: _SEEN * {TRACES}")
    change(verifier, "TRAIN: 8_000", f"TRAIN: {REQUESTS}")
    change(verifier, "PROBE: 1_200", f"PROBE: {PROBE_REQUESTS}")
    if not gated:
        change(verifier, "GATE_ROUNDS: Final = 6", "GATE_ROUNDS: Final = 1")
    for split, length in (("GATE", "4_000"), ("FINAL", "10_000")):
        change(verifier, f"{split}: {length}", f"{split}: {HIDDEN_REQUESTS}")
    return place


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that stands once in the file."""
    text = path.read_text()
    if text.count(old) != 1:
        raise SystemExit(f"{path} has no {old!r} to change: bring this benchmark up to date")
    path.write_text(text.replace(old, new))


def arm(folder: Path, seed: int, evaluations: float) -> Arm:
    """One run of the search."""
    with tempfile.TemporaryDirectory() as place:
        archive = Path(place) / "archive.db"
        found = run(folder, seed=seed, evaluations=evaluations, window=WINDOW, archive=archive)
        steps, programs, spent = [], 0, 0.0
        with Archive.open(archive) as opened:
            for record in opened.records(found.run_id):
                spent += record.evaluations
                programs += record.ticket.kind == "expand" and record.verdict.evaluated
                if record.promotion is not None and record.promotion.accepted:
                    steps.append((spent, record.promotion.metrics[METRIC]))
    assert found.best is not None
    return Arm(tuple(steps), programs, found.final[found.best.program_id][METRIC])


def interval(values: Sequence[float]) -> str:
    """The mean with its interval."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return f"{mean:+.4f}"
    half = float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:+.4f} [{mean - half:+.4f}, {mean + half:+.4f}]"


def main(seeds: int, evaluations: float, first: int, gated: bool) -> None:
    """Run and print."""
    os.environ.pop("EVOLVE_DATA", None)  # recorded traces would make another train
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        folders = [problem_in(Path(place), decouple, gated) for decouple in (True, False)]
        print(f"{load(folders[0]).title}; {8 * TRACES} traces, {evaluations:g} evaluations a run")
        print("batches, whole:    score on train    score on final    evaluations to equal    programs", flush=True)
        pairs = []
        for seed in range(first, first + seeds):
            batches, whole = (arm(folder, seed, evaluations) for folder in folders)
            pairs.append((batches, whole))
            equal = min(batches.last, whole.last)
            print(
                f"seed {seed:2d} {batches.last:18.4f} {whole.last:7.4f} {batches.on_final:9.4f} {whole.on_final:7.4f}"
                f" {batches.reached(equal):9.2f} {whole.reached(equal):6.2f} {batches.programs:5d} {whole.programs:4d}",
                flush=True,
            )
    equals = [(one, other, min(one.last, other.last)) for one, other in pairs]
    gains = [one.last - other.last for one, other in pairs]
    held = [one.on_final - other.on_final for one, other in pairs]
    saved = [other.reached(equal) - one.reached(equal) for one, other, equal in equals]
    logs = [math.log(one.reached(equal) / other.reached(equal)) for one, other, equal in equals]
    more = [float(one.programs - other.programs) for one, other in pairs]
    for name, values in (("batches", [one for one, _ in pairs]), ("whole", [other for _, other in pairs])):
        train, final = (statistics.fmean(each) for each in zip(*((v.last, v.on_final) for v in values), strict=True))
        print(f"{name}: mean score on train {train:.4f}, on final {final:.4f}")
    print(f"score on train, batches - whole, at equal evaluations: {interval(gains)}")
    print(f"score on final, batches - whole, at equal evaluations: {interval(held)}")
    print(f"evaluations saved by batches at equal score: {interval(saved)}")
    print(f"logarithm of their ratio: {interval(logs)}; the ratio is {math.exp(statistics.fmean(logs)):.2f}")
    print(f"programs tried, batches - whole: {interval(more)}")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        int(arguments[0]) if arguments else 20,
        float(arguments[1]) if len(arguments) > 1 else 40.0,
        int(arguments[2]) if len(arguments) > 2 else 1,
        arguments[3:] == ["gate"],
    )
