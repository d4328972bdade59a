"""`evolve baselines`: what a problem's published programs reach."""

from __future__ import annotations

from typing import Annotated

import typer

from evolve.cli.options import ArchiveOption, JsonOption


def baselines(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="Name of a shipped problem, or its folder.")],
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the scores of the seed and baselines of PROBLEM."""
    from evolve.cli.output import metric_text, print_json, show
    from evolve.cli.summary import scored_json
    from evolve.cli.tables import blank_table
    from evolve.problem import load
    from evolve.run import score_programs

    del archive  # accepted by every command; this one needs none
    loaded = load(problem)
    seed, known = score_programs(loaded)
    if as_json:
        print_json([{"kind": "seed", **scored_json(seed)}, *({"kind": "baseline", **scored_json(b)} for b in known)])
        return
    second = loaded.objectives[-1]
    metrics = [one.metric for one in reversed(loaded.objectives)]
    metrics += sorted(set(seed.metrics) - set(metrics))
    table = blank_table(loaded.title)
    table.add_column("program", overflow="ellipsis", no_wrap=True, max_width=30)
    for metric in metrics[:4]:
        table.add_column(metric.replace("_", " "), justify="right")
    table.add_row("seed", *(metric_text(metric, seed.metrics.get(metric)) for metric in metrics[:4]), style="dim")
    for one in sorted(known, key=lambda one: (second.cost(one.metrics[second.metric]), one.name)):
        table.add_row(one.name, *(metric_text(metric, one.metrics.get(metric)) for metric in metrics[:4]))
    show(table)
