"""What is looked at before anybody cheats: programs, determinism, splits, noise, time, the gate, and keys."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from evaluators.anticipation import AnticipationCheck
from evaluators.functional_hash import canonical, functional_key
from evolve.check.bench import Bench, Evaluated
from evolve.check.report import Finding, Grade, Progress
from evolve.check.timed_rows import timed
from evolve.core.config import check_workers
from evolve.core.errors import ProblemError
from evolve.core.types import Source, Split
from evolve.evaluation import never_taken_over
from evolve.programs import screened

REPEATS = 3
SLOW_SECONDS = 60.0
NOISE_SHARE = 1.0
"""Noise is told where its standard deviation is above this share of the minimum effect."""

_ROUNDING = 1e-9


def known_programs(bench: Bench, progress: Progress) -> tuple[list[Evaluated], list[Finding]]:
    """Seed and baselines on train, and a finding on those that have no score. The seed comes first, or all is over.

    Raises ProblemError where the verifier yields no instances, or not the metric that is the objective.
    """
    problem = bench.problem
    named: dict[str, Source] = {"seed": problem.seed, **problem.baselines}
    good: list[Evaluated] = []
    bad: list[str] = []
    for place, (name, source) in enumerate(named.items(), 1):
        progress(f"evaluating seed and baselines: {place} of {len(named)}")
        try:
            screened(problem, name)
        except ProblemError as error:
            bad.append(f"{name}: {error.message}")
            continue
        found = bench.evaluate(name, source, Split.PROBE, bench.verifier.instances(Split.PROBE))
        if not found.failure:
            probed = tuple(run.output for run in found.runs)
            found = bench.evaluate(name, source, Split.TRAIN, bench.verifier.instances(Split.TRAIN))
            found = replace(found, probed=probed)
        failure = found.failure
        if bench.times and not failure:
            progress(f"timing seed and baselines: {place} of {len(named)}")
            found, failure = timed(bench.times, found)
        if failure:
            bad.append(f"{name} is {failure}")
        else:
            good.append(found)
    return good, [_programs(bench, good, bad)]


def _programs(bench: Bench, good: Sequence[Evaluated], bad: Sequence[str]) -> Finding:
    if bad:
        return Finding(
            "seed and baselines",
            Grade.FAIL,
            "; ".join(bad),
            "Mend the program, or the verifier where it is wrong: every run starts from them.",
        )
    metric, (seed, *baselines) = bench.objective.metric, good
    figures = {one.name: one.value for one in good}
    says = f"{metric} {seed.value:.4g} (seed)"
    ranked = sorted(good, key=lambda one: bench.objective.cost(one.value or 0.0))
    if not baselines:
        suffix = bench.problem.seed_path.suffix
        remedy = f"Write what people use today as baselines/NAME{suffix}: else nobody can tell what a gain is worth."
        return Finding("seed and baselines", Grade.LOOK, f"{says}; there is no baseline", remedy, figures)
    says = f"{metric}: " + ", ".join(f"{one.name} {one.value:.4g}" for one in ranked)
    return Finding("seed and baselines", Grade.OK, says, "", figures)


def best_of(bench: Bench, known: Sequence[Evaluated]) -> Evaluated:
    """The best of the programs that have a score."""
    return min(known, key=lambda one: bench.objective.cost(one.value or 0.0))


def determinism(bench: Bench, known: Sequence[Evaluated], progress: Progress) -> Finding:
    """The same outputs in fresh processes, and the same instances and scores from another verifier process.

    Where scores are declared stochastic, only the instances must be the same.
    """
    progress("running everything again in fresh processes")
    name = "determinism"
    stochastic = bench.problem.file.stochastic
    for one in () if stochastic else known:
        again = bench.evaluate(one.name, one.source, Split.PROBE, bench.verifier.instances(Split.PROBE))
        for run, before in zip(again.runs, one.probed, strict=False):
            if canonical(run.output) != canonical(before):
                where = f"{one.name} on {run.result.instance_id}"
                return Finding(
                    name,
                    Grade.LOOK,
                    f"two processes gave different outputs: {where}",
                    "Seed every random choice from the arguments and use no clock in the program, or scores are luck; "
                    "where that is the problem's nature, declare stochastic = true.",
                )
    difference = _verifier_differs(bench, () if stochastic else known[:1])
    if difference:
        remedy = "Draw instances from the seed alone (evolve.rng.generator), and do not depend on the order of sets."
        return Finding(name, Grade.FAIL, difference, remedy)
    if stochastic:
        return Finding(name, Grade.OK, "same instances in fresh processes; scores are declared stochastic")
    return Finding(name, Grade.OK, "same instances, outputs and scores in fresh processes")


def _verifier_differs(bench: Bench, known: Sequence[Evaluated]) -> str:
    other = bench.another_verifier()
    try:
        for split in sampled_splits(bench):
            if other.evaluation_set(split) != bench.verifier.evaluation_set(split):
                return f"instances({split}) differ from process to process"
        for run in [run for one in known for run in one.runs]:
            score = other.score(Split.TRAIN, run.result.instance_id, run.output)
            own = bench.verifier.score(Split.TRAIN, run.result.instance_id, run.output)
            if dict(score.metrics) != dict(own.metrics) or score.value != own.value:
                return f"the score of one output differs from process to process, on {run.result.instance_id}"
    finally:
        other.close()
    return ""


def sampled_splits(bench: Bench) -> tuple[Split, ...]:
    """The splits that have instances: gate and final of an exact problem are proofs."""
    if bench.problem.evidence == "exact":
        return (Split.PROBE, Split.TRAIN, Split.REPORT)
    return tuple(Split)


def splits(bench: Bench, progress: Progress) -> Finding:
    """No instance of one split stands in another, by the content of its arguments."""
    progress("comparing the splits")
    seen: dict[bytes, tuple[Split, str]] = {}
    shared: dict[tuple[Split, Split], list[str]] = defaultdict(list)
    counts: dict[str, int] = {}
    groups: dict[str, int] = {}
    for split in sampled_splits(bench):
        instances = bench.verifier.instances(split)
        counts[split.value] = len(instances)
        groups[split.value] = len({instance.group for instance in instances})
        for instance in instances:
            place = seen.setdefault(canonical(list(instance.args)), (split, instance.id))
            if place != (split, instance.id):
                shared[place[0], split].append(f"{place[1]} = {instance.id}")
    says = ", ".join(f"{name} {count}" for name, count in counts.items())
    figures = {"instances": counts, "groups": groups}
    if len(seen) == 1 and bench.problem.command is not None:
        says = "one input stands in every split: final can tell no more than train, and a program may know it by heart"
        remedy = 'Give other inputs by split in instances(): ("text for standard input", ["argument"]).'
        return Finding("splits", Grade.LOOK, says, remedy, figures)
    across = {pair: ids for pair, ids in shared.items() if pair[0] != pair[1]}
    if across and bench.problem.evidence == "sampled":
        (first, second), ids = next(iter(across.items()))
        text = f"{first} and {second} share {len(ids)} instance{'s' * (len(ids) > 1)} ({ids[0]})"
        return Finding("splits", Grade.FAIL, text, "Divide the data with evolve.split, or use the seed.", figures)
    if names := _groups_in_two(bench):
        text = f"{says}; disjoint, but groups of one name stand in two splits ({names})"
        remedy = (
            "If a group is a file, a user or a day, keep it in one split (evolve.split); else name it by the split."
        )
        return Finding("splits", Grade.LOOK, text, remedy, figures)
    if shared:
        (split, _), ids = next(iter(shared.items()))
        text = f"{says}; {len(ids)} of {split} stand twice ({ids[0]})"
        return Finding("splits", Grade.LOOK, text, "Draw other instances: a copy is no further evidence.", figures)
    return Finding("splits", Grade.OK, f"disjoint: {says}", "", figures)


def _groups_in_two(bench: Bench) -> str:
    """The first group that two splits share, with both; empty where there is none, and for proofs."""
    home: dict[str, Split] = {}
    for split in sampled_splits(bench) if bench.problem.evidence == "sampled" else ():
        for instance in bench.verifier.instances(split):
            first = home.setdefault(instance.group, split)
            if first is not split:
                return f"{instance.group}: {first} and {split}"
    return ""


def scores(bench: Bench, known: Sequence[Evaluated]) -> Finding:
    """What the verifier says of its own scores must fit together: the value is the metric, nobody beats the floor."""
    metric = bench.objective.metric
    for one in known:
        for run in one.runs:
            name = run.result.instance_id
            floor = bench.verifier.floor(Split.TRAIN, name)
            bound = None if floor is None or bench.times else floor.metrics.get(metric)
            if bound is not None and bench.is_better(bench.value(run), bound, _ROUNDING):
                figures = f"{bench.value(run):.4g} against {bound:.4g}"
                says = f"{one.name} is better than the floor on {name}: {figures}"
                remedy = "score() misses a rule, floor() is none, or the direction in problem.toml is wrong."
                return Finding("scores", Grade.FAIL, says, remedy)
            if run.score is not None and not bench.measured and run.score.value != bench.value(run):
                says = f"Score.value {run.score.value:.4g} is not its metric {metric} {bench.value(run):.4g} ({name})"
                return Finding("scores", Grade.LOOK, says, f"The metric {metric} counts; give the same as value.")
    known_truth = bench.verifier.truth_in_args(Split.TRAIN)
    if known_truth:
        says = "the truth of every instance stands among its arguments: programs can read it"
        return Finding("scores", Grade.LOOK, says, "Put into args what a program may know, and nothing else.")
    return Finding("scores", Grade.OK, "values, metrics and floor fit together; no truth among the arguments")


def noise(bench: Bench, seed: Evaluated, progress: Progress) -> tuple[Finding, float]:
    """The spread of the seed's score over repeats, and its standard deviation.

    Where scores are declared stochastic each repeat has another random state, and what counts is the mean of several.
    """
    stochastic, averaged = bench.problem.file.stochastic, bench.problem.repeats
    values = [seed.value or 0.0]
    for count in range(1, REPEATS):
        progress(f"evaluating the seed again: {count + 1} of {REPEATS}")
        instances, state = bench.verifier.instances(Split.TRAIN), count if stochastic else 0
        again = bench.evaluate("seed", seed.source, Split.TRAIN, instances, state)
        if again.value is None:
            remedy = "Raise the limits, or make the seed reliable: what fails now and then is no score."
            return Finding("noise of the score", Grade.FAIL, f"once it was {again.failure}", remedy), 0.0
        values.append(again.value)
    deviation = statistics.stdev(values)
    figures = {"standard_deviation": deviation, "repeats": REPEATS, "values": values}
    if not deviation:
        return Finding("noise of the score", Grade.OK, f"none: {REPEATS} times {values[0]:.6g}", "", figures), 0.0
    share = deviation / math.sqrt(averaged) / abs(statistics.mean(values) or 1.0)
    says = f"{share:.2%} of the score (standard deviation of {REPEATS}"
    says += f", for the mean of {averaged} runs)" if stochastic else ")"
    if share > NOISE_SHARE * bench.problem.minimum_effect:
        quieter = "; cpu_seconds is quieter" if bench.objective.metric == "wall_seconds" else ""
        remedy = (
            f"Set minimum_effect to {_rounded_up(share)} or more, or raise repeats or the size of instances{quieter}."
        )
        return Finding("noise of the score", Grade.LOOK, says, remedy, figures), deviation
    return Finding("noise of the score", Grade.OK, says, "", figures), deviation


def _rounded_up(share: float) -> str:
    """To one digit, never down; at most a half."""
    step = 10.0 ** math.floor(math.log10(share))
    return f"{min(0.5, math.ceil(share / step) * step):.2g}"


def time(known: Sequence[Evaluated], repeats: int = 1) -> Finding:
    """Wall seconds of an evaluation, and how many fit into an hour on this machine. It has `repeats` runs of train."""
    return time_of(repeats * statistics.median(one.seconds for one in known), check_workers(None))


def time_of(seconds: float, cores: int) -> Finding:
    """What an evaluation of so many seconds means for a search on so many cores."""
    hourly = 3600.0 * cores / seconds if seconds else float("inf")
    amount = f"{seconds:.2g} s" if seconds >= 0.01 else f"{1000 * seconds:.2g} ms"
    says = f"{amount} on train: some {_round(hourly):,} evaluations an hour on {cores} core{'s' * (cores != 1)}"
    figures = {"seconds": seconds, "evaluations_per_hour": hourly, "cores": cores}
    if seconds > SLOW_SECONDS:
        remedy = "Use fewer or smaller instances in train; keep the large ones for gate and final."
        return Finding("time", Grade.LOOK, says, remedy, figures)
    return Finding("time", Grade.OK, says, "", figures)


def _round(value: float) -> int:
    """Two significant digits."""
    return int(float(f"{value:.2g}")) if value < 1e15 else 10**15


def keys(bench: Bench, known: Sequence[Evaluated]) -> Finding:
    """Two programs of different score on train must not look alike on the probe."""
    name = "functional keys"
    if bench.measured:
        return Finding(name, Grade.OK, "not used: a measured score is never taken over from another program")
    if reason := never_taken_over(bench.problem):
        return Finding(name, Grade.OK, f"not used: {reason}")
    found: dict[str, Evaluated] = {}
    for one in known:
        key = functional_key(one.probed, bench.verifier.evaluation_set(Split.PROBE), bench.problem.hash_bits)
        twin = found.setdefault(key, one)
        if twin.value != one.value:
            says = f"{twin.name} and {one.name} are one on the probe and score {twin.value:.4g} and {one.value:.4g}"
            remedy = "Give probe more, or more telling, instances: one key must mean one score."
            return Finding(name, Grade.FAIL, says, remedy)
    says = f"programs: {len(known)}, functions: {len(found)}, none with two scores"
    return Finding(name, Grade.OK, says, "", {"programs": len(known), "functions": len(found)})


def looking_ahead(bench: Bench, known: Sequence[Evaluated], progress: Progress) -> Finding | None:
    """The seed and the baselines must pass the check that would-be champions have to pass."""
    if not bench.problem.driven:
        return None
    instances = bench.verifier.instances(Split.TRAIN)
    first, other = instances[0], instances[-1]
    spliced = bench.verifier.spliced(Split.TRAIN, first.id, other.id, 0.5)
    if len(instances) > 1 and canonical(list(spliced)) in (canonical(list(first.args)), canonical(list(other.args))):
        says = "spliced() gives an instance as it is: that another future changes nothing is then shown of nobody"
        remedy = "Let it begin as the first instance, and go on as the other one after the given share."
        return Finding("looking ahead", Grade.FAIL, says, remedy)
    check = AnticipationCheck(bench.stage)
    for place, one in enumerate(known, 1):
        progress(f"replaying seed and baselines strictly: {place} of {len(known)}")
        recorded = {run.result.instance_id: run.result.score for run in one.runs if run.result.score is not None}
        verdict = check.check(one.source, 0, False, recorded)
        if verdict is not None:
            says = f"{one.name} is {verdict.status}: {verdict.feedback}"
            remedy = "If it does not look ahead, then drive(), play(), spliced() and decisions() do not agree."
            return Finding("looking ahead", Grade.FAIL, says, remedy)
    says = f"{len(known)} programs decide the same when replayed strictly, and with another future"
    return Finding("looking ahead", Grade.OK, says)
