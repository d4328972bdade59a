"""What comes of a program that computes what another one did: whose score it takes over, and what that teaches."""

from __future__ import annotations

from dataclasses import dataclass

from archive.equivalence import Kind, Learned
from evolve.core.keys import Keys
from evolve.core.types import Record, Status, Verdict

STAGE = "equivalence"
"""Of verdicts that withdraw a score."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A score that may be taken over: the verdict as it would be recorded, whose it is, and the seconds of train that
    it took there. `run` is None for a record of the same run."""

    verdict: Verdict
    origin: int
    seconds: float
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a program that may have keys. `own`: it was evaluated in full itself, else on the probe alone.
    `taken` is what it took over, or would have."""

    verdict: Verdict
    keys: Keys | None = None
    taken: Taken | None = None
    own: bool = True


def again(found: Finding) -> tuple[Learned, ...]:
    """The row of a proposal that was given up because what it computes is known."""
    if found.keys is None:
        return ()
    taken = None if found.own else found.taken
    saved, seconds, origin = (1.0, taken.seconds, taken.origin) if taken else (0.0, 0.0, None)
    row = Learned(Kind.AGAIN, found.keys, found.verdict.evaluation_set, None, None, origin, saved, seconds)
    return (row,)


def seconds_of(verdict: Verdict) -> float:
    """Wall seconds that a program took on train."""
    return sum(result.wall_seconds for result in verdict.results)


def revocation(record: Record) -> Verdict:
    """The verdict of a program that loses the score that its record took over."""
    words = "it had taken over the score of a program that does not compute the same: that score is withdrawn"
    return Verdict(Status.INVALID, feedback=words, stage=STAGE, evaluation_set=record.verdict.evaluation_set)
