"""The proposer that needs no model: edits of programs and numeric tuning of their constants."""

from __future__ import annotations

from collections.abc import Mapping


def operators(sandbox: str) -> Mapping[str, float]:
    """The moves for programs of that sandbox, with their weights."""
    if sandbox == "straight_line":
        from evolve.proposers.offline.proposer import OPERATORS

        return OPERATORS
    from evolve.proposers.offline.text_proposer import OPERATORS as TEXT_OPERATORS

    return TEXT_OPERATORS
