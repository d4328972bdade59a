"""The evaluators of a problem, put together from its file."""

from __future__ import annotations

from evaluators.cascade import Evaluator
from evaluators.process_cascade import ProcessEvaluator
from evaluators.stage import Seat, Stage
from evaluators.verifier_process import VerifierProcess, VerifierSettings
from evolve.problem import Problem
from sandbox.limits import MEBIBYTE

# The function of a driver that runs the candidate on one instance's arguments.
DRIVE = "drive"


def make_evaluator(problem: Problem) -> Evaluator | ProcessEvaluator:
    """An evaluator with the problem's verifier, in this process or in one of its own.

    Raises:
        UsageError: the problem's sandbox is not installed. ProblemError: a declared package is not.
    """
    if problem.sandbox == "straight_line":
        return Evaluator(problem.verifier, problem.objectives, problem.version, problem.split_seed)
    return ProcessEvaluator(make_stage(problem), problem.objectives)


def make_stage(problem: Problem) -> Stage:
    """Where programs of a problem with processes run. Its verifier process starts at the first question."""
    from sandbox.bubblewrap import BubblewrapSandbox
    from sandbox.mounts import Tools

    function = DRIVE if problem.driven else problem.seed.entry
    command, limits = problem.command, problem.limits
    if command is None:
        seat = Seat(BubblewrapSandbox(problem.packages), limits, problem.isolation, problem.driver, function)
    else:
        # What is measured may hide nothing: see Tools.
        measured = any(objective.metric == "cpu_seconds" for objective in problem.objectives)
        tools = Tools(command.folders, handles_children=not measured)
        workshop = Tools(command.folders, handles_children=True, builds=True)
        seat = Seat(
            BubblewrapSandbox(tools=tools),
            limits,
            "instance",
            None,
            function,
            command,
            BubblewrapSandbox(tools=workshop),
        )
    bounds = problem.file.verifier
    memory_bytes = bounds.memory_mebibytes * MEBIBYTE
    seeds = problem.split_seeds()
    settings = VerifierSettings(problem.folder, problem.version, seeds, bounds.wall_seconds, memory_bytes)
    return Stage(seat, VerifierProcess(settings))


def check_ready(problem: Problem) -> None:
    """Raises before a run starts what would stop it: a missing sandbox or package, limits that are too small.

    Raises:
        UsageError: the sandbox is not installed or not permitted here; says the command that mends it.
        ProblemError: names the key in problem.toml.
    """
    if problem.sandbox == "straight_line":
        return
    from sandbox import bubblewrap

    bubblewrap.check()
    make_stage(problem).canary()
