"""`evolve check`: whether a problem's score can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, JsonOption, SandboxOption

if TYPE_CHECKING:
    from rich.table import Table

    from evolve.check import Report

FAILED = 1
_STYLES = {"ok": "green", "look": "yellow", "fail": "bold red"}


def check(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="Name of a shipped problem, or its folder.")],
    sandbox: SandboxOption = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether the score of PROBLEM can be trusted.

    Runs seed and baselines, compares the splits, measures noise and time, and tries seventeen ways to cheat. The exit
    status is 1 where a line says FAIL; lines that say LOOK are for the author to judge.
    """
    from rich.console import Console

    from evolve.check import Grade, check_problem
    from evolve.cli.output import print_json, warn_of

    del archive  # accepted by every command; this one needs none
    warn_of(sandbox)
    with Console(stderr=True).status("starting") as status:
        report = check_problem(problem, status.update, sandbox)
    if as_json:
        print_json(report.to_json())
    else:
        _print(report)
    if report.grade is Grade.FAIL:
        raise typer.Exit(FAILED)


def _print(report: Report) -> None:
    from evolve.check import Grade
    from evolve.display.text import duration, line, show

    show(_table(report))
    count = sum(finding.grade is not Grade.OK for finding in report.findings)
    verdict = {
        Grade.OK: "nothing found: the score can be trusted as far as this check can see",
        Grade.LOOK: f"usable; {count} line{'s' * (count > 1)} to look at",
        Grade.FAIL: "not to be trusted yet: mend what says FAIL, then check again",
    }[report.grade]
    line(f"{verdict} ({duration(report.seconds)})", style=_STYLES[report.grade.value])


def _table(report: Report) -> Table:
    from rich.text import Text

    from evolve.display.grid import blank_table

    table = blank_table(report.problem)
    table.add_column("check", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what was seen, and → what to do", overflow="fold")
    for finding in report.findings:
        style = _STYLES[finding.grade.value]
        says = Text(finding.says)
        if finding.remedy:
            says.append(f"\n→ {finding.remedy}", style="dim")
        table.add_row(Text(finding.name), Text(finding.grade.value.upper(), style=style), says)
    return table
