"""`evolve plot`: a run as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, RunArgument

if TYPE_CHECKING:
    from archive.store import Archive
    from evolve.plot import RunPicture


def plot(
    run: RunArgument = "last",
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write: .svg, .png or .pdf.")
    ] = Path("front.svg"),
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")] = False,
    archive: ArchiveOption = None,
) -> None:
    """Draw what RUN found against the baselines.

    Left the front, right how it was reached. The same run gives the same file.
    """
    from evolve.cli.lookup import open_archive
    from evolve.cli.output import line, write_atomically
    from evolve.plot import file_format, save

    file_format(output)
    with open_archive(archive) as opened:
        picture = _picture(opened, run)
    write_atomically(output, lambda path: save(picture, path), force=force)
    line(f"wrote {output}")


def _picture(archive: Archive, name: str) -> RunPicture:
    from archive.standing import standing
    from evolve.api import score_programs
    from evolve.cli.ladder import shown_objective
    from evolve.cli.lookup import front_of, problem_of
    from evolve.plot import RunPicture

    run = archive.run(name)
    problem = problem_of(run)
    seed, baselines, _ = score_programs(problem)
    records = list(archive.records(run.id))
    front = front_of(records, problem.objectives)
    history = []
    evaluations = 0.0
    for record in standing(records):
        evaluations += record.evaluations
        refused = record.promotion is not None and not record.promotion.accepted
        if record.verdict.status.scored and not refused:
            history.append((evaluations, record.verdict.metrics))
    shown = shown_objective(problem.objectives, [seed, *baselines, *front])
    title = f"{problem.title}: run {run.id}, {evaluations:,.0f} evaluations"
    return RunPicture(title, problem.objectives, shown, seed, baselines, tuple(front), tuple(history))
