"""`evolve serve` and `evolve publish`: the archive as web pages."""

from __future__ import annotations

from typing import Annotated

import typer

from evolve.cli.options import ArchiveOption


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


def _show(address: str) -> None:
    import webbrowser

    webbrowser.open(address)
