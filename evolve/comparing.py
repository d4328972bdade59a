"""`compare`: policies of search, at equal cost, with the same seeds, and what can be said of their differences."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from archive.store import Archive
from evaluators.cascade import Evaluator
from evolve.beginning import Limits, Wanted, equivalence_of, fresh_run
from evolve.comparison import slots
from evolve.comparison.figure import Figure
from evolve.comparison.outcome import Comparison
from evolve.comparison.plan import BANDIT, Plan, Trial, chosen_control, comparison_id, found, is_done, split_policies
from evolve.comparison.reporting import asking, in_place, worths
from evolve.comparison.watch import Stand, Watch
from evolve.core import config as settings
from evolve.core.clock import monotonic_seconds
from evolve.core.config import RunConfig
from evolve.core.errors import UsageError
from evolve.engine.local import LocalEngine
from evolve.evaluation import make_evaluator, sandbox_config
from evolve.event_loop import in_event_loop
from evolve.events import ScoredProgram
from evolve.problem import Problem, load
from evolve.programs import evaluate_programs
from evolve.readiness import check_ready

Confirm = Callable[[str], bool]

_TELLING = 0.02
"""From this share of the runs on, the time that is left can be told."""


def compare(
    problem: str | Path,
    policies: str | Sequence[str],
    *,
    seeds: int = 10,
    seed: int = 0,
    evaluations: float | None = None,
    usd: float | None = None,
    profile: str | None = None,
    control: str | None = None,
    model: str | Sequence[str] = (),
    api_base: str | None = None,
    start: str | None = None,
    sandbox: str | None = None,
    equivalence: str = "off",
    workers: int | None = None,
    archive: str | Path | None = None,
    confirm: Confirm | None = None,
    watch: Watch = lambda stand: None,
    warn: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Run every policy with seeds `seed`, `seed` + 1, ... and the same budget, and compare what they found.

    Whole runs stand side by side, one on each of `workers` cores, and share nothing. Those that the archive holds
    already, of the same problem, budget and code, are not made again: what was stopped goes on, and more seeds or
    policies cost no more than themselves. `profile` is a reduced size of the problem. `control` is the policy that the
    others are compared with, the first one where it is None. With models, a policy may have another bandit than that of
    the settings, as in "clade@uniform"; `usd` is what each run may cost, and `confirm` is asked with all of it in
    words.

    `equivalence` is as in `evolve.run`; with "archive" the runs share what they have computed, which changes what they
    cost and nothing else.

    Final values are of the report split, which no search sees; curves are of train. See docs/compare.md.

    Raises:
        UsageError: fewer than two policies, one that there is not, an impossible budget. ProblemError: the problem's
        own programs or verifier fail. ArchiveError: the archive can not be written. InfrastructureError: a machine
        failed. The same call goes on.
    """
    began = monotonic_seconds()
    loaded = load(f"{problem}@{profile}" if profile else problem)
    names = split_policies([policies] if isinstance(policies, str) else policies)
    first = chosen_control(control, names)
    if seeds < 1:
        raise UsageError(f"{seeds} seeds are no comparison", "Give --seeds at least 1; ten or more can show something.")
    wanted = Wanted([model] if isinstance(model, str) else model, api_base)
    policy = names[0].partition(BANDIT)[0]
    limits, cache = Limits(evaluations, usd=usd), settings.read_equivalence(equivalence)
    _, config = fresh_run(loaded.place, limits, seed, None, policy, start, wanted, equivalence=cache)
    equivalence_of(equivalence, None, loaded, config)
    _check_bandits(names, config)
    settings.check_budget(config.evaluations, config.proposals, None, config.usd)
    if config.models and config.usd is None:
        raise UsageError("nothing limits what models may cost", "Add --usd X: dollars for each run.")
    place = settings.default_archive(str(archive) if archive else None)
    models = {"model": tuple(wanted.models), "api_base": api_base}
    arguments = {"archive": place, "sandbox": sandbox, "equivalence": equivalence, **models}
    identity = comparison_id(loaded.version, config)
    plan = Plan(identity, loaded.place, loaded.version, names, tuple(range(seed, seed + seeds)), config, arguments)
    check_ready(loaded, sandbox_config(sandbox))
    count = settings.check_workers(workers, loaded.is_timed)
    with Archive.open(place) as opened:
        _carry_out(opened, plan, count, confirm, watch, warn)
        return replace(_compared(opened, plan, loaded, first, count, watch), seconds=monotonic_seconds() - began)


