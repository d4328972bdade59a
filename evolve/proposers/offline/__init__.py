"""The proposer that needs no model: edits of programs and numeric tuning of their constants."""

from __future__ import annotations

from collections.abc import Mapping
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
    """A changed child of a program that is run in a sandbox: Python by its syntax tree, else by its tokens."""
    from evolve.proposers.offline import text_proposer, token_proposer

    if is_python(context.parents[0]):
        return text_proposer.propose(ticket, context)
    return token_proposer.propose(ticket, context)


def is_python(source: Source) -> bool:
    """Whether the program is Python, which a command may run as well."""
    return source.language == "python" or all(name.endswith(".py") for name in source.files)
