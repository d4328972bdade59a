"""The offline proposer without an engine: all of its work is done where it is called."""

from __future__ import annotations

from evolve.core.types import Candidate, Failure, Ticket
from evolve.problem import Problem
from evolve.proposers.base import Context
from evolve.proposers.offline import propose_text


class InPlaceProposer:
    """Proposes in this process. Text of any language is edited without running it.

    Straight-line programs are tuned against the problem's verifier, which is loaded into this process.
    Raises ProblemError where there is none.
    """

    def __init__(self, problem: Problem) -> None:
        from evolve.engine.worker import Worker

        self._tuner = Worker(problem.place) if problem.sandbox == "straight_line" else None

    async def propose(self, ticket: Ticket, context: Context) -> Candidate | Failure:
        """A changed child of the ticket's parent. Depends on ticket and context alone."""
        if self._tuner is not None:
            return self._tuner.propose(ticket, context)
        return propose_text(ticket, context)

    def share(self, entry: tuple[str, int]) -> None:
        """A record became known: (skeleton id, record number)."""
        if self._tuner is not None:
            self._tuner.share(entry)
