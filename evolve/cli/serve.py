"""`evolve serve` and `evolve publish`: the archive as web pages."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from evolve.cli.options import ArchiveOption, JsonOption


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; other machines then need the token.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(metavar="N", help="Port. Default: 8000, or the next one that is free.", show_default=False),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            envvar="EVOLVE_TOKEN",
            help="What readers must bring. Default with another --host: one is made and printed.",
            show_default=False,
            show_envvar=False,
        ),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the pages in a browser.")] = False,
    archive: ArchiveOption = None,
) -> None:
    """Show the archive as web pages, read-only and live, until Ctrl-C.

    Only this machine reaches them unless --host says otherwise. The token may also be given as EVOLVE_TOKEN, where a
    list of processes does not show it.
    """
    from evolve.cli.lookup import open_archive
    from evolve.display.text import line
    from evolve.web.serving import serve as serve_pages
    from evolve.web.serving import take_place

    with open_archive(archive) as opened:
        place = take_place(host, port, token)
        line(f"Evolve: {place.address}")
        serve_pages(opened, place, (lambda: _show(place.address)) if open_browser else lambda: None)


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write, such as site.")],
    programs: Annotated[
        int, typer.Option(metavar="N", help="Pages of so many programs; those of leaderboards and fronts first.")
    ] = 1000,
    force: Annotated[bool, typer.Option("--force", help="Replace DIR whatever is in it.")] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the pages of the archive to DIR, as files for a web space.

    Links are relative: it works under any address. A folder that this command made is replaced, whole or not at all.
    """
    from evolve.cli.lookup import open_archive
    from evolve.cli.output import print_json
    from evolve.cli.progress import progress_line
    from evolve.display.text import duration, line
    from evolve.web.site import publish as write_pages
    from evolve.web.text import visible

    with open_archive(archive) as opened, progress_line() as (progress, seconds):
        done = write_pages(opened, folder, force=force, programs=programs, progress=progress)
    if as_json:
        print_json({"folder": str(folder), **asdict(done), "seconds": seconds()})
        return
    for address in done.broken:
        line(f"warning: {visible(address)} could not be shown and was left out", style="yellow", stderr=True)
    left = f"; {done.left_out:,} others were left out: --programs" if done.left_out else ""
    size = f"{done.files:,} files, {done.bytes / 1e6:,.1f} MB"
    line(f"wrote {folder}: {size}, {done.programs:,} programs ({duration(seconds())}){left}")
    line(f"look at it: python -m http.server --directory {shlex.quote(str(folder))}", style="dim")


def _show(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
