"""`evolve new`: a problem that runs as it is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.options import ArchiveOption, SandboxOption
from evolve.core.errors import UsageError

if TYPE_CHECKING:
    from evolve.scaffold import Created
    from evolve.wish import Wish


def new(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="The problem's name: a folder of it is made here.")],
    family: Annotated[
        str | None,
        typer.Option(
            metavar="F", help="Template: scheduling (default), policy, numeric or command.", show_default=False
        ),
    ] = None,
    program: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Wrap this program, in any language, instead.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(metavar="CMD", help="What runs it; it prints a number or JSON. {seed} stands for a seed."),
    ] = None,
    build: Annotated[str | None, typer.Option(metavar="CMD", help="What compiles it, not timed.")] = None,
    file: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Another file that the command needs; may be repeated.")
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder that the command may read, an absolute path; may be repeated."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="M", help="The number that counts: a key of its JSON, or wall_seconds, cpu_seconds."),
    ] = None,
    direction: Annotated[
        bool | None, typer.Option("--minimize/--maximize", help="Which way is better. Default: by the metric's name.")
    ] = None,
    sandbox: SandboxOption = None,
    archive: ArchiveOption = None,
) -> None:
    """Write a problem NAME that runs as it is, and say what to do next. Asks nothing.

    Without --program it is a copy of a template, with everything that a problem has. With --program and --run it
    wraps what is there already.
    """
    from evolve.scaffold import DEFAULT_FAMILY, create

    del archive  # accepted by every command; this one needs none
    if program is None:
        given: dict[str, object] = {
            "--run": run,
            "--build": build,
            "--metric": metric,
            "--minimize or --maximize": direction,
        }
        given |= {"--file": file or None, "--folder": folder or None, "--sandbox": sandbox}
        if wrong := [option for option, value in given.items() if value is not None]:
            raise UsageError(f"{wrong[0]} has no meaning without --program", "Name the program: --program FILE.")
        _say(create(name, family or DEFAULT_FAMILY), family or DEFAULT_FAMILY)
        return
    if family not in (None, "command"):
        raise UsageError(f"--family {family} has no meaning with --program", "Take it out.")
    if not run:
        command = shlex.quote(f"python3 {shlex.quote(program.name)}")
        raise UsageError("--program needs --run", f"Say what runs it: --run {command}")
    way = None if direction is None else ("minimize" if direction else "maximize")
    from evolve.wish import Wish

    files, folders = tuple(file or ()), tuple(folder or ())
    _wrap(name, Wish(program, run, build, files, metric, way, folders), sandbox)  # type: ignore[arg-type]


def _wrap(name: Path, wish: Wish, sandbox: str | None) -> None:
    from rich.console import Console

    from evolve.wrapping import wrap_command

    with Console(stderr=True).status("starting") as status:
        created = wrap_command(name, wish, status.update, sandbox)
    _say(created, "")
    if created.failed:
        raise typer.Exit(1)


def _say(created: Created, family: str) -> None:
    from evolve.display.text import line
    from evolve.scaffold import FAMILIES

    line(f"made {created.folder}/ with {', '.join(created.files)}")
    if family:
        line(f"from the template {family}: {FAMILIES[family]}")
    for note in created.notes:
        line(f"· {note}", style="yellow")
    line("")
    line("Next:", style="bold")
    place = shlex.quote(str(created.folder))
    if created.failed:
        line(f"  rm -r {place}           # then again; or mend program and problem.toml in the folder")
    line(f"  evolve check {place}     # can its score be trusted?")
    line(f"  evolve run {place}       # search")
    line(f"  {created.folder}/README.md says what to change")
