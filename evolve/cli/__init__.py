"""The command line: it parses and calls. One file per group of commands."""

from __future__ import annotations


def main() -> None:
    """Entry point of the command `evolve`."""
    from evolve.cli.app import app

    app(prog_name="evolve")
