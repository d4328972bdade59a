"""`evolve compare`: policies of search at equal cost."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.cli.model_options import ApiBaseOption, ModelOption, YesOption
from evolve.cli.options import ArchiveOption, JsonOption, SandboxOption

if TYPE_CHECKING:
    from evolve.comparison.outcome import Comparison
    from evolve.comparison.watch import Watch


def compare(
    problem: Annotated[str, typer.Argument(metavar="PROBLEM", help="Name of a shipped problem, or its folder.")],
    policies: Annotated[
        list[str],
        typer.Option(metavar="A,B,C", help="Two or more, with options as in hill:samples=4; repeatable."),
    ],
    seeds: Annotated[int, typer.Option(metavar="N", help="Runs of each policy, with seeds S, S+1, ...")] = 10,
    seed: Annotated[int, typer.Option(metavar="S", help="The first seed.")] = 0,
    evaluations: Annotated[
        float | None, typer.Option(metavar="N", help="What each run may use. Default: the problem's.")
    ] = None,
    model: ModelOption = None,
    api_base: ApiBaseOption = None,
    usd: Annotated[float | None, typer.Option(metavar="X", help="Dollars that models may cost in each run.")] = None,
    yes: YesOption = False,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="A reduced size of the problem, such as compare.")
    ] = None,
    control: Annotated[
        str | None, typer.Option(metavar="P", help="The policy that others are compared with. Default: the first.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="START", help="seed or baselines. Default: the problem's.")
    ] = None,
    sandbox: SandboxOption = None,
    equivalence: Annotated[
        str,
        typer.Option(metavar="E", help="As in evolve run; with archive the runs share what they have computed."),
    ] = "off",
    workers: Annotated[
        int | None, typer.Option(metavar="W", help="Runs side by side. Default: one a core; one where times score.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Draw a picture too: .svg, .png or .pdf.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE where it exists.")] = False,
    archive: ArchiveOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare policies on PROBLEM: same seeds, same budget, differences with intervals.

    All runs are in the archive at once. After Ctrl-C, or a kill, the same command goes on where it was; more seeds or
    policies are added to what is there.
    """
    from evolve.cli.output import print_json, write_atomically
    from evolve.comparing import compare as compare_policies
    from evolve.display.text import line
    from evolve.plot import file_format

    if output is not None:
        file_format(output)
    with _saying_how_to_go_on(), _watching(quiet=as_json and not sys.stderr.isatty()) as watch:
        found = compare_policies(
            problem,
            policies,
            seeds=seeds,
            seed=seed,
            evaluations=evaluations,
            usd=usd,
            profile=profile,
            control=control,
            model=model or (),
            api_base=api_base,
            start=start,
            sandbox=sandbox,
            equivalence=equivalence,
            workers=workers,
            archive=archive,
            confirm=None if yes else _confirm,
            watch=watch,
            warn=lambda text: line(f"warning: {text}", style="yellow", stderr=True),
        )
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)
    if output is not None:
        write_atomically(output, lambda path: _draw(found, path), force=force)
        line(f"wrote {output}", stderr=as_json)


def _draw(found: Comparison, path: Path) -> None:
    found.plot(path)


def _print(found: Comparison) -> None:
    from textwrap import wrap

    from evolve.comparison.table import WIDTH, grids, sentences
    from evolve.display.grid import rich_table
    from evolve.display.text import duration, line, show

    for grid in grids(found):
        show(rich_table(grid))
    *said, notes = sentences(found)
    for sentence in said:
        for part in wrap(sentence, WIDTH):
            line(part)
    for part in wrap(notes, WIDTH):
        line(part, style="dim")
    line(f"{len(found.policies) * len(found.seeds)} runs in {found.archive}, {duration(found.seconds)}", style="dim")


def _confirm(words: str) -> bool:
    from evolve.core.errors import UsageError
    from evolve.display.text import line

    line(words, style="yellow", stderr=True)
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked whether that may be spent", "Add --yes.")
    return typer.confirm("Go on?", default=False, err=True)


@contextmanager
def _saying_how_to_go_on() -> Iterator[None]:
    """After Ctrl-C: what is committed stays, and the command that goes on."""
    from evolve.cli.app import INTERRUPTED
    from evolve.display.text import line

    try:
        yield
    except KeyboardInterrupt:
        line("stopped: the runs so far are kept", style="yellow", stderr=True)
        line(f"continue with: evolve {shlex.join(sys.argv[1:])}", style="yellow", stderr=True)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _watching(quiet: bool) -> Iterator[Watch]:
    """A bar that stays in place on a terminal's standard error, else a line now and then."""
    from evolve.comparison.watch import Bar, Lines
    from evolve.display.text import console

    if quiet:
        yield lambda stand: None
        return
    with Bar(console(stderr=True)) if console(stderr=True).is_terminal else Lines() as watch:
        yield watch
