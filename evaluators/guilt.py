"""Whose fault a verifier's exception is: the candidate's while it is alone with it, the problem's when it repeats."""

from __future__ import annotations

import re
from collections import Counter, deque

from evolve.core.errors import ProblemError
from evolve.core.types import Record, Verdict

WINDOW, SHARE = 200, 0.05
_FAULT = re.compile(r"^the verifier failed at (\S+)\n")


def fault_feedback(place: str, text: str) -> str:
    """The feedback of a verdict whose verifier failed at `place` (file:line, "time-out" or "death")."""
    return f"the verifier failed at {place}\n{text}"


def fault_place(verdict: Verdict) -> str | None:
    """Where the verifier failed, or None where it did not."""
    return fault_place_of(verdict.feedback)


def fault_place_of(feedback: str) -> str | None:
    """The same from the feedback of one instance."""
    found = _FAULT.match(feedback)
    return found.group(1) if found else None


class FaultCounter:
    """Faults among the last 200 records, in the order of the records."""

    def __init__(self) -> None:
        self._last: deque[str | None] = deque(maxlen=WINDOW)

    def add(self, record: Record) -> None:
        """Count a record.

        Raises:
            ProblemError: 5 % of the last 200 records share the file and line; gives the last traceback.
        """
        place = fault_place(record.verdict)
        self._last.append(place)
        if place is not None and Counter(self._last)[place] >= SHARE * WINDOW:
            raise ProblemError(
                f"{Counter(self._last)[place]} of the last {len(self._last)} records: {record.verdict.feedback}",
                "Mend the verifier so that it raises Invalid for outputs that are wrong, then start a new run.",
            )
