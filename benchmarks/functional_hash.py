"""What the key of a program costs, and what taking over scores saves.

`python benchmarks/functional_hash.py cost [PROBLEM ...]`: probe and hash as a share of the train evaluation that a hit
saves, for the seed and the baselines of problems whose programs run in processes (default: cache-eviction); at most
5 % is wanted. Where train has batches, a hit saves the first one. Processor seconds of the programs, as the host
charges them, and wall seconds besides.

`python benchmarks/functional_hash.py target PROBLEM METRIC VALUE [--seeds N] [--evaluations N] [--workers W]
[--arms off,again] [--at-most METRIC=VALUE] [--json FILE]`: searches with the same seeds and without: evaluations of the
budget until a program that was evaluated itself has METRIC of VALUE or better on train, and how many programs were run
on train by then. Arms are texts as `--equivalence` takes them; each search has an archive of its own, but that those of
`archive` begin with what the same seed's run left, so that they say what a repeated run costs. `--at-most` bounds
another metric, such as operations=7.

Not part of `make bench`: ten seeds of cache-eviction with 400 evaluations take some hours of two cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archive.store import Archive
from evaluators.process_cascade import ProcessEvaluator
from evolve import run
from evolve.core.clock import monotonic_seconds, thread_cpu_seconds
from evolve.core.types import Source, Split, Status
from evolve.evaluation import make_evaluator
from evolve.problem import load

ROUNDS = 3
WANTED = 0.05


def cost(names: Sequence[str]) -> None:
    """The share of a train evaluation that probe and hash take."""
    print(f"{'problem':20s} {'program':24s} {'probe':>8s} {'hash':>8s} {'train':>8s} {'share':>7s} {'wall':>7s}")
    for name in names:
        problem = load(name)
        evaluator = make_evaluator(problem)
        if not isinstance(evaluator, ProcessEvaluator) or evaluator.hashing is None:
            print(f"{name}: no program of it takes over a score from a process")
            continue
        shares = [
            cost_of(evaluator, name, known, source)
            for known, source in {"seed": problem.seed, **problem.baselines}.items()
        ]
        evaluator.stage.close()
        verdict = "within" if statistics.median(shares) <= WANTED else "above"
        print(f"{name}: median share {statistics.median(shares):.1%}, {verdict} {WANTED:.0%}", flush=True)


def cost_of(evaluator: ProcessEvaluator, problem: str, name: str, source: Source) -> float:
    """Prints a program's line; the share in processor seconds."""
    figures = []
    for _ in range(ROUNDS):
        seconds, wall = {}, {}
        for split in (Split.PROBE, Split.TRAIN):
            began = monotonic_seconds()
            runs = list(evaluator.stage.runs(source, split, evaluator.stage.verifier.instances(split)))
            wall[split] = monotonic_seconds() - began
            seconds[split] = sum(one.result.cpu_seconds for one in runs)
            if split is Split.PROBE:
                began = thread_cpu_seconds()
                evaluator.hashing and evaluator.hashing.keys([one.output for one in runs], evaluator.evaluation_set)
                hashed = thread_cpu_seconds() - began
        figures.append((seconds[Split.PROBE], hashed, seconds[Split.TRAIN], wall[Split.PROBE], wall[Split.TRAIN]))
    probe, hashed, train, probe_wall, train_wall = (min(column) for column in zip(*figures, strict=True))
    if batches := evaluator.batches:
        first = len(batches[0]) / sum(map(len, batches))
        train, train_wall = train * first, train_wall * first
    share = (probe + hashed) / train
    print(
        f"{problem[-20:]:20s} {name[:24]:24s} {probe:8.4f} {hashed:8.5f} {train:8.4f} {share:7.1%} "
        f"{(probe_wall + hashed) / train_wall:7.1%}",
        flush=True,
    )
    return share


def target(options: argparse.Namespace) -> None:
    """Searches with every arm and seed, and what each needed."""
    arms = options.arms.split(",")
    rows: list[dict[str, Any]] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            for arm in arms:
                found = search(options, arm, seed, Path(folder))
                rows.append({"seed": seed, "arm": arm, **found})
                print(json.dumps(rows[-1]), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps({"options": vars(options), "rows": rows}, default=str))
    for arm in arms:
        mine = [row for row in rows if row["arm"] == arm]
        reached = [row for row in mine if row["needed"] is not None]
        line = f"{arm:10s} reached by {len(reached)} of {len(mine)}"
        if reached:
            needed, trained = (statistics.median(row[key] for row in reached) for key in ("needed", "trained"))
            line += f"; median {needed:,.0f} evaluations of the budget, {trained:,.0f} programs run on train"
        saved, seconds = sum(row["saved"] for row in mine), sum(row["seconds_saved"] for row in mine)
        print(f"{line}; saved in all {saved:,.0f} evaluations, {seconds:,.0f} s on one core")


def search(options: argparse.Namespace, arm: str, seed: int, folder: Path) -> dict[str, Any]:
    """One search: evaluations and programs on train until the target, None where it was not reached."""
    # What an arm leaves behind must not help the next one, but where that is what is asked.
    place = folder / ("run.db" if arm.startswith(("run", "archive")) else f"{arm}.db".replace(":", "-"))
    found = run(
        options.problem, seed=seed, evaluations=options.evaluations, workers=options.workers, archive=place,
        equivalence=arm, final_check=False, progress=False,
    )  # fmt: skip
    objective = next(one for one in load(options.problem).objectives if one.metric == options.metric)
    sign = 1.0 if objective.direction == "minimize" else -1.0
    spent, trained, needed = 0.0, 0, None
    with Archive.open(place) as archive:
        learned = dict(archive.learned(found.run_id))
        for record in archive.records(found.run_id):
            spent += record.evaluations if record.ticket.kind == "expand" or record.verdict.extent else 0.0
            spared = {row.kind.value for row in learned.get(record.number, ()) if row.about is None}
            if record.verdict.stage == "train" and record.candidate:
                trained += not spared & {"taken", "shared"}
            if record.verdict.status is not Status.OK or not record.verdict.whole:
                continue
            metrics = record.verdict.metrics
            bounded = all(metrics[name] <= value for name, value in options.at_most)
            if bounded and sign * metrics[options.metric] <= sign * options.value:
                needed = spent
                break
    savings = found.savings
    return {
        "needed": needed,
        "trained": trained,
        "saved": savings.evaluations if savings else 0.0,
        "seconds_saved": savings.seconds if savings else 0.0,
        "rate": savings.rate if savings else 0.0,
        "refuted": savings.refuted if savings else 0,
        "seconds": found.seconds,
        "best": found.best.metrics[options.metric] if found.best else None,
    }


def _bound(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    return name, float(value)


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("cost").add_argument("problems", nargs="*", default=["cache-eviction"])
    searches = commands.add_parser("target")
    searches.add_argument("problem")
    searches.add_argument("metric")
    searches.add_argument("value", type=float)
    searches.add_argument("--seeds", type=int, default=10)
    searches.add_argument("--first-seed", type=int, default=0)
    searches.add_argument("--evaluations", type=float)
    searches.add_argument("--workers", type=int)
    searches.add_argument("--arms", default="off,again")
    searches.add_argument("--at-most", type=_bound, action="append", default=[])
    searches.add_argument("--json")
    options = parser.parse_args()
    if options.command == "cost":
        cost(options.problems)
    else:
        objectives = [one.metric for one in load(options.problem).objectives]
        if options.metric not in objectives:
            parser.error(f"{options.metric} is no objective; choose one of {', '.join(objectives)}")
        target(options)


if __name__ == "__main__":
    main()
