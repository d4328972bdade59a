"""The offline proposer: draw an operator, change the parent, tune the constants.

`OfflineProposer` sits beside the loop; the work is done by `propose` in an engine's worker.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from evaluators.constants import ConstantEvaluator
from evaluators.screen import find_block, identify, identify_skeleton
from evolve.core.errors import Forbidden
from evolve.core.rng import Generator, generator
from evolve.core.types import Candidate, Cost, Failure, Source, Status, Ticket
from evolve.engine.base import Engine, Task
from evolve.problem import Problem
from evolve.proposers.base import Context
from evolve.proposers.offline import graph, text, tuning
from sandbox import straight_line
from sandbox.straight_line import StraightLine

OPERATORS = {"mutate": 0.85, "crossover": 0.10, "edit": 0.05}
# A ticket tunes children until it has spent this many evaluations, and proposes the most promising one.
LITTER_EVALUATIONS, MAX_LITTER = 7.0, 4
_TRIES = 40
# New skeletons first; one met before is worth another fit, from other starts, but not a third.
_TRIES_FOR_NEW, _FITS_PER_SKELETON = 20, 2

Visits = Callable[[str, int], int]
"""visits(skeleton_id, horizon): how many told records up to `horizon` have that skeleton."""


class OfflineProposer:
    """Proposes through an engine, so that editing and tuning use every core."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        """A changed and tuned child of the ticket's parent. Depends on ticket and context alone."""
        answer: Candidate | Failure = await self.engine.run(Task("propose", (ticket, context), ticket.number))
        return answer


def propose(
    problem: Problem, evaluate_constants: ConstantEvaluator, visits: Visits, ticket: Ticket, context: Context
) -> Candidate | Failure:
    """What `OfflineProposer` has done by a worker. `evaluate_constants` keeps the measurements."""
    rng = generator(ticket.seed, "propose")
    parent = straight_line.parse(context.parents[0].main, problem.seed.entry)
    change = _changer(ticket, context, parent, rng)

    def fits(skeleton_id: str) -> int:
        return visits(skeleton_id, context.horizon)

    try:
        litter = _litter(problem, evaluate_constants, fits, change, context, rng)
    except Forbidden as error:
        return Failure(ticket, Status.NO_PROGRAM, str(error))
    best = min(litter, key=lambda pup: pup.promise)
    if identify(best.program)[0] == identify(parent)[0]:
        return Failure(ticket, Status.UNCHANGED, "the moves gave the parent again", _cost(evaluate_constants))
    idea = f"{ticket.operator}: {best.program.operations} operations, {len(best.program.constants)} constants"
    # A parent may be a baseline, whose file has other words around the block: the seed's file is the frame.
    source = with_body(problem.seed, best.program)
    return Candidate(ticket, source, idea, (), _cost(evaluate_constants), tuple(evaluate_constants.measurements))


def fit(problem: Problem, evaluate_constants: ConstantEvaluator, candidate: Candidate, context: Context) -> Candidate:
    """A proposed program with its constants fitted as those of an offline proposal are.

    As it was where it is refused, or where no constants make it finite: the screen and the stages say why.
    """
    try:
        program = straight_line.parse(candidate.source.main, candidate.source.entry)
    except Forbidden:
        return candidate
    if not program.constants or not _is_finite(program, evaluate_constants):
        return candidate
    rivals = [error for operations, error in context.best_by_size if operations <= program.operations]
    rng = generator(candidate.ticket.seed, "fit")
    tuned, _ = _tune(problem, program, evaluate_constants, min(rivals, default=math.inf), rng)
    cost = replace(candidate.cost, evaluations=_cost(evaluate_constants).evaluations)
    measurements = tuple(evaluate_constants.measurements)
    return replace(candidate, source=with_body(problem.seed, tuned), cost=cost, measurements=measurements)


def with_body(file: Source, program: StraightLine) -> Source:
    """`file` with the block's text replaced by the program; everything outside the block stays as it is."""
    block = find_block(file.main)
    marker = file.main[: block.start].splitlines()[-1]
    indent = marker[: len(marker) - len(marker.lstrip())]
    body = textwrap.indent(program.render(), indent) + "\n"
    return file.with_main(file.main[: block.start] + body + file.main[block.end :])


