"""The whole check of a problem, from its file to the last cheat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evaluators.timed_verdicts import TimedVerdicts
from evolve.check import rows, timed_rows
from evolve.check.battery import Battery
from evolve.check.bench import PATIENCE_SECONDS, Bench, Evaluated
from evolve.check.power import gate
from evolve.check.report import Finding, Grade, Progress, Report
from evolve.core.clock import monotonic_seconds
from evolve.core.errors import ProblemError
from evolve.core.types import Split
from evolve.evaluation import sandbox_config
from evolve.problem import Problem, load
from evolve.problem_file import FILE
from evolve.readiness import check_ready
from sandbox.config import SandboxConfig
from sandbox.limits import MEBIBYTE

NEAR = 0.5
"""A verifier that comes this near to one of its limits is told of."""


def check_problem(problem: str | Path, progress: Progress = lambda text: None, sandbox: str | None = None) -> Report:
    """Look at everything that `evolve check` looks at; see docs/authoring.md for what each line means.

    Runs the problem's programs and, made from the best of them, seventeen cheats. Opens neither gate nor final: of
    these only the instances are compared.

    Programs run in `sandbox`, a text as `evolve.run` takes it.

    Raises:
        UsageError: there is no such problem, or the sandbox is unknown or not installed here.
    """
    began = monotonic_seconds()
    config = sandbox_config(sandbox)
    try:
        loaded = load(problem)
    except ProblemError as error:
        name = FILE if FILE in error.message else "files"
        finding = Finding(name, Grade.FAIL, error.message, error.remedy)
        return Report(str(problem), (finding,), monotonic_seconds() - began)
    valid = Finding(FILE, Grade.OK, f"valid, version {loaded.version[:10]}")
    return Report(loaded.name, (valid, *_findings(loaded, config, progress)), monotonic_seconds() - began)


def _findings(problem: Problem, config: SandboxConfig, progress: Progress) -> Iterator[Finding]:
    progress("starting")
    try:
        check_ready(problem, config)
    except ProblemError as error:
        yield Finding("limits and packages", Grade.FAIL, error.message, error.remedy)
        return
    bench = Bench(problem, config)
    try:
        yield from _of_bench(bench, progress)
    except ProblemError as error:
        yield Finding("verifier", Grade.FAIL, error.message, error.remedy)
    finally:
        bench.close()


def _of_bench(bench: Bench, progress: Progress) -> Iterator[Finding]:
    known, findings = rows.known_programs(bench, progress)
    yield from findings
    yield _separation(bench.problem)
    yield rows.splits(bench, progress)
    if not known or known[0].name != "seed":
        return  # nothing else can be said of a problem whose seed does not run
    yield rows.scores(bench, known)
    yield rows.determinism(bench, known, progress)
    deviation = 0.0
    if bench.times:
        yield timed_rows.noise(bench.times, progress)
        yield rows.time_of(timed_rows.seconds(known), 1)
        yield timed_rows.gate(bench.times, len(bench.verifier.instances(Split.GATE)))
    else:
        finding, deviation = rows.noise(bench, known[0], progress)
        yield finding
        if bench.problem.timing:
            yield _noise_of_the_time(TimedVerdicts(bench.stage, bench.problem.timing), progress)
        yield rows.time(known, bench.problem.repeats)
        yield gate(bench, known)
    yield rows.keys(bench, known)
    ahead = rows.looking_ahead(bench, known, progress)
    if ahead is not None:
        yield ahead
    yield from _battery(bench, known, deviation, progress)
    yield verifier_limits(bench)


def _noise_of_the_time(times: TimedVerdicts, progress: Progress) -> Finding:
    """Of a second objective: a loud machine makes its front longer, and no score wrong."""
    found = timed_rows.noise(times, progress)
    return replace(found, name="noise of the time", grade=Grade.LOOK if found.grade is Grade.FAIL else found.grade)


def _battery(bench: Bench, known: list[Evaluated], deviation: float, progress: Progress) -> Iterator[Finding]:
    best = rows.best_of(bench, known)
    margin = max(3.0 * deviation, bench.problem.minimum_effect * abs(best.value or 0.0))
    yield from Battery(bench, best, margin, progress).findings()


def _separation(problem: Problem) -> Finding:
    if problem.separated:
        return Finding("verifier", Grade.OK, "separated: it sees outputs, and no program sees it")
    return Finding(
        "verifier",
        Grade.LOOK,
        "not separated: the program reports its own score, and any program can report a better one",
        "Print the answer, compute its score in score() of verifier.py, then set separated = true (see README.md).",
    )


def verifier_limits(bench: Bench) -> Finding:
    """The most time and memory that the verifier took for one answer, against its limits."""
    limits = bench.problem.file.verifier
    seconds, peak_bytes = bench.verifier.slowest_seconds, bench.verifier.most_bytes
    allowed_bytes = limits.memory_mebibytes * MEBIBYTE
    says = f"at most {seconds:.2g} s of {limits.wall_seconds:g} s and {peak_bytes // MEBIBYTE} MiB of "
    says += f"{limits.memory_mebibytes} MiB for one answer"
    figures = {"seconds": seconds, "peak_bytes": peak_bytes}
    if bench.verifier.deaths:
        remedy = "Bound the length of outputs in score() before computing; it was stopped, and the output is invalid."
        says = f"an output held it for {PATIENCE_SECONDS:g} s or ended it; {says}"
        return Finding("verifier's limits", Grade.LOOK, says, remedy, figures)
    if seconds > NEAR * limits.wall_seconds or peak_bytes > NEAR * allowed_bytes:
        remedy = "Raise wall_seconds or memory_mebibytes under [verifier], or make score() cheaper."
        return Finding("verifier's limits", Grade.LOOK, says, remedy, figures)
    return Finding("verifier's limits", Grade.OK, says, "", figures)
