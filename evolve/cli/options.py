"""Arguments and options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

ArchiveOption = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="PATH|URL",
        help="File or SQLAlchemy URL of the archive. Default: EVOLVE_ARCHIVE, else .evolve/archive.db.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON with documented keys instead of tables.")]
SandboxOption = Annotated[
    str | None,
    typer.Option(
        "--sandbox",
        metavar="B",
        help="Where programs run: bubblewrap, docker, none, with options as in docker:runtime=runsc. "
        "Default: EVOLVE_SANDBOX, else bubblewrap on Linux and docker elsewhere.",
        show_default=False,
    ),
]
EquivalenceOption = Annotated[
    str | None,
    typer.Option(
        "--equivalence",
        metavar="E",
        help="Where a program computes the same as one before: off, again (the offline proposer tries again), run or "
        "archive (its score is taken over). Default: again, with models off.",
        show_default=False,
    ),
]
ProgramArgument = Annotated[
    str,
    typer.Argument(metavar="PROGRAM", help="Id of a program or its first characters; 'best': best of the last run."),
]
ShownArgument = Annotated[
    str,
    typer.Argument(
        metavar="PROGRAM|RUN", help="Id or its first characters; 'best': best program, 'last': the last run."
    ),
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Id of a run or its first characters; 'last': the last one.")
]
