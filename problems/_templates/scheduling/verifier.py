"""Scores schedules: total weighted tardiness, from completion times that are computed here.

Nothing of a candidate runs here. It returns rows of job numbers, and all that counts is recomputed from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from evolve import Instance, Invalid, Score, Split, rng

Job = tuple[int, int, int]
"""Duration, due time and weight."""

LONGEST: Final = 100
HEAVIEST: Final = 10


@dataclass(frozen=True)
class Recipe:
    """What the instances of a split are drawn from. `tightness` and `spread` are TF and RDD in `make_jobs`."""

    instances: int
    jobs: int
    machines: Sequence[int] = (2, 3, 5)
    tightness: Sequence[float] = (0.6, 0.8)
    spread: Sequence[float] = (0.2, 0.6, 1.0)


RECIPES: Final = {
    Split.PROBE: Recipe(2, 20),
    Split.TRAIN: Recipe(8, 60),
    Split.GATE: Recipe(16, 60),
    Split.REPORT: Recipe(16, 60),
    # More jobs, other numbers of machines, other due times: what was learnt must carry over.
    Split.FINAL: Recipe(24, 120, machines=(4, 8), tightness=(0.5, 0.7, 0.9), spread=(0.4, 0.8)),
}


def instances(split: Split, seed: int) -> list[Instance]:
    """The instances of a split; `args` = (jobs, machines), `truth` = tardiness of the earliest-due-date schedule."""
    recipe = RECIPES[split]
    found = []
    for index in range(recipe.instances):
        draw = rng.generator("scheduling", str(split), seed, index)
        machines = recipe.machines[index % len(recipe.machines)]
        tightness = recipe.tightness[index % len(recipe.tightness)]
        spread = recipe.spread[index // 2 % len(recipe.spread)]
        jobs = make_jobs(draw, recipe.jobs, machines, tightness, spread)
        found.append(make_instance(f"{split}-{index}", jobs, machines))
    return found


def make_jobs(draw: rng.Generator, count: int, machines: int, tightness: float, spread: float) -> list[Job]:
    """`count` jobs as C. N. Potts and L. N. Van Wassenhove draw them (Operations Research 33(2), 1985).

    Durations are uniform on 1 .. 100 and weights on 1 .. 10. With P the sum of durations, here over the number of
    machines, due times are uniform between P (1 - TF - RDD / 2) and P (1 - TF + RDD / 2), at least 0; TF is
    `tightness`, the share of jobs that will be late, roughly, and RDD is `spread`.
    """
    durations = [1 + int(LONGEST * draw.random()) for _ in range(count)]
    horizon = sum(durations) / machines
    earliest = 1.0 - tightness - spread / 2.0
    dues = [max(0, round(horizon * (earliest + spread * draw.random()))) for _ in range(count)]
    weights = [1 + int(HEAVIEST * draw.random()) for _ in range(count)]
    return list(zip(durations, dues, weights, strict=True))


def make_instance(name: str, jobs: list[Job], machines: int) -> Instance:
    """An instance of jobs of your own. Each is a group of its own: what intervals count as independent."""
    reference = sum(_tardiness(jobs, _earliest_due_first(jobs, machines)))
    return Instance(name, name, (jobs, machines), reference)


def score(instance: Instance, output: Any) -> Score:
    """Total weighted tardiness over that of the earliest-due-date schedule, which counts as 1 where it is 0.

    `output` has a row for each machine: the numbers of its jobs in the order in which they run.

    Raises:
        Invalid: it has not; or a job is missing, runs twice or is none of the instance's.
    """
    jobs, machines = instance.args
    rows = _checked(output, len(jobs), machines)
    tardiness = _tardiness(jobs, rows)
    relative = sum(tardiness) / max(instance.truth, 1)
    busy = [sum(jobs[number][0] for number in row) for row in rows]
    metrics = {
        "relative_tardiness": relative,
        "late_share": sum(late > 0 for late in tardiness) / len(jobs),
        "balance": sum(busy) / (machines * max(busy)),
    }
    worst = max(range(len(jobs)), key=tardiness.__getitem__)
    duration, due, weight = jobs[worst]
    text = (
        f"weighted tardiness {sum(tardiness)}, earliest due date has {instance.truth}; most of it is of job {worst} "
        f"(duration {duration}, due {due}, weight {weight}): {tardiness[worst]}"
    )
    return Score(relative, metrics, text)


def _tardiness(jobs: Sequence[Job], rows: Sequence[Sequence[int]]) -> list[int]:
    """Weight * max(0, completion - due) of each job. A machine starts at time 0 and is never idle between jobs."""
    tardiness = [0] * len(jobs)
    for row in rows:
        now = 0
        for number in row:
            duration, due, weight = jobs[number]
            now += duration
            tardiness[number] = weight * max(0, now - due)
    return tardiness


def _earliest_due_first(jobs: Sequence[Job], machines: int) -> list[list[int]]:
    """Jobs in order of due time, each on the machine that is free first."""
    rows: list[list[int]] = [[] for _ in range(machines)]
    free = [0] * machines
    for number in sorted(range(len(jobs)), key=lambda number: jobs[number][1]):
        machine = free.index(min(free))
        rows[machine].append(number)
        free[machine] += jobs[number][0]
    return rows


def _checked(output: Any, jobs: int, machines: int) -> list[list[int]]:
    """The rows, once every rule holds. Types are compared by identity: a bool is no job number."""
    if type(output) not in (list, tuple) or len(output) != machines:
        what = f"{len(output)} rows" if type(output) in (list, tuple) else f"a {type(output).__name__}"
        raise Invalid(f"the output is {what}, not a list of {machines} rows")
    for machine, row in enumerate(output):
        if type(row) not in (list, tuple):
            raise Invalid(f"the row of machine {machine} is a {type(row).__name__}, not a list")
    times = [0] * jobs
    for machine, row in enumerate(output):
        for number in row:
            if type(number) is not int:
                raise Invalid(f"machine {machine}: a job number is a {type(number).__name__}, not an int")
            if not 0 <= number < jobs:
                raise Invalid(f"machine {machine}: a job number is not one of 0 to {jobs - 1}")
            times[number] += 1
    if set(times) != {1}:
        number = next(number for number, count in enumerate(times) if count != 1)
        raise Invalid(f"job {number} {f'runs {times[number]} times' if times[number] else 'is missing'}")
    return list(output)
