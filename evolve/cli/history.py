"""`evolve runs`: what is in the archive."""

from __future__ import annotations

from dataclasses import asdict

from evolve.cli.options import ArchiveOption, JsonOption

NAME_WIDTH = 18


def runs(archive: ArchiveOption = None, as_json: JsonOption = False) -> None:
    """List the runs in the archive, oldest first."""
    from evolve.cli.lookup import open_archive
    from evolve.cli.output import print_json
    from evolve.core.config import UNSANDBOXED
    from evolve.display.grid import blank_table
    from evolve.display.run_facts import paid_text
    from evolve.display.text import clock, line, number, show

    with open_archive(archive) as opened:
        rows = opened.runs()
    if as_json:
        print_json([{**asdict(row), "status": row.status.value} for row in rows])
        return
    if not rows:
        line("no runs yet; start one with: evolve run float32-exp2")
        return
    table = blank_table()
    table.add_column("run", no_wrap=True)
    table.add_column("problem", no_wrap=True)
    table.add_column("started (UTC)", no_wrap=True)
    table.add_column("ended by", no_wrap=True)
    table.add_column("evals", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    paid = any(row.replies for row in rows)
    if paid:
        table.add_column("USD", justify="right", no_wrap=True)
    for row in rows:
        started = row.started_at[:16].replace("T", " ")
        # The member tells more than the family, so a long name loses its beginning.
        problem = row.problem if len(row.problem) <= NAME_WIDTH else "…" + row.problem[1 - NAME_WIDTH :]
        cells = (row.id, problem, started)
        ended = row.stop_reason or row.status.value
        cost = [paid_text(row)] if paid else []
        table.add_row(*cells, ended, number(round(row.evaluations)), clock(row.seconds), *cost)
    show(table)
    if bare := [row.id for row in rows if UNSANDBOXED in row.sandboxes]:
        line(f"without a sandbox: {', '.join(bare)}", style="yellow")
