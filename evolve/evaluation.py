"""The evaluators of a problem, put together from its file and from the sandbox that was chosen."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from evaluators.cascade import Evaluator
from evaluators.functional_hash import Hashing
from evaluators.process_cascade import ProcessEvaluator
from evaluators.stage import Seat, Stage
from evaluators.train_order import Plan
from evaluators.verifier_process import VerifierProcess, VerifierSettings
from evolve.core.config import chosen_sandbox, source_of_sandbox
from evolve.core.errors import UsageError
from evolve.problem import Problem
from evolve.problem_file import MEASURED
from evolve.timing_table import TIME_RATIO
from sandbox import backends
from sandbox.base import Sandbox
from sandbox.config import SandboxConfig
from sandbox.limits import MEBIBYTE
from sandbox.mounts import Tools

KEY_VERSION = 1
"""Of what keys are made of: programs whose keys were made in another way are not compared."""
# The function of a driver that runs the candidate on one instance's arguments.
DRIVE = "drive"


def sandbox_config(given: str | None = None, stored: object = None) -> SandboxConfig:
    """The sandbox that was asked for, or the one of this system; see `evolve.core.config.chosen_sandbox`.

    Raises UsageError for a name or an option that there is not.
    """
    chosen = chosen_sandbox(given, stored)
    try:
        return backends.read(chosen)
    except UsageError as error:
        where = source_of_sandbox(given, stored)
        raise UsageError(f"{where}: {error.message}" if where else error.message, error.remedy) from None


def make_evaluator(problem: Problem, config: SandboxConfig | None = None) -> Evaluator | ProcessEvaluator:
    """An evaluator with the problem's verifier, in this process or in one of its own.

    Raises:
        UsageError: the sandbox is not installed. ProblemError: a declared package is not.
    """
    if problem.sandbox == "straight_line":
        seeds, hashing = problem.split_seed, _hashing(problem, "in place")
        return Evaluator(problem.verifier, problem.objectives, problem.version, seeds, hashing)
    config = config or sandbox_config()
    plan = Plan(problem.file.decouple and problem.timing is None, problem.repeats)
    hashing = _hashing(problem, backends.text(config))
    return ProcessEvaluator(make_stage(problem, config), problem.objectives, plan, problem.timing, hashing)


def never_taken_over(problem: Problem) -> str:
    """Why no program of the problem takes over another one's score; empty where it may."""
    if problem.timing is not None or any(one.metric in MEASURED for one in problem.objectives):
        return "a measured score is never taken over from another program"
    if problem.command is not None:
        return "what a command's run takes is measured, and is never taken over from another program"
    if problem.file.stochastic:
        return "a stochastic score is never taken over from another program"
    return ""


def _hashing(problem: Problem, where: str) -> Hashing | None:
    """How keys of the problem's programs are made; None where they have none. `where` is the sandbox."""
    if never_taken_over(problem):
        return None
    names = sorted({"numpy", *(name.partition("[")[0] for name in problem.packages)})
    limits = sorted(problem.limits.to_json().items())
    return Hashing(problem.hash_bits, repr((KEY_VERSION, where, problem.isolation, limits, _versions(names))))


def _versions(packages: list[str]) -> list[str]:
    """Versions of the interpreter, the kind of processor, and the installed packages, a line each."""
    found = [platform.python_implementation(), platform.python_version(), platform.machine()]
    for name in packages:
        with suppress(PackageNotFoundError):  # it says so itself when a program is to run
            found.append(f"{name} {version(name)}")
    return found


def make_stage(problem: Problem, config: SandboxConfig | None = None) -> Stage:
    """Where programs of a problem with processes run. Its verifier process starts at the first question."""
    config = config or sandbox_config()
    seat = _library_seat(problem, config) if problem.command is None else _command_seat(problem, config)
    return Stage(seat, VerifierProcess(verifier_settings(problem, config)))


def verifier_settings(problem: Problem, config: SandboxConfig) -> VerifierSettings:
    """How the problem's verifier is started."""
    bounds = problem.file.verifier
    memory_bytes = bounds.memory_mebibytes * MEBIBYTE
    seeds, where = problem.split_seeds(), backends.text(config)
    return VerifierSettings(
        problem.folder,
        problem.version,
        seeds,
        bounds.wall_seconds,
        memory_bytes,
        sandbox=where,
        packages=problem.packages,
        parameters=problem.parameters,
    )


def _library_seat(problem: Problem, config: SandboxConfig) -> Seat:
    function = DRIVE if problem.driven else problem.seed.entry
    sandbox = backends.create(config, problem.packages)
    seat = Seat(sandbox, problem.limits, problem.isolation, problem.driver, function)
    return replace(seat, interactive=problem.interactive)


def _command_seat(problem: Problem, config: SandboxConfig) -> Seat:
    command = problem.command
    folders = command.folders if command else ()
    # What is measured may hide nothing: see Tools.
    measured = any(objective.metric in ("cpu_seconds", TIME_RATIO) for objective in problem.objectives)

    def sandbox(tools: Tools) -> Sandbox:
        return backends.create(config, (), tools)

    return Seat(
        sandbox(Tools(folders, handles_children=not measured)),
        problem.limits,
        "instance",
        None,
        problem.seed.entry,
        command,
        sandbox(Tools(folders, handles_children=True, builds=True)),
    )