@dataclass(frozen=True, slots=True)
class Pup:
    """A tuned child and its error relative to that of the best program of its size: less is better."""

    program: StraightLine
    promise: float


def _litter(
    problem: Problem,
    evaluate_constants: ConstantEvaluator,
    fits: Callable[[str], int],
    change: Callable[[], StraightLine],
    context: Context,
    rng: Generator,
) -> list[Pup]:
    """Several children where a fit is much cheaper than a ticket; one where tuning costs whole evaluations."""
    litter: list[Pup] = []
    size = MAX_LITTER if problem.tuning.method == "least_squares" else 1
    while len(litter) < size and _cost(evaluate_constants).evaluations < LITTER_EVALUATIONS:
        try:
            child = _new_skeleton(problem, evaluate_constants, fits, change)
        except Forbidden:
            if litter:
                break
            raise
        rivals = [error for operations, error in context.best_by_size if operations <= child.operations]
        rival = min(rivals, default=math.inf)
        tuned, error = _tune(problem, child, evaluate_constants, rival, rng)
        litter.append(Pup(tuned, error / rival if math.isfinite(rival) else error))
    return litter


def _new_skeleton(
    problem: Problem,
    evaluate_constants: ConstantEvaluator,
    fits: Callable[[str], int],
    change: Callable[[], StraightLine],
) -> StraightLine:
    """Change the parent until the skeleton is new and of a size that is searched. Raises Forbidden after 40 tries."""
    reason = "no try gave a program"
    for attempt in range(_TRIES):
        try:
            child = change()
        except Forbidden as error:
            reason = str(error)
            continue
        if not 1 <= child.operations <= problem.search.max_operations:
            reason = f"{child.operations} operations; at most {problem.search.max_operations} are searched"
        elif not any(slot < len(child.arguments) for _, *operands in child.steps for slot in operands):
            reason = "the program does not use its argument"
        elif fits(identify_skeleton(child)) >= (1 if attempt < _TRIES_FOR_NEW else _FITS_PER_SKELETON):
            reason = "every try gave a program that was fitted before"
        elif not _is_finite(child, evaluate_constants):
            reason = "no value somewhere, whatever the constants"
        else:
            return child
    raise Forbidden(f"{_TRIES} tries: {reason}")


def _is_finite(child: StraightLine, evaluate_constants: ConstantEvaluator) -> bool:
    """False for programs like c / x where the probe holds 0: no constants will mend them."""
    return all(np.isfinite(child.evaluate(*probe.args)).all() for probe in evaluate_constants.evaluator.probe)


def _changer(ticket: Ticket, context: Context, parent: StraightLine, rng: Generator) -> Callable[[], StraightLine]:
    """A function that gives another child at each call."""
    entry = context.parents[0].entry
    if ticket.operator == "edit":
        return lambda: straight_line.parse(text.edit(context.parents[0], rng).main, entry)
    if ticket.operator == "crossover" and context.inspirations:
        donor = straight_line.parse(context.inspirations[0].main, entry)
        return lambda: graph.crossover(parent, donor, rng)
    return lambda: graph.mutate(parent, rng)


def _tune(
    problem: Problem, child: StraightLine, evaluate_constants: ConstantEvaluator, rival: float, rng: Generator
) -> tuple[StraightLine, float]:
    """The child with fitted constants, and its largest error where the fit knows it."""
    match problem.tuning.method:
        case "least_squares":
            # Within twice the rival's error a fit may beat it once it is minimax.
            return tuning.tune_smooth(child, evaluate_constants, problem.tuning.points, rng, 2.0 * rival)
        case "cma":
            return tuning.tune_black_box(child, evaluate_constants, rng), math.inf
        case _:
            return child, math.inf


def _cost(evaluate_constants: ConstantEvaluator) -> Cost:
    return Cost(evaluations=sum(batch.evaluations for batch in evaluate_constants.measurements))
