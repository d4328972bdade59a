"""What a check says: one finding a line, with the edit that mends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Progress = Callable[[str], None]
"""Called with a few words on what is being done."""


class Grade(StrEnum):
    """`OK`; `LOOK`: legal, and the author should know; `FAIL`: the score can not be trusted, or nothing runs."""

    OK = "ok"
    LOOK = "look"
    FAIL = "fail"


_ORDER = (Grade.OK, Grade.LOOK, Grade.FAIL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, its grade, what was seen, and what to do. `figures` are for machines."""

    name: str
    grade: Grade
    says: str
    remedy: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data; keys are documented in docs/cli.md."""
        return {
            "name": self.name,
            "grade": self.grade.value,
            "says": self.says,
            "remedy": self.remedy or None,
            "figures": dict(self.figures),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about one problem, in order. `seconds` is what the check took."""

    problem: str
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def grade(self) -> Grade:
        """The worst of all."""
        return worst(*(finding.grade for finding in self.findings))

    def to_json(self) -> dict[str, Any]:
        """Plain data; keys are documented in docs/cli.md."""
        return {
            "problem": self.problem,
            "grade": self.grade.value,
            "seconds": self.seconds,
            "findings": [finding.to_json() for finding in self.findings],
        }


def worst(*grades: Grade) -> Grade:
    """The worst of some grades; `OK` of none."""
    return max(grades, key=_ORDER.index, default=Grade.OK)
