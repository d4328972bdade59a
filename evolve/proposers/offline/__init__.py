"""The proposer that needs no model: edits of programs and numeric tuning of their constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evolve.core.types import Candidate, Failure, Source, Ticket
    from evolve.proposers.base import Context


def operators(sandbox: str, seed: Source | None = None) -> Mapping[str, float]:
    """The moves for programs of that sandbox that are written as `seed` is, with their weights."""
    if sandbox == "straight_line":
        from evolve.proposers.offline.proposer import OPERATORS

        return OPERATORS
    if seed is not None and not is_python(seed):
        from evolve.proposers.offline.token_proposer import OPERATORS as TOKEN_OPERATORS

        return TOKEN_OPERATORS
    from evolve.proposers.offline.text_proposer import OPERATORS as TEXT_OPERATORS

    return TEXT_OPERATORS


def propose_text(ticket: Ticket, context: Context) -> Candidate | Failure:
    """A changed child of a program that is run in a sandbox: Python by its syntax tree, else by its tokens.

    One file is changed. Which of several is drawn by lot, and the next one has its turn where no move fits.
    """
    from evaluators.screen import evolvable
    from evolve.core.errors import Forbidden
    from evolve.core.rng import generator
    from evolve.core.types import Candidate, Failure, Status

    parent = context.parents[0]
    if len(parent.files) == 1:
        return _propose(ticket, context, is_python(parent))
    try:
        names = evolvable(parent)
    except Forbidden as error:
        return Failure(ticket, Status.NO_PROGRAM, str(error))
    for place in generator(ticket.seed, "file").permutation(len(names)):
        name = names[place]
        made = _propose(ticket, _narrowed(context, name), is_python(parent) and name.endswith(".py"))
        if isinstance(made, Candidate):
            return replace(made, source=replace(parent, files={**parent.files, **made.source.files}))
    return made


def _propose(ticket: Ticket, context: Context, by_tree: bool) -> Candidate | Failure:
    from evolve.proposers.offline import text_proposer, token_proposer

    return text_proposer.propose(ticket, context) if by_tree else token_proposer.propose(ticket, context)


def _narrowed(context: Context, name: str) -> Context:
    """The context with one file of each program; only the file of the entry has an entry to keep."""

    def part(source: Source) -> Source:
        entry = source.function if source.language == "command" or source.entry_file == name else ""
        return replace(source, files={name: source.files[name]}, entry=entry)

    donors = tuple(part(donor) for donor in context.inspirations if name in donor.files)
    return replace(context, parents=(part(context.parents[0]),), inspirations=donors)


def is_python(source: Source) -> bool:
    """Whether what changes of the program is Python, which a command may run as well."""
    if source.language == "python":
        return True
    from evaluators.screen import evolvable

    return all(name.endswith(".py") for name in evolvable(source))
