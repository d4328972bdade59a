"""`evolve doctor`: what is here, what is not, and the command that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from evolve.cli.options import ArchiveOption, JsonOption

if TYPE_CHECKING:
    from rich.table import Table

    from evolve.doctor import Diagnosis

NOT_READY = 1
_STYLES = {"ok": "green", "missing": "dim", "forbidden": "yellow", "degraded": "yellow", "unknown": "dim"}


def doctor(archive: ArchiveOption = None, as_json: JsonOption = False) -> None:
    """Look whether a run can start here, and say what to type where something is missing.

    Looks at sandboxes, GPUs, the archive and what this machine forbids. Keys of models are named, never read out. The
    exit status is 0 where a run can start: the sandbox that it takes works, and the archive can be written.
    """
    from rich.console import Console

    from evolve.cli.output import print_json
    from evolve.doctor import diagnose

    with Console(stderr=True).status("starting") as status:
        diagnosis = diagnose(archive, status.update)
    if as_json:
        print_json(diagnosis.to_json())
    else:
        _print(diagnosis)
    if not diagnosis.ready:
        raise typer.Exit(NOT_READY)


def _print(diagnosis: Diagnosis) -> None:
    from evolve.display.text import duration, line, show

    show(_table(diagnosis))
    for finding in sorted(diagnosis.findings, key=lambda one: not one.required):
        if finding.remedies:
            line(f"{finding.name}, {'needed' if finding.required else 'if wanted'}:", style=_style(finding.required))
            # A line of its own, whole, so that it can be copied.
            for remedy in finding.remedies:
                line(f"  {remedy}", style="" if finding.required else "dim")
    if diagnosis.ready:
        ready = f"a run can start, in {diagnosis.sandbox}"
        line(f"{ready} ({duration(diagnosis.seconds)})", style="green")
    else:
        line(f"no run can start yet: mend what is needed ({duration(diagnosis.seconds)})", style="bold red")


def _style(required: bool) -> str:
    return "bold red" if required else ""


def _table(diagnosis: Diagnosis) -> Table:
    from rich.text import Text

    from evolve.display.grid import blank_table

    table = blank_table()
    table.add_column("", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("what was seen", overflow="fold")
    for finding in diagnosis.findings:
        style = "bold red" if finding.required else _STYLES[finding.state.value]
        table.add_row(Text(finding.name), Text(finding.state.value, style=style), Text(finding.says))
    return table
