"""`evolve plot`: a run as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, RunArgument

if TYPE_CHECKING:
    from archive.store import Archive
    from evolve.picture import RunPicture


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
    from evolve.cli.output import write_atomically
    from evolve.display.text import line
    from evolve.plot import file_format, save

    file_format(output)
    with open_archive(archive) as opened:
        picture = _picture(opened, run)
    write_atomically(output, lambda path: save(picture, path), force=force)
    line(f"wrote {output}")


def _picture(archive: Archive, name: str) -> RunPicture:
    from evolve.api import score_programs
    from evolve.cli.lookup import problem_of
    from evolve.picture import run_picture
    from evolve.told import TOLD, told_programs

    run = archive.run(name)
    problem = problem_of(run)
    if TOLD in run.config:  # only the caller can score, and has told
        seed, baselines = told_programs(problem, archive.records(run.id))
    else:
        seed, baselines, _ = score_programs(problem)
    return run_picture(archive, run.id, problem.title, problem.objectives, seed, baselines)
