"""`evolve sandbox build`, `list` and `clean`: the images that programs in Docker containers run in."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, JsonOption

if TYPE_CHECKING:
    from sandbox.docker.images import Image

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Build, list and remove the images of the Docker sandbox.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("build")
def build(
    problem: Annotated[
        str | None, typer.Argument(metavar="PROBLEM", help="A problem whose packages are wanted.", show_default=False)
    ] = None,
    package: Annotated[
        list[str] | None, typer.Option("--package", metavar="NAME", help="An installed package; may be repeated.")
    ] = None,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the image, unless it is there.

    It holds this machine's own interpreter and installed packages; nothing is pulled.
    """
    from evolve.cli.output import print_json
    from evolve.display.text import line
    from evolve.problem import load
    from sandbox.docker import images as docker_images
    from sandbox.docker.engine import Engine

    del archive  # accepted by every command; this one needs none
    names = (*(load(problem).packages if problem else ()), *(package or ()))
    with closing(Engine()) as engine:
        tag = docker_images.ensure(engine, names, lambda text: line(text, style="dim", stderr=True))
        (image,) = (one for one in docker_images.images(engine) if one.tag == tag)
    if as_json:
        print_json(image.to_json())
    else:
        line(f"{tag} is there ({_size(image)}); use it with: evolve run PROBLEM --sandbox docker")


@app.command("list")
def list_(archive: ArchiveOption = None, as_json: JsonOption = False) -> None:
    """List the images that were made here."""
    from evolve.cli.output import print_json
    from evolve.display.grid import blank_table
    from evolve.display.text import line, show
    from sandbox.docker import images as docker_images
    from sandbox.docker.engine import Engine

    del archive
    with closing(Engine()) as engine:
        images = docker_images.images(engine)
    if as_json:
        print_json([image.to_json() for image in images])
        return
    if not images:
        line("no images yet; the first run with --sandbox docker makes one, or: evolve sandbox build PROBLEM")
        return
    table = blank_table()
    for name in ("image", "python", "packages", "made (UTC)"):
        table.add_column(name, no_wrap=name != "packages")
    table.add_column("size", justify="right", no_wrap=True)
    for image in images:
        made = image.created[:16].replace("T", " ")
        table.add_row(image.tag, image.python, ", ".join(image.packages), made, _size(image))
    show(table)


@app.command("clean")
def clean(archive: ArchiveOption = None, as_json: JsonOption = False) -> None:
    """Remove what is not in use.

    Images that were made here, and containers that crashed runs left behind.
    """
    from evolve.cli.output import print_json
    from evolve.display.text import line
    from sandbox.docker import images as docker_images
    from sandbox.docker.engine import Engine

    del archive
    with closing(Engine()) as engine:
        left = engine.sweep()
        gone, kept = docker_images.clean(engine)
    if as_json:
        print_json({"removed": [one.tag for one in gone], "in_use": [one.tag for one in kept], "left_behind": left})
        return
    for image in gone:
        line(f"removed {image.tag} ({_size(image)})")
    for image in kept:
        line(f"kept {image.tag}: a container uses it")
    if left:
        line(f"removed {left} containers and unfinished images that crashed runs had left behind")
    if not (gone or kept or left):
        line("there was nothing of ours")


def _size(image: Image) -> str:
    return f"{image.size_bytes / 1e6:,.0f} MB"
