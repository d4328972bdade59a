"""Whether a problem's score can be trusted: what `evolve check` looks at."""

from __future__ import annotations

from evolve.check.report import Finding as Finding
from evolve.check.report import Grade as Grade
from evolve.check.report import Report as Report
from evolve.check.whole import check_problem as check_problem

__all__ = ["Finding", "Grade", "Report", "check_problem"]