def _check_bandits(arms: Sequence[str], config: RunConfig) -> None:
    """Raises UsageError for a bandit without models, and for one that is the settings' own."""
    for arm in arms:
        policy, mark, rule = arm.partition(BANDIT)
        if mark and not config.models:
            raise UsageError(f"{arm}: a bandit chooses among models, and none was named", "Add --model NAME.")
        if mark and config.models and config.models["bandit"] == rule:
            raise UsageError(f"{arm}: {rule} is the rule of {policy} already", f"Write {policy}.")


def _carry_out(
    archive: Archive, plan: Plan, count: int, confirm: Confirm | None, watch: Watch, warn: Callable[[str], None]
) -> None:
    """Make the runs that are missing."""
    runs = found(archive, plan)
    missing = [trial for trial in plan.trials if not is_done(runs.get(trial))]
    if not missing:
        return
    if plan.config.usd is not None and confirm is not None:
        most = plan.config.usd * len(missing)
        if not confirm(f"{len(missing)} runs of at most ${plan.config.usd:.2f} each: at most ${most:.2f}"):
            raise UsageError("stopped before the first paid call", "Nothing was spent.")
    progress = _Progress(len(plan.trials), len(plan.trials) - len(missing), watch)
    slots.carry_out(plan, missing, count, progress, warn)


def _compared(archive: Archive, plan: Plan, problem: Problem, control: str, count: int, watch: Watch) -> Comparison:
    """Measure champions on report, and put everything together."""
    runs = {trial: row for trial, row in found(archive, plan).items() if trial in set(plan.trials)}
    began = monotonic_seconds()

    def progress(done: int, total: int) -> None:
        seconds = monotonic_seconds() - began
        watch(Stand(done, total, done / total, seconds, seconds / done * (total - done), "champions on report"))

    with ExitStack() as stack:
        engine: LocalEngine | None = None
        evaluator = make_evaluator(problem) if problem.sandbox == "straight_line" else None
        if isinstance(evaluator, Evaluator):
            ask = in_place(evaluator)
        else:
            engine = LocalEngine(problem.place, count, sandbox_config(plan.arguments["sandbox"]))
            stack.callback(engine.close)
            ask = asking(engine)
        known: Sequence[ScoredProgram] = ()
        if len(problem.objectives) == 2:
            known = in_event_loop(lambda: evaluate_programs(problem, engine))
        figure = Figure.of(problem.objectives, known)
        in_usd = plan.config.usd is not None
        measured = in_event_loop(lambda: worths(archive, runs, ask, figure, in_usd, progress))
    return Comparison(
        id=plan.id,
        problem=problem.name,
        title=problem.title,
        figure=figure.objective,
        unit="usd" if in_usd else "evaluations",
        budget=plan.config.usd if plan.config.usd is not None else plan.config.evaluations,
        policies=plan.policies,
        control=control,
        seeds=plan.seeds,
        worths={policy: [measured[Trial(policy, one)] for one in plan.seeds] for policy in plan.policies},
        runs={policy: [runs[Trial(policy, one)].id for one in plan.seeds] for policy in plan.policies},
        archive=archive.where,
        seconds=0.0,
    )


class _Progress:
    """Sums up what is told of single runs. Thread-safe."""

    def __init__(self, total: int, done: int, watch: Watch) -> None:
        self._total, self._before, self._watch = total, done, watch
        self._shares: dict[Any, float] = {}
        self._began = monotonic_seconds()
        self._lock = threading.Lock()
        self._say()

    def __call__(self, trial: Trial, share: float) -> None:
        with self._lock:
            self._shares[trial] = share
            self._say()

    def _say(self) -> None:
        missing, made = self._total - self._before, sum(self._shares.values())
        done = self._before + sum(one >= 1.0 for one in self._shares.values())
        seconds = monotonic_seconds() - self._began
        left = seconds / made * (missing - made) if made > _TELLING * missing else None
        self._watch(Stand(done, self._total, (self._before + made) / self._total, seconds, left))
