"""`evolve baselines`: what a problem's published programs reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, JsonOption, SandboxOption

if TYPE_CHECKING:
    from evolve.events import Event, Listener, ScoredProgram
    from evolve.problem import Problem


def baselines(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="Name of a shipped problem, or its folder.")],
    sandbox: SandboxOption = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the scores of the seed and baselines of PROBLEM, and the physical minimum where it is known."""
    from evolve.api import score_programs
    from evolve.cli.output import print_json, warn_of
    from evolve.cli.summary import scored_json
    from evolve.problem import load

    del archive  # accepted by every command; this one needs none
    loaded = load(problem)
    warn_of(sandbox)
    with _progress() as listener:
        seed, known, floor = score_programs(loaded, listener, sandbox)
    if as_json:
        rows = [("seed", seed), *(("baseline", one) for one in known), *([("floor", floor)] if floor else [])]
        print_json([{"kind": kind, **scored_json(one)} for kind, one in rows])
        return
    _print(loaded, seed, known, floor)


@contextmanager
def _progress() -> Iterator[Listener]:
    """What is going on, on the terminal's standard error, while programs are evaluated."""
    from rich.console import Console

    from evolve.display.progress import Progress

    progress = Progress()
    with Console(stderr=True).status("starting") as status:

        def listener(event: Event) -> None:
            progress.update(event)
            status.update(progress.preparing_text())

        yield listener


def _print(
    problem: Problem, seed: ScoredProgram, known: tuple[ScoredProgram, ...], floor: ScoredProgram | None
) -> None:
    from evolve.display.facts import NOT_SEPARATED
    from evolve.display.grid import blank_table
    from evolve.display.text import line, metric_text, show

    second = problem.objectives[-1]
    metrics = [one.metric for one in reversed(problem.objectives)]
    metrics += sorted(set(seed.metrics) - set(metrics))
    table = blank_table(problem.title)
    table.add_column("program", overflow="ellipsis", no_wrap=True, max_width=30)
    for metric in metrics[:4]:
        table.add_column(metric.replace("_", " "), justify="right")
    rows = sorted(known, key=lambda one: (second.cost(one.metrics[second.metric]), one.name))
    for one in (seed, *rows, *([floor] if floor else [])):
        style = "" if one in known else "dim"
        table.add_row(one.name, *(metric_text(name, one.metrics.get(name)) for name in metrics[:4]), style=style)
    show(table)
    if len(metrics) > 4:
        line(f"also, with --json: {', '.join(metrics[4:])}", style="dim")
    if not problem.separated:
        line("".join(NOT_SEPARATED))
