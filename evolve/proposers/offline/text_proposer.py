"""Offline proposals for ordinary Python: edits of the block, other constants, functions of another program."""

from __future__ import annotations

import ast
import math

from evaluators.normal_form import normalise
from evaluators.screen import find_block
from evolve.core.errors import Forbidden
from evolve.core.rng import Generator, generator
from evolve.core.types import Candidate, Failure, Source, Status, Ticket
from evolve.proposers.base import Context
from evolve.proposers.offline import terms, text
from evolve.proposers.offline.text import Edit, Page

OPERATORS = {"grow": 0.35, "edit": 0.15, "constants": 0.25, "crossover": 0.10, "hoist": 0.15}
# One edit is a step that selection can judge; several at once leap over programs that are worse.
_EDITS, _EDIT_WEIGHTS = (1, 2, 3), (0.55, 0.30, 0.15)
_TRIES = 20


def propose(ticket: Ticket, context: Context) -> Candidate | Failure:
    """A changed child of the ticket's parent. Depends on ticket and context alone."""
    rng = generator(ticket.seed, "propose")
    parent = context.parents[0]
    donor = context.inspirations[0] if context.inspirations else parent
    try:
        for _ in range(_TRIES):
            child = _change(ticket.operator, parent, donor, rng)
            if normalise(child.main) != normalise(parent.main):
                return Candidate(ticket, child, ticket.operator)
    except Forbidden as error:
        return Failure(ticket, Status.NO_PROGRAM, str(error))
    return Failure(ticket, Status.UNCHANGED, f"{_TRIES} tries gave the parent again")


def _change(operator: str, parent: Source, donor: Source, rng: Generator) -> Source:
    if operator == "constants":
        return perturb_constants(parent, rng)
    if operator == "crossover":
        crossed = exchange_function(parent, donor, rng)
        if crossed is not None and rng.random() < 0.5:
            return crossed
        return text.edit(crossed or parent, rng, donor)
    if operator in ("grow", "hoist"):
        move = terms.grow if operator == "grow" else terms.hoist
        try:
            return move(parent, rng)
        except Forbidden:
            if parent.language == "python":
                raise
            # A script need not have functions, and then nothing that they return.
    child = parent
    for _ in range(int(rng.choice(_EDITS, p=_EDIT_WEIGHTS))):
        child = text.edit(child, rng)
    return child


def perturb_constants(source: Source, rng: Generator) -> Source:
    """The numbers of the block, some or all, moved a little or much, in the space of signed logarithms.

    Raises Forbidden where the block holds no number.
    """
    page = Page(source.main)
    numbers = [node for node in page.nodes(ast.Constant) if type(getattr(node, "value", None)) in (int, float)]
    if not numbers:
        raise Forbidden("the block holds no number")
    share = 1.0 if rng.random() < 0.3 else 1.5 / len(numbers)
    step = float(rng.choice([0.1, 0.3, 1.0]))
    changed = page.text
    for node in reversed(numbers):  # from the end, so that places before stay where they are
        if rng.random() < share:
            value = getattr(node, "value", 0)
            changed = Edit(*page.span(node), _moved(value, step * float(rng.standard_normal()), rng)).apply(changed)
    return source.with_main(changed)


def _moved(value: float, step: float, rng: Generator) -> str:
    moved = math.sinh(math.asinh(value) + step)
    if isinstance(value, int):
        rounded = round(moved)
        # Small integers would stay where they are; a move is wanted, or a number between them.
        if rng.random() < 0.3:
            return f"{abs(moved):.4g}" if "e" not in f"{abs(moved):.4g}" else repr(abs(moved))
        return str(max(0, rounded if rounded != value else value + int(rng.choice([-1, 1]))))
    return f"{abs(moved):.5g}"


def exchange_function(source: Source, donor: Source, rng: Generator) -> Source | None:
    """`source` with one function of its block replaced by the donor's of the same name; None where all are the same.

    Raises Forbidden where either has no single block.
    """
    block, other = find_block(source.main), find_block(donor.main)
    mine, theirs = _functions(source.main, block.start, block.end), _functions(donor.main, other.start, other.end)
    names = [name for name in mine if name in theirs and mine[name][2] != theirs[name][2]]
    if not names:
        return None
    name = names[int(rng.integers(len(names)))]
    start, end, _ = mine[name]
    return source.with_main(source.main[:start] + theirs[name][2] + source.main[end:])


def _functions(file: str, start: int, end: int) -> dict[str, tuple[int, int, str]]:
    """Place and text of each function that stands at the top of the block, by name."""
    page = Page(file)
    found = {}
    for node in page.tree.body:
        if isinstance(node, ast.FunctionDef):
            first, last = page.line_span(node)
            if start <= first and last <= end:
                found[node.name] = (first, last, file[first:last])
    return found
